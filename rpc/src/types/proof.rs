//! Proofs in JSON. docs/rpc.md says byte by byte how to verify them.

use super::{Binary, HeaderJson};
use blocktree_state::auth::Proof;
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

impl StateProof {
    /// A proof under the state root of `header`.
    #[must_use]
    pub fn new(header: HeaderJson, proof: &Proof) -> Self {
        Self {
            header,
            key: Binary(proof.key.to_vec()),
            value: proof.value.as_ref().map(|value| Binary(value.to_vec())),
            siblings: proof.siblings.iter().map(|s| s.map(Binary::from)).collect(),
            other: proof.other.map(|other| OtherLeaf {
                path: other.path.into(),
                value_hash: other.value_hash.into(),
            }),
        }
    }
}
