//! How a payload is cut into stripes and symbols.

use thiserror::Error;

use super::Code;
use crate::segment::MAX_PAYLOAD;

/// Bytes of a symbol at most: a stripe of usual width stays in a core's cache.
pub const MAX_SYMBOL: usize = 32_768;

/// Symbols are multiples of this many bytes, which both codes' fast paths need.
const SYMBOL_UNIT: usize = 64;

/// A payload that is too long for one tree block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a payload of {size} bytes, at most {MAX_PAYLOAD} allowed")]
pub struct LayoutError {
    /// The payload's bytes.
    pub size: u64,
}

/// Where each byte of a payload goes: stripes of k symbols, all symbols of one length.
/// Follows from the payload's length and k alone, so there is nothing to be lied about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    k: usize,
    payload: usize,
    symbol: usize,
    stripes: usize,
}

impl Layout {
    /// The layout of `payload` bytes under `code`: ⌈payload/(k · 32,768)⌉ stripes, at least
    /// one, of symbols just long enough, in whole units of 64 bytes.
    ///
    /// # Errors
    ///
    /// [`LayoutError`]: above [`MAX_PAYLOAD`], before anything is computed.
    pub fn new(code: Code, payload: u64) -> Result<Self, LayoutError> {
        if payload > MAX_PAYLOAD {
            return Err(LayoutError { size: payload });
        }
        let payload = usize::try_from(payload).map_err(|_| LayoutError { size: payload })?;
        let k = usize::from(code.k());
        let stripes = payload.div_ceil(k * MAX_SYMBOL).max(1);
        let symbol = payload.div_ceil(k * stripes).max(1).next_multiple_of(SYMBOL_UNIT);
        Ok(Self { k, payload, symbol, stripes })
    }

    /// Fragments that are enough, and symbols of a stripe before coding.
    #[must_use]
    pub const fn k(self) -> usize {
        self.k
    }

    /// The payload's bytes, without padding.
    #[must_use]
    pub const fn payload(self) -> usize {
        self.payload
    }

    /// Bytes of each symbol: 64 to [`MAX_SYMBOL`], a multiple of 64.
    #[must_use]
    pub const fn symbol(self) -> usize {
        self.symbol
    }

    /// How many stripes, at least one.
    #[must_use]
    pub const fn stripes(self) -> usize {
        self.stripes
    }

    /// Bytes of a stripe before coding: k symbols.
    #[must_use]
    pub const fn stripe(self) -> usize {
        // Both factors come from a payload that is at most 513 MiB.
        self.k * self.symbol
    }

    /// Bytes of each fragment after its header: one symbol a stripe.
    #[must_use]
    pub const fn body(self) -> usize {
        self.stripes * self.symbol
    }

    /// Bytes of the payload with its padding.
    #[must_use]
    pub const fn padded(self) -> usize {
        self.stripes * self.stripe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Codec;

    #[test]
    fn layouts_by_hand() {
        // (k, payload, stripes, symbol)
        let cases = [
            // Nothing still has one symbol, so that every fragment has a body.
            (1, 0, 1, 64),
            (256, 17, 1, 64),
            // 655,360 / (10 · 32,768) = 2 exactly, and one byte more is a third stripe:
            // 655,361 / 30 = 21,845.4 -> 21,846 -> 342 · 64 = 21,888.
            (10, 655_360, 2, 32_768),
            (10, 655_361, 3, 21_888),
            // 32 MiB = 33,554,432; / 327,680 = 102.4 -> 103 stripes; / 1,030 = 32,577.1
            // -> 32,578 -> 510 · 64 = 32,640.
            (10, 33_554_432, 103, 32_640),
        ];
        for (k, payload, stripes, symbol) in cases {
            let code = Code::new(Codec::ReedSolomon, k).unwrap();
            let layout = Layout::new(code, payload).unwrap();
            assert_eq!((layout.stripes(), layout.symbol()), (stripes, symbol), "{k} {payload}");
            assert!(layout.padded() >= layout.payload());
            assert_eq!(layout.padded(), layout.body() * usize::from(k));
        }
        let code = Code::new(Codec::RaptorQ, 1).unwrap();
        for size in [MAX_PAYLOAD + 1, u64::MAX] {
            assert_eq!(Layout::new(code, size), Err(LayoutError { size }));
        }
        assert!(Layout::new(code, MAX_PAYLOAD).is_ok());
    }
}
