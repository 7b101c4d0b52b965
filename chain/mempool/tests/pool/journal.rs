//! What is on disk, and what becomes of it when the node starts. That a restart changes nothing is
//! checked after every change of every test (`Node::check`).

use crate::common::{Dummy, GENESIS, Rules, Spec, check_all};
use crate::node::{Node, room_for};
use blocktree_consensus::{CheckedEvent, EncodedEvent, check_event};
use blocktree_mempool::{Dropped, Mined, Policy, Pool, Status, Tip};
use blocktree_primitives::{BlockHash, EventId, Height};
use blocktree_state::{Batch, Column, Durability, Fault, Ledger, MemoryLedger, Reader};
use std::ops::ControlFlow;

fn tip(height: u64) -> Tip {
    Tip { height: Height(height), hash: BlockHash([height.to_le_bytes()[0]; 32]) }
}

fn restore(
    policy: Policy,
    ledger: &MemoryLedger,
    nonce: u64,
) -> Result<(Pool<Dummy>, Batch), Fault> {
    let mut batch = Batch::new();
    let account = |_: &_| Ok(crate::common::account(nonce, 1_000_000));
    let pool = Pool::restore(policy, tip(10), ledger, check_all, account, &mut batch)?;
    pool.check_invariants().unwrap();
    Ok((pool, batch))
}

#[test]
fn the_layout_is_frozen() {
    let mut node = Node::new(Policy::default());
    let event = Spec::new(1, 0, 400).make();
    node.insert_event(event.clone()).unwrap();
    let mut waiting_key = vec![1];
    waiting_key.extend(event.id().0);
    // Sequence 2^63, height 10, then 122 bytes: the compact length is 122 << 2 | 1 = 489 = 0x1e9.
    let mut waiting = vec![0, 0, 0, 0, 0, 0, 0, 0x80, 10, 0, 0, 0, 0, 0, 0, 0, 0xe9, 0x01];
    waiting.extend(event.encoded());
    let at = |node: &Node, key: &[u8]| node.ledger.get(Column::PoolJournal, key).unwrap();
    assert_eq!(at(&node, &waiting_key), Some(waiting));

    let other = Spec::new(1, 0, 500).make();
    node.apply(vec![other.clone()], &[]);
    assert_eq!(at(&node, &waiting_key), None);
    let hash = node.pool.tip().hash;
    let tip = [&[11, 0, 0, 0, 0, 0, 0, 0][..], &hash.0].concat();
    assert_eq!(at(&node, &[0]), Some(tip));
    // Reason 3 with nonce 0, by the other.
    let id = event.id();
    let dropped = [&id.0[..], &[3, 0, 0, 0, 0, 0, 0, 0, 0, 1], &other.id().0].concat();
    assert_eq!(at(&node, &[2, 0, 0, 0, 0, 0, 0, 0, 0]), Some(dropped));
    assert_eq!(node.journal_len(), 2);
}

#[test]
fn reasons_are_remembered_up_to_the_bound_and_over_restarts() {
    let mut node = Node::new(Policy { max_events: 1, max_drops: 3, ..Policy::default() });
    let ids: Vec<EventId> = (0..6)
        .map(|i| {
            let spec = Spec::new(i, 0, 400 + u64::from(i));
            node.insert(&spec).unwrap();
            // Ids whose reasons are forgotten on purpose are nobody's any more.
            node.acknowledged.clear();
            spec.make().id()
        })
        .collect();
    // Five were dropped; the reasons of the last three are known.
    let known = |pool: &Pool<Dummy>, id| matches!(pool.status(id), Some(Status::Dropped(_)));
    assert_eq!(
        ids.iter().map(|id| known(&node.pool, id)).collect::<Vec<_>>(),
        [false, false, true, true, true, false]
    );
    assert_eq!(node.journal_len(), 4, "three reasons and one event");
    // A lower bound after a restart: the older reasons go from the disk as well.
    let policy = Policy { max_drops: 1, ..node.pool.policy().clone() };
    let (pool, batch) = restore(policy, &node.ledger, 0).unwrap();
    assert_eq!(
        ids.iter().map(|id| known(&pool, id)).collect::<Vec<_>>(),
        [false, false, false, false, true, false]
    );
    node.ledger.write(batch, Durability::Process).unwrap();
    assert_eq!(node.journal_len(), 2);
}

