//! The binary as people and scripts meet it: started, stopped, killed, and asked for things it
//! must refuse.

// All of this is test code, but clippy sees only what is marked `#[test]` as such.
#![allow(clippy::unwrap_used, clippy::panic)]

mod archive;
mod keys;
mod network;
mod stratum;
mod support;
mod usage;
mod working;
