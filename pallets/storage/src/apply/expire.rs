//! Challenges end unanswered (docs/protocol.md §8.5, §8.7).

use super::remove::{Ending, remove};
use super::{Fold, after};
use crate::params::{SCORE_LIMIT, STRIKE};
use crate::state::{CHALLENGES, Challenge, PLACEMENTS, Pending, Placement, QUEUE_ENDS, bug};
use crate::{Effect, Removal};
use blocktree_primitives::{Amount, Height};
use blocktree_state::{BigEndian, Fault};
use pallet_coin::accounts;

/// Goes through the front of the queue, first in, first out. Looks at no more than 2 (K + D)
/// positions, gaps of answered challenges among them; as no block opens more than K + D, none
/// waits longer for that.
pub(super) fn expire(fold: &mut Fold<'_, '_>) -> Result<(), Fault> {
    let mut ends = QUEUE_ENDS.get(fold.state)?;
    let begin = ends.first;
    for _ in 0..fold.params.expiries() {
        if ends.first >= ends.next {
            break;
        }
        let position = BigEndian(ends.first);
        if let Some(challenge) = CHALLENGES.get(fold.state, &position)? {
            if !is_due(fold, &challenge) {
                break;
            }
            CHALLENGES.remove(fold.state, &position)?;
            miss(fold, &challenge)?;
        }
        ends.first = ends.first.saturating_add(1);
    }
    if ends.first != begin {
        QUEUE_ENDS.put(fold.state, &ends)?;
    }
    Ok(())
}

/// h ≥ d + W and MTP(h − 1) ≥ MTP(d − 1) + W · spacing / 2: bursts of blocks don't shorten the
/// window.
fn is_due(fold: &Fold<'_, '_>, challenge: &Challenge) -> bool {
    let now = u64::from(fold.context.parent_median_time);
    let opened = u64::from(challenge.opened_median_time);
    fold.height() >= after(challenge.opened, fold.params.window)
        && now >= opened.saturating_add(u64::from(fold.params.window_seconds))
}

/// An unanswered challenge: every period that has begun is forfeit, and the score rises.
fn miss(fold: &mut Fold<'_, '_>, challenge: &Challenge) -> Result<(), Fault> {
    let id = challenge.placement;
    let mut placement = PLACEMENTS
        .get(fold.state, &id)?
        .ok_or_else(|| bug("a challenge outlives its placement"))?;
    placement.pending = Pending::Nothing;
    let deposit = core::mem::take(&mut placement.demand_deposit);
    accounts::release(fold.state, &placement.owner, deposit)?;
    let (periods, forfeited) = forfeit(fold, &mut placement)?;
    let counts = strike(&mut placement, challenge.opened, fold);
    let lost = placement.score >= SCORE_LIMIT;
    fold.update_provider(&placement.provider, |record| {
        record.missed = record.missed.checked_add(1)?;
        record.strikes = record.strikes.checked_add(u64::from(counts))?;
        record.lost = record.lost.checked_add(u64::from(lost))?;
        Some(())
    })?;
    fold.emit(Effect::Missed {
        placement: id,
        provider: placement.provider,
        opened: challenge.opened,
        score: placement.score,
        periods,
        forfeited,
    });
    if lost {
        let ending = Ending {
            reason: Removal::Score,
            collateral_burned: placement.collateral,
            forfeited: Amount::ZERO,
        };
        remove(fold, &id, placement, ending)
    } else {
        PLACEMENTS.put(fold.state, &id, &placement)
    }
}

/// A miss adds to the score, at most once per STRIKE_GAP by drawing heights: one outage is one
/// strike (L12). Returns whether it counted.
fn strike(placement: &mut Placement, opened: Height, fold: &Fold<'_, '_>) -> bool {
    let counts =
        placement.last_strike.is_none_or(|last| opened >= after(last, fold.params.strike_gap));
    if counts {
        placement.last_strike = Some(opened);
        placement.score = placement.score.saturating_add(STRIKE);
    }
    counts
}

/// Burns the payment for every period that has begun, outside the mint pool: nobody gains from
/// pushing a provider offline (L5, L12). Returns the periods and the amount.
pub(super) fn forfeit(
    fold: &mut Fold<'_, '_>,
    placement: &mut Placement,
) -> Result<(u64, Amount), Fault> {
    let periods = placement.begun_periods(fold.height());
    let amount = placement.settle(periods)?;
    accounts::burn_held(fold.state, &placement.owner, amount)?;
    Ok((periods, amount))
}
