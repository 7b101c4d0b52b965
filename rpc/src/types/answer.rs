//! What answers have in common.

use super::HashHex;
use blocktree_primitives::{BlockHash, Height};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Something that was read from the global state after one block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "{T}AtTip")]
pub struct AtTip<T> {
    /// Height of the tip that it was read at.
    pub height: u64,
    /// Hash of that tip.
    pub block_hash: HashHex<BlockHash>,
    /// What was read.
    #[serde(flatten)]
    pub value: T,
}

/// Part of a list, read from the global state after one block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "{T}Page")]
pub struct Page<T> {
    /// Height of the tip that it was read at.
    pub height: u64,
    /// Hash of that tip.
    pub block_hash: HashHex<BlockHash>,
    /// The items, in an order that stays.
    pub items: Vec<T>,
    /// Where the next page begins; null on the last one.
    pub cursor: Option<String>,
}

impl<T> AtTip<T> {
    /// `value` as it was after the block at `height`.
    pub const fn new(height: Height, block: BlockHash, value: T) -> Self {
        Self { height: height.0, block_hash: HashHex(block), value }
    }
}
