//! A node around the pool: a chain, its accounts, and a disk to which every change goes. After
//! each change the pool is counted anew and compared with one restored from that disk.

use crate::common::{Dummy, Spec, check_all, principal};
use blocktree_consensus::{Account, CheckedEvent};
use blocktree_mempool::{Inserted, Mined, Policy, Pool, PoolRefusal, Status, Tip};
use blocktree_primitives::{Amount, BlockHash, EventId, Height, Principal};
use blocktree_state::{Batch, Column, Durability, Ledger, MemoryLedger, Reader};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;

pub(crate) type Event = Arc<CheckedEvent<Dummy>>;
type Accounts = BTreeMap<Principal, Account>;

pub(crate) struct Node {
    pub(crate) pool: Pool<Dummy>,
    pub(crate) ledger: MemoryLedger,
    pub(crate) accounts: Accounts,
    /// Parent tip, accounts before, events.
    blocks: Vec<(Tip, Accounts, Vec<Event>)>,
    hashes: u64,
    /// All ids that the pool took in.
    pub(crate) acknowledged: BTreeSet<EventId>,
    mined: BTreeSet<EventId>,
}

/// What a signer has who was given nothing else.
pub(crate) const FREE: u64 = 1_000_000;

impl Node {
    /// At height 10, with every signer's nonce at 0 and a million base units each.
    pub(crate) fn new(policy: Policy) -> Self {
        let tip = Tip { height: Height(10), hash: BlockHash([10; 32]) };
        Self {
            pool: Pool::new(policy, tip),
            ledger: MemoryLedger::new(),
            accounts: BTreeMap::new(),
            blocks: Vec::new(),
            hashes: 0,
            acknowledged: BTreeSet::new(),
            mined: BTreeSet::new(),
        }
    }

    pub(crate) fn account(&self, of: &Principal) -> Account {
        let new = Account { nonce: 0, free: Amount::from_units(FREE) };
        self.accounts.get(of).copied().unwrap_or(new)
    }

    pub(crate) fn set_account(&mut self, signer: u32, nonce: u64, free: u64) {
        let account = Account { nonce, free: Amount::from_units(free) };
        self.accounts.insert(principal(signer), account);
    }

    /// Makes and inserts an event. A refusal must leave no trace.
    pub(crate) fn insert(&mut self, spec: &Spec) -> Result<Inserted, PoolRefusal> {
        self.insert_event(spec.make())
    }

    pub(crate) fn insert_event(&mut self, event: Event) -> Result<Inserted, PoolRefusal> {
        let (mut batch, at) = (Batch::new(), self.pool.tip().hash);
        let (id, account) = (event.id(), self.account(&event.author()));
        let before = format!("{:?}", self.pool);
        let result = self.pool.insert(event, account, &at, &mut batch);
        if result.is_err() {
            assert!(batch.is_empty());
            assert_eq!(format!("{:?}", self.pool), before);
        } else {
            self.acknowledged.insert(id);
        }
        self.write(batch);
        result
    }

    /// Inserts an event that must be taken in without any other having to go.
    pub(crate) fn add(&mut self, spec: Spec) -> EventId {
        let event = spec.make();
        let id = event.id();
        assert_eq!(self.insert_event(event), Ok(Inserted::default()), "{spec:?}");
        id
    }

    fn next_tip(&mut self, height: u64) -> Tip {
        self.hashes += 1;
        let mut hash = [0xbb; 32];
        hash[..8].copy_from_slice(&self.hashes.to_le_bytes());
        Tip { height: Height(height), hash: BlockHash(hash) }
    }

    /// A block with these events; then the balances given become those of their signers.
    pub(crate) fn apply(&mut self, events: Vec<Event>, balances: &[(u32, u64)]) {
        let parent = self.pool.tip();
        let tip = self.next_tip(parent.height.0 + 1);
        let before = self.accounts.clone();
        let mut changed = BTreeSet::new();
        for event in &events {
            let mut account = self.account(&event.author());
            assert_eq!(account.nonce, event.event().nonce, "the test's block is valid");
            account.nonce += 1;
            let free = account.free.units().saturating_sub(event.event().fee.units());
            account.free = Amount::from_units(free);
            self.accounts.insert(event.author(), account);
            changed.insert(event.author());
            self.mined.insert(event.id());
        }
        for (signer, free) in balances {
            let author = principal(*signer);
            let account = Account { free: Amount::from_units(*free), ..self.account(&author) };
            self.accounts.insert(author, account);
            changed.insert(author);
        }
        let mined: Vec<Mined> = events
            .iter()
            .map(|e| Mined { id: e.id(), author: e.author(), nonce: e.event().nonce })
            .collect();
        let accounts: Vec<_> = changed.iter().map(|p| (*p, self.account(p))).collect();
        let mut batch = Batch::new();
        self.pool.on_block_applied(tip, &mined, &accounts, &mut batch);
        self.blocks.push((parent, before, events));
        self.write(batch);
    }

