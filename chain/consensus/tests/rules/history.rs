//! The history against an oracle that knows nothing but `sha2`, golden roots, and proofs with
//! every bit of them flipped.

use blocktree_consensus::history::{
    HistoryProof, HistoryProofError, Leaf, MAX_LEAVES, Node, Peaks, PeaksError, node_count,
    peaks_at, prove,
};
use blocktree_consensus::{TargetError, Work};
use blocktree_primitives::{BlockHash, CommitmentHash, Header, Height, HistoryRoot, decode_exact};
use blocktree_state::Fault;
use parity_scale_codec::{Encode, MaxEncodedLen};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// docs/protocol.md §3.3 word by word, recursively: no positions, no peaks, no 256-bit numbers.
mod oracle {
    use sha2::{Digest, Sha256};

    pub(super) type Bytes32 = [u8; 32];

    fn tagged(tag: &str, parts: &[&[u8]]) -> Bytes32 {
        let tag = Sha256::digest(tag.as_bytes());
        let message = [&tag[..], &tag[..]].into_iter().chain(parts.iter().copied());
        Sha256::digest(message.collect::<Vec<_>>().concat()).into()
    }

    /// Little-endian addition, byte by byte.
    pub(super) fn add(left: Bytes32, right: Bytes32) -> Bytes32 {
        let (mut sum, mut carry) = ([0; 32], 0u16);
        for i in 0..32 {
            carry += u16::from(left[i]) + u16::from(right[i]);
            sum[i] = carry.to_le_bytes()[0];
            carry >>= 8;
        }
        sum
    }

    #[derive(Clone)]
    pub(super) struct Entry {
        pub(super) header: Vec<u8>,
        pub(super) work: Bytes32,
        pub(super) total_work: Bytes32,
    }

    /// Hash, leaves and work of the headers from `first` on.
    pub(super) fn range(entries: &[Entry], first: u64) -> (Bytes32, u64, Bytes32) {
        if let [one] = entries {
            let parts: [&[u8]; 3] = [&one.header, &first.to_le_bytes(), &one.total_work];
            return (tagged("blocktree/mmr-leaf", &parts), 1, one.work);
        }
        // The largest tree that is full, then the rest; a full one splits in halves.
        let mut size = 1;
        while size * 2 < entries.len() {
            size *= 2;
        }
        let (left, right) = entries.split_at(size);
        let left = range(left, first);
        let right = range(right, first + size as u64);
        let (count, work) = (left.1 + right.1, add(left.2, right.2));
        let parts: [&[u8]; 4] = [&left.0, &right.0, &count.to_le_bytes(), &work];
        (tagged("blocktree/mmr-node", &parts), count, work)
    }

    pub(super) fn root(entries: &[Entry]) -> Bytes32 {
        if entries.is_empty() { [0; 32] } else { range(entries, 0).0 }
    }
}

/// A header that meets no target; the history does not care. Bits 0x207fffff: work 2.
fn header(number: u8) -> Header {
    Header {
        version: u32::from(number),
        parent: BlockHash([number; 32]),
        commitment: CommitmentHash([number.wrapping_add(0x80); 32]),
        time: 1_700_000_000 + 60 * u32::from(number),
        bits: 0x207f_ffff,
        nonce: u32::from(number),
    }
}

/// A range with its stored nodes and its leaves.
struct Stored {
    peaks: Peaks,
    nodes: BTreeMap<u64, Node>,
    leaves: Vec<Leaf>,
    entries: Vec<oracle::Entry>,
}

/// Headers with the given bits, appended one by one.
fn stored(bits: &[u32]) -> Stored {
    let mut range = Stored {
        peaks: Peaks::new(),
        nodes: BTreeMap::new(),
        leaves: Vec::new(),
        entries: Vec::new(),
    };
    let mut total = [0; 32];
    for (number, bits) in bits.iter().enumerate() {
        let header = Header { bits: *bits, ..header(u8::try_from(number % 256).unwrap()) };
        let work = work_of(*bits);
        total = oracle::add(total, work);
        let total_work = decode_exact::<Work>(&total, 32).unwrap();
        let leaf = Leaf::new(header, Height(number as u64), total_work).unwrap();
        for (position, node) in range.peaks.append(&leaf).unwrap() {
            assert_eq!(position, range.nodes.len() as u64, "positions are dense");
            range.nodes.insert(position, node);
        }
        range.leaves.push(leaf);
        range.entries.push(oracle::Entry { header: header.encode(), work, total_work: total });
    }
    range
}

