//! Fee per weight, compared exactly.

use blocktree_consensus::{CheckedEvent, Weight};
use blocktree_primitives::Amount;
use core::cmp::Ordering;
use core::fmt;

/// So many base units for so much weight. Ordered as the fractions that they are: 2/4 equals 1/2.
#[derive(Clone, Copy, Debug)]
pub struct FeeRate {
    fee: Amount,
    weight: Weight,
}

impl FeeRate {
    /// `fee` base units for `weight` units of weight. No weight counts as a weight of 1.
    #[must_use]
    pub const fn new(fee: Amount, weight: Weight) -> Self {
        let weight = if weight == 0 { 1 } else { weight };
        Self { fee, weight }
    }

    /// What an event pays for its weight.
    #[must_use]
    pub const fn of<C>(event: &CheckedEvent<C>) -> Self {
        Self::new(event.event().fee, event.weight())
    }

    /// The base units.
    #[must_use]
    pub const fn fee(self) -> Amount {
        self.fee
    }

    /// The weight that they pay for, at least 1.
    #[must_use]
    pub const fn weight(self) -> Weight {
        self.weight
    }

    /// The fee at this rate for `weight`, rounded up; [`Amount::MAX`] if it does not fit.
    #[must_use]
    pub fn fee_for(self, weight: Weight) -> Amount {
        self.fee.mul_div_ceil(weight, self.weight).unwrap_or(Amount::MAX)
    }
}

impl Ord for FeeRate {
    fn cmp(&self, other: &Self) -> Ordering {
        let times = |fee: Amount, weight: Weight| u128::from(fee.units()) * u128::from(weight);
        times(self.fee, other.weight).cmp(&times(other.fee, self.weight))
    }
}

impl PartialOrd for FeeRate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for FeeRate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for FeeRate {}

/// As the fraction `fee/weight`.
impl fmt::Display for FeeRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.fee, self.weight)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(fee: u64, weight: u64) -> FeeRate {
        FeeRate::new(Amount::from_units(fee), weight)
    }

    #[test]
    fn rates_compare_as_fractions() {
        assert_eq!(rate(2, 4), rate(1, 2));
        assert!(rate(1, 3) < rate(1, 2));
        assert!(rate(0, 7) < rate(1, u64::MAX));
        assert_eq!(rate(0, 7), rate(0, 9));
        // Apart by 1 in 2^64: 64-bit floats call them equal, 64-bit products overflow.
        assert!(rate(u64::MAX - 1, u64::MAX) < rate(u64::MAX, u64::MAX));
        assert!(rate(u64::MAX, 1) > rate(u64::MAX - 1, 1));
        assert_eq!(rate(5, 0), rate(5, 1));
    }

    #[test]
    fn fees_round_up_and_saturate() {
        assert_eq!(rate(3, 2).fee_for(5).units(), 8, "7.5 rounded up");
        assert_eq!(rate(3, 2).fee_for(4).units(), 6);
        assert_eq!(rate(0, 1).fee_for(1_000).units(), 0);
        assert_eq!(rate(u64::MAX, 1).fee_for(2), Amount::MAX);
    }
}