    /// Blocks without events until the tip is at `height`.
    pub(crate) fn grow_to(&mut self, height: u64) {
        while self.pool.tip().height.0 < height {
            self.apply(Vec::new(), &[]);
        }
    }

    /// Takes the last block back, if there is one.
    pub(crate) fn revert(&mut self) {
        let Some((parent, accounts, events)) = self.blocks.pop() else {
            return;
        };
        let now = std::mem::replace(&mut self.accounts, accounts);
        let changed: Vec<_> = now
            .keys()
            .filter(|p| now.get(p).copied() != Some(self.account(p)))
            .map(|p| (*p, self.account(p)))
            .collect();
        for event in &events {
            self.mined.remove(&event.id());
            self.acknowledged.insert(event.id());
        }
        let mut batch = Batch::new();
        self.pool.on_block_reverted(parent, events, &changed, &mut batch);
        self.write(batch);
    }

    /// Tells that a template on the tip refused an event.
    pub(crate) fn refuse(&mut self, id: &EventId, reason: &str) {
        let (mut batch, at) = (Batch::new(), self.pool.tip().hash);
        self.pool.refused(id, &at, reason, &mut batch);
        self.write(batch);
    }

    /// Stops and starts the node.
    pub(crate) fn restart(&mut self) {
        let mut batch = Batch::new();
        self.pool = self.restored(&mut batch);
        self.write(batch);
    }

    pub(crate) fn restored(&self, batch: &mut Batch) -> Pool<Dummy> {
        Pool::restore(
            self.pool.policy().clone(),
            Tip { height: Height(10), hash: BlockHash([10; 32]) },
            &self.ledger,
            check_all,
            |principal| Ok(self.account(principal)),
            batch,
        )
        .expect("the journal is whole")
    }

    pub(crate) fn write(&mut self, batch: Batch) {
        self.ledger.write(batch, Durability::Process).expect("memory does not fail");
        self.check();
    }

    fn check(&self) {
        self.pool.check_invariants().expect("consistent");
        let mut changes = Batch::new();
        let again = self.restored(&mut changes);
        assert!(changes.is_empty(), "a restart alone changes nothing: {changes:?}");
        again.check_invariants().expect("consistent");
        assert_eq!(again.tip(), self.pool.tip());
        assert_eq!(ids(again.content(None, usize::MAX)), ids(self.pool.content(None, usize::MAX)));
        for id in &self.acknowledged {
            let (now, then) = (self.pool.status(id), again.status(id));
            match (now, then) {
                (Some(Status::Waiting { .. }), Some(Status::Waiting { .. })) => {}
                (Some(Status::Dropped(now)), Some(Status::Dropped(then))) => assert_eq!(now, then),
                (None, None) => assert!(self.mined.contains(id), "{id} is lost"),
                other => panic!("{id}: {other:?}"),
            }
        }
        let signers: BTreeSet<_> =
            self.pool.content(None, usize::MAX).map(|e| e.author()).collect();
        let refused = signers.iter().flat_map(|s| self.pool.of_signer(s)).any(|event| {
            let status = self.pool.status(&event.id());
            matches!(
                status,
                Some(Status::Waiting { progress: blocktree_mempool::Progress::Refused { .. }, .. })
            )
        });
        // A refused event behind a missing nonce shows as waiting for that.
        if !refused && self.pool.info().parked == 0 {
            assert_eq!(ids(again.best()), ids(self.pool.best()));
            assert_eq!(again.info(), self.pool.info());
        }
    }

    /// How many entries the pool's column has.
    pub(crate) fn journal_len(&self) -> usize {
        let mut count = 0;
        let visit = &mut |_: &[u8], _: &[u8]| {
            count += 1;
            ControlFlow::Continue(())
        };
        self.ledger.scan(Column::PoolJournal, &[], visit).expect("memory does not fail");
        count
    }

    pub(crate) fn best(&self) -> Vec<EventId> {
        ids(self.pool.best())
    }

    /// The reason why an event left.
    pub(crate) fn dropped(&self, id: &EventId) -> blocktree_mempool::Dropped {
        match self.pool.status(id) {
            Some(Status::Dropped(dropped)) => dropped.clone(),
            other => panic!("not dropped: {other:?}"),
        }
    }

    pub(crate) fn waits(&self, id: &EventId) -> bool {
        self.pool.get(id).is_some()
    }
}

pub(crate) fn ids<'a>(events: impl Iterator<Item = &'a Event>) -> Vec<EventId> {
    events.map(|event| event.id()).collect()
}

/// A policy with room for so many events.
pub(crate) fn room_for(max_events: usize) -> Policy {
    Policy { max_events, ..Policy::default() }
}
