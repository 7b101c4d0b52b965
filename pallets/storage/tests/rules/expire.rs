//! §8.5 and §8.7: challenges that end unanswered, and scores.

use crate::world::{PARAMS, World, owner, provider};
use blocktree_primitives::{Amount, Height, PlacementId, Span};
use pallet_storage::state::{CHALLENGES, QUEUE_ENDS};
use pallet_storage::{Effect, Params, Removal, placement_id, read};

/// Demanded in 3, drawn in 4: it ends with block 9, and block 9 may still answer it.
#[test]
fn a_challenge_ends_with_its_window() {
    let (mut world, id) = World::with_placement();
    world.demand(owner, &id).unwrap();
    world.go_to(9);
    assert!(read::challenge(&world.state, &id).unwrap().is_some());
    world.end();
    assert_eq!(read::challenge(&world.state, &id).unwrap(), None);
    assert_eq!(
        world.effects,
        [Effect::Missed {
            placement: id,
            provider: world.provider.id,
            opened: Height(4),
            score: 4,
            periods: 1,
            forfeited: Amount::from_units(100),
        }]
    );

    let (mut world, id) = World::with_placement();
    world.demand(owner, &id).unwrap();
    world.go_to(9);
    world.answer(&id).unwrap();
    world.end();
    assert_eq!(world.placement(&id).unwrap().score, 0);
    let record = world.record().unwrap();
    assert_eq!((record.passed, record.missed, record.strikes), (1, 0, 0));
}

/// W·spacing/2 = 65 s of median time and blocks 10 s apart: 4 + 7 = 11 is the first with 70.
#[test]
fn bursts_of_blocks_dont_shorten_the_window() {
    // Seconds between blocks; the block with which a challenge drawn in 4 ends.
    for (spacing, end) in [(10, 11), (13, 9), (14, 9), (11, 10), (1, 69), (1000, 9)] {
        let mut world = World::with(Params { window_seconds: 65, ..PARAMS });
        world.begin();
        world.announce(50_000).unwrap();
        let offer = world.offer().unwrap();
        let id = world.place(&offer, 0).unwrap();
        world.go_to(3);
        world.demand(owner, &id).unwrap();
        world.next();
        while world.height < end {
            world.end();
            assert!(read::challenge(&world.state, &id).unwrap().is_some(), "{}", world.height);
            world.begin_with(spacing);
        }
        world.end();
        assert_eq!(read::challenge(&world.state, &id).unwrap(), None, "{spacing} s");
    }
}

/// Time that stands still piles challenges up; then at most 2 (K + D) = 12 end with a block, in
/// their order.
#[test]
fn a_block_ends_a_bounded_number() {
    let mut world = World::with(Params { window_seconds: 1, ..PARAMS });
    world.begin();
    world.announce(200_000).unwrap();
    let mut new = world.new_offer();
    new.code.n = 100;
    let offer = world.offer_as(new).unwrap();
    for fragment in 0..60 {
        world.place(&offer, fragment).unwrap();
    }
    let mut demanded = 0;
    while CHALLENGES.collect(&world.state).unwrap().len() < 30 {
        for _ in 0..2 {
            let id = placement_id(&offer, demanded);
            // Already drawn by chance, or demanded.
            let _ = world.demand(owner, &id);
            demanded += 1;
        }
        world.end();
        world.loud = true;
        world.begin_with(0);
    }
    world.go_to_with_time_standing(20);
    let queue: Vec<u64> =
        CHALLENGES.collect(&world.state).unwrap().iter().map(|(at, _)| at.0).collect();
    let all = queue.len();
    assert!(all >= 30, "none has ended: no time has passed");
    assert_eq!(queue, (0..u64::try_from(all).unwrap()).collect::<Vec<_>>());
    // An answered one leaves a gap, which counts as looked at.
    let answered = CHALLENGES.collect(&world.state).unwrap()[3].1.placement;
    world.answer(&answered).unwrap();
    world.end();
    for (missed, first) in [(11, 12), (12, 24)] {
        world.begin_with(1);
        world.end();
        let seen = world.effects.iter().filter(|e| matches!(e, Effect::Missed { .. })).count();
        assert_eq!(seen, missed);
        assert_eq!(QUEUE_ENDS.get(&world.state).unwrap().first, first);
    }
}

/// A miss in block h forfeits ⌈(min(h, end) − last)/10⌉ periods from last = 2; end = 62.
#[test]
fn begun_periods_are_forfeit() {
    // The demand's block; it is missed 6 blocks later. After 61 only the provider demands.
    for (demanded, periods) in
        [(3, 1), (6, 1), (7, 2), (16, 2), (17, 3), (56, 6), (57, 6), (61, 6), (70, 6)]
    {
        let (mut world, id) = World::with_placement();
        world.go_to(demanded);
        world.demand(provider, &id).unwrap();
        world.go_to(demanded + 7);
        // 7 of PLACE_BURN; burned outside the pool.
        assert_eq!((world.burned(), world.pool()), (7 + 100 * periods, 0), "{demanded}");
        assert_eq!(world.balance(owner), (997_943, 2_050 - 100 * periods));
        let last = Height(2 + 10 * periods);
        assert_eq!(world.placement(&id).unwrap().last, last);
        world.end();
    }
}

