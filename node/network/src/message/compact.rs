//! A block told by short ids of its events, most of which the other side has (docs/protocol.md §12.3).

use blocktree_primitives::block::MAX_EVENTS;
use blocktree_primitives::{BlockHash, BoundedVec, Commitment, Header};
use parity_scale_codec::{Decode, Encode};

/// Bytes of a short id.
pub const SHORT_ID_LEN: usize = 6;

/// The first bytes of `SHA-256(block hash || leaf)`, the leaf being the one of the event root, so that
/// it stands for the very bytes of the event, its signature included; and whoever wants two events to
/// share one must pay the proof of work of a block for each try.
pub type ShortId = [u8; SHORT_ID_LEN];

/// A block without its events. SCALE: `header 80 || commitment 144 || Vec<[u8; 6]>`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Compact {
    /// The header.
    pub header: Header,
    /// What it commits to.
    pub commitment: Commitment,
    /// Its events in order.
    pub ids: BoundedVec<ShortId, MAX_EVENTS>,
}

/// The short ids of events with these leaves in a block.
#[must_use]
pub fn short_ids(block: &BlockHash, leaves: &[[u8; 32]]) -> Vec<ShortId> {
    let join = |leaf: &[u8; 32]| {
        let mut message = [0; 64];
        message[..32].copy_from_slice(&block.0);
        message[32..].copy_from_slice(leaf);
        message
    };
    let messages: Vec<[u8; 64]> = leaves.iter().map(join).collect();
    let mut hashes = vec![[0; 32]; messages.len()];
    blocktree_hashing::hash_many(&messages, &mut hashes);
    let first = |hash: &[u8; 32]| [hash[0], hash[1], hash[2], hash[3], hash[4], hash[5]];
    hashes.iter().map(first).collect()
}
