//! `event_*`: handing in events, where they are, and that they are there.

use super::chain::body;
use super::context::Snapshot;
use super::{Api, def, dry_run};
use crate::error::{RpcError, interface};
use crate::refusal::name_of_drop;
use crate::registry::{Registry, SubscriptionNames};
use crate::subscriber::{Ended, Subscriber};
use crate::types::{
    Binary, EventInfo, EventJson, EventProof, EventStatusJson, FeeEstimate, HashHex, HeaderJson,
    PrincipalText,
};
use blocktree_consensus::{EncodedEvent, check_event, merkle};
use blocktree_import::EventLocation;
use blocktree_mempool::Status;
use blocktree_primitives::{
    Amount, BlockHash, EventId, Height, PublicKey, Signature, decode_exact,
};
use blocktree_runtime::{Call, Event};
use blocktree_service::EventStatus;
use blocktree_state::Fault;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// How often the status of an event is looked at between blocks.
const LOOK: Duration = Duration::from_secs(1);

/// Parameters of `event_submit`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct SubmitParams {
    /// The signed event, SCALE. By name also `scaleHex`.
    #[serde(alias = "scaleHex")]
    event_scale: Binary,
    /// Takes the event in though the state at the tip refuses it, because the chain may change
    /// before it is mined. If left out, such an event is refused by the name of the rule.
    #[serde(default)]
    wait: Option<bool>,
}

/// Parameters of methods about an event.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct IdParams {
    /// The event's id.
    id: HashHex<EventId>,
}

/// Parameters of `event_estimateFee`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct CallParams {
    /// The call, SCALE.
    call_scale: Binary,
}

/// Parameters of `event_nextNonce`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SignerParams {
    /// Whose.
    principal: PrincipalText,
}

pub(super) fn register(registry: &mut Registry<Api>) {
    registry.async_method(
        def(
            "event_submit",
            "Takes an event in and answers its id once it is on this node's disk.",
            4,
        ),
        |api, params: SubmitParams| async move { submit(&api, params).await },
    );
    registry.blocking_method(def("event_get", "An event and where it is.", 10), get);
    registry.method(def("event_status", "Where an event is.", 2), |api, params: IdParams| {
        status(api, &params.id.0)
    });
    registry.blocking_method(
        def("event_getProof", "Proof that an event is in a block of the best chain.", 20),
        proof,
    );
    registry.method(
        def("event_estimateFee", "What an event with a call weighs and costs at least.", 1),
        estimate_fee,
    );
    registry.method(
        def(
            "event_nextNonce",
            "The nonce for a principal's next event, those that wait in this node's pool counted.",
            1,
        ),
        |api, params: SignerParams| {
            let principal = api.principal(&params.principal)?;
            next_nonce(api, &api.at_tip(), &principal)
        },
    );
    registry.subscription(
        def("event_subscribeStatus", "Where an event is, now and after every change.", 10),
        SubscriptionNames { notification: "event_status", unsubscribe: "event_unsubscribeStatus" },
        |api: Arc<Api>, params: IdParams| {
            Ok(move |subscriber| follow(api, params.id.0, subscriber))
        },
    );
}

async fn submit(api: &Api, params: SubmitParams) -> Result<HashHex<EventId>, RpcError> {
    let chain = api.chain();
    let encoded = EncodedEvent::<Call>::decode(params.event_scale.0, chain.max_event_len())?;
    let event = check_event(&**chain.runtime(), &chain.genesis(), encoded)?;
    if params.wait != Some(true) {
        dry_run::try_event(api, &event)?;
    }
    Ok(chain.submit_checked(Arc::new(event)).await?.id.into())
}

/// The nonce for a principal's next event.
pub(super) fn next_nonce(
    api: &Api,
    at: &Snapshot,
    principal: &blocktree_primitives::Principal,
) -> Result<u64, RpcError> {
    let account = pallet_coin::accounts::get(&at.state(), principal)?;
    Ok(api.chain().pool().next_nonce(principal, account.nonce))
}

/// Where an event is.
fn status(api: &Api, id: &EventId) -> Result<EventStatusJson, RpcError> {
    Ok(match api.chain().event_status(id)? {
        EventStatus::InBlock { block, height, index, depth } => {
            EventStatusJson::InBlock { block_hash: block.into(), height: height.0, index, depth }
        }
        EventStatus::Waiting { waits_for, .. } => EventStatusJson::Waiting { waits_for },
        EventStatus::Dropped { reason } => {
            EventStatusJson::Dropped { rule: drop_rule(api, id), reason }
        }
        EventStatus::Unknown => EventStatusJson::Unknown {},
    })
}

