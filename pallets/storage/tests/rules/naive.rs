//! What the tests expect of hashes and trees, from `sha2` alone.

use sha2::{Digest, Sha256};

/// SHA-256 of the parts.
pub(crate) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize().into()
}

/// docs/protocol.md §2: SHA256(SHA256(tag) || SHA256(tag) || message).
pub(crate) fn tagged(tag: &str, parts: &[&[u8]]) -> [u8; 32] {
    let tag = sha256(&[tag.as_bytes()]);
    let mut all: Vec<&[u8]> = vec![&tag, &tag];
    all.extend(parts);
    sha256(&all)
}

/// The first 8 bytes of a tagged hash, little-endian.
pub(crate) fn number(tag: &str, parts: &[&[u8]]) -> u64 {
    u64::from_le_bytes(tagged(tag, parts)[..8].try_into().unwrap())
}

/// The 256-byte leaves of a fragment.
fn leaves(data: &[u8]) -> Vec<&[u8]> {
    data.chunks(256).collect()
}

/// RFC 6962, section 2.1: where the left subtree of more than one leaf ends.
fn split(count: usize) -> usize {
    let mut left = 1;
    while left * 2 < count {
        left *= 2;
    }
    left
}

fn tree_hash(leaves: &[&[u8]]) -> [u8; 32] {
    if let [leaf] = leaves {
        return sha256(&[&[0], leaf]);
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    sha256(&[&[1], &tree_hash(left), &tree_hash(right)])
}

/// RFC 6962, section 2.1.1: the path of a leaf, from the leaf up.
fn tree_path(index: usize, leaves: &[&[u8]]) -> Vec<[u8; 32]> {
    if leaves.len() == 1 {
        return vec![];
    }
    let at = split(leaves.len());
    let (left, right) = leaves.split_at(at);
    let (mut path, other) = if index < at {
        (tree_path(index, left), tree_hash(right))
    } else {
        (tree_path(index - at, right), tree_hash(left))
    };
    path.push(other);
    path
}

/// The root of a fragment.
pub(crate) fn root(data: &[u8]) -> [u8; 32] {
    tree_hash(&leaves(data))
}

/// A leaf of a fragment and its path.
pub(crate) fn proof(data: &[u8], index: u64) -> (Vec<u8>, Vec<[u8; 32]>) {
    let (leaves, index) = (leaves(data), usize::try_from(index).unwrap());
    (leaves[index].to_vec(), tree_path(index, &leaves))
}
