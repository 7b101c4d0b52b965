//! What can be asked of the coin.

// The derived codec casts the explicit index.
#![allow(clippy::cast_possible_truncation)]

use blocktree_primitives::{Amount, Principal};
use parity_scale_codec::{Decode, Encode};

/// Calls of the coin, index 0 of the runtime's.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Call {
    /// Moves `amount` from the signer's free balance to `to`'s. To oneself, only fee and nonce
    /// change.
    #[codec(index = 0)]
    Transfer {
        /// Who gets it.
        to: Principal,
        /// How much, at least one base unit.
        amount: Amount,
    },
}
