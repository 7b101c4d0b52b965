//! What the miner is given, and what it gives back.

use blocktree_primitives::{Commitment, Header};
use std::time::Instant;

/// A block to search for. The miner varies `header.time`, `header.nonce` and
/// `commitment.extra_nonce`, and nothing else.
#[derive(Clone, Debug)]
pub struct Job {
    /// Tells jobs apart; a [`Solved`] carries it back.
    pub id: u64,
    /// The header, its `commitment` field to be recomputed for every extra nonce.
    pub header: Header,
    /// What the header commits to.
    pub commitment: Commitment,
    /// What the hash must not exceed, 32 bytes little-endian.
    pub target: [u8; 32],
    /// The earliest `header.time` that is valid: one second past the median time.
    pub min_time: u32,
    /// Not to be solved before this moment: how a development chain keeps its pace.
    pub not_before: Option<Instant>,
}

/// A header whose hash meets the job's target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Solved {
    /// The job it solves.
    pub job: u64,
    /// The header as hashed.
    pub header: Header,
    /// What it commits to, with the extra nonce that was used.
    pub commitment: Commitment,
}

/// Where work comes from and where solutions go. The node implements it.
pub trait WorkSource: Send + Sync + 'static {
    /// The number of the present job: changes whenever the work in hand is out of date (a new
    /// tip, or much better fees). Cheap: it is asked many times a second.
    fn generation(&self) -> u64;

    /// The present job; `None` while there is none (the node is starting or stopping).
    fn job(&self) -> Option<Job>;

    /// Takes a solution. The source changes the generation when it was accepted.
    fn submit(&self, solved: Solved);

    /// Seconds since 1970 by the node's clock.
    fn now(&self) -> u32;
}
