//! §8.4: demands.

use crate::world::{World, owner, provider, stranger};
use blocktree_primitives::{Height, PlacementId};
use pallet_storage::state::{DEMANDS, Pending};
use pallet_storage::{Effect, Error, read};

#[test]
fn an_owners_demand_locks_a_deposit_and_is_drawn_next() {
    let (mut world, id) = World::with_placement();
    world.demand(owner, &id).unwrap();
    assert_eq!(world.balance(owner), (997_923, 2_070), "20 more are held");
    assert_eq!(world.placement(&id).unwrap().pending, Pending::Demand);
    assert_eq!(
        world.effects,
        [Effect::Demanded { placement: id, provider: world.provider.id, by: world.owner.id }]
    );
    world.next();
    assert_eq!(read::challenge(&world.state, &id).unwrap().unwrap().opened, Height(4));
    assert!(DEMANDS.get(&world.state).unwrap().is_empty());
    world.end();
}

#[test]
fn a_providers_demand_locks_nothing() {
    let (mut world, id) = World::with_placement();
    world.demand(provider, &id).unwrap();
    assert_eq!(world.balance(provider), (949_000, 51_000));
    world.next();
    world.answer(&id).unwrap();
    assert_eq!(world.balance(provider), (949_000, 51_000));
    world.end();
}

#[test]
fn a_pass_pays_the_deposit_to_the_provider() {
    let (mut world, id) = World::with_placement();
    world.demand(owner, &id).unwrap();
    world.next();
    world.answer(&id).unwrap();
    assert_eq!(world.balance(owner), (997_923, 2_050));
    assert_eq!(world.balance(provider), (949_020, 51_000));
    assert!(world.saw(|e| matches!(e, Effect::Passed { demand_deposit, .. }
        if demand_deposit.units() == 20)));
    world.end();
}

#[test]
fn a_miss_returns_the_deposit() {
    let (mut world, id) = World::with_placement();
    world.miss(&id);
    // Demanded in 3, drawn in 4, missed in 9: one period had begun since 2, its 100 burned.
    assert_eq!(world.balance(owner), (997_943, 1_950));
    world.end();
}

#[test]
fn an_exit_returns_the_deposit() {
    for drawn in [false, true] {
        let (mut world, id) = World::with_placement();
        world.demand(owner, &id).unwrap();
        if drawn {
            world.next();
        }
        world.exit(&id).unwrap();
        // 600 + 50 + 20 return, less the one period begun under the challenge if it was drawn.
        let burned = if drawn { 100 } else { 0 };
        assert_eq!(world.balance(owner), (997_923 + 670 - burned, 1_400));
        assert!(DEMANDS.get(&world.state).unwrap().is_empty());
        world.end();
    }
}

#[test]
fn only_parties_demand_and_only_once() {
    let (mut world, id) = World::with_placement();
    assert_eq!(world.demand(stranger, &id), Err(Error::NotParty));
    assert_eq!(world.demand(owner, &PlacementId([1; 32])), Err(Error::NoSuchPlacement));
    world.demand(owner, &id).unwrap();
    assert_eq!(world.demand(owner, &id), Err(Error::Pending));
    assert_eq!(world.demand(provider, &id), Err(Error::Pending));
    world.next();
    assert_eq!(world.demand(provider, &id), Err(Error::Pending), "the challenge is pending");
    world.end();
}

