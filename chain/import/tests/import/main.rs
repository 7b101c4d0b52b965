//! The importer from outside, on ledgers in memory: blocks of the dev chain in every order, with
//! every flaw, and a crash after every write.
//!
//! Random tests run the seeds 0 to some dozens. `BLOCKTREE_SEEDS=5000 cargo test --release -p
//! blocktree-import` runs as many as it says, `BLOCKTREE_FIRST_SEED` the first of them.
// All of it is tests, which clippy only sees in `#[test]` functions.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../support/mod.rs"]
mod support;

mod archive;
mod chain;
mod crash;
mod judging;
mod model;
mod random;
mod reorganising;
mod verify;
