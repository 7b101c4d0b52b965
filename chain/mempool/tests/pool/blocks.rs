//! Blocks: what they take away, and what they return when they are taken back.

use crate::common::{Dummy, Spec, principal};
use crate::node::{Event, Node, room_for};
use blocktree_mempool::{Dropped, Mined, Policy, Pool, Tip};
use blocktree_primitives::{BlockHash, EventId, Height, Span};
use blocktree_state::Batch;

#[test]
fn mined_events_leave_without_a_word() {
    let mut node = Node::new(Policy::default());
    let first = Spec::new(1, 0, 400).make();
    node.insert_event(first.clone()).unwrap();
    let second = node.add(Spec::new(1, 1, 400));
    node.apply(vec![first.clone()], &[]);
    assert!(node.pool.status(&first.id()).is_none());
    assert_eq!(node.best(), [second]);
    // The tip and the second event are all that is left on disk.
    assert_eq!(node.journal_len(), 2);
}

#[test]
fn an_event_whose_nonce_is_used_is_told_by_whom() {
    let mut node = Node::new(Policy::default());
    let ours = node.add(Spec::new(1, 0, 400));
    let next = node.add(Spec::new(1, 1, 400));
    let theirs = Spec::new(1, 0, 300).make();
    node.apply(vec![theirs.clone()], &[]);
    assert_eq!(node.dropped(&ours), Dropped::NonceUsed { nonce: 0, by: Some(theirs.id()) });
    assert_eq!(node.best(), [next]);
    // Two nonces in one block, one of them ours.
    let after = node.add(Spec::new(1, 2, 400));
    let block = vec![Spec::new(1, 1, 400).make(), Spec::new(1, 2, 999).make()];
    let by = block[1].id();
    node.apply(block, &[]);
    assert!(node.pool.status(&next).is_none());
    assert_eq!(node.dropped(&after), Dropped::NonceUsed { nonce: 2, by: Some(by) });
    assert!(!node.pool.has_signer(&principal(1)));
}

#[test]
fn a_block_may_hold_what_never_waited_and_what_was_dropped() {
    let mut node = Node::new(room_for(1));
    let evicted = Spec::new(1, 0, 400).make();
    node.insert_event(evicted.clone()).unwrap();
    node.insert(&Spec::new(2, 0, 500)).unwrap();
    assert_eq!(node.dropped(&evicted.id()), Dropped::Evicted);
    node.apply(vec![evicted.clone(), Spec::new(3, 0, 1).make()], &[]);
    assert!(node.pool.status(&evicted.id()).is_none(), "the chain tells of it now");
}

#[test]
fn events_expire_when_no_later_block_may_hold_them() {
    let mut node = Node::new(Policy { max_wait: Span(5), ..Policy::default() });
    let until_12 = node.add(Spec::new(1, 0, 400).until(12));
    let until_13 = node.add(Spec::new(2, 0, 400).until(13));
    let endless = node.add(Spec::new(3, 0, 400));
    let behind = node.add(Spec::new(1, 1, 400));
    let until_15 = node.add(Spec::new(4, 0, 400).until(15));
    node.grow_to(11);
    assert!(node.waits(&until_12), "block 12 may hold it");
    node.grow_to(12);
    assert_eq!(node.dropped(&until_12), Dropped::Expired { valid_until: Height(12) });
    assert!(node.waits(&until_13) && node.waits(&behind));
    node.grow_to(13);
    assert_eq!(node.dropped(&until_13), Dropped::Expired { valid_until: Height(13) });
    node.grow_to(14);
    assert!(node.waits(&endless), "it came at 10 and may wait for 5 blocks: 15 may hold it");
    node.grow_to(15);
    for id in [endless, behind] {
        assert_eq!(node.dropped(&id), Dropped::WaitedTooLong { since: Height(10) });
    }
    // Its own word counts where both end.
    assert_eq!(node.dropped(&until_15), Dropped::Expired { valid_until: Height(15) });
    assert_eq!(node.pool.info().events, 0);
}

#[test]
fn the_next_block_is_always_waited_for() {
    let mut node = Node::new(Policy { max_wait: Span(0), min_life: Span(0), ..Policy::default() });
    let endless = node.add(Spec::new(1, 0, 400));
    let until_next = node.add(Spec::new(2, 0, 400).until(11));
    assert_eq!(node.best(), [endless, until_next]);
    node.grow_to(11);
    assert_eq!(node.dropped(&endless), Dropped::WaitedTooLong { since: Height(10) });
    assert_eq!(node.dropped(&until_next), Dropped::Expired { valid_until: Height(11) });
}

#[test]
fn what_a_block_returns_waits_in_front_and_in_order() {
    let mut node = Node::new(Policy::default());
    let event = |signer, nonce| Spec::new(signer, nonce, 400).make();
    let (a0, a1, b0, c0) = (event(1, 0), event(1, 1), event(2, 0), event(3, 0));
    node.apply(vec![c0.clone(), a0.clone()], &[]);
    node.apply(vec![b0.clone(), a1.clone()], &[]);
    let waiting = node.add(Spec::new(4, 0, 400));
    let follows = node.add(Spec::new(1, 2, 400));
    node.revert();
    assert_eq!(node.best(), [b0.id(), a1.id(), waiting, follows]);
    node.revert();
    // All at the same rate: the first block's first, each signer's in turn.
    assert_eq!(node.best(), [c0.id(), a0.id(), b0.id(), a1.id(), waiting, follows]);
    node.restart();
    assert_eq!(node.best(), [c0.id(), a0.id(), b0.id(), a1.id(), waiting, follows]);
    // The other branch holds some of them and another of a nonce.
    let other = Spec::new(2, 0, 777).make();
    node.apply(vec![a0.clone(), other.clone()], &[]);
    assert_eq!(node.best(), [c0.id(), a1.id(), waiting, follows]);
    assert_eq!(node.dropped(&b0.id()), Dropped::NonceUsed { nonce: 0, by: Some(other.id()) });
}