#[test]
fn an_owner_must_afford_the_deposit() {
    let mut world = World::new();
    world.begin();
    world.announce(50_000).unwrap();
    let mut new = world.new_offer();
    // 3 · (3,332 · 100 + 50) + 100 = 999,850; 150 are left, and two PLACE_BURN take 14 of them.
    new.terms.payments = 3_332;
    let offer = world.offer_as(new).unwrap();
    let id = world.place(&offer, 0).unwrap();
    let other = world.place(&offer, 1).unwrap();
    // 136 are left: enough for six demands of 20, which passes pay to the provider.
    for _ in 0..3 {
        world.demand(owner, &id).unwrap();
        world.demand(owner, &other).unwrap();
        world.next();
        world.answer(&id).unwrap();
        world.answer(&other).unwrap();
        let height = world.height;
        world.go_to(height + 9);
    }
    // 150 − 14 − 6 · 20 = 16
    let overdraft = pallet_coin::Error::Overdraft {
        free: blocktree_primitives::Amount::from_units(16),
        needed: blocktree_primitives::Amount::from_units(20),
    };
    assert_eq!(world.demand(owner, &id), Err(Error::Coin(overdraft)));
    assert_eq!(world.placement(&id).unwrap().demand_deposit.units(), 0);
    world.end();
}

/// One demand per party per period of 10 blocks.
#[test]
fn each_party_demands_once_a_period() {
    let (mut world, id) = World::with_placement();
    world.demand(owner, &id).unwrap();
    world.next();
    world.answer(&id).unwrap();
    world.demand(provider, &id).unwrap();
    world.next();
    world.answer(&id).unwrap();
    world.go_to(12);
    // 3 + 10 = 13 for the owner, 4 + 10 = 14 for the provider.
    assert_eq!(world.demand(owner, &id), Err(Error::DemandedRecently(Height(13))));
    assert_eq!(world.demand(provider, &id), Err(Error::DemandedRecently(Height(14))));
    world.next();
    assert_eq!(world.demand(provider, &id), Err(Error::DemandedRecently(Height(14))));
    world.demand(owner, &id).unwrap();
    world.next();
    world.answer(&id).unwrap();
    world.demand(provider, &id).unwrap();
    world.end();
}

/// end = 62. An owner's demand is drawn before the end: h + 1 < 62.
#[test]
fn the_owner_demands_until_the_end_nears() {
    for (height, refused) in [(60, None), (61, Some(Error::DemandTooLate))] {
        let (mut world, id) = World::with_placement();
        world.go_to(height);
        assert_eq!(world.demand(owner, &id).err(), refused);
        world.end();
    }
}

/// The provider demands up to the end, and once more from 62 to 62 + 12 = 74.
#[test]
fn the_provider_demands_once_more_after_the_end() {
    let (mut world, id) = World::with_placement();
    world.go_to(61);
    world.demand(provider, &id).unwrap();
    world.next();
    world.answer(&id).unwrap();
    // Spacing does not count for the last one.
    world.demand(provider, &id).unwrap();
    world.next();
    assert_eq!(read::challenge(&world.state, &id).unwrap().unwrap().opened, Height(63));
    world.answer(&id).unwrap();
    world.go_to(73);
    assert_eq!(world.demand(provider, &id), Err(Error::LastDemandUsed));
    world.end();

    for (height, refused) in [(62, None), (74, None), (75, Some(Error::DemandTooLate))] {
        let (mut world, id) = World::with_placement();
        world.go_to(height);
        assert_eq!(world.demand(provider, &id).err(), refused, "{height}");
        world.end();
    }
}

/// Who stores its own fragment demands as owner first, as provider where the owner can't.
#[test]
fn an_owner_that_is_the_provider() {
    let mut world = World::new();
    world.provider = crate::world::person(1);
    world.begin();
    world.announce(50_000).unwrap();
    let offer = world.offer().unwrap();
    let id = world.place(&offer, 0).unwrap();
    let held = world.balance(owner).1;
    world.demand(owner, &id).unwrap();
    assert_eq!(world.balance(owner).1, held + 20);
    world.next();
    world.answer(&id).unwrap();
    assert_eq!(world.balance(owner).1, held);
    // end = 61
    world.go_to(61);
    world.demand(owner, &id).unwrap();
    assert!(world.placement(&id).unwrap().final_demand);
    assert_eq!(world.balance(owner).1, held);
    world.next();
    world.answer(&id).unwrap();
    world.close(owner, &id).unwrap();
    world.end();
}
