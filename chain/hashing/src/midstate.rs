//! A beginning shared by many messages, compressed once.

use crate::padding::{Tail, digest};
use crate::portable::{START, compress_block, words_of};
use crate::{Block, Digest, Engine, State};

/// SHA-256 after a whole number of blocks: the place from which messages with a
/// common beginning go on.
///
/// Everything that makes a midstate is `const`, so that tags cost nothing at run time:
///
/// ```
/// use blocktree_hashing::Midstate;
///
/// const KEY: Midstate = Midstate::tagged("blocktree/key");
/// let path = KEY.hash(b"a logical key");
/// # let tag = blocktree_hashing::hash(b"blocktree/key");
/// # let whole = [&tag[..], &tag, b"a logical key"].concat();
/// # assert_eq!(path, blocktree_hashing::hash(&whole));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Midstate {
    pub(crate) state: State,
    /// Bytes compressed so far, a multiple of 64.
    pub(crate) absorbed: u64,
}

impl Midstate {
    /// Before the first byte of a message.
    pub const START: Self = Self { state: START, absorbed: 0 };

    /// After one block that all messages begin with.
    #[must_use]
    pub const fn new(first: &[u8; 64]) -> Self {
        Self::START.then(first)
    }

    /// After `SHA256(tag) || SHA256(tag)`, the beginning of every tagged hash
    /// (docs/protocol.md §2).
    #[must_use]
    pub const fn tagged(tag: &str) -> Self {
        let name = Self::START.const_hash(tag.as_bytes());
        let mut first = [0; 64];
        first.split_at_mut(32).0.copy_from_slice(&name);
        first.split_at_mut(32).1.copy_from_slice(&name);
        Self::new(&first)
    }

    /// SHA-256 of the beginning followed by `message`.
    #[must_use]
    pub fn hash(&self, message: &[u8]) -> Digest {
        Engine::detect().hash_from(self, message)
    }

    /// SHA-256 of the beginning followed by each of `messages`, of any lengths.
    ///
    /// # Panics
    ///
    /// If `out` is not as long as `messages`.
    pub fn hash_slices(&self, messages: &[&[u8]], out: &mut [Digest]) {
        Engine::detect().hash_slices_from(self, messages, out);
    }

    const fn then(self, block: &Block) -> Self {
        Self {
            state: compress_block(self.state, &words_of(block)),
            absorbed: self.absorbed.wrapping_add(64),
        }
    }

    /// [`Midstate::hash`] for the compiler.
    const fn const_hash(self, message: &[u8]) -> Digest {
        let (body, rest) = message.as_chunks::<64>();
        let tail = Tail::new(rest, self.absorbed.wrapping_add(message.len() as u64));
        let mut at = self;
        let mut i = 0;
        while i < body.len() {
            at = at.then(&body[i]);
            i += 1;
        }
        let blocks = tail.blocks();
        let mut i = 0;
        while i < blocks.len() {
            at = at.then(&blocks[i]);
            i += 1;
        }
        digest(&at.state)
    }
}
