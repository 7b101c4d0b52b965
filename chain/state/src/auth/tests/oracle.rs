//! The definition of docs/protocol.md §5.1, word for word and slow. It imports `sha2` and nothing of
//! what it checks.

use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

pub(super) type Hash = [u8; 32];

/// Path → SHA-256 of the value.
pub(super) type Leaves = BTreeMap<Hash, Hash>;

pub(super) fn sha256(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

pub(super) fn path(key: &[u8]) -> Hash {
    let tag = sha256(b"blocktree/key");
    sha256(&[&tag, &tag, key].concat())
}

fn bit(path: &Hash, depth: usize) -> bool {
    (path[depth / 8] >> (7 - depth % 8)) & 1 == 1
}

/// The hash of the subtree of these leaves at `depth`.
pub(super) fn subtree(leaves: &[(&Hash, &Hash)], depth: usize) -> Hash {
    match leaves {
        [] => [0; 32],
        [(path, value_hash)] => sha256(&[&[0][..], *path, *value_hash].concat()),
        _ => {
            let ones = leaves.iter().filter(|(path, _)| bit(path, depth)).count();
            let (left, right) = leaves.split_at(leaves.len() - ones);
            let (left, right) = (subtree(left, depth + 1), subtree(right, depth + 1));
            sha256(&[&[1][..], &left, &right].concat())
        }
    }
}

pub(super) fn root(leaves: &Leaves) -> Hash {
    subtree(&leaves.iter().collect::<Vec<_>>(), 0)
}

/// The siblings beside the way of `path` from the bottom up, and the leaf at its end.
pub(super) fn prove(leaves: &Leaves, path: &Hash) -> (Vec<Option<Hash>>, Option<(Hash, Hash)>) {
    let mut here: Vec<(&Hash, &Hash)> = leaves.iter().collect();
    let mut siblings = Vec::new();
    while here.len() > 1 {
        let depth = siblings.len();
        let (same, other): (Vec<_>, Vec<_>) =
            here.into_iter().partition(|(p, _)| bit(p, depth) == bit(path, depth));
        siblings.push((!other.is_empty()).then(|| subtree(&other, depth + 1)));
        here = same;
    }
    siblings.reverse();
    (siblings, here.first().map(|(path, hash)| (**path, **hash)))
}

/// The root to which siblings lead from `end` at `path`.
pub(super) fn fold(path: &Hash, end: Hash, siblings: &[Option<Hash>]) -> Hash {
    let mut hash = end;
    for (height, sibling) in siblings.iter().enumerate() {
        let sibling = sibling.unwrap_or([0; 32]);
        let right = bit(path, siblings.len() - 1 - height);
        let (left, right) = if right { (sibling, hash) } else { (hash, sibling) };
        hash = sha256(&[&[1][..], &left, &right].concat());
    }
    hash
}

#[test]
fn a_wrong_bit_changes_the_root() {
    // That the comparison below can fail: paths, value hashes and depths all count.
    let mut leaves: Leaves = (0..20u8).map(|i| (path(&[i]), sha256(&[i]))).collect();
    let before = root(&leaves);
    let first = *leaves.keys().next().unwrap();
    let value_hash = leaves.remove(&first).unwrap();
    assert_ne!(root(&leaves), before);
    let mut moved = first;
    moved[31] ^= 1;
    leaves.insert(moved, value_hash);
    assert_ne!(root(&leaves), before);
    leaves.remove(&moved);
    leaves.insert(first, value_hash);
    assert_eq!(root(&leaves), before);
}
