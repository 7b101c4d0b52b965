//! The search threads.

use crate::{Job, Solved, WorkSource};
use blocktree_hashing::HeaderSearch;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Nonces tried between two looks at the clock, the generation and the stop flag: some 10 to 30
/// milliseconds of one core, so that a stop or a new tip is seen at once.
const SLICE: u32 = 1 << 18;
/// How long a thread sleeps when it has nothing to do.
const IDLE: Duration = Duration::from_millis(5);

/// Running search threads; they stop when this is dropped.
pub struct Miner {
    threads: Vec<JoinHandle<()>>,
    shared: Arc<Shared>,
}

struct Shared {
    source: Arc<dyn WorkSource>,
    stop: AtomicBool,
    hashes: AtomicU64,
}

/// The operating system gave no thread.
#[derive(Debug, thiserror::Error)]
#[error("a mining thread can't be started: {0}")]
pub struct StartError(#[from] std::io::Error);

impl Miner {
    /// Starts `threads` search threads on work from `source`.
    ///
    /// # Errors
    /// When the operating system gives no thread; those started before are stopped.
    pub fn start(source: Arc<dyn WorkSource>, threads: usize) -> Result<Self, StartError> {
        let shared =
            Arc::new(Shared { source, stop: AtomicBool::new(false), hashes: AtomicU64::new(0) });
        let mut miner = Self { threads: Vec::with_capacity(threads), shared };
        for index in 0..threads {
            let shared = Arc::clone(&miner.shared);
            let stride = u32::try_from(threads).unwrap_or(u32::MAX);
            let index = u32::try_from(index).unwrap_or(u32::MAX);
            let thread = std::thread::Builder::new()
                .name(format!("miner-{index}"))
                .spawn(move || shared.run(index, stride))?;
            miner.threads.push(thread);
        }
        Ok(miner)
    }

    /// Hashes tried since the start, for a hash rate.
    #[must_use]
    pub fn hashes(&self) -> u64 {
        self.shared.hashes.load(Ordering::Relaxed)
    }

    /// How many threads search.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.threads.len()
    }

    /// Stops the threads and waits for them, some 30 milliseconds at most.
    pub fn stop(mut self) {
        self.halt();
    }

    fn halt(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a mining thread had died");
            }
        }
    }
}

impl Drop for Miner {
    fn drop(&mut self) {
        self.halt();
    }
}

impl Shared {
    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Whether a job taken at `generation` is still worth work.
    fn current(&self, generation: u64) -> bool {
        !self.stopped() && self.source.generation() == generation
    }

    fn run(&self, index: u32, stride: u32) {
        while !self.stopped() {
            let generation = self.source.generation();
            match self.source.job() {
                Some(job) => self.search(job, generation, index, stride),
                None => std::thread::sleep(IDLE),
            }
        }
    }

    /// Searches until the job is solved, out of date, or mining stops. Threads keep apart by the
    /// last four bytes of the extra nonce: `index`, `index + stride`, …
    fn search(&self, mut job: Job, generation: u64, index: u32, stride: u32) {
        while let Some(due) = job.not_before
            && Instant::now() < due
        {
            if !self.current(generation) {
                return;
            }
            std::thread::sleep(IDLE.min(due.saturating_duration_since(Instant::now())));
        }
        let mut roll = index;
        while self.current(generation) {
            job.commitment.extra_nonce[4..].copy_from_slice(&roll.to_be_bytes());
            job.header.commitment = job.commitment.hash();
            let Some(next) = roll.checked_add(stride) else {
                return;
            };
            roll = next;
            if let Some(header) = self.search_nonces(&job, generation) {
                let solved = Solved { job: job.id, header, commitment: job.commitment };
                self.source.submit(solved);
                // The next job follows from the new generation; wait for it rather than solve
                // this one twice.
                while self.current(generation) {
                    std::thread::sleep(IDLE);
                }
                return;
            }
        }
    }

