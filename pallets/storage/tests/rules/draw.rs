//! §8.4: draws.

use crate::naive;
use crate::world::{PARAMS, World, owner, provider};
use blocktree_primitives::{Height, PlacementId, Span};
use pallet_storage::state::{CHALLENGES, Pending, QUEUE_ENDS, SLOTS, STORED};
use pallet_storage::{Effect, Error, Params, Removal, placement_id, read};

fn is_challenged(world: &World, id: &PlacementId) -> bool {
    read::challenge(&world.state, id).unwrap().is_some()
}

#[test]
fn a_draw_opens_a_challenge() {
    let (mut world, id) = World::with_placement();
    world.next();
    assert_eq!(world.effects, [], "a quiet block draws nothing");
    world.draw();
    let beacon = world.context().parent;
    let leaf = naive::number("blocktree/leaf", &[&beacon.0, &id.0]) % 3;
    assert_eq!(
        world.effects,
        [Effect::ChallengeOpened {
            placement: id,
            provider: world.provider.id,
            leaf,
            opened: Height(5),
            expires_from: Height(10),
        }]
    );
    let challenge = read::challenge(&world.state, &id).unwrap().unwrap();
    assert_eq!((challenge.placement, challenge.leaf, challenge.opened), (id, leaf, Height(5)));
    // 1,000 at height 0 and 10 s a block.
    assert_eq!(challenge.opened_median_time, 1050);
    assert_eq!(world.placement(&id).unwrap().pending, Pending::Challenge(0));
    world.end();
}

#[test]
fn pending_placements_are_skipped() {
    let (mut world, id) = World::with_placement();
    world.draw();
    let first = read::challenge(&world.state, &id).unwrap();
    world.draw();
    assert_eq!(world.effects, []);
    assert_eq!(read::challenge(&world.state, &id).unwrap(), first);
    world.answer(&id).unwrap();
    world.draw();
    let second = read::challenge(&world.state, &id).unwrap().unwrap();
    assert_eq!(second.opened, Height(6));
    assert_eq!(QUEUE_ENDS.get(&world.state).unwrap().next, 2);
    world.end();
}

/// d = min(K, ⌊N/T⌋ + 1 or 0) with K 4 and T 10, against distinct slots of a naive draw.
#[test]
fn the_number_of_draws_follows_the_placements() {
    for (placements, loud, draws) in
        [(9, false, 0), (9, true, 1), (10, true, 1), (11, true, 2), (39, true, 4), (45, true, 4)]
    {
        let mut world = World::new();
        world.begin();
        world.announce(100_000).unwrap();
        let mut new = world.new_offer();
        new.code.n = 45;
        let offer = world.offer_as(new).unwrap();
        for fragment in 0..placements {
            world.place(&offer, fragment).unwrap();
        }
        if loud {
            world.draw()
        } else {
            world.next()
        }
        let beacon = world.context().parent;
        let mut slots: Vec<u64> = (0..draws)
            .map(|i: u32| {
                let parts: [&[u8]; 2] = [&beacon.0, &i.to_le_bytes()];
                naive::number("blocktree/draw", &parts) % u64::from(placements)
            })
            .collect();
        slots.sort_unstable();
        slots.dedup();
        let queue = CHALLENGES.collect(&world.state).unwrap();
        let mut hit: Vec<u64> =
            queue.iter().map(|(_, c)| world.placement(&c.placement).unwrap().slot).collect();
        hit.sort_unstable();
        assert_eq!(hit, slots, "{placements} placements");
        world.end();
    }
}

/// end = 62, GRACE 12: up to 61 a draw challenges, from 74 on it closes, between it does nothing.
#[test]
fn a_draw_that_hits_a_matured_placement() {
    for (height, challenged, closed) in
        [(61, true, false), (62, false, false), (73, false, false), (74, false, true)]
    {
        let (mut world, id) = World::with_placement();
        world.go_to(height - 1);
        world.draw();
        assert_eq!(world.height, height);
        assert_eq!(is_challenged(&world, &id), challenged, "{height}");
        assert_eq!(world.placement(&id).is_none(), closed, "{height}");
        if closed {
            assert!(world.saw(|e| matches!(
                e,
                Effect::PlacementRemoved { reason: Removal::ClosedByDraw, .. }
            )));
            // Nothing was claimed: 600 unpaid and the deposit return; no strike, no burn.
            assert_eq!(world.balance(owner), (997_943 + 650, 1_400));
            assert_eq!(world.pot(), 50_000);
            // The list is empty now, and so is the array.
            assert_eq!(STORED.get(&world.state).unwrap().placements, 0);
        }
        world.end();
    }
}

