//! The search for a nonce: SHA-256d of the 80-byte header (docs/protocol.md §3).

use core::ops::RangeInclusive;

use crate::engine::WIDE;
use crate::padding::Tail;
use crate::portable::words_of;
use crate::{Digest, Engine, Midstate};

/// Where the nonce begins in the last sixteen bytes of a header: there it is word 3.
const NONCE: usize = 12;

/// A header whose nonces can be tried fast: its first 64 bytes are compressed once,
/// and several nonces go side by side.
#[derive(Clone, Copy, Debug)]
pub struct HeaderSearch {
    engine: Engine,
    midstate: Midstate,
    /// The last bytes of the header, the nonce among them.
    last: [u8; 16],
    /// The same as the words of a padded block.
    last_words: [u32; 16],
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
        let (mut first, mut last) = ([0; 64], [0; 16]);
        first.copy_from_slice(&header[..64]);
        last.copy_from_slice(&header[64..]);
        let last_words = words_of(&Tail::new(&last, 80).blocks()[0]);
        Self { engine, midstate: Midstate::new(&first), last, last_words }
    }

    /// The lowest nonce of `nonces` whose hash, read as a 256-bit little-endian number,
    /// is at most `target` (little-endian too); or none. A core tries some millions of
    /// nonces a second: callers that must be able to stop ask for short ranges.
    #[must_use]
    pub fn search(&self, nonces: RangeInclusive<u32>, target: &[u8; 32]) -> Option<u32> {
        // The most significant four bytes decide nearly always.
        let [.., a, b, c, d] = *target;
        let limit = u32::from_le_bytes([a, b, c, d]);
        let mut rest = nonces;
        while let Some(first) = rest.next() {
            // A range that ends within the group leaves its first nonce in the other places.
            let mut group = [first; WIDE];
            for (place, nonce) in group[1..].iter_mut().zip(&mut rest) {
                *place = nonce;
            }
            // The header is little-endian, a block's words are big-endian.
            let words = group.map(u32::swap_bytes);
            let tops = self.engine.twice(&self.midstate.state, &self.last_words, &words);
            for (nonce, top) in group.into_iter().zip(tops) {
                if top.swap_bytes() <= limit
                    && self.hash(nonce).iter().rev().le(target.iter().rev())
                {
                    return Some(nonce);
                }
            }
        }
        None
    }

    /// The hash of the header with `nonce`, first byte first.
    #[must_use]
    pub fn hash(&self, nonce: u32) -> Digest {
        let mut last = self.last;
        last[NONCE..].copy_from_slice(&nonce.to_le_bytes());
        self.engine.hash(&self.engine.hash_from(&self.midstate, &last))
    }
}
