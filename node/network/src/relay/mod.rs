//! Telling peers what is new, and taking what they tell (docs/protocol.md §12.3, §12.5).
//!
//! [`EventRelay`] spreads the events that the pool took, [`BlockRelay`] the tips that were imported
//! and what they lack of tips that others tell. Neither decides what is valid: they hand events to the
//! pool and blocks to the importer, and nothing is told to others before these took it.

mod blocks;
mod events;
mod recent;

pub(crate) use blocks::{BlockRelay, GivenUp, Heard};
pub(crate) use events::EventRelay;
