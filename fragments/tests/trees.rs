//! Trees, proofs and their refusals, against `rs_merkle` and a naive tree on `sha2`.

use blocktree_fragments::{
    Digest, EmptyFragment, FragmentTree, InclusionError, LEAF_SIZE, LeafError, fragment_root,
    leaf_count, leaf_length, path_length, verify_inclusion, verify_leaf,
};
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

#[derive(Clone)]
struct Rfc6962;

impl rs_merkle::Hasher for Rfc6962 {
    type Hash = Digest;

    fn hash(data: &[u8]) -> Digest {
        Sha256::new().chain_update([0x00]).chain_update(data).finalize().into()
    }

    fn concat_and_hash(left: &Digest, right: Option<&Digest>) -> Digest {
        right.map_or(*left, |right| {
            Sha256::new()
                .chain_update([0x01])
                .chain_update(left)
                .chain_update(right)
                .finalize()
                .into()
        })
    }
}

/// The path of RFC 6962 §2.1.1, recursively: siblings from the leaf up, and the root.
fn naive(leaves: &[Digest], index: usize) -> (Vec<Digest>, Digest) {
    use rs_merkle::Hasher as _;
    if let [leaf] = leaves {
        return (Vec::new(), *leaf);
    }
    let (left, right) = leaves.split_at(leaves.len().div_ceil(2).next_power_of_two());
    let (near, far, at) =
        if index < left.len() { (left, right, index) } else { (right, left, index - left.len()) };
    let (mut path, node) = naive(near, at);
    let (_, sibling) = naive(far, 0);
    path.push(sibling);
    let pair = if index < left.len() { (node, sibling) } else { (sibling, node) };
    (path, Rfc6962::concat_and_hash(&pair.0, Some(&pair.1)))
}

fn noise(len: usize) -> Vec<u8> {
    (0u32..).flat_map(|i| i.wrapping_mul(0x9e37_79b9).to_be_bytes()).take(len).collect()
}

#[test]
fn trees_and_paths_equal_both_oracles() {
    use rs_merkle::Hasher as _;
    for count in 1..=70 {
        // The last leaf: one byte, all but one, or whole.
        for last in [1, 255, 256] {
            let data = noise((count - 1) * LEAF_SIZE + last);
            let hashes: Vec<_> = data.chunks(LEAF_SIZE).map(Rfc6962::hash).collect();
            let peer = rs_merkle::MerkleTree::<Rfc6962>::from_leaves(&hashes);
            let tree = FragmentTree::build(&data).expect("not empty");
            assert_eq!(tree.count(), count as u64);
            assert_eq!(tree.size(), data.len() as u64);
            assert_eq!(Some(tree.root()), peer.root());
            assert_eq!(fragment_root(&data), Ok(tree.root()));
            for (index, leaf) in data.chunks(LEAF_SIZE).enumerate() {
                let proof = tree.prove(index as u64).expect("in range");
                assert_eq!((proof.siblings.clone(), tree.root()), naive(&hashes, index));
                assert_eq!(proof.siblings, peer.proof(&[index]).proof_hashes());
                assert_eq!(
                    path_length(index as u64, count as u64),
                    Ok(u32::try_from(proof.siblings.len()).expect("short"))
                );
                assert_eq!(
                    verify_leaf(&tree.root(), tree.size(), index as u64, leaf, &proof.siblings),
                    Ok(())
                );
            }
            let index = count as u64;
            let outside = InclusionError::IndexOutOfRange { index, count: index };
            assert_eq!(tree.prove(index), Err(outside));
            assert!(tree.prove(u64::MAX).is_err());
        }
    }
}

#[test]
fn nothing_is_refused() {
    assert_eq!(FragmentTree::build(&[]), Err(EmptyFragment));
    assert_eq!(fragment_root(&[]), Err(EmptyFragment));
    let error = InclusionError::IndexOutOfRange { index: 0, count: 0 };
    assert_eq!(verify_leaf(&[0; 32], 0, 0, &[], &[]), Err(error.into()));
}

#[test]
fn sizes_of_leaves() {
    for (size, index, count, length) in [
        (0, 0, 0, None),
        (1, 0, 1, Some(1)),
        (255, 0, 1, Some(255)),
        (256, 0, 1, Some(256)),
        (256, 1, 1, None),
        (257, 0, 2, Some(256)),
        (257, 1, 2, Some(1)),
        (3_355_443, 13_107, 13_108, Some(51)), // 3.2 MiB: 13,107 · 256 = 3,355,392
        // 2^64 − 1 = 2^56 · 256 − 1
        (u64::MAX, (1 << 56) - 1, 1 << 56, Some(255)),
        (u64::MAX, 1 << 56, 1 << 56, None),
        (u64::MAX, u64::MAX, 1 << 56, None),
    ] {
        assert_eq!(leaf_count(size), count);
        assert_eq!(leaf_length(size, index), length);
    }
}

