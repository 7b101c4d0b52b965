//! The thread that owns the state machine.

use super::importing::Importing;
use super::judging::Judging;
use super::peering::Seen;
use super::{peers_file, report};
use crate::mining::Mining;
use blocktree_consensus::Work;
use blocktree_network::{Action, Input, Network, NodeView, Now, Tick};
use blocktree_p2p::{Command, Event, Handle, peer_id_text};
use blocktree_runtime::{BlocktreeRuntime, Call};
use blocktree_service::Chain;
use blocktree_state::{Fault, Ledger};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};

/// How often the machine is told that time passes.
const TICK: Duration = Duration::from_millis(100);
/// How often known peers are written to their file.
const SAVE: Duration = Duration::from_secs(120);
/// A node that was given peers mines nothing before it met one, but no longer than this: it may be the
/// first of them to start.
const MEETING: Duration = Duration::from_secs(15);
/// Blocks that are missing from which on mining waits for them.
const BEHIND: u64 = 3;

/// A sync that imports nothing for so long no longer holds mining back: headers without bodies cost a liar
/// little.
const STALLED: Duration = Duration::from_secs(10);

/// Everything that the machine is driven with.
pub(crate) struct Driver {
    pub(crate) machine: Network<Call>,
    pub(crate) chain: Chain<BlocktreeRuntime>,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) minimum_work: Work,
    pub(crate) mining: Arc<Mining>,
    pub(crate) handle: Handle,
    pub(crate) importing: Importing,
    pub(crate) judging: Judging,
    pub(crate) seen: Arc<Seen>,
    pub(crate) data_dir: PathBuf,
    /// Whether peers were given that are worth a moment's wait.
    pub(crate) waits_for_peers: bool,
}

/// The running network; [`NetworkThread::stop`] ends it in order.
pub(crate) struct NetworkThread {
    handle: Handle,
    fault: watch::Receiver<Option<Fault>>,
    thread: JoinHandle<()>,
}

impl NetworkThread {
    /// Tells when the network can't go on for a fault; then the node must stop.
    pub(crate) fn fault(&self) -> watch::Receiver<Option<Fault>> {
        self.fault.clone()
    }

    /// Says goodbye to all peers and ends.
    pub(crate) fn stop(self, runtime: &tokio::runtime::Runtime) {
        runtime.block_on(self.handle.stop());
        if self.thread.join().is_err() {
            tracing::error!("the network's thread died");
        }
    }
}

/// What changes as the driver runs.
struct Course {
    started: Instant,
    saved: Instant,
    has_met: bool,
    /// Whether peers were written since: a node that is killed soon knows them, too.
    is_saved: bool,
    has_warned: bool,
    /// How far a sync was when it last moved, and when that was.
    reached: (u64, u64),
    moved: Instant,
    progress: report::Progress,
}

impl Driver {
    /// Starts the thread.
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub(crate) fn spawn(
        self,
        events: mpsc::Receiver<Event>,
        inbox: mpsc::UnboundedReceiver<Input>,
        runtime: &tokio::runtime::Handle,
    ) -> std::io::Result<NetworkThread> {
        let (alarm, fault) = watch::channel(None);
        let (handle, runtime) = (self.handle.clone(), runtime.clone());
        let thread = std::thread::Builder::new().name("network".into()).spawn(move || {
            if let Err(fault) = runtime.block_on(self.run(events, inbox)) {
                tracing::error!(%fault, "the network can't go on");
                alarm.send_replace(Some(fault));
            }
        })?;
        Ok(NetworkThread { handle, fault, thread })
    }