/// Work of the bits that these tests use, little-endian: literals, not computed.
fn work_of(bits: u32) -> [u8; 32] {
    let mut work = [0; 32];
    match bits {
        // ⌊2^256 / (0x7fffff · 2^232 + 1)⌋ = 2
        0x207f_ffff => work[0] = 2,
        // Bitcoin's genesis: 0x100010001
        0x1d00_ffff => work[..5].copy_from_slice(&[1, 0, 1, 0, 1]),
        // Target 1: 2^255
        0x0101_0000 => work[31] = 0x80,
        // Target 2^253 − …: 0x1fffff · 2^232: ⌊2^256 / (0x1fffff · 2^232 + 1)⌋ = 8
        0x201f_ffff => work[0] = 8,
        other => panic!("{other:#x}"),
    }
    work
}

const BITS: [u32; 3] = [0x207f_ffff, 0x1d00_ffff, 0x201f_ffff];

fn mixed(count: usize) -> Vec<u32> {
    (0..count).map(|n| BITS[n * n % 7 % 3]).collect()
}

fn read(nodes: &BTreeMap<u64, Node>) -> impl FnMut(u64) -> Result<Option<Node>, Fault> {
    |position| Ok(nodes.get(&position).copied())
}

/// Made by a few lines of Python with hashlib: headers as in `header`, total work 2 (i + 1).
#[test]
fn golden_roots() {
    for (count, root) in [
        (0, "0000000000000000000000000000000000000000000000000000000000000000"),
        (1, "675c2937531e1817c30fe8ef0b470abc259d7164f6578fff186714895f70c0f6"),
        (2, "18815a122466a1d8975992b1cbab3becbfb9bb6ca9d898c030bb570fa65e7919"),
        (3, "1fd902412e35dec55b5ebb1f24e5f4722675c1c5c4cb1ac080d9313e5cc5b118"),
        (4, "4c7ce3e853bd7f5516d1fd20eeffa5ed614dd5953685088c77ea774f142bdc50"),
        (7, "710bfac3d2f8abe8f37890a16be587e982714e9b637a1e08f991e29a7facff78"),
        (11, "5a3ab5be4c453b36b3ddba91f5fab749f58aa00ce42675eb4bcd835100d009ea"),
        (100, "9b5b70e4fdad8d8d957fb85b17a34d0b08aa096d67eaba5fbec52ea46d10a10f"),
    ] {
        let bits = vec![0x207f_ffff; count];
        assert_eq!(stored(&bits).peaks.root().to_string(), root, "{count} headers");
    }
}

#[test]
fn roots_positions_and_peaks_agree_with_the_oracle() {
    let whole = stored(&mixed(130));
    let mut peaks = Peaks::new();
    for count in 0..=130u64 {
        let entries = &whole.entries[..usize::try_from(count).unwrap()];
        assert_eq!(peaks.root().0, oracle::root(entries), "{count} headers");
        assert_eq!(peaks_at(count, read(&whole.nodes)), Ok(peaks.clone()));
        assert_eq!(decode_exact::<Peaks>(&peaks.encode(), 4096), Ok(peaks.clone()));
        if let Some(last) = entries.last() {
            assert_eq!(peaks.total_work().to_le_bytes(), last.total_work);
            // Taking headers back: what the shorter range needs is below its node count.
            let cut: BTreeMap<_, _> =
                whole.nodes.range(..node_count(count)).map(|(p, n)| (*p, *n)).collect();
            assert_eq!(peaks_at(count, read(&cut)), Ok(peaks.clone()));
            let mut short = cut;
            short.pop_last();
            assert!(matches!(peaks_at(count, read(&short)), Err(Fault::Corrupt(_))));
        }
        if let Some(leaf) = whole.leaves.get(usize::try_from(count).unwrap()) {
            peaks.append(leaf).unwrap();
        }
    }
    // 2 · 130 − 2, since 130 = 128 + 2.
    assert_eq!((whole.nodes.len(), node_count(130)), (258, 258));
}

