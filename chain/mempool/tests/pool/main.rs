//! The pool from outside: each rule with its boundaries, then random sequences beside a naive model.

// Helpers of tests fail by panicking, as tests do.
#![allow(clippy::panic, clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;

mod blocks;
mod insert;
mod journal;
mod model;
mod node;
mod random;
mod refused;
mod room;
mod template;
