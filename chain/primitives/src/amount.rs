//! Amounts of blockcoin. An [`Amount`] has no `+`: every sum says what happens when it does
//! not fit.

use core::fmt;
use parity_scale_codec::{Decode, Encode, MaxEncodedLen};

/// Base units in one blockcoin (docs/protocol.md §2).
pub const UNITS_PER_COIN: u64 = 100_000_000;

/// A number of base units, 10^8 to one blockcoin. SCALE: u64, little-endian, 8 bytes.
#[derive(
    Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, MaxEncodedLen,
)]
pub struct Amount(u64);

/// A text that is not an amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseAmountError {
    /// Not digits with at most one point.
    #[error("not a decimal number of blockcoin such as 12 or 0.5")]
    NotANumber,
    /// More than eight digits after the point.
    #[error("blockcoin has 8 decimal places, not more")]
    TooPrecise,
    /// Does not fit 64 bits of base units.
    #[error("more blockcoin than can exist")]
    TooLarge,
}

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The largest amount that the type can hold.
    pub const MAX: Self = Self(u64::MAX);

    /// An amount of `units` base units.
    #[must_use]
    pub const fn from_units(units: u64) -> Self {
        Self(units)
    }

    /// The base units.
    #[must_use]
    pub const fn units(self) -> u64 {
        self.0
    }

    /// Whether this is nothing.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The sum, if it fits.
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(units) => Some(Self(units)),
            None => None,
        }
    }

    /// The difference, if not below zero.
    #[must_use]
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(units) => Some(Self(units)),
            None => None,
        }
    }

    /// `times` times this amount, if it fits.
    #[must_use]
    pub const fn checked_mul(self, times: u64) -> Option<Self> {
        match self.0.checked_mul(times) {
            Some(units) => Some(Self(units)),
            None => None,
        }
    }

    /// The sum of all, if it fits.
    #[must_use]
    pub fn sum(amounts: impl IntoIterator<Item = Self>) -> Option<Self> {
        amounts.into_iter().try_fold(Self::ZERO, Self::checked_add)
    }

    /// ⌊this · numerator / denominator⌋ with 128 bits between; `None` if the denominator is zero
    /// or the result does not fit.
    #[must_use]
    pub fn mul_div_floor(self, numerator: u64, denominator: u64) -> Option<Self> {
        let product = u128::from(self.0).checked_mul(u128::from(numerator))?;
        let quotient = product.checked_div(u128::from(denominator))?;
        u64::try_from(quotient).ok().map(Self)
    }

    /// ⌈this · numerator / denominator⌉ with 128 bits between; `None` if the denominator is zero
    /// or the result does not fit.
    #[must_use]
    pub fn mul_div_ceil(self, numerator: u64, denominator: u64) -> Option<Self> {
        if denominator == 0 {
            return None;
        }
        let product = u128::from(self.0).checked_mul(u128::from(numerator))?;
        u64::try_from(product.div_ceil(u128::from(denominator))).ok().map(Self)
    }

    /// Reads decimal blockcoin such as `12`, `0.5` or `3.00000001`.
    ///
    /// # Errors
    /// Says what is wrong with the text.
    pub fn parse_coins(text: &str) -> Result<Self, ParseAmountError> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(fraction) || text.ends_with('.') {
            return Err(ParseAmountError::NotANumber);
        }
        if fraction.len() > 8 {
            return Err(ParseAmountError::TooPrecise);
        }
        let number = |part: &str| part.parse::<u64>().map_err(|_| ParseAmountError::TooLarge);
        let coins = number(whole)?;
        let units = number(&format!("{fraction:0<8}"))?;
        coins
            .checked_mul(UNITS_PER_COIN)
            .and_then(|sum| sum.checked_add(units))
            .map(Self)
            .ok_or(ParseAmountError::TooLarge)
    }

    /// Decimal blockcoin for people: `12`, `0.5`.
    #[must_use]
    pub fn to_coins(self) -> String {
        let (whole, fraction) = (self.0 / UNITS_PER_COIN, self.0 % UNITS_PER_COIN);
        if fraction == 0 {
            return whole.to_string();
        }
        format!("{whole}.{fraction:08}").trim_end_matches('0').to_string()
    }
}

/// Decimal base units, as JSON-RPC shows amounts.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Debug for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coins_are_read_and_shown_exactly() {
        for (text, units) in [
            ("0", 0),
            ("1", 100_000_000),
            ("0.5", 50_000_000),
            ("3.00000001", 300_000_001),
            ("184467440737.09551615", u64::MAX),
        ] {
            let amount = Amount::parse_coins(text).unwrap();
            assert_eq!(amount.units(), units);
            assert_eq!(amount.to_coins(), text);
        }
    }

    #[test]
    fn bad_texts_are_refused_by_name() {
        use ParseAmountError::*;
        for (text, error) in [
            ("", NotANumber),
            ("-1", NotANumber),
            ("1.", NotANumber),
            (".5", NotANumber),
            ("1e3", NotANumber),
            ("1.2.3", NotANumber),
            ("0.000000001", TooPrecise),
            ("184467440737.09551616", TooLarge),
            ("99999999999999999999999", TooLarge),
        ] {
            assert_eq!(Amount::parse_coins(text), Err(error), "{text}");
        }
    }

    #[test]
    fn shares_round_as_named() {
        let ten = Amount::from_units(10);
        assert_eq!(ten.mul_div_floor(1, 3), Some(Amount::from_units(3)));
        assert_eq!(ten.mul_div_ceil(1, 3), Some(Amount::from_units(4)));
        assert_eq!(ten.mul_div_ceil(1, 0), None);
        assert_eq!(Amount::MAX.mul_div_floor(2, 1), None);
        assert_eq!(Amount::MAX.mul_div_floor(2, 2), Some(Amount::MAX));
    }
}
