//! §8.1: standing terms, the pot, withdrawals.

use crate::world::{FUNDS, World, announcement, owner, provider, stranger};
use blocktree_primitives::{Amount, Height};
use pallet_storage::state::Standing;
use pallet_storage::{Effect, Error};

#[test]
fn an_announcement_locks_the_pot_and_one_deposit() {
    let mut world = World::new();
    world.begin();
    world.announce(50_000).unwrap();
    // 50,000 pot + 1,000 deposit
    assert_eq!(world.balance(provider), (949_000, 51_000));
    let record = world.record().unwrap();
    assert_eq!((record.since, record.deposit.units()), (Height(1), 1000));
    let standing = Standing {
        capacity: 10_000,
        min_payment: Amount::from_units(100),
        pot: Amount::from_units(50_000),
        maturity: None,
    };
    assert_eq!(record.standing, Some(standing));
    world.next();
    world.announce(60_000).unwrap();
    // Only what the pot lacks: 10,000 more.
    assert_eq!(world.balance(provider), (939_000, 61_000));
    assert_eq!(world.record().unwrap().since, Height(1));
    world.end();
}

#[test]
fn a_pot_can_only_be_raised() {
    let mut world = World::new();
    world.begin();
    world.announce(500).unwrap();
    let (now, given) = (Amount::from_units(500), Amount::from_units(499));
    assert_eq!(world.announce(499), Err(Error::PotLowered { now, given }));
    assert!(world.announce(500).is_ok(), "the same pot replaces the terms alone");
    world.end();
}

#[test]
fn a_pot_must_be_there() {
    let mut world = World::new();
    world.begin();
    // 1,000,000 less the deposit of 1,000 leaves 999,000.
    let overdraft = pallet_coin::Error::Overdraft {
        free: Amount::from_units(999_000),
        needed: Amount::from_units(999_001),
    };
    assert_eq!(world.announce(999_001), Err(Error::Coin(overdraft)));
    assert_eq!(world.balance(provider), (FUNDS, 0));
    assert!(world.announce(999_000).is_ok());
    world.end();
}

#[test]
fn the_second_withdrawal_frees_the_pot_from_maturity_on() {
    let mut world = World::new();
    world.begin();
    assert_eq!(world.withdraw(), Err(Error::NotAnnounced(world.provider.id)));
    world.announce(50_000).unwrap();
    world.next();
    world.withdraw().unwrap();
    // Block 2 and a delay of 41.
    let maturity = Height(43);
    let started = Effect::WithdrawalStarted { provider: world.provider.id, maturity };
    assert_eq!(world.effects, [started]);
    assert_eq!(world.withdraw(), Err(Error::NotMature { maturity }));
    world.go_to(42);
    assert_eq!(world.withdraw(), Err(Error::NotMature { maturity }));
    assert_eq!(world.balance(provider), (949_000, 51_000));
    world.go_to(43);
    world.withdraw().unwrap();
    // Nothing is stored: the entry goes too, and its deposit returns.
    assert_eq!(world.balance(provider), (FUNDS, 0));
    assert_eq!(world.record(), None);
    let provider = world.provider.id;
    let withdrawn = Effect::Withdrawn { provider, freed: Amount::from_units(50_000) };
    assert_eq!(world.effects, [withdrawn, Effect::ProviderRemoved { provider }]);
    assert_eq!(world.withdraw(), Err(Error::NotAnnounced(provider)));
    world.end();
}

#[test]
fn an_announcement_does_not_clear_a_withdrawal() {
    let mut world = World::new();
    world.begin();
    world.announce(50_000).unwrap();
    world.withdraw().unwrap();
    world.next();
    world.announce(50_001).unwrap();
    let standing = world.record().unwrap().standing.unwrap();
    assert_eq!(standing.maturity, Some(Height(42)), "still that of block 1 + 41");
    world.go_to(42);
    world.withdraw().unwrap();
    assert_eq!(world.balance(provider), (FUNDS, 0));
    world.end();
}

#[test]
fn after_a_first_withdrawal_acceptances_end_before_the_pot() {
    let maturity = Height(44);
    let beyond = Error::AcceptanceBeyondPot { valid_until: Height(45), maturity };
    for (valid_until, refused) in [(44, None), (45, Some(beyond))] {
        let (mut world, offer) = World::with_offer();
        world.next();
        world.withdraw().unwrap();
        world.go_to(10);
        // Withdrawn in block 3, so the pot leaves at 3 + 41 = 44.
        let acceptance = world.acceptance_until(&offer, 0, valid_until);
        assert_eq!(world.place_all(&offer, vec![acceptance]).err(), refused);
        world.end();
    }
}

#[test]
fn collateral_returns_to_free_when_the_pot_is_gone() {
    let (mut world, id) = World::with_placement();
    world.withdraw().unwrap();
    // Withdrawn in block 3: 3 + 41 = 44. The placement lives until 62.
    world.go_to(44);
    world.withdraw().unwrap();
    // 949,000 + the unused pot 50,000 − 999; held: deposit 1,000 + collateral 999.
    assert_eq!(world.balance(provider), (998_001, 1_999));
    assert_eq!(world.record().unwrap().standing, None);
    assert_eq!(world.withdraw(), Err(Error::NotAnnounced(world.provider.id)));
    world.go_to(62);
    world.close(provider, &id).unwrap();
    assert_eq!(world.balance(provider), (FUNDS, 0), "collateral and deposit");
    assert_eq!(world.record(), None, "the entry goes with the last placement");
    world.end();
}

#[test]
fn a_provider_can_come_back() {
    let (mut world, id) = World::with_placement();
    world.withdraw().unwrap();
    world.go_to(44);
    world.withdraw().unwrap();
    world.announce(700).unwrap();
    // The deposit is held since block 1: only the new pot is added. 998,001 − 700.
    assert_eq!(world.balance(provider), (997_301, 2_699));
    let record = world.record().unwrap();
    assert_eq!((record.since, record.placements), (Height(1), 1));
    assert_eq!(record.standing.unwrap().maturity, None);
    world.go_to(62);
    world.close(provider, &id).unwrap();
    assert_eq!(world.pot(), 1_699, "700 + the collateral of 999");
    world.end();
}

#[test]
fn terms_are_needed_to_be_placed_by() {
    let mut world = World::new();
    world.begin();
    let offer = world.offer().unwrap();
    assert_eq!(world.place(&offer, 0), Err(Error::NotAnnounced(world.provider.id)));
    world.by(stranger, announcement(1000)).unwrap();
    assert_eq!(world.place(&offer, 0), Err(Error::NotAnnounced(world.provider.id)));
    world.end();
}

#[test]
fn the_least_payment_stands() {
    for (least, refused) in [(100, false), (101, true)] {
        let mut world = World::new();
        world.begin();
        let offer = world.offer().unwrap();
        let terms = pallet_storage::Call::Announce {
            capacity: 0,
            min_payment: Amount::from_units(least),
            pot: Amount::from_units(999),
        };
        world.by(provider, terms).unwrap();
        let error = Error::BelowMinPayment {
            payment: Amount::from_units(100),
            least: Amount::from_units(101),
        };
        assert_eq!(world.place(&offer, 0).err(), refused.then_some(error));
        assert_eq!(world.balance(owner).1, 2050, "capacity 0 is advisory, the offer stays");
        world.end();
    }
}
