//! What a node says to other nodes, and what it makes of what they say: peers, relay of events and
//! blocks, sync, and the scores of those who misbehave (docs/protocol.md §12).
//!
//! Pure: [`Network::on`] takes an [`Input`] and the time and returns [`Action`]s. There is no socket,
//! clock, entropy, thread or `HashMap` iteration here, so the node (over libp2p) and a simulator (over
//! a seeded scheduler) drive the very same code. What it must know of the chain and of the pool it
//! reads through [`Local`].
//!
//! Every buffer here is bounded, and says at its bound what happens when it is full.

pub mod action;
pub mod address;
mod budget;
pub mod input;
pub mod local;
pub mod machine;
pub mod measures;
pub mod message;
pub mod offence;
mod out;
pub mod peers;
mod random;
mod relay;
mod serve;
mod sync;
#[cfg(test)]
mod testing;
pub mod time;
pub mod view;

pub use action::{Action, Reason};
pub use address::{Address, Group, NodeId};
pub use input::{AnswerToken, Direction, Failure, Input, Judgement, RequestId, Source};
pub use local::{Known, Local};
pub use machine::{Config, Network};
pub use measures::{Measure, Measures};
pub use message::{Hello, Request, Response};
pub use offence::Offence;
pub use peers::{KnownPeers, PeerView, PeersConfig};
pub use sync::SyncState;
pub use time::{Now, Tick};
pub use view::NodeView;
