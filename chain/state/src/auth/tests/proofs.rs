//! Proofs against the oracle, and every way to spoil one.

use super::oracle::{self, Hash, Leaves, sha256};
use super::support::{NO_CACHE, Pair, Random};
use crate::auth::map::AuthMap;
use crate::auth::proof::{OtherLeaf, Proof, ProofError, Verdict, verify};
use crate::auth::prove::ProveError;
use crate::{Batch, Change, Column, Delta, Durability, Fault, Ledger, MemoryLedger, Reader};
use blocktree_primitives::{BoundedVec, StateRoot};
use parity_scale_codec::{Decode, Encode};
use std::collections::BTreeMap;

fn key(i: u16) -> Vec<u8> {
    [&[7][..], &i.to_le_bytes()].concat()
}

fn value(i: u16) -> Vec<u8> {
    vec![1 + i.to_le_bytes()[0] / 2; 1 + usize::from(i % 90)]
}

/// A map of the keys below `keys`, and the flat state to it.
fn filled(keys: u16) -> (AuthMap, MemoryLedger, Leaves) {
    let ledger = MemoryLedger::new();
    let mut map = AuthMap::open(&ledger, NO_CACHE).unwrap();
    let delta = Delta::new((0..keys).map(|i| {
        let new = Some(value(i));
        (key(i), Change { old: None, new })
    }));
    let staged = map.stage(&ledger, &delta, &crate::Inline).unwrap();
    let mut batch = Batch::new();
    delta.write_to(&mut batch);
    map.journal(&delta, &mut batch);
    ledger.write(batch, Durability::Process).unwrap();
    map.commit(staged).unwrap();
    let leaves = (0..keys).map(|i| (oracle::path(&key(i)), sha256(&value(i)))).collect();
    (map, ledger, leaves)
}

fn end_of(other: Option<OtherLeaf>) -> Hash {
    other.map_or([0; 32], |leaf| sha256(&[&[0][..], &leaf.path, &leaf.value_hash].concat()))
}

#[test]
fn golden_roots() {
    // In Python, with H = SHA-256 and t = H(b"blocktree/key"): pairs (bytes([i]), bytes([i, i + 1])) for
    // i below n, a leaf's path H(t + t + key), and the recursion of docs/protocol.md §5.1 over them.
    for (n, root) in [
        (0, "0000000000000000000000000000000000000000000000000000000000000000"),
        (1, "3b44cab758b0abe951ca50e6fc03e768d17ab317aeda4b02fdb9d454a1269d72"),
        (2, "698529bba0c55c0eb5f409a48b847c2bb79b7e4fdb16ec1bbb923440808384a6"),
        (3, "e9a97b153604b4034c3b07b12ed6b4c2f415596c725c36c5cd4496e1475f84af"),
        (100, "eefe66de4ad6b2d07344605a563701bd2a11aa05c6587c2af5ae984a9cae07db"),
    ] {
        let ledger = MemoryLedger::new();
        let mut map = AuthMap::open(&ledger, NO_CACHE).unwrap();
        let delta = Delta::new((0..n).map(|i| {
            let new = Some(vec![i, i + 1]);
            (vec![i], Change { old: None, new })
        }));
        assert_eq!(map.apply(&ledger, &delta).unwrap().to_string(), root, "{n} pairs");
        assert_eq!(map.apply(&ledger, &delta.inverse()), Ok(StateRoot::ZERO));
    }
}

#[test]
fn the_tag_is_the_one_of_the_list() {
    let tag = &blocktree_primitives::tags::STATE_KEY;
    assert_eq!(crate::auth::stage::KEY.hash(b"abc"), tag.hash(&[b"abc"]));
}

#[test]
fn presence_and_absence_are_proved_as_defined() {
    for keys in [0, 1, 2, 3, 17, 33, 600] {
        let (mut map, ledger, leaves) = filled(keys);
        for from_disk in [false, true] {
            for i in 0..keys + 60 {
                let proof = map.prove(&ledger, &key(i)).unwrap();
                let path = oracle::path(&key(i));
                let (siblings, end) = oracle::prove(&leaves, &path);
                assert_eq!(proof.siblings.to_vec(), siblings);
                let verdict = verify(map.root(), &key(i), &proof).unwrap();
                if i < keys {
                    assert_eq!(verdict, Verdict::Present(&value(i)));
                    assert_eq!(proof.other, None);
                } else {
                    assert_eq!(verdict, Verdict::Absent);
                    assert_eq!(proof.other.map(|leaf| (leaf.path, leaf.value_hash)), end);
                    let end = end_of(proof.other);
                    assert_eq!(oracle::fold(&path, end, &siblings), map.root().0);
                }
                assert_eq!(Proof::decode_strict(&proof.encode()), Ok(proof));
            }
            if !from_disk {
                map.checkpoint(&ledger).unwrap();
                assert_eq!(map.usage().cached_pages, 0, "the next round reads from disk");
            }
        }
    }
}

