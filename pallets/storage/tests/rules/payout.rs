//! §8.6: proofs and receipts.

use crate::naive;
use crate::world::{
    FUNDS, NO_SIGNATURE, PARAMS, World, fragment, genesis, owner, person, proof, provider, stranger,
};
use blocktree_fragments::{InclusionError, LeafError};
use blocktree_primitives::{Amount, BlockHash, Height, PlacementId};
use pallet_storage::{Call, Claim, Effect, Error, Evidence, Params, read, signatures};

/// Demands so that the challenge is drawn in block `drawn`.
fn challenge_in(world: &mut World, id: &PlacementId, drawn: u64) {
    world.go_to(drawn - 1);
    world.demand(provider, id).unwrap();
    world.next();
}

/// last = 2, end = 62, 10 blocks a period: a proof pays ⌊(min(d, 62) − 2)/10⌋ periods.
#[test]
fn a_proof_pays_whole_periods_to_the_draw() {
    // 3 % of each 100 are burned; the pool gets ⌊3 · burn / 2⌋.
    for (drawn, periods, burned, pool) in [
        (4, 0, 0, 0),
        (11, 0, 0, 0),
        (12, 1, 3, 4),
        (21, 1, 3, 4),
        (22, 2, 6, 9),
        (61, 5, 15, 22),
        (62, 6, 18, 27),
        (63, 6, 18, 27),
        (75, 6, 18, 27),
    ] {
        let (mut world, id) = World::with_placement();
        challenge_in(&mut world, &id, drawn);
        let applied = world.answer(&id).unwrap();
        assert!(applied.answers_challenges);
        let gross = periods * 100;
        assert_eq!(world.balance(owner), (997_943, 2_050 - gross), "drawn in {drawn}");
        assert_eq!(world.balance(provider), (949_000 + gross - burned, 51_000));
        assert_eq!(world.balance(stranger), (FUNDS, 0), "who claims gets nothing");
        assert_eq!((world.burned(), world.pool()), (7 + burned, pool));
        assert_eq!(world.placement(&id).unwrap().last, Height(2 + 10 * periods));
        world.end();
    }
}

/// The drawing height counts, not that of the answer: drawn in 11, answered in 16.
#[test]
fn a_late_answer_pays_to_the_draw() {
    let (mut world, id) = World::with_placement();
    challenge_in(&mut world, &id, 11);
    world.go_to(16);
    world.answer(&id).unwrap();
    assert_eq!(world.placement(&id).unwrap().last, Height(2));
    assert!(!world.saw(|effect| matches!(effect, Effect::Paid { .. })));
    world.end();
}

#[test]
fn a_payout_is_reported() {
    let (mut world, id) = World::with_placement();
    challenge_in(&mut world, &id, 22);
    world.answer(&id).unwrap();
    let provider = world.provider.id;
    let passed = Effect::Passed {
        placement: id,
        provider,
        opened: Height(22),
        score: 0,
        demand_deposit: Amount::ZERO,
    };
    let paid = Effect::Paid {
        placement: id,
        provider,
        periods: 2,
        gross: Amount::from_units(200),
        burned: Amount::from_units(6),
        last: Height(22),
    };
    assert_eq!(world.effects[1..], [passed, paid]);
    world.end();
}

/// One burn per claim, rounded up: ⌈100 · 2.5 %⌉ = 3, ⌈300 · 2.5 %⌉ = ⌈7.5⌉ = 8.
#[test]
fn the_burn_rounds_up() {
    for (ppm, drawn, burned) in [
        (25_000, 12, 3),
        (25_000, 32, 8),
        (1, 12, 1),
        (0, 32, 0),
        (1_000_000, 32, 300),
        (999_999, 32, 300),
    ] {
        let mut world = World::with(Params { burn_ppm: ppm, ..PARAMS });
        world.begin();
        world.announce(50_000).unwrap();
        let offer = world.offer().unwrap();
        world.next();
        let id = world.place(&offer, 0).unwrap();
        challenge_in(&mut world, &id, drawn);
        world.answer(&id).unwrap();
        assert_eq!((world.burned(), world.pool()), (7 + burned, 3 * burned / 2), "{ppm}");
        world.end();
    }
}

