//! How much coin there is, and the pool from which new coin is paid (docs/protocol.md §6).

use crate::params::{POOL_DIVISOR, Params};
use blocktree_primitives::{Amount, Height};
use blocktree_state::{Cell, Fault, Overlay, View};
use pallet_support::maps;
use parity_scale_codec::{Decode, Encode};

/// The supply counters.
pub const SUPPLY: Cell<Supply> = Cell::new(maps::SUPPLY);

/// Where all coin came from and went: supply = genesis + subsidies + pool payouts − burned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Supply {
    /// Credited at genesis.
    pub genesis: Amount,
    /// Base subsidies since.
    pub subsidies: Amount,
    /// Pool payouts since.
    pub pool_payouts: Amount,
    /// Burned since, for whatever reason.
    pub burned: Amount,
    /// The mint pool: what may still be minted for storage that was paid. Not part of supply.
    pub pool: Amount,
    /// What the present block's events added to the pool; joins it at the block's end, so that
    /// a payout depends on the pool at the block's start alone. Nothing between blocks.
    pub pool_added: Amount,
}

impl Supply {
    /// What there is.
    #[must_use]
    pub fn total(&self) -> Option<Amount> {
        self.genesis
            .checked_add(self.subsidies)?
            .checked_add(self.pool_payouts)?
            .checked_sub(self.burned)
    }

    /// The supply counters of a state.
    ///
    /// # Errors
    /// A [`Fault`] only.
    pub fn get(view: &dyn View) -> Result<Self, Fault> {
        SUPPLY.get(view)
    }
}

/// Counts up a field. The bound on the chainspec (supply below 2^63) keeps sums in range, so a
/// failure is a bug of ours.
pub(crate) fn count(field: &mut Amount, by: Amount) -> Result<(), Fault> {
    *field =
        field.checked_add(by).ok_or_else(|| Fault::Bug("a supply counter overflows".into()))?;
    Ok(())
}

/// Takes the payout of the block at `height` out of the pool, then lets join what the block's
/// events added: payout = min(⌊pool at block start / 2016⌋, cap(h)) (B43, B44).
///
/// # Errors
/// A [`Fault`] only.
pub fn pay_from_pool(
    state: &mut Overlay<'_>,
    params: &Params,
    height: Height,
) -> Result<Amount, Fault> {
    let mut supply = SUPPLY.get(state)?;
    let share = supply.pool.mul_div_floor(1, POOL_DIVISOR).unwrap_or(Amount::ZERO);
    let payout = share.min(params.pool_cap_at(height));
    supply.pool = supply
        .pool
        .checked_sub(payout)
        .ok_or_else(|| Fault::Bug("a share of the pool is more than the pool".into()))?;
    let added = core::mem::take(&mut supply.pool_added);
    count(&mut supply.pool, added)?;
    count(&mut supply.pool_payouts, payout)?;
    SUPPLY.put(state, &supply)?;
    Ok(payout)
}
