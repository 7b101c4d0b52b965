//! Files to fragments and back, with fragments lost, changed, and made anew.

#![allow(clippy::unwrap_used)]

mod common;

use blocktree_fragments::{
    BlockDecoder, Codec, Damage, EncodeError, FilePlan, FragmentCause, FragmentEncoder,
    FragmentTree, Kind, Manifest, NameKey, OpenError, RecoverError, RootBuilder, RunError,
    RunLevel, SealedFragment, Secrecy, Segment, SegmentSize, TreeBlock, encode_fragments,
    fragment_root, read_fragment, segment_path, verify_run,
};
use blocktree_primitives::{FragmentRoot, Name};
use common::{GENESIS, block, draft, fragments, fresh, noise, owner, path, secret, target};
use proptest::prelude::*;
use proptest::sample::subsequence;

/// A decoder as whoever restores a wallet has it: from one fragment and the owner's key.
fn restored(fragment: &SealedFragment) -> BlockDecoder {
    let (header, _) = read_fragment(&fragment.bytes, &GENESIS).unwrap();
    let key = header.block_key(&owner()).unwrap();
    let secret = header.seal_secret(key.as_ref()).unwrap();
    BlockDecoder::new(header, secret)
}

fn add_all(decoder: &mut BlockDecoder, fragments: &[SealedFragment]) {
    for fragment in fragments {
        decoder.add(fragment.target, &fragment.root, fragment.bytes.clone()).unwrap();
    }
}

