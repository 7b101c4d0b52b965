//! Why an event is not taken in.

use crate::FeeRate;
use blocktree_consensus::Weight;
use blocktree_primitives::{Amount, BlockHash, EventId, Height};

/// Why the pool does not take an event in. Nothing has changed then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PoolRefusal {
    /// The account was read at another tip than the pool's: read it again and ask again. Nobody
    /// is to blame.
    #[error("the account was read at block {read_at}, the tip is {tip}")]
    TipMoved {
        /// The block after which the account was as given.
        read_at: BlockHash,
        /// The pool's tip.
        tip: BlockHash,
    },
    /// The event waits already.
    #[error("the event is waiting already")]
    AlreadyKnown,
    /// No block has room for it.
    #[error("the event weighs {weight}, at most {max} fits into a block")]
    TooHeavy {
        /// The event's weight.
        weight: Weight,
        /// What a block holds.
        max: Weight,
    },
    /// Less than the relay floor.
    #[error("the fee is {given}, at least {needed} base units are needed")]
    FeeTooLow {
        /// The event's fee.
        given: Amount,
        /// The floor for its weight.
        needed: Amount,
    },
    /// The last block that may hold the event has passed.
    #[error("the event was valid until height {valid_until}, the next block is {next}")]
    Expired {
        /// The event's last height.
        valid_until: Height,
        /// The height of the next block.
        next: Height,
    },
    /// The event would expire before it has a fair chance.
    #[error("the event is valid until height {valid_until}, at least {needed} is needed")]
    ExpiresTooSoon {
        /// The event's last height.
        valid_until: Height,
        /// The lowest last height that is taken in now.
        needed: Height,
    },
    /// An event with this nonce is on the ledger.
    #[error("nonce {given} was used already, the next is {next}")]
    NonceUsed {
        /// The event's nonce.
        given: u64,
        /// The account's next nonce.
        next: u64,
    },
    /// The nonce is further ahead than events may wait for those before them.
    #[error("nonce {given} is too far ahead, the next is {next} and {window} may wait")]
    NonceTooFar {
        /// The event's nonce.
        given: u64,
        /// The account's next nonce.
        next: u64,
        /// How many nonces from there on are taken in.
        window: u64,
    },
    /// As many events of this signer wait as may.
    #[error("{waiting} events of this signer are waiting, at most {max} may")]
    TooManyFromSigner {
        /// How many wait.
        waiting: usize,
        /// How many may.
        max: u64,
    },
    /// An event with this nonce waits and this one does not pay enough more.
    #[error("the fee is {given}, at least {needed} base units are needed to replace {replaces}")]
    ReplacementFeeTooLow {
        /// The event that waits.
        replaces: EventId,
        /// The new event's fee.
        given: Amount,
        /// What its fee must be.
        needed: Amount,
    },
    /// The signer can't pay the fees of all its waiting events.
    #[error("the free balance is {free}, the fees of all waiting events are {needed} base units")]
    Overdraft {
        /// What the signer has.
        free: Amount,
        /// What the fees of its waiting events and this one come to.
        needed: Amount,
    },
    /// The pool is full, and this event would be the first to be dropped: because its rate, or
    /// that of an event of its signer before it, is not above the lowest, or because an event
    /// before it is missing.
    #[error(
        "the pool is full: the rate is {given}, more than {lowest} base units per weight needed"
    )]
    PoolFull {
        /// The lowest rate of the event and its signer's events before it.
        given: FeeRate,
        /// The lowest rate in the pool.
        lowest: FeeRate,
    },
}