#[test]
fn path_lengths() {
    for (index, count, length) in [
        (0, 1, 0),
        (0, 2, 1),
        (2, 3, 1), // the third leaf is carried up once
        (0, 3, 2),
        (4, 5, 1),
        (13_107, 13_108, 8), // the last leaf, 0x3333: a left sibling for each of its 8 one bits
        (0, 13_108, 14),
        (0, u64::MAX, 64),
        (u64::MAX - 1, u64::MAX, 63), // the last of 2^64 − 1 is carried up once
        (0, 1 << 63, 63),
        ((1 << 63), (1 << 63) + 1, 1),
    ] {
        assert_eq!(path_length(index, count), Ok(length), "{index} of {count}");
    }
}

#[test]
fn tampered_proofs_are_refused_by_name() {
    let data = noise(6 * LEAF_SIZE + 100); // 7 leaves
    let tree = FragmentTree::build(&data).expect("not empty");
    let (root, size) = (tree.root(), tree.size());
    let leaf = &data[2 * LEAF_SIZE..3 * LEAF_SIZE];
    let good = tree.prove(2).expect("in range").siblings;
    assert_eq!(good.len(), 3);
    let check = |size, index, leaf: &[u8], siblings: &[Digest]| {
        verify_leaf(&root, size, index, leaf, siblings)
    };
    assert_eq!(check(size, 2, leaf, &good), Ok(()));

    let length = |expected, found| Err(InclusionError::PathLength { expected, found }.into());
    let mut trailing = good.clone();
    trailing.push([0; 32]);
    assert_eq!(check(size, 2, leaf, &trailing), length(3, 4));
    assert_eq!(check(size, 2, leaf, &good[..2]), length(3, 2));
    assert_eq!(check(size, 2, leaf, &[]), length(3, 0));
    // Fewer or more leaves, where that changes the path's length.
    assert_eq!(check(4 * 256, 2, leaf, &good), length(2, 3));
    assert_eq!(check(9 * 256, 2, leaf, &good), length(4, 3));
    // Another place of the same path length.
    let wrong = Err(InclusionError::WrongRoot.into());
    assert_eq!(check(size, 3, leaf, &good), wrong);
    let outside = |index, count| Err(InclusionError::IndexOutOfRange { index, count }.into());
    assert_eq!(check(size, 7, leaf, &good), outside(7, 7));
    assert_eq!(check(size, u64::MAX, leaf, &good), outside(u64::MAX, 7));
    // Leaves of another length.
    let bytes = |expected, found| Err(LeafError::LeafLength { expected, found });
    assert_eq!(check(size, 2, &leaf[1..], &good), bytes(256, 255));
    assert_eq!(check(size, 2, &[leaf, &[0]].concat(), &good), bytes(256, 257));
    assert_eq!(check(size, 6, leaf, &good), bytes(100, 256));
    assert_eq!(check(size + 1, 6, &data[6 * LEAF_SIZE..], &good), bytes(101, 100));
    // Every bit of the leaf, of each sibling and of the root counts.
    for bit in 0..leaf.len() * 8 {
        let mut leaf = leaf.to_vec();
        leaf[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(check(size, 2, &leaf, &good), wrong);
    }
    for bit in 0..256 {
        for at in 0..3 {
            let mut siblings = good.clone();
            siblings[at][bit / 8] ^= 1 << (bit % 8);
            assert_eq!(check(size, 2, leaf, &siblings), wrong);
        }
        let mut root = root;
        root[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(verify_leaf(&root, size, 2, leaf, &good), wrong);
    }
    // Two siblings exchanged.
    assert_eq!(check(size, 2, leaf, &[good[1], good[0], good[2]]), wrong);
}

#[test]
fn an_inner_node_is_no_leaf() {
    // Without the prefixes, the 64 bytes under the root would pass for the only leaf.
    let data = noise(2 * LEAF_SIZE);
    let tree = FragmentTree::build(&data).expect("not empty");
    let proof = tree.prove(0).expect("in range");
    let inner = [tree.prove(1).expect("in range").siblings[0], proof.siblings[0]].concat();
    let error = InclusionError::WrongRoot;
    assert_eq!(verify_leaf(&tree.root(), 64, 0, &inner, &[]), Err(error.into()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn proofs_hold_at_their_own_place_only(len in 1usize..40_000, index: usize, other: usize) {
        let data = noise(len);
        let tree = FragmentTree::build(&data).expect("not empty");
        let count = len.div_ceil(LEAF_SIZE);
        let (index, other) = (index % count, other % count);
        let leaf = data.chunks(LEAF_SIZE).nth(index).expect("in range");
        let proof = tree.prove(index as u64).expect("in range");
        let verdict = |at: usize| {
            verify_leaf(&tree.root(), tree.size(), at as u64, leaf, &proof.siblings)
        };
        prop_assert_eq!(verdict(index), Ok(()));
        prop_assert_eq!(verdict(other).is_ok(), other == index);
    }

    #[test]
    fn hostile_paths_never_panic(
        root: [u8; 32],
        leaf_hash: [u8; 32],
        index: u64,
        count: u64,
        siblings in prop::collection::vec(any::<[u8; 32]>(), 0..70),
    ) {
        prop_assert!(verify_inclusion(&root, &leaf_hash, index, count, &siblings).is_err());
        let index = index % count.max(1);
        let length = path_length(index, count.max(1)).expect("in range");
        prop_assert!(length <= 64);
    }
}
