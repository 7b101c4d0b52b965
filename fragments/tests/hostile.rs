//! What comes from outside and is not what it should be: refused by name, never a panic,
//! and nothing large is made of something small. One target for each decoder.

#![allow(clippy::unwrap_used)]

mod common;

use blocktree_fragments::{
    BlockDecoder, BuildError, CodeError, Codec, FragmentCause, FragmentId, Header, HeaderError,
    LayoutError, MAX_HEADER, MAX_PAYLOAD, Manifest, ManifestError, Readcap, Secrecy, SegmentError,
    TreeBlock, read_fragment, verify_leaf,
};
use blocktree_primitives::{BlockHash, FragmentRoot, Principal, SecretKey, tags};
use common::{GENESIS, block, draft, fragments, noise, owner, path, secret, target};
use parity_scale_codec::{Decode, Encode};
use proptest::prelude::*;

/// A header as docs/protocol.md §9.1 has it, whatever is in it, with a good signature: an
/// owner can be hostile, too.
struct Forged {
    format: u8,
    kind: u8,
    codec: u8,
    k: u16,
    payload_size: u64,
    access: Vec<u8>,
    signer: SecretKey,
}

impl Forged {
    fn good() -> Self {
        let mut access = vec![1];
        access.extend([0x24; 24]);
        access.push(1 << 2);
        access.extend(path().root().0);
        access.extend([0; 80]);
        Self { format: 1, kind: 0, codec: 1, k: 2, payload_size: 1_000, access, signer: owner() }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![self.format];
        bytes.extend(path().encode());
        bytes.extend(5u64.to_le_bytes());
        bytes.extend([self.kind, self.codec]);
        bytes.extend(self.k.to_le_bytes());
        bytes.extend(self.payload_size.to_le_bytes());
        bytes.extend([0x77; 32]);
        bytes.extend(&self.access);
        bytes.push(0);
        bytes.extend(self.signer.public_key().0);
        let digest = tags::TREE_BLOCK.hash(&[&GENESIS.0, &bytes]);
        bytes.extend(self.signer.sign(&digest).0);
        bytes
    }

    fn refusal(&self) -> HeaderError {
        Header::read(&self.bytes(), &GENESIS).unwrap_err()
    }
}

#[test]
fn hostile_headers_are_refused_by_name() {
    let good = Forged::good;
    assert!(Header::read(&good().bytes(), &GENESIS).is_ok());
    assert_eq!(Header::read(&[], &GENESIS), Err(HeaderError::Empty));
    assert_eq!(Forged { format: 2, ..good() }.refusal(), HeaderError::Format(2));
    for k in [0, 257, u16::MAX] {
        let expected = HeaderError::Code(CodeError::Threshold(k));
        assert_eq!(Forged { k, ..good() }.refusal(), expected);
    }
    for size in [MAX_PAYLOAD + 1, 1 << 40, u64::MAX] {
        let expected = HeaderError::Layout(LayoutError { size });
        assert_eq!(Forged { payload_size: size, ..good() }.refusal(), expected);
    }
    for payload_size in [0, 16] {
        let expected = HeaderError::PayloadTooShort(payload_size);
        assert_eq!(Forged { payload_size, ..good() }.refusal(), expected);
    }
    for (kind, codec) in [(2, 1), (0, 2), (255, 1), (0, 255)] {
        let refusal = Forged { kind, codec, ..good() }.refusal();
        assert!(matches!(refusal, HeaderError::Malformed(_)), "{refusal}");
    }
    // Nobody can read it; nine readers; the owner twice; somebody else first.
    let readers = |readers: &[[u8; 32]]| {
        let mut access = vec![1];
        access.extend([0x24; 24]);
        access.push(u8::try_from(readers.len()).unwrap() << 2);
        for reader in readers {
            access.extend(reader);
            access.extend([0; 80]);
        }
        Forged { access, ..good() }.refusal()
    };
    let me = path().root();
    assert_eq!(readers(&[]), HeaderError::NoRootReadcap);
    assert!(matches!(readers(&[me.0; 9]), HeaderError::Malformed(_)));
    assert_eq!(readers(&[me.0, me.0]), HeaderError::RepeatedReader(me));
    assert_eq!(readers(&[[1; 32], me.0]), HeaderError::NoRootReadcap);
    // A count of 2^30 - 1 readers with nothing behind it.
    let mut access = vec![1];
    access.extend([0x24; 24]);
    access.extend([0xfe, 0xff, 0xff, 0xff]);
    assert!(matches!(Forged { access, ..good() }.refusal(), HeaderError::Malformed(_)));
    // Signed by another, and for another chain.
    let signer = SecretKey::from_bytes([8; 32]).unwrap();
    assert_eq!(Forged { signer, ..good() }.refusal(), HeaderError::NotTheRoot);
    let other = BlockHash([0x12; 32]);
    assert_eq!(Header::read(&good().bytes(), &other), Err(HeaderError::Signature));
}