/// A draw that closes also burns for strikes that stand.
#[test]
fn closing_by_draw_settles_as_a_close_does() {
    let (mut world, id) = World::with_placement();
    world.go_to(53);
    world.miss(&id);
    assert_eq!(world.placement(&id).unwrap().score, 4);
    world.go_to(73);
    world.draw();
    assert_eq!(world.placement(&id), None);
    // ⌈999 · 1/4⌉ = ⌈249.75⌉ = 250
    assert_eq!(world.pot(), 49_750);
    world.end();
}

/// Slots become ids before the first draw changes the array: with two matured placements and one
/// live one in the array, a draw of all closes both and challenges the third, whatever moves.
#[test]
fn draws_of_one_block_see_the_array_as_it_was() {
    let mut world = World::with(Params { interval: Span(6), ..PARAMS });
    world.begin();
    world.announce(100_000).unwrap();
    let mut new = world.new_offer();
    new.code.n = 30;
    let offer = world.offer_as(new).unwrap();
    for fragment in 0..12 {
        world.place(&offer, fragment).unwrap();
    }
    // All end at 61. Eight are extended.
    for fragment in 4..12 {
        world.extend(&placement_id(&offer, fragment), 61, 261).unwrap();
    }
    // Two draws a block even when quiet: every challenge is answered.
    while world.height < 73 {
        world.next();
        world.answer_all();
    }
    // Block by block: which ids a naive draw on the array before the block chooses.
    while world.height < 95 {
        world.end();
        let array: Vec<PlacementId> =
            SLOTS.collect(&world.state).unwrap().into_iter().map(|(_, id)| id).collect();
        world.loud = true;
        world.begin_with(10);
        let beacon = world.context().parent;
        let count = u64::try_from(array.len()).unwrap();
        let draws = (count / 6 + u64::from(count % 6 > 0)).min(4);
        let mut expected: Vec<PlacementId> = (0..draws)
            .map(|i| {
                let index = u32::try_from(i).unwrap().to_le_bytes();
                let slot = naive::number("blocktree/draw", &[&beacon.0, &index]) % count;
                array[usize::try_from(slot).unwrap()]
            })
            .collect();
        expected.sort_unstable();
        expected.dedup();
        let mut seen: Vec<PlacementId> = world
            .effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::ChallengeOpened { placement, .. }
                | Effect::PlacementRemoved { placement, .. } => Some(*placement),
                _ => None,
            })
            .collect();
        seen.sort_unstable();
        assert_eq!(seen, expected, "block {}", world.height);
        world.answer_all();
    }
    for fragment in 0..4 {
        assert_eq!(world.placement(&placement_id(&offer, fragment)), None, "closed by now");
    }
    world.end();
}

#[test]
fn demands_come_before_draws() {
    let (mut world, offer) = World::with_offer();
    let ids: Vec<_> = (0..3).map(|id| world.place(&offer, id).unwrap()).collect();
    world.next();
    world.demand(owner, &ids[2]).unwrap();
    world.demand(provider, &ids[0]).unwrap();
    assert_eq!(world.demand(owner, &ids[1]), Err(Error::TooManyDemands), "D is 2");
    world.draw();
    let order: Vec<PlacementId> =
        CHALLENGES.collect(&world.state).unwrap().iter().map(|(_, c)| c.placement).collect();
    assert_eq!(order[..2], [ids[2], ids[0]]);
    // Drawn by the hash of the block that holds the demand.
    let beacon = world.context().parent;
    let leaf = naive::number("blocktree/leaf", &[&beacon.0, &ids[2].0]) % 3;
    assert_eq!(read::challenge(&world.state, &ids[2]).unwrap().unwrap().leaf, leaf);
    world.end();
}
