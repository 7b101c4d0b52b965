//! Where work comes from and where solutions go: the only thing that this crate knows of a node.

use blocktree_primitives::{Commitment, Header, Principal};
use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// A block without its proof of work, whose reward goes to one principal.
#[derive(Clone)]
pub struct Template {
    /// The header: required bits, a valid time; nonce and commitment of no importance.
    pub header: Header,
    /// What the header is to commit to; its extra nonce is the miner's.
    pub commitment: Commitment,
    /// What the hash must not exceed, 32 bytes little-endian.
    pub target: [u8; 32],
    /// The earliest `header.time` that is valid.
    pub min_time: u32,
    /// The fees of its events, in base units: of two templates on one tip the better one has more.
    pub fees: u64,
    /// Whatever the source wants back with a solution, for example the block's body.
    pub body: Arc<dyn Any + Send + Sync>,
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Template")
            .field("header", &self.header)
            .field("commitment", &self.commitment)
            .field("min_time", &self.min_time)
            .field("fees", &self.fees)
            .finish_non_exhaustive()
    }
}

/// A template with its proof of work: only version, time, nonce and extra nonce may differ from
/// what was given out.
#[derive(Clone, Debug)]
pub struct Solution {
    /// What was solved.
    pub template: Arc<Template>,
    /// The header as hashed.
    pub header: Header,
    /// What it commits to, with the extra nonce that was used.
    pub commitment: Commitment,
}

/// What became of a solution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The block is the new tip.
    NewTip,
    /// Another block was faster.
    Stale,
    /// The block was refused, and why.
    Refused(String),
}

/// There is no work for now: the node is starting, syncing or stopping. It is asked again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no template for now: {0}")]
pub struct Unavailable(pub String);

/// The node, as far as miners are concerned. [`Templates::template`] and [`Templates::submit`] may
/// block and are called from threads that may; the others are cheap and called often.
pub trait Templates: Send + Sync + 'static {
    /// A template on the present tip whose reward goes to `principal`.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn template(&self, principal: &Principal) -> Result<Template, Unavailable>;

    /// Changes with every new tip, and whenever else the work given out is worth nothing.
    fn generation(&self) -> u64;

    /// Changes when a new template might pay better than one of before.
    fn pool_generation(&self) -> u64;

    /// Takes a solution and says what became of it. The generation has changed before this returns
    /// [`Outcome::NewTip`].
    fn submit(&self, solution: Solution) -> Outcome;
}
