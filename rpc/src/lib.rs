//! JSON-RPC 2.0 on HTTP and WebSocket: the methods, their types, the OpenRPC document made from
//! them, the server with its limits, and a small client (docs/rpc.md).
//!
//! What lives here translates between JSON and the ledger's types, and guards the door. No rule
//! of the ledger is decided here, and nothing is kept here but what a connection needs.

pub mod api;
mod caller;
pub mod client;
pub mod error;
pub mod openrpc;
pub mod params;
pub mod refusal;
pub mod registry;
pub mod server;
pub mod subscriber;
pub mod token;
pub mod types;

pub use api::{Api, NodeControl, Peering};
pub use client::{Client, ClientError};
pub use error::{RpcError, Rule};
pub use registry::{CallLimits, Registry};
pub use server::{Server, ServerConfig, ServerError};
pub use token::AdminToken;