#[test]
fn only_the_challenged_leaf_with_its_path_answers() {
    let (mut world, id) = World::with_placement();
    challenge_in(&mut world, &id, 12);
    let index = read::challenge(&world.state, &id).unwrap().unwrap().leaf;
    let (leaf, path) = naive::proof(&fragment(), index);
    let other = (index + 1) % 3;
    let (other_leaf, other_path) = naive::proof(&fragment(), other);
    let mut flipped_leaf = leaf.clone();
    flipped_leaf[7] ^= 1;
    let mut flipped_path = path.clone();
    flipped_path[0][31] ^= 0x80;
    let mut long_path = path.clone();
    long_path.push([0; 32]);
    let short_leaf = leaf[1..].to_vec();
    // An inner node in place of the leaf: 64 bytes that hash to nothing without the prefix 1.
    let node = [naive::sha256(&[&[0], &leaf]), path[0]].concat();
    let expected = u32::try_from(path.len()).unwrap();
    let wrong_root = LeafError::Inclusion(InclusionError::WrongRoot);
    let length = |found| LeafError::Inclusion(InclusionError::PathLength { expected, found });
    let short = |found| LeafError::LeafLength { expected: leaf.len(), found };
    let other_error =
        if other_leaf.len() == leaf.len() { wrong_root } else { short(other_leaf.len()) };
    let rows = [
        ("another leaf", other_leaf, other_path, other_error),
        ("a flipped bit of the leaf", flipped_leaf, path.clone(), wrong_root),
        ("a flipped bit of the path", leaf.clone(), flipped_path, wrong_root),
        ("a trailing sibling", leaf.clone(), long_path, length(path.len() + 1)),
        ("no path", leaf.clone(), vec![], length(0)),
        ("a short leaf", short_leaf, path.clone(), short(leaf.len() - 1)),
        ("an empty leaf", vec![], path.clone(), short(0)),
        ("a node for a leaf", node.clone(), path[1..].to_vec(), short(node.len())),
    ];
    let before = world.state.delta();
    for (name, leaf, path, error) in rows {
        let refused = world.payout(vec![proof(&id, leaf, path)]);
        assert_eq!(refused, Err(Error::BadProof(error)), "{name}");
        assert_eq!(world.state.delta(), before, "{name}");
    }
    world.answer(&id).unwrap();
    world.end();
}

#[test]
fn a_proof_needs_a_pending_challenge() {
    let (mut world, id) = World::with_placement();
    let (leaf, path) = naive::proof(&fragment(), 0);
    let claim = proof(&id, leaf, path);
    assert_eq!(world.payout(vec![claim.clone()]), Err(Error::NoChallenge));
    world.demand(owner, &id).unwrap();
    assert_eq!(world.payout(vec![claim.clone()]), Err(Error::NoChallenge), "not drawn yet");
    world.next();
    let answer = world.proof(&id);
    world.payout(vec![answer.clone()]).unwrap();
    assert_eq!(world.payout(vec![answer.clone()]), Err(Error::NoChallenge), "answered");
    let mut lost = answer;
    lost.placement = PlacementId([1; 32]);
    assert_eq!(world.payout(vec![lost]), Err(Error::NoSuchPlacement));
    world.end();
}

/// In block 23, last = 2: through 12..=21 pays one period, through 22 two.
#[test]
fn receipts_pay_through_their_height() {
    let ahead = |through| Err(Error::ReceiptAhead { through: Height(through), parent: Height(22) });
    for (through, paid) in [
        (0, Err(Error::NothingToPay)),
        (2, Err(Error::NothingToPay)),
        (11, Err(Error::NothingToPay)),
        (12, Ok(1)),
        (21, Ok(1)),
        (22, Ok(2)),
        (23, ahead(23)),
        (u64::MAX, ahead(u64::MAX)),
    ] {
        let (mut world, id) = World::with_placement();
        world.go_to(23);
        let receipt = world.receipt(&id, through);
        let applied = world.payout(vec![receipt.clone()]);
        assert_eq!(applied.clone().map(|a| a.answers_challenges), paid.clone().map(|_| false));
        let periods = paid.unwrap_or(0);
        // 97 of each 100 arrive.
        assert_eq!(world.balance(provider).0, 949_000 + 97 * periods, "through {through}");
        if periods > 0 {
            let again = world.payout(vec![receipt]);
            assert_eq!(again, Err(Error::NothingToPay), "a receipt pays once");
        }
        world.end();
    }
}

#[test]
fn receipts_after_the_end_pay_to_the_end() {
    let (mut world, id) = World::with_placement();
    world.go_to(70);
    let receipt = world.receipt(&id, 69);
    world.payout(vec![receipt]).unwrap();
    // Six periods: 600 − ⌈600 · 3 %⌉ = 582; 50 + 100 + 2 · 650 stay held.
    assert_eq!(world.balance(provider).0, 949_582);
    assert_eq!(world.balance(owner).1, 1_450);
    let receipt = world.receipt(&id, 69);
    assert_eq!(world.payout(vec![receipt]), Err(Error::NothingToPay));
    world.end();
}

