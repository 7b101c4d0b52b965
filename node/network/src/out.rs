//! What one input leads to, collected by the parts of the network and carried out by
//! [`Network`](crate::Network).

use crate::action::{Note, Reason};
use crate::address::NodeId;
use crate::input::AnswerToken;
use crate::message::{Request, Response};
use crate::offence::Offence;
use blocktree_consensus::Candidate;
use blocktree_import::Worth;
use blocktree_primitives::{BlockHash, EventId};

/// What a request was for; comes back with its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The greeting.
    Greet,
    /// Telling something; the answer says only that it was heard.
    Tell,
    /// Headers for the search of the best branch.
    Headers,
    /// Headers of the best branch that were seen and not kept.
    HeadersAgain,
    /// Bodies of a branch that is being fetched.
    Bodies(Vec<BlockHash>),
    /// Events that a relayed block lacks, by their places.
    Missing(BlockHash, Vec<u16>),
    /// A relayed block as a whole.
    Whole(BlockHash),
    /// Events for the pool.
    Events(Vec<EventId>),
}

/// The collected effects.
#[derive(Debug)]
pub(crate) struct Out<C> {
    pub(crate) asks: Vec<(NodeId, Purpose, Request)>,
    pub(crate) answers: Vec<(AnswerToken, Response)>,
    pub(crate) offences: Vec<(NodeId, Offence)>,
    /// Peers that must go for no fault of theirs.
    pub(crate) leave: Vec<(NodeId, Reason)>,
    pub(crate) imports: Vec<(Box<Candidate<C>>, Worth)>,
    pub(crate) judge: Vec<(EventId, Vec<u8>, NodeId)>,
    pub(crate) notes: Vec<Note>,
}

impl<C> Default for Out<C> {
    fn default() -> Self {
        Self {
            asks: Vec::new(),
            answers: Vec::new(),
            offences: Vec::new(),
            leave: Vec::new(),
            imports: Vec::new(),
            judge: Vec::new(),
            notes: Vec::new(),
        }
    }
}

impl<C> Out<C> {
    /// Asks a peer; its answer, or that there is none, comes back with `purpose`.
    pub(crate) fn ask(&mut self, node: NodeId, purpose: Purpose, request: Request) {
        self.asks.push((node, purpose, request));
    }

    /// Notes that a peer misbehaved.
    pub(crate) fn offence(&mut self, node: NodeId, offence: Offence) {
        self.offences.push((node, offence));
    }
}
