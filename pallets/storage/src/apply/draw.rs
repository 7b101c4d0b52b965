//! Challenges are drawn: constant cost a block, memoryless for each placement (L7, L14)
//! (docs/protocol.md §8.4).

use super::settle::settle_matured;
use super::{Fold, after};
use crate::state::{
    CHALLENGES, Challenge, DEMANDS, DemandList, PLACEMENTS, Pending, Placement, QUEUE_ENDS, SLOTS,
    STORED, bug,
};
use crate::{Effect, Removal};
use blocktree_primitives::hash::Tag;
use blocktree_primitives::{BlockHash, PlacementId, Span, tags};
use blocktree_state::{BigEndian, Fault};

/// Opens the challenges of a block: the demands of the block before in their order, then the
/// draws.
pub(super) fn draw(fold: &mut Fold<'_, '_>) -> Result<(), Fault> {
    let demands = DEMANDS.get(fold.state)?;
    DEMANDS.put(fold.state, &DemandList::default())?;
    for id in &demands {
        let placement = PLACEMENTS
            .get(fold.state, id)?
            .ok_or_else(|| bug("a demand outlives its placement"))?;
        open(fold, id, placement)?;
    }
    // All slots become ids before the first draw can change the array.
    for id in drawn(fold)? {
        hit(fold, &id)?;
    }
    Ok(())
}

/// The placements that the block draws.
fn drawn(fold: &Fold<'_, '_>) -> Result<Vec<PlacementId>, Fault> {
    let placements = STORED.get(fold.state)?.placements;
    let beacon = &fold.context.parent;
    let draws = count(beacon, placements, fold.params.interval, fold.params.draws);
    let mut ids = Vec::new();
    for index in 0..draws {
        let slot = slot(beacon, index, placements);
        let id = SLOTS.get(fold.state, &BigEndian(slot))?;
        ids.push(id.ok_or_else(|| bug("the dense array has a gap"))?);
    }
    Ok(ids)
}

/// d = min(K, ⌊N/T⌋ + \[u64(H("draw-frac", beacon)) · T < (N mod T) · 2^64\]): N/T in the mean.
fn count(beacon: &BlockHash, placements: u64, interval: Span, most: u32) -> u32 {
    let (Some(whole), Some(rest)) =
        (placements.checked_div(interval.0), placements.checked_rem(interval.0))
    else {
        return 0;
    };
    let fraction = number(&tags::DRAW_FRACTION, &[&beacon.0]);
    let one_more = u128::from(fraction) * u128::from(interval.0) < u128::from(rest) << 64;
    let draws = whole.saturating_add(u64::from(one_more));
    u32::try_from(draws).map_or(most, |draws| draws.min(most))
}

/// u64(H("draw", beacon, i as u32)) mod N; there is a draw only if N is not 0.
fn slot(beacon: &BlockHash, index: u32, placements: u64) -> u64 {
    number(&tags::DRAW, &[&beacon.0, &index.to_le_bytes()]).checked_rem(placements).unwrap_or(0)
}

/// u64(H("leaf", beacon, placement id)) mod leaves, which are at least 1.
fn leaf(beacon: &BlockHash, id: &PlacementId, leaves: u64) -> u64 {
    number(&tags::LEAF, &[&beacon.0, &id.0]).checked_rem(leaves).unwrap_or(0)
}

/// The first 8 bytes of a tagged hash, little-endian.
fn number(tag: &Tag, parts: &[&[u8]]) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = tag.hash(parts);
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

/// A draw hits a placement.
fn hit(fold: &mut Fold<'_, '_>, id: &PlacementId) -> Result<(), Fault> {
    // It is gone if an earlier draw of this block closed it.
    let Some(placement) = PLACEMENTS.get(fold.state, id)? else {
        return Ok(());
    };
    if placement.pending != Pending::Nothing {
        return Ok(());
    }
    let height = fold.height();
    if !placement.is_matured(height) {
        open(fold, id, placement)
    } else if height >= after(placement.end, fold.params.grace) {
        settle_matured(fold, id, placement, Removal::ClosedByDraw)
    } else {
        Ok(())
    }
}

/// Opens a challenge at the end of the queue.
fn open(fold: &mut Fold<'_, '_>, id: &PlacementId, mut placement: Placement) -> Result<(), Fault> {
    let mut ends = QUEUE_ENDS.get(fold.state)?;
    let position = ends.next;
    ends.next = position.checked_add(1).ok_or_else(|| bug("the challenge queue overflows"))?;
    QUEUE_ENDS.put(fold.state, &ends)?;
    let challenge = Challenge {
        placement: *id,
        leaf: leaf(&fold.context.parent, id, placement.leaves()),
        opened: fold.height(),
        opened_median_time: fold.context.parent_median_time,
    };
    CHALLENGES.put(fold.state, &BigEndian(position), &challenge)?;
    placement.pending = Pending::Challenge(position);
    PLACEMENTS.put(fold.state, id, &placement)?;
    let expires_from = after(challenge.opened, fold.params.window);
    fold.emit(Effect::ChallengeOpened {
        placement: *id,
        provider: placement.provider,
        leaf: challenge.leaf,
        opened: challenge.opened,
        expires_from,
    });
    Ok(())
}
