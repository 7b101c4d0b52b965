//! Many nodes in virtual time: the very network, importer and pool that the node runs, over links that
//! lose, delay, reorder and part, with crashes, wrong clocks, slow disks and liars. All of a run
//! follows from its seed.
//!
//! `BLOCKTREE_SIM_SEEDS=1000` runs more seeds, `BLOCKTREE_SIM_SEED=7` one of them, and
//! `BLOCKTREE_SIM_TRACE=1` prints every step. See [`scenario`] for what a seed stands for and
//! [`invariants`] for what must hold.

#![allow(clippy::unwrap_used, clippy::panic)] // All of this is a test; clippy knows only #[test].

mod adversary;
mod chain;
mod dice;
mod drive;
mod invariants;
mod link;
mod miner;
mod node;
mod plant;
mod rules;
mod run;
mod scenario;
mod scheduler;
mod tests;
mod trace;
mod world;