    /// Until the swarm ends. The thread has nothing else to do, so reads of the disk in between may
    /// block it.
    async fn run(
        mut self,
        mut events: mpsc::Receiver<Event>,
        mut inbox: mpsc::UnboundedReceiver<Input>,
    ) -> Result<(), Fault> {
        let now = Instant::now();
        let progress = report::Progress::default();
        let (has_met, is_saved, has_warned) = (false, false, false);
        let mut course = Course {
            started: now,
            saved: now,
            has_met,
            is_saved,
            has_warned,
            reached: (0, 0),
            moved: now,
            progress,
        };
        let known = peers_file::read(&self.data_dir);
        self.waits_for_peers |= !known.peers.is_empty();
        self.mining.hold(self.waits_for_peers);
        self.machine.restore(time(&course, &self.chain), known);
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let input = tokio::select! {
                event = events.recv() => match event {
                    Some(Event::Input(input)) => input,
                    Some(other) => { tell(&other); continue }
                    None => break,
                },
                Some(input) = inbox.recv() => input,
                _ = tick.tick() => Input::Tick,
            };
            self.step(input, &mut course).await?;
        }
        peers_file::write(&self.data_dir, &self.machine.known_peers(time(&course, &self.chain)));
        Ok(())
    }

    async fn step(&mut self, input: Input, course: &mut Course) -> Result<(), Fault> {
        let is_tick = matches!(input, Input::Tick);
        let shows =
            is_tick || matches!(input, Input::Connected { .. } | Input::Disconnected { .. });
        if let Input::Connected { node, address, direction } = &input {
            let peer = peer_id_text(node);
            tracing::info!(peer, address = address.text, ?direction, "peer connected");
        } else if let Input::Disconnected { node } = &input {
            tracing::info!(peer = peer_id_text(node), "peer disconnected");
        }
        let now = time(course, &self.chain);
        let best = self.chain.published();
        let actions = {
            let view = view(&self.chain, &*self.ledger, &best, self.minimum_work);
            let actions = self.machine.on(now, input, &view)?;
            let sync = self.machine.sync_state(now, &view);
            let mut seen = self.seen.view();
            (seen.at, seen.sync) = (now.tick, Some(sync));
            if shows {
                seen.peers = self.machine.peers(now);
            }
            drop(seen);
            if is_tick {
                let height = best.tip().height.0;
                course.progress.tell(&sync, height, self.importing.events());
                let waits = self.waits_for_peers && course.started.elapsed() < MEETING;
                if !course.has_met && self.machine.greeted() > 0 {
                    course.has_met = true;
                }
                if self.waits_for_peers && !waits && !course.has_met && !course.has_warned {
                    course.has_warned = true;
                    tracing::warn!(
                        "none of the peers that were given or known was reached: this node is alone"
                    );
                }
                if (sync.imported, sync.target) != course.reached {
                    course.reached = (sync.imported, sync.target);
                    course.moved = Instant::now();
                }
                let catches_up = sync.left >= BEHIND && course.moved.elapsed() < STALLED;
                self.mining.hold(catches_up || waits && (!course.has_met || sync.syncing));
            }
            actions
        };
        for action in actions {
            self.act(action).await;
        }
        if is_tick && (course.saved.elapsed() >= SAVE || course.has_met && !course.is_saved) {
            (course.saved, course.is_saved) = (Instant::now(), true);
            peers_file::write(&self.data_dir, &self.machine.known_peers(now));
        }
        Ok(())
    }

    async fn act(&self, action: Action<Call>) {
        if let Action::Disconnect { node, reason } = &action {
            report::let_go(&peer_id_text(node), reason);
        }
        match Command::try_from_action(action) {
            // An error says that the swarm has ended; then so does this.
            Ok(command) => drop(self.handle.send(command).await),
            Err(action) => match *action {
                Action::Import { block, worth } => self.importing.import(block, worth),
                Action::Judge { id, event, from } => self.judging.judge(id, event, from),
                Action::Note(note) => report::note(&note),
                // The swarm's, and taken by it.
                Action::Dial { .. }
                | Action::Disconnect { .. }
                | Action::Ask { .. }
                | Action::Answer { .. } => {}
            },
        }
    }
}

/// The chain and the pool, for the machine to read.
fn view<'a>(
    chain: &'a Chain<BlocktreeRuntime>,
    ledger: &'a dyn Ledger,
    best: &'a blocktree_import::Published,
    minimum_work: Work,
) -> NodeView<'a, Call> {
    NodeView {
        params: chain.params(),
        genesis: chain.genesis(),
        minimum_work,
        ledger,
        best,
        pool: chain.pool_lock(),
    }
}

fn time(course: &Course, chain: &Chain<BlocktreeRuntime>) -> Now {
    let millis = course.started.elapsed().as_millis();
    Now { tick: Tick(u64::try_from(millis).unwrap_or(u64::MAX)), unix: chain.now() }
}

fn tell(event: &Event) {
    match event {
        Event::Listening(address) => tracing::info!(address, "listening for peers"),
        Event::NotListening(address) => tracing::info!(address, "no longer listening for peers"),
        Event::Reachable(address) => tracing::info!(address, "peers can reach this node"),
        Event::Input(_) => {}
    }
}