#[test]
fn every_header_of_every_length_is_proved() {
    let whole = stored(&mixed(70));
    for count in 1..=70u64 {
        let root = peaks_at(count, read(&whole.nodes)).unwrap().root();
        for height in 0..count {
            let proof = prove(Height(height), count, read(&whole.nodes)).unwrap().unwrap();
            let leaf = &whole.leaves[usize::try_from(height).unwrap()];
            assert_eq!(proof.verify(leaf, count, &root), Ok(()), "{height} of {count}");
        }
        assert_eq!(prove(Height(count), count, read(&whole.nodes)), Ok(None));
    }
    assert_eq!(prove(Height(0), u64::MAX, read(&whole.nodes)), Ok(None));
}

#[test]
fn only_the_next_header_is_appended() {
    let Stored { mut peaks, leaves, .. } = stored(&mixed(5));
    let before = peaks.clone();
    let again = peaks.append(&leaves[4]);
    assert_eq!(again, Err(PeaksError::NotNext { expected: 5, found: 4 }));
    // Work that would not fit 256 bits: 2^255 twice.
    let heavy = |height, total| {
        let header = Header { bits: 0x0101_0000, ..header(0) };
        Leaf::new(header, Height(height), total).unwrap()
    };
    assert!(peaks.append(&heavy(5, Work::ZERO)).is_ok());
    let full = peaks.clone();
    assert_eq!(peaks.append(&heavy(6, Work::ZERO)), Err(PeaksError::Full));
    assert_eq!(peaks, full, "nothing changed");
    assert_ne!(before, full);
    let zero = Header { bits: 0, ..header(0) };
    assert_eq!(Leaf::new(zero, Height(0), Work::ZERO), Err(TargetError::Zero));
}

#[test]
fn encodings_of_peaks_are_strict() {
    let Stored { peaks, .. } = stored(&mixed(7));
    let bytes = peaks.encode();
    assert_eq!(bytes.len(), 8 + 3 * 64);
    assert_eq!(Peaks::max_encoded_len(), 8 + 63 * 64);
    assert!(decode_exact::<Peaks>(&bytes[..bytes.len() - 1], 4096).is_err());
    let mut fewer = bytes.clone();
    fewer[0] = 6;
    assert!(decode_exact::<Peaks>(&fewer, 4096).is_err(), "two peaks and 64 bytes over");
    let too_long = [(MAX_LEAVES + 1).to_le_bytes().to_vec(), vec![0; 128]].concat();
    assert!(decode_exact::<Peaks>(&too_long, 4096).is_err());
    let overflowing = [3u64.to_le_bytes().to_vec(), vec![0xff; 128]].concat();
    assert!(decode_exact::<Peaks>(&overflowing, 4096).is_err());
    let siblings = vec![Node { hash: [0; 32], work: Work::ZERO }; 65];
    assert!(decode_exact::<HistoryProof>(&siblings.encode(), 1 << 20).is_err(), "at most 64");
}