/// The name of the reason for which an event left the pool.
fn drop_rule(api: &Api, id: &EventId) -> String {
    match api.chain().pool().status(id) {
        Some(Status::Dropped(dropped)) => name_of_drop(dropped).to_owned(),
        // It came back, or the reason was forgotten, a moment ago.
        _ => "dropped.Evicted".to_owned(),
    }
}

fn get(api: &Api, params: IdParams) -> Result<EventInfo, RpcError> {
    let id = params.id.0;
    let at = api.at_tip();
    if let Some(place) = at.chain().event(&id)? {
        let Mined { block, event, .. } = mined(&at, &id, place)?;
        let depth = at.tip().height.0.saturating_sub(place.height.0).saturating_add(1);
        let (height, index) = (place.height.0, place.index);
        let place = EventStatusJson::InBlock { block_hash: block.into(), height, index, depth };
        return Ok(EventInfo { event: describe(api, id, &event), place });
    }
    let waiting = api.chain().pool().get(&id).cloned();
    match waiting {
        Some(event) => {
            let network = api.network();
            let (encoded, weight) = (event.encoded(), event.weight());
            let event = EventJson::new(id, event.event(), encoded, weight, network);
            Ok(EventInfo { event, place: status(api, &id)? })
        }
        None => {
            let why = format!("event {id} is neither on the best chain nor in this node's pool");
            Err(RpcError::refused(&interface::NOT_FOUND, why))
        }
    }
}

fn describe(api: &Api, id: EventId, event: &EncodedEvent<Call>) -> EventJson {
    let weight = event.weight(&**api.chain().runtime());
    EventJson::new(id, event.event(), event.encoded(), weight, api.network())
}

/// An event where it stands on the best chain.
struct Mined {
    block: BlockHash,
    event: EncodedEvent<Call>,
    /// The leaves of the block's event root.
    leaves: Vec<[u8; 32]>,
}

fn mined(at: &Snapshot, id: &EventId, place: EventLocation) -> Result<Mined, RpcError> {
    let missing = || Fault::Corrupt(format!("event {id} is not where the index says"));
    let block = at.chain().canonical(place.height)?.ok_or_else(missing)?;
    let body = body(at, &block)?;
    let index = usize::try_from(place.index).unwrap_or(usize::MAX);
    let event = body.events().get(index).ok_or_else(missing)?.clone();
    Ok(Mined { block, event, leaves: body.leaves() })
}

fn proof(api: &Api, params: IdParams) -> Result<EventProof, RpcError> {
    let id = params.id.0;
    let at = api.at_tip();
    let Some(place) = at.chain().event(&id)? else {
        let why = format!("event {id} is not on the best chain");
        return Err(RpcError::refused(&interface::NOT_FOUND, why));
    };
    let Mined { block, event, leaves } = mined(&at, &id, place)?;
    let index = usize::try_from(place.index).unwrap_or(usize::MAX);
    let siblings = merkle::prove(&leaves, index)
        .ok_or_else(|| Fault::Bug("an event of a block without a leaf".into()))?;
    let record = at.chain().known_header(&block)?;
    Ok(EventProof {
        header: HeaderJson::new(&record.header, &record.commitment, api.network()),
        event_scale: Binary(event.encoded().to_vec()),
        index: place.index.into(),
        count: u64::try_from(leaves.len()).unwrap_or(u64::MAX),
        siblings: siblings.into_iter().map(Binary::from).collect(),
    })
}

fn estimate_fee(api: &Api, params: CallParams) -> Result<FeeEstimate, RpcError> {
    let call = decode_exact::<Call>(&params.call_scale.0, api.chain().max_event_len())?;
    // With an expiry, so that the estimate holds for both.
    let event = EncodedEvent::from(Event {
        signer: PublicKey([0; 32]),
        nonce: 0,
        fee: Amount::ZERO,
        valid_until: Some(Height(0)),
        call,
        signature: Signature([0; 64]),
    });
    let weight = event.weight(&**api.chain().runtime());
    Ok(FeeEstimate { weight, fee: api.chain().fee_for(weight).into() })
}

/// Sends an event's status when it changes.
async fn follow(
    api: Arc<Api>,
    id: EventId,
    subscriber: Subscriber<EventStatusJson>,
) -> Result<(), Ended> {
    let mut tip = api.chain().watch_tip();
    let mut last = None;
    loop {
        tip.borrow_and_update();
        let now = status(&api, &id)?;
        if last.as_ref() != Some(&now) {
            subscriber.send(&now).await?;
            last = Some(now);
        }
        // The pool tells nobody; blocks do.
        if let Ok(Err(_)) = tokio::time::timeout(LOOK, tip.changed()).await {
            return Err(RpcError::refused(&interface::STOPPING, "the node is stopping").into());
        }
    }
}