#[test]
fn a_large_payload_said_by_a_small_header_takes_no_memory() {
    // The header promises 512 MiB; all that the decoder holds is what it is given, and that is
    // refused for its length.
    let header = Header::read(
        &Forged { payload_size: MAX_PAYLOAD, k: 1, ..Forged::good() }.bytes(),
        &GENESIS,
    )
    .unwrap();
    let mut bytes = header.bytes().to_vec();
    bytes.extend([0; 64]);
    let cause = read_fragment(&bytes, &GENESIS).unwrap_err();
    // 536,871,184 bytes in stripes of 32,768: 16,384.008 -> 16,385 of them; of 32,766.01 bytes,
    // in units of 64: 32,768.
    let expected = header.bytes().len() as u64 + 16_385 * 32_768;
    let found = bytes.len() as u64;
    assert_eq!(cause, FragmentCause::Length { expected, found });
    let key = blocktree_fragments::BlockKey::new([0; 32]);
    let mut decoder = BlockDecoder::new(header.clone(), header.seal_secret(Some(&key)).unwrap());
    let fault = decoder.add(target(0), &FragmentRoot([0; 32]), bytes).unwrap_err();
    assert_eq!(fault.cause, FragmentCause::Length { expected, found });
    assert!(decoder.decode().is_err());
}

#[test]
fn hostile_manifests_are_refused_by_name() {
    let manifest = |file: u64, segment: u32, count: &[u8], listed: usize| {
        let mut bytes = vec![1];
        bytes.extend(file.to_le_bytes());
        bytes.extend(segment.to_le_bytes());
        bytes.extend(count);
        bytes.extend(vec![0; listed * 40]);
        Manifest::decode(&bytes)
    };
    assert!(manifest(20, 10, &[2 << 2], 2).is_ok());
    assert_eq!(Manifest::decode(&[]), Err(ManifestError::Empty));
    assert_eq!(Manifest::decode(&[7, 0]), Err(ManifestError::Format(7)));
    let count = |expected, found| Err(ManifestError::Count { expected, found });
    assert_eq!(manifest(21, 10, &[2 << 2], 2), count(3, 2));
    assert_eq!(manifest(20, 10, &[3 << 2], 3), count(2, 3));
    assert_eq!(manifest(20, 10, &[0], 0), count(2, 0));
    assert_eq!(manifest(10, 10, &[1 << 2], 1), Err(ManifestError::Single));
    assert_eq!(manifest(0, 10, &[0], 0), Err(ManifestError::Single));
    for segment in [0, (512 << 20) + 1, u32::MAX] {
        let expected = ManifestError::Segments(SegmentError::Size(segment.into()));
        assert_eq!(manifest(20, segment, &[0], 0), Err(expected));
    }
    for (file, segment) in [(u64::MAX, 1), (u64::MAX, 512 << 20), (65_537, 1)] {
        let error = manifest(file, segment, &[0], 0).unwrap_err();
        assert!(matches!(error, ManifestError::Segments(SegmentError::TooMany { .. })), "{error}");
    }
    // 65,537 and 2^30 - 1 segments, with nothing behind the count; and one byte too many.
    for count in [[0x06, 0x00, 0x04, 0x00], [0xfe, 0xff, 0xff, 0xff]] {
        assert!(matches!(manifest(20, 10, &count, 0), Err(ManifestError::Encoding(_))));
    }
    let mut bytes = manifest(20, 10, &[2 << 2], 2).unwrap().encode();
    bytes.push(0);
    assert!(matches!(Manifest::decode(&bytes), Err(ManifestError::Encoding(_))));
    assert!(matches!(
        Manifest::decode(&vec![1; blocktree_fragments::MAX_MANIFEST + 1]),
        Err(ManifestError::Encoding(_))
    ));
}

#[test]
fn blocks_that_cannot_be_built() {
    let other = SecretKey::from_bytes([8; 32]).unwrap();
    let build = |owner: &SecretKey, ephemeral| {
        let fresh = blocktree_fragments::Fresh { ephemeral, ..common::fresh() };
        let secrecy = Secrecy::Encrypted { fresh: &fresh, real_name: None };
        TreeBlock::build(draft(Codec::ReedSolomon, 2), secrecy, vec![1], &GENESIS, owner)
    };
    assert!(matches!(build(&owner(), [0; 32]), Err(BuildError::Readcap(_))));
    // Its own path alone: the first readcap would be another's.
    assert!(matches!(build(&other, [9; 32]), Err(BuildError::Header(_))));
}

