//! `chain_subscribeUpdates`: every step of the best chain, from a cursor on.

use super::context::Snapshot;
use super::{Api, chain, def};
use crate::error::{RpcError, interface};
use crate::registry::{Registry, SubscriptionNames};
use crate::subscriber::{Ended, Subscriber};
use crate::types::{HashHex, HeaderJson, UpdateJson, UpdateKind};
use blocktree_import::{Update, UpdatesError, updates_since};
use blocktree_primitives::{BlockHash, Event};
use blocktree_runtime::Call;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Parameters of `chain_subscribeUpdates`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CursorParams {
    /// The cursor of the last message that was seen, or the hash of any known block to begin
    /// after; what comes from now on if left out.
    #[serde(default)]
    cursor: Option<HashHex<BlockHash>>,
}

pub(super) fn register(registry: &mut Registry<Api>) {
    registry.subscription(
        def(
            "chain_subscribeUpdates",
            "Every block that joins or leaves the best chain, from a cursor on; nothing is missed.",
            10,
        ),
        SubscriptionNames {
            notification: "chain_updates",
            unsubscribe: "chain_unsubscribeUpdates",
        },
        |api: Arc<Api>, params: CursorParams| {
            let at = api.at_tip();
            let cursor = params.cursor.map_or(at.tip().hash, |cursor| cursor.0);
            if at.chain().header(&cursor)?.is_none() {
                return Err(UpdatesError::UnknownCursor(cursor).into());
            }
            Ok(move |subscriber| follow(api, cursor, subscriber))
        },
    );
}

impl From<UpdatesError> for RpcError {
    fn from(error: UpdatesError) -> Self {
        match error {
            UpdatesError::UnknownCursor(_) => {
                Self::refused(&interface::UNKNOWN_CURSOR, error.to_string())
            }
            UpdatesError::Fault(fault) => fault.into(),
        }
    }
}

/// Sends what comes after `cursor`, as fast as the subscriber reads, for as long as it stays.
async fn follow(
    api: Arc<Api>,
    mut cursor: BlockHash,
    subscriber: Subscriber<UpdateJson>,
) -> Result<(), Ended> {
    let mut tip = api.chain().watch_tip();
    loop {
        // Marked as seen before it is read, so that no change is missed.
        tip.borrow_and_update();
        loop {
            // Updates are long: of a connection's subscriptions, one at a time holds one.
            let _turn = subscriber.turn().await;
            let reading = Arc::clone(&api);
            let read = tokio::task::spawn_blocking(move || step(&reading, cursor)).await;
            let read = read.map_err(|_| RpcError::internal("the updates could not be read"))??;
            let Some(update) = read else {
                break;
            };
            subscriber.send(&update).await?;
            cursor = update.cursor.0;
        }
        if tip.changed().await.is_err() {
            return Err(RpcError::refused(&interface::STOPPING, "the node is stopping").into());
        }
    }
}

/// The next step from a cursor.
fn step(api: &Api, cursor: BlockHash) -> Result<Option<UpdateJson>, RpcError> {
    let at = api.at_tip();
    let updates = updates_since(at.reader(), cursor, 1)?;
    updates.first().map(|update| describe(api, &at, update)).transpose()
}

fn describe(api: &Api, at: &Snapshot, update: &Update) -> Result<UpdateJson, RpcError> {
    let (hash, kind) = match update {
        Update::Apply { block, .. } => (block, UpdateKind::Apply),
        Update::Revert { block, .. } => (block, UpdateKind::Revert),
    };
    let record = at.chain().known_header(hash)?;
    let body = chain::body(at, hash)?;
    let genesis = api.chain().genesis();
    let id = |encoded| Event::<Call>::id_of_encoded(encoded, &genesis).into();
    Ok(UpdateJson {
        cursor: update.cursor().into(),
        kind,
        header: HeaderJson::new(&record.header, &record.commitment, api.network()),
        events: body.events().iter().map(|event| id(event.encoded())).collect(),
        effects: match kind {
            UpdateKind::Apply => chain::effects(api, at, hash)?,
            UpdateKind::Revert => Vec::new(),
        },
    })
}