#[test]
fn neither_the_floor_nor_the_window_holds_for_what_a_block_returns() {
    let mut node = Node::new(Policy { signer_window: 3, ..Policy::default() });
    let block: Vec<Event> = (0..3).map(|nonce| Spec::new(1, nonce, 0).make()).collect();
    node.apply(block, &[]);
    for nonce in 3..6 {
        node.add(Spec::new(1, nonce, 400));
    }
    node.revert();
    assert_eq!(node.pool.of_signer(&principal(1)).count(), 6);
    assert_eq!(node.best().len(), 6);
    // New ones must be within the window again.
    assert_eq!(
        node.insert(&Spec::new(1, 6, 400)),
        Err(blocktree_mempool::PoolRefusal::TooManyFromSigner { waiting: 6, max: 3 })
    );
}

#[test]
fn a_full_pool_drops_the_poorest_after_a_block_returned_its_events() {
    let mut node = Node::new(room_for(3));
    let block = vec![Spec::new(1, 0, 500).make(), Spec::new(2, 0, 0).make()];
    let (rich, free) = (block[0].id(), block[1].id());
    node.apply(block, &[]);
    let poor = node.add(Spec::new(3, 0, 300));
    node.add(Spec::new(4, 0, 400));
    let behind = node.add(Spec::new(1, 1, 900));
    node.revert();
    assert_eq!(node.dropped(&free), Dropped::Evicted);
    assert_eq!(node.dropped(&poor), Dropped::Evicted);
    assert!(node.waits(&rich) && node.waits(&behind));
}

#[test]
fn what_was_dropped_waits_again_when_its_block_is_taken_back() {
    let mut node = Node::new(room_for(2));
    let event = Spec::new(1, 0, 500).make();
    let other = Spec::new(1, 0, 400);
    let other_id = node.add(other);
    node.apply(vec![event.clone()], &[]);
    assert!(matches!(node.dropped(&other_id), Dropped::NonceUsed { .. }));
    node.revert();
    assert!(node.waits(&event.id()));
    assert!(matches!(node.dropped(&other_id), Dropped::NonceUsed { .. }));
}

/// A node that tells the pool nothing about accounts: nonces follow from the events.
#[test]
fn accounts_may_be_left_out() {
    let tip = |height, byte| Tip { height: Height(height), hash: BlockHash([byte; 32]) };
    let mut pool: Pool<Dummy> = Pool::new(Policy::default(), tip(10, 1));
    let mut batch = Batch::new();
    let events: Vec<Event> = (4..7).map(|nonce| Spec::new(1, nonce, 400).make()).collect();
    for event in &events {
        let account = crate::common::account(4, 1_200);
        pool.insert(event.clone(), account, &tip(10, 1).hash, &mut batch).unwrap();
    }
    let mined = |event: &Event| Mined {
        id: event.id(),
        author: event.author(),
        nonce: event.event().nonce,
    };
    pool.on_block_applied(tip(11, 2), &[mined(&events[0]), mined(&events[1])], &[], &mut batch);
    let best = |pool: &Pool<Dummy>| pool.best().map(|e| e.id()).collect::<Vec<EventId>>();
    assert_eq!(best(&pool), [events[2].id()]);
    pool.on_block_reverted(tip(10, 1), events[..2].to_vec(), &[], &mut batch);
    assert_eq!(best(&pool).len(), 3);
    pool.check_invariants().unwrap();
    // Of a signer who is not known at all.
    let stranger = Spec::new(2, 9, 400).make();
    pool.on_block_reverted(tip(9, 3), vec![stranger.clone()], &[], &mut batch);
    assert!(best(&pool).contains(&stranger.id()));
    pool.check_invariants().unwrap();
}

/// Returned events meet others with their nonces only if the pool was told wrong; even then
/// nothing is lost without a reason.
#[test]
fn of_two_with_the_same_nonce_the_higher_fee_stays() {
    let tip = |height, byte| Tip { height: Height(height), hash: BlockHash([byte; 32]) };
    for (returned_fee, returned_stays) in [(300, false), (400, true), (500, true)] {
        let mut pool: Pool<Dummy> = Pool::new(Policy::default(), tip(10, 1));
        let mut batch = Batch::new();
        let waiting = Spec::new(1, 0, 400).until(99).make();
        let account = crate::common::account(0, 1_200);
        pool.insert(waiting.clone(), account, &tip(10, 1).hash, &mut batch).unwrap();
        let returned = Spec::new(1, 0, returned_fee).make();
        pool.on_block_reverted(tip(9, 2), vec![returned.clone()], &[], &mut batch);
        pool.check_invariants().unwrap();
        let (stays, goes) = if returned_stays { (returned, waiting) } else { (waiting, returned) };
        assert!(pool.get(&stays.id()).is_some());
        let Some(blocktree_mempool::Status::Dropped(why)) = pool.status(&goes.id()) else {
            panic!("dropped for a reason");
        };
        assert_eq!(why, &Dropped::Replaced { by: stays.id() });
    }
}