#[test]
fn a_smaller_pool_drops_the_poorest_when_it_starts() {
    let mut node = Node::new(Policy::default());
    let poor = node.add(Spec::new(1, 0, 400));
    let rich = node.add(Spec::new(2, 0, 500));
    let (pool, batch) = restore(room_for(1), &node.ledger, 0).unwrap();
    assert!(pool.get(&rich).is_some());
    assert!(matches!(pool.status(&poor), Some(Status::Dropped(Dropped::Evicted))));
    node.ledger.write(batch, Durability::Process).unwrap();
    assert_eq!(node.journal_len(), 2);
}

#[test]
fn an_event_with_a_used_nonce_leaves_when_the_node_starts() {
    let mut node = Node::new(Policy::default());
    let used = node.add(Spec::new(1, 0, 400));
    let next = node.add(Spec::new(1, 1, 400));
    let (pool, batch) = restore(Policy::default(), &node.ledger, 1).unwrap();
    let Some(Status::Dropped(why)) = pool.status(&used) else {
        panic!("its nonce is used");
    };
    assert_eq!(why, &Dropped::NonceUsed { nonce: 0, by: None });
    assert!(pool.get(&next).is_some());
    assert!(!batch.is_empty());
}

/// The node was killed after blocks were committed and before the pool was told: it tells the pool
/// when it starts.
#[test]
fn missed_blocks_can_be_told_after_the_start() {
    let mut node = Node::new(Policy::default());
    let reverted = Spec::new(1, 0, 400).make();
    node.apply(vec![reverted.clone()], &[]);
    let waiting = Spec::new(1, 1, 400).make();
    let taken = Spec::new(2, 0, 400).make();
    node.insert_event(waiting.clone()).unwrap();
    node.insert_event(taken.clone()).unwrap();
    let last = node.pool.tip();
    // On the new branch signer 1 is at nonce 0 again and signer 2 at 1.
    let mut batch = Batch::new();
    let account = |author: &_| {
        let nonce = if *author == taken.author() { 1 } else { 0 };
        Ok(crate::common::account(nonce, 1_000_000))
    };
    let mut pool =
        Pool::restore(Policy::default(), tip(12), &node.ledger, check_all, account, &mut batch)
            .unwrap();
    assert_eq!(pool.tip(), last, "not at 12 yet");
    assert!(matches!(
        pool.status(&taken.id()),
        Some(Status::Dropped(Dropped::NonceUsed { by: None, .. }))
    ));
    assert_eq!(pool.best().count(), 0, "nonce 0 is missing");
    pool.on_block_reverted(tip(10), vec![reverted.clone()], &[], &mut batch);
    assert_eq!(pool.best().count(), 2);
    let mined = Mined { id: taken.id(), author: taken.author(), nonce: 0 };
    pool.on_block_applied(tip(11), &[mined], &[], &mut batch);
    pool.on_block_applied(tip(12), &[], &[], &mut batch);
    assert!(pool.status(&taken.id()).is_none(), "the chain tells of it");
    assert_eq!(pool.best().map(|e| e.id()).collect::<Vec<_>>(), [reverted.id(), waiting.id()]);
    pool.check_invariants().unwrap();
}