/// Paths that share many bits: the way ends inside a page, in the middle of a chain, at its end.
#[test]
fn ways_among_ground_paths() {
    let mut random = Random(3);
    let mut pair = Pair::new(NO_CACHE);
    let mut paths: Vec<Hash> = Vec::new();
    for shared in [0, 0, 0, 5, 40, 41, 100, 255] {
        for _ in 0..12 {
            let mut path = random.hash();
            for bit in 0..shared {
                path[bit / 8] &= !(0x80 >> (bit % 8));
            }
            paths.push(path);
        }
    }
    let changes: BTreeMap<Hash, Option<Hash>> =
        paths.iter().step_by(2).map(|path| (*path, Some(random.hash()))).collect();
    pair.change(&changes);
    for from_disk in [false, true] {
        for path in &paths {
            for bit in [None, Some(0), Some(20), Some(60), Some(254), Some(255)] {
                let mut path = *path;
                if let Some(bit) = bit {
                    path[bit / 8] ^= 0x80 >> (bit % 8);
                }
                let (mut siblings, end) = pair.map.walk(&pair.ledger, &path).unwrap();
                siblings.reverse();
                let end = end.map(|leaf| (leaf.path, leaf.value_hash));
                assert_eq!((siblings, end), oracle::prove(&pair.oracle, &path));
            }
        }
        if !from_disk {
            pair.checkpoint();
        }
    }
}

fn siblings_of(proof: &Proof, change: impl FnOnce(&mut Vec<Option<Hash>>)) -> Option<Proof> {
    let mut siblings = proof.siblings.to_vec();
    change(&mut siblings);
    let siblings = BoundedVec::try_from(siblings).ok()?;
    Some(Proof { siblings, ..proof.clone() })
}

/// Every proof that differs from `proof` in one place or in its claim.
fn spoiled(proof: &Proof, others: &[OtherLeaf]) -> Vec<Proof> {
    let mut found: Vec<Option<Proof>> = Vec::new();
    let count = proof.siblings.len();
    for at in 0..=count {
        for added in [None, Some([0; 32]), Some([9; 32]), proof.siblings.first().copied().flatten()]
        {
            found.push(siblings_of(proof, |siblings| siblings.insert(at, added)));
        }
    }
    for at in 0..count {
        found.push(siblings_of(proof, |siblings| _ = siblings.remove(at)));
        found.push(siblings_of(proof, |siblings| siblings.truncate(at)));
        found.push(siblings_of(proof, |siblings| drop(siblings.drain(..at))));
        for with in [None, Some([0; 32]), Some([9; 32])] {
            found.push(siblings_of(proof, |siblings| siblings[at] = with));
        }
        for other in at + 1..count {
            found.push(siblings_of(proof, |siblings| siblings.swap(at, other)));
        }
    }
    for filling in [None, Some([9; 32])] {
        found.push(siblings_of(proof, |siblings| siblings.resize(256, filling)));
    }
    let claims = others.iter().map(|leaf| (None, Some(*leaf)));
    let values = [vec![], vec![1], vec![0; 65_536]];
    let values = values.into_iter().map(|value| (value.try_into().ok(), None));
    for (value, other) in claims.chain(values).chain([(None, None)]) {
        found.push(Some(Proof { value, other, ..proof.clone() }));
    }
    for leaf in others {
        found.push(Some(Proof { other: Some(*leaf), ..proof.clone() }));
    }
    let mut found: Vec<Proof> = found.into_iter().flatten().collect();
    found.retain(|other| other != proof);
    found
}

