//! An offer's entry, and the lists that join paths, offers and placements.

use crate::call::{Code, MAX_FRAGMENTS, Terms};
use blocktree_primitives::{
    Amount, BlockPath, BoundedVec, ContentHash, Height, OfferId, PlacementId, Principal,
};
use parity_scale_codec::{Decode, Encode};

/// Live offers of one path at most.
pub const MAX_LIVE_OFFERS: usize = 16;

/// The live offers of a path, newest first, so by falling version.
pub type OfferList = BoundedVec<LiveOffer, MAX_LIVE_OFFERS>;
/// The live placements of an offer, by rising fragment id.
pub type PlacementList = BoundedVec<PlacementId, MAX_FRAGMENTS>;

/// A live offer in its path's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct LiveOffer {
    /// The offer.
    pub offer: OfferId,
    /// The version of the tree block that it is for.
    pub version: u64,
}

/// An offer of storage (docs/protocol.md §8.2).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Offer {
    /// Who pays.
    pub owner: Principal,
    /// Where the tree block is.
    pub path: BlockPath,
    /// Which version of it.
    pub version: u64,
    /// How it becomes fragments.
    pub code: Code,
    /// Over its header and encrypted payload.
    pub content_hash: ContentHash,
    /// What each fragment's provider gets and stakes.
    pub terms: Terms,
    /// The last block in which fragments may be placed.
    pub expires_at: Height,
    /// The block of the offer.
    pub created: Height,
    /// Whether it takes no more placements. Then the reserve is 0 and placements are live.
    pub cancelled: bool,
    /// Placements that are paid for already and not made yet.
    pub reserve: u16,
    /// Held for this entry; returned as recorded.
    pub deposit: Amount,
    /// Held for each placement, those of the reserve included; returned as recorded.
    pub placement_deposit: Amount,
    /// The highest fragment id placed so far.
    pub last_fragment: Option<u32>,
}

impl Offer {
    /// What is held for one placement that is not made yet: all its payments and its deposit.
    /// `None` if it does not fit.
    #[must_use]
    pub fn held_per_placement(&self) -> Option<Amount> {
        self.terms
            .payment
            .checked_mul(u64::from(self.terms.payments))?
            .checked_add(self.placement_deposit)
    }

    /// What is held for the reserve. `None` if it does not fit.
    #[must_use]
    pub fn held_in_reserve(&self) -> Option<Amount> {
        self.held_per_placement()?.checked_mul(u64::from(self.reserve))
    }

    /// Whether the last block for placing has passed at `height`.
    #[must_use]
    pub fn is_expired(&self, height: Height) -> bool {
        height > self.expires_at
    }
}
