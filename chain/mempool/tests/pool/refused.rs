//! Events that templates refuse: kept, tried again with growing pauses, given up in the end.

use crate::common::Spec;
use crate::node::Node;
use blocktree_mempool::{Dropped, Policy, Progress, Status};
use blocktree_primitives::{BlockHash, EventId, Height, Span};
use blocktree_state::Batch;

fn progress<'n>(node: &'n Node, id: &EventId) -> Progress<'n> {
    match node.pool.status(id) {
        Some(Status::Waiting { progress, event }) => {
            assert_eq!(event.id(), *id);
            progress
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_refused_event_is_kept_back_until_the_tip_grows() {
    let mut node = Node::new(Policy::default());
    let head = node.add(Spec::new(1, 0, 900));
    let behind = node.add(Spec::new(1, 1, 900));
    let far = node.add(Spec::new(1, 3, 900));
    let other = node.add(Spec::new(2, 0, 500));
    assert_eq!(progress(&node, &head), Progress::Ready);
    assert_eq!(progress(&node, &behind), Progress::Ready);
    assert_eq!(progress(&node, &far), Progress::MissingNonce(2));
    node.refuse(&head, "the offer is not funded");
    assert_eq!(node.best(), [other]);
    assert_eq!(node.pool.info().parked, 1);
    let refused = |attempts, retry_from| Progress::Refused {
        reason: "the offer is not funded",
        attempts,
        retry_from: Height(retry_from),
    };
    assert_eq!(progress(&node, &head), refused(1, 11));
    assert_eq!(progress(&node, &behind), Progress::Behind(head));
    assert_eq!(progress(&node, &far), Progress::Behind(head));
    // Told twice of the same tip, it counts once.
    node.refuse(&head, "again");
    assert_eq!(progress(&node, &head), refused(1, 11));
    node.grow_to(11);
    assert_eq!(node.best(), [head, behind, other]);
    assert_eq!(progress(&node, &head), refused(1, 11));
    node.refuse(&head, "the offer is not funded");
    assert_eq!(progress(&node, &head), refused(2, 13));
    node.grow_to(12);
    assert_eq!(node.best(), [other]);
    node.grow_to(13);
    assert_eq!(node.best(), [head, behind, other]);
    // At last it is mined.
    node.apply(vec![Spec::new(1, 0, 900).make()], &[]);
    assert!(node.pool.status(&head).is_none());
    assert_eq!(progress(&node, &behind), Progress::Ready);
}

#[test]
fn an_event_in_the_middle_holds_back_those_behind_it_only() {
    let mut node = Node::new(Policy::default());
    let ids: Vec<EventId> = (0..3).map(|nonce| node.add(Spec::new(1, nonce, 900))).collect();
    node.refuse(&ids[1], "no");
    assert_eq!(node.best(), ids[..1]);
    node.apply(vec![Spec::new(1, 0, 900).make()], &[]);
    assert_eq!(node.best(), ids[1..]);
}

#[test]
fn pauses_double_up_to_a_bound_and_then_the_event_is_dropped() {
    let mut node = Node::new(Policy { max_pause: Span(8), max_refusals: 6, ..Policy::default() });
    let id = node.add(Spec::new(1, 0, 900));
    let behind = node.add(Spec::new(1, 1, 900));
    // 10 + 1, + 2, + 4, + 8, + 8.
    for (attempts, retry_from) in [(1, 11), (2, 13), (3, 17), (4, 25), (5, 33)] {
        node.refuse(&id, "no");
        let expected = Progress::Refused { reason: "no", attempts, retry_from: Height(retry_from) };
        assert_eq!(progress(&node, &id), expected);
        node.grow_to(retry_from);
    }
    node.refuse(&id, "no, and this time for good");
    assert_eq!(
        node.dropped(&id),
        Dropped::Refused { attempts: 6, reason: "no, and this time for good".into() }
    );
    // The nonce is free again, and who waits behind it waits for it.
    assert_eq!(progress(&node, &behind), Progress::MissingNonce(0));
    assert_eq!(node.pool.next_nonce(&crate::common::principal(1), 0), 0);
    node.restart();
    assert_eq!(
        node.dropped(&id),
        Dropped::Refused { attempts: 6, reason: "no, and this time for good".into() }
    );
}

/// Otherwise whoever raises the fee of a hopeless event after each block has it tried in each.
#[test]
fn a_replacement_inherits_refusals_and_pause() {
    let mut node = Node::new(Policy { max_refusals: 3, ..Policy::default() });
    let replace = |node: &mut Node, fee| {
        let event = Spec::new(1, 0, fee).make();
        let id = event.id();
        assert!(node.insert_event(event).unwrap().replaced.is_some());
        id
    };
    let refused = |attempts, retry_from| Progress::Refused {
        reason: "no",
        attempts,
        retry_from: Height(retry_from),
    };
    let first = node.add(Spec::new(1, 0, 1_000));
    node.refuse(&first, "no");
    // 10 + 1, whatever it pays.
    let second = replace(&mut node, 500_000);
    assert_eq!(progress(&node, &second), refused(1, 11));
    assert!(node.best().is_empty());
    assert_eq!(node.pool.info().parked, 1);
    // Until then only: the next tip offers it.
    node.grow_to(11);
    assert_eq!(node.best(), [second]);
    // The second of two attempts, and 11 + 2.
    node.refuse(&second, "no");
    let third = replace(&mut node, 600_000);
    assert_eq!(progress(&node, &third), refused(2, 13));
    // Replaced while it is offered again, it still counts.
    node.grow_to(13);
    let fourth = replace(&mut node, 700_000);
    assert_eq!(node.best(), [fourth]);
    node.refuse(&fourth, "no");
    assert_eq!(node.dropped(&fourth), Dropped::Refused { attempts: 3, reason: "no".into() });
    // Another nonce, or another event after a mined one, begins anew.
    let next = node.add(Spec::new(1, 0, 1_000));
    assert_eq!(progress(&node, &next), Progress::Ready);
}

#[test]
fn other_tips_and_strangers_do_not_count() {
    let mut node = Node::new(Policy::default());
    let id = node.add(Spec::new(1, 0, 900));
    let mut batch = Batch::new();
    node.pool.refused(&id, &BlockHash([1; 32]), "no", &mut batch);
    node.refuse(&EventId([1; 32]), "no");
    assert!(batch.is_empty());
    assert_eq!(progress(&node, &id), Progress::Ready);
}

#[test]
fn a_reorganisation_and_a_restart_give_another_try() {
    let mut node = Node::new(Policy::default());
    node.grow_to(12);
    let id = node.add(Spec::new(1, 0, 900));
    node.refuse(&id, "no");
    assert!(node.best().is_empty());
    node.revert();
    assert_eq!(node.best(), [id]);
    node.refuse(&id, "no");
    node.restart();
    assert_eq!(progress(&node, &id), Progress::Ready);
    assert_eq!(node.best(), [id]);
}

#[test]
fn long_reasons_are_cut() {
    let mut node = Node::new(Policy::default());
    let id = node.add(Spec::new(1, 0, 900));
    node.refuse(&id, &"ä".repeat(1_000));
    let Progress::Refused { reason, .. } = progress(&node, &id) else {
        panic!("refused above");
    };
    // 200 bytes, two for each.
    assert_eq!(reason, "ä".repeat(100));
}