    /// Tries all nonces of one extra nonce, the clock brought up to date slice by slice.
    fn search_nonces(&self, job: &Job, generation: u64) -> Option<blocktree_primitives::Header> {
        let mut header = job.header;
        for slice in 0..=u32::MAX / SLICE {
            if !self.current(generation) {
                return None;
            }
            header.time = self.source.now().max(job.min_time);
            let first = slice.saturating_mul(SLICE);
            let range = first..=first.saturating_add(SLICE - 1);
            let found = HeaderSearch::new(&header.to_bytes()).search(range, &job.target);
            let tried = found.map_or(SLICE, |nonce| (nonce - first).saturating_add(1));
            self.hashes.fetch_add(u64::from(tried), Ordering::Relaxed);
            if let Some(nonce) = found {
                header.nonce = nonce;
                return Some(header);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use blocktree_primitives::{
        BlockHash, Commitment, CommitmentHash, EventRoot, Header, Height, HistoryRoot, Principal,
        StateRoot,
    };
    use std::sync::Mutex;
    use std::sync::mpsc::{Receiver, Sender, channel};

    /// Hands out one job until told otherwise.
    struct OneJob {
        generation: AtomicU64,
        target: [u8; 32],
        not_before: Option<Instant>,
        solved: Mutex<Sender<Solved>>,
    }

    fn source(target: [u8; 32], not_before: Option<Instant>) -> (Arc<OneJob>, Receiver<Solved>) {
        let (sender, receiver) = channel();
        let (generation, solved) = (AtomicU64::new(1), Mutex::new(sender));
        (Arc::new(OneJob { generation, target, not_before, solved }), receiver)
    }

    impl WorkSource for OneJob {
        fn generation(&self) -> u64 {
            self.generation.load(Ordering::Relaxed)
        }
        fn job(&self) -> Option<Job> {
            let header = Header {
                version: 1,
                parent: BlockHash([1; 32]),
                commitment: CommitmentHash::ZERO,
                time: 0,
                bits: 0,
                nonce: 0,
            };
            let commitment = Commitment {
                height: Height(1),
                miner: Principal([2; 32]),
                event_root: EventRoot([3; 32]),
                state_root: StateRoot([4; 32]),
                history_root: HistoryRoot([5; 32]),
                extra_nonce: [6; 8],
            };
            let id = self.generation();
            let not_before = self.not_before;
            Some(Job { id, header, commitment, target: self.target, min_time: 700, not_before })
        }
        fn submit(&self, solved: Solved) {
            self.solved.lock().unwrap().send(solved).unwrap();
        }
        fn now(&self) -> u32 {
            600
        }
    }

    /// A target that about one hash in 2^16 meets.
    fn easy() -> [u8; 32] {
        let mut target = [0xff; 32];
        target[30..].fill(0);
        target
    }

    #[test]
    fn solves_a_job_within_the_rules_of_the_job() {
        let (source, solved) = source(easy(), None);
        let miner = Miner::start(source.clone(), 2).unwrap();
        let solved = solved.recv_timeout(Duration::from_secs(60)).unwrap();
        miner.stop();
        let hash = solved.header.hash();
        assert_eq!(hash.0[30..], [0, 0], "the two most significant bytes");
        assert_eq!(solved.header.commitment, solved.commitment.hash());
        assert_eq!(solved.header.time, 700, "the clock says 600, the job at least 700");
        assert_eq!(solved.commitment.extra_nonce[..4], [6; 4], "only the last half is rolled");
        assert_eq!((solved.job, solved.commitment.miner), (1, Principal([2; 32])));
    }

    #[test]
    fn stops_at_once_on_an_impossible_job() {
        let (source, _solved) = source([0; 32], None);
        let miner = Miner::start(source, 1).unwrap();
        while miner.hashes() == 0 {
            std::thread::sleep(IDLE);
        }
        miner.stop();
    }

    #[test]
    fn keeps_the_pace_of_a_development_chain() {
        let due = Instant::now() + Duration::from_millis(50);
        let (source, solved) = source([0xff; 32], Some(due));
        let miner = Miner::start(source, 1).unwrap();
        solved.recv_timeout(Duration::from_secs(60)).unwrap();
        assert!(Instant::now() >= due);
        miner.stop();
    }
}
