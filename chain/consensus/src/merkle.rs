//! Merkle trees as in RFC 6962 §2.1 over a block's events: `SHA256(0x00 || leaf)`,
//! `SHA256(0x01 || left || right)`, split at the largest power of two below the count.
//!
//! Roots and proofs are made here, by rs_merkle. Consensus never takes a path from outside, so
//! none is verified here; rs_merkle's own `verify` accepts trailing hashes and wrong counts and
//! must not be used (`blocktree-fragments` has the strict one).

use blocktree_primitives::hash::sha256;
use rs_merkle::{Hasher, MerkleTree};

/// What a leaf's message begins with.
const LEAF_PREFIX: u8 = 0x00;
/// What a node's message begins with.
const NODE_PREFIX: u8 = 0x01;

/// rs_merkle's seam, with the prefixes of RFC 6962. Only [`hash_leaf`] and [`hash_node`] matter.
#[derive(Clone)]
struct Rfc6962;

impl Hasher for Rfc6962 {
    type Hash = [u8; 32];

    fn hash(data: &[u8]) -> [u8; 32] {
        hash_leaf(data)
    }

    fn concat_and_hash(left: &[u8; 32], right: Option<&[u8; 32]>) -> [u8; 32] {
        match right {
            Some(right) => hash_node(left, right),
            None => *left,
        }
    }
}

/// The hash of a leaf.
#[must_use]
pub fn hash_leaf(leaf: &[u8]) -> [u8; 32] {
    sha256(&[&[LEAF_PREFIX], leaf])
}

/// The hash of a node.
#[must_use]
pub fn hash_node(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    sha256(&[&[NODE_PREFIX], left, right])
}

/// The root over leaf hashes; of none, SHA-256 of nothing.
#[must_use]
pub fn root(leaves: &[[u8; 32]]) -> [u8; 32] {
    MerkleTree::<Rfc6962>::from_leaves(leaves).root().unwrap_or_else(|| sha256(&[]))
}

/// The siblings of leaf `index`, from the leaf up; `None` if there is no such leaf.
#[must_use]
pub fn prove(leaves: &[[u8; 32]], index: usize) -> Option<Vec<[u8; 32]>> {
    if index >= leaves.len() {
        return None;
    }
    let tree = MerkleTree::<Rfc6962>::from_leaves(leaves);
    Some(tree.proof(&[index]).proof_hashes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::prelude::*;
    use blocktree_fragments::verify_inclusion;
    use sha2::{Digest, Sha256};

    /// RFC 6962 §2.1, word by word, with nothing but `sha2`.
    mod naive {
        use super::*;

        fn split(n: usize) -> usize {
            let mut k = 1;
            while k * 2 < n {
                k *= 2;
            }
            k
        }

        pub(super) fn leaf(data: &[u8]) -> [u8; 32] {
            Sha256::new().chain_update([0]).chain_update(data).finalize().into()
        }

        pub(super) fn root(leaves: &[Vec<u8>]) -> [u8; 32] {
            match leaves {
                [] => Sha256::digest([]).into(),
                [one] => leaf(one),
                more => {
                    let (left, right) = more.split_at(split(more.len()));
                    Sha256::new()
                        .chain_update([1])
                        .chain_update(root(left))
                        .chain_update(root(right))
                        .finalize()
                        .into()
                }
            }
        }

        pub(super) fn path(index: usize, leaves: &[Vec<u8>]) -> Vec<[u8; 32]> {
            if leaves.len() < 2 {
                return Vec::new();
            }
            let k = split(leaves.len());
            let (left, right) = leaves.split_at(k);
            let (mut path, sibling) = if index < k {
                (path(index, left), root(right))
            } else {
                (path(index - k, right), root(left))
            };
            path.push(sibling);
            path
        }
    }

    fn leaves(count: usize) -> Vec<Vec<u8>> {
        (0..count).map(|n| vec![u8::try_from(n % 251).unwrap(); n % 70]).collect()
    }

    fn hashes(leaves: &[Vec<u8>]) -> Vec<[u8; 32]> {
        leaves.iter().map(|leaf| hash_leaf(leaf)).collect()
    }

    #[test]
    fn roots_and_paths_of_1_to_130_leaves_are_rfc_6962s() {
        for count in 1..=130 {
            let data = leaves(count);
            let hashes = hashes(&data);
            let root = root(&hashes);
            assert_eq!(root, naive::root(&data), "{count} leaves");
            for (index, leaf) in data.iter().enumerate() {
                let path = prove(&hashes, index).unwrap();
                assert_eq!(path, naive::path(index, &data), "leaf {index} of {count}");
                let (index, count) = (index as u64, count as u64);
                assert_eq!(
                    verify_inclusion(&root, &naive::leaf(leaf), index, count, &path),
                    Ok(())
                );
            }
            assert_eq!(prove(&hashes, count), None);
        }
    }

    #[test]
    fn no_leaves_hash_to_sha_256_of_nothing() {
        // The well-known digest of the empty string.
        let nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(hex::encode(root(&[])), nothing);
        assert_eq!(prove(&[], 0), None);
    }

    /// The reference log of Certificate Transparency: the eight leaves behind the vectors.
    fn reference_leaves() -> Vec<Vec<u8>> {
        [
            "",
            "00",
            "10",
            "2021",
            "3031",
            "40414243",
            "5051525354555657",
            "606162636465666768696a6b6c6d6e6f",
        ]
        .iter()
        .map(|leaf| hex::decode(leaf).unwrap())
        .collect()
    }

    /// The good paths of tests/vectors/rfc6962-merkle are the ones that are made here; the bad
    /// ones are for the verifier.
    #[test]
    fn paths_are_those_of_the_vectors() {
        let vectors = [
            include_str!("../../../tests/vectors/rfc6962-merkle/inclusion/0/happy-path.json"),
            include_str!("../../../tests/vectors/rfc6962-merkle/inclusion/1/happy-path.json"),
            include_str!("../../../tests/vectors/rfc6962-merkle/inclusion/2/happy-path.json"),
            include_str!("../../../tests/vectors/rfc6962-merkle/inclusion/3/happy-path.json"),
            include_str!("../../../tests/vectors/rfc6962-merkle/inclusion/4/happy-path.json"),
        ];
        let hashes = hashes(&reference_leaves());
        let bytes = |value: &serde_json::Value| -> [u8; 32] {
            BASE64_STANDARD.decode(value.as_str().unwrap()).unwrap().try_into().unwrap()
        };
        let number = |value: &serde_json::Value| usize::try_from(value.as_u64().unwrap()).unwrap();
        let mut siblings = 0;
        for vector in vectors {
            let vector: serde_json::Value = serde_json::from_str(vector).unwrap();
            let (index, count) = (number(&vector["leafIdx"]), number(&vector["treeSize"]));
            assert_eq!(hashes[index], bytes(&vector["leafHash"]));
            assert_eq!(root(&hashes[..count]), bytes(&vector["root"]));
            let proof = vector["proof"].as_array().map(Vec::as_slice).unwrap_or_default();
            let proof: Vec<[u8; 32]> = proof.iter().map(bytes).collect();
            assert_eq!(prove(&hashes[..count], index), Some(proof.clone()));
            siblings += proof.len();
        }
        assert_eq!(siblings, 10, "0 + 3 + 3 + 1 + 3");
    }
}
