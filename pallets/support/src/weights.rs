//! What events weigh on top of their encoded bytes (docs/protocol.md §4). A unit is the cost of
//! one encoded byte.

use blocktree_consensus::Weight;

/// Per signature within the event, the signer's own included.
pub const SIGNATURE: Weight = 100;
/// Per Merkle proof.
pub const PROOF: Weight = 50;
/// Per entry that the event adds to the global state for long.
pub const NEW_ENTRY: Weight = 100;
