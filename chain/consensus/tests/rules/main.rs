//! Consensus from outside, over a runtime of counters: one valid block and everything that can
//! be wrong with it; the fold; the history against an oracle; genesis.
// All of it is tests, which clippy only sees in `#[test]` functions; the derives of the enums
// write their index as `as u8`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::cast_possible_truncation)]

mod codecs;
mod corruptions;
mod counters;
mod fixture;
mod folding;
mod genesis;
mod headers;
mod history;
