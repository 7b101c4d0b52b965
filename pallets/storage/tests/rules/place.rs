//! §8.3: acceptances and placements.

use crate::naive;
use crate::world::{World, fragment, genesis, owner, person, provider, stranger};
use blocktree_primitives::{Amount, BoundedVec, FragmentRoot, Height, OfferId, Span};
use pallet_storage::state::{Pending, Placement};
use pallet_storage::{Acceptance, Call, Effect, Error, SignedAcceptance, read, signatures};

#[test]
fn a_placement_takes_from_reserve_and_pot() {
    let (mut world, offer) = World::with_offer();
    let id = world.place(&offer, 5).unwrap();
    let expected = naive::tagged("blocktree/placement", &[&offer.0, &[5, 0, 0, 0]]);
    assert_eq!(id.0, expected);
    // PLACE_BURN from free; the reserve was held already.
    assert_eq!(world.balance(owner), (997_943, 2_050));
    assert_eq!(world.balance(provider), (949_000, 51_000), "collateral stays held");
    assert_eq!((world.pot(), world.burned(), world.pool()), (49_001, 7, 0));
    let placement = Placement {
        owner: world.owner.id,
        provider: world.provider.id,
        offer,
        fragment_id: 5,
        root: FragmentRoot(naive::root(&fragment())),
        size: 600,
        payment: Amount::from_units(100),
        period: Span(10),
        collateral: Amount::from_units(999),
        deposit: Amount::from_units(50),
        start: Height(2),
        last: Height(2),
        end: Height(62),
        score: 0,
        last_strike: None,
        last_relief: None,
        slot: 0,
        pending: Pending::Nothing,
        demand_deposit: Amount::ZERO,
        owner_demand: None,
        provider_demand: None,
        final_demand: false,
    };
    assert_eq!(world.placement(&id), Some(placement.clone()));
    let listed = read::placements_of_offer(&world.state, &offer).unwrap();
    assert_eq!(listed, [(id, placement)]);
    let left = read::offer(&world.state, &offer).unwrap().unwrap();
    assert_eq!((left.reserve, left.last_fragment), (2, Some(5)));
    let record = world.record().unwrap();
    assert_eq!((record.placements, record.bytes), (1, 600));
    assert_eq!(
        world.effects,
        [Effect::Placed {
            placement: id,
            offer,
            fragment_id: 5,
            owner: world.owner.id,
            provider: world.provider.id,
            end: Height(62),
        }]
    );
    world.end();
}

/// Placed in block 2 of a chain where acceptances are valid for 40 blocks.
#[test]
fn an_acceptance_counts_for_a_while() {
    let latest = Height(42);
    for (valid_until, refused) in [
        (1, Some(Error::AcceptanceStale(Height(1)))),
        (2, None),
        (42, None),
        (43, Some(Error::AcceptanceTooLong { valid_until: Height(43), latest })),
        (u64::MAX, Some(Error::AcceptanceTooLong { valid_until: Height(u64::MAX), latest })),
    ] {
        let (mut world, offer) = World::with_offer();
        let acceptance = world.acceptance_until(&offer, 0, valid_until);
        assert_eq!(world.place_all(&offer, vec![acceptance]).err(), refused);
        world.end();
    }
}

#[test]
fn the_size_is_the_offers() {
    let (mut world, offer) = World::with_offer();
    let mut acceptance = Acceptance::of(offer, &world.acceptance(&offer, 0));
    acceptance.size = 599;
    let signed = acceptance.sign(&genesis(), &world.provider.secret);
    let refused = Error::WrongSize { accepted: 599, offered: 600 };
    assert_eq!(world.place_all(&offer, vec![signed]), Err(refused));
    world.end();
}

#[test]
fn fragment_ids_only_rise() {
    let (mut world, offer) = World::with_offer();
    let accept = |world: &World, ids: &[u32]| -> Vec<SignedAcceptance> {
        ids.iter().map(|id| world.acceptance(&offer, *id)).collect()
    };
    let used = |placed, given| Err(Error::FragmentIdUsed { placed, given });
    for ids in [[3, 3], [3, 2]] {
        let acceptances = accept(&world, &ids);
        assert_eq!(world.place_all(&offer, acceptances), used(3, ids[1]));
    }
    let acceptances = accept(&world, &[3, 9]);
    world.place_all(&offer, acceptances).unwrap();
    assert_eq!(world.balance(owner), (997_936, 2_050), "PLACE_BURN twice");
    for id in [0, 3, 8, 9] {
        assert_eq!(world.place(&offer, id).err(), used(9, id).err());
    }
    // A repair uses a new id even for a fragment that is gone.
    let gone = pallet_storage::placement_id(&offer, 9);
    world.exit(&gone).unwrap();
    assert_eq!(world.place(&offer, 9).err(), used(9, 9).err());
    world.place(&offer, 10).unwrap();
    world.place(&offer, u32::MAX).unwrap();
    world.end();
}

