//! Real nodes for tests: the binary is started, spoken to over JSON-RPC and killed like any
//! other program. Nothing here shares code with the node.

pub mod node;
pub mod rpc;

pub use node::{Node, NodeBuilder, blocktree, run};
pub use rpc::{Rpc, RpcFailure};
