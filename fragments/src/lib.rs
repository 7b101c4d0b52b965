//! A fragment's Merkle tree: its root, the proofs that answer challenges, and their
//! strict verification (docs/protocol.md §8).
//!
//! The tree is RFC 6962's over leaves of [`LEAF_SIZE`] bytes, the last one exactly the
//! rest. A provider builds a [`FragmentTree`] and answers a challenge with a leaf and
//! its path; the ledger checks the answer with [`verify_leaf`]. The path check alone,
//! [`verify_inclusion`], serves every RFC 6962 tree of the project, the event tree too.
//!
//! **What must not live here**: files, network, clocks, threads; the rules of storage
//! (which leaf is asked for, what an answer pays) are `pallets/storage`'s, and the fast
//! hashing is `chain/hashing`'s.

mod inclusion;
mod tree;

pub use blocktree_hashing::Digest;
pub use inclusion::{InclusionError, path_length, verify_inclusion};
pub use tree::{
    EmptyFragment, FragmentTree, LEAF_SIZE, LeafError, Proof, fragment_root, leaf_count,
    leaf_length, verify_leaf,
};
