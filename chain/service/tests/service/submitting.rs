//! Events from outside: each kind of refusal, and the promise that comes with an answer.

use crate::node::{Node, Options};
use crate::support::Forge;
use blocktree_mempool::{FeeRate, Policy, PoolRefusal};
use blocktree_primitives::{Amount, Height, Principal, SecretKey};
use blocktree_runtime::{Call, Event};
use blocktree_service::{Stopped, SubmitError};
use blocktree_state::{
    Batch, Column, Durability, Fault, Ledger, MemoryLedger, Pair, Reader, Visit,
};
use parity_scale_codec::Encode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

fn transfer(units: u64) -> Call {
    let amount = Amount::from_units(units);
    Call::Coin(pallet_coin::Call::Transfer { to: Principal([8; 32]), amount })
}

#[test]
fn what_is_no_event_is_malformed() {
    let forge = Forge::new();
    let node = Node::start(&forge, &MemoryLedger::new());
    let good = forge.transfer(1, 0, Principal([8; 32]), 500_000).encode();
    let mut trailing = good.clone();
    trailing.push(0);
    for bytes in [
        Vec::new(),
        vec![0xff; 300],
        good[..good.len() - 1].to_vec(),
        trailing,
        vec![0; blocktree_runtime::MAX_EVENT_LEN + 1],
    ] {
        let len = bytes.len();
        let refused = node.submit_bytes(bytes).unwrap_err();
        assert!(matches!(refused, SubmitError::Malformed(_)), "{len} bytes: {refused:?}");
    }
    assert_eq!(node.chain.pool().info().events, 0);
    node.stop().unwrap();
}

#[test]
fn what_breaks_a_rule_without_a_state_is_invalid_or_badly_signed() {
    let forge = Forge::new();
    let node = Node::start(&forge, &MemoryLedger::new());
    match node.submit(&forge.event(1, 0, 1000, transfer(0))) {
        Err(SubmitError::Invalid(reason)) => assert!(!reason.is_empty()),
        other => panic!("{other:?}"),
    }
    let mut event = forge.event(1, 0, 1000, transfer(500_000));
    event.fee = Amount::from_units(1001);
    let mut foreign = forge.event(1, 0, 1000, transfer(500_000));
    foreign.signer = forge.event(2, 0, 1000, transfer(500_000)).signer;
    let mut elsewhere = Forge::new();
    elsewhere.genesis = blocktree_primitives::BlockHash([7; 32]);
    for event in [event, foreign, elsewhere.event(1, 0, 1000, transfer(500_000))] {
        let refused = node.submit(&event).unwrap_err();
        assert!(matches!(refused, SubmitError::BadSignature(_)), "{refused:?}");
    }
    assert_eq!(node.chain.pool().info().events, 0);
    node.stop().unwrap();
}

#[test]
fn what_the_pool_does_not_take_says_why() {
    let forge = Forge::new();
    let options = Options {
        policy: Policy { signer_window: 3, max_events: 5, ..Policy::default() },
        ..Options::default()
    };
    let node = Node::try_start(&forge, Arc::new(MemoryLedger::new()), &options).unwrap();
    let event = |key, nonce, fee| forge.event(key, nonce, fee, transfer(500_000));
    let until = |height| {
        let key = SecretKey::from_bytes([5; 32]).unwrap();
        let fee = Amount::from_units(1000);
        Event::signed(&key, &forge.genesis, 0, fee, Some(Height(height)), transfer(500_000))
    };
    node.submit(&event(1, 0, 1000)).unwrap();
    node.generate(1);
    node.submit(&event(1, 1, 1000)).unwrap();
    use PoolRefusal::*;
    type Expected = fn(&PoolRefusal) -> bool;
    let table: Vec<(Event, Expected)> = vec![
        (event(1, 1, 1000), |r| matches!(r, AlreadyKnown)),
        (event(1, 0, 1000), |r| matches!(r, NonceUsed { given: 0, next: 1 })),
        (event(1, 1, 1001), |r| matches!(r, ReplacementFeeTooLow { .. })),
        (event(1, 4, 1000), |r| matches!(r, NonceTooFar { given: 4, next: 1, window: 3 })),
        (event(2, 0, 0), |r| matches!(r, FeeTooLow { .. })),
        (until(1), |r| matches!(r, Expired { .. })),
        (until(2), |r| matches!(r, ExpiresTooSoon { .. })),
        (until(9), |r| matches!(r, Overdraft { .. })),
    ];
    for (event, is_expected) in table {
        match node.submit(&event) {
            Err(SubmitError::Pool(refusal)) => assert!(is_expected(&refusal), "{refusal:?}"),
            other => panic!("{other:?}"),
        }
    }
    node.submit(&event(1, 2, 1000)).unwrap();
    node.submit(&event(1, 3, 1000)).unwrap();
    match node.submit(&event(1, 4, 1000)) {
        Err(SubmitError::Pool(TooManyFromSigner { waiting: 3, max: 3 })) => {}
        other => panic!("{other:?}"),
    }
    node.stop().unwrap();
}

