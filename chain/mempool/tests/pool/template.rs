//! The order in which templates take events.

use crate::common::Spec;
use crate::node::Node;
use blocktree_mempool::Policy;
use blocktree_primitives::EventId;

fn node() -> Node {
    Node::new(Policy::default())
}

#[test]
fn the_highest_rate_comes_first_and_nonces_stay_in_order() {
    let mut node = node();
    let a0 = node.add(Spec::new(1, 0, 400));
    let a1 = node.add(Spec::new(1, 1, 2_000));
    let b0 = node.add(Spec::new(2, 0, 1_000));
    let b1 = node.add(Spec::new(2, 1, 300));
    // Twice the fee for twice the weight and a bit: a rate just below that of b0.
    let c0 = node.add(Spec::new(3, 0, 2_000).weighing(401));
    assert_eq!(node.best(), [b0, c0, a0, a1, b1]);
}

#[test]
fn among_equals_the_earlier_comes_first() {
    let mut node = node();
    let ids: Vec<EventId> = (1..20).map(|signer| node.add(Spec::new(signer, 0, 400))).collect();
    assert_eq!(node.best(), ids);
    // 2 base units for 2 of weight are as much as 1 for 1, and this one is the latest.
    let last = node.add(Spec::new(20, 0, 800).weighing(400));
    assert_eq!(node.best().last(), Some(&last));
    node.restart();
    assert_eq!(node.best()[..19], ids);
}

#[test]
fn who_is_skipped_does_not_come_again() {
    let mut node = node();
    let a0 = node.add(Spec::new(1, 0, 900));
    node.add(Spec::new(1, 1, 800));
    let b0 = node.add(Spec::new(2, 0, 700));
    let b1 = node.add(Spec::new(2, 1, 600));
    let mut best = node.pool.best();
    assert_eq!(best.next().map(|e| e.id()), Some(a0));
    best.skip_signer();
    assert_eq!(best.next().map(|e| e.id()), Some(b0));
    assert_eq!(best.next().map(|e| e.id()), Some(b1));
    best.skip_signer();
    assert!(best.next().is_none());
    assert!(best.next().is_none());
}

#[test]
fn what_waits_for_a_missing_nonce_does_not_come() {
    let mut node = node();
    node.add(Spec::new(1, 1, 900));
    let b0 = node.add(Spec::new(2, 0, 700));
    node.add(Spec::new(2, 2, 700));
    assert_eq!(node.best(), [b0]);
    let a0 = node.add(Spec::new(1, 0, 300));
    assert_eq!(node.best()[..2], [b0, a0]);
    assert_eq!(node.best().len(), 3);
}
