//! The coin's part of the chainspec.

use blocktree_primitives::{Amount, Height, Principal};
use parity_scale_codec::Encode;

/// Divisor of the mint pool: each block pays at most this part of it (docs/protocol.md §6).
pub const POOL_DIVISOR: u64 = 2016;

/// The coin's parameters, constant for a chain.
#[derive(Clone, Debug, PartialEq, Eq, Encode)]
pub struct Params {
    /// Free balance that an event must leave its signer, and that a new account must get.
    pub floor: Amount,
    /// Base subsidy of block 1.
    pub subsidy: Amount,
    /// Cap of the pool's payout of block 1; halves with the subsidy.
    pub pool_cap: Amount,
    /// Blocks between halvings; 0: no subsidy and no pool payout at all.
    pub halving_interval: u64,
    /// Balances of genesis; each principal once.
    pub genesis: Vec<(Principal, Amount)>,
}

/// Why parameters are refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParamsError {
    /// Genesis, all subsidies and all caps together could pass 2^63 base units.
    #[error("the supply could pass 2^63 base units")]
    SupplyTooLarge,
    /// A principal is listed twice in genesis.
    #[error("a principal is listed twice in genesis")]
    ListedTwice,
}

impl Params {
    /// ⌊start / 2^((h−1)/interval)⌋; nothing for genesis, for interval 0 and from the 64th
    /// halving on.
    fn halved(&self, start: Amount, height: Height) -> Amount {
        let Some(index) =
            height.0.checked_sub(1).and_then(|h| h.checked_div(self.halving_interval))
        else {
            return Amount::ZERO;
        };
        let shifted = u32::try_from(index).ok().and_then(|i| start.units().checked_shr(i));
        Amount::from_units(shifted.unwrap_or(0))
    }

    /// The base subsidy of the block at `height`.
    #[must_use]
    pub fn subsidy_at(&self, height: Height) -> Amount {
        self.halved(self.subsidy, height)
    }

    /// The most that the pool pays in the block at `height`.
    #[must_use]
    pub fn pool_cap_at(&self, height: Height) -> Amount {
        self.halved(self.pool_cap, height)
    }

    /// Refuses parameters with which the supply could pass 2^63 (docs/protocol.md §2).
    ///
    /// # Errors
    /// See [`ParamsError`].
    pub fn check(&self) -> Result<(), ParamsError> {
        let principals: std::collections::BTreeSet<_> =
            self.genesis.iter().map(|(principal, _)| principal).collect();
        if principals.len() != self.genesis.len() {
            return Err(ParamsError::ListedTwice);
        }
        let mut total: u128 = self.genesis.iter().map(|(_, a)| u128::from(a.units())).sum();
        for halving in 0..64u32 {
            let per_block = u128::from(self.subsidy.units() >> halving)
                .saturating_add(u128::from(self.pool_cap.units() >> halving));
            total =
                total.saturating_add(per_block.saturating_mul(u128::from(self.halving_interval)));
        }
        if total > 1 << 63 { Err(ParamsError::SupplyTooLarge) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(subsidy: u64, halving_interval: u64) -> Params {
        Params {
            floor: Amount::from_units(1),
            subsidy: Amount::from_units(subsidy),
            pool_cap: Amount::ZERO,
            halving_interval,
            genesis: vec![],
        }
    }

    #[test]
    fn the_subsidy_halves_after_each_interval_and_ends() {
        let params = params(1000, 10);
        for (height, units) in
            [(0, 0), (1, 1000), (10, 1000), (11, 500), (21, 250), (100, 1), (101, 0), (641, 0)]
        {
            // Height 100 has index 99/10 = 9: 1000 >> 9 = 1; height 101 has 10: 1000 >> 10 = 0.
            assert_eq!(params.subsidy_at(Height(height)).units(), units, "height {height}");
        }
        assert_eq!(params.subsidy_at(Height(u64::MAX)).units(), 0);
    }

    #[test]
    fn no_interval_means_no_subsidy() {
        assert_eq!(params(1000, 0).subsidy_at(Height(1)), Amount::ZERO);
    }

    #[test]
    fn a_supply_beyond_2_to_the_63_is_refused() {
        // 2^62 · 1 in the first interval of 1 block, 2^61 in the next, …: below 2^63 in all.
        assert_eq!(params(1 << 62, 1).check(), Ok(()));
        assert_eq!(params(1 << 62, 2).check(), Err(ParamsError::SupplyTooLarge));
        assert_eq!(params(u64::MAX, u64::MAX).check(), Err(ParamsError::SupplyTooLarge));
    }
}
