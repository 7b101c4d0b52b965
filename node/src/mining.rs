//! The built-in miner's work: templates of the chain, at the chain's pace, and what becomes of
//! solutions. On and off while the node runs.

use crate::progress::per_second;
use blocktree_consensus::Difficulty;
use blocktree_import::Imported;
use blocktree_mempool::Info;
use blocktree_miner::{Job, Miner, Solved, StartError, WorkSource};
use blocktree_primitives::{Network, Principal};
use blocktree_rpc::api::MinerState;
use blocktree_runtime::{BlocktreeRuntime, Call};
use blocktree_service::{Chain, Template, TemplateError};
use blocktree_state::Fault;
use blocktree_wallet::{DevKeyRefused, refuse_dev_principal};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Threads that can be asked for.
pub(crate) const MAX_THREADS: usize = 256;
/// How often the pool is looked at for a better template.
const LOOK: Duration = Duration::from_secs(3);
/// A template is not worked on for longer, whatever the pool does.
const STALE: Duration = Duration::from_secs(30);
/// The pause after a template or a solution came to nothing.
const PAUSE: Duration = Duration::from_secs(1);

/// Mining that can be switched on and off.
pub(crate) struct Mining {
    chain: Chain<BlocktreeRuntime>,
    network: Network,
    faults: watch::Sender<Option<Fault>>,
    state: Mutex<Switch>,
}

struct Switch {
    coinbase: Option<Principal>,
    running: Option<Running>,
}

struct Running {
    miner: Miner,
    coinbase: Principal,
    since: Instant,
}

/// Why mining was not switched on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MiningError {
    /// Nobody to pay.
    #[error("mining needs a coinbase, the principal whom rewards go to (--coinbase)")]
    NoCoinbase,
    /// More than sense.
    #[error("{0} mining threads asked for, at most {MAX_THREADS} possible")]
    TooMany(usize),
    /// A key that everybody knows.
    #[error(transparent)]
    DevKey(#[from] DevKeyRefused),
    /// The operating system gives no thread.
    #[error(transparent)]
    Start(#[from] StartError),
}

impl Mining {
    /// Mining on this chain, switched off; rewards go to `coinbase` unless it is set to another.
    pub(crate) fn new(
        chain: Chain<BlocktreeRuntime>,
        network: Network,
        coinbase: Option<Principal>,
    ) -> Self {
        let switch = Switch { coinbase, running: None };
        Self { chain, network, faults: watch::Sender::new(None), state: Mutex::new(switch) }
    }

    /// Tells when work can't go on for a fault; then the node must stop.
    pub(crate) fn fault(&self) -> watch::Receiver<Option<Fault>> {
        self.faults.subscribe()
    }

    /// Mines with so many threads from now on, 0 for not; to the same coinbase as before when
    /// there is none. Waits for threads that run, some 30 milliseconds.
    ///
    /// # Errors
    /// See [`MiningError`]; all but the last leave everything as it was.
    pub(crate) fn set(
        &self,
        threads: usize,
        coinbase: Option<Principal>,
    ) -> Result<(), MiningError> {
        if threads > MAX_THREADS {
            return Err(MiningError::TooMany(threads));
        }
        if let Some(coinbase) = &coinbase {
            refuse_dev_principal(self.network, coinbase)?;
        }
        let mut state = self.state();
        let coinbase = coinbase.or(state.coinbase);
        if threads > 0 && coinbase.is_none() {
            return Err(MiningError::NoCoinbase);
        }
        state.stop();
        state.coinbase = coinbase;
        if let Some(coinbase) = coinbase.filter(|_| threads > 0) {
            tracing::info!(threads, coinbase = coinbase.to_text(self.network), "mining");
            let work = Work::new(self.chain.clone(), coinbase, self.faults.clone());
            let miner = Miner::start(Arc::new(work), threads)?;
            state.running = Some(Running { miner, coinbase, since: Instant::now() });
        }
        Ok(())
    }

    /// Switches mining off. Waits as [`Mining::set`] does.
    pub(crate) fn stop(&self) {
        self.state().stop();
    }

    /// Whom rewards go to, or would.
    pub(crate) fn coinbase(&self) -> Option<Principal> {
        self.state().coinbase
    }

    /// What the miner does; `None` while it is off.
    pub(crate) fn miner(&self) -> Option<MinerState> {
        let state = self.state();
        let Running { miner, coinbase, since } = state.running.as_ref()?;
        Some(MinerState {
            threads: u32::try_from(miner.threads()).unwrap_or(u32::MAX),
            coinbase: *coinbase,
            hashes_per_second: per_second(miner.hashes(), since.elapsed()),
        })
    }

    fn state(&self) -> MutexGuard<'_, Switch> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Switch {
    fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.miner.stop();
            tracing::info!("mining stopped");
        }
    }
}

/// How often there is work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    /// The difficulty is none, so the miner waits until the tip is so old. The template is made
    /// only then: events that came meanwhile are in it.
    Fixed(Duration),
    /// The difficulty keeps the pace.
    Difficulty,
}

struct Work {
    chain: Chain<BlocktreeRuntime>,
    coinbase: Principal,
    pace: Pace,
    faults: watch::Sender<Option<Fault>>,
    started: Instant,
    /// Templates that were given up while the tip stayed.
    refreshes: AtomicU64,
    /// Milliseconds after `started` at which the pool is looked at again.
    next_look: AtomicU64,
    stopping: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The generation of the chain that was seen last, and when its tip became it.
    tip: Option<(u64, Option<Instant>)>,
    current: Option<Current>,
    /// No template before.
    pause_until: Option<Instant>,
    /// The last job that was solved: the other threads' solutions of it are worth nothing.
    solved: Option<u64>,
}

