//! What a chain is: a typed specification, and those of dev, test and main.
//!
//! A chainspec has everything that two nodes must agree on and nothing else: no ports, no
//! paths, no peers. Its rules are hashed into the genesis block, so a chain with other rules is
//! another chain.

pub mod coins;
pub mod spec;

pub use coins::Coins;
pub use spec::{ChainSpec, SpecError};