#[test]
fn a_spoiled_proof_proves_nothing() {
    for keys in [1, 2, 40, 300] {
        let (map, ledger, leaves) = filled(keys);
        let others: Vec<OtherLeaf> = leaves
            .iter()
            .take(20)
            .map(|(path, value_hash)| OtherLeaf { path: *path, value_hash: *value_hash })
            .collect();
        let (mut by_leaf, mut by_nothing) = (0, 0);
        for i in (0..keys).step_by(29).chain(keys..keys + 12) {
            let key = key(i);
            let proof = map.prove(&ledger, &key).unwrap();
            verify(map.root(), &key, &proof).unwrap();
            by_leaf += usize::from(proof.other.is_some());
            by_nothing += usize::from(proof.value.is_none() && proof.other.is_none());

            let bytes = proof.encode();
            for at in 0..bytes.len() {
                for bit in 0..8 {
                    let mut bytes = bytes.clone();
                    bytes[at] ^= 1 << bit;
                    let accepted = Proof::decode_strict(&bytes)
                        .and_then(|proof| verify(map.root(), &key, &proof).map(|_| ()));
                    assert!(accepted.is_err(), "bit {bit} of byte {at}");
                }
                assert!(Proof::decode_strict(&bytes[..at]).is_err());
            }
            assert!(Proof::decode_strict(&[&bytes[..], &[0]].concat()).is_err());
            for spoiled in spoiled(&proof, &others) {
                let verdict = verify(map.root(), &key, &spoiled);
                assert!(verdict.is_err(), "{verdict:?} of {spoiled:?}");
            }
            let mut root = map.root();
            root.0[31] ^= 1;
            assert_eq!(verify(root, &key, &proof), Err(ProofError::WrongRoot));
        }
        assert!(by_leaf > 0 && (by_nothing > 0 || keys < 3), "both kinds of absence");
    }
}

#[test]
fn each_refusal_has_its_name() {
    let (map, ledger, leaves) = filled(300);
    let present = map.prove(&ledger, &key(5)).unwrap();
    let absent = (300..)
        .map(|i| map.prove(&ledger, &key(i)).unwrap())
        .find(|proof| proof.other.is_some())
        .unwrap();
    let own = OtherLeaf { path: oracle::path(&key(5)), value_hash: sha256(&value(5)) };
    let first = |with: Hash| {
        let far = leaves.keys().find(|path| path[0] >> 7 != with[0] >> 7).unwrap();
        OtherLeaf { path: *far, value_hash: leaves[far] }
    };
    let far = first(oracle::path(&absent.key));
    let walked = absent.siblings.len();
    let is = |proof: Proof, error: ProofError| {
        assert_eq!(verify(map.root(), &proof.key.clone(), &proof), Err(error));
    };
    assert_eq!(verify(map.root(), &key(6), &present), Err(ProofError::WrongKey));
    let empty = Some(vec![].try_into().unwrap());
    is(Proof { value: empty, ..present.clone() }, ProofError::EmptyValue);
    is(Proof { other: Some(own), ..present.clone() }, ProofError::ValueAndOther);
    is(Proof { value: None, other: Some(own), ..present.clone() }, ProofError::OtherIsSame);
    is(Proof { other: Some(far), ..absent.clone() }, ProofError::OtherElsewhere { walked });
    is(
        siblings_of(&present, |siblings| siblings.insert(0, None)).unwrap(),
        ProofError::LowestEmpty,
    );
    is(
        siblings_of(&present, |siblings| siblings.push(Some([0; 32]))).unwrap(),
        ProofError::ZeroSibling,
    );
    is(
        siblings_of(&present, |siblings| siblings.push(Some([1; 32]))).unwrap(),
        ProofError::WrongRoot,
    );
    is(Proof { value: None, ..present.clone() }, ProofError::WrongRoot);
    is(siblings_of(&absent, |siblings| _ = siblings.pop()).unwrap(), ProofError::WrongRoot);
    for malformed in [vec![], vec![0xff; 100], vec![0; 200_000], present.encode()[1..].to_vec()] {
        let refused = Proof::decode_strict(&malformed);
        assert!(matches!(refused, Err(ProofError::Malformed(_))));
    }
}

