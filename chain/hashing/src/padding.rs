//! The end of a message: its last bytes, the padding of FIPS 180-4 §5.1.1 and its
//! length, in one block or two.

use crate::{Block, State};

/// The last one or two blocks of a message.
#[derive(Clone, Copy)]
pub(crate) struct Tail {
    bytes: [u8; 128],
    blocks: usize,
}

impl Tail {
    pub(crate) const EMPTY: Self = Self { bytes: [0; 128], blocks: 0 };

    /// The tail of a message of `total` bytes that ends with `rest`: what is left
    /// after its whole blocks, so at most 63 bytes (more would be cut).
    #[inline]
    pub(crate) const fn new(rest: &[u8], total: u64) -> Self {
        let rest = if rest.len() < 64 { rest } else { rest.split_at(63).0 };
        let mut bytes = [0; 128];
        bytes.split_at_mut(rest.len()).0.copy_from_slice(rest);
        bytes[rest.len()] = 0x80;
        // 0x80 and the eight bytes of the length still fit after 55 bytes.
        let blocks = if rest.len() < 56 { 1 } else { 2 };
        // No slice holds 2^61 bytes, so the length in bits fits.
        let bits = total.wrapping_mul(8).to_be_bytes();
        let mut i = 0;
        while i < 8 {
            bytes[64 * blocks - 8 + i] = bits[i];
            i += 1;
        }
        Self { bytes, blocks }
    }

    /// The one or two blocks.
    #[inline]
    pub(crate) const fn blocks(&self) -> &[Block] {
        self.bytes.as_chunks::<64>().0.split_at(self.blocks).0
    }
}

/// The digest of a final state: its words, big-endian.
#[inline]
pub(crate) const fn digest(state: &State) -> crate::Digest {
    let mut out = [0; 32];
    let mut i = 0;
    while i < 8 {
        let word = state[i].to_be_bytes();
        out[4 * i] = word[0];
        out[4 * i + 1] = word[1];
        out[4 * i + 2] = word[2];
        out[4 * i + 3] = word[3];
        i += 1;
    }
    out
}
