//! How the driver talks with a running swarm.

use blocktree_network::{
    Action, Address, AnswerToken, Input, NodeId, Request, RequestId, Response,
};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;

/// Commands that wait for the swarm at most; then [`Handle::send`] waits.
pub const COMMANDS: usize = 256;
/// Events that wait for the driver at most; then the swarm stops reading from its connections, so
/// peers feel it, and nothing is lost. Commands are still taken, so the two can't wait for each other.
pub const EVENTS: usize = 256;

/// What the swarm is to do.
#[derive(Clone, Debug)]
pub enum Command {
    /// Open a connection; told: [`Input::Connected`] or [`Input::DialFailed`], nothing if the node is
    /// connected already.
    Dial {
        /// Who must answer there.
        node: NodeId,
        /// Where.
        address: Address,
    },
    /// Close all connections with a node; told: [`Input::Disconnected`], nothing if there are none.
    Disconnect {
        /// Who.
        node: NodeId,
    },
    /// Send a request; told: [`Input::Answered`], exactly once.
    Ask {
        /// Whom.
        node: NodeId,
        /// For the answer; never used twice.
        id: RequestId,
        /// What.
        request: Request,
    },
    /// Send an answer. Without effect when the peer is gone or waited too long.
    Answer {
        /// To whom.
        token: AnswerToken,
        /// What.
        response: Response,
    },
    /// Ask this node when searching for others.
    Know {
        /// Who.
        node: NodeId,
        /// Where.
        addresses: Vec<Address>,
    },
    /// Close all connections and end.
    Stop,
}

impl Command {
    /// What of an action is the swarm's to do.
    ///
    /// # Errors
    /// The action itself, when it is none of the swarm's.
    pub fn try_from_action<C>(action: Action<C>) -> Result<Self, Box<Action<C>>> {
        Ok(match action {
            Action::Dial { node, address } => Self::Dial { node, address },
            Action::Disconnect { node, .. } => Self::Disconnect { node },
            Action::Ask { node, id, request } => Self::Ask { node, id, request },
            Action::Answer { token, response } => Self::Answer { token, response },
            other => return Err(Box::new(other)),
        })
    }
}

/// What the swarm tells, in its order.
#[allow(clippy::large_enum_variant)] // nearly all are inputs
#[derive(Clone, Debug)]
pub enum Event {
    /// For the network.
    Input(Input),
    /// This node listens here now: a multiaddr with `/p2p/…`, ready for another's `--bootnode`.
    Listening(String),
    /// It no longer does.
    NotListening(String),
    /// Others reach this node here: another one tried.
    Reachable(String),
}

/// The swarm has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the network has stopped")]
pub struct Stopped;

/// Where this node listens now; shared with the swarm.
pub(crate) type Listening = Arc<Mutex<Vec<String>>>;

/// The driver's end of a running swarm. The swarm ends with its last handle, or when the events' end is
/// dropped.
#[derive(Clone, Debug)]
pub struct Handle {
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) peer_id: Arc<str>,
    pub(crate) listening: Listening,
}

impl Handle {
    /// Hands over a command, waiting while [`COMMANDS`] wait already.
    ///
    /// # Errors
    /// When the swarm has ended.
    pub async fn send(&self, command: Command) -> Result<(), Stopped> {
        self.commands.send(command).await.map_err(|_| Stopped)
    }

    /// Hands over a command from a thread that is not tokio's, waiting as [`Handle::send`] does.
    ///
    /// # Errors
    /// When the swarm has ended.
    ///
    /// # Panics
    /// In an asynchronous task.
    pub fn blocking_send(&self, command: Command) -> Result<(), Stopped> {
        self.commands.blocking_send(command).map_err(|_| Stopped)
    }

    /// Ends the swarm: peers are told, and the call returns when all is closed.
    pub async fn stop(&self) {
        // An error says that it has ended already.
        let _ = self.commands.send(Command::Stop).await;
        self.commands.closed().await;
    }

    /// This node's PeerId: `16Uiu2HA…`.
    #[must_use]
    pub fn local_peer_id(&self) -> &str {
        &self.peer_id
    }

    /// Where this node listens: multiaddrs with `/p2p/…`.
    #[must_use]
    pub fn listen_addresses(&self) -> Vec<String> {
        self.listening.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
