//! The handle that everybody holds, and the start of the service.

use crate::command::{CheckedAhead, Command};
use crate::follower::PoolFollower;
use crate::restore::restore;
use crate::template::{KEPT, Template};
use crate::writer;
use blocktree_consensus::{Candidate, ChainInfo, EncodedEvent, Params, Runtime, check_event};
use blocktree_import::{Config, Imported, Importer, OpenError, Published, Shared, Worth};
use blocktree_mempool::{Policy, Pool};
use blocktree_primitives::{BlockHash, EventId};
use blocktree_state::auth::AuthMap;
use blocktree_state::{Fault, Ledger};
use rayon::prelude::*;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::thread::JoinHandle;
use tokio::sync::{broadcast, mpsc, oneshot, watch};

/// Commands that wait for the writer at most; whoever sends more waits.
const QUEUE: usize = 4096;

/// Accepted events that a listener may lag behind.
const ACCEPTED: usize = 8192;

/// The node is stopping, or its writer has stopped for a fault; see [`Chain::fault`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the node is stopping")]
pub struct Stopped;

/// Why the service did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The data folder, later.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The operating system gave no thread.
    #[error("the writer's thread can't be started: {0}")]
    Thread(std::io::Error),
}

/// What a chain is made of.
pub struct Setup<R: Runtime> {
    /// The rules of events.
    pub runtime: Arc<R>,
    /// The rules of headers.
    pub params: Params,
    /// The encoding of all rules beyond `params`, for genesis.
    pub rules: Vec<u8>,
    /// The data folder.
    pub ledger: Arc<dyn Ledger>,
    /// The importer's choices.
    pub import: Config,
    /// The pool's choices.
    pub policy: Policy,
    /// Bytes of an event from outside at most.
    pub max_event_len: usize,
    /// Seconds since 1970.
    pub clock: fn() -> u32,
}

/// The chain, the pool and the way to the writer. Clones share them.
pub struct Chain<R: Runtime> {
    inner: Arc<Inner<R>>,
}

impl<R: Runtime> Clone for Chain<R> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

struct Inner<R: Runtime> {
    runtime: Arc<R>,
    params: Params,
    genesis: BlockHash,
    max_event_len: usize,
    clock: fn() -> u32,
    shared: Arc<Shared>,
    pool: Arc<RwLock<Pool<R::Call>>>,
    commands: mpsc::Sender<Command<R::Call>>,
    tip: watch::Receiver<ChainInfo>,
    fault: watch::Receiver<Option<Fault>>,
    accepted: broadcast::Sender<EventId>,
    generation: Arc<AtomicU64>,
    templates: Mutex<VecDeque<Arc<Template<R::Call>>>>,
    next_template: AtomicU64,
}

/// The writer's thread; [`WriterThread::stop`] ends it in order.
pub struct WriterThread<R: Runtime> {
    chain: Chain<R>,
    thread: JoinHandle<Result<(), Fault>>,
}

impl<R: Runtime> WriterThread<R> {
    /// Ends the writer after what is queued, writes what memory holds, and waits for that.
    /// Blocks the calling thread.
    ///
    /// # Errors
    /// The [`Fault`] that stopped the writer, or that kept it from closing.
    pub fn stop(self) -> Result<(), Fault> {
        // If it has stopped already, the join tells why.
        let _ = self.chain.inner.commands.blocking_send(Command::Stop);
        self.thread.join().unwrap_or_else(|_| Err(Fault::Bug("the writer's thread died".into())))
    }
}

