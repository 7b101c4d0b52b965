//! The server as clients meet it: real sockets, well-behaved and hostile.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests are tests

mod calls;
mod discover;
mod door;
mod following;
mod limits;
mod methods;
mod node;
mod peering;
mod proofs;
mod refusals;
mod support;
mod world;
