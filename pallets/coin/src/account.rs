//! An account: the entry of a principal in `/global/principals` (B56).

use blocktree_primitives::{Amount, BoundedBytes, BoundedVec, Height, Principal, PublicKey};
use blocktree_state::Map;
use pallet_support::maps;
use parity_scale_codec::{Decode, Encode};

/// Addresses of a binding at most.
pub const MAX_ADDRESSES: usize = 8;
/// Bytes of one address at most.
pub const MAX_ADDRESS_LEN: usize = 256;
/// Bytes of all addresses of a binding together at most.
pub const MAX_ADDRESSES_LEN: usize = 512;

/// All accounts. Never deleted, so that an old event can't be replayed (docs/protocol.md §4).
pub const PRINCIPALS: Map<Principal, Account> = Map::new(maps::PRINCIPALS);

/// What the ledger knows of a principal (B52, B53, B56).
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Account {
    /// Known from the principal's first event on.
    pub public_key: Option<PublicKey>,
    /// The nonce that the next event must have.
    pub nonce: u64,
    /// What can be spent.
    pub free: Amount,
    /// What is locked for a purpose: pots, reserves, deposits, collateral.
    pub held: Amount,
    /// Where the principal can be reached.
    pub binding: Option<Binding>,
}

/// A principal bound to network addresses by itself (B49).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Binding {
    /// Multiaddrs in text form, most preferred first.
    pub addresses: BoundedVec<BoundedBytes<MAX_ADDRESS_LEN>, MAX_ADDRESSES>,
    /// The last height at which the binding counts.
    pub valid_until: Height,
    /// Held for the entry; returned as recorded.
    pub deposit: Amount,
}
