//! What storage did, so that a provider, an owner or an auditor can follow the ledger by its
//! effects alone.

// The derived codec casts the explicit index.
#![allow(clippy::cast_possible_truncation)]

use blocktree_primitives::{Amount, BlockPath, Height, OfferId, PlacementId, Principal};
use parity_scale_codec::{Decode, Encode};

/// What an event or a block did to storage.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Effect {
    /// A provider's terms are new or replaced.
    #[codec(index = 0)]
    Announced {
        /// Who.
        provider: Principal,
        /// Bytes of room, advisory.
        capacity: u64,
        /// The least payment per fragment and period.
        min_payment: Amount,
        /// The unused pot.
        pot: Amount,
    },
    /// A provider is about to leave.
    #[codec(index = 1)]
    WithdrawalStarted {
        /// Who.
        provider: Principal,
        /// From this block on the pot can be freed; acceptances end here at the latest.
        maturity: Height,
    },
    /// A provider's unused pot was freed; it has no terms any more.
    #[codec(index = 2)]
    Withdrawn {
        /// Who.
        provider: Principal,
        /// The unused pot.
        freed: Amount,
    },
    /// A provider without terms and placements was forgotten and its deposit returned.
    #[codec(index = 3)]
    ProviderRemoved {
        /// Who.
        provider: Principal,
    },
    /// Storage is offered.
    #[codec(index = 4)]
    OfferOpened {
        /// The offer.
        offer: OfferId,
        /// The tree block's path.
        path: BlockPath,
        /// The tree block's version.
        version: u64,
        /// What was locked: all payments of all fragments, and deposits.
        locked: Amount,
    },
    /// A fragment is placed.
    #[codec(index = 5)]
    Placed {
        /// The placement.
        placement: PlacementId,
        /// The offer.
        offer: OfferId,
        /// The fragment.
        fragment_id: u32,
        /// Who pays.
        owner: Principal,
        /// Who stores.
        provider: Principal,
        /// The height from which it is matured.
        end: Height,
    },
    /// The next block will draw the placement.
    #[codec(index = 6)]
    Demanded {
        /// The placement.
        placement: PlacementId,
        /// Who stores.
        provider: Principal,
        /// Who demanded.
        by: Principal,
    },
    /// A placement is challenged.
    #[codec(index = 7)]
    ChallengeOpened {
        /// The placement.
        placement: PlacementId,
        /// Who stores.
        provider: Principal,
        /// The leaf to prove.
        leaf: u64,
        /// The block whose fold drew it.
        opened: Height,
        /// The first block that can end it unanswered. Where time passes slowly it ends later.
        expires_from: Height,
    },
    /// A challenge was answered.
    #[codec(index = 8)]
    Passed {
        /// The placement.
        placement: PlacementId,
        /// Who stores.
        provider: Principal,
        /// The block whose fold drew the challenge.
        opened: Height,
        /// The placement's score now.
        score: u8,
        /// The demand's deposit, paid to the provider.
        demand_deposit: Amount,
    },
    /// A challenge ended unanswered.
    #[codec(index = 9)]
    Missed {
        /// The placement.
        placement: PlacementId,
        /// Who stores.
        provider: Principal,
        /// The block whose fold drew the challenge.
        opened: Height,
        /// The placement's score now.
        score: u8,
        /// Periods whose payment is forfeit.
        periods: u64,
        /// What was burned for them.
        forfeited: Amount,
    },
    /// A claim was paid, perhaps for no whole period.
    #[codec(index = 10)]
    Paid {
        /// The placement.
        placement: PlacementId,
        /// Who stores.
        provider: Principal,
        /// Periods paid.
        periods: u64,
        /// What the owner paid for them.
        gross: Amount,
        /// The part of it that was burned; the provider got the rest.
        burned: Amount,
        /// The height through which the placement is settled now.
        last: Height,
    },
    /// A placement ends later.
    #[codec(index = 11)]
    Extended {
        /// The placement.
        placement: PlacementId,
        /// Who stores.
        provider: Principal,
        /// The new end.
        end: Height,
    },
    /// Collateral was burned.
    #[codec(index = 12)]
    CollateralBurned {
        /// The placement.
        placement: PlacementId,
        /// Who stored.
        provider: Principal,
        /// How much.
        amount: Amount,
    },
    /// A placement is gone.
    #[codec(index = 13)]
    PlacementRemoved {
        /// The placement.
        placement: PlacementId,
        /// The offer.
        offer: OfferId,
        /// The fragment.
        fragment_id: u32,
        /// Who paid.
        owner: Principal,
        /// Who stored.
        provider: Principal,
        /// Why.
        reason: Removal,
        /// Payments burned on the way, as by a miss.
        forfeited: Amount,
        /// Unpaid payments and deposits, back to the owner.
        returned: Amount,
    },
    /// An offer takes no more placements and its reserve was returned.
    #[codec(index = 14)]
    OfferCancelled {
        /// The offer.
        offer: OfferId,
        /// The reserve, back to the owner.
        returned: Amount,
    },
    /// An offer is gone.
    #[codec(index = 15)]
    OfferRemoved {
        /// The offer.
        offer: OfferId,
        /// The tree block's path.
        path: BlockPath,
        /// The tree block's version.
        version: u64,
        /// The rest of its reserve and its deposit, back to the owner.
        returned: Amount,
    },
}

/// Why a placement was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Removal {
    /// It missed too many challenges.
    #[codec(index = 0)]
    Score,
    /// Its provider left before its end.
    #[codec(index = 1)]
    Exit,
    /// It was closed after its end by an event.
    #[codec(index = 2)]
    Closed,
    /// It was closed by a draw, long after its end.
    #[codec(index = 3)]
    ClosedByDraw,
}
