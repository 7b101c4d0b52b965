//! The server against a client that shares no code with it: own lines, own hashes (sha2), own
//! headers, own targets.

#![allow(clippy::unwrap_used, clippy::panic, clippy::float_arithmetic, unreachable_pub)]

mod client;
mod crowd;
mod fake;
mod session;
mod socket;
