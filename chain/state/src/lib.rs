//! The global state: what the fold reads and writes, how a block's changes are undone, and the
//! authenticated root over it all (docs/protocol.md §5).
//!
//! The [`Ledger`] seam to the disk is defined here; RocksDB implements it in `chain/store`, and
//! [`MemoryLedger`] for tests. No rule of any pallet lives here, no clock, no thread.

pub mod auth;
pub mod delta;
pub mod fault;
pub mod ledger;
pub mod map;
pub mod memory;
pub mod overlay;
pub mod view;

pub use auth::{
    AuthMap, Inline, Limits, Proof, ProofError, ProveError, Spread, Staged, Verdict, verify,
};
pub use delta::{Change, Delta};
pub use fault::Fault;
pub use ledger::{Batch, Column, Durability, Ledger, Op, Pair, Reader, Visit};
pub use map::{BigEndian, Cell, Map};
pub use memory::MemoryLedger;
pub use overlay::{Checkpoint, Overlay};
pub use view::{DeltaView, EmptyView, StateView, View};
