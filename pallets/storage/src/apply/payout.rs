//! Challenges are answered and payments collected (docs/protocol.md §8.6).

use super::{Fold, after};
use crate::call::{Claim, Evidence};
use crate::params::PPM;
use crate::state::{CHALLENGES, PLACEMENTS, Pending, Placement, bug};
use crate::{Effect, Error};
use blocktree_consensus::runtime::Applied;
use blocktree_primitives::{Amount, Height, PlacementId, Principal, PublicKey};
use blocktree_state::{BigEndian, Fault};
use pallet_coin::accounts;
use pallet_support::Outcome;

/// Pays every claim, or refuses them all.
pub(super) fn payout(fold: &mut Fold<'_, '_>, claims: &[Claim]) -> Outcome<Applied, Error> {
    let mut answers_challenges = true;
    for claim in claims {
        let id = &claim.placement;
        let mut placement = fold.placement(id)?;
        match &claim.evidence {
            Evidence::Proof { leaf, siblings } => {
                let opened = pass(fold, id, &mut placement, leaf, siblings)?;
                pay(fold, id, &mut placement, opened)?;
            }
            Evidence::Receipt { owner_key, through, .. } => {
                answers_challenges = false;
                check_receipt(fold, &placement, owner_key, *through)?;
                pay(fold, id, &mut placement, *through)?;
            }
        }
        PLACEMENTS.put(fold.state, id, &placement)?;
    }
    Ok(Applied { answers_challenges })
}

/// Checks the proof against the pending challenge, which ends, and returns its drawing height.
fn pass(
    fold: &mut Fold<'_, '_>,
    id: &PlacementId,
    placement: &mut Placement,
    leaf: &[u8],
    siblings: &[[u8; 32]],
) -> Outcome<Height, Error> {
    let position = BigEndian(placement.challenge().ok_or(Error::NoChallenge)?);
    let challenge = CHALLENGES
        .get(fold.state, &position)?
        .ok_or_else(|| bug("a pending challenge is not in the queue"))?;
    let root = &placement.root.0;
    blocktree_fragments::verify_leaf(root, placement.size, challenge.leaf, leaf, siblings)
        .map_err(Error::BadProof)?;
    CHALLENGES.remove(fold.state, &position)?;
    placement.pending = Pending::Nothing;
    let opened = challenge.opened;
    relieve(placement, opened, fold);
    let demand_deposit = core::mem::take(&mut placement.demand_deposit);
    let (owner, provider) = (placement.owner, placement.provider);
    accounts::pay_held(fold.state, &owner, &provider, demand_deposit)?;
    fold.update_provider(&provider, |record| {
        record.passed = record.passed.checked_add(1)?;
        Some(())
    })?;
    fold.emit(Effect::Passed {
        placement: *id,
        provider,
        opened,
        score: placement.score,
        demand_deposit,
    });
    Ok(opened)
}

/// A pass takes one off the score, at most once per STRIKE_GAP by drawing heights
/// (docs/protocol.md §8.7).
fn relieve(placement: &mut Placement, opened: Height, fold: &Fold<'_, '_>) {
    let counts =
        placement.last_relief.is_none_or(|last| opened >= after(last, fold.params.strike_gap));
    if counts {
        placement.last_relief = Some(opened);
        placement.score = placement.score.saturating_sub(1);
    }
}

/// A receipt is the owner's, not ahead of the chain, no substitute for a proof, and pays.
fn check_receipt(
    fold: &Fold<'_, '_>,
    placement: &Placement,
    owner_key: &PublicKey,
    through: Height,
) -> Result<(), Error> {
    if Principal::of(owner_key) != placement.owner {
        return Err(Error::ReceiptNotOwners);
    }
    let parent = fold.height().previous().unwrap_or_default();
    if through > parent {
        return Err(Error::ReceiptAhead { through, parent });
    }
    if placement.challenge().is_some() {
        return Err(Error::ReceiptWhilePending);
    }
    if placement.whole_periods(through) == 0 {
        return Err(Error::NothingToPay);
    }
    Ok(())
}

/// Pays the whole periods through a height: β of it is burned and fills the mint pool, the rest
/// goes to the provider.
fn pay(
    fold: &mut Fold<'_, '_>,
    id: &PlacementId,
    placement: &mut Placement,
    through: Height,
) -> Result<(), Fault> {
    let periods = placement.whole_periods(through);
    if periods == 0 {
        return Ok(());
    }
    let gross = placement.settle(periods)?;
    let (burned, net) = split(gross, fold.params.burn_ppm)
        .ok_or_else(|| bug("the burned share of a payment is above it"))?;
    let (owner, provider) = (placement.owner, placement.provider);
    accounts::burn_held(fold.state, &owner, burned)?;
    accounts::fill_pool(fold.state, burned)?;
    accounts::pay_held(fold.state, &owner, &provider, net)?;
    fold.emit(Effect::Paid {
        placement: *id,
        provider,
        periods,
        gross,
        burned,
        last: placement.last,
    });
    Ok(())
}

/// ⌈gross · β / 10^6⌉ and the rest.
fn split(gross: Amount, burn_ppm: u32) -> Option<(Amount, Amount)> {
    let burned = gross.mul_div_ceil(u64::from(burn_ppm), PPM)?;
    Some((burned, gross.checked_sub(burned)?))
}