/// 257 siblings, a key of 1,025 bytes, a value of 65,537: refused before they are read.
#[test]
fn proofs_are_bounded() {
    type Loose = (Vec<u8>, Option<Vec<u8>>, Vec<Option<Hash>>, Option<OtherLeaf>);
    let fits: Loose = (vec![1; 1_024], Some(vec![1; 65_536]), vec![Some([1; 32]); 256], None);
    assert!(Proof::decode_strict(&fits.encode()).is_ok());
    let mut with_other = fits.clone();
    with_other.3 = Some(OtherLeaf { path: [1; 32], value_hash: [2; 32] });
    assert!(Proof::decode_strict(&with_other.encode()).is_ok());
    for (key, value, siblings) in [(1_025, 1, 1), (1, 65_537, 1), (1, 1, 257)] {
        let loose: Loose =
            (vec![1; key], Some(vec![1; value]), vec![Some([1; 32]); siblings], None);
        let bytes = loose.encode();
        assert!(Loose::decode(&mut &bytes[..]).is_ok());
        assert!(matches!(Proof::decode_strict(&bytes), Err(ProofError::Malformed(_))));
    }
}

/// Layout, docs/protocol.md §5.1, byte by byte.
#[test]
fn golden_proof() {
    let proof = Proof {
        key: vec![0xaa, 0xbb].try_into().unwrap(),
        value: None,
        siblings: vec![Some([0x11; 32]), None].try_into().unwrap(),
        other: Some(OtherLeaf { path: [0x22; 32], value_hash: [0x33; 32] }),
    };
    let expected = [
        // Two bytes of key (compact length 2 << 2), no value, two siblings: one, none; another leaf.
        &[0x08, 0xaa, 0xbb, 0x00, 0x08, 0x01][..],
        &[0x11; 32],
        &[0x00, 0x01],
        &[0x22; 32],
        &[0x33; 32],
    ];
    assert_eq!(proof.encode(), expected.concat());
    let present = Proof {
        value: Some(vec![0xcc].try_into().unwrap()),
        siblings: BoundedVec::new(),
        other: None,
        ..proof
    };
    assert_eq!(present.encode(), [0x08, 0xaa, 0xbb, 0x01, 0x04, 0xcc, 0x00, 0x00]);
}

#[test]
fn a_map_and_a_state_of_different_moments_make_no_proof() {
    let (mut map, ledger, _) = filled(100);
    map.checkpoint(&ledger).unwrap();
    let old = ledger.snapshot();
    let change = |old, new| Delta::new([(key(3), Change { old: Some(old), new })]);
    let delta = change(value(3), Some(vec![9]));
    let mut batch = Batch::new();
    delta.write_to(&mut batch);
    map.journal(&delta, &mut batch);
    let staged = map.stage(&ledger, &delta, &crate::Inline).unwrap();
    ledger.write(batch, Durability::Process).unwrap();
    // Between the write and the commit, and after both with an old snapshot.
    assert_eq!(map.prove(&ledger, &key(3)), Err(ProveError::Stale));
    map.commit(staged).unwrap();
    assert!(map.prove(&ledger, &key(3)).is_ok());
    assert_eq!(map.prove(&*old, &key(3)), Err(ProveError::Stale));
    map.checkpoint(&ledger).unwrap();
    assert_eq!(map.prove(&*old, &key(3)), Err(ProveError::Stale));
    assert_eq!(map.prove(&*old, &key(4)), Err(ProveError::Stale));
    assert!(map.prove(&ledger, &key(4)).is_ok());

    assert_eq!(map.prove(&ledger, &[0; 1_025]), Err(ProveError::KeyTooLong(1_025)));
    assert!(map.prove(&ledger, &[0; 1_024]).is_ok());
}

#[test]
fn a_damaged_page_makes_no_proof() {
    let (mut map, ledger, _) = filled(100);
    map.checkpoint(&ledger).unwrap();
    let mut pages = Vec::new();
    ledger
        .scan(Column::Pages, &[], &mut |key, value| {
            pages.push((key.to_vec(), value.to_vec()));
            core::ops::ControlFlow::Continue(())
        })
        .unwrap();
    for (page, bytes) in &pages {
        let mut batch = Batch::new();
        let mut bytes = bytes.clone();
        bytes[40] ^= 1;
        batch.put(Column::Pages, page.clone(), bytes);
        ledger.write(batch, Durability::Process).unwrap();
    }
    let refused = map.prove(&ledger, &key(1));
    assert!(matches!(refused, Err(ProveError::Fault(Fault::Corrupt(_)))));
}
