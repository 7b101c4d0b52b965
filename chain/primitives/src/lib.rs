//! The ledger's plain types: amounts, heights, hashes, keys, principals, paths, events,
//! headers and blocks, with their byte layouts (docs/protocol.md §1–§4).
//!
//! What lives here has a meaning but no rule: nothing in this crate knows which block or event
//! is valid. It has no clock, no entropy, no I/O and no state.

pub mod amount;
pub mod block;
pub mod bounded;
pub mod event;
pub mod hash;
pub mod header;
pub mod height;
pub mod key;
pub mod path;
pub mod principal;
pub mod tags;

pub use amount::Amount;
pub use block::Block;
pub use bounded::{BoundedBytes, BoundedVec, DecodeError, decode_exact};
pub use event::Event;
pub use hash::{
    BlockHash, CommitmentHash, ContentHash, EventId, EventRoot, FragmentRoot, Hash32, HistoryRoot,
    OfferId, PlacementId, StateRoot,
};
pub use header::{Commitment, Header};
pub use height::{Height, Span};
pub use key::{PublicKey, SecretKey, Signature};
pub use path::{BlockPath, Name};
pub use principal::{Network, Principal};
