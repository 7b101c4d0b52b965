//! A whole life of an offer, followed to the last unit; and what is held is released by someone.

use crate::world::{FUNDS, World, owner, person, provider, stranger};
use blocktree_primitives::{Amount, Height, Network, PlacementId, Span};
use pallet_storage::{Effect, Error, Params, placement_id};

/// Paid by proof and by receipt, missed, extended, closed; then nothing is held any more.
#[test]
fn everything_is_released_in_the_end() {
    let (mut world, id) = World::with_placement();
    let offer = world.placement(&id).unwrap().offer;
    // Drawn in 13, one period since 2: 97 to the provider, 3 burned, 4 into the pool. The
    // demand's deposit of 20 goes to the provider too.
    world.go_to(12);
    world.demand(owner, &id).unwrap();
    world.next();
    world.answer(&id).unwrap();
    assert_eq!(world.balance(owner), (997_923, 1_950));
    assert_eq!(world.balance(provider), (949_117, 51_000));
    // A receipt through 32 in 33: two periods since 12. 194, 6, 9.
    world.go_to(33);
    let receipt = world.receipt(&id, 32);
    world.payout(vec![receipt]).unwrap();
    assert_eq!(world.balance(provider), (949_311, 51_000));
    // A miss, ended in 39: the period begun in 32, 100 burned.
    world.miss(&id);
    assert_eq!(world.balance(owner), (997_923, 1_650));
    // Left: 42 to 62. One period more.
    world.extend(&id, 62, 72).unwrap();
    assert_eq!(world.balance(owner), (997_823, 1_750));
    // The last demand, drawn in 73 after the end at 72: three periods since 42. 291, 9, 13.
    world.go_to(72);
    world.demand(provider, &id).unwrap();
    world.next();
    world.answer(&id).unwrap();
    assert_eq!(world.balance(provider), (949_602, 51_000));
    assert_eq!(world.balance(owner), (997_823, 1_450));
    // Score 4 − 1 = 3: the close burns nothing. The offer's two reserves and its deposit stay.
    world.close(provider, &id).unwrap();
    assert_eq!(world.balance(owner), (997_873, 1_400));
    world.go_to(101);
    world.cancel(stranger, &offer).unwrap();
    assert_eq!(world.balance(owner), (999_273, 0));
    world.withdraw().unwrap();
    world.go_to(142);
    world.withdraw().unwrap();
    assert_eq!(world.balance(provider), (1_000_602, 0));
    // Burned: 7 + 3 + 6 + 100 + 9; the pool got 4 + 9 + 13.
    assert_eq!((world.burned(), world.pool()), (125, 26));
    // 999,273 + 1,000,602 + 1,000,000 = 3,000,000 − 125
    assert_eq!(world.balance(stranger), (FUNDS, 0));
    world.end();
}

/// Without their owner and provider, strangers and draws release what they left.
#[test]
fn nobody_is_needed_to_come_back() {
    let (mut world, id) = World::with_placement();
    let offer = world.placement(&id).unwrap().offer;
    world.go_to(73);
    world.draw();
    assert_eq!(world.placement(&id), None, "closed by the draw in 74");
    assert_eq!(world.cancel(stranger, &offer), Err(Error::NotExpired(Height(100))));
    world.go_to(101);
    world.cancel(stranger, &offer).unwrap();
    assert_eq!(world.balance(owner), (FUNDS - 7, 0));
    world.end();
}

/// Storing with oneself to print coin: 1.5 times the burn goes to the pool, the burn is lost.
#[test]
fn storing_with_oneself_burns_as_any_storing_does() {
    let mut world = World::new();
    world.provider = person(1);
    world.begin();
    world.announce(50_000).unwrap();
    let offer = world.offer().unwrap();
    let id = world.place(&offer, 0).unwrap();
    world.go_to(61);
    let receipt = world.receipt(&id, 60);
    world.payout(vec![receipt]).unwrap();
    // Through 60 from 1: five periods, ⌈500 · 3 %⌉ = 15 burned, ⌊45/2⌋ = 22 for the pool.
    assert_eq!((world.burned(), world.pool()), (22, 22));
    let (free, held) = world.balance(owner);
    assert_eq!(free + held, FUNDS - 22);
    world.end();
}

/// The dev chain, a placement in block 1 with a period of 12.
fn dev() -> (World, PlacementId) {
    let coin = 100_000_000;
    let mut world = World::funded(Params::recommended(Network::Dev), 10 * coin);
    world.begin();
    world.announce(coin).unwrap();
    let mut new = world.new_offer();
    new.terms.period = Span(12);
    new.terms.collateral = Amount::from_units(coin / 4);
    let offer = world.offer_as(new).unwrap();
    world.place(&offer, 0).unwrap();
    (world, placement_id(&offer, 0))
}

/// docs/economics.md: placed in s, demanded in s + 12, drawn in s + 13, paid in s + 14.
#[test]
fn the_dev_chain_pays_within_half_a_minute() {
    let (mut world, id) = dev();
    world.go_to(13);
    world.demand(provider, &id).unwrap();
    world.next();
    world.next();
    world.answer(&id).unwrap();
    assert_eq!(world.height, 1 + 14);
    assert!(world.saw(|effect| matches!(effect, Effect::Paid { periods: 1, .. })));
    world.end();
}

/// docs/economics.md: demanded in s + 1, s + 13 and s + 25; burned with s + 36.
#[test]
fn the_dev_chain_burns_a_collateral_within_two_minutes() {
    let (mut world, id) = dev();
    for demanded in [2, 14, 26] {
        world.go_to(demanded);
        world.demand(owner, &id).unwrap();
    }
    world.go_to(37);
    assert!(world.placement(&id).is_some());
    world.end();
    assert_eq!(world.height, 1 + 36);
    // 0.25 coin
    assert!(world.saw(|effect| matches!(effect, Effect::CollateralBurned { amount, .. }
        if amount.units() == 25_000_000)));
    assert_eq!(world.placement(&id), None);
}
