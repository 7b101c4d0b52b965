//! What the writer thread is asked for.

use crate::submit::{SubmitError, Submitted};
use blocktree_consensus::{Candidate, CheckedEvent};
use blocktree_import::{Imported, Worth};
use blocktree_primitives::{BlockHash, EventId};
use std::sync::Arc;
use tokio::sync::oneshot;

/// Of each event of a block, the same event as it was checked ahead; empty if none was.
pub type CheckedAhead<C> = Vec<Option<Arc<CheckedEvent<C>>>>;

/// A command with the way back for its answer. A dropped sender means that the writer stopped.
pub(crate) enum Command<C> {
    /// Judge a block.
    Import {
        block: Box<Candidate<C>>,
        worth: Worth,
        now: u32,
        checked: CheckedAhead<C>,
        reply: oneshot::Sender<Imported>,
    },
    /// Take an event into the pool; answered once it is on disk.
    Submit { event: Arc<CheckedEvent<C>>, reply: oneshot::Sender<Result<Submitted, SubmitError>> },
    /// A template on `tip` could not hold these.
    Refused { tip: BlockHash, events: Vec<(EventId, String)> },
    /// Take blocks back.
    Revert { count: u64, reply: oneshot::Sender<u64> },
    /// Write what is in memory and end.
    Stop,
}
