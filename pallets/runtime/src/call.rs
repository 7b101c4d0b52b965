//! The calls of all pallets, what they do and why they are refused. Indices are append-only
//! (docs/protocol.md §4): 3 anchor, 4 tree, 5 channel and 6 directory are kept for later.

// The derived codec casts the explicit index.
#![allow(clippy::cast_possible_truncation)]

use pallet_support::Failure;
use parity_scale_codec::{Decode, Encode};

/// What an event can do.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Call {
    /// Transfers.
    #[codec(index = 0)]
    Coin(pallet_coin::Call),
    /// Principals bound to addresses.
    #[codec(index = 1)]
    Binding(pallet_binding::Call),
    /// Offers, placements, challenges, payouts.
    #[codec(index = 2)]
    Storage(pallet_storage::Call),
}

/// What events and blocks did beyond what the events themselves say.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Effect {
    /// Of storage.
    #[codec(index = 2)]
    Storage(pallet_storage::Effect),
}

/// Why an event is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// By the coin: expiry, nonce, fee, balance.
    #[error(transparent)]
    Coin(#[from] pallet_coin::Error),
    /// By binding.
    #[error(transparent)]
    Binding(#[from] pallet_binding::Error),
    /// By storage.
    #[error(transparent)]
    Storage(#[from] pallet_storage::Error),
}

/// Widens a pallet's failure to the runtime's.
pub(crate) fn widen<E: Into<Refusal>>(failure: Failure<E>) -> Failure<Refusal> {
    failure.map(Into::into)
}