/// Bytes of any kind, or good ones with some of them changed, cut or added to.
fn mutated(good: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let len = good.len();
    let edits = prop::collection::vec((0..len, any::<u8>()), 1..8);
    let changed = (edits, 0..=len, prop::collection::vec(any::<u8>(), 0..80)).prop_map(
        move |(edits, keep, tail)| {
            let mut bytes = good.clone();
            for (at, to) in edits {
                bytes[at] = to;
            }
            bytes.truncate(keep.max(1));
            bytes.extend(tail);
            bytes
        },
    );
    prop_oneof![prop::collection::vec(any::<u8>(), 0..600), changed]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Fuzz target: headers. What is read is what was there, byte for byte.
    #[test]
    fn any_bytes_as_a_header(bytes in mutated(block(Codec::ReedSolomon, 2, noise(50)).header().bytes().to_vec())) {
        if let Ok(header) = Header::read(&bytes, &GENESIS) {
            prop_assert!(bytes.starts_with(header.bytes()));
            prop_assert!(header.bytes().len() <= MAX_HEADER);
        }
    }

    /// Fuzz target: whole fragments.
    #[test]
    fn any_bytes_as_a_fragment(bytes in mutated(fragments(&block(Codec::RaptorQ, 2, noise(50)), [2]).remove(0).bytes)) {
        if let Ok((header, body)) = read_fragment(&bytes, &GENESIS) {
            prop_assert_eq!([header.bytes(), body].concat(), bytes);
        }
    }

    /// Fuzz target: signed headers with any parameters.
    #[test]
    fn any_parameters_in_a_signed_header(
        k in prop_oneof![0u16..4, any::<u16>()],
        codec in 0u8..3,
        payload_size in prop_oneof![0u64..40, 0..=MAX_PAYLOAD + 1, any::<u64>()],
        encrypted in any::<bool>(),
    ) {
        let mut forged = Forged { k, codec, payload_size, ..Forged::good() };
        if !encrypted {
            forged.access = vec![0];
        }
        let lowest = if encrypted { 17 } else { 0 };
        let good = (1..=256).contains(&k) && codec < 2
            && (lowest..=MAX_PAYLOAD).contains(&payload_size);
        match Header::read(&forged.bytes(), &GENESIS) {
            Ok(header) => {
                prop_assert!(good);
                let layout = header.layout();
                prop_assert!(layout.padded() as u64 >= payload_size);
                // Never more than one unit of 64 bytes for each symbol above the payload.
                let most = payload_size + 64 * u64::from(k) * layout.stripes() as u64;
                prop_assert!(layout.padded() as u64 <= most);
                prop_assert!((64..=32_768).contains(&layout.symbol()));
            }
            Err(error) => prop_assert!(!good, "{error}"),
        }
    }

    /// Fuzz target: manifests. What is read is written the same.
    #[test]
    fn any_bytes_as_a_manifest(bytes in mutated({
        let mut good = vec![1];
        good.extend(20u64.to_le_bytes());
        good.extend(10u32.to_le_bytes());
        good.push(2 << 2);
        good.extend([3; 80]);
        good
    })) {
        if let Ok(manifest) = Manifest::decode(&bytes) {
            prop_assert_eq!(manifest.encode(), bytes);
        }
    }

    /// Fuzz target: readcaps. None opens but the one that was made.
    #[test]
    fn any_bytes_as_a_readcap(bytes in prop::collection::vec(any::<u8>(), 112)) {
        let mut readcap = Readcap::decode(&mut &bytes[..]).unwrap();
        prop_assert!(readcap.unwrap_key(&owner(), &path(), 5).is_err());
        readcap.reader = Principal::of(&owner().public_key());
        prop_assert!(readcap.unwrap_key(&owner(), &path(), 5).is_err());
    }

    /// Fuzz target: proofs of leaves.
    #[test]
    fn any_bytes_as_a_leaf(
        size in any::<u64>(),
        index in any::<u64>(),
        leaf in prop::collection::vec(any::<u8>(), 0..300),
        siblings in prop::collection::vec(any::<[u8; 32]>(), 0..66),
    ) {
        prop_assert!(verify_leaf(&[7; 32], size, index, &leaf, &siblings).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// Fuzz target: the erasure decoders, with any bytes as fragments of any ids, all of them
    /// placed as they are: they end in the block or in a named error.
    #[test]
    fn any_bytes_as_fragments(
        codec in prop_oneof![Just(Codec::RaptorQ), Just(Codec::ReedSolomon)],
        k in 1u16..20,
        len in 0usize..3_000,
        ids in prop::collection::btree_set(
            prop_oneof![4 => 0u32..40, 1 => 0u32..3_000, 1 => any::<u32>()], 0..30),
        seed in any::<u8>(),
        good in any::<bool>(),
    ) {
        let block = block(codec, k, noise(len));
        let code = block.header().code();
        let ids: Vec<u32> =
            ids.into_iter().filter(|id| code.check_id(FragmentId(*id)).is_ok()).collect();
        let mut decoder = BlockDecoder::new(block.header().clone(), secret(&block));
        let mut all = if ids.is_empty() { Vec::new() } else { fragments(&block, ids) };
        for fragment in &mut all {
            if !good {
                let header = block.header().bytes().len();
                for (at, byte) in fragment.bytes.iter_mut().enumerate().skip(header) {
                    *byte = byte.wrapping_add(seed).wrapping_add(at.to_le_bytes()[0]);
                }
                fragment.root = FragmentRoot(
                    blocktree_fragments::fragment_root(&fragment.bytes).unwrap());
            }
            // More than k + 16 are refused, by name.
            let _ = decoder.add(fragment.target, &fragment.root, fragment.bytes.clone());
        }
        if let Ok(decoded) = decoder.decode() {
            prop_assert!(decoded == block);
        }
    }
}
