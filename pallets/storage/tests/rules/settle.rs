//! §8.8: extensions, exits, closes.

use crate::world::{Who, World, genesis, owner, person, provider, stranger};
use blocktree_primitives::{Amount, BlockHash, Height, PlacementId, Span};
use pallet_storage::state::{CHALLENGES, SLOTS};
use pallet_storage::{Call, Effect, Error, Extension, Removal, SignedExtension, signatures};

#[test]
fn an_extension_locks_its_payments() {
    let (mut world, id) = World::with_placement();
    world.extend(&id, 62, 82).unwrap();
    // Two periods more: 200.
    assert_eq!(world.balance(owner), (997_743, 2_250));
    assert_eq!(world.placement(&id).unwrap().end, Height(82));
    assert_eq!(
        world.effects,
        [Effect::Extended { placement: id, provider: world.provider.id, end: Height(82) }]
    );
    world.extend(&id, 82, 92).unwrap();
    assert_eq!(world.balance(owner), (997_643, 2_350));
    world.go_to(91);
    world.draw();
    assert_eq!(world.close(provider, &id).err(), None, "matured at 92, nothing was drawn");
    world.end();
}

/// end = 62, a period of 10.
#[test]
fn an_extension_is_of_whole_periods_from_exactly_the_end() {
    let matured = Error::Matured(Height(62));
    for (height, old, new, refused) in [
        (3, 62, 72, None),
        (61, 62, 72, None),
        (62, 62, 72, Some(matured)),
        (3, 52, 72, Some(Error::WrongEnd(Height(62)))),
        (3, 72, 82, Some(Error::WrongEnd(Height(62)))),
        (3, 62, 71, Some(Error::NotWholePeriods)),
        (3, 62, 73, Some(Error::NotWholePeriods)),
        (3, 62, 62, Some(Error::NotWholePeriods)),
        (3, 62, 52, Some(Error::NotWholePeriods)),
    ] {
        let (mut world, id) = World::with_placement();
        world.go_to(height);
        assert_eq!(world.extend(&id, old, new).err(), refused, "{height}: {old} to {new}");
        world.end();
    }
}

#[test]
fn an_extension_is_funded_and_bounded() {
    let (mut world, id) = World::with_placement();
    // 997,943 free: 9,979 periods are 997,900.
    let overdraft = pallet_coin::Error::Overdraft {
        free: Amount::from_units(997_943),
        needed: Amount::from_units(998_000),
    };
    assert_eq!(world.extend(&id, 62, 62 + 99_800), Err(Error::Coin(overdraft)));
    // In block 3 an end is at most 3 + 2^32 = 4,294,967,299.
    let most = Span(1 << 32);
    let refused = world.extend(&id, 62, 4_294_967_302);
    assert_eq!(refused, Err(Error::LastsTooLong { most }));
    let last = world.extend(&id, 62, 4_294_967_292);
    assert!(matches!(last, Err(Error::Coin(_))), "only the money is missing: {last:?}");
    world.extend(&id, 62, 62 + 99_790).unwrap();
    assert_eq!(world.balance(owner).0, 43);
    world.end();
}

#[test]
fn an_extension_needs_both_parties() {
    let (mut world, id) = World::with_placement();
    let extension = Extension { placement: id, old_end: Height(62), new_end: Height(72) };
    let call = |number| Call::Extend(extension.sign(&genesis(), &person(number).secret));
    assert_eq!(world.by(provider, call(2)), Err(Error::NotOwner));
    assert_eq!(world.by(stranger, call(2)), Err(Error::NotOwner));
    assert_eq!(world.by(owner, call(1)), Err(Error::NotProvider));
    assert_eq!(world.by(owner, call(3)), Err(Error::NotProvider));
    world.by(owner, call(2)).unwrap();
    let lost = Extension { placement: PlacementId([1; 32]), ..extension };
    let lost = Call::Extend(lost.sign(&genesis(), &world.provider.secret));
    assert_eq!(world.by(owner, lost), Err(Error::NoSuchPlacement));
    world.end();
}

