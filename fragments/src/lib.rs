//! A fragment's Merkle tree: roots, proofs and their strict verification.
