//! Offers are made and taken back (docs/protocol.md §8.2).

use super::Fold;
use super::remove::remove_offer;
use crate::call::Authority;
use crate::state::{LiveOffer, MAX_LIVE_OFFERS, OFFER_PLACEMENTS, OFFERS, Offer, PATHS};
use crate::{Effect, Error, NewOffer};
use blocktree_primitives::{OfferId, Principal};
use pallet_coin::accounts;
use pallet_support::Outcome;

/// Makes an offer and locks everything that it can cost: an offer on the ledger is always
/// funded (B48).
pub(super) fn offer(
    fold: &mut Fold<'_, '_>,
    author: &Principal,
    id: OfferId,
    new: &NewOffer,
) -> Outcome<(), Error> {
    match new.authority {
        Authority::Root if *author == new.path.root() => {}
        Authority::Root => return Err(Error::NotRoot.into()),
    }
    let height = fold.height();
    if new.expires_at < height {
        return Err(Error::ExpiresInThePast(new.expires_at).into());
    }
    let mut live = PATHS.get(fold.state, &new.path)?.unwrap_or_default();
    if live.len() >= MAX_LIVE_OFFERS {
        return Err(Error::TooManyOffers.into());
    }
    // The newest comes first, and so has the highest version.
    if let Some(newest) = live.first()
        && new.version <= newest.version
    {
        return Err(Error::VersionNotNew { live: newest.version, given: new.version }.into());
    }
    let offer = Offer {
        owner: *author,
        path: new.path.clone(),
        version: new.version,
        code: new.code.clone(),
        content_hash: new.content_hash,
        terms: new.terms,
        expires_at: new.expires_at,
        created: height,
        cancelled: false,
        reserve: new.code.n,
        deposit: fold.params.offer_deposit,
        placement_deposit: fold.params.placement_deposit,
        last_fragment: None,
    };
    let locked = offer
        .held_in_reserve()
        .and_then(|reserve| reserve.checked_add(offer.deposit))
        .ok_or(Error::TooLarge)?;
    fold.hold(author, locked)?;
    let entry = LiveOffer { offer: id, version: new.version };
    live.insert(0, entry).map_err(|_| Error::TooManyOffers)?;
    PATHS.put(fold.state, &new.path, &live)?;
    OFFERS.put(fold.state, &id, &offer)?;
    fold.emit(Effect::OfferOpened { offer: id, path: offer.path, version: offer.version, locked });
    Ok(())
}

/// Returns an offer's reserve. With no live placement the offer goes at once, else with its last
/// placement.
pub(super) fn cancel(
    fold: &mut Fold<'_, '_>,
    author: &Principal,
    id: &OfferId,
) -> Outcome<(), Error> {
    let mut offer = OFFERS.get(fold.state, id)?.ok_or(Error::NoSuchOffer)?;
    if *author != offer.owner && !offer.is_expired(fold.height()) {
        return Err(Error::NotExpired(offer.expires_at).into());
    }
    if offer.cancelled {
        return Err(Error::OfferCancelled.into());
    }
    if !OFFER_PLACEMENTS.contains(fold.state, id)? {
        return Ok(remove_offer(fold, id, &offer)?);
    }
    let returned = offer.held_in_reserve().ok_or(Error::TooLarge)?;
    accounts::release(fold.state, &offer.owner, returned)?;
    offer.reserve = 0;
    offer.cancelled = true;
    OFFERS.put(fold.state, id, &offer)?;
    fold.emit(Effect::OfferCancelled { offer: *id, returned });
    Ok(())
}
