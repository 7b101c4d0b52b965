//! The authenticated map (docs/protocol.md §5.1): a root over all pairs of the flat state, and
//! proofs of what is in it and what is not.
//!
//! The root is a pure function of the set of pairs. How it is computed is this module's own
//! affair (docs/decisions/003-state-map-pages.md): leaves lie in [pages](page) of some sixteen
//! neighbours, on disk and in a bounded cache; [above](top) them a tree in memory. A delta is
//! [drawn](draft) first and made afterwards, hashing [many nodes at once](schedule); pages reach
//! the [disk](disk) now and then, and a journal tells what they have missed.
//!
//! | File | What |
//! |---|---|
//! | `map` | [`AuthMap`], the way a block goes |
//! | `bits` | paths and their prefixes |
//! | `page` | leaves, their branches, what has to be hashed of them |
//! | `top` | nodes, page entries, cache |
//! | `schedule` | hashing by levels |
//! | `draft`, `stage` | the tree after a delta, subtree by subtree, then above them |
//! | `load`, `disk` | pages from disk; checkpoint, journal, open, rebuild |
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
