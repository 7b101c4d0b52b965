//! How peers misbehave, and how much that counts.

use blocktree_consensus::Violation;

/// What a peer did that no honest node does, whatever the state of the network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Offence {
    /// Bytes that are no message.
    #[error("a message that can't be read: {0}")]
    Malformed(String),
    /// More bytes than a message may have; nothing was read beyond the bound.
    #[error("a message of more than {0} bytes")]
    TooLong(usize),
    /// A message that did not end in time.
    #[error("a message that does not end")]
    TooSlow,
    /// Requests faster than they may come.
    #[error("too many requests")]
    TooMany,
    /// An answer of another kind than the question's, or with things that were not asked for.
    #[error("an answer to something that was not asked: {0}")]
    Unsolicited(&'static str),
    /// A message before the greeting, or a greeting that is none.
    #[error("a bad greeting: {0}")]
    BadHello(&'static str),
    /// Headers that do not follow each other.
    #[error("headers that do not join")]
    Disjoint,
    /// Headers other than those the same peer showed before.
    #[error("other headers than it showed before")]
    ChangedHeaders,
    /// A header or block that breaks a rule.
    #[error("{0}")]
    Block(Violation),
    /// A block on top of one that is known to be invalid.
    #[error("a block on top of an invalid one")]
    OnInvalid,
    /// An event that breaks a rule which needs no state.
    #[error("an invalid event: {0}")]
    Event(String),
    /// No answer, again and again.
    #[error("no answers")]
    Silent,
}
