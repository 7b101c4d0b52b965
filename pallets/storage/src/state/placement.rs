//! A placement's entry and its arithmetic.

// The derived codec casts the explicit index.
#![allow(clippy::cast_possible_truncation)]

use super::bug;
use blocktree_primitives::{Amount, FragmentRoot, Height, OfferId, Principal, Span};
use blocktree_state::Fault;
use parity_scale_codec::{Decode, Encode};

/// A fragment that a provider stores for an owner (docs/protocol.md §8.3) (B46).
///
/// Always: start ≤ last ≤ end, and end − last is a multiple of the period.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Placement {
    /// Who pays.
    pub owner: Principal,
    /// Who stores.
    pub provider: Principal,
    /// The offer.
    pub offer: OfferId,
    /// The fragment's number in the erasure code.
    pub fragment_id: u32,
    /// The fragment's Merkle root.
    pub root: FragmentRoot,
    /// Bytes of the fragment, at least 1.
    pub size: u64,
    /// Payment per period.
    pub payment: Amount,
    /// Blocks of a period, at least 1.
    pub period: Span,
    /// What the provider has at stake.
    pub collateral: Amount,
    /// Held by the owner for this entry; returned as recorded.
    pub deposit: Amount,
    /// The block of the placing.
    pub start: Height,
    /// Through here payments are settled: paid, forfeit or given back.
    pub last: Height,
    /// From here on the placement is matured.
    pub end: Height,
    /// 0 to 11; 12 ends the placement.
    pub score: u8,
    /// Drawing height of the last miss that counted.
    pub last_strike: Option<Height>,
    /// Drawing height of the last pass that counted.
    pub last_relief: Option<Height>,
    /// Place in the dense array.
    pub slot: u64,
    /// The challenge or demand that waits.
    pub pending: Pending,
    /// Held by the owner for a demand that is waiting or drawn; else nothing.
    pub demand_deposit: Amount,
    /// The owner's last demand.
    pub owner_demand: Option<Height>,
    /// The provider's last demand.
    pub provider_demand: Option<Height>,
    /// Whether the provider has used its one demand after the end.
    pub final_demand: bool,
}

/// What a placement waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Pending {
    /// Nothing.
    #[codec(index = 0)]
    Nothing,
    /// The next block draws it.
    #[codec(index = 1)]
    Demand,
    /// An answer to the challenge at this position of the queue.
    #[codec(index = 2)]
    Challenge(u64),
}

impl Placement {
    /// What the owner holds for payments to come: payment · (end − last) / period.
    ///
    /// # Errors
    /// [`Fault::Bug`] if the entry is not consistent.
    pub fn hold(&self) -> Result<Amount, Fault> {
        let periods = self
            .end
            .since(self.last)
            .and_then(|left| left.0.checked_div(self.period.0))
            .ok_or_else(|| bug("a placement is settled beyond its end"))?;
        self.price(periods)
    }

    /// Payment for this many periods.
    ///
    /// # Errors
    /// [`Fault::Bug`] if it does not fit: all of it was held once, so it must.
    pub fn price(&self, periods: u64) -> Result<Amount, Fault> {
        self.payment.checked_mul(periods).ok_or_else(|| bug("a placement's payments overflow"))
    }

    /// Whole periods from `last` to `through`, or to the end if that is before: what a claim
    /// through there pays. 0 if `through` is not after `last`.
    #[must_use]
    pub fn whole_periods(&self, through: Height) -> u64 {
        let unpaid = self.unsettled(through);
        unpaid.checked_div(self.period.0).unwrap_or(0)
    }

    /// Periods begun from `last` to `height`, or to the end if that is before: what a miss
    /// forfeits. 0 if `height` is not after `last`.
    #[must_use]
    pub fn begun_periods(&self, height: Height) -> u64 {
        let unpaid = self.unsettled(height);
        if self.period.0 == 0 {
            return 0;
        }
        unpaid.div_ceil(self.period.0)
    }

    fn unsettled(&self, through: Height) -> u64 {
        let to = through.min(self.end);
        to.since(self.last).unwrap_or_default().0
    }

    /// Settles this many periods: moves `last` and returns their price.
    ///
    /// # Errors
    /// [`Fault::Bug`] if the placement has fewer left.
    pub(crate) fn settle(&mut self, periods: u64) -> Result<Amount, Fault> {
        let last = self
            .period
            .checked_mul(periods)
            .and_then(|span| self.last.checked_add(span))
            .filter(|last| *last <= self.end)
            .ok_or_else(|| bug("a placement is settled beyond its end"))?;
        self.last = last;
        self.price(periods)
    }

    /// Whether its end has come at `height`.
    #[must_use]
    pub fn is_matured(&self, height: Height) -> bool {
        height >= self.end
    }

    /// Leaves of its Merkle tree, at least 1.
    #[must_use]
    pub fn leaves(&self) -> u64 {
        blocktree_fragments::leaf_count(self.size)
    }

    /// The position in the queue of its pending challenge.
    #[must_use]
    pub fn challenge(&self) -> Option<u64> {
        match self.pending {
            Pending::Challenge(position) => Some(position),
            Pending::Nothing | Pending::Demand => None,
        }
    }
}