#[test]
fn the_pot_covers_the_collateral() {
    let mut world = World::new();
    world.begin();
    world.announce(1_997).unwrap();
    let offer = world.offer().unwrap();
    world.place(&offer, 0).unwrap();
    let (pot, collateral) = (Amount::from_units(998), Amount::from_units(999));
    assert_eq!(world.place(&offer, 1), Err(Error::PotTooSmall { pot, collateral }));
    world.announce(999).unwrap();
    world.place(&offer, 1).unwrap();
    assert_eq!(world.pot(), 0);
    world.end();
}

#[test]
fn a_repair_is_paid_afresh() {
    let (mut world, offer) = World::with_offer();
    let ids: Vec<_> = (0..3).map(|id| world.place(&offer, id).unwrap()).collect();
    assert_eq!(world.place(&offer, 3), Err(Error::FullyPlaced(3)));
    world.exit(&ids[1]).unwrap();
    // Three PLACE_BURN; the exit returned 650.
    assert_eq!(world.balance(owner), (997_950 - 21 + 650, 1_400));
    world.place(&offer, 3).unwrap();
    // 997,950 − 21 + 650 − 7 − 650
    assert_eq!(world.balance(owner), (997_922, 2_050));
    assert_eq!(world.place(&offer, 4), Err(Error::FullyPlaced(3)));
    world.end();
}

#[test]
fn a_repair_must_be_funded() {
    let mut world = World::new();
    world.begin();
    world.announce(50_000).unwrap();
    let mut new = world.new_offer();
    // 3 · (3,332 · 100 + 50) + 100 = 999,850: 150 are left, 21 of them burn.
    new.terms.payments = 3_332;
    let offer = world.offer_as(new).unwrap();
    for id in 0..3 {
        world.place(&offer, id).unwrap();
    }
    world.go_to(12);
    let id = pallet_storage::placement_id(&offer, 0);
    world.demand(owner, &id).unwrap();
    world.next();
    // An exit under a challenge returns less than the repair costs: two periods have begun from
    // 1 to 13.
    world.exit(&id).unwrap();
    let free = world.balance(owner).0;
    // 150 − 21 − 20 (demand) + 20 + 50 + 333,200 − 2 · 100
    assert_eq!(free, 333_179);
    let overdraft = pallet_coin::Error::Overdraft {
        free: Amount::from_units(free - 7),
        needed: Amount::from_units(333_250),
    };
    assert_eq!(world.place(&offer, 3), Err(Error::Coin(overdraft)));
    world.end();
}

#[test]
fn nobody_places_after_the_last_block() {
    let (mut world, offer) = World::with_offer();
    world.go_to(100);
    world.place(&offer, 0).unwrap();
    world.next();
    assert_eq!(world.place(&offer, 1), Err(Error::OfferExpired(Height(100))));
    world.end();
}

#[test]
fn only_the_owner_places() {
    let (mut world, offer) = World::with_offer();
    let acceptances = BoundedVec::try_from(vec![world.acceptance(&offer, 0)]).unwrap();
    let call = Call::Place { offer, acceptances };
    assert_eq!(world.by(stranger, call), Err(Error::NotOwner));
    assert_eq!(world.place_all(&offer, vec![]), Err(Error::NoAcceptance));
    assert_eq!(world.place(&OfferId([1; 32]), 0), Err(Error::NoSuchOffer));
    world.end();
}

#[test]
fn one_bad_acceptance_places_nothing() {
    let (mut world, offer) = World::with_offer();
    let before = world.state.delta();
    let acceptances = vec![world.acceptance(&offer, 0), world.acceptance_until(&offer, 1, 1)];
    let refused = Error::AcceptanceStale(Height(1));
    assert_eq!(world.place_all(&offer, acceptances), Err(refused));
    assert_eq!(world.state.delta(), before);
    assert_eq!(world.effects, []);
    world.end();
}

/// Every field is signed, and so are the offer, the genesis hash and the signer.
#[test]
fn an_acceptance_is_the_providers_word_for_exactly_this() {
    let (world, offer) = World::with_offer();
    let good = world.acceptance(&offer, 0);
    let verifies = |genesis, offer, signed: &SignedAcceptance| {
        let acceptances = BoundedVec::try_from(vec![signed.clone()]).unwrap();
        let mut checks = vec![];
        signatures(&genesis, &Call::Place { offer, acceptances }, &mut checks);
        assert_eq!(checks.len(), 1);
        checks[0].verify().is_ok()
    };
    assert!(verifies(genesis(), offer, &good));
    assert!(!verifies(genesis(), OfferId([1; 32]), &good));
    assert!(!verifies(blocktree_primitives::BlockHash([1; 32]), offer, &good));
    let changes: [fn(&mut SignedAcceptance); 5] = [
        |a| a.fragment_id += 1,
        |a| a.root = FragmentRoot([1; 32]),
        |a| a.size += 1,
        |a| a.valid_until = Height(a.valid_until.0 + 1),
        |a| a.provider_key = person(3).key,
    ];
    for change in changes {
        let mut bad = good.clone();
        change(&mut bad);
        assert!(!verifies(genesis(), offer, &bad), "{bad:?}");
    }
}
