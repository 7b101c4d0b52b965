//! §8.2: offers and their reserve.

use crate::world::{FUNDS, PARAMS, World, owner, path, provider, stranger};
use blocktree_primitives::{Amount, Height, OfferId, Span};
use pallet_storage::{Effect, Error, NewOffer, Params, Removal, read};

fn live(world: &World) -> Vec<(OfferId, u64)> {
    let offers = read::offers_of_path(&world.state, &path(&world.owner, "file")).unwrap();
    offers.into_iter().map(|(id, offer)| (id, offer.version)).collect()
}

#[test]
fn an_offer_locks_everything_at_once() {
    let mut world = World::new();
    world.begin();
    let id = world.offer().unwrap();
    // 3 · (6 · 100 + 50) + 100 = 3 · 650 + 100 = 2,050
    assert_eq!(world.balance(owner), (997_950, 2_050));
    let offer = read::offer(&world.state, &id).unwrap().unwrap();
    assert_eq!((offer.owner, offer.reserve, offer.created), (world.owner.id, 3, Height(1)));
    assert_eq!((offer.cancelled, offer.last_fragment), (false, None));
    assert_eq!(live(&world), [(id, 1)]);
    assert_eq!(
        world.effects,
        [Effect::OfferOpened {
            offer: id,
            path: path(&world.owner, "file"),
            version: 1,
            locked: Amount::from_units(2_050)
        }]
    );
    world.end();
}

#[test]
fn an_unfunded_offer_is_refused() {
    let mut world = World::new();
    world.begin();
    let mut new = world.new_offer();
    // 3 · (3,333 · 100 + 50) + 100 = 1,000,150
    new.terms.payments = 3_333;
    let overdraft = pallet_coin::Error::Overdraft {
        free: Amount::from_units(1_000_000),
        needed: Amount::from_units(1_000_150),
    };
    assert_eq!(world.offer_as(new), Err(Error::Coin(overdraft)));
    assert_eq!(live(&world), []);
    let mut new = world.new_offer();
    // 3 · (3,332 · 100 + 50) + 100 = 999,850
    new.terms.payments = 3_332;
    assert!(world.offer_as(new).is_ok());
    assert_eq!(world.balance(owner), (150, 999_850));
    world.end();
}

#[test]
fn what_64_bits_dont_hold_is_refused() {
    let huge = Amount::from_units(1 << 62);
    let mut world = World::with(Params { max_payment: huge, ..PARAMS });
    world.begin();
    for (payments, n) in [(4, 3), (1, 4)] {
        let mut new = world.new_offer();
        new.terms.payment = huge;
        new.terms.payments = payments;
        new.code.n = n;
        assert_eq!(world.offer_as(new), Err(Error::TooLarge), "2^62 · {payments} · {n}");
    }
    world.end();
}

