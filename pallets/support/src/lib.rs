//! What every pallet shares: the registry of state-map indices, the constants of weights, and
//! the words of the [`Runtime`](blocktree_consensus::Runtime) seam.
//!
//! A pallet is plain Rust: `call` (what can be asked), `state` (its maps), `apply` (checks
//! first, writes after), `effect`, `error` and `audit`. SCALE derive is its only macro.

pub mod maps;
pub mod weights;

pub use blocktree_consensus::runtime::{AuditError, BlockContext, Failure, SignatureCheck, Weight};

/// What a pallet's `apply_` functions return.
pub type Outcome<T, E> = Result<T, Failure<E>>;
