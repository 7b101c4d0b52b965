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
use std::hash::{BuildHasher, RandomState};
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
    hold: Arc<Hold>,
    state: Mutex<Switch>,
}

/// Whether there is no work for now, whoever wants some.
#[derive(Default)]
struct Hold {
    is_held: AtomicBool,
    /// How often that changed.
    changes: AtomicU64,
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
        let (hold, state) = (Arc::default(), Switch { coinbase, running: None });
        Self { chain, network, faults: watch::Sender::new(None), hold, state: Mutex::new(state) }
    }

    /// Holds the work back, or no longer: a block on a tip that others have left behind would be
    /// worth nothing. Mining stays on or off as it is. Returns at once; threads give up what they
    /// search within some 30 milliseconds, but what one has just found is still imported.
    pub(crate) fn hold(&self, is_held: bool) {
        if self.hold.is_held.swap(is_held, Ordering::Relaxed) != is_held {
            // Whoever sees this sees that, too, and asks for no work under the new number.
            self.hold.changes.fetch_add(1, Ordering::Release);
        }
    }

    /// Whether work is held back now.
    pub(crate) fn is_held(&self) -> bool {
        self.hold.is_held.load(Ordering::Relaxed)
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
            let work =
                Work::new(self.chain.clone(), coinbase, self.faults.clone(), self.hold.clone());
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
    hold: Arc<Hold>,
    /// Differs from node to node.
    chance: RandomState,
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
    /// Whether the operator was told that there is no work for now.
    told_of_hold: bool,
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
        hold: Arc<Hold>,
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
            hold,
            chance: RandomState::new(),
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

    /// The number of the present work; all parts only grow.
    fn present(&self) -> u64 {
        let refreshes = self.refreshes.load(Ordering::Relaxed);
        let holds = self.hold.changes.load(Ordering::Acquire);
        self.chain.generation().wrapping_add(refreshes).wrapping_add(holds)
    }

    /// Whether there is no work for now; tells the operator when that changes.
    fn is_held(&self, state: &mut State) -> bool {
        let is_held = self.hold.is_held.load(Ordering::Relaxed);
        if is_held != state.told_of_hold {
            state.told_of_hold = is_held;
            match is_held {
                true => tracing::info!("mining waits for the network"),
                false => tracing::info!("mining goes on"),
            }
        }
        is_held
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
            (Pace::Fixed(gap), Some((generation, Some(since)))) => {
                now.duration_since(since) >= around(gap, self.chance.hash_one(generation))
            }
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

/// From nine tenths to eleven tenths of `gap`, evenly: miners that all waited the same time would all find
/// a block at the same moment, and fork the chain for ever.
fn around(gap: Duration, chance: u64) -> Duration {
    let tenth = gap / 10;
    let spread = u64::try_from(tenth.as_micros().saturating_mul(2)).unwrap_or(u64::MAX);
    gap.saturating_sub(tenth).saturating_add(Duration::from_micros(chance % spread.max(1)))
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
        if self.is_held(&mut state) {
            return None;
        }
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
        let mut commitment = template.commitment;
        // Two miners of one coinbase would search, and find, the same block.
        let own = self.chance.hash_one(0_u64).to_le_bytes();
        commitment.extra_nonce[..4].copy_from_slice(&own[..4]);
        Some(Job {
            id: template.id,
            header: template.header,
            commitment,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chosen::{ChainName, Chosen};
    use blocktree_import::Config;
    use blocktree_mempool::Policy;
    use blocktree_runtime::MAX_EVENT_LEN;
    use blocktree_service::{Setup, WriterThread};
    use blocktree_state::MemoryLedger;

    /// How long a block of the dev chain may take; they are a second apart.
    const PATIENCE: Duration = Duration::from_secs(30);

    fn dev_chain() -> (Mining, Chain<BlocktreeRuntime>, WriterThread<BlocktreeRuntime>) {
        let chosen = Chosen::load(&ChainName::Dev).unwrap();
        let (chain, writer) = Chain::start(Setup {
            runtime: chosen.runtime.clone(),
            params: chosen.params,
            rules: chosen.rules.clone(),
            ledger: Arc::new(MemoryLedger::new()),
            import: Config::default(),
            policy: Policy::default(),
            max_event_len: MAX_EVENT_LEN,
            clock: crate::wire::unix_time,
        })
        .unwrap();
        let coinbase = chosen.dev_principal().unwrap();
        (Mining::new(chain.clone(), Network::Dev, Some(coinbase)), chain, writer)
    }

    fn height(chain: &Chain<BlocktreeRuntime>) -> u64 {
        chain.published().tip().height.0
    }

    fn wait_for(chain: &Chain<BlocktreeRuntime>, wanted: u64) {
        let deadline = Instant::now() + PATIENCE;
        while height(chain) < wanted {
            assert!(Instant::now() < deadline, "no block {wanted} in {PATIENCE:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn held_work_is_neither_given_nor_kept() {
        let (mining, chain, writer) = dev_chain();
        let coinbase = mining.coinbase().unwrap();
        let work = Work::new(chain, coinbase, mining.faults.clone(), mining.hold.clone());
        mining.hold(true);
        assert!(work.job().is_none());
        mining.hold(false);
        let given = work.generation();
        assert!(work.job().is_some(), "the first block of a dev chain is due at once");
        assert_eq!(work.generation(), given);
        mining.hold(true);
        assert_ne!(work.generation(), given, "so that threads give it up");
        assert!(work.job().is_none());
        let held = work.generation();
        mining.hold(true);
        assert_eq!(work.generation(), held, "nothing changed");
        drop((mining, work));
        writer.stop().unwrap();
    }

    #[test]
    fn mining_waits_while_it_is_held() {
        let (mining, chain, writer) = dev_chain();
        mining.hold(true);
        mining.set(1, None).unwrap();
        std::thread::sleep(Duration::from_millis(300));
        assert_eq!(height(&chain), 0);
        assert!(mining.miner().is_some(), "it is on all the same");
        mining.hold(false);
        wait_for(&chain, 2);
        mining.hold(true);
        // What was just found may still come.
        std::thread::sleep(Duration::from_millis(300));
        let reached = height(&chain);
        std::thread::sleep(Duration::from_millis(1_500));
        assert_eq!(height(&chain), reached);
        mining.hold(false);
        wait_for(&chain, reached + 1);
        mining.stop();
        drop((mining, chain));
        writer.stop().unwrap();
    }

    #[test]
    fn the_pace_is_kept_on_average_and_no_two_miners_keep_step() {
        let gap = Duration::from_secs(1);
        assert_eq!(around(gap, 0), Duration::from_millis(900));
        assert_eq!(around(gap, 199_999), Duration::from_micros(1_099_999));
        assert_eq!(around(gap, 200_000), Duration::from_millis(900));
        assert_eq!(around(Duration::ZERO, 7), Duration::ZERO);
    }
}