/// Corruptions of the standard offer, each with its refusal; `None` if it stands.
#[test]
fn bounds_of_an_offer() {
    type Change = fn(&mut NewOffer);
    let bad_code = |k, n| Some(Error::BadCode { k, n });
    let short = |period| Some(Error::PeriodTooShort { period: Span(period), least: Span(10) });
    let long = Some(Error::LastsTooLong { most: Span(1 << 32) });
    let rows: Vec<(&str, Change, Option<Error>)> = vec![
        ("k 0", |o| o.code.k = 0, bad_code(0, 3)),
        ("k above n", |o| o.code.k = 4, bad_code(4, 3)),
        ("n 257", |o| o.code.n = 257, bad_code(2, 257)),
        ("n 0", |o| o.code.n = 0, bad_code(2, 0)),
        ("k = n = 256", |o| (o.code.k, o.code.n) = (256, 256), None),
        ("k = n = 1", |o| (o.code.k, o.code.n) = (1, 1), None),
        ("empty fragment", |o| o.code.fragment_size = 0, Some(Error::BadFragmentSize(0))),
        (
            "fragment above 2^40",
            |o| o.code.fragment_size = (1 << 40) + 1,
            Some(Error::BadFragmentSize((1 << 40) + 1)),
        ),
        ("fragment of 2^40", |o| o.code.fragment_size = 1 << 40, None),
        ("fragment of 1", |o| o.code.fragment_size = 1, None),
        ("no payment", |o| o.terms.payment = Amount::ZERO, Some(Error::NoPayment)),
        ("no payments", |o| o.terms.payments = 0, Some(Error::NoPayments)),
        ("no collateral", |o| o.terms.collateral = Amount::ZERO, Some(Error::NoCollateral)),
        ("period 0", |o| o.terms.period = Span(0), short(0)),
        ("period below T", |o| o.terms.period = Span(9), short(9)),
        ("period T", |o| o.terms.period = Span(10), None),
        (
            "a lifetime that overflows",
            |o| (o.terms.period, o.terms.payments) = (Span(u64::MAX), 2),
            long.clone(),
        ),
        (
            "a lifetime of 2^32 + 2",
            |o| (o.terms.period, o.terms.payments) = (Span((1 << 31) + 1), 2),
            long,
        ),
        ("a lifetime of 2^32", |o| (o.terms.period, o.terms.payments) = (Span(1 << 31), 2), None),
        (
            "payment above the cap",
            |o| o.terms.payment = Amount::from_units(1001),
            Some(Error::PaymentAboveCap {
                payment: Amount::from_units(1001),
                cap: Amount::from_units(1000),
            }),
        ),
        ("payment at the cap", |o| o.terms.payment = Amount::from_units(1000), None),
        (
            "collateral above the cap",
            |o| o.terms.collateral = Amount::from_units(10_000),
            Some(Error::CollateralAboveCap {
                collateral: Amount::from_units(10_000),
                cap: Amount::from_units(9999),
            }),
        ),
        ("collateral at the cap", |o| o.terms.collateral = Amount::from_units(9999), None),
        ("expired", |o| o.expires_at = Height(0), Some(Error::ExpiresInThePast(Height(0)))),
        ("expires with this block", |o| o.expires_at = Height(1), None),
        ("version 0", |o| o.version = 0, None),
    ];
    for (name, change, expected) in rows {
        let mut world = World::new();
        world.begin();
        let mut new = world.new_offer();
        change(&mut new);
        assert_eq!(world.offer_as(new).err(), expected, "{name}");
        world.end();
    }
}

#[test]
fn only_the_root_principal_offers() {
    let mut world = World::new();
    world.begin();
    let mut new = world.new_offer();
    new.path = path(&world.stranger, "file");
    assert_eq!(world.offer_as(new), Err(Error::NotRoot));
    world.end();
}

#[test]
fn versions_rise_and_the_newest_comes_first() {
    let mut world = World::new();
    world.begin();
    let mut offered = |version| {
        let mut new = world.new_offer();
        new.version = version;
        world.offer_as(new)
    };
    let not_new = |given| Err(Error::VersionNotNew { live: 7, given });
    let first = offered(7).unwrap();
    assert_eq!(offered(7), not_new(7));
    assert_eq!(offered(6), not_new(6));
    let second = offered(8).unwrap();
    assert_eq!(live(&world), [(second, 8), (first, 7)]);
    // Only live offers count.
    world.cancel(owner, &second).unwrap();
    let mut new = world.new_offer();
    new.version = 8;
    let third = world.offer_as(new).unwrap();
    assert_eq!(live(&world), [(third, 8), (first, 7)]);
    world.end();
}

#[test]
fn a_path_has_16_live_offers() {
    let mut world = World::new();
    world.begin();
    let mut ids = vec![];
    for version in 1..=16 {
        let mut new = world.new_offer();
        new.version = version;
        ids.push(world.offer_as(new).unwrap());
    }
    let mut new = world.new_offer();
    new.version = 17;
    assert_eq!(world.offer_as(new.clone()), Err(Error::TooManyOffers));
    world.cancel(owner, &ids[3]).unwrap();
    assert!(world.offer_as(new).is_ok());
    world.end();
}