#[test]
fn a_miss_past_settled_periods_forfeits_nothing() {
    let (mut world, id) = World::with_placement();
    world.go_to(63);
    let receipt = world.receipt(&id, 62);
    world.payout(vec![receipt]).unwrap();
    world.demand(provider, &id).unwrap();
    world.go_to(70);
    // ⌈600 · 3 %⌉ = 18 of the payout; nothing of the miss.
    assert_eq!(world.burned(), 7 + 18);
    assert_eq!(world.placement(&id).unwrap().score, 4);
    world.end();
}

/// Opens a challenge in `height` by a draw.
fn draw_in(world: &mut World, id: &PlacementId, height: u64) {
    world.go_to(height - 1);
    world.draw();
    let challenge = read::challenge(&world.state, id).unwrap().unwrap();
    assert_eq!(challenge.opened, Height(height));
}

/// STRIKE_GAP 8, by drawing heights: drawn in 4, missed in 9, drawn again in 11 or 12.
#[test]
fn misses_count_once_a_gap() {
    for (second, score, strikes) in [(11, 4, 1), (12, 8, 2)] {
        let (mut world, id) = World::with_placement();
        draw_in(&mut world, &id, 4);
        draw_in(&mut world, &id, second);
        assert_eq!(world.placement(&id).unwrap().score, 4);
        world.go_to(second + 6);
        let placement = world.placement(&id).unwrap();
        assert_eq!(placement.score, score, "drawn in {second}");
        let counted = if strikes == 2 { second } else { 4 };
        assert_eq!(placement.last_strike, Some(Height(counted)));
        let record = world.record().unwrap();
        assert_eq!((record.missed, record.strikes, record.lost), (2, strikes, 0));
        world.end();
    }
}

/// A miss that does not count does not start a gap: 4 counts, 11 does not, 17 is 13 after 4.
#[test]
fn a_gap_begins_with_a_miss_that_counts() {
    let (mut world, id) = World::with_placement();
    for height in [4, 11, 17] {
        draw_in(&mut world, &id, height);
    }
    world.go_to(23);
    assert_eq!(world.placement(&id).unwrap().score, 8);
    world.end();
}

/// Passes take one off, once a gap of 8, by drawing heights, and not below 0.
#[test]
fn passes_count_once_a_gap() {
    let (mut world, id) = World::with_placement();
    draw_in(&mut world, &id, 4);
    // Score 4 by the miss in block 9. Passes have a gap of their own.
    for (height, score) in [(10, 3), (17, 3), (18, 2), (26, 1), (34, 0), (42, 0)] {
        draw_in(&mut world, &id, height);
        world.answer(&id).unwrap();
        assert_eq!(world.placement(&id).unwrap().score, score, "drawn in {height}");
    }
    assert_eq!(world.record().unwrap().passed, 6);
    world.end();
}

/// Three misses that count in a row: 4, 8, 12. The placement goes and its collateral burns.
#[test]
fn a_score_of_12_ends_the_placement() {
    let (mut world, id) = World::with_placement();
    for height in [4, 12, 20] {
        draw_in(&mut world, &id, height);
    }
    world.go_to(25);
    assert_eq!(world.placement(&id).unwrap().score, 8);
    world.end();
    assert_eq!(world.placement(&id), None);
    // Missed in 9, 17 and 25: from last = 2 one period, then one, then one: ⌈(25 − 22)/10⌉.
    let removed = Effect::PlacementRemoved {
        placement: id,
        offer: read::offers_of_path(&world.state, &crate::world::path(&world.owner, "file"))
            .unwrap()[0]
            .0,
        fragment_id: 0,
        owner: world.owner.id,
        provider: world.provider.id,
        reason: Removal::Score,
        forfeited: Amount::ZERO,
        // 3 periods are left, and the deposit.
        returned: Amount::from_units(350),
    };
    let burned = Effect::CollateralBurned {
        placement: id,
        provider: world.provider.id,
        amount: Amount::from_units(999),
    };
    assert_eq!(world.effects[1..], [burned, removed]);
    assert_eq!(world.balance(owner), (997_943 + 350, 2_050 - 650));
    assert_eq!(world.balance(provider), (949_000, 50_001));
    // PLACE_BURN, three periods, the collateral: none of it fills the pool.
    assert_eq!((world.burned(), world.pool()), (7 + 300 + 999, 0));
    let record = world.record().unwrap();
    assert_eq!((record.missed, record.strikes, record.lost), (3, 3, 1));
    assert_eq!((record.placements, record.bytes), (0, 0));
}

/// 4, 3, 7, 6, 10, 9: with a pass between, three misses do not end it; the fourth would be 13.
#[test]
fn passes_between_misses_delay_the_end() {
    let (mut world, id) = World::with_placement();
    let mut scores = vec![];
    for (height, passes) in
        [(4, false), (12, true), (20, false), (28, true), (36, false), (44, true), (52, false)]
    {
        draw_in(&mut world, &id, height);
        if passes {
            world.answer(&id).unwrap();
        }
        world.go_to(height + 6);
        scores.push(world.placement(&id).map(|placement| placement.score));
    }
    let expected = [Some(4), Some(3), Some(7), Some(6), Some(10), Some(9), None];
    assert_eq!(scores, expected);
    world.end();
}

/// A gap of one block counts everything.
#[test]
fn a_short_gap_counts_every_miss() {
    let mut world = World::with(Params { strike_gap: Span(1), ..PARAMS });
    world.begin();
    world.announce(50_000).unwrap();
    let offer = world.offer().unwrap();
    let id = world.place(&offer, 0).unwrap();
    for height in [3, 9, 15] {
        draw_in(&mut world, &id, height);
    }
    world.go_to(21);
    assert_eq!(world.placement(&id), None);
    world.end();
}
