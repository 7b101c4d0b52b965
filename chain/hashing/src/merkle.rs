//! Merkle trees as in RFC 6962 §2.1: a leaf is `SHA256(0x00 || leaf)`, a node
//! `SHA256(0x01 || left || right)`, and a tree of n leaves splits at the largest power
//! of two below n. That is the same as pairing each level from the left and
//! carrying an odd last node up unchanged, which is how it is done here.
//!
//! Roots and levels only; proofs and their verification are `blocktree-fragments`'.

use crate::{Digest, Engine};

/// The first byte of a leaf's message.
pub const LEAF_PREFIX: u8 = 0x00;

/// The first byte of a node's message.
pub const NODE_PREFIX: u8 = 0x01;

/// Leaves hashed before they are folded into one node: their digests (16 KiB) and
/// what is read meanwhile stay in the nearest cache.
const SUBTREE: usize = 512;

/// The hash of one leaf, of any length.
#[must_use]
pub fn leaf_hash(leaf: &[u8]) -> Digest {
    Engine::detect().hash_prefixed(LEAF_PREFIX, leaf)
}

/// The hash of one node.
#[must_use]
pub fn node_hash(left: &Digest, right: &Digest) -> Digest {
    Engine::detect().hash_pair(NODE_PREFIX, left, right)
}

/// The root over `data` cut into leaves of `LEAF` bytes, the last one the rest.
/// Empty data has no tree: `None`.
#[must_use]
pub fn root<const LEAF: usize>(data: &[u8]) -> Option<Digest> {
    root_with::<LEAF>(Engine::detect(), data)
}

/// [`root`] on a given engine.
#[must_use]
pub fn root_with<const LEAF: usize>(engine: Engine, data: &[u8]) -> Option<Digest> {
    let mut level = [[0; 32]; SUBTREE];
    // All subtrees but the last are full, so their roots are a level of the tree.
    let mut roots: Vec<Digest> = data
        .chunks(SUBTREE.saturating_mul(LEAF))
        .filter_map(|part| {
            let leaves = &mut level[..part.len().div_ceil(LEAF)];
            engine.hash_leaves::<LEAF>(LEAF_PREFIX, part, leaves);
            fold(engine, leaves)
        })
        .collect();
    fold(engine, &mut roots)
}

/// The root over leaf hashes. No leaves, no root: `None`.
#[must_use]
pub fn root_of_leaves(leaves: &[Digest]) -> Option<Digest> {
    fold(Engine::detect(), &mut leaves.to_vec())
}

/// Every level of the tree over `data` cut into leaves of `LEAF` bytes, the last one
/// the rest: the leaf hashes first, the root alone last. Empty data: no level.
#[must_use]
pub fn levels<const LEAF: usize>(data: &[u8]) -> Vec<Vec<Digest>> {
    levels_with::<LEAF>(Engine::detect(), data)
}

/// [`levels`] on a given engine.
#[must_use]
pub fn levels_with<const LEAF: usize>(engine: Engine, data: &[u8]) -> Vec<Vec<Digest>> {
    let mut leaves = vec![[0; 32]; data.len().div_ceil(LEAF)];
    engine.hash_leaves::<LEAF>(LEAF_PREFIX, data, &mut leaves);
    let mut levels = Vec::new();
    let mut level = leaves;
    while level.len() > 1 {
        let (pairs, odd) = level.as_chunks::<2>();
        let mut above = vec![[0; 32]; pairs.len()];
        engine.hash_pairs(NODE_PREFIX, pairs, &mut above);
        above.extend_from_slice(odd);
        levels.push(core::mem::replace(&mut level, above));
    }
    if !level.is_empty() {
        levels.push(level);
    }
    levels
}

/// Folds a level in place until one node is left.
fn fold(engine: Engine, level: &mut [Digest]) -> Option<Digest> {
    let mut spare = [[0; 32]; SUBTREE / 2];
    let mut count = level.len();
    while count > 1 {
        // The nodes above overwrite pairs that are read already: node i, pair i or before.
        for first in (0..count / 2).step_by(spare.len()) {
            let last = (count / 2).min(first + spare.len());
            let (pairs, _) = level[2 * first..2 * last].as_chunks::<2>();
            let nodes = &mut spare[..last - first];
            engine.hash_pairs(NODE_PREFIX, pairs, nodes);
            level[first..last].copy_from_slice(nodes);
        }
        if count % 2 == 1 {
            level[count / 2] = level[count - 1];
        }
        count = count.div_ceil(2);
    }
    level.first().copied()
}
