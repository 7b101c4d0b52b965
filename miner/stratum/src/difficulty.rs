//! How hard a share is: powers of two, so that a miner's floating-point number and our target are
//! the same number, whatever its rounding.

use serde_json::{Number, Value};
use std::cmp::Ordering;

/// A share difficulty, 2^k. Difficulty 1 is the target `00000000FFFF0000…` (2^32 hashes).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difficulty(i16);

impl Difficulty {
    /// 2^−24: 256 hashes.
    pub const LOWEST: Self = Self(-24);
    /// 2^128, which nobody will meet.
    pub const HIGHEST: Self = Self(128);

    /// 2^`exponent`, brought within [`Difficulty::LOWEST`] and [`Difficulty::HIGHEST`].
    #[must_use]
    pub fn power(exponent: i16) -> Self {
        Self(exponent).clamp(Self::LOWEST, Self::HIGHEST)
    }

    /// The highest difficulty that is at most `value`, within the bounds; none for what is not a
    /// positive number.
    #[must_use]
    pub fn at_most(value: f64) -> Option<Self> {
        if !value.is_finite() || value <= 0.0 {
            return None;
        }
        // IEEE 754: eleven bits of exponent, biased by 1023; a number too small for one is 0 here.
        // Reading a decimal may have lost the last place of a power of two, so there is some slack.
        let biased = i16::try_from((value.to_bits().saturating_add(8) >> 52) & 0x7ff).ok()?;
        Some(Self::power(biased.saturating_sub(1023)))
    }

    /// The highest difficulty whose shares are not harder than `target`, so that no block is
    /// thrown away for being too poor a share.
    #[must_use]
    pub fn not_above(target: &[u8; 32]) -> Self {
        let is_easy = |k: &i16| compare(&Self(*k).target(), target) != Ordering::Less;
        (Self::LOWEST.0..=Self::HIGHEST.0).rev().find(is_easy).map_or(Self::LOWEST, Self)
    }

    /// k of 2^k.
    #[must_use]
    pub const fn exponent(self) -> i16 {
        self.0
    }

    /// What a share's hash must not exceed: `0xFFFF · 2^(208 − k)`, 32 bytes little-endian.
    #[must_use]
    pub fn target(self) -> [u8; 32] {
        let shift = u16::try_from(208 - self.0).unwrap_or(0);
        let (at, bits) = (usize::from(shift / 8), shift % 8);
        let mut target = [0; 32];
        for (place, byte) in target.iter_mut().skip(at).zip((0xffff_u32 << bits).to_le_bytes()) {
            *place = byte;
        }
        target
    }

    /// Whether a hash, first byte first, meets it.
    #[must_use]
    pub fn is_met(self, hash: &[u8; 32]) -> bool {
        is_at_most(hash, &self.target())
    }

    /// The number in `mining.set_difficulty`: whole where it is.
    #[must_use]
    pub fn to_json(self) -> Value {
        if let Ok(k @ 0..=62) = u32::try_from(self.0) {
            return Value::from(1_u64 << k);
        }
        let biased = u64::try_from(i32::from(self.0) + 1023).unwrap_or(1023);
        Number::from_f64(f64::from_bits(biased << 52)).map_or(Value::Null, Value::Number)
    }
}

/// Whether a hash is at most `target`, both 256-bit numbers, little-endian.
#[must_use]
pub fn is_at_most(hash: &[u8; 32], target: &[u8; 32]) -> bool {
    compare(hash, target) != Ordering::Greater
}

fn compare(a: &[u8; 32], b: &[u8; 32]) -> Ordering {
    a.iter().rev().cmp(b.iter().rev())
}

#[cfg(test)]
#[allow(clippy::float_arithmetic)]
mod tests {
    use super::*;

    fn big_endian(difficulty: Difficulty) -> String {
        hex::encode(difficulty.target().into_iter().rev().collect::<Vec<_>>())
    }

    #[test]
    fn targets_are_what_miners_compute() {
        let tail = "0".repeat(48);
        assert_eq!(big_endian(Difficulty::power(0)), format!("00000000ffff0000{tail}"));
        // Half and twice of it, and a byte less: 2^-8.
        assert_eq!(big_endian(Difficulty::power(1)), format!("000000007fff8000{tail}"));
        assert_eq!(big_endian(Difficulty::power(-1)), format!("00000001fffe0000{tail}"));
        assert_eq!(big_endian(Difficulty::power(-8)), format!("000000ffff000000{tail}"));
        assert_eq!(big_endian(Difficulty::LOWEST), format!("00ffff0000000000{tail}"));
        // 2^128: sixteen bytes further down.
        let highest = format!("{}ffff{}", "0".repeat(40), "0".repeat(20));
        assert_eq!(big_endian(Difficulty::HIGHEST), highest);
    }

    #[test]
    fn suggestions_are_rounded_down_and_bounded() {
        let at_most = |value| Difficulty::at_most(value).map(Difficulty::exponent);
        assert_eq!(at_most(1.0), Some(0));
        assert_eq!(at_most(1023.9), Some(9));
        assert_eq!(at_most(1024.0), Some(10));
        assert_eq!(at_most(0.003), Some(-9), "2^-9 is 0.00195, 2^-8 is 0.0039");
        assert_eq!(at_most(1.0 - f64::EPSILON), Some(0), "a place lost in reading");
        assert_eq!(at_most(1.0 - 1e-9), Some(-1));
        assert_eq!(at_most(1e300), Some(128));
        assert_eq!(at_most(f64::MIN_POSITIVE / 4.0), Some(-24));
        for value in [0.0, -1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(at_most(value), None);
        }
    }

    #[test]
    fn no_block_is_harder_than_its_share() {
        for k in [-24, -8, 0, 5, 40] {
            let target = Difficulty::power(k).target();
            assert_eq!(Difficulty::not_above(&target).exponent(), k);
            let mut easier = target;
            easier[0] |= 1;
            assert_eq!(Difficulty::not_above(&easier).exponent(), (k - 1).max(-24));
        }
        assert_eq!(Difficulty::not_above(&[0xff; 32]), Difficulty::LOWEST);
        assert_eq!(Difficulty::not_above(&[0; 32]), Difficulty::HIGHEST);
    }

    #[test]
    fn numbers_are_exact() {
        assert_eq!(Difficulty::power(-8).to_json().to_string(), "0.00390625");
        assert_eq!(Difficulty::power(0).to_json().to_string(), "1");
        assert_eq!(Difficulty::power(20).to_json().to_string(), "1048576");
        assert_eq!(Difficulty::power(63).to_json().as_f64(), Some(9_223_372_036_854_775_808.0));
    }
}
