//! The order in which templates take events.

use crate::common::Spec;
use crate::node::Node;
use blocktree_mempool::{Policy, Walk};
use blocktree_primitives::EventId;
use std::sync::Arc;

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

/// All that comes, a few at a time; what is named is told to be refused or without room.
fn walked(
    node: &Node,
    mut walk: Walk,
    step: usize,
    refused: &[EventId],
    no_room: &[EventId],
) -> (Vec<EventId>, Walk) {
    let mut came = Vec::new();
    loop {
        let events = node.pool.walk(&mut walk, step);
        if events.is_empty() {
            return (came, walk);
        }
        for event in &events {
            if !walk.stands(event) {
                continue;
            }
            came.push(event.id());
            if refused.contains(&event.id()) {
                walk.refused(event);
            } else if no_room.contains(&event.id()) {
                walk.no_room(event);
            } else {
                walk.took(event);
            }
        }
    }
}

#[test]
fn a_walk_in_steps_is_the_same_walk() {
    let mut node = node();
    for signer in 0..6u32 {
        for nonce in 0..5u64 {
            let fee = 1_000 + (u64::from(signer) * 7 + nonce * 11) % 13 * 100;
            node.add(Spec::new(signer, nonce, fee));
        }
    }
    let best = node.best();
    assert_eq!(best.len(), 30);
    for step in [1, 2, 3, 7, 100] {
        assert_eq!(walked(&node, Walk::all(), step, &[], &[]).0, best, "{step}");
    }
    // The signers of the second event, and of the next one of another signer, end there.
    let author = |id: &EventId| node.pool.get(id).unwrap().author();
    let second = (2..30).find(|at| author(&best[*at]) != author(&best[1])).unwrap();
    let (refused, no_room) = (best[1], best[second]);
    let ends = [1, second];
    let behind = |at: usize| ends.iter().any(|e| at > *e && author(&best[at]) == author(&best[*e]));
    let expected: Vec<EventId> = (0..30).filter(|at| !behind(*at)).map(|at| best[at]).collect();
    assert!(expected.len() < 29);
    for step in [1, 2, 3, 7, 100] {
        let came = walked(&node, Walk::all(), step, &[refused], &[no_room]).0;
        assert_eq!(came, expected, "{step}");
    }
}

/// Weights that end in 777 are those of events that may answer challenges.
#[test]
fn answers_come_alone_and_the_rest_after_them() {
    let mut node = node();
    let answer = |signer, nonce, fee| Spec::new(signer, nonce, fee).weighing(777);
    // Rates: 1.2, then an ordinary 5 and an answer at 10 behind it.
    let a0 = node.add(answer(1, 0, 933));
    let a1 = node.add(Spec::new(1, 1, 1_000));
    let a2 = node.add(answer(1, 2, 7_770));
    // An answer behind an ordinary event is not reached in the first part.
    let b0 = node.add(Spec::new(2, 0, 800));
    let b1 = node.add(answer(2, 1, 7_770));
    // 3, 2 and an ordinary 6.
    let c0 = node.add(answer(3, 0, 2_331));
    let c1 = node.add(answer(3, 1, 1_554));
    let c2 = node.add(Spec::new(3, 2, 1_200));
    // Refused, and without room in the first part.
    let d0 = node.add(answer(4, 0, 3_885));
    let d1 = node.add(answer(4, 1, 3_885));
    let e0 = node.add(answer(5, 0, 3_885));
    let e1 = node.add(answer(5, 1, 3_885));
    for step in [1, 2, 100] {
        let (came, walk) = walked(&node, Walk::answers(), step, &[d0], &[e0]);
        assert_eq!(came, [d0, e0, c0, c1, a0], "{step}");
        // Who stands behind an answer that was taken competes with the rest: 6, 5, 10, 5, 5, 4, 10.
        let (came, _) = walked(&node, walk.rest(), step, &[], &[]);
        assert_eq!(came, [c2, a1, a2, e0, e1, b0, b1], "{step}");
    }
    assert!(node.waits(&d1));
}

#[test]
fn a_walk_survives_what_happens_to_the_pool_meanwhile() {
    let mut node = node();
    let a0 = node.add(Spec::new(1, 0, 900));
    let a1 = node.add(Spec::new(1, 1, 800));
    node.add(Spec::new(1, 2, 700));
    let b0 = node.add(Spec::new(2, 0, 600));
    let mut walk = Walk::all();
    let come = |node: &Node, walk: &mut Walk| -> Vec<EventId> {
        let events = node.pool.walk(walk, 1);
        events.iter().filter(|event| walk.stands(event)).map(|event| event.id()).collect()
    };
    assert_eq!(come(&node, &mut walk), [a0]);
    walk.took(&Spec::new(1, 0, 900).make());
    // What is behind is replaced, and a better one arrives, for which it is too late.
    let new = Spec::new(1, 1, 1_200).make();
    node.insert_event(Arc::clone(&new)).unwrap();
    node.add(Spec::new(3, 0, 5_000));
    assert_eq!(come(&node, &mut walk), [new.id()]);
    assert!(!node.waits(&a1));
    walk.took(&new);
    // A block takes all of the first signer's.
    let mined =
        [(0, 900), (1, 1_200), (2, 700)].map(|(nonce, fee)| Spec::new(1, nonce, fee).make());
    node.apply(mined.into(), &[]);
    assert_eq!(come(&node, &mut walk), [b0]);
    assert!(node.pool.walk(&mut walk, 9).is_empty());
}
