//! Reading storage for those who ask: joins and lists, paged and bounded. The fold uses none
//! of it.

use crate::state::{
    CHALLENGES, Challenge, OFFER_PLACEMENTS, OFFERS, Offer, OfferList, PATHS, PLACEMENTS,
    PROVIDER_PLACEMENTS, PROVIDERS, Placement, Provider, bug,
};
use blocktree_primitives::{BlockPath, OfferId, PlacementId, Principal};
use blocktree_state::{BigEndian, Fault, View};
use core::ops::ControlFlow;
use parity_scale_codec::Encode;

/// The live offers of a path, newest first (B51, B55).
///
/// # Errors
/// A [`Fault`] only.
pub fn offers_of_path(view: &dyn View, path: &BlockPath) -> Result<Vec<(OfferId, Offer)>, Fault> {
    let live = PATHS.get(view, path)?.unwrap_or_default();
    live.iter()
        .map(|entry| {
            let offer = OFFERS.get(view, &entry.offer)?;
            let missing = || bug("a path lists an offer that is not there");
            Ok((entry.offer, offer.ok_or_else(missing)?))
        })
        .collect()
}

/// The live placements of an offer, by rising fragment id; at most 256.
///
/// # Errors
/// A [`Fault`] only.
pub fn placements_of_offer(
    view: &dyn View,
    offer: &OfferId,
) -> Result<Vec<(PlacementId, Placement)>, Fault> {
    let live = OFFER_PLACEMENTS.get(view, offer)?.unwrap_or_default();
    live.iter().map(|id| listed(view, *id)).collect()
}

/// A placement that a list names.
fn listed(view: &dyn View, id: PlacementId) -> Result<(PlacementId, Placement), Fault> {
    let placement = PLACEMENTS.get(view, &id)?;
    let missing = || bug("a list names a placement that is not there");
    Ok((id, placement.ok_or_else(missing)?))
}

/// An offer.
///
/// # Errors
/// A [`Fault`] only.
pub fn offer(view: &dyn View, id: &OfferId) -> Result<Option<Offer>, Fault> {
    OFFERS.get(view, id)
}

/// A placement.
///
/// # Errors
/// A [`Fault`] only.
pub fn placement(view: &dyn View, id: &PlacementId) -> Result<Option<Placement>, Fault> {
    PLACEMENTS.get(view, id)
}

/// The challenge that waits for a placement's proof.
///
/// # Errors
/// A [`Fault`] only.
pub fn challenge(view: &dyn View, id: &PlacementId) -> Result<Option<Challenge>, Fault> {
    match PLACEMENTS.get(view, id)?.and_then(|p| p.challenge()) {
        Some(position) => CHALLENGES.get(view, &BigEndian(position)),
        None => Ok(None),
    }
}

/// Pending challenges from a position of the queue on, oldest first, `limit` at most.
///
/// # Errors
/// A [`Fault`] only.
pub fn challenges(
    view: &dyn View,
    from: u64,
    limit: usize,
) -> Result<Vec<(u64, Challenge)>, Fault> {
    let mut found = Vec::new();
    CHALLENGES.scan(view, &BigEndian(from).encode(), |position, challenge| {
        collect(&mut found, limit, (position.0, challenge))
    })?;
    Ok(found)
}

/// A provider's terms, pot and record.
///
/// # Errors
/// A [`Fault`] only.
pub fn provider(view: &dyn View, principal: &Principal) -> Result<Option<Provider>, Fault> {
    PROVIDERS.get(view, principal)
}

/// Providers after `after`, in order of their principals, `limit` at most.
///
/// # Errors
/// A [`Fault`] only.
pub fn providers(
    view: &dyn View,
    after: Option<&Principal>,
    limit: usize,
) -> Result<Vec<(Principal, Provider)>, Fault> {
    let from = after.map(Encode::encode).unwrap_or_default();
    let mut found = Vec::new();
    PROVIDERS.scan(view, &from, |principal, provider| {
        if Some(&principal) == after {
            return ControlFlow::Continue(());
        }
        collect(&mut found, limit, (principal, provider))
    })?;
    Ok(found)
}

/// Placements of a provider after `after`, in order of their ids, `limit` at most.
///
/// # Errors
/// A [`Fault`] only.
pub fn placements_of_provider(
    view: &dyn View,
    principal: &Principal,
    after: Option<&PlacementId>,
    limit: usize,
) -> Result<Vec<(PlacementId, Placement)>, Fault> {
    let from = (*principal, after.copied().unwrap_or_default()).encode();
    let mut ids = Vec::new();
    PROVIDER_PLACEMENTS.scan(view, &from, |(owner, id), _mark| {
        if owner != *principal {
            return ControlFlow::Break(());
        }
        if Some(&id) == after {
            return ControlFlow::Continue(());
        }
        collect(&mut ids, limit, id)
    })?;
    ids.into_iter().map(|id| listed(view, id)).collect()
}

/// Paths with live offers, after `after`, at or below `prefix`, in order of their encodings,
/// `limit` at most.
///
/// # Errors
/// A [`Fault`] only.
pub fn paths(
    view: &dyn View,
    prefix: &BlockPath,
    after: Option<&BlockPath>,
    limit: usize,
) -> Result<Vec<(BlockPath, OfferList)>, Fault> {
    let prefix = prefix.prefix_bytes();
    let from = after.map(Encode::encode).filter(|from| *from > prefix);
    let mut found = Vec::new();
    PATHS.scan(view, from.as_deref().unwrap_or(&prefix), |path, offers| {
        if !path.encode().starts_with(&prefix) {
            return ControlFlow::Break(());
        }
        if Some(&path) == after {
            return ControlFlow::Continue(());
        }
        collect(&mut found, limit, (path, offers))
    })?;
    Ok(found)
}

fn collect<T>(found: &mut Vec<T>, limit: usize, item: T) -> ControlFlow<()> {
    if found.len() >= limit {
        return ControlFlow::Break(());
    }
    found.push(item);
    ControlFlow::Continue(())
}