/// k, n, data, and which fragments are left; more of them than k by `extra`.
fn losses(extra: u16) -> impl Strategy<Value = (u16, Vec<u8>, Vec<u32>)> {
    (1u16..12, 0u16..12, 0usize..200_000).prop_flat_map(move |(k, more, len)| {
        let n = u32::from(k + more + extra);
        let left = subsequence((0..n).collect::<Vec<_>>(), usize::from(k + extra));
        (Just(k), Just(noise(len)), left.prop_shuffle())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// (L26): exactly k of n, whichever they are.
    #[test]
    fn any_k_fragments_are_enough((k, data, left) in losses(0)) {
        let block = block(Codec::ReedSolomon, k, data.clone());
        let fragments = fragments(&block, left);
        let mut decoder = restored(&fragments[0]);
        add_all(&mut decoder, &fragments);
        let decoded = decoder.decode().unwrap();
        prop_assert_eq!(&decoded, &block);
        let key = decoded.header().block_key(&owner()).unwrap();
        prop_assert!(decoded.open(key.as_ref()).unwrap().data == data);
    }

    /// (B58): k + 2 of n. That k + 2 fail has a probability below 1 in 10^6 (RFC 6330, §1).
    #[test]
    fn any_k_and_two_are_enough_for_raptorq((k, data, left) in losses(2)) {
        let block = block(Codec::RaptorQ, k, data);
        let fragments = fragments(&block, left);
        let mut decoder = restored(&fragments[0]);
        add_all(&mut decoder, &fragments);
        prop_assert!(decoder.decode().unwrap() == block);
    }

    /// With exactly k, RaptorQ gives the block or says that it cannot; never another block.
    #[test]
    fn k_fragments_of_raptorq_are_enough_or_named((k, data, left) in losses(0)) {
        let block = block(Codec::RaptorQ, k, data);
        let fragments = fragments(&block, left);
        let mut decoder = restored(&fragments[0]);
        add_all(&mut decoder, &fragments);
        match decoder.decode() {
            Ok(decoded) => prop_assert!(decoded == block),
            Err(error) => prop_assert_eq!(error, RecoverError::Undetermined { have: k.into() }),
        }
    }

    /// Any bit of any fragment: refused with its number, and the leaf is found.
    #[test]
    fn a_flipped_bit_is_named(
        codec in prop_oneof![Just(Codec::RaptorQ), Just(Codec::ReedSolomon)],
        len in 0usize..60_000,
        which in 0usize..5,
        place in any::<prop::sample::Index>(),
        bit in 0u8..8,
    ) {
        let block = block(codec, 3, noise(len));
        let mut all = fragments(&block, [0, 1, 2, 3, 4, 5, 6]);
        let good = all[which].clone();
        let byte = place.index(good.bytes.len());
        all[which].bytes[byte] ^= 1 << bit;

        let mut decoder = restored(&all[6]);
        let bad = &all[which];
        let fault = decoder.add(bad.target, &bad.root, bad.bytes.clone()).unwrap_err();
        prop_assert_eq!(fault.target, bad.target);
        prop_assert_eq!(fault.cause, FragmentCause::WrongRoot);

        // The others give the block, and with it the fragment as it was: the first leaf that
        // differs from what was sent.
        all.remove(which);
        add_all(&mut decoder, &all);
        let decoded = decoder.decode().unwrap();
        let made = encode_fragments(&decoded, &secret(&decoded), &[good.target]).unwrap();
        prop_assert!(made[0] == good);
        let tree = FragmentTree::build(&made[0].bytes).unwrap();
        let mut sent = good.bytes.clone();
        sent[byte] ^= 1 << bit;
        prop_assert_eq!(tree.check(&sent), Err(Damage::Leaf(byte as u64 / 256)));
        prop_assert_eq!(tree.check(&good.bytes), Ok(()));
    }

    /// Fetched in runs, the run that has the wrong byte is refused and no other.
    #[test]
    fn a_flipped_bit_is_found_in_its_run(
        len in 1usize..70_000,
        level in 0u8..9,
        place in any::<prop::sample::Index>(),
        bit in 0u8..8,
    ) {
        let data = noise(len);
        let tree = FragmentTree::build(&data).unwrap();
        let level = RunLevel::new(level).unwrap();
        let mut sent = data.clone();
        let byte = place.index(len);
        sent[byte] ^= 1 << bit;
        let runs = sent.chunks(usize::try_from(level.bytes()).unwrap());
        prop_assert_eq!(runs.len() as u64, level.runs(len as u64));
        for (index, run) in (0..).zip(runs) {
            let proof = tree.prove_run(level, index).unwrap();
            let size = len as u64;
            let result = verify_run(&tree.root(), size, level, index, run, &proof.siblings);
            prop_assert_eq!(result.is_err(), byte as u64 / level.bytes() == index);
            let short = &run[..run.len() - 1];
            let result = verify_run(&tree.root(), size, level, index, short, &proof.siblings);
            prop_assert!(matches!(result, Err(RunError::Length { .. })), "{:?}", result);
        }
        let outside = level.runs(len as u64);
        prop_assert!(tree.prove_run(level, outside).is_err());
        prop_assert!(verify_run(&tree.root(), len as u64, level, outside, &[], &[]).is_err());
    }

    /// A root made in parts is the root.
    #[test]
    fn roots_in_parts(len in 0usize..500_000, cuts in prop::collection::vec(1usize..200_000, 0..8)) {
        let data = noise(len);
        let mut builder = RootBuilder::new();
        let mut rest = &data[..];
        for cut in cuts {
            let (now, later) = rest.split_at(cut.min(rest.len()));
            builder.update(now);
            rest = later;
        }
        builder.update(rest);
        prop_assert_eq!(builder.finish(), fragment_root(&data));
    }
}

#[test]
fn too_few_fragments_are_counted() {
    for codec in [Codec::RaptorQ, Codec::ReedSolomon] {
        let block = block(codec, 4, noise(10_000));
        let fragments = fragments(&block, [9, 2, 5]);
        let mut decoder = restored(&fragments[0]);
        for have in 0..=3 {
            assert_eq!(decoder.decode(), Err(RecoverError::TooFew { have, needed: 4 }));
            add_all(&mut decoder, &fragments[have.min(2)..][..usize::from(have < 3)]);
        }
        let error = decoder.decode().unwrap_err();
        assert_eq!(error.to_string(), "3 of the 4 fragments that are needed");
    }
}

#[test]
fn fragments_that_are_of_no_use_are_named() {
    let block = block(Codec::ReedSolomon, 2, noise(1_000));
    let all = fragments(&block, 0..20);
    let mut decoder = restored(&all[0]);
    let mut cause = |fragment: &SealedFragment| {
        decoder
            .add(fragment.target, &fragment.root, fragment.bytes.clone())
            .map_err(|fault| fault.cause)
    };
    let mut wrong = all[0].clone();
    wrong.target.id.0 = 65_534;
    assert!(matches!(cause(&wrong), Err(FragmentCause::Code(_))));
    let mut wrong = all[0].clone();
    wrong.bytes.push(0);
    assert!(matches!(cause(&wrong), Err(FragmentCause::Length { .. })));
    // Another provider's fragment under this one's root (L18).
    let wrong = SealedFragment { bytes: all[1].bytes.clone(), ..all[0].clone() };
    assert_eq!(cause(&wrong), Err(FragmentCause::WrongRoot));
    // Placed with another block's header.
    let mut wrong = all[0].clone();
    wrong.bytes[40] ^= 1;
    wrong.root = FragmentRoot(fragment_root(&wrong.bytes).unwrap());
    assert_eq!(cause(&wrong), Err(FragmentCause::OtherHeader));
    assert!(cause(&all[0]).is_ok());
    assert_eq!(cause(&all[0]), Err(FragmentCause::Repeated));
    for fragment in &all[1..18] {
        assert!(cause(fragment).is_ok());
    }
    assert_eq!(cause(&all[18]), Err(FragmentCause::Enough(18)));
}

#[test]
fn fragments_placed_wrong_make_no_block() {
    // One has the root of its placement, and is not of the code: nothing but the payload's
    // root can tell. Its first byte: 1,017 bytes are 2 symbols of 512, the end is padding.
    let block = block(Codec::ReedSolomon, 2, noise(1_000));
    let mut all = fragments(&block, [0, 5]);
    let body = all[1].bytes.len() - 512;
    all[1].bytes[body] ^= 1;
    all[1].root = FragmentRoot(fragment_root(&all[1].bytes).unwrap());
    let mut decoder = restored(&all[0]);
    add_all(&mut decoder, &all);
    assert_eq!(decoder.decode(), Err(RecoverError::WrongPayload));
}

#[test]
fn a_repaired_fragment_has_a_new_id_and_fits() {
    for codec in [Codec::RaptorQ, Codec::ReedSolomon] {
        let block = block(codec, 3, noise(100_000));
        let old = fragments(&block, [1, 4, 7, 8, 9]);
        let mut decoder = restored(&old[0]);
        add_all(&mut decoder, &old);
        let decoded = decoder.decode().unwrap();
        // Minted from the decoded block, by whoever has the key alone.
        let new = fragments(&decoded, [1_000, 1_001, 1_002, 1_003, 1_004]);
        let mut decoder = restored(&new[4]);
        add_all(&mut decoder, &new);
        assert_eq!(decoder.decode().unwrap(), block);
    }
}

#[test]
fn no_two_providers_store_the_same() {
    // (L11, L17): the same fragment for two providers differs in all of its body.
    let block = block(Codec::ReedSolomon, 2, vec![0; 100_000]);
    let mut other = target(3);
    other.provider.0[31] ^= 1;
    let secret = secret(&block);
    let one = encode_fragments(&block, &secret, &[target(3)]).unwrap().remove(0);
    let two = encode_fragments(&block, &secret, &[other]).unwrap().remove(0);
    assert_ne!(one.root, two.root);
    let header = block.header().bytes().len();
    let same = one.bytes.iter().zip(&two.bytes).skip(header).filter(|(a, b)| a == b).count();
    // Bytes agree by chance, 1 in 256: of 50,048 some 195, and 14 is a standard deviation.
    assert!(same < 300, "{same}");
}

#[test]
fn a_stripe_at_a_time_is_the_same() {
    for codec in [Codec::RaptorQ, Codec::ReedSolomon] {
        // Four stripes: 300,017 / (3 · 32,768) = 3.05.
        let block = block(codec, 3, noise(300_000));
        assert_eq!(block.header().layout().stripes(), 4);
        let whole = fragments(&block, [0, 2, 6]);
        let targets = [target(0), target(2), target(6)];
        let mut encoder = FragmentEncoder::new(&block, &secret(&block), &targets).unwrap();
        let mut parts = vec![block.header().bytes().to_vec(); 3];
        while let Some(symbols) = encoder.next_stripe() {
            for (part, symbol) in parts.iter_mut().zip(symbols) {
                part.extend_from_slice(symbol);
            }
        }
        for ((root, part), fragment) in encoder.finish().iter().zip(parts).zip(whole) {
            assert_eq!((*root, part), (fragment.root, fragment.bytes));
        }
        // Roots do not depend on whether the stripes were taken.
        let encoder = FragmentEncoder::new(&block, &secret(&block), &targets).unwrap();
        assert_eq!(encoder.finish()[2], fragments(&block, [6])[0].root);
    }
}

#[test]
fn targets_that_are_refused() {
    let block = block(Codec::ReedSolomon, 2, noise(10));
    let encode = |targets: &[_]| encode_fragments(&block, &secret(&block), targets).unwrap_err();
    assert_eq!(encode(&[]), EncodeError::Count(0));
    let many: Vec<_> = (0..257).map(target).collect();
    assert_eq!(encode(&many), EncodeError::Count(257));
    assert_eq!(encode(&[target(4), target(4)]), EncodeError::Repeated(target(4).id));
    assert!(matches!(encode(&[target(65_534)]), EncodeError::Code(_)));
}

#[test]
fn a_public_block_needs_no_key() {
    let data = noise(5_000);
    let block = TreeBlock::build(
        draft(Codec::ReedSolomon, 2),
        Secrecy::Public,
        data.clone(),
        &GENESIS,
        &owner(),
    )
    .unwrap();
    assert!(block.payload() == data, "plain");
    assert_eq!(block.header().block_key(&owner()), Ok(None));
    let fragments = fragments(&block, [1, 3]);
    let (header, body) = read_fragment(&fragments[0].bytes, &GENESIS).unwrap();
    assert!(!body.starts_with(&data[2_560..2_600]), "sealed all the same");
    let secret = header.seal_secret(None).unwrap();
    let mut decoder = BlockDecoder::new(header, secret);
    add_all(&mut decoder, &fragments);
    let opened = decoder.decode().unwrap().open(None).unwrap();
    assert!(opened.data == data && opened.real_name.is_none());
}

#[test]
fn an_encrypted_block_needs_its_key() {
    let data = noise(5_000);
    let block = block(Codec::ReedSolomon, 2, data.clone());
    assert!(!block.payload().starts_with(&data[..16]));
    assert_eq!(block.payload().len(), data.len() + 17);
    assert!(block.header().seal_secret(None).is_none());
    assert_eq!(block.clone().open(None), Err(OpenError::NeedsKey));
    let wrong = blocktree_fragments::BlockKey::new([1; 32]);
    assert_eq!(block.open(Some(&wrong)), Err(OpenError::NotAuthentic));
}

#[test]
fn a_hidden_name_travels_in_the_payload() {
    let real = Name::new("diary.txt").unwrap();
    let hidden = NameKey::of(&owner()).hide(&path(), &real).unwrap();
    let mut draft = draft(Codec::ReedSolomon, 1);
    draft.path = blocktree_primitives::BlockPath::new(path().root(), vec![hidden]).unwrap();
    let secrecy = Secrecy::Encrypted { fresh: &fresh(), real_name: Some(&real) };
    let block = TreeBlock::build(draft, secrecy, b"data".to_vec(), &GENESIS, &owner()).unwrap();
    let everything = [block.header().bytes(), block.payload()].concat();
    assert!(!everything.windows(5).any(|window| window == b"diary"));
    let key = block.header().block_key(&owner()).unwrap();
    let opened = block.open(key.as_ref()).unwrap();
    assert_eq!((opened.data, opened.real_name), (b"data".to_vec(), Some(real)));
}

/// A file of several segments, one segment in memory at a time, restored from the owner's
/// key and what stands at its path (L25).
#[test]
fn a_long_file_is_a_directory_of_segments() {
    let file = noise(25_000);
    let plan = FilePlan::new(25_000, SegmentSize::new(10_000).unwrap()).unwrap();
    let mut stored = Vec::new();
    let mut segments = Vec::new();
    for index in 0..plan.segments() {
        let range = plan.range(index).unwrap();
        let range = usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap();
        let mut draft = draft(Codec::ReedSolomon, 2);
        draft.path = segment_path(&path(), index).unwrap();
        let mut fresh = fresh();
        fresh.block_key[0] = u8::try_from(index).unwrap();
        let secrecy = Secrecy::Encrypted { fresh: &fresh, real_name: None };
        let data = file[range].to_vec();
        let block = TreeBlock::build(draft, secrecy, data, &GENESIS, &owner()).unwrap();
        let content_hash = block.header().content_hash();
        segments.push(Segment { version: block.header().version(), content_hash });
        stored.push(fragments(&block, [2, 3]));
    }
    let manifest = Manifest::new(plan, segments).unwrap();
    let mut draft = draft(Codec::ReedSolomon, 2);
    draft.kind = Kind::Manifest;
    let secrecy = Secrecy::Encrypted { fresh: &fresh(), real_name: None };
    let block = TreeBlock::build(draft, secrecy, manifest.encode(), &GENESIS, &owner()).unwrap();

    let read = |fragments: &[SealedFragment]| {
        let mut decoder = restored(&fragments[0]);
        add_all(&mut decoder, fragments);
        let block = decoder.decode().unwrap();
        let key = block.header().block_key(&owner()).unwrap();
        (block.header().clone(), block.open(key.as_ref()).unwrap().data)
    };
    let (header, data) = read(&fragments(&block, [0, 7]));
    assert_eq!(header.kind(), Kind::Manifest);
    let manifest = Manifest::decode(&data).unwrap();
    let mut out = Vec::new();
    for ((index, segment), fragments) in (0..).zip(manifest.segments()).zip(&stored) {
        let (header, data) = read(fragments);
        assert_eq!(*header.path(), segment_path(&path(), index).unwrap());
        assert_eq!(header.content_hash(), segment.content_hash);
        out.extend(data);
    }
    assert!(out == file);
    assert_eq!(manifest.plan().locate(24_999), Some((2, 4_999)));
}
