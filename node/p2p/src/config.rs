//! What a swarm is started with, and why it may not start.

pub use crate::exchange::limits::Times;
use blocktree_primitives::BlockHash;

/// Connections with one peer at most. A second one comes up when both dial at once, or when a direct
/// one takes the place of one through a relay.
pub const MAX_CONNECTIONS_PER_PEER: u32 = 2;
/// Connections whose handshake is not done, at most, each way.
pub const MAX_PENDING: u32 = 128;

/// How a node takes part in the network.
#[derive(Clone, Debug)]
pub struct Config {
    /// The chain: peers of another one don't even share a protocol name.
    pub genesis: BlockHash,
    /// Multiaddrs to listen on, such as `/ip4/0.0.0.0/tcp/9000` and `/ip4/0.0.0.0/udp/9000/quic-v1`.
    pub listen: Vec<String>,
    /// Multiaddrs at which others reach this node, as far as whoever runs it knows.
    pub external: Vec<String>,
    /// What the node calls itself, such as `blocktree/0.1.0`. Peers see it.
    pub agent: String,
    /// Connections that others opened, at most. Further ones are closed at once.
    pub max_inbound: u32,
    /// Connections that this node opened, at most: the peers it wants, and some for discovery.
    pub max_outbound: u32,
    /// Bytes of memory of this process above which no connection is taken or opened.
    pub max_memory: usize,
    /// How long things may take.
    pub times: Times,
}

impl Config {
    /// A node that listens nowhere, with room for 100 inbound and 32 outbound connections.
    #[must_use]
    pub fn new(genesis: BlockHash) -> Self {
        Self {
            genesis,
            listen: Vec::new(),
            external: Vec::new(),
            agent: concat!("blocktree/", env!("CARGO_PKG_VERSION")).to_owned(),
            max_inbound: 100,
            max_outbound: 32,
            max_memory: usize::MAX,
            times: Times::default(),
        }
    }

    /// The first eight hex digits of the genesis hash as it is shown, which protocol names carry.
    pub(crate) fn chain(&self) -> String {
        self.genesis.to_string().chars().take(8).collect()
    }
}

/// Why the network does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A configured address is none.
    #[error("{0} is not a multiaddr: {1}")]
    BadAddress(String, String),
    /// It can't be listened on.
    #[error("can't listen on {address}: {why}")]
    Listen {
        /// Where.
        address: String,
        /// What the operating system says.
        why: String,
    },
    /// The handshake can't be set up.
    #[error("the encryption of connections: {0}")]
    Crypto(String),
    /// The DNS resolver can't be set up.
    #[error("the DNS resolver: {0}")]
    Names(std::io::Error),
}
