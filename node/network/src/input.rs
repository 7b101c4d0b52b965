//! What happens to the network of a node.

use crate::address::{Address, NodeId};
use crate::message::{Request, Response};
use crate::offence::Offence;
use blocktree_consensus::ChainInfo;
use blocktree_import::Imported;
use blocktree_primitives::{BlockHash, EventId};

/// Tells our requests apart; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// The driver's handle to the one who waits for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AnswerToken(pub u64);

/// Who opened a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The peer.
    Inbound,
    /// We.
    Outbound,
}

/// How an address came to be known; the order is that of trust.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// A peer or the discovery of peers told it.
    Gossip,
    /// A binding on the ledger.
    Ledger,
    /// The file of peers that were good before.
    File,
    /// Whoever runs the node gave it to begin with (`--bootnode`).
    Boot,
    /// Whoever runs the node wants it connected always.
    Reserved,
}

/// Why a request got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The connection ended, or could not be had.
    Gone,
    /// None came in the driver's time, far above what the network itself waits for.
    Timeout,
    /// The peer does not speak this chain's protocol.
    Unsupported,
}

/// What became of an event that [`Action::Judge`](crate::Action::Judge) handed out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It waits in the pool now, and may be told to others.
    Accepted,
    /// It breaks a rule that needs no state; whoever sent it checked nothing.
    Invalid(String),
    /// The pool does not take it now: its nonce, its fee, its balance, no room, known already. Nobody
    /// is to blame.
    Refused(String),
    /// The node is too busy, or stopping.
    Dropped,
}

/// What happens.
#[derive(Clone, Debug)]
pub enum Input {
    /// Time passes; at least ten times a second.
    Tick,
    /// A connection with a peer is open whose key is proven. A second connection with the same peer
    /// is not told.
    Connected {
        /// Who.
        node: NodeId,
        /// Where it was reached, or where it came from.
        address: Address,
        /// Who began.
        direction: Direction,
    },
    /// The last connection with a peer is gone.
    Disconnected {
        /// Who.
        node: NodeId,
    },
    /// A dial that was asked for failed.
    DialFailed {
        /// Who was sought.
        node: NodeId,
        /// Where.
        address: Address,
    },
    /// A peer asks or tells.
    Asked {
        /// Who.
        node: NodeId,
        /// For the answer; each is to be answered once, or the peer disconnected.
        token: AnswerToken,
        /// What.
        request: Request,
    },
    /// A peer answers.
    Answered {
        /// Who.
        node: NodeId,
        /// Which request of ours.
        id: RequestId,
        /// What.
        answer: Result<Response, Failure>,
    },
    /// A peer broke the protocol below these messages.
    Broke {
        /// Who.
        node: NodeId,
        /// How.
        offence: Offence,
    },
    /// A block that was handed out was judged.
    Imported {
        /// The block.
        hash: BlockHash,
        /// What became of it.
        outcome: Imported,
    },
    /// The tip moved, for whatever reason.
    Tip {
        /// The new tip.
        tip: ChainInfo,
        /// How many blocks left the best chain on the way.
        reverted: u64,
    },
    /// An event that was handed out was judged.
    Judged {
        /// The event.
        id: EventId,
        /// Who sent it.
        from: NodeId,
        /// What became of it.
        judgement: Judgement,
    },
    /// An event that came from elsewhere (JSON-RPC) waits in the pool now.
    Submitted {
        /// The event.
        id: EventId,
    },
    /// Where a node may be reached.
    Discovered {
        /// Who.
        node: NodeId,
        /// Where; more than are kept are ignored.
        addresses: Vec<Address>,
        /// From whom.
        source: Source,
    },
    /// Whoever runs the node no longer wants this peer.
    Dismiss {
        /// Who.
        node: NodeId,
    },
}
