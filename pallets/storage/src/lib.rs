//! Storage: offers, placements, challenges, payouts (docs/protocol.md §8).
//!
//! [`Call`] is what can be asked, [`Params`] the chain's constants, [`state`] what is kept,
//! [`Effect`] what happened, [`Error`] why something was refused. Money moves only through
//! [`pallet_coin::accounts`]. What blocks do by themselves ([`begin_block`], [`end_block`]) is
//! bounded by constants and can't refuse. Nothing here knows files, networks or clocks.

pub mod apply;
pub mod audit;
pub mod call;
pub mod check;
pub mod effect;
pub mod error;
pub mod message;
pub mod params;
pub mod read;
pub mod state;

pub use apply::{apply_call, begin_block, end_block};
pub use audit::audit;
pub use call::{
    Authority, Call, Claim, Code, Codec, Evidence, NewOffer, SignedAcceptance, SignedExtension,
    Terms,
};
pub use check::{check_call, may_answer, signatures, weight};
pub use effect::{Effect, Removal};
pub use error::Error;
pub use message::{Acceptance, Extension, Receipt, placement_id};
pub use params::{Params, ParamsError};
