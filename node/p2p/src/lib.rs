//! The network over libp2p: the only crate that names it. It carries out what the network of a node
//! ([`blocktree_network`]) wants of its peers, and tells what they do (docs/protocol.md §12).
//!
//! What lives here: the node's key, connections and their limits, the streams of requests and answers
//! with their bounds and times, and how nodes find each other. What does not: what messages mean, who
//! is a good peer, and whom to keep.
//!
//! Whatever comes from a peer is bounded before it is read or decoded, and what breaks a bound becomes
//! an [`Offence`](blocktree_network::Offence) by name. Peers that are no nodes (their key is not
//! secp256k1) may identify and ping; the network never hears of them.

pub mod address;
mod behaviour;
pub mod config;
mod crowd;
mod discovery;
mod exchange;
mod gate;
pub mod handle;
pub mod key;
mod reach;
mod swarm;
mod transport;

pub use address::{AddressError, parse_multiaddr, peer_id_text};
pub use config::{Config, StartError, Times};
pub use handle::{Command, Event, Handle, Stopped};
pub use key::{KeyError, NodeKey, principal_of};
pub use swarm::start;
