//! Blocks, updates and the history in JSON.

use super::{Binary, EffectJson, EventJson, HashHex, HeaderJson};
use blocktree_primitives::{BlockHash, EventId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Block")]
pub struct BlockJson {
    /// The header with all that it commits to.
    pub header: HeaderJson,
    /// Whether it is on the best chain.
    pub canonical: bool,
    /// Work of all headers from genesis to this one, in hashes, a string of decimal digits.
    #[schemars(regex(pattern = r"^(0|[1-9][0-9]{0,77})$"))]
    pub total_work: String,
    /// Bytes of the encoded block.
    pub size: u64,
    /// What its events weigh together.
    pub weight: u64,
    /// Its events, in the order in which they were applied.
    pub events: Vec<EventJson>,
    /// What it did beyond what its events say; empty for a block that is not on the best chain.
    pub effects: Vec<EffectJson>,
}

/// A step of the best chain. Whoever keeps the cursor of the last message and subscribes with
/// it again misses nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Update")]
pub struct UpdateJson {
    /// Where the subscriber stands after this message: the block itself, or its parent.
    pub cursor: HashHex<BlockHash>,
    /// Whether the block joined the best chain or left it.
    pub kind: UpdateKind,
    /// The block.
    pub header: HeaderJson,
    /// The ids of its events, in their order.
    pub events: Vec<HashHex<EventId>>,
    /// What the block did beyond what its events say. Empty on `revert`: what its `apply` told
    /// holds no longer.
    pub effects: Vec<EffectJson>,
}

/// Which way the chain went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum UpdateKind {
    /// The block joined.
    Apply,
    /// The block left.
    Revert,
}

/// Proof that a header is an ancestor: its leaf is in the mountain range whose root a later
/// header commits to (docs/protocol.md §3.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "HistoryProof")]
pub struct HistoryProofJson {
    /// The later header; its `historyRoot` covers all headers below its height.
    pub header: HeaderJson,
    /// The ancestor.
    pub ancestor: HeaderJson,
    /// Work of all headers from genesis to the ancestor, in hashes: part of its leaf.
    #[schemars(regex(pattern = r"^(0|[1-9][0-9]{0,77})$"))]
    pub total_work: String,
    /// The siblings, in the order of docs/protocol.md §3.3.
    pub siblings: Vec<HistoryNode>,
}

/// A node of the history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HistoryNode {
    /// Its hash.
    pub hash: Binary,
    /// Work of the headers below it, in hashes, a string of decimal digits.
    #[schemars(regex(pattern = r"^(0|[1-9][0-9]{0,77})$"))]
    pub work: String,
}
