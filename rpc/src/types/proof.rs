//! Proofs in JSON. docs/rpc.md says byte by byte how to verify them.

use super::{Binary, HeaderJson};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Proof that a key of the global state has a value after a block, or that it has none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StateProof {
    /// The block; its `stateRoot` is what the proof leads to.
    pub header: HeaderJson,
    /// The logical key: map index, then the encoded key.
    pub key: Binary,
    /// The encoded value; null when there is none.
    pub value: Option<Binary>,
    /// The siblings from the leaf up, null for an empty subtree; 256 at most.
    pub siblings: Vec<Option<Binary>>,
    /// In a proof of absence, the leaf of another key that was met on the way; null when an empty
    /// subtree was met.
    pub other: Option<OtherLeaf>,
}

/// The leaf of another key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OtherLeaf {
    /// Its path: the tagged hash of its logical key.
    pub path: Binary,
    /// SHA-256 of its value.
    pub value_hash: Binary,
}

/// Proof that a leaf is in an RFC 6962 tree, beside the raw leaf.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InclusionProof {
    /// Position of the leaf, from 0.
    pub index: u64,
    /// Leaves of the tree.
    pub count: u64,
    /// The siblings from the leaf up, 32 bytes each.
    pub siblings: Vec<Binary>,
}
