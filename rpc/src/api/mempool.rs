//! `mempool_*`: what waits for a block.

use super::context::page_len;
use super::{Api, def};
use crate::error::RpcError;
use crate::params::NoParams;
use crate::registry::Registry;
use crate::types::system::{FeeRateJson, MempoolInfo};
use crate::types::{EventJson, HashHex};
use blocktree_primitives::EventId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Parameters of `mempool_content`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ContentParams {
    /// The cursor of the page before.
    #[serde(default)]
    cursor: Option<HashHex<EventId>>,
    /// Events of a page, 1 to 500; 100 if left out.
    #[serde(default)]
    limit: Option<u32>,
}

/// Answer of `mempool_content`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct MempoolContent {
    /// Waiting events, in the order of their ids.
    items: Vec<EventJson>,
    /// Where the next page begins; null on the last one.
    cursor: Option<HashHex<EventId>>,
}

pub(super) fn register(registry: &mut Registry<Api>) {
    registry.method(def("mempool_info", "How full this node's pool is.", 1), info);
    registry.blocking_method(
        def("mempool_content", "The events that wait in this node's pool.", 50),
        content,
    );
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn info(api: &Api, _: NoParams) -> Result<MempoolInfo, RpcError> {
    let (info, max_events, max_bytes) = {
        let pool = api.chain().pool();
        (pool.info(), pool.policy().max_events, pool.policy().max_bytes)
    };
    Ok(MempoolInfo {
        events: count(info.events),
        bytes: count(info.bytes),
        signers: count(info.signers),
        parked: count(info.parked),
        floor: FeeRateJson { fee: info.floor.fee().into(), weight: info.floor.weight() },
        max_events: count(max_events),
        max_bytes: count(max_bytes),
    })
}

fn content(api: &Api, params: ContentParams) -> Result<MempoolContent, RpcError> {
    /// Encoded bytes of a page, so that it fits an answer; at least one event is on each.
    const MAX_BYTES: usize = 2 << 20;
    let limit = page_len(params.limit)?;
    // Shared, not copied, so that the pool is not held while they are described.
    let (mut events, mut bytes, mut more) = (Vec::new(), 0usize, false);
    {
        let pool = api.chain().pool();
        let cursor = params.cursor.map(|cursor| cursor.0);
        for event in pool.content(cursor, limit.saturating_add(1)) {
            bytes = bytes.saturating_add(event.encoded().len());
            more = events.len() >= limit || (bytes > MAX_BYTES && !events.is_empty());
            if more {
                break;
            }
            events.push(event.clone());
        }
    }
    let cursor = events.last().filter(|_| more).map(|event| event.id().into());
    let network = api.network();
    let describe = |event: std::sync::Arc<blocktree_consensus::CheckedEvent<_>>| {
        EventJson::new(event.id(), event.event(), event.encoded(), event.weight(), network)
    };
    Ok(MempoolContent { items: events.into_iter().map(describe).collect(), cursor })
}