/// The fee that a node says is enough is enough, whether the pool is full or not.
#[test]
fn the_fee_asked_for_is_taken() {
    let forge = Forge::new();
    let floor = FeeRate::new(Amount::from_units(1), 1);
    let policy = Policy { relay_floor: floor, max_events: 3, ..Policy::default() };
    let options = Options { policy, ..Options::default() };
    let node = Node::try_start(&forge, Arc::new(MemoryLedger::new()), &options).unwrap();
    let event = |key, fee| forge.event(key, 0, fee, transfer(500_000));
    // Bytes and one signature of 100.
    let weight = event(1, 0).encode().len() as u64 + 100;
    for key in 0..3 {
        let fee = node.chain.fee_for(weight).units();
        assert_eq!(fee, weight, "one unit each");
        node.submit(&event(key, fee + 10)).unwrap();
    }
    // Full: its poorest pays weight + 10, and that much is too little.
    for key in 3..6 {
        let fee = node.chain.fee_for(weight).units();
        let refused = node.submit(&event(key, fee - 1)).unwrap_err();
        assert!(matches!(refused, SubmitError::Pool(PoolRefusal::PoolFull { .. })), "{refused:?}");
        node.submit(&event(key, fee)).unwrap();
    }
    node.stop().unwrap();
}

/// A ledger whose writes wait for a gate.
struct Gated {
    inner: MemoryLedger,
    is_open: Mutex<bool>,
    moved: Condvar,
    begun: AtomicUsize,
}

impl Gated {
    fn set(&self, is_open: bool) {
        *self.is_open.lock().unwrap() = is_open;
        self.moved.notify_all();
    }
}

impl Reader for Gated {
    fn get(&self, column: Column, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        self.inner.get(column, key)
    }
    fn scan(&self, column: Column, from: &[u8], visit: Visit<'_>) -> Result<(), Fault> {
        self.inner.scan(column, from, visit)
    }
    fn last(&self, column: Column) -> Result<Option<Pair>, Fault> {
        self.inner.last(column)
    }
}

impl Ledger for Gated {
    fn write(&self, batch: Batch, durability: Durability) -> Result<(), Fault> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        let mut is_open = self.is_open.lock().unwrap();
        while !*is_open {
            is_open = self.moved.wait(is_open).unwrap();
        }
        if durability == Durability::Process {
            return Err(Fault::Bug("an event was acknowledged that a power cut would lose".into()));
        }
        self.inner.write(batch, durability)
    }
    fn snapshot(&self) -> Arc<dyn Reader> {
        self.inner.snapshot()
    }
}

#[test]
fn answers_come_when_the_events_are_on_disk_many_at_a_time() {
    let forge = Forge::new();
    let inner = MemoryLedger::new();
    // Genesis is written beforehand.
    forge.open(&inner);
    let gated = Arc::new(Gated {
        inner: inner.clone(),
        is_open: Mutex::new(true),
        moved: Condvar::new(),
        begun: AtomicUsize::new(0),
    });
    let node = Node::try_start(&forge, gated.clone(), &Options::default()).unwrap();
    gated.set(false);
    let before = gated.begun.load(Ordering::SeqCst);
    let tokio = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .unwrap();
    tokio.block_on(async {
        let submit = |nonce| {
            let (chain, event) = (node.chain.clone(), forge.event(1, nonce, 1000, transfer(1)));
            tokio::spawn(async move { chain.submit(event.encode()).await.unwrap().id })
        };
        let first = submit(0);
        while gated.begun.load(Ordering::SeqCst) == before {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let rest: Vec<_> = (1..60).map(submit).collect();
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(!first.is_finished() && rest.iter().all(|task| !task.is_finished()));
        assert_eq!(gated.begun.load(Ordering::SeqCst), before + 1, "one write at a time");
        gated.set(true);
        let mut ids = vec![first.await.unwrap()];
        for task in rest {
            ids.push(task.await.unwrap());
        }
        // The first alone, then the others as they had come: together but for a straggler.
        let writes = gated.begun.load(Ordering::SeqCst) - before;
        assert!((2..=10).contains(&writes), "{writes} writes for 60 events");
        let again = Node::start(&forge, &inner.fork());
        for id in ids {
            assert!(again.status_text(&id).starts_with("waits"), "{}", again.status_text(&id));
        }
        tokio::task::spawn_blocking(|| again.stop().unwrap()).await.unwrap();
    });
}

#[test]
fn a_stopped_node_takes_nothing_and_says_so() {
    let mut forge = Forge::new();
    let hash = forge.mine(&forge.genesis.clone(), 1, Vec::new());
    let event = forge.transfer(1, 0, Principal([8; 32]), 500_000);
    let node = Node::start(&forge, &MemoryLedger::new());
    let chain = node.chain.clone();
    node.stop().unwrap();
    let tokio = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let submitted = tokio.block_on(chain.submit(event.encode()));
    assert_eq!(submitted, Err(SubmitError::Stopped(Stopped)));
    assert_eq!(tokio.block_on(chain.import(forge.block(&hash))), Err(Stopped));
    assert_eq!(tokio.block_on(chain.revert(1)), Err(Stopped));
    assert_eq!(chain.import_blocking(forge.block(&hash)), Err(Stopped));
    assert_eq!(*chain.fault().borrow(), None, "it was asked to stop");
    // Reading goes on.
    assert_eq!(chain.published().tip().height.0, 0);
}
