//! Blocks from peers on their way to the importer: while one is folded, the events of the next are
//! checked.

use super::Inbox;
use blocktree_consensus::Candidate;
use blocktree_import::Worth;
use blocktree_network::Input;
use blocktree_runtime::{BlocktreeRuntime, Call};
use blocktree_service::{Chain, CheckedAhead};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

/// Checked blocks that wait for the importer.
const AHEAD: usize = 2;

type Job = (Box<Candidate<Call>>, Worth);

/// The way to the importer. What is in it is bounded by the network, which waits for verdicts.
pub(crate) struct Importing {
    jobs: mpsc::Sender<Job>,
    /// Events of blocks that were imported.
    events: Arc<AtomicU64>,
}

impl Importing {
    /// Starts the two threads; they end when this is dropped or the chain stops.
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub(crate) fn start(chain: &Chain<BlocktreeRuntime>, inbox: Inbox) -> std::io::Result<Self> {
        let (jobs, queue) = mpsc::channel::<Job>();
        let (checked, next) = mpsc::sync_channel::<(Job, CheckedAhead<Call>)>(AHEAD);
        let checker = chain.clone();
        thread::Builder::new().name("check-ahead".into()).spawn(move || {
            for job in queue {
                let events = match job.1 {
                    // A relayed block: the pool knows most of its events.
                    Worth::Own => Vec::new(),
                    Worth::Shown(_) | Worth::Chosen => checker.check_ahead(&job.0),
                };
                if checked.send((job, events)).is_err() {
                    return;
                }
            }
        })?;
        let chain = chain.clone();
        let events = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&events);
        thread::Builder::new().name("import".into()).spawn(move || {
            for ((block, worth), checked) in next {
                let hash = block.header.hash();
                let count = u64::try_from(block.body.events().len()).unwrap_or(u64::MAX);
                let Ok(outcome) = chain.import_ahead(*block, worth, checked) else { return };
                counted.fetch_add(count, Ordering::Relaxed);
                if inbox.send(Input::Imported { hash, outcome }).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { jobs, events })
    }

    /// Events of the blocks that were imported so far.
    pub(crate) fn events(&self) -> u64 {
        self.events.load(Ordering::Relaxed)
    }

    /// Hands a block on.
    pub(crate) fn import(&self, block: Box<Candidate<Call>>, worth: Worth) {
        if self.jobs.send((block, worth)).is_err() {
            tracing::debug!("a block came while the node stops");
        }
    }
}
