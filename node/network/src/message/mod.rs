//! The messages of docs/protocol.md §12. Each goes over a stream of its own: a request one way, the
//! response back. Every list knows its bound, and bytes are counted before they are decoded.

#![allow(clippy::cast_possible_truncation)] // made by the derives of SCALE for variant indices

mod compact;

pub use compact::{Compact, SHORT_ID_LEN, ShortId, short_ids};

use blocktree_consensus::Work;
use blocktree_primitives::bounded::DecodeError;
use blocktree_primitives::{
    BlockHash, BoundedVec, Commitment, EventId, Header, Height, decode_exact,
};
use parity_scale_codec::{Decode, Encode};

/// Bytes of an encoded request at most: a compact block of 16,384 events takes
/// 1 + 224 + 4 + 6 · 16,384 = 98,533.
pub const MAX_REQUEST_LEN: usize = 100_000;
/// Bytes of an encoded response at most: room for two of the largest blocks.
pub const MAX_RESPONSE_LEN: usize = 4_194_304;
/// Hashes of a locator at most: enough for 2^64 blocks, each step back twice as long.
pub const MAX_LOCATOR: usize = 80;
/// Headers of an answer at most; fewer mean that there are no more.
pub const MAX_HEADERS: usize = 2_000;
/// Bodies asked for at once at most.
pub const MAX_BODIES: usize = 128;
/// Ids of events told or asked for at once at most.
pub const MAX_IDS: usize = 1_000;
/// Bytes of bodies or events after which an answer ends, the last one included whole.
pub const FULL_ANSWER: usize = 2_000_000;

/// What a node says of itself before anything else, and again when its tip moved and the block itself
/// is not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Hello {
    /// The hash of its genesis.
    pub genesis: BlockHash,
    /// The tip of its best chain.
    pub tip: BlockHash,
    /// That block's height: a claim.
    pub height: Height,
    /// The work of its best chain: a claim.
    pub total_work: Work,
}

/// What a node asks or tells.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Request {
    /// The greeting, and later news of the tip. Answer: [`Response::Hello`].
    #[codec(index = 0)]
    Hello(Hello),
    /// The headers of your best chain after the first of these hashes that is on it, or after genesis.
    /// Answer: [`Response::Headers`].
    #[codec(index = 1)]
    Headers {
        /// Hashes of blocks, newest first.
        locator: BoundedVec<BlockHash, MAX_LOCATOR>,
    },
    /// What these blocks hold. Answer: [`Response::Bodies`], of the first ones of them.
    #[codec(index = 2)]
    Bodies {
        /// Their hashes.
        hashes: BoundedVec<BlockHash, MAX_BODIES>,
    },
    /// My new tip. Answer: [`Response::Noted`].
    #[codec(index = 3)]
    Compact(Compact),
    /// Events of a block by their places. Answer: [`Response::Events`], in this order, all or the first
    /// ones; or [`Response::Unknown`].
    #[codec(index = 4)]
    BlockEvents {
        /// The block.
        block: BlockHash,
        /// Places among its events, from 0, ascending.
        indices: BoundedVec<u16, { blocktree_primitives::block::MAX_EVENTS }>,
    },
    /// These events wait in my pool. Answer: [`Response::Noted`].
    #[codec(index = 5)]
    Have {
        /// Their ids.
        ids: BoundedVec<EventId, MAX_IDS>,
    },
    /// Events that wait in your pool. Answer: [`Response::Events`]; those that no longer wait are left
    /// out, and so are the last ones of too many.
    #[codec(index = 6)]
    Events {
        /// Their ids.
        ids: BoundedVec<EventId, MAX_IDS>,
    },
}

/// What a node answers.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Response {
    /// The answerer's own state.
    #[codec(index = 0)]
    Hello(Hello),
    /// Headers in order; empty if there are none after the locator.
    #[codec(index = 1)]
    Headers(BoundedVec<Header, MAX_HEADERS>),
    /// What the first asked blocks hold: as many as are known and fit.
    #[codec(index = 2)]
    Bodies(BoundedVec<BlockBody, MAX_BODIES>),
    /// Encoded events.
    #[codec(index = 3)]
    Events(BoundedVec<EventBytes, { blocktree_primitives::block::MAX_EVENTS }>),
    /// Heard.
    #[codec(index = 4)]
    Noted,
    /// No such thing here.
    #[codec(index = 5)]
    Unknown,
}

/// What a header stands for. SCALE: `commitment 144 || Vec<u8>`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct BlockBody {
    /// What the header commits to.
    pub commitment: Commitment,
    /// The encoded events, as they are stored.
    pub events: BoundedVec<u8, { blocktree_primitives::block::MAX_BLOCK_LEN }>,
}

/// An encoded event.
pub type EventBytes = BoundedVec<u8, { blocktree_primitives::block::MAX_BLOCK_LEN }>;

impl Request {
    /// Decodes a request that takes up all of `bytes`.
    ///
    /// # Errors
    /// See [`DecodeError`]; more than [`MAX_REQUEST_LEN`] bytes are not looked at.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        decode_exact(bytes, MAX_REQUEST_LEN)
    }

    /// Its kind, for logs and metrics.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Hello(_) => "hello",
            Self::Headers { .. } => "headers",
            Self::Bodies { .. } => "bodies",
            Self::Compact(_) => "compact",
            Self::BlockEvents { .. } => "blockEvents",
            Self::Have { .. } => "have",
            Self::Events { .. } => "events",
        }
    }
}

impl Response {
    /// Decodes a response that takes up all of `bytes`.
    ///
    /// # Errors
    /// See [`DecodeError`]; more than [`MAX_RESPONSE_LEN`] bytes are not looked at.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        decode_exact(bytes, MAX_RESPONSE_LEN)
    }
}

#[cfg(test)]
mod tests;
