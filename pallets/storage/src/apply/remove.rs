//! Removing placements, offers and providers: everything that was held for them is released.

use super::Fold;
use crate::state::{
    CHALLENGES, DEMANDS, OFFER_PLACEMENTS, OFFERS, Offer, PATHS, PLACEMENTS, PROVIDER_PLACEMENTS,
    PROVIDERS, Pending, Placement, Provider, SLOTS, STORED, bug,
};
use crate::{Effect, Removal};
use blocktree_primitives::{Amount, OfferId, PlacementId, Principal};
use blocktree_state::{BigEndian, Fault};
use pallet_coin::accounts;

/// How a placement ends.
pub(super) struct Ending {
    pub(super) reason: Removal,
    /// Burned of the collateral; the rest goes back to the provider.
    pub(super) collateral_burned: Amount,
    /// Burned of the payments already; only reported.
    pub(super) forfeited: Amount,
}

/// Removes a placement with everything that belongs to it.
pub(super) fn remove(
    fold: &mut Fold<'_, '_>,
    id: &PlacementId,
    placement: Placement,
    ending: Ending,
) -> Result<(), Fault> {
    free_slot(fold, &placement)?;
    match placement.pending {
        Pending::Nothing => {}
        Pending::Challenge(position) => CHALLENGES.remove(fold.state, &BigEndian(position))?,
        Pending::Demand => {
            let mut demands = DEMANDS.get(fold.state)?;
            demands.retain(|demanded| demanded != id);
            DEMANDS.put(fold.state, &demands)?;
        }
    }
    PLACEMENTS.remove(fold.state, id)?;

    let held = [placement.hold()?, placement.deposit, placement.demand_deposit];
    let returned = Amount::sum(held).ok_or_else(|| bug("what is held overflows"))?;
    accounts::release(fold.state, &placement.owner, returned)?;
    let burned = ending.collateral_burned;
    if !burned.is_zero() {
        accounts::burn_held(fold.state, &placement.provider, burned)?;
        fold.emit(Effect::CollateralBurned {
            placement: *id,
            provider: placement.provider,
            amount: burned,
        });
    }
    fold.emit(Effect::PlacementRemoved {
        placement: *id,
        offer: placement.offer,
        fragment_id: placement.fragment_id,
        owner: placement.owner,
        provider: placement.provider,
        reason: ending.reason,
        forfeited: ending.forfeited,
        returned,
    });
    let left = placement
        .collateral
        .checked_sub(burned)
        .ok_or_else(|| bug("more collateral burns than there is"))?;
    leave_provider(fold, id, &placement, left)?;
    leave_offer(fold, id, &placement.offer)
}

/// Takes a placement out of the dense array: the last one moves into its slot.
fn free_slot(fold: &mut Fold<'_, '_>, placement: &Placement) -> Result<(), Fault> {
    let mut stored = STORED.get(fold.state)?;
    let overflow = || bug("the dense array is shorter than its content");
    stored.placements = stored.placements.checked_sub(1).ok_or_else(overflow)?;
    stored.bytes = stored.bytes.checked_sub(placement.size.into()).ok_or_else(overflow)?;
    let last = BigEndian(stored.placements);
    if placement.slot != last.0 {
        let gap = || bug("the dense array has a gap");
        let moved = SLOTS.get(fold.state, &last)?.ok_or_else(gap)?;
        let mut other = PLACEMENTS.get(fold.state, &moved)?.ok_or_else(gap)?;
        other.slot = placement.slot;
        PLACEMENTS.put(fold.state, &moved, &other)?;
        SLOTS.put(fold.state, &BigEndian(placement.slot), &moved)?;
    }
    SLOTS.remove(fold.state, &last)?;
    STORED.put(fold.state, &stored)
}

/// Returns collateral to the pot if there is one, else to the free balance, and counts the
/// placement out of the provider's record.
fn leave_provider(
    fold: &mut Fold<'_, '_>,
    id: &PlacementId,
    placement: &Placement,
    collateral: Amount,
) -> Result<(), Fault> {
    let principal = &placement.provider;
    PROVIDER_PLACEMENTS.remove(fold.state, &(*principal, *id))?;
    let mut provider = PROVIDERS
        .get(fold.state, principal)?
        .ok_or_else(|| bug("a placement's provider has no entry"))?;
    let record = || bug("a provider's record does not fit its placements");
    provider.placements = provider.placements.checked_sub(1).ok_or_else(record)?;
    provider.bytes = provider.bytes.checked_sub(placement.size.into()).ok_or_else(record)?;
    match &mut provider.standing {
        Some(standing) => {
            standing.pot = standing.pot.checked_add(collateral).ok_or_else(record)?;
        }
        None => accounts::release(fold.state, principal, collateral)?,
    }
    fold.put_or_forget(principal, &provider)
}

impl Fold<'_, '_> {
    /// Writes a provider's entry, or removes it and returns its deposit if it has neither terms
    /// nor placements.
    pub(super) fn put_or_forget(
        &mut self,
        principal: &Principal,
        provider: &Provider,
    ) -> Result<(), Fault> {
        if provider.standing.is_some() || provider.placements > 0 {
            return PROVIDERS.put(self.state, principal, provider);
        }
        PROVIDERS.remove(self.state, principal)?;
        accounts::release(self.state, principal, provider.deposit)?;
        self.emit(Effect::ProviderRemoved { provider: *principal });
        Ok(())
    }
}

/// Takes a placement out of its offer's list. The last one takes an expired or cancelled offer
/// with it.
fn leave_offer(fold: &mut Fold<'_, '_>, id: &PlacementId, offer_id: &OfferId) -> Result<(), Fault> {
    let mut live = OFFER_PLACEMENTS
        .get(fold.state, offer_id)?
        .ok_or_else(|| bug("a placement is not in its offer's list"))?;
    live.retain(|placed| placed != id);
    if !live.is_empty() {
        return OFFER_PLACEMENTS.put(fold.state, offer_id, &live);
    }
    OFFER_PLACEMENTS.remove(fold.state, offer_id)?;
    let offer =
        OFFERS.get(fold.state, offer_id)?.ok_or_else(|| bug("a placement outlives its offer"))?;
    if offer.cancelled || offer.is_expired(fold.height()) {
        remove_offer(fold, offer_id, &offer)?;
    }
    Ok(())
}

/// Removes an offer without live placements; its reserve and deposit go back to the owner.
pub(super) fn remove_offer(
    fold: &mut Fold<'_, '_>,
    id: &OfferId,
    offer: &Offer,
) -> Result<(), Fault> {
    let mut live = PATHS
        .get(fold.state, &offer.path)?
        .ok_or_else(|| bug("an offer is not in its path's list"))?;
    live.retain(|entry| entry.offer != *id);
    if live.is_empty() {
        PATHS.remove(fold.state, &offer.path)?;
    } else {
        PATHS.put(fold.state, &offer.path, &live)?;
    }
    OFFERS.remove(fold.state, id)?;
    let returned = offer
        .held_in_reserve()
        .and_then(|reserve| reserve.checked_add(offer.deposit))
        .ok_or_else(|| bug("what is held overflows"))?;
    accounts::release(fold.state, &offer.owner, returned)?;
    fold.emit(Effect::OfferRemoved {
        offer: *id,
        path: offer.path.clone(),
        version: offer.version,
        returned,
    });
    Ok(())
}
