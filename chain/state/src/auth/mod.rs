//! The authenticated map (docs/protocol.md §5.1): a root over all pairs of the flat state, and
//! proofs of what is in it and what is not.
//!
//! The root is a pure function of the set of pairs. How it is computed is this module's own
//! affair (docs/decisions/003-state-map-pages.md): leaves lie in pages of some twenty
//! neighbours, on disk and in a bounded cache; above them stands a tree in memory. A delta is drawn
//! on paper first and made afterwards, many nodes hashed at once; pages reach the disk now and then,
//! and a journal tells what they have missed.
//!
//! | File | What |
//! |---|---|
//! | `map` | [`AuthMap`], the way a block goes |
//! | `bits`, `updates` | paths and their prefixes; what changes |
//! | `page`, `top` | leaves and their branches; nodes, page entries, cache |
//! | `stage`, `draft` | the tree after a delta: work items and what is above them; one subtree |
//! | `plan`, `page_plan`, `schedule` | what has to be hashed of it, of a page; hashing by levels |
//! | `disk`, `load` | checkpoint, journal, open, rebuild; pages from disk |
//! | `prove`, `proof` | making proofs; what a proof is and how it is verified |
//! | `spread` | the seam to the caller's threads |
//!
//! What must not live here: any knowledge of what keys and values mean; threads; a clock.

mod bits;
mod disk;
mod draft;
mod load;
mod map;
mod page;
mod page_plan;
mod plan;
mod proof;
mod prove;
mod schedule;
mod spread;
mod stage;
#[cfg(test)]
mod tests;
mod top;
mod updates;

pub use map::{AuthMap, Limits, Staged, Usage};
pub use proof::{
    MAX_KEY_BYTES, MAX_SIBLINGS, MAX_VALUE_BYTES, OtherLeaf, Proof, ProofError, Verdict, verify,
};
pub use prove::ProveError;
pub use spread::{Inline, Spread};