#[test]
fn an_event_that_is_not_valid_any_more_is_told_why() {
    let mut node = Node::new(Policy::default());
    let bad = node.add(Spec::new(1, 0, 400));
    let good = node.add(Spec::new(1, 1, 400));
    let check = |encoded: Vec<Vec<u8>>| {
        let mut checked = check_all(encoded);
        checked[0] = Err("the rule is new".into());
        checked
    };
    let account = |_: &_| Ok(crate::common::account(0, 1_000_000));
    let mut batch = Batch::new();
    let pool = Pool::restore(Policy::default(), tip(10), &node.ledger, check, account, &mut batch)
        .unwrap();
    let Some(Status::Dropped(why)) = pool.status(&bad) else {
        panic!("not valid any more");
    };
    assert_eq!(why, &Dropped::Invalid { reason: "the rule is new".into() });
    assert!(pool.get(&good).is_some());
    node.ledger.write(batch, Durability::Process).unwrap();
    assert_eq!(node.journal_len(), 2);
}

#[test]
fn a_damaged_journal_is_named() {
    let event = Spec::new(1, 0, 400).make();
    let record = {
        let mut node = Node::new(Policy::default());
        node.insert_event(event.clone()).unwrap();
        let mut found = None;
        let visit = &mut |key: &[u8], value: &[u8]| {
            found = Some((key.to_vec(), value.to_vec()));
            ControlFlow::Continue(())
        };
        node.ledger.scan(Column::PoolJournal, &[], visit).unwrap();
        found.unwrap()
    };
    let (key, value) = record;
    let with = |key: &[u8], value: &[u8]| {
        let ledger = MemoryLedger::new();
        let mut batch = Batch::new();
        batch.put(Column::PoolJournal, key, value);
        ledger.write(batch, Durability::Process).unwrap();
        restore(Policy::default(), &ledger, 0).map(|(pool, _)| pool.info().events)
    };
    assert_eq!(with(&key, &value), Ok(1));
    let mut long = value.clone();
    long.push(0);
    let mut other_key = key.clone();
    other_key[5] ^= 1;
    let mut drop_key = vec![2];
    drop_key.extend([0; 8]);
    let mut bad_reason = vec![0; 32];
    bad_reason.push(9);
    for (what, key, value) in [
        ("no kind", &[][..], &value[..]),
        ("a foreign kind", &[9, 1], &value),
        ("a short id", &key[..32], &value),
        ("a short value", &key, &value[..value.len() - 1]),
        ("a long value", &key, &long),
        ("an empty value", &key, &[]),
        ("another id", &other_key, &value),
        ("a long key of the tip", &[0, 0], &[0; 40]),
        ("a short tip", &[0], &[0; 39]),
        ("a short number", &drop_key[..8], &[0; 33]),
        ("a foreign reason", &drop_key, &bad_reason),
    ] {
        assert!(matches!(with(key, value), Err(Fault::Corrupt(_))), "{what}");
    }
    // Every single bit: named, or refused by the check, never a panic.
    for bit in 0..value.len() * 8 {
        let mut flipped = value.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        if let Ok(events) = with(&key, &flipped) {
            // Sequence and arrival may be anything; an event that fails its check is dropped.
            assert!(events == 1 && bit < 128 || events == 0, "bit {bit}");
        }
    }
}

#[test]
fn each_event_is_checked_once() {
    let mut node = Node::new(Policy::default());
    node.add(Spec::new(1, 0, 400));
    let account = |_: &_| Ok(crate::common::account(0, 1));
    let mut batch = Batch::new();
    let none = |_: Vec<Vec<u8>>| Vec::<Result<CheckedEvent<Dummy>, String>>::new();
    let result = Pool::restore(Policy::default(), tip(10), &node.ledger, none, account, &mut batch);
    assert!(matches!(result, Err(Fault::Bug(_))));
    let failing = |_: &_| Err(Fault::Disk("gone".into()));
    let result =
        Pool::restore(Policy::default(), tip(10), &node.ledger, check_all, failing, &mut batch);
    assert!(matches!(result, Err(Fault::Disk(_))));
    // The check of the tests does check.
    let mut forged = Spec::new(1, 0, 400).make().encoded().to_vec();
    let last = forged.len() - 1;
    forged[last] ^= 1;
    let forged = EncodedEvent::decode(forged, 1_000).unwrap();
    assert!(check_event(&Rules, &GENESIS, forged).is_err());
}
