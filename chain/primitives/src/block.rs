//! Chain blocks: a header, what it commits to, and the events.

use crate::bounded::BoundedVec;
use crate::{BlockHash, Commitment, Event, Header, Height};
use parity_scale_codec::{Decode, Encode};

/// Events of one block at most. The weight limit of docs/protocol.md §4 is what binds: the
/// smallest event weighs more than 2,000,000 / 16,384 = 122, so no valid block has more.
pub const MAX_EVENTS: usize = 16_384;

/// Bytes of an encoded block at most: all events weigh at most 2,000,000 and weight counts every
/// encoded byte; header, commitment and the count come on top (80 + 144 + 4).
pub const MAX_BLOCK_LEN: usize = 2_000_000 + 228;

/// A chain block. SCALE: `header 80 || commitment 144 || events`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Block<C> {
    /// The proof of work.
    pub header: Header,
    /// What the header stands for.
    pub commitment: Commitment,
    /// The events, in the order in which they are folded.
    pub events: Events<C>,
}

/// The events of a block, bounded.
pub type Events<C> = BoundedVec<Event<C>, MAX_EVENTS>;

impl<C> Block<C> {
    /// The header's hash.
    #[must_use]
    pub fn hash(&self) -> BlockHash {
        self.header.hash()
    }

    /// The height that the commitment claims.
    #[must_use]
    pub fn height(&self) -> Height {
        self.commitment.height
    }
}
