//! The service on ledgers in memory: events through the pool, blocks on demand and from
//! elsewhere, restarts, and a crash after every write.
//!
//! Random tests run the seeds 0 to some dozens. `BLOCKTREE_SEEDS=5000 cargo test --release -p
//! blocktree-service` runs as many as it says, `BLOCKTREE_FIRST_SEED` the first of them.
// All of it is tests, which clippy only sees in `#[test]` functions.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../../../import/tests/support/mod.rs"]
mod support;

mod crash;
mod faults;
mod filling;
mod flow;
mod node;
mod submitting;
mod templates;
