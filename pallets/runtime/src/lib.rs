//! The rules of the ledger, composed: which calls there are, and the order in which pallets run.
//! No logic of its own beyond that.

pub mod call;
pub mod params;
pub mod runtime;

pub use call::{Call, Effect, Refusal};
pub use params::{Params, ParamsError};
pub use runtime::BlocktreeRuntime;

/// An event of this ledger.
pub type Event = blocktree_primitives::Event<Call>;
/// A chain block of this ledger.
pub type Block = blocktree_primitives::Block<Call>;

/// Bytes of an encoded event at most: what an event of the greatest weight can have
/// (docs/protocol.md §4).
pub const MAX_EVENT_LEN: usize = 1_500_000;
