//! What can come of a block: accepted, refused for a named violation, not yet, or a fault of
//! ours (docs/protocol.md §3.7).

use crate::runtime::Weight;
use crate::target::TargetError;
use blocktree_primitives::key::SignatureError;
use blocktree_primitives::{
    BlockHash, CommitmentHash, DecodeError, EventRoot, Height, HistoryRoot, StateRoot,
};
use blocktree_state::Fault;

/// Declares the violations and, from the same list, their names.
macro_rules! violations {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty),* $(,)? },)*) => {
        /// The rule that a block breaks; one variant per rule. Never the outcome of something
        /// that time or another block can cure: that is [`NotYet`].
        #[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
        pub enum Violation {
            $($(#[$doc])* $name { $($(#[$field_doc])* $field: $type),* },)*
        }

        impl Violation {
            /// The names of all violations.
            pub const NAMES: &[&str] = &[$(stringify!($name)),*];

            /// The violation's name, for logs and metrics.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self {
                    $(Self::$name { .. } => stringify!($name)),*
                }
            }
        }
    };
}

violations! {
    /// The bytes are no block.
    #[error("not a block: {error}")]
    Malformed {
        /// What is wrong with them.
        error: DecodeError,
    },
    /// The header's bits are no target.
    #[error("bits {bits:#010x}: {error}")]
    BadTarget {
        /// The header's.
        bits: u32,
        /// What is wrong with them.
        error: TargetError,
    },
    /// The header's target is easier than any block of this chain may have.
    #[error("bits {bits:#010x} are easier than the limit {limit:#010x}")]
    TargetAboveLimit {
        /// The header's.
        bits: u32,
        /// The chain's limit.
        limit: u32,
    },
    /// The header's hash does not meet its target.
    #[error("block {hash} does not meet the target of bits {bits:#010x}")]
    InsufficientWork {
        /// The header's hash.
        hash: BlockHash,
        /// The header's bits.
        bits: u32,
    },
    /// The header's target is not the one that its branch requires.
    #[error("bits {found:#010x} instead of {expected:#010x}")]
    WrongBits {
        /// What the blocks before require.
        expected: u32,
        /// The header's.
        found: u32,
    },
    /// The header's time is not above the median of the 11 headers before.
    #[error("time {time} is not after the median time past {median}")]
    TimeNotAfterMedian {
        /// The median.
        median: u32,
        /// The header's.
        time: u32,
    },
    /// The commitment sent along is not the one that the header stands for.
    #[error("the header commits to {expected}, not {found}")]
    WrongCommitment {
        /// The header's field.
        expected: CommitmentHash,
        /// The hash of what was sent.
        found: CommitmentHash,
    },
    /// The height is not one more than the parent's.
    #[error("height {found} instead of {expected}")]
    WrongHeight {
        /// One more than the parent's.
        expected: Height,
        /// The commitment's.
        found: Height,
    },
    /// The history is not that of the block's ancestors.
    #[error("history root {found} instead of {expected}")]
    WrongHistoryRoot {
        /// Of all headers before.
        expected: HistoryRoot,
        /// The commitment's.
        found: HistoryRoot,
    },
    /// The events are not those that the block commits to.
    #[error("the block commits to events {expected}, not {found}")]
    WrongEventRoot {
        /// The commitment's.
        expected: EventRoot,
        /// Of the events sent.
        found: EventRoot,
    },
    /// The events together weigh too much.
    #[error("with event {index} the events weigh {weight}, too much")]
    TooHeavy {
        /// The first event that does not fit.
        index: usize,
        /// The weight up to and with it.
        weight: Weight,
    },
    /// The events that answer no challenge weigh too much together.
    #[error("with event {index} those that answer no challenge weigh {weight}, too much")]
    NormalTooHeavy {
        /// The first event that does not fit.
        index: usize,
        /// The weight of such events up to and with it.
        weight: Weight,
    },
    /// An event breaks a rule that needs no state.
    #[error("event {index} is malformed: {reason}")]
    EventMalformed {
        /// Its place in the block.
        index: usize,
        /// The runtime's refusal.
        reason: String,
    },
    /// An event is not signed by its signer.
    #[error("event {index}: {error}")]
    EventSignature {
        /// Its place in the block.
        index: usize,
        /// What is wrong.
        error: SignatureError,
    },
    /// A signature within an event's call fails.
    #[error("event {index}, signature {signature} of its call: {error}")]
    CallSignature {
        /// Its place in the block.
        index: usize,
        /// Which of the call's signatures, from 0.
        signature: usize,
        /// What is wrong.
        error: SignatureError,
    },
    /// An event can't be applied to the state that the block finds.
    #[error("event {index} is refused: {reason}")]
    EventRefused {
        /// Its place in the block.
        index: usize,
        /// The runtime's refusal.
        reason: String,
    },
    /// The state after the block is not the one that it commits to.
    #[error("state root {found} instead of {expected}")]
    WrongStateRoot {
        /// The commitment's.
        expected: StateRoot,
        /// Of the state after the fold.
        found: StateRoot,
    },
}

/// Who is to blame for a violation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// Only whoever sent it: the block with this hash may be a good one that was spoilt on the
    /// way, or its header cost nothing, so that remembering it would cost us more.
    Sender,
    /// The block as well: its proof of work covers exactly what was judged, so a block with
    /// this hash never becomes valid.
    Block,
}

impl Violation {
    /// Whether the block's hash may be remembered as invalid, or only its sender is to blame.
    #[must_use]
    pub const fn blame(&self) -> Blame {
        match self {
            // Before the proof of work at the target that the branch requires.
            Self::Malformed { .. }
            | Self::BadTarget { .. }
            | Self::TargetAboveLimit { .. }
            | Self::InsufficientWork { .. }
            | Self::WrongBits { .. }
            // The header says nothing of what was sent along.
            | Self::WrongCommitment { .. }
            | Self::WrongEventRoot { .. } => Blame::Sender,
            // In the header itself, or in the commitment that it covers.
            Self::TimeNotAfterMedian { .. }
            | Self::WrongHeight { .. }
            | Self::WrongHistoryRoot { .. }
            // Behind the event root, so of the very events that the block commits to.
            | Self::TooHeavy { .. }
            | Self::NormalTooHeavy { .. }
            | Self::EventMalformed { .. }
            | Self::EventSignature { .. }
            | Self::CallSignature { .. }
            | Self::EventRefused { .. }
            | Self::WrongStateRoot { .. } => Blame::Block,
        }
    }
}

/// What a block lacks to be judged; nobody is to blame, and it is never remembered as invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotYet {
    /// The block before is not known.
    #[error("the parent {parent} is not known")]
    Orphan {
        /// The block before.
        parent: BlockHash,
    },
    /// The header's time is too far ahead of the local clock.
    #[error("the block's time is too far ahead until {until}")]
    Future {
        /// When it no longer is, seconds since 1970 by the local clock.
        until: u32,
    },
}

/// Why a block was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAccepted {
    /// It breaks a rule.
    #[error(transparent)]
    Refused(#[from] Violation),
    /// It can't be judged yet.
    #[error(transparent)]
    NotYet(#[from] NotYet),
    /// Our disk or our code failed; says nothing about the block.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// A block's, or what is left of it to check: accepted, refused, or not yet; apart from them a
/// fault.
pub type Verdict<T> = Result<T, NotAccepted>;
