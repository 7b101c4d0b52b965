//! The erasure codes: which fragments there can be, and how long they are
//! (docs/protocol.md §9.4).
//!
//! A payload is cut into stripes of k symbols; fragment i is symbol i of every stripe,
//! joined. No symbol depends on how many fragments there are in all, so a lost one is
//! replaced by one with a new id.

// The derived codec casts the explicit index.
#![allow(clippy::cast_possible_truncation)]

mod layout;
pub(crate) mod rateless;
pub(crate) mod reed_solomon;

use core::fmt;

use parity_scale_codec::{Decode, Encode, MaxEncodedLen};
use thiserror::Error;

pub use layout::{Layout, LayoutError, MAX_SYMBOL};
pub(crate) use {rateless::RaptorQ, reed_solomon::ReedSolomon};

/// Fragments of one tree block that are kept at a time, at most (docs/protocol.md §8.2).
pub const MAX_FRAGMENTS: u16 = 256;

/// Erasure codes, by the ids that offers and headers have (B58, L26).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, MaxEncodedLen,
)]
pub enum Codec {
    /// RaptorQ, RFC 6330. Any k fragments are enough with a probability of about 99 %, any
    /// k + 2 practically always.
    #[codec(index = 0)]
    RaptorQ,
    /// Reed-Solomon over GF(2^16): any k fragments are enough, always. The default
    /// (docs/decisions/008-erasure-code.md).
    #[default]
    #[codec(index = 1)]
    ReedSolomon,
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RaptorQ => "RaptorQ",
            Self::ReedSolomon => "Reed-Solomon",
        })
    }
}

/// A fragment's number in its tree block's code (B46).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, MaxEncodedLen,
)]
pub struct FragmentId(pub u32);

impl fmt::Display for FragmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fragment {}", self.0)
    }
}

/// Parameters that no code has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CodeError {
    /// k is 0, or above [`MAX_FRAGMENTS`].
    #[error("k is {0}, and has to be 1 to 256")]
    Threshold(u16),
    /// n is below k, or above [`MAX_FRAGMENTS`].
    #[error("n is {n}, and has to be {k} (k) to 256")]
    Count {
        /// Fragments that are enough.
        k: u16,
        /// Fragments to be kept.
        n: u16,
    },
    /// The code has no symbol of this number.
    #[error("{id} of a {codec} code that ends before {end}")]
    FragmentId {
        /// The id.
        id: FragmentId,
        /// The code.
        codec: Codec,
        /// The first id that does not exist.
        end: u32,
    },
}

/// A code with its threshold: k fragments are enough, 1 to 256.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    codec: Codec,
    k: u16,
}

impl Code {
    /// The code `codec` of which `k` fragments are enough.
    ///
    /// # Errors
    ///
    /// [`CodeError::Threshold`].
    pub const fn new(codec: Codec, k: u16) -> Result<Self, CodeError> {
        if k == 0 || k > MAX_FRAGMENTS {
            return Err(CodeError::Threshold(k));
        }
        Ok(Self { codec, k })
    }

    /// Which code.
    #[must_use]
    pub const fn codec(self) -> Codec {
        self.codec
    }

    /// Fragments that are enough, 1 to 256.
    #[must_use]
    pub const fn k(self) -> u16 {
        self.k
    }

    /// Checks the number of fragments that are to be kept.
    ///
    /// # Errors
    ///
    /// [`CodeError::Count`].
    pub const fn check_count(self, n: u16) -> Result<(), CodeError> {
        if n < self.k || n > MAX_FRAGMENTS {
            return Err(CodeError::Count { k: self.k, n });
        }
        Ok(())
    }

    /// The first fragment id that this code does not have: 2^24 for RaptorQ, 65,536 less
    /// the next power of two of k for Reed-Solomon.
    #[must_use]
    pub const fn end(self) -> u32 {
        match self.codec {
            Codec::RaptorQ => 1 << 24,
            // k is at most 256: no overflow.
            Codec::ReedSolomon => 65_536 - (self.k as u32).next_power_of_two(),
        }
    }

    /// Checks that the code has such a fragment.
    ///
    /// # Errors
    ///
    /// [`CodeError::FragmentId`].
    pub const fn check_id(self, id: FragmentId) -> Result<(), CodeError> {
        let end = self.end();
        if id.0 >= end {
            return Err(CodeError::FragmentId { id, codec: self.codec, end });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_that_no_code_has_are_refused() {
        for codec in [Codec::RaptorQ, Codec::ReedSolomon] {
            for k in [0, 257, u16::MAX] {
                assert_eq!(Code::new(codec, k), Err(CodeError::Threshold(k)));
            }
            let code = Code::new(codec, 10).unwrap();
            for n in [10, 11, 256] {
                assert_eq!(code.check_count(n), Ok(()));
            }
            for n in [0, 9, 257, u16::MAX] {
                assert_eq!(code.check_count(n), Err(CodeError::Count { k: 10, n }));
            }
        }
    }

    #[test]
    fn ids_end_where_the_codes_do() {
        // 2^24 encoding symbol ids in RFC 6330; 65,536 points less 16 for 10 originals.
        let cases = [
            (Codec::RaptorQ, 10, 16_777_216),
            (Codec::ReedSolomon, 1, 65_535),
            (Codec::ReedSolomon, 10, 65_520),
            (Codec::ReedSolomon, 256, 65_280),
        ];
        for (codec, k, end) in cases {
            let code = Code::new(codec, k).unwrap();
            assert_eq!(code.end(), end);
            assert_eq!(code.check_id(FragmentId(end - 1)), Ok(()));
            let id = FragmentId(end);
            assert_eq!(code.check_id(id), Err(CodeError::FragmentId { id, codec, end }));
        }
    }
}
