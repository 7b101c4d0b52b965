//! One participant's chain: a real importer with a real pool, on a ledger in memory.

use crate::rules::Rules;
use blocktree_consensus::{Account, CheckedEvent, EncodedEvent, Runtime, check_event};
use blocktree_import::{ChainReader, Config, Importer, Published};
use blocktree_mempool::{Policy, Pool};
use blocktree_network::{Judgement, NodeView};
use blocktree_primitives::{EventId, Header, Height, Principal};
use blocktree_runtime::{BlocktreeRuntime, Call, MAX_EVENT_LEN};
use blocktree_service::{PoolFollower, restore};
use blocktree_state::{Batch, Durability, Ledger, MemoryLedger};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard};
use tokio::sync::watch;

pub(crate) struct Chain {
    pub(crate) rules: Arc<Rules>,
    pub(crate) ledger: MemoryLedger,
    pub(crate) importer: Importer<BlocktreeRuntime>,
    pool: Arc<RwLock<Pool<Call>>>,
}

impl Chain {
    /// Opens a ledger as the node does at its start.
    pub(crate) fn open(rules: &Arc<Rules>, ledger: MemoryLedger) -> Self {
        let shared: Arc<dyn Ledger> = Arc::new(ledger.clone());
        let runtime = Arc::clone(&rules.runtime);
        let (params, encoded) = (rules.params, rules.encoded.clone());
        let opened = Importer::open(runtime, params, encoded, shared, Config::default());
        let opened = opened.expect("a ledger that the importer wrote");
        let published = opened.shared().published();
        let pool = restore(&*rules.runtime, &rules.genesis, Policy::default(), &ledger, &published);
        let pool = Arc::new(RwLock::new(pool.expect("a journal that the pool wrote")));
        let follower = PoolFollower {
            runtime: Arc::clone(&rules.runtime),
            pool: Arc::clone(&pool),
            tip: watch::channel(*published.tip()).0,
            generation: Arc::new(AtomicU64::new(0)),
        };
        let importer = opened.attach(Box::new(follower)).expect("a sound ledger");
        Self { rules: Arc::clone(rules), ledger, importer, pool }
    }

    /// An independent chain with the same content.
    pub(crate) fn fork(&self) -> Self {
        Self::open(&self.rules, self.ledger.fork())
    }

    pub(crate) fn pool(&self) -> RwLockReadGuard<'_, Pool<Call>> {
        self.pool.read().unwrap()
    }

    pub(crate) fn pool_mut(&self) -> RwLockWriteGuard<'_, Pool<Call>> {
        self.pool.write().unwrap()
    }

    pub(crate) fn published(&self) -> Arc<Published> {
        self.importer.shared().published()
    }

    /// Runs `read` with what the network may know of this chain.
    pub(crate) fn view<T>(&self, read: impl FnOnce(&NodeView<'_, Call>) -> T) -> T {
        let best = self.published();
        read(&NodeView {
            params: &self.rules.params,
            genesis: self.rules.genesis,
            minimum_work: Config::default().minimum_work,
            ledger: &self.ledger,
            best: &best,
            pool: &self.pool,
        })
    }

    pub(crate) fn account(&self, principal: &Principal) -> Account {
        self.rules.runtime.account(&self.published().state(), principal).expect("memory")
    }

    /// The nonce of a principal's next event, those that wait counted in.
    pub(crate) fn next_nonce(&self, principal: &Principal) -> u64 {
        let nonce = self.account(principal).nonce;
        self.pool().next_nonce(principal, nonce)
    }

    /// Checks an encoded event and gives it to the pool.
    pub(crate) fn judge(&self, bytes: Vec<u8>) -> Judgement {
        let event = match EncodedEvent::<Call>::decode(bytes, MAX_EVENT_LEN) {
            Ok(event) => event,
            Err(error) => return Judgement::Invalid(error.to_string()),
        };
        match check_event(&*self.rules.runtime, &self.rules.genesis, event) {
            Ok(event) => self.insert(event),
            Err(error) => Judgement::Invalid(error.to_string()),
        }
    }

    fn insert(&self, event: CheckedEvent<Call>) -> Judgement {
        let account = self.account(&event.author());
        let mut batch = Batch::new();
        let tip = self.importer.tip().hash;
        let inserted = self.pool_mut().insert(Arc::new(event), account, &tip, &mut batch);
        match inserted {
            Ok(_) => {
                self.ledger.write(batch, Durability::Synced).expect("memory");
                Judgement::Accepted
            }
            Err(refusal) => Judgement::Refused(refusal.to_string()),
        }
    }

    /// The headers of the best chain after genesis.
    pub(crate) fn headers(&self) -> Vec<Header> {
        let chain = ChainReader(&self.ledger);
        let hash = |height| chain.canonical(Height(height)).expect("memory");
        let header = |hash| chain.known_header(&hash).expect("it is canonical").header;
        (1..).map_while(hash).map(header).collect()
    }

    /// Whether an event is in the best chain.
    pub(crate) fn has_mined(&self, id: &EventId) -> bool {
        ChainReader(&self.ledger).event(id).expect("memory").is_some()
    }
}
