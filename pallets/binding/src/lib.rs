//! Principals bound to network addresses (docs/protocol.md §7) (B49, B50, B52).
//!
//! A principal binds itself: the event that carries the binding is signed by its key, and the
//! event's nonce orders bindings, so that an old one can't be mined again.

pub mod apply;
pub mod audit;
pub mod call;
pub mod error;

pub use call::{Addresses, Call};
pub use error::Error;

use blocktree_primitives::Amount;
use parity_scale_codec::Encode;

/// The pallet's part of the chainspec.
#[derive(Clone, Debug, PartialEq, Eq, Encode)]
pub struct Params {
    /// Held from a principal while it has a binding; returned as recorded.
    pub deposit: Amount,
    /// Blocks that a binding can reach into the future.
    pub max_validity: u64,
}
