//! Where the server listens, whom it answers, and its limits.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// Configuration of a server.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Where to listen; port 0 takes any free one.
    pub addr: SocketAddr,
    /// Allows an address that other machines can reach.
    pub unsafe_external: bool,
    /// Values of the header `Host` that are answered beside the loopback names with the port:
    /// `node.example.org` or `node.example.org:8080`, exactly as a client sends them.
    pub allowed_hosts: Vec<String>,
    /// Values of the header `Origin` that are answered beside the server's own:
    /// `https://example.org`. A page of such an origin can do all that a local user can, admin
    /// methods excepted.
    pub allowed_origins: Vec<String>,
    /// The limits.
    pub limits: Limits,
}

/// What a client may take. Everything beyond is refused; nothing waits without a bound.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at once.
    pub connections: usize,
    /// Bytes of a request. The largest event in hex must fit: 2 × 1,500,000.
    pub request_len: u32,
    /// Bytes of requests that all connections may hold together, over HTTP until they are answered, on
    /// WebSockets until they have come whole; not counting the first 64 KiB of each.
    pub bodies_len: u32,
    /// Bytes of an answer. The largest block must fit, in hex and decoded.
    pub response_len: u32,
    /// Calls in a batch.
    pub batch: u32,
    /// Subscriptions on a connection.
    pub subscriptions: u32,
    /// Messages that wait on a connection for the client to read.
    pub buffered_messages: u32,
    /// Calls under way on a connection before no more are read.
    pub calls_under_way: usize,
    /// Point lookups a second on a connection; other methods count as several.
    pub calls_per_second: u32,
    /// How long a request's headers may take, and how long a connection may rest between requests.
    pub header_time: Duration,
    /// How long a request over HTTP may take from its headers to its answer.
    pub request_time: Duration,
    /// How long a client may leave unread what the node writes.
    pub unread_time: Duration,
    /// Pause between the pings of a WebSocket; after two without an answer it is closed.
    pub ping: Duration,
    /// How long calls under way may go on when the server stops.
    pub stop_time: Duration,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            addr: SocketAddr::from((Ipv4Addr::LOCALHOST, 9944)),
            unsafe_external: false,
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            limits: Limits::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 128,
            request_len: 4 << 20,
            bodies_len: 64 << 20,
            response_len: 16 << 20,
            batch: 100,
            subscriptions: 32,
            buffered_messages: 16,
            calls_under_way: 256,
            calls_per_second: 100_000,
            header_time: Duration::from_secs(30),
            request_time: Duration::from_secs(60),
            unread_time: Duration::from_secs(10),
            ping: Duration::from_secs(20),
            stop_time: Duration::from_secs(3),
        }
    }
}
