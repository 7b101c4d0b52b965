//! The work of all connections: one template per principal however many connections it has, made
//! anew when the tip moves, when the pool has something better, and before it is old.

use crate::{Outcome, Solution, Template, Templates};
use blocktree_primitives::Principal;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, watch};

/// How often the source is asked whether the tip moved: an atomic load.
const POLL: Duration = Duration::from_millis(10);
/// The pause after there was no template.
const PAUSE: Duration = Duration::from_secs(1);

/// When templates are made anew while the tip stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Renewal {
    /// The least time between two templates of one principal, when the pool changed.
    pub(crate) better: Duration,
    /// The time after which there is a new one whatever the pool does.
    pub(crate) always: Duration,
}

/// What a connection sees of its principal's work.
pub(crate) type Work = Option<Arc<Template>>;

pub(crate) struct Desk {
    templates: Arc<dyn Templates>,
    renewal: Renewal,
    entries: Mutex<Entries>,
    /// A principal came, or a block.
    came: Notify,
    /// Solutions are taken one by one.
    submitting: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Entries {
    by_principal: HashMap<Principal, Entry>,
    /// Counts joins and templates, so that everybody gets a turn.
    turn: u64,
}

struct Entry {
    work: watch::Sender<Work>,
    users: usize,
    turn: u64,
    made: Option<Made>,
    /// No template before.
    pause_until: Option<Instant>,
}

#[derive(Clone, Copy)]
struct Made {
    generation: u64,
    pool: u64,
    at: Instant,
    fees: u64,
    /// When it was last given out.
    published: Instant,
}

/// A connection's share in its principal's work; it ends when this is dropped.
pub(crate) struct Seat {
    desk: Arc<Desk>,
    principal: Principal,
    pub(crate) work: watch::Receiver<Work>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut entries = self.desk.entries();
        if let Some(entry) = entries.by_principal.get_mut(&self.principal) {
            entry.users = entry.users.saturating_sub(1);
            if entry.users == 0 {
                entries.by_principal.remove(&self.principal);
            }
        }
    }
}

