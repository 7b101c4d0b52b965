//! Every refusal of an event, with the last value that is still taken.

use crate::common::{Spec, account};
use crate::node::{Node, room_for};
use blocktree_mempool::{Dropped, FeeRate, Inserted, Policy, PoolRefusal};
use blocktree_primitives::{Amount, BlockHash, Height};
use blocktree_state::Batch;

fn units(amount: u64) -> Amount {
    Amount::from_units(amount)
}

/// Each row: what was sent before, what is sent, why it is refused. Signers have 1,000,000 base
/// units and nonce 0, the tip is at 10, events weigh 200, the floor is 1 per weight.
#[test]
fn every_rule_refuses_by_name() {
    let one = || Spec::new(1, 0, 1_000);
    let rows: Vec<(Vec<Spec>, Spec, PoolRefusal)> = vec![
        (vec![one()], one(), PoolRefusal::AlreadyKnown),
        (
            vec![],
            Spec::new(1, 0, 900_000_000).weighing(1_500_001),
            PoolRefusal::TooHeavy { weight: 1_500_001, max: 1_500_000 },
        ),
        (
            vec![],
            Spec::new(1, 0, 199),
            PoolRefusal::FeeTooLow { given: units(199), needed: units(200) },
        ),
        (
            vec![],
            Spec::new(1, 0, 200).weighing(201),
            PoolRefusal::FeeTooLow { given: units(200), needed: units(201) },
        ),
        (
            vec![],
            one().until(10),
            PoolRefusal::Expired { valid_until: Height(10), next: Height(11) },
        ),
        (vec![], one().until(0), PoolRefusal::Expired { valid_until: Height(0), next: Height(11) }),
        (
            vec![],
            one().until(11),
            PoolRefusal::ExpiresTooSoon { valid_until: Height(11), needed: Height(12) },
        ),
        (
            vec![],
            Spec::new(1, 64, 1_000),
            PoolRefusal::NonceTooFar { given: 64, next: 0, window: 64 },
        ),
        (
            vec![one()],
            Spec::new(1, u64::MAX, 1_000),
            PoolRefusal::NonceTooFar { given: u64::MAX, next: 0, window: 64 },
        ),
        (
            (0..64).map(|nonce| Spec::new(1, nonce, 1_000)).collect(),
            Spec::new(1, 64, 1_000),
            PoolRefusal::TooManyFromSigner { waiting: 64, max: 64 },
        ),
        (
            (1..64).map(|nonce| Spec::new(1, nonce, 1_000)).collect(),
            Spec::new(1, 64, 1_000),
            PoolRefusal::NonceTooFar { given: 64, next: 0, window: 64 },
        ),
        (
            vec![],
            Spec::new(1, 0, 1_000_001),
            PoolRefusal::Overdraft { free: units(1_000_000), needed: units(1_000_001) },
        ),
        (
            // Events that wait for a missing nonce count as well: 600,000 + 400,001.
            vec![Spec::new(1, 5, 600_000)],
            Spec::new(1, 0, 400_001),
            PoolRefusal::Overdraft { free: units(1_000_000), needed: units(1_000_001) },
        ),
        (
            // The replaced fee does not count: 300,000 − 300,000 + 700,001 + 300,000.
            vec![Spec::new(1, 0, 300_000), Spec::new(1, 1, 300_000)],
            Spec::new(1, 0, 700_001),
            PoolRefusal::Overdraft { free: units(1_000_000), needed: units(1_000_001) },
        ),
    ];
    for (before, spec, refusal) in rows {
        let mut node = Node::new(Policy::default());
        for before in before {
            node.add(before);
        }
        assert_eq!(node.insert(&spec), Err(refusal), "{spec:?}");
    }
}

#[test]
fn the_boundaries_themselves_are_taken_in() {
    for (before, spec) in [
        (vec![], Spec::new(1, 0, 200)),
        (vec![], Spec::new(1, 0, 201).weighing(201)),
        (vec![], Spec::new(1, 0, 1_000).until(12)),
        (vec![], Spec::new(1, 63, 1_000)),
        (vec![], Spec::new(1, 0, 1_000_000)),
        (vec![Spec::new(1, 5, 600_000)], Spec::new(1, 0, 400_000)),
        ((1..64).map(|nonce| Spec::new(1, nonce, 1_000)).collect(), Spec::new(1, 0, 1_000)),
    ] {
        let mut node = Node::new(Policy::default());
        for before in before {
            node.add(before);
        }
        node.add(spec);
    }
    let mut node = Node::new(Policy::default());
    node.set_account(1, 0, 1_500_000);
    node.add(Spec::new(1, 0, 1_500_000).weighing(1_500_000));
}