#[test]
fn a_pending_challenge_needs_a_proof() {
    let (mut world, id) = World::with_placement();
    world.go_to(22);
    world.demand(owner, &id).unwrap();
    let receipt = world.receipt(&id, 12);
    world.payout(vec![receipt]).unwrap();
    world.next();
    let receipt = world.receipt(&id, 22);
    assert_eq!(world.payout(vec![receipt.clone()]), Err(Error::ReceiptWhilePending));
    world.answer(&id).unwrap();
    // The proof, drawn in 23, paid through 22.
    assert_eq!(world.payout(vec![receipt]), Err(Error::NothingToPay));
    world.end();
}

#[test]
fn receipts_never_clear_strikes() {
    let (mut world, id) = World::with_placement();
    world.miss(&id);
    world.go_to(33);
    let receipt = world.receipt(&id, 32);
    world.payout(vec![receipt]).unwrap();
    assert_eq!(world.placement(&id).unwrap().score, 4);
    assert_eq!(world.record().unwrap().passed, 0);
    world.end();
}

#[test]
fn only_the_owner_is_content() {
    let (mut world, id) = World::with_placement();
    world.go_to(23);
    let receipt = pallet_storage::Receipt { placement: id, through: Height(22) };
    for signer in [person(2), person(3)] {
        let claim = Claim { placement: id, evidence: receipt.sign(&genesis(), &signer.secret) };
        assert_eq!(world.payout(vec![claim]), Err(Error::ReceiptNotOwners));
    }
    world.end();
}

/// A receipt is signed over genesis, placement and height.
#[test]
fn a_receipt_is_the_owners_word_for_exactly_this() {
    let (world, id) = World::with_placement();
    let good = world.receipt(&id, 12);
    let verifies = |genesis: BlockHash, claim: &Claim| {
        let claims = vec![claim.clone()].try_into().unwrap();
        let mut checks = vec![];
        signatures(&genesis, &Call::Payout { claims }, &mut checks);
        checks.len() == 1 && checks[0].verify().is_ok()
    };
    assert!(verifies(genesis(), &good));
    assert!(!verifies(BlockHash([1; 32]), &good));
    let Evidence::Receipt { owner_key, through, signature } = good.evidence else {
        panic!("a receipt")
    };
    let with = |placement, owner_key, through, signature| Claim {
        placement,
        evidence: Evidence::Receipt { owner_key, through, signature },
    };
    let later = Height(through.0 + 1);
    for bad in [
        with(PlacementId([1; 32]), owner_key, through, signature),
        with(id, person(2).key, through, signature),
        with(id, owner_key, later, signature),
        with(id, owner_key, through, NO_SIGNATURE),
    ] {
        assert!(!verifies(genesis(), &bad), "{bad:?}");
    }
}

#[test]
fn claims_stand_or_fall_together() {
    let (mut world, offer) = World::with_offer();
    let ids: Vec<_> = (0..3).map(|id| world.place(&offer, id).unwrap()).collect();
    world.go_to(22);
    world.demand(owner, &ids[0]).unwrap();
    world.demand(owner, &ids[1]).unwrap();
    world.next();
    let (first, second) = (world.proof(&ids[0]), world.proof(&ids[1]));
    let receipt = world.receipt(&ids[2], 22);
    let before = world.state.delta();
    let refused = world.payout(vec![first.clone(), second.clone(), first.clone()]);
    assert_eq!(refused, Err(Error::ClaimedTwice(0, 2)));
    assert_eq!(world.payout(vec![]), Err(Error::NoClaim));
    let early = world.receipt(&ids[2], 11);
    let refused = world.payout(vec![first.clone(), early]);
    assert_eq!(refused, Err(Error::NothingToPay));
    assert_eq!(world.state.delta(), before);
    let reported = world.effects.len();
    // All proofs: exempt from the weight limit. One receipt among them: not.
    let applied = world.payout(vec![first, receipt]).unwrap();
    assert!(!applied.answers_challenges);
    assert!(world.payout(vec![second]).unwrap().answers_challenges);
    // Two periods each: 3 · (200 − 6); and the deposits of two demands.
    assert_eq!(world.balance(provider).0, 949_000 + 582 + 40);
    assert!(world.effects.len() > reported);
    world.end();
}