impl Desk {
    pub(crate) fn new(templates: Arc<dyn Templates>, renewal: Renewal) -> Arc<Self> {
        Arc::new(Self {
            templates,
            renewal,
            entries: Mutex::default(),
            came: Notify::new(),
            submitting: tokio::sync::Mutex::default(),
        })
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Work for `principal` from now on.
    pub(crate) fn sit(self: &Arc<Self>, principal: Principal) -> Seat {
        let mut entries = self.entries();
        entries.turn = entries.turn.wrapping_add(1);
        let turn = entries.turn;
        let entry = entries.by_principal.entry(principal).or_insert_with(|| Entry {
            work: watch::Sender::new(None),
            users: 0,
            turn,
            made: None,
            pause_until: None,
        });
        entry.users = entry.users.saturating_add(1);
        let mut work = entry.work.subscribe();
        // What is there already is news to this connection.
        work.mark_changed();
        drop(entries);
        self.came.notify_one();
        Seat { desk: Arc::clone(self), principal, work }
    }

    /// Makes templates until the task is ended. One at a time: miners never take more than one
    /// core of a node, however many they are.
    pub(crate) async fn run(self: Arc<Self>) {
        loop {
            if self.entries().by_principal.is_empty() {
                self.came.notified().await;
            }
            match self.due(Instant::now()) {
                Some(principal) => self.make(principal).await,
                None => {
                    // Either is a reason to look again.
                    let _ = tokio::time::timeout(POLL, self.came.notified()).await;
                }
            }
        }
    }

    /// Whose template is to be made next: those whose work is worth nothing come first, and among
    /// them whoever waits longest.
    fn due(&self, now: Instant) -> Option<Principal> {
        let (generation, pool) = (self.templates.generation(), self.templates.pool_generation());
        let entries = self.entries();
        let ready = entries
            .by_principal
            .iter()
            .filter(|(_, entry)| entry.pause_until.is_none_or(|until| until <= now));
        let due = ready.filter_map(|(principal, entry)| {
            let Some(made) = entry.made.filter(|made| made.generation == generation) else {
                return Some((0, entry.turn, *principal));
            };
            let age = now.saturating_duration_since(made.at);
            let is_better = pool != made.pool && age >= self.renewal.better;
            (is_better || age >= self.renewal.always).then_some((1, entry.turn, *principal))
        });
        due.min().map(|(_, _, principal)| principal)
    }

    async fn make(&self, principal: Principal) {
        // Read before the template is made: what changes meanwhile makes another one due.
        let (generation, pool) = (self.templates.generation(), self.templates.pool_generation());
        let templates = Arc::clone(&self.templates);
        let result = tokio::task::spawn_blocking(move || templates.template(&principal)).await;
        let now = Instant::now();
        let mut entries = self.entries();
        entries.turn = entries.turn.wrapping_add(1);
        let turn = entries.turn;
        let Some(entry) = entries.by_principal.get_mut(&principal) else { return };
        entry.turn = turn;
        let template = match result {
            Ok(Ok(template)) => template,
            Ok(Err(error)) => {
                tracing::debug!(%error, "no work for miners");
                entry.pause_until = now.checked_add(PAUSE);
                return;
            }
            Err(error) => {
                tracing::error!(%error, "a template could not be made");
                entry.pause_until = now.checked_add(PAUSE);
                return;
            }
        };
        entry.pause_until = None;
        let last = entry.made.filter(|last| last.generation == generation);
        let is_worth_it = last.is_none_or(|last| {
            template.fees > last.fees
                || now.saturating_duration_since(last.published) >= self.renewal.always
        });
        let (fees, published) = match last {
            Some(last) if !is_worth_it => (last.fees, last.published),
            _ => (template.fees, now),
        };
        entry.made = Some(Made { generation, pool, at: now, fees, published });
        if is_worth_it {
            entry.work.send_replace(Some(Arc::new(template)));
        }
    }

    /// Submits a block, unless the tip has moved since its template was made: then it could only
    /// fork the chain.
    pub(crate) async fn submit(&self, miner: Principal, solution: Solution) -> Outcome {
        let _one_by_one = self.submitting.lock().await;
        if !self.is_fresh(&miner, &solution) {
            return Outcome::Stale;
        }
        let templates = Arc::clone(&self.templates);
        match tokio::task::spawn_blocking(move || templates.submit(solution)).await {
            Ok(outcome) => {
                // The tip moved: templates are due without waiting for the next look.
                self.came.notify_one();
                outcome
            }
            Err(error) => {
                tracing::error!(%error, "a solved block could not be submitted");
                Outcome::Refused("the node failed on it".to_owned())
            }
        }
    }

    /// Whether a solution's parent is still the tip, as far as the last template for its miner
    /// tells: that template is of the present generation and of the same parent.
    fn is_fresh(&self, miner: &Principal, solution: &Solution) -> bool {
        let generation = self.templates.generation();
        let entries = self.entries();
        let Some(entry) = entries.by_principal.get(miner) else { return false };
        let is_present = entry.made.is_some_and(|made| made.generation == generation);
        let parent = solution.header.parent;
        let is_same = entry.work.borrow().as_ref().is_some_and(|now| now.header.parent == parent);
        is_present && is_same
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Unavailable;
    use blocktree_primitives::{
        BlockHash, Commitment, CommitmentHash, EventRoot, Header, Height, HistoryRoot, StateRoot,
    };
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

    #[derive(Default)]
    struct Fake {
        tip: AtomicU64,
        pool: AtomicU64,
        fees: AtomicU64,
        made: AtomicU64,
        is_empty: AtomicBool,
    }

    impl Templates for Fake {
        fn template(&self, principal: &Principal) -> Result<Template, Unavailable> {
            if self.is_empty.load(Ordering::SeqCst) {
                return Err(Unavailable("starting".to_owned()));
            }
            self.made.fetch_add(1, Ordering::SeqCst);
            let tip = self.tip.load(Ordering::SeqCst);
            let header = Header {
                version: 1,
                parent: BlockHash([u8::try_from(tip).unwrap(); 32]),
                commitment: CommitmentHash::ZERO,
                time: 1,
                bits: 1,
                nonce: 0,
            };
            let commitment = Commitment {
                height: Height(tip),
                miner: *principal,
                event_root: EventRoot::ZERO,
                state_root: StateRoot::ZERO,
                history_root: HistoryRoot::ZERO,
                extra_nonce: [0; 8],
            };
            let fees = self.fees.load(Ordering::SeqCst);
            let (target, body) = ([0xff; 32], Arc::new(()));
            Ok(Template { header, commitment, target, min_time: 1, fees, body })
        }
        fn generation(&self) -> u64 {
            self.tip.load(Ordering::SeqCst)
        }
        fn pool_generation(&self) -> u64 {
            self.pool.load(Ordering::SeqCst)
        }
        fn submit(&self, _: Solution) -> Outcome {
            self.tip.fetch_add(1, Ordering::SeqCst);
            Outcome::NewTip
        }
    }

    const RENEWAL: Renewal =
        Renewal { better: Duration::from_secs(5), always: Duration::from_secs(30) };
    const ALICE: Principal = Principal([1; 32]);
    const BOB: Principal = Principal([2; 32]);

    fn desk() -> (Arc<Fake>, Arc<Desk>) {
        let fake = Arc::new(Fake::default());
        (Arc::clone(&fake), Desk::new(fake, RENEWAL))
    }

    fn run<T>(future: impl Future<Output = T>) -> T {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_time().build().unwrap().block_on(future)
    }

    #[test]
    fn one_template_serves_all_connections_of_a_principal() {
        run(async {
            let (fake, desk) = desk();
            let seats = [desk.sit(ALICE), desk.sit(ALICE)];
            let now = Instant::now();
            assert_eq!(desk.due(now), Some(ALICE));
            desk.make(ALICE).await;
            assert_eq!(desk.due(Instant::now()), None);
            for seat in &seats {
                assert_eq!(seat.work.borrow().as_ref().unwrap().commitment.miner, ALICE);
            }
            assert_eq!(fake.made.load(Ordering::SeqCst), 1);
            let late = desk.sit(ALICE);
            assert!(late.work.has_changed().unwrap(), "what is there is news to it");
            drop((seats, late));
            assert!(desk.entries().by_principal.is_empty());
        });
    }

    #[test]
    fn a_new_tip_is_due_at_once_and_everybody_gets_a_turn() {
        run(async {
            let (fake, desk) = desk();
            let _seats = [desk.sit(BOB), desk.sit(ALICE)];
            let mut order = Vec::new();
            for _ in 0..2 {
                while let Some(principal) = desk.due(Instant::now()) {
                    desk.make(principal).await;
                    order.push(principal);
                }
                fake.tip.fetch_add(1, Ordering::SeqCst);
            }
            assert_eq!(order, [BOB, ALICE, BOB, ALICE]);
        });
    }

    #[test]
    fn better_fees_wait_some_seconds_and_worse_ones_are_not_given_out() {
        run(async {
            let (fake, desk) = desk();
            let mut seat = desk.sit(ALICE);
            desk.make(ALICE).await;
            seat.work.mark_unchanged();
            fake.pool.fetch_add(1, Ordering::SeqCst);
            let now = Instant::now();
            assert_eq!(desk.due(now + Duration::from_secs(4)), None);
            assert_eq!(desk.due(now + Duration::from_secs(5)), Some(ALICE));
            desk.make(ALICE).await;
            assert!(!seat.work.has_changed().unwrap(), "the fees are the same");
            assert_eq!(desk.due(now), None, "the pool was looked at");
            fake.fees.store(7, Ordering::SeqCst);
            desk.make(ALICE).await;
            assert!(seat.work.has_changed().unwrap());
            assert_eq!(seat.work.borrow_and_update().as_ref().unwrap().fees, 7);
            assert_eq!(desk.due(Instant::now() + Duration::from_secs(30)), Some(ALICE));
        });
    }

    #[test]
    fn without_a_template_the_source_is_asked_again_later() {
        run(async {
            let (fake, desk) = desk();
            let seat = desk.sit(ALICE);
            fake.is_empty.store(true, Ordering::SeqCst);
            desk.make(ALICE).await;
            assert!(seat.work.borrow().is_none());
            assert_eq!(desk.due(Instant::now()), None);
            assert_eq!(desk.due(Instant::now() + PAUSE), Some(ALICE));
        });
    }

    #[test]
    fn only_the_first_block_on_a_tip_is_submitted() {
        run(async {
            let (fake, desk) = desk();
            let seat = desk.sit(ALICE);
            desk.make(ALICE).await;
            let template = seat.work.borrow().clone().unwrap();
            let Template { header, commitment, .. } = *template;
            let solution = Solution { template, header, commitment };
            assert_eq!(desk.submit(ALICE, solution.clone()).await, Outcome::NewTip);
            assert_eq!(desk.submit(ALICE, solution.clone()).await, Outcome::Stale);
            desk.make(ALICE).await;
            assert_eq!(desk.submit(ALICE, solution).await, Outcome::Stale, "another parent");
            assert_eq!(fake.tip.load(Ordering::SeqCst), 1);
        });
    }
}
