//! Real nodes for tests: the binary is started, spoken to over JSON-RPC and killed like any
//! other program. Nothing here shares code with the node.

pub mod halves;
pub mod node;
pub mod process;
pub mod rpc;
pub mod subscription;

pub use halves::{Half, Halves};
pub use node::{Node, NodeBuilder, blocktree, run};
pub use rpc::{Rpc, RpcFailure};
pub use subscription::Subscription;
