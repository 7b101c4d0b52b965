//! The real binary, end to end. `cargo test --release --workspace` builds it first.

#![allow(clippy::unwrap_used, clippy::panic)] // Helpers are tests too, clippy knows only #[test].

mod kill;
mod lifecycle;
mod mirror;
mod network;
