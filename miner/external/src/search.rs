//! The search threads.

use crate::work::{Board, Found, Job};
use blocktree_hashing::HeaderSearch;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Nonces between two looks at the board: some ten milliseconds of one core.
const SLICE: u32 = 1 << 18;
/// How long a searcher without work sleeps before it sees a stop.
const IDLE: Duration = Duration::from_millis(50);
/// Shares that wait for the network; more are thrown away, for the node would have to anyway.
const WAITING: usize = 1_024;

/// Running search threads; they stop when this is dropped.
pub(crate) struct Searchers {
    threads: Vec<JoinHandle<()>>,
    is_stopped: Arc<AtomicBool>,
}

impl Searchers {
    /// Starts the threads; what they find comes out of the channel.
    pub(crate) fn start(
        board: &Arc<Board>,
        threads: usize,
    ) -> std::io::Result<(Self, Receiver<Found>)> {
        let (sender, found) = channel(WAITING);
        let is_stopped = Arc::new(AtomicBool::new(false));
        let mut searchers = Self { threads: Vec::new(), is_stopped };
        for index in 0..threads {
            let searcher = Searcher {
                board: Arc::clone(board),
                found: sender.clone(),
                is_stopped: Arc::clone(&searchers.is_stopped),
            };
            let thread = std::thread::Builder::new().name(format!("search-{index}"));
            searchers.threads.push(thread.spawn(move || searcher.run())?);
        }
        Ok((searchers, found))
    }

    /// Stops the threads and waits for them, a few dozen milliseconds.
    pub(crate) fn stop(mut self) {
        self.halt();
    }

    fn halt(&mut self) {
        self.is_stopped.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // One that died has said so on stderr.
            let _ = thread.join();
        }
    }
}

impl Drop for Searchers {
    fn drop(&mut self) {
        self.halt();
    }
}

struct Searcher {
    board: Arc<Board>,
    found: Sender<Found>,
    is_stopped: Arc<AtomicBool>,
}

impl Searcher {
    fn run(&self) {
        while !self.is_stopped.load(Ordering::Relaxed) {
            let version = self.board.version();
            if let Some((job, session)) = self.board.job(IDLE) {
                self.search(&job, session, version);
            }
        }
    }

    /// Whether the board has still what it had.
    fn is_present(&self, version: u64) -> bool {
        !self.is_stopped.load(Ordering::Relaxed) && self.board.version() == version
    }

    /// All nonces of one extranonce, unless something else comes up.
    fn search(&self, job: &Arc<Job>, session: u64, version: u64) {
        let number = self.board.extranonce2.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        // The last bytes of the number, with zeros before them if there is room for more.
        let mut extranonce2 = vec![0; job.extranonce2];
        for (place, byte) in extranonce2.iter_mut().rev().zip(number.into_iter().rev()) {
            *place = byte;
        }
        let root = job.root(&extranonce2);
        for slice in 0..=u32::MAX / SLICE {
            if !self.is_present(version) {
                return;
            }
            let time = job.time_now();
            let search = HeaderSearch::new(&job.header(&root, time));
            let (first, last) = (slice * SLICE, slice * SLICE + (SLICE - 1));
            let mut from = first;
            while let Some(nonce) = search.search(from..=last, &job.target) {
                let (job, extranonce2) = (Arc::clone(job), extranonce2.clone());
                // Full: the node is slower than we are.
                let _ = self.found.try_send(Found { session, job, extranonce2, time, nonce });
                if nonce == last || !self.is_present(version) {
                    break;
                }
                from = nonce + 1;
            }
            self.board.hashes.fetch_add(SLICE.into(), Ordering::Relaxed);
        }
    }
}
