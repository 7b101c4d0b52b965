//! Owner and provider ask for a draw (docs/protocol.md §8.4) (B60).

use super::{Fold, after};
use crate::state::{DEMANDS, PLACEMENTS, Pending, Placement};
use crate::{Effect, Error};
use blocktree_primitives::{Height, PlacementId, Principal};
use pallet_support::Outcome;

/// Has the next block draw a placement with the hash of the block that holds this call, which
/// nobody knows yet.
pub(super) fn demand(
    fold: &mut Fold<'_, '_>,
    author: &Principal,
    id: &PlacementId,
) -> Outcome<(), Error> {
    let mut placement = fold.placement(id)?;
    let (is_owner, is_provider) = (*author == placement.owner, *author == placement.provider);
    if !is_owner && !is_provider {
        return Err(Error::NotParty.into());
    }
    if placement.pending != Pending::Nothing {
        return Err(Error::Pending.into());
    }
    let mut demands = DEMANDS.get(fold.state)?;
    if u32::try_from(demands.len()).map_or(true, |count| count >= fold.params.demands) {
        return Err(Error::TooManyDemands.into());
    }
    let height = fold.height();
    // Drawn in the next block, an owner's demand must find the placement not matured. Who
    // stores its own fragment may then still demand as the provider.
    let owners_time = height.next().is_some_and(|next| next < placement.end);
    if is_owner && (owners_time || !is_provider) {
        if !owners_time {
            return Err(Error::DemandTooLate.into());
        }
        check_spacing(&placement, placement.owner_demand, height)?;
        placement.owner_demand = Some(height);
        placement.demand_deposit = fold.params.demand_deposit;
        fold.hold(author, placement.demand_deposit)?;
    } else if !placement.is_matured(height) {
        check_spacing(&placement, placement.provider_demand, height)?;
        placement.provider_demand = Some(height);
    } else if height > after(placement.end, fold.params.grace) {
        return Err(Error::DemandTooLate.into());
    } else if placement.final_demand {
        return Err(Error::LastDemandUsed.into());
    } else {
        placement.final_demand = true;
    }
    placement.pending = Pending::Demand;
    demands.push(*id).map_err(|_| Error::TooManyDemands)?;
    DEMANDS.put(fold.state, &demands)?;
    PLACEMENTS.put(fold.state, id, &placement)?;
    fold.emit(Effect::Demanded { placement: *id, provider: placement.provider, by: *author });
    Ok(())
}

/// One demand per party per period.
fn check_spacing(
    placement: &Placement,
    before: Option<Height>,
    height: Height,
) -> Result<(), Error> {
    match before.map(|before| after(before, placement.period)) {
        Some(next) if height < next => Err(Error::DemandedRecently(next)),
        _ => Ok(()),
    }
}
