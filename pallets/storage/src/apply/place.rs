//! Fragments are placed (docs/protocol.md §8.3).

use super::{Fold, after, by_coin};
use crate::call::SignedAcceptance;
use crate::message::placement_id;
use crate::state::{
    OFFER_PLACEMENTS, OFFERS, Offer, PLACEMENTS, PROVIDER_PLACEMENTS, PROVIDERS, Pending,
    Placement, SLOTS, STORED, bug,
};
use crate::{Effect, Error};
use blocktree_primitives::{Amount, Height, OfferId, PlacementId, Principal};
use blocktree_state::{BigEndian, Fault};
use pallet_coin::accounts;
use pallet_support::Outcome;

/// Puts accepted fragments on the ledger.
pub(super) fn place(
    fold: &mut Fold<'_, '_>,
    author: &Principal,
    id: &OfferId,
    acceptances: &[SignedAcceptance],
) -> Outcome<(), Error> {
    let mut offer = OFFERS.get(fold.state, id)?.ok_or(Error::NoSuchOffer)?;
    if *author != offer.owner {
        return Err(Error::NotOwner.into());
    }
    if offer.cancelled {
        return Err(Error::OfferCancelled.into());
    }
    let height = fold.height();
    if offer.is_expired(height) {
        return Err(Error::OfferExpired(offer.expires_at).into());
    }
    let lifetime = offer.terms.period.checked_mul(offer.terms.payments.into());
    let end = lifetime
        .and_then(|span| height.checked_add(span))
        .ok_or_else(|| bug("an offer lasts too long"))?;
    let mut live = OFFER_PLACEMENTS.get(fold.state, id)?.unwrap_or_default();
    for acceptance in acceptances {
        check_acceptance(&offer, acceptance, height, fold.params.acceptance_validity)?;
        if live.len() >= usize::from(offer.code.n) {
            return Err(Error::FullyPlaced(offer.code.n).into());
        }
        let placed = placement_id(id, acceptance.fragment_id);
        pay_for_placement(fold, &mut offer)?;
        let provider = Principal::of(&acceptance.provider_key);
        stake(fold, &provider, &placed, &offer, acceptance)?;
        let placement = Placement {
            owner: offer.owner,
            provider,
            offer: *id,
            fragment_id: acceptance.fragment_id,
            root: acceptance.root,
            size: acceptance.size,
            payment: offer.terms.payment,
            period: offer.terms.period,
            collateral: offer.terms.collateral,
            deposit: offer.placement_deposit,
            start: height,
            last: height,
            end,
            score: 0,
            last_strike: None,
            last_relief: None,
            slot: take_slot(fold, &placed, acceptance.size)?,
            pending: Pending::Nothing,
            demand_deposit: Amount::ZERO,
            owner_demand: None,
            provider_demand: None,
            final_demand: false,
        };
        PLACEMENTS.put(fold.state, &placed, &placement)?;
        offer.last_fragment = Some(acceptance.fragment_id);
        live.push(placed).map_err(|_| bug("an offer has more placements than its code"))?;
        fold.emit(Effect::Placed {
            placement: placed,
            offer: *id,
            fragment_id: acceptance.fragment_id,
            owner: offer.owner,
            provider,
            end,
        });
    }
    OFFER_PLACEMENTS.put(fold.state, id, &live)?;
    OFFERS.put(fold.state, id, &offer)?;
    Ok(())
}

/// What an acceptance must say, whoever gave it.
fn check_acceptance(
    offer: &Offer,
    acceptance: &SignedAcceptance,
    height: Height,
    validity: blocktree_primitives::Span,
) -> Result<(), Error> {
    if acceptance.size != offer.code.fragment_size {
        return Err(Error::WrongSize {
            accepted: acceptance.size,
            offered: offer.code.fragment_size,
        });
    }
    let valid_until = acceptance.valid_until;
    if valid_until < height {
        return Err(Error::AcceptanceStale(valid_until));
    }
    let latest = after(height, validity);
    if valid_until > latest {
        return Err(Error::AcceptanceTooLong { valid_until, latest });
    }
    match offer.last_fragment {
        Some(placed) if acceptance.fragment_id <= placed => {
            Err(Error::FragmentIdUsed { placed, given: acceptance.fragment_id })
        }
        _ => Ok(()),
    }
}

/// The owner's part: PLACE_BURN, and all payments and the deposit, out of the reserve or, for a
/// repair, afresh.
fn pay_for_placement(fold: &mut Fold<'_, '_>, offer: &mut Offer) -> Outcome<(), Error> {
    accounts::burn_free(fold.state, &offer.owner, fold.params.place_burn).map_err(by_coin)?;
    match offer.reserve.checked_sub(1) {
        Some(left) => offer.reserve = left,
        None => {
            let needed = offer.held_per_placement().ok_or(Error::TooLarge)?;
            fold.hold(&offer.owner, needed)?;
        }
    }
    Ok(())
}

/// The provider's part: collateral out of its pot, and one placement more in its record.
fn stake(
    fold: &mut Fold<'_, '_>,
    principal: &Principal,
    placed: &PlacementId,
    offer: &Offer,
    acceptance: &SignedAcceptance,
) -> Outcome<(), Error> {
    let not_announced = || Error::NotAnnounced(*principal);
    let mut provider = PROVIDERS.get(fold.state, principal)?.ok_or_else(not_announced)?;
    let standing = provider.standing.as_mut().ok_or_else(not_announced)?;
    if let Some(maturity) = standing.maturity
        && acceptance.valid_until > maturity
    {
        return Err(
            Error::AcceptanceBeyondPot { valid_until: acceptance.valid_until, maturity }.into()
        );
    }
    let (payment, collateral) = (offer.terms.payment, offer.terms.collateral);
    if payment < standing.min_payment {
        return Err(Error::BelowMinPayment { payment, least: standing.min_payment }.into());
    }
    let pot = standing.pot;
    standing.pot = pot.checked_sub(collateral).ok_or(Error::PotTooSmall { pot, collateral })?;
    let record = || bug("a provider's record overflows");
    provider.placements = provider.placements.checked_add(1).ok_or_else(record)?;
    let bytes = u128::from(acceptance.size);
    provider.bytes = provider.bytes.checked_add(bytes).ok_or_else(record)?;
    PROVIDERS.put(fold.state, principal, &provider)?;
    PROVIDER_PLACEMENTS.put(fold.state, &(*principal, *placed), &1)?;
    Ok(())
}

/// Appends a placement to the dense array.
fn take_slot(fold: &mut Fold<'_, '_>, placed: &PlacementId, size: u64) -> Result<u64, Fault> {
    let mut stored = STORED.get(fold.state)?;
    let slot = stored.placements;
    SLOTS.put(fold.state, &BigEndian(slot), placed)?;
    let overflow = || bug("the dense array overflows");
    stored.placements = slot.checked_add(1).ok_or_else(overflow)?;
    stored.bytes = stored.bytes.checked_add(size.into()).ok_or_else(overflow)?;
    STORED.put(fold.state, &stored)?;
    Ok(slot)
}
