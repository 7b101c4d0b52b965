//! The methods, by namespace. Each file has the parameters of its methods, the methods, and their
//! registration; the shapes of answers are in [`crate::types`].

mod admin;
mod chain;
mod context;
mod dry_run;
mod event;
mod global;
mod mempool;
mod mining;
mod storage;
mod system;
mod updates;

pub use context::{Api, Direction, MinerState, NodeControl, PeerState, Peering, SyncProgress};

use crate::openrpc::Described;
use crate::registry::{CallLimits, Def, Registry};
use crate::token::AdminToken;
use jsonrpsee::server::Methods;
use serde_json::Value;
use std::sync::Arc;

/// What the OpenRPC document begins with.
const DESCRIPTION: &str = "\
A node of a blocktree chain. Hashes are lower-case hex without prefix, block hashes most significant byte first; principals \
bech32m; amounts strings of decimal base units, 10^8 to one blockcoin; heights numbers; bytes hex; fields named …Scale \
hold SCALE. Parameters are given by name or by position.";

/// All methods of a node, and the OpenRPC document that describes them.
#[must_use]
pub fn methods(api: Api, admin: AdminToken, limits: CallLimits) -> (Methods, Value) {
    let version = api.node().version().to_owned();
    let mut registry = Registry::new(Arc::new(api), admin, limits);
    system::register(&mut registry);
    chain::register(&mut registry);
    updates::register(&mut registry);
    event::register(&mut registry);
    mempool::register(&mut registry);
    global::register(&mut registry);
    storage::register(&mut registry);
    mining::register(&mut registry);
    admin::register(&mut registry);
    let title = "blocktree";
    registry.finish(&Described { title, version: &version, description: DESCRIPTION })
}

/// A definition whose calls cost as much as `cost` point lookups.
const fn def(name: &'static str, summary: &'static str, cost: u32) -> Def {
    Def { name, summary, cost }
}
