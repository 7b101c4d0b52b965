//! Targets, their compact form in headers, and the work that meeting them takes
//! (docs/protocol.md §3.4). Which target a block must meet is `difficulty`'s matter.

use blocktree_primitives::BlockHash;
use core::fmt;
use parity_scale_codec::{Decode, Encode, EncodeLike, Error, Input, MaxEncodedLen, Output};
use primitive_types::U256;

/// The bit of the compact form that makes its number negative.
const SIGN: u32 = 0x0080_0000;

/// What a header's hash must not exceed, both read as 256-bit numbers. Never zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target(U256);

/// Why a header's `bits` are not a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// The sign bit is set and the number is not zero.
    #[error("the target is negative")]
    Negative,
    /// Does not fit 256 bits.
    #[error("the target does not fit 256 bits")]
    Overflow,
    /// Nothing hashes to less than zero.
    #[error("the target is zero")]
    Zero,
}

/// A compact number taken apart as Bitcoin's `SetCompact` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Expanded {
    /// The magnitude; without meaning when it overflows.
    value: U256,
    negative: bool,
    overflow: bool,
}

/// `bits` = exponent (top byte) and 23-bit mantissa in base 256, with a sign bit between.
fn expand(bits: u32) -> Expanded {
    let size = bits >> 24;
    let mantissa = bits & 0x007f_ffff;
    let (word, value) = if size <= 3 {
        let word = mantissa >> (8 * (3 - size));
        (word, U256::from(word))
    } else {
        (mantissa, U256::from(mantissa) << (8 * (size - 3)))
    };
    Expanded {
        value,
        negative: word != 0 && bits & SIGN != 0,
        overflow: word != 0
            && (size > 34 || (word > 0xff && size > 33) || (word > 0xffff && size > 32)),
    }
}

/// The compact form of a number, truncated to its 23 or 24 highest bits as Bitcoin's
/// `GetCompact` does.
fn compress(value: U256) -> u32 {
    let size = value.bits().div_ceil(8);
    let mantissa = if size <= 3 { value << (8 * (3 - size)) } else { value >> (8 * (size - 3)) };
    // Three bytes are left, so nothing is lost; `size` is at most 32.
    let (mut mantissa, mut size) = (mantissa.low_u32(), u32::try_from(size).unwrap_or(32));
    if mantissa & SIGN != 0 {
        mantissa >>= 8;
        size += 1;
    }
    (size << 24) | mantissa
}

impl Target {
    /// Reads a header's `bits`.
    ///
    /// # Errors
    /// See [`TargetError`].
    pub fn from_bits(bits: u32) -> Result<Self, TargetError> {
        let expanded = expand(bits);
        if expanded.negative {
            Err(TargetError::Negative)
        } else if expanded.overflow {
            Err(TargetError::Overflow)
        } else {
            Self::new(expanded.value).ok_or(TargetError::Zero)
        }
    }

    /// The target with this value, if it is not zero.
    #[must_use]
    pub fn new(value: U256) -> Option<Self> {
        (!value.is_zero()).then_some(Self(value))
    }

    /// The compact form, rounded down to what it can hold.
    #[must_use]
    pub fn to_bits(self) -> u32 {
        compress(self.0)
    }

    /// The value.
    #[must_use]
    pub const fn value(self) -> U256 {
        self.0
    }

    /// The 32 bytes, least significant first: a hash meets the target if, read so, it is not
    /// above.
    #[must_use]
    pub fn to_le_bytes(self) -> [u8; 32] {
        self.0.to_little_endian()
    }

    /// Whether a header with this hash meets the target.
    #[must_use]
    pub fn is_met_by(self, hash: &BlockHash) -> bool {
        U256::from_little_endian(&hash.0) <= self.0
    }

    /// The hashes that meeting the target takes on average: ⌊2²⁵⁶ / (target + 1)⌋.
    #[must_use]
    pub fn work(self) -> Work {
        // 2^256 does not fit, so ⌊(2^256 − (target + 1)) / (target + 1)⌋ + 1, and
        // 2^256 − 1 − target is the complement. A target of all ones has work 1.
        let work = match self.0.checked_add(U256::one()) {
            Some(divisor) => (!self.0 / divisor).saturating_add(U256::one()),
            None => U256::one(),
        };
        Work(work)
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:064x}", self.0)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:064x}", self.0)
    }
}

/// A number of hashes: of one header, or of a chain from genesis on. SCALE: 32 bytes,
/// little-endian. Shown as 64 hex digits, most significant first.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Work(U256);

impl Work {
    /// None.
    pub const ZERO: Self = Self(U256::zero());

    /// A number of hashes.
    #[must_use]
    pub fn from_hashes(hashes: impl Into<U256>) -> Self {
        Self(hashes.into())
    }

    /// The number of hashes.
    #[must_use]
    pub const fn hashes(self) -> U256 {
        self.0
    }

    /// The sum, if it fits.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The sum, at most 2²⁵⁶ − 1: a chain that anybody hashed never gets there.
    #[must_use]
    pub fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference, at least zero.
    #[must_use]
    pub fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// `times` times this work, at most 2²⁵⁶ − 1.
    #[must_use]
    pub fn saturating_mul(self, times: u64) -> Self {
        Self(self.0.saturating_mul(U256::from(times)))
    }

    /// The 32 bytes, least significant first.
    #[must_use]
    pub fn to_le_bytes(self) -> [u8; 32] {
        self.0.to_little_endian()
    }
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:064x}", self.0)
    }
}

impl fmt::Debug for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

