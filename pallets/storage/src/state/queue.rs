//! The challenge queue, the demands of a block, and what is counted over all placements.

use crate::params::MAX_DEMANDS;
use blocktree_primitives::{BoundedVec, Height, PlacementId};
use parity_scale_codec::{Decode, Encode};

/// Demands of one block, in order.
pub type DemandList = BoundedVec<PlacementId, MAX_DEMANDS>;

/// A challenge that waits for its answer (docs/protocol.md §8.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Challenge {
    /// Which placement.
    pub placement: PlacementId,
    /// The leaf to prove.
    pub leaf: u64,
    /// The block whose fold drew it.
    pub opened: Height,
    /// That block's context: median time of the 11 headers up to its parent, seconds since 1970.
    pub opened_median_time: u32,
}

/// Where the queue begins and ends. Answered challenges leave gaps between.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct QueueEnds {
    /// No challenge is before this position.
    pub first: u64,
    /// The position of the next challenge.
    pub next: u64,
}

/// What is stored in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Stored {
    /// N: live placements, and so the length of the dense array.
    pub placements: u64,
    /// Bytes of all live placements (B44).
    pub bytes: u128,
}
