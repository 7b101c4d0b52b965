//! Swarms over real sockets on loopback: what nodes tell each other, and what becomes of peers that lie,
//! stall and flood.
#![allow(clippy::unwrap_used)]

mod attacker;
mod support;

mod exchange;
mod hostile;
