//! What can be asked about bindings.

// The derived codec casts the explicit index.
#![allow(clippy::cast_possible_truncation)]

use blocktree_primitives::{BoundedBytes, BoundedVec, Height};
use pallet_coin::{MAX_ADDRESS_LEN, MAX_ADDRESSES};
use parity_scale_codec::{Decode, Encode};

/// At most 8 multiaddrs in text form, 512 bytes together.
pub type Addresses = BoundedVec<BoundedBytes<MAX_ADDRESS_LEN>, MAX_ADDRESSES>;

/// Calls about bindings, index 1 of the runtime's.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Call {
    /// Binds the signer's principal to addresses, instead of those before.
    #[codec(index = 0)]
    Bind {
        /// Where to reach it, most preferred first; at least one.
        addresses: Addresses,
        /// The last height at which this counts.
        valid_until: Height,
    },
    /// Ends the signer's binding and returns its deposit.
    #[codec(index = 1)]
    Unbind,
}
