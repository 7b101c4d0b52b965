//! What the network of a node wants done.

use crate::address::{Address, NodeId};
use crate::input::{AnswerToken, RequestId};
use crate::message::{Request, Response};
use crate::offence::Offence;
use blocktree_consensus::Candidate;
use blocktree_import::Worth;
use blocktree_primitives::EventId;

/// What is to be done, in this order. `C`: the call of the chain's events.
#[derive(Clone, Debug)]
pub enum Action<C> {
    /// Open a connection; tell [`Input::Connected`](crate::Input::Connected) or
    /// [`Input::DialFailed`](crate::Input::DialFailed).
    Dial {
        /// Who must answer there.
        node: NodeId,
        /// Where.
        address: Address,
    },
    /// Close all connections with a peer, then tell [`Input::Disconnected`](crate::Input::Disconnected).
    Disconnect {
        /// Who.
        node: NodeId,
        /// Why, for the log.
        reason: Reason,
    },
    /// Send a request; tell [`Input::Answered`](crate::Input::Answered) exactly once.
    Ask {
        /// Whom.
        node: NodeId,
        /// For the answer.
        id: RequestId,
        /// What.
        request: Request,
    },
    /// Send an answer.
    Answer {
        /// To whom.
        token: AnswerToken,
        /// What.
        response: Response,
    },
    /// Give a block to the importer, in the order of these actions; tell
    /// [`Input::Imported`](crate::Input::Imported) exactly once. Its proof of work and its event root
    /// are right.
    Import {
        /// The block.
        block: Box<Candidate<C>>,
        /// What is known of its branch beyond itself.
        worth: Worth,
    },
    /// Check an event and give it to the pool; tell [`Input::Judged`](crate::Input::Judged) exactly once.
    Judge {
        /// Its id, which is right for these bytes.
        id: EventId,
        /// Its encoding.
        event: Vec<u8>,
        /// Who sent it.
        from: NodeId,
    },
    /// A line for the operator.
    Note(Note),
}

/// What an operator should read of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// A peer was banned.
    Banned {
        /// Who.
        node: NodeId,
        /// For what.
        offence: Offence,
    },
    /// Blocks of a better branch are being fetched.
    SyncStarted {
        /// Height of the first.
        from: u64,
        /// Height of the last that is known.
        to: u64,
    },
    /// The best branch that peers showed is the tip now.
    SyncDone {
        /// Height of the tip.
        height: u64,
    },
    /// A branch that looked better turned out not to be.
    SyncAbandoned {
        /// Why.
        why: String,
    },
}

/// Why a peer is let go.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// It misbehaved, and is banned for a while.
    #[error("banned: {0}")]
    Banned(Offence),
    /// It misbehaved; it is not banned, because whoever runs this node wants it connected.
    #[error("reserved, but misbehaved: {0}")]
    Misbehaved(Offence),
    /// It is banned from earlier, or must rest because it did not answer.
    #[error("refused for a while, for what it did before")]
    StillBanned,
    /// It is on another chain.
    #[error("another chain: its genesis differs")]
    OtherChain,
    /// It did not say hello in time.
    #[error("no hello in time")]
    NoHello,
    /// It does not speak the protocol.
    #[error("it does not speak this chain's protocol")]
    Unsupported,
    /// There are enough peers, or enough of its group.
    #[error("no room for more peers")]
    NoRoom,
    /// It does not answer.
    #[error("it does not answer")]
    Unresponsive,
    /// It is this node itself.
    #[error("a connection with ourselves")]
    Ourselves,
    /// Whoever runs this node asked for it.
    #[error("dismissed by whoever runs this node")]
    Dismissed,
}
