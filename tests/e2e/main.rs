//! The real binary, end to end. `cargo test --release --workspace` builds it first.

mod kill;
mod lifecycle;
mod mirror;