struct Current {
    generation: u64,
    template: Arc<Template<Call>>,
    made: Instant,
    pool: Info,
}

impl Work {
    fn new(
        chain: Chain<BlocktreeRuntime>,
        coinbase: Principal,
        faults: watch::Sender<Option<Fault>>,
    ) -> Self {
        let params = chain.params();
        let pace = match params.difficulty {
            Difficulty::Constant => Pace::Fixed(Duration::from_secs(params.spacing.into())),
            Difficulty::Asert { .. } => Pace::Difficulty,
        };
        Self {
            chain,
            coinbase,
            pace,
            faults,
            started: Instant::now(),
            refreshes: AtomicU64::new(0),
            next_look: AtomicU64::new(0),
            stopping: AtomicBool::new(false),
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the work in hand out of date.
    fn refresh(&self) {
        self.refreshes.fetch_add(1, Ordering::Relaxed);
    }

    /// The number of the present work; both parts only grow.
    fn present(&self) -> u64 {
        self.chain.generation().wrapping_add(self.refreshes.load(Ordering::Relaxed))
    }

    /// Gives the template up when the pool has something else, or it is old. Cheap but once in
    /// [`LOOK`].
    fn look_at_pool(&self) {
        let now = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let due = self.next_look.load(Ordering::Relaxed);
        let next = now.saturating_add(u64::try_from(LOOK.as_millis()).unwrap_or(u64::MAX));
        let take =
            |()| self.next_look.compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed);
        if now < due || take(()).is_err() {
            return;
        }
        // Locked: another thread makes a template right now.
        let Ok(state) = self.state.try_lock() else { return };
        if let Some(current) = &state.current
            && (current.made.elapsed() >= STALE || self.chain.pool().info() != current.pool)
        {
            self.refresh();
        }
    }

    /// Whether the tip is old enough for the next block.
    fn is_time(&self, state: &mut State, now: Instant) -> bool {
        let generation = self.chain.generation();
        match state.tip {
            Some((seen, _)) if seen == generation => {}
            // Where the tip was when mining began, how old it is does not matter.
            None => state.tip = Some((generation, None)),
            Some(_) => state.tip = Some((generation, Some(now))),
        }
        if state.pause_until.is_some_and(|until| now < until) {
            return false;
        }
        match (self.pace, state.tip) {
            (Pace::Fixed(gap), Some((_, Some(since)))) => now.duration_since(since) >= gap,
            _ => true,
        }
    }

    /// A new template; `None` with a pause when there is none.
    fn make(&self, generation: u64) -> Option<Current> {
        let pool = self.chain.pool().info();
        match self.chain.template(&self.coinbase) {
            Ok(template) => {
                let latest = self.chain.now().saturating_add(self.chain.params().max_future);
                if template.min_time > latest {
                    tracing::warn!(
                        earliest = template.min_time,
                        clock = self.chain.now(),
                        "the next block's time is ahead of this machine's clock; mining waits"
                    );
                    return None;
                }
                Some(Current { generation, template, made: Instant::now(), pool })
            }
            Err(TemplateError::Fault(fault)) => {
                tracing::error!(%fault, "no template");
                self.stopping.store(true, Ordering::Relaxed);
                self.faults.send_replace(Some(fault));
                None
            }
            Err(error) => {
                tracing::debug!(%error, "no template");
                None
            }
        }
    }

    fn solved(&self, template: &Template<Call>, solved: Solved) {
        let block = match template.solved(solved.header, solved.commitment) {
            Ok(block) => block,
            Err(error) => {
                tracing::error!(%error, "the miner changed its work");
                return self.came_to_nothing();
            }
        };
        match self.chain.import_blocking(block) {
            Ok(Imported::NewTip { hash, .. }) => {
                let height = solved.commitment.height.0;
                let (events, fees) = (template.events.len(), template.fees.units());
                tracing::info!(height, %hash, events, fees, "mined block");
            }
            Ok(Imported::Side(hash)) => tracing::info!(%hash, "mined block came too late"),
            Ok(other) => {
                tracing::warn!(outcome = ?other, "mined block was not accepted");
                return self.came_to_nothing();
            }
            // The node stops.
            Err(_) => self.stopping.store(true, Ordering::Relaxed),
        }
        self.refresh();
    }

    fn came_to_nothing(&self) {
        self.state().pause_until = Instant::now().checked_add(PAUSE);
        self.refresh();
    }
}

impl WorkSource for Work {
    fn generation(&self) -> u64 {
        if self.pace == Pace::Difficulty {
            self.look_at_pool();
        }
        self.present()
    }

    fn job(&self) -> Option<Job> {
        if self.stopping.load(Ordering::Relaxed) {
            return None;
        }
        // Held while a template is made: the other threads want the same one.
        let mut state = self.state();
        let (now, generation) = (Instant::now(), self.present());
        if !self.is_time(&mut state, now) {
            return None;
        }
        if state.current.as_ref().is_none_or(|current| current.generation != generation) {
            state.current = self.make(generation);
            if state.current.is_none() {
                state.pause_until = now.checked_add(PAUSE);
            }
        }
        let template = &state.current.as_ref()?.template;
        Some(Job {
            id: template.id,
            header: template.header,
            commitment: template.commitment,
            target: template.target.to_le_bytes(),
            min_time: template.min_time,
            not_before: None,
        })
    }

    fn submit(&self, solved: Solved) {
        let template = {
            let mut state = self.state();
            if state.solved == Some(solved.job) {
                return;
            }
            let current = state.current.as_ref().map(|current| Arc::clone(&current.template));
            let Some(template) = current.filter(|template| template.id == solved.job) else {
                return;
            };
            state.solved = Some(solved.job);
            template
        };
        self.solved(&template, solved);
    }

    fn now(&self) -> u32 {
        self.chain.now()
    }
}