/// An extension is signed over genesis, placement and both ends.
#[test]
fn an_extension_is_the_providers_word_for_exactly_this() {
    let (_, id) = World::with_placement();
    let extension = Extension { placement: id, old_end: Height(62), new_end: Height(72) };
    let good = extension.sign(&genesis(), &person(2).secret);
    let verifies = |genesis: BlockHash, signed: &SignedExtension| {
        let mut checks = vec![];
        signatures(&genesis, &Call::Extend(signed.clone()), &mut checks);
        checks.len() == 1 && checks[0].verify().is_ok()
    };
    assert!(verifies(genesis(), &good));
    assert!(!verifies(BlockHash([1; 32]), &good));
    let changes: [fn(&mut SignedExtension); 4] = [
        |e| e.placement = PlacementId([1; 32]),
        |e| e.old_end = Height(61),
        |e| e.new_end = Height(73),
        |e| e.provider_key = person(3).key,
    ];
    for change in changes {
        let mut bad = good.clone();
        change(&mut bad);
        assert!(!verifies(genesis(), &bad), "{bad:?}");
    }
}

/// Misses `id` so many times, in challenges drawn 10 blocks apart.
fn miss_times(world: &mut World, id: &PlacementId, times: u64) {
    for _ in 0..times {
        world.miss(id);
        let height = world.height;
        world.go_to(height + 3);
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Waiting {
    Nothing,
    Demand,
    Challenge,
}

/// Burns ⌈999 · (2 + s)/4⌉, at most 999, s = min(2, ⌊score/4⌋) + (1 if pending or demanded):
/// ⌈499.5⌉ = 500, ⌈749.25⌉ = 750, 999, and 5/4 is at most the whole.
#[test]
fn an_exit_costs_at_least_half() {
    for (strikes, waiting, burned) in [
        (0, Waiting::Nothing, 500),
        (1, Waiting::Nothing, 750),
        (2, Waiting::Nothing, 999),
        (0, Waiting::Demand, 750),
        (1, Waiting::Demand, 999),
        (2, Waiting::Demand, 999),
        (0, Waiting::Challenge, 750),
        (1, Waiting::Challenge, 999),
        (2, Waiting::Challenge, 999),
    ] {
        let (mut world, id) = World::with_placement();
        miss_times(&mut world, &id, strikes);
        if waiting != Waiting::Nothing {
            world.demand(owner, &id).unwrap();
        }
        if waiting == Waiting::Challenge {
            world.next();
        }
        let (placement, before) = (world.placement(&id).unwrap(), world.burned());
        assert_eq!(u64::from(placement.score), 4 * strikes);
        let owned = world.balance(owner);
        world.exit(&id).unwrap();
        // Periods begun since `last` burn only under a drawn challenge. 3 (or 10 more per miss)
        // is at most one period after last = 2 (or 10 more per miss).
        let forfeited = if waiting == Waiting::Challenge { 100 } else { 0 };
        assert_eq!(world.burned() - before, burned + forfeited, "{strikes} strikes");
        let unpaid = 100 * (6 - strikes);
        let deposit = if waiting == Waiting::Nothing { 0 } else { 20 };
        let returned = unpaid - forfeited + 50 + deposit;
        assert_eq!(world.balance(owner), (owned.0 + returned, owned.1 - returned - forfeited));
        assert_eq!(world.pot(), 50_000 - burned);
        assert_eq!(world.pool(), 0);
        let missed = strikes + u64::from(waiting == Waiting::Challenge);
        assert_eq!(world.record().unwrap().missed, missed);
        assert!(CHALLENGES.collect(&world.state).unwrap().is_empty());
        assert!(world.saw(|effect| matches!(effect, Effect::PlacementRemoved {
            reason: Removal::Exit, forfeited: burned, .. } if burned.units() == forfeited)));
        // The gap that the challenge leaves is passed over.
        let height = world.height;
        world.go_to(height + 8);
        world.end();
    }
}

#[test]
fn exits_are_the_providers_and_before_the_end() {
    let (mut world, id) = World::with_placement();
    for who in [owner, stranger] {
        let call = Call::Exit { placement: id };
        assert_eq!(world.by(who, call), Err(Error::NotProvider));
    }
    world.go_to(62);
    assert_eq!(world.exit(&id), Err(Error::Matured(Height(62))));
    world.end();
    let (mut world, id) = World::with_placement();
    world.go_to(61);
    world.exit(&id).unwrap();
    assert_eq!(world.exit(&id), Err(Error::NoSuchPlacement));
    world.end();
}

/// end = 62; GRACE 12.
#[test]
fn closes_come_with_the_end_or_the_grace() {
    for (who, from) in [(provider as Who, 62), (owner, 74), (stranger, 74)] {
        let (mut world, id) = World::with_placement();
        world.go_to(from - 1);
        assert_eq!(world.close(who, &id), Err(Error::CloseTooEarly(Height(from))));
        world.next();
        world.close(who, &id).unwrap();
        // Nothing was claimed: 600 + 50 return, and the whole collateral.
        assert_eq!(world.balance(owner), (997_943 + 650, 1_400));
        assert_eq!((world.pot(), world.burned()), (50_000, 7));
        assert_eq!(world.close(who, &id), Err(Error::NoSuchPlacement));
        world.end();
    }
}

#[test]
fn nothing_closes_while_something_waits() {
    let (mut world, id) = World::with_placement();
    world.go_to(74);
    world.demand(provider, &id).unwrap();
    for who in [provider, owner, stranger] {
        assert_eq!(world.close(who, &id), Err(Error::Pending));
    }
    world.next();
    assert_eq!(world.close(stranger, &id), Err(Error::Pending), "drawn now");
    world.answer(&id).unwrap();
    world.close(stranger, &id).unwrap();
    // The proof paid all six periods: 582 after the burn.
    assert_eq!(world.balance(provider).0, 949_582);
    assert_eq!(world.balance(owner), (997_943 + 50, 1_400));
    world.end();
}

/// Burns ⌈999 · min(2, ⌊score/4⌋)/4⌉: 0, ⌈249.75⌉ = 250, ⌈499.5⌉ = 500.
#[test]
fn a_close_burns_for_strikes_that_stand() {
    for (misses, passes, burned) in [(0, 0, 0), (1, 0, 250), (1, 1, 0), (2, 0, 500), (2, 1, 250)] {
        let (mut world, id) = World::with_placement();
        miss_times(&mut world, &id, misses);
        for _ in 0..passes {
            world.demand(owner, &id).unwrap();
            world.next();
            world.answer(&id).unwrap();
        }
        // 4 · misses − passes: 3 and 7 are below the next strike.
        assert_eq!(u64::from(world.placement(&id).unwrap().score), 4 * misses - passes);
        world.go_to(62);
        let before = world.burned();
        world.close(provider, &id).unwrap();
        assert_eq!(world.burned() - before, burned, "{misses} misses, {passes} passes");
        // The passes paid no whole period: drawn in 14 with 12 settled, or in 24 with 22.
        assert_eq!((world.pot(), world.pool()), (50_000 - burned, 0));
        world.end();
    }
}

#[test]
fn the_last_slot_moves_into_the_gap() {
    let (mut world, offer) = World::with_offer();
    let ids: Vec<_> = (0..3).map(|id| world.place(&offer, id).unwrap()).collect();
    let array = |world: &World| -> Vec<PlacementId> {
        SLOTS.collect(&world.state).unwrap().into_iter().map(|(_, id)| id).collect()
    };
    assert_eq!(array(&world), ids);
    world.exit(&ids[0]).unwrap();
    assert_eq!(array(&world), [ids[2], ids[1]]);
    assert_eq!(world.placement(&ids[2]).unwrap().slot, 0);
    world.exit(&ids[1]).unwrap();
    assert_eq!(array(&world), [ids[2]]);
    world.exit(&ids[2]).unwrap();
    assert_eq!(array(&world), []);
    world.end();
}