#[test]
fn wrong_places_and_lengths_are_refused_by_name() {
    let range = stored(&mixed(21));
    let (leaf, root) = (&range.leaves[20], range.peaks.root());
    let proof = prove(Height(20), 21, read(&range.nodes)).unwrap().unwrap();
    // 21 = 16 + 4 + 1: the last header has the two trees to its left.
    assert_eq!(proof.siblings.len(), 2);
    assert_eq!(
        proof.verify(leaf, 20, &root),
        Err(HistoryProofError::OutOfRange { height: Height(20), leaf_count: 20 })
    );
    // 22 = 16 + 4 + 2: one sibling, then two trees.
    assert_eq!(
        proof.verify(leaf, 22, &root),
        Err(HistoryProofError::WrongLength { expected: 3, found: 2 })
    );
    // 25 = 16 + 8 + 1: header 20 is within the eight, 3 siblings, one tree right, one left.
    assert_eq!(
        proof.verify(leaf, 25, &root),
        Err(HistoryProofError::WrongLength { expected: 5, found: 2 })
    );
    assert_eq!(
        proof.verify(leaf, MAX_LEAVES + 1, &root),
        Err(HistoryProofError::OutOfRange { height: Height(20), leaf_count: MAX_LEAVES + 1 })
    );
    let mut longer = proof.clone();
    longer.siblings.push(longer.siblings[0]).unwrap();
    assert_eq!(
        longer.verify(leaf, 21, &root),
        Err(HistoryProofError::WrongLength { expected: 2, found: 3 })
    );
    // Header 19 is within the four: 2 siblings, the last header to the right, 16 to the left.
    assert_eq!(
        proof.verify(&range.leaves[19], 21, &root),
        Err(HistoryProofError::WrongLength { expected: 4, found: 2 })
    );
    let mut huge = proof.clone();
    huge.siblings = vec![Node { hash: [0; 32], work: decode_exact(&[0xff; 32], 32).unwrap() }; 2]
        .try_into()
        .unwrap();
    assert_eq!(huge.verify(leaf, 21, &root), Err(HistoryProofError::WrongWork));
    assert_eq!(proof.verify(leaf, 21, &HistoryRoot::ZERO), Err(HistoryProofError::WrongRoot));
}

/// A root made by a liar: the total work in a leaf is not what the sums say.
#[test]
fn a_total_that_does_not_add_up_is_refused_under_the_liars_own_root() {
    let Stored { mut peaks, mut nodes, .. } = stored(&mixed(3));
    let lie = Leaf::new(header(3), Height(3), Work::from_hashes(1_000_000u64)).unwrap();
    nodes.extend(peaks.append(&lie).unwrap());
    let proof = prove(Height(3), 4, read(&nodes)).unwrap().unwrap();
    assert_eq!(proof.verify(&lie, 4, &peaks.root()), Err(HistoryProofError::WrongWork));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_range_has_the_oracles_root(picks in prop::collection::vec(0usize..3, 0..200)) {
        let bits: Vec<u32> = picks.iter().map(|pick| BITS[*pick]).collect();
        let range = stored(&bits);
        prop_assert_eq!(range.peaks.root().0, oracle::root(&range.entries));
    }

    #[test]
    fn a_flipped_bit_anywhere_is_refused(
        count in 1u64..60, pick: prop::sample::Index, place: prop::sample::Index, bit in 0usize..8,
    ) {
        let range = stored(&mixed(usize::try_from(count).unwrap()));
        let height = pick.index(range.leaves.len());
        let proof = prove(Height(height as u64), count, read(&range.nodes)).unwrap().unwrap();
        prop_assert_eq!(decode_exact::<HistoryProof>(&proof.encode(), 8192), Ok(proof.clone()));
        // Header 80, total work 32, root 32, leaf count 8, then the siblings.
        let leaf = &range.leaves[height];
        let fixed = (*leaf.header(), leaf.total_work(), range.peaks.root(), count).encode();
        let mut bytes = [fixed, proof.encode()].concat();
        bytes[place.index(152 + proof.encode().len())] ^= 1 << bit;
        let (fixed, siblings) = bytes.split_at(152);
        let (header, total, root, leaf_count) =
            decode_exact::<(Header, Work, HistoryRoot, u64)>(fixed, 152).unwrap();
        let Ok(tampered) = decode_exact::<HistoryProof>(siblings, 8192) else { return Ok(()) };
        let Ok(leaf) = Leaf::new(header, leaf.height(), total) else { return Ok(()) };
        // A single header has no siblings, and its root says nothing of a count.
        prop_assert!(tampered.verify(&leaf, leaf_count, &root).is_err());
    }
}
