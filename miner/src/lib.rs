//! The built-in miner: threads that search for blocks on work that the node supplies through
//! the [`WorkSource`] trait. No store access, no rules: a job says all that is to be known.

pub mod job;
pub mod miner;

pub use job::{Job, Solved, WorkSource};
pub use miner::{Miner, StartError};
