//! `chain_*`: headers, blocks, and that a header is an ancestor.

use super::context::Snapshot;
use super::{Api, def};
use crate::error::{RpcError, interface};
use crate::params::NoParams;
use crate::registry::Registry;
use crate::types::{
    Binary, BlockJson, EffectJson, EventJson, HashHex, HeaderJson, HistoryNode, HistoryProofJson,
};
use blocktree_consensus::{Body, history};
use blocktree_import::HeaderRecord;
use blocktree_primitives::header::{COMMITMENT_LEN, HEADER_LEN};
use blocktree_primitives::{BlockHash, Event, Height};
use blocktree_runtime::{Call, Effect};
use blocktree_state::Fault;
use parity_scale_codec::Decode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A block by its hash or its height.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a block is a height or a hash of 64 lower-case hex digits")]
pub(super) enum BlockRef {
    /// Of the best chain.
    Height(u64),
    /// On any branch.
    Hash(HashHex<BlockHash>),
}

/// Parameters of methods about a block.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct BlockParams {
    /// The block's hash, or its height on the best chain; the tip if left out. By name also
    /// `hash` or `height`.
    #[serde(default, alias = "hash", alias = "height")]
    block: Option<BlockRef>,
}

/// Parameters of methods about a height.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct HeightParams {
    /// The height on the best chain.
    height: u64,
}

pub(super) fn register(registry: &mut Registry<Api>) {
    registry.method(def("chain_getTip", "The header of the best block.", 1), tip);
    registry.method(def("chain_getHeader", "A header with all that it commits to.", 1), header);
    registry.blocking_method(def("chain_getBlock", "A whole block.", 50), block);
    registry.method(
        def("chain_getBlockHash", "The hash of the best chain's block at a height.", 1),
        block_hash,
    );
    registry.method(
        def(
            "chain_getHistoryProof",
            "Proof that the header at a height is an ancestor of the tip.",
            5,
        ),
        history_proof,
    );
}

fn tip(api: &Api, _: NoParams) -> Result<HeaderJson, RpcError> {
    Ok(api.at_tip().tip_header(api.network())?)
}

fn header(api: &Api, params: BlockParams) -> Result<HeaderJson, RpcError> {
    let (_, record) = find(&api.at_tip(), params.block)?;
    Ok(HeaderJson::new(&record.header, &record.commitment, api.network()))
}

fn block_hash(api: &Api, params: HeightParams) -> Result<HashHex<BlockHash>, RpcError> {
    Ok(canonical(&api.at_tip(), params.height)?.into())
}

fn canonical(at: &Snapshot, height: u64) -> Result<BlockHash, RpcError> {
    let missing = || {
        let tip = at.tip().height;
        RpcError::refused(
            &interface::NOT_FOUND,
            format!("there is no block at height {height}, the tip is at {tip}"),
        )
    };
    at.chain().canonical(Height(height))?.ok_or_else(missing)
}

fn find(at: &Snapshot, block: Option<BlockRef>) -> Result<(BlockHash, HeaderRecord), RpcError> {
    let hash = match block {
        None => at.tip().hash,
        Some(BlockRef::Height(height)) => canonical(at, height)?,
        Some(BlockRef::Hash(hash)) => hash.0,
    };
    let missing = || RpcError::refused(&interface::NOT_FOUND, format!("block {hash} is not known"));
    Ok((hash, at.chain().header(&hash)?.ok_or_else(missing)?))
}

/// The events of a stored block.
pub(super) fn body(at: &Snapshot, hash: &BlockHash) -> Result<Body<Call>, RpcError> {
    let missing =
        || RpcError::refused(&interface::NOT_FOUND, format!("the events of {hash} are not kept"));
    let bytes = at.chain().body(hash)?.ok_or_else(missing)?;
    let body = Body::decode(&bytes);
    Ok(body.map_err(|error| Fault::Corrupt(format!("the body of {hash}: {error}")))?)
}

/// What a block of the best chain did beyond what its events say.
pub(super) fn effects(
    api: &Api,
    at: &Snapshot,
    hash: &BlockHash,
) -> Result<Vec<EffectJson>, RpcError> {
    let Some(bytes) = at.chain().effects(hash)? else { return Ok(Vec::new()) };
    let effects = Vec::<Effect>::decode(&mut &*bytes)
        .map_err(|error| Fault::Corrupt(format!("the effects of {hash}: {error}")))?;
    Ok(effects.iter().map(|effect| EffectJson::new(effect, api.network())).collect())
}

fn block(api: &Api, params: BlockParams) -> Result<BlockJson, RpcError> {
    let at = api.at_tip();
    let (hash, record) = find(&at, params.block)?;
    let body = body(&at, &hash)?;
    let runtime = api.chain().runtime();
    let (genesis, network) = (api.chain().genesis(), api.network());
    let events: Vec<EventJson> = body
        .events()
        .iter()
        .map(|event| {
            let id = Event::<Call>::id_of_encoded(event.encoded(), &genesis);
            let weight = event.weight(&**runtime);
            EventJson::new(id, event.event(), event.encoded(), weight, network)
        })
        .collect();
    let size = HEADER_LEN + COMMITMENT_LEN + body.encoded().len();
    Ok(BlockJson {
        header: HeaderJson::new(&record.header, &record.commitment, network),
        canonical: at.chain().is_canonical(&hash, record.height())?,
        total_work: record.total_work.hashes().to_string(),
        size: u64::try_from(size).unwrap_or(u64::MAX),
        weight: events.iter().map(|event| event.weight).sum(),
        events,
        effects: effects(api, &at, &hash)?,
    })
}

fn history_proof(api: &Api, params: HeightParams) -> Result<HistoryProofJson, RpcError> {
    let at = api.at_tip();
    let tip = at.tip().height;
    if params.height >= tip.0 {
        let why = format!("the tip at height {tip} proves headers below it only");
        return Err(RpcError::refused(&interface::NOT_FOUND, why));
    }
    let chain = at.chain();
    let ancestor = chain.known_header(&canonical(&at, params.height)?)?;
    let proof =
        history::prove(Height(params.height), tip.0, |position| chain.history_node(position))?
            .ok_or_else(|| Fault::Bug("a header below the tip is not in its history".into()))?;
    let network = api.network();
    Ok(HistoryProofJson {
        header: at.tip_header(network)?,
        ancestor: HeaderJson::new(&ancestor.header, &ancestor.commitment, network),
        total_work: ancestor.total_work.hashes().to_string(),
        siblings: proof
            .siblings
            .iter()
            .map(|node| HistoryNode {
                hash: Binary::from(node.hash),
                work: node.work.hashes().to_string(),
            })
            .collect(),
    })
}