impl<R: Runtime> Chain<R> {
    /// Opens the data folder and starts the writer.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn start(setup: Setup<R>) -> Result<(Self, WriterThread<R>), StartError> {
        let Setup { runtime, params, rules, ledger, import, policy, max_event_len, clock } = setup;
        let opened =
            Importer::open(Arc::clone(&runtime), params, rules, Arc::clone(&ledger), import)?;
        let (genesis, shared) = (opened.genesis(), opened.shared());
        let published = shared.published();
        let pool = restore(&*runtime, &genesis, policy, &*ledger, &published)?;
        let pool = Arc::new(RwLock::new(pool));
        let generation = Arc::new(AtomicU64::new(0));
        let (tip_sender, tip) = watch::channel(*published.tip());
        let importer = opened.attach(Box::new(PoolFollower {
            runtime: Arc::clone(&runtime),
            pool: Arc::clone(&pool),
            tip: tip_sender,
            generation: Arc::clone(&generation),
        }))?;
        let (commands, queue) = mpsc::channel(QUEUE);
        let (fault_sender, fault) = watch::channel(None);
        let alarm = writer::Alarm(fault_sender);
        let accepted = broadcast::Sender::new(ACCEPTED);
        let mut writer = writer::Writer {
            importer,
            pool: Arc::clone(&pool),
            ledger,
            queue,
            alarm,
            accepted: accepted.clone(),
        };
        let thread = std::thread::Builder::new()
            .name("chain-writer".into())
            .spawn(move || writer.run())
            .map_err(StartError::Thread)?;
        let chain = Self {
            inner: Arc::new(Inner {
                runtime,
                params,
                genesis,
                max_event_len,
                clock,
                shared,
                pool,
                commands,
                tip,
                fault,
                accepted,
                generation,
                templates: Mutex::default(),
                next_template: AtomicU64::new(1),
            }),
        };
        Ok((chain.clone(), WriterThread { chain, thread }))
    }

    /// The rules of events.
    #[must_use]
    pub fn runtime(&self) -> &Arc<R> {
        &self.inner.runtime
    }

    /// The rules of headers.
    #[must_use]
    pub fn params(&self) -> &Params {
        &self.inner.params
    }

    /// The hash of genesis.
    #[must_use]
    pub fn genesis(&self) -> BlockHash {
        self.inner.genesis
    }

    /// Bytes of an event from outside at most.
    #[must_use]
    pub fn max_event_len(&self) -> usize {
        self.inner.max_event_len
    }

    /// Seconds since 1970 by the node's clock.
    #[must_use]
    pub fn now(&self) -> u32 {
        (self.inner.clock)()
    }

    /// The data folder at the present tip; it stays as it is however long it is held.
    #[must_use]
    pub fn published(&self) -> Arc<Published> {
        self.inner.shared.published()
    }

    /// Runs `read` with the authenticated map and the data folder that belongs to it.
    pub fn with_map<T>(&self, read: impl FnOnce(&AuthMap, &Published) -> T) -> T {
        self.inner.shared.with_map(read)
    }

    /// The pool. Not to be held for long: blocks wait for it.
    pub fn pool(&self) -> RwLockReadGuard<'_, Pool<R::Call>> {
        self.inner.pool.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The pool with its lock, for readers that come back to it again and again.
    #[must_use]
    pub fn pool_lock(&self) -> &RwLock<Pool<R::Call>> {
        &self.inner.pool
    }

    /// Tells when the tip moves. A reorganisation shows every step.
    #[must_use]
    pub fn watch_tip(&self) -> watch::Receiver<ChainInfo> {
        self.inner.tip.clone()
    }

    /// Tells when the writer stops for a fault; then the node must stop.
    #[must_use]
    pub fn fault(&self) -> watch::Receiver<Option<Fault>> {
        self.inner.fault.clone()
    }

    /// Tells of each event that the pool took in, from wherever it came. Who lags behind misses some,
    /// and is told so.
    #[must_use]
    pub fn watch_events(&self) -> broadcast::Receiver<EventId> {
        self.inner.accepted.subscribe()
    }

    /// Changes with every step of the tip: what was a template before is out of date. Cheap.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.inner.generation.load(Ordering::Relaxed)
    }

    /// Judges a block; if its branch has the most work, it becomes the tip.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn import(&self, block: Candidate<R::Call>) -> Result<Imported, Stopped> {
        self.import_as(block, Worth::Own).await
    }

    /// [`Chain::import`] of a block on a branch of which more is known than the block shows.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn import_as(
        &self,
        block: Candidate<R::Call>,
        worth: Worth,
    ) -> Result<Imported, Stopped> {
        let (reply, answer) = oneshot::channel();
        let (block, now, checked) = (Box::new(block), self.now(), Vec::new());
        self.send(Command::Import { block, worth, now, checked, reply }).await?;
        answer.await.map_err(|_| Stopped)
    }

    /// [`Chain::import`] from a thread that is not an async one.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn import_blocking(&self, block: Candidate<R::Call>) -> Result<Imported, Stopped> {
        self.import_ahead(block, Worth::Own, Vec::new())
    }

    /// Checks a block's events on all cores, before its turn to be imported comes, so that this
    /// overlaps with the fold of those before it. For blocks whose proof of work and event root are
    /// right: others would make this machine work for nothing. Blocks the calling thread.
    #[must_use]
    pub fn check_ahead(&self, block: &Candidate<R::Call>) -> CheckedAhead<R::Call> {
        let (runtime, genesis) = (&*self.inner.runtime, self.genesis());
        let check = |event: &EncodedEvent<_>| check_event(runtime, &genesis, event.clone());
        let events = block.body.events().par_iter();
        events.map(|event| check(event).ok().map(Arc::new)).collect()
    }

    /// [`Chain::import_as`] of a block whose events were [checked ahead](Self::check_ahead), from a
    /// thread that is not an async one.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn import_ahead(
        &self,
        block: Candidate<R::Call>,
        worth: Worth,
        checked: CheckedAhead<R::Call>,
    ) -> Result<Imported, Stopped> {
        let (reply, answer) = oneshot::channel();
        let (block, now) = (Box::new(block), self.now());
        let command = Command::Import { block, worth, now, checked, reply };
        self.inner.commands.blocking_send(command).map_err(|_| Stopped)?;
        answer.blocking_recv().map_err(|_| Stopped)
    }

    /// Takes back `count` blocks; their events wait again. Returns how many were taken back: at
    /// genesis, or where undo records end, it stops.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn revert(&self, count: u64) -> Result<u64, Stopped> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Revert { count, reply }).await?;
        answer.await.map_err(|_| Stopped)
    }

    pub(crate) async fn send(&self, command: Command<R::Call>) -> Result<(), Stopped> {
        self.inner.commands.send(command).await.map_err(|_| Stopped)
    }

    pub(crate) fn try_send(&self, command: Command<R::Call>) {
        if self.inner.commands.try_send(command).is_err() {
            tracing::debug!("the writer is busy; a hint was dropped");
        }
    }

    pub(crate) fn next_template(&self) -> u64 {
        self.inner.next_template.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn remember(&self, template: Arc<Template<R::Call>>) {
        let mut templates = self.inner.templates.lock().unwrap_or_else(PoisonError::into_inner);
        templates.push_back(template);
        while templates.len() > KEPT {
            templates.pop_front();
        }
    }

    pub(crate) fn remembered(&self, id: u64) -> Option<Arc<Template<R::Call>>> {
        let templates = self.inner.templates.lock().unwrap_or_else(PoisonError::into_inner);
        templates.iter().find(|template| template.id == id).cloned()
    }
}
