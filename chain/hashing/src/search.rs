//! The search for a nonce: SHA-256d of the 80-byte header (docs/protocol.md §3).

use core::ops::RangeInclusive;

use crate::engine::LANES;
use crate::padding::digest;
use crate::portable::{START, words_of};
use crate::{Block, Digest, Engine, Midstate, State};

/// Where the nonce stands among the words of a header's second block: bytes 76 to 79.
const NONCE_WORD: usize = 3;

/// A header whose nonces can be tried fast: its first 64 bytes are compressed once,
/// and four nonces go side by side.
#[derive(Clone, Copy, Debug)]
pub struct HeaderSearch {
    engine: Engine,
    midstate: State,
    /// The second block: the last 16 bytes, the nonce among them, and the padding.
    second: [u32; 16],
}

impl HeaderSearch {
    /// Prepares a header; its own nonce is of no importance.
    #[must_use]
    pub fn new(header: &[u8; 80]) -> Self {
        Self::with_engine(Engine::detect(), header)
    }

    /// [`HeaderSearch::new`] on a given engine.
    #[must_use]
    pub fn with_engine(engine: Engine, header: &[u8; 80]) -> Self {
        let (first, last) = header.split_first_chunk::<64>().unwrap_or((&[0; 64], &[]));
        let mut second: Block = [0; 64];
        second[..16].copy_from_slice(last);
        let mut second = words_of(&second);
        second[4] = 0x8000_0000;
        second[15] = 640; // 80 bytes in bits
        Self {
            engine,
            midstate: Midstate::new(first).state,
            second,
        }
    }

    /// The lowest nonce of `nonces` whose hash, read as a 256-bit little-endian number,
    /// is at most `target` (little-endian too); or none. A core tries some millions of
    /// nonces a second: callers that must be able to stop ask for short ranges.
    #[must_use]
    pub fn search(&self, nonces: RangeInclusive<u32>, target: &[u8; 32]) -> Option<u32> {
        let mut next = nonces;
        while let Some(first) = next.next() {
            let mut group = [first; LANES];
            // A range that ends within the group leaves its first nonce in the other places.
            for (place, nonce) in group[1..].iter_mut().zip(&mut next) {
                *place = nonce;
            }
            let found = group.into_iter().zip(self.hashes(group));
            for (nonce, state) in found {
                if meets(&state, target) {
                    return Some(nonce);
                }
            }
        }
        None
    }

    /// The hash of the header with `nonce`, first byte first.
    #[must_use]
    pub fn hash(&self, nonce: u32) -> Digest {
        let [state] = self.hashes([nonce]);
        digest(&state)
    }

    #[inline]
    fn hashes<const L: usize>(&self, nonces: [u32; L]) -> [State; L] {
        let mut blocks = [self.second; L];
        for (block, nonce) in blocks.iter_mut().zip(nonces) {
            // The header is little-endian, a block's words are big-endian.
            block[NONCE_WORD] = nonce.swap_bytes();
        }
        let mut states = [self.midstate; L];
        self.engine.compress_words(&mut states, &blocks);

        for (block, state) in blocks.iter_mut().zip(states) {
            *block = [0; 16];
            block[..8].copy_from_slice(&state);
            block[8] = 0x8000_0000;
            block[15] = 256; // 32 bytes in bits
        }
        let mut states = [START; L];
        self.engine.compress_words(&mut states, &blocks);
        states
    }
}

/// Whether a hash, as a little-endian number, is at most `target`.
#[inline]
fn meets(state: &State, target: &[u8; 32]) -> bool {
    // The most significant four bytes decide nearly always.
    let [.., a, b, c, d] = *target;
    state[7].swap_bytes() <= u32::from_le_bytes([a, b, c, d])
        && digest(state).iter().rev().le(target.iter().rev())
}