#[test]
fn a_cancelled_offer_without_placements_goes_at_once() {
    let mut world = World::new();
    world.begin();
    let id = world.offer().unwrap();
    assert_eq!(world.cancel(stranger, &id), Err(Error::NotExpired(Height(100))));
    world.cancel(owner, &id).unwrap();
    assert_eq!(world.balance(owner), (FUNDS, 0));
    assert_eq!(live(&world), []);
    assert_eq!(world.cancel(owner, &id), Err(Error::NoSuchOffer));
    assert!(world.saw(|effect| matches!(effect, Effect::OfferRemoved { .. })));
    world.end();
}

#[test]
fn anyone_cancels_an_expired_offer() {
    let mut world = World::new();
    world.begin();
    let id = world.offer().unwrap();
    world.go_to(100);
    assert_eq!(world.cancel(stranger, &id), Err(Error::NotExpired(Height(100))));
    world.go_to(101);
    world.cancel(stranger, &id).unwrap();
    assert_eq!(world.balance(owner), (FUNDS, 0));
    assert_eq!(world.balance(stranger), (FUNDS, 0));
    world.end();
}

#[test]
fn a_cancelled_offer_goes_with_its_last_placement() {
    let (mut world, id) = World::with_placement();
    let offer = world.placement(&id).unwrap().offer;
    world.cancel(owner, &offer).unwrap();
    // The reserve of 2 · 650 returns: 997,943 + 1,300; held: 650 + 100.
    assert_eq!(world.balance(owner), (999_243, 750));
    let returned = Amount::from_units(1_300);
    assert_eq!(world.effects, [Effect::OfferCancelled { offer, returned }]);
    assert_eq!(world.cancel(owner, &offer), Err(Error::OfferCancelled));
    assert_eq!(world.place(&offer, 1), Err(Error::OfferCancelled));
    assert_eq!(live(&world).len(), 1, "it counts until it is removed");
    world.next();
    world.exit(&id).unwrap();
    // 600 + 50 of the placement and 100 of the offer.
    assert_eq!(world.balance(owner), (999_993, 0), "all but PLACE_BURN");
    assert_eq!(live(&world), []);
    world.end();
}

#[test]
fn an_expired_offer_goes_with_its_last_placement() {
    let (mut world, offer) = World::with_offer();
    world.go_to(100);
    let id = world.place(&offer, 0).unwrap();
    world.exit(&id).unwrap();
    assert_eq!(live(&world).len(), 1, "in its last block it could still be used");
    let id = world.place(&offer, 1).unwrap();
    world.next();
    world.exit(&id).unwrap();
    // The one left in the reserve returns too. PLACE_BURN twice.
    assert_eq!(world.balance(owner), (FUNDS - 14, 0));
    assert!(world.saw(|e| matches!(e, Effect::PlacementRemoved { reason: Removal::Exit, .. })));
    assert!(world.saw(|e| matches!(e, Effect::OfferRemoved { returned, .. }
        if returned.units() == 650 + 100)));
    assert_eq!(live(&world), []);
    world.end();
}

#[test]
fn a_live_offer_outlives_its_placements() {
    let (mut world, id) = World::with_placement();
    let offer = world.placement(&id).unwrap().offer;
    world.exit(&id).unwrap();
    assert_eq!(live(&world), [(offer, 1)]);
    // The placement's 650 return, the reserve of 2 stays.
    assert_eq!(world.balance(owner), (998_593, 1_400));
    assert_eq!(world.pot(), 50_000 - 500, "⌈999 · 2/4⌉ of the collateral burned");
    assert_eq!(world.balance(provider).1, 50_500, "pot 49,500 + deposit 1,000");
    world.end();
}
