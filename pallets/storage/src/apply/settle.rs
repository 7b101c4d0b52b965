//! Placements end later, earlier, or in time (docs/protocol.md §8.8).

use super::expire::forfeit;
use super::remove::{Ending, remove};
use super::{Fold, after};
use crate::call::SignedExtension;
use crate::params::{MAX_LIFETIME, STRIKE};
use crate::state::{PLACEMENTS, Pending, Placement, bug};
use crate::{Effect, Error, Removal};
use blocktree_primitives::{Amount, PlacementId, Principal};
use blocktree_state::Fault;
use pallet_support::Outcome;

/// Moves a placement's end and locks the payments until then.
pub(super) fn extend(
    fold: &mut Fold<'_, '_>,
    author: &Principal,
    extension: &SignedExtension,
) -> Outcome<(), Error> {
    let id = &extension.placement;
    let mut placement = fold.placement(id)?;
    if *author != placement.owner {
        return Err(Error::NotOwner.into());
    }
    if Principal::of(&extension.provider_key) != placement.provider {
        return Err(Error::NotProvider.into());
    }
    if extension.old_end != placement.end {
        return Err(Error::WrongEnd(placement.end).into());
    }
    let height = fold.height();
    if placement.is_matured(height) {
        return Err(Error::Matured(placement.end).into());
    }
    let more = extension.new_end.since(extension.old_end);
    let more = more.ok_or(Error::NotWholePeriods)?.0;
    let whole = more.checked_rem(placement.period.0) == Some(0);
    let periods = more.checked_div(placement.period.0).unwrap_or(0);
    if !whole || periods == 0 {
        return Err(Error::NotWholePeriods.into());
    }
    if extension.new_end > after(height, MAX_LIFETIME) {
        return Err(Error::LastsTooLong { most: MAX_LIFETIME }.into());
    }
    let price = placement.payment.checked_mul(periods);
    fold.hold(author, price.ok_or(Error::TooLarge)?)?;
    placement.end = extension.new_end;
    PLACEMENTS.put(fold.state, id, &placement)?;
    fold.emit(Effect::Extended {
        placement: *id,
        provider: placement.provider,
        end: placement.end,
    });
    Ok(())
}

/// Ends a placement before its end: at least half of the collateral is burned, more after
/// misses, most while a challenge waits. Periods begun under a pending challenge burn.
pub(super) fn exit(
    fold: &mut Fold<'_, '_>,
    author: &Principal,
    id: &PlacementId,
) -> Outcome<(), Error> {
    let mut placement = fold.placement(id)?;
    if *author != placement.provider {
        return Err(Error::NotProvider.into());
    }
    if placement.is_matured(fold.height()) {
        return Err(Error::Matured(placement.end).into());
    }
    let waiting = u64::from(placement.pending != Pending::Nothing);
    let quarters = strikes(&placement) + waiting + 2;
    let collateral = quarters_of(placement.collateral, quarters)?;
    let forfeited = if placement.challenge().is_some() {
        fold.update_provider(&placement.provider, |record| {
            record.missed = record.missed.checked_add(1)?;
            Some(())
        })?;
        forfeit(fold, &mut placement)?.1
    } else {
        Amount::ZERO
    };
    let ending = Ending { reason: Removal::Exit, collateral_burned: collateral, forfeited };
    Ok(remove(fold, id, placement, ending)?)
}

/// Settles a matured placement.
pub(super) fn close(
    fold: &mut Fold<'_, '_>,
    author: &Principal,
    id: &PlacementId,
) -> Outcome<(), Error> {
    let placement = fold.placement(id)?;
    let from = if *author == placement.provider {
        placement.end
    } else {
        after(placement.end, fold.params.grace)
    };
    if fold.height() < from {
        return Err(Error::CloseTooEarly(from).into());
    }
    if placement.pending != Pending::Nothing {
        return Err(Error::Pending.into());
    }
    Ok(settle_matured(fold, id, placement, Removal::Closed)?)
}

/// Removes a matured placement for which nothing waits: a quarter of the collateral is burned
/// per strike that stands, two at most.
pub(super) fn settle_matured(
    fold: &mut Fold<'_, '_>,
    id: &PlacementId,
    placement: Placement,
    reason: Removal,
) -> Result<(), Fault> {
    let ending = Ending {
        reason,
        collateral_burned: quarters_of(placement.collateral, strikes(&placement))?,
        forfeited: Amount::ZERO,
    };
    remove(fold, id, placement, ending)
}

/// min(2, ⌊score / 4⌋).
fn strikes(placement: &Placement) -> u64 {
    u64::from(placement.score / STRIKE).min(2)
}

/// ⌈c · quarters / 4⌉, at most c.
fn quarters_of(collateral: Amount, quarters: u64) -> Result<Amount, Fault> {
    collateral
        .mul_div_ceil(quarters.min(4), 4)
        .ok_or_else(|| bug("a part of a collateral is above it"))
}