#[test]
fn nonces_count_from_the_account() {
    let mut node = Node::new(Policy::default());
    node.set_account(1, 5, 1_000_000);
    assert_eq!(
        node.insert(&Spec::new(1, 4, 1_000)),
        Err(PoolRefusal::NonceUsed { given: 4, next: 5 })
    );
    node.add(Spec::new(1, 68, 1_000));
    assert_eq!(
        node.insert(&Spec::new(1, 69, 1_000)),
        Err(PoolRefusal::NonceTooFar { given: 69, next: 5, window: 64 })
    );
    node.add(Spec::new(1, 5, 1_000));
    node.add(Spec::new(1, 6, 1_000));
    let next = |from| node.pool.next_nonce(&crate::common::principal(1), from);
    assert_eq!((next(5), next(7), next(68)), (7, 7, 69));
    assert_eq!(node.pool.next_nonce(&crate::common::principal(2), 3), 3);
}

#[test]
fn an_account_read_at_another_tip_is_asked_for_again() {
    let mut node = Node::new(Policy::default());
    let tip = node.pool.tip().hash;
    let stale = BlockHash([9; 32]);
    let event = Spec::new(1, 0, 1_000).make();
    let mut batch = Batch::new();
    assert_eq!(
        node.pool.insert(event.clone(), account(0, 1_000), &stale, &mut batch),
        Err(PoolRefusal::TipMoved { read_at: stale, tip })
    );
    assert!(batch.is_empty());
    // An event that waits is known whatever the account: to ask again is harmless.
    node.insert_event(event.clone()).unwrap();
    assert_eq!(
        node.pool.insert(event, account(0, 1_000), &stale, &mut batch),
        Err(PoolRefusal::AlreadyKnown)
    );
}

#[test]
fn a_replacement_must_pay_more() {
    let mut node = Node::new(room_for(10));
    let old = node.add(Spec::new(1, 0, 1_000));
    node.add(Spec::new(1, 1, 1_000));
    // A step of 10 % gives 1,100, the floor for its own weight 1,000 + 200.
    let low = |given, needed| PoolRefusal::ReplacementFeeTooLow {
        replaces: old,
        given: units(given),
        needed: units(needed),
    };
    assert_eq!(node.insert(&Spec::new(1, 0, 1_199)), Err(low(1_199, 1_200)));
    // Twice the weight: the rate needs 1,000 · 1.1 · 2.
    assert_eq!(node.insert(&Spec::new(1, 0, 2_199).weighing(400)), Err(low(2_199, 2_200)));
    // Less weight makes the rate easy; the fee must still be more.
    assert_eq!(node.insert(&Spec::new(1, 0, 1_122).weighing(123)), Err(low(1_122, 1_123)));
    let spec = Spec::new(1, 0, 1_200);
    let new = spec.make().id();
    assert_eq!(node.insert(&spec), Ok(Inserted { replaced: Some(old), evicted: vec![] }));
    assert_eq!(node.dropped(&old), Dropped::Replaced { by: new });
    assert_eq!(node.best().first(), Some(&new));
    assert_eq!(node.pool.info().events, 2);
    // The same nonce of another signer is another matter.
    node.add(Spec::new(2, 0, 200));
    // What was replaced may come back if it pays more again; it doesn't.
    assert_eq!(
        node.insert(&Spec::new(1, 0, 1_000)),
        Err(PoolRefusal::ReplacementFeeTooLow {
            replaces: new,
            given: units(1_000),
            needed: units(1_400),
        })
    );
}

#[test]
fn an_event_that_left_may_come_again() {
    let mut node = Node::new(room_for(2));
    let old = Spec::new(1, 0, 400);
    let id = node.add(old.clone());
    node.add(Spec::new(2, 0, 600));
    node.insert(&Spec::new(3, 0, 800)).unwrap();
    assert_eq!(node.dropped(&id), Dropped::Evicted);
    let rich = Spec::new(2, 0, 600).make();
    node.apply(vec![rich], &[]);
    node.add(old);
    assert!(node.waits(&id));
}

#[test]
fn the_floor_is_told() {
    let mut node = Node::new(room_for(2));
    let rate = |fee, weight| FeeRate::new(units(fee), weight);
    assert_eq!(node.pool.info().floor, rate(1, 1));
    node.add(Spec::new(1, 0, 600));
    node.add(Spec::new(2, 0, 800));
    assert_eq!(node.pool.info().floor, rate(3, 1));
    node.apply(vec![Spec::new(2, 0, 800).make()], &[]);
    assert_eq!(node.pool.info().floor, rate(1, 1));
    // An event that waits for a missing nonce makes room for any other.
    node.add(Spec::new(2, 2, 800));
    assert_eq!(node.pool.info().floor, rate(1, 1));
}