impl Encode for Work {
    fn size_hint(&self) -> usize {
        32
    }
    fn encode_to<O: Output + ?Sized>(&self, dest: &mut O) {
        dest.write(&self.to_le_bytes());
    }
}

impl EncodeLike for Work {}

impl Decode for Work {
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        Ok(Self(U256::from_little_endian(&<[u8; 32]>::decode(input)?)))
    }
}

impl MaxEncodedLen for Work {
    fn max_encoded_len() -> usize {
        32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use blocktree_primitives::decode_exact;
    use proptest::prelude::*;

    fn number(text: &str) -> u32 {
        match text.strip_prefix("0x") {
            Some(hex) => u32::from_str_radix(hex, 16).unwrap(),
            None => text.parse().unwrap(),
        }
    }

    /// Bitcoin Core's own assertions (tests/vectors/nbits), every row and every column.
    #[test]
    fn bitcoins_compact_vectors() {
        let rows = include_str!("../../../tests/vectors/nbits/setcompact.csv");
        let mut seen = (0, 0, 0);
        for row in rows.lines().skip(1) {
            let fields: Vec<&str> = row.split(',').collect();
            let [bits, value, positive, negative_form, negative, overflow] = fields[..] else {
                panic!("six columns: {row}");
            };
            let bits = number(bits);
            let expanded = expand(bits);
            assert_eq!(expanded.negative.to_string(), negative, "{row}");
            assert_eq!(expanded.overflow.to_string(), overflow, "{row}");
            if !value.is_empty() {
                assert_eq!(format!("{:064x}", expanded.value), value, "{row}");
            }
            if !positive.is_empty() {
                assert_eq!(compress(expanded.value), number(positive), "{row}");
            }
            if !negative_form.is_empty() {
                assert_eq!(compress(expanded.value) | SIGN, number(negative_form), "{row}");
            }
            let target = Target::from_bits(bits);
            match (expanded.negative, expanded.overflow) {
                (true, _) => {
                    assert_eq!(target, Err(TargetError::Negative), "{row}");
                    seen.0 += 1;
                }
                (_, true) => {
                    assert_eq!(target, Err(TargetError::Overflow), "{row}");
                    seen.1 += 1;
                }
                _ if expanded.value.is_zero() => assert_eq!(target, Err(TargetError::Zero)),
                _ => {
                    assert_eq!(target.unwrap().value(), expanded.value);
                    seen.2 += 1;
                }
            }
        }
        assert_eq!(seen, (2, 1, 6), "20 rows: 11 zeros, 2 negative, 1 overflow, 6 targets");
    }

    #[test]
    fn the_edges_of_256_bits() {
        // 0x21 bytes with one significant byte just fit; one bit more does not.
        for (bits, expected) in [
            (0x2100_ffff, Ok(())),
            (0x2101_0000, Err(TargetError::Overflow)),
            (0x2200_00ff, Ok(())),
            (0x2200_0100, Err(TargetError::Overflow)),
            (0x2300_0001, Err(TargetError::Overflow)),
            (0x207f_ffff, Ok(())),
            (0x207f_ffff | SIGN, Err(TargetError::Negative)),
        ] {
            assert_eq!(Target::from_bits(bits).map(|_| ()), expected, "{bits:#x}");
        }
    }

    #[test]
    fn work_as_bitcoin_counts_it() {
        // Bitcoin's genesis: chainwork 0x100010001, a public constant.
        let genesis = Target::from_bits(0x1d00_ffff).unwrap();
        assert_eq!(genesis.work(), Work::from_hashes(0x1_0001_0001_u64));
        assert_eq!(genesis.to_bits(), 0x1d00_ffff);
        // Regtest: ⌊2^256 / (0x7fffff · 2^232 + 1)⌋ = 2.
        assert_eq!(Target::from_bits(0x207f_ffff).unwrap().work(), Work::from_hashes(2u64));
        assert_eq!(Target::new(U256::MAX).unwrap().work(), Work::from_hashes(1u64));
        // ⌊2^256 / 2⌋ = 2^255.
        assert_eq!(Target::new(U256::one()).unwrap().work(), Work(U256::one() << 255));
        assert_eq!(Target::new(U256::zero()), None);
    }

    #[test]
    fn a_hash_equal_to_the_target_meets_it() {
        let target = Target::from_bits(0x0101_0000).unwrap();
        let hash = |low: u8| {
            let mut bytes = [0; 32];
            bytes[0] = low;
            BlockHash(bytes)
        };
        assert_eq!(target.value(), U256::one());
        assert!(target.is_met_by(&hash(0)) && target.is_met_by(&hash(1)));
        assert!(!target.is_met_by(&hash(2)));
        assert_eq!(target.to_le_bytes()[0], 1);
    }

    proptest! {
        #[test]
        fn compact_forms_keep_23_bits_and_never_grow(bytes: [u8; 32], shift in 0usize..256) {
            let value = U256::from_little_endian(&bytes) >> shift;
            let Some(target) = Target::new(value) else { return Ok(()) };
            let again = Target::from_bits(target.to_bits()).unwrap();
            prop_assert!(again <= target);
            prop_assert_eq!(again.to_bits(), target.to_bits());
            // What is cut off is less than the last kept bit: at least 15 stay.
            let lost = target.value() - again.value();
            prop_assert!(lost.bits() + 15 <= value.bits().max(15));
        }

        #[test]
        fn work_is_encoded_in_32_bytes(bytes: [u8; 32]) {
            let work = decode_exact::<Work>(&bytes, 32).unwrap();
            prop_assert_eq!(work.encode(), bytes.to_vec());
        }
    }
}
