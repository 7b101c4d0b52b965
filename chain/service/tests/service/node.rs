//! A node that is driven step by step.

use crate::support::{Forge, NOW};
use blocktree_consensus::Candidate;
use blocktree_import::{Config, Imported};
use blocktree_mempool::Policy;
use blocktree_primitives::{BlockHash, EventId, Principal};
use blocktree_runtime::{BlocktreeRuntime, Call, Event};
use blocktree_service::{
    Chain, EventStatus, Setup, StartError, Stopped, SubmitError, Submitted, WriterThread,
};
use blocktree_state::auth::Limits;
use blocktree_state::{Fault, Ledger, MemoryLedger};
use parity_scale_codec::Encode;
use std::sync::Arc;
use tokio::runtime::Runtime;

pub(crate) type DevChain = Chain<BlocktreeRuntime>;

/// What a test chooses.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    pub(crate) policy: Policy,
    pub(crate) import: Config,
}

impl Options {
    /// Checkpoints of the map every few blocks, undo records for as many blocks.
    pub(crate) fn restless(undo_depth: u64) -> Self {
        let map = Limits { journal_keys: 20, ..Limits::default() };
        Self { import: Config { undo_depth, map, ..Config::default() }, ..Self::default() }
    }
}

pub(crate) struct Node {
    pub(crate) chain: DevChain,
    writer: WriterThread<BlocktreeRuntime>,
    tokio: Runtime,
}

impl Node {
    pub(crate) fn try_start(
        forge: &Forge,
        ledger: Arc<dyn Ledger>,
        options: &Options,
    ) -> Result<Self, StartError> {
        let (chain, writer) = Chain::start(Setup {
            runtime: Arc::clone(&forge.runtime),
            params: forge.params,
            rules: forge.rules.clone(),
            ledger,
            import: options.import,
            policy: options.policy.clone(),
            max_event_len: blocktree_runtime::MAX_EVENT_LEN,
            clock: || NOW,
        })?;
        let tokio = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        Ok(Self { chain, writer, tokio })
    }

    pub(crate) fn start(forge: &Forge, ledger: &MemoryLedger) -> Self {
        Self::try_start(forge, Arc::new(ledger.clone()), &Options::default()).unwrap()
    }

    pub(crate) fn submit(&self, event: &Event) -> Result<Submitted, SubmitError> {
        self.submit_bytes(event.encode())
    }

    pub(crate) fn submit_bytes(&self, bytes: Vec<u8>) -> Result<Submitted, SubmitError> {
        self.tokio.block_on(self.chain.submit(bytes))
    }

    pub(crate) fn import(&self, block: Candidate<Call>) -> Result<Imported, Stopped> {
        self.tokio.block_on(self.chain.import(block))
    }

    pub(crate) fn revert(&self, count: u64) -> Result<u64, Stopped> {
        self.tokio.block_on(self.chain.revert(count))
    }

    /// One block, its reward to principal `[miner; 32]`.
    pub(crate) fn generate(&self, miner: u8) -> BlockHash {
        self.chain.generate(1, &Principal([miner; 32])).unwrap()[0]
    }

    pub(crate) fn status(&self, id: &EventId) -> EventStatus<Call> {
        self.chain.event_status(id).unwrap()
    }

    /// The status in a word, and the reason in its own.
    pub(crate) fn status_text(&self, id: &EventId) -> String {
        match self.status(id) {
            EventStatus::InBlock { height, index, depth, .. } => {
                format!("in block {height} at {index}, {depth} deep")
            }
            EventStatus::Waiting { waits_for: None, .. } => "waits".into(),
            EventStatus::Waiting { waits_for: Some(what), .. } => format!("waits for {what}"),
            EventStatus::Dropped { reason } => format!("dropped: {reason}"),
            EventStatus::Unknown => "unknown".into(),
        }
    }

    pub(crate) fn free(&self, principal: &Principal) -> u64 {
        let published = self.chain.published();
        pallet_coin::accounts::get(&published.state(), principal).unwrap().free.units()
    }

    /// Many events at once.
    pub(crate) fn submit_all(&self, events: Vec<Event>) {
        let submits = events.into_iter().map(|event| {
            let chain = self.chain.clone();
            async move { chain.submit(event.encode()).await.unwrap() }
        });
        self.tokio.block_on(async {
            let mut tasks: tokio::task::JoinSet<_> = tokio::task::JoinSet::new();
            for submit in submits {
                tasks.spawn(submit);
            }
            tasks.join_all().await;
        });
    }

    /// The nonce for a principal's next event, after those that wait.
    pub(crate) fn next_nonce(&self, author: Principal) -> u64 {
        let published = self.chain.published();
        let account = pallet_coin::accounts::get(&published.state(), &author).unwrap();
        self.chain.pool().next_nonce(&author, account.nonce)
    }

    /// The fault that stopped the writer, if one did.
    pub(crate) fn fault(&self) -> Option<Fault> {
        self.chain.fault().borrow().clone()
    }

    pub(crate) fn stop(self) -> Result<(), Fault> {
        self.writer.stop()
    }
}
