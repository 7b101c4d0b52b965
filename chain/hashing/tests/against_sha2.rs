//! Every function on every engine of this machine, against `sha2`, `rs_merkle` and NIST.

use blocktree_hashing::{Backend, Digest, Engine, HeaderSearch, Midstate, hash_twice, merkle};
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

/// SHA-256 of the parts joined, by the oracle.
fn oracle(parts: &[&[u8]]) -> Digest {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// `len` bytes without a pattern that a mistaken offset would repeat.
fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2).wrapping_add(0x9e37_79b9_7f4a_7c15);
    std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        state.to_be_bytes()[0]
    })
    .take(len)
    .collect()
}

#[test]
fn the_machine_offers_what_it_has() {
    let engines: Vec<_> = Engine::available().collect();
    assert_eq!(engines[0], Engine::detect());
    let mut expected = Vec::new();
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw") {
            expected.push(Backend::Avx512);
        }
        if is_x86_feature_detected!("sha") {
            expected.push(Backend::ShaNi);
        }
    }
    expected.push(Backend::Portable);
    let backends: Vec<_> = engines.iter().map(|engine| engine.backend()).collect();
    assert_eq!(backends, expected);
}

#[test]
fn single_messages_of_every_length_and_alignment() {
    for engine in Engine::available() {
        for len in 0..=300 {
            let bytes = noise(len + 16, len as u64);
            for offset in [0, 1, 3, 8, 15] {
                let message = &bytes[offset..offset + len];
                assert_eq!(engine.hash(message), oracle(&[message]), "{engine:?} {len}+{offset}");
            }
        }
    }
}

/// `hash_many` and `hash_leaves` of `N`-byte items, in batches that leave every rest of sixteen.
fn fixed_lengths<const N: usize>(engine: Engine) {
    for count in 0..=33 {
        let bytes = noise(N * count + 1, (N * 10 + count) as u64);
        let (messages, _) = bytes[1..].as_chunks::<N>();
        let mut out = vec![[0xee; 32]; count];
        engine.hash_many(messages, &mut out);
        for (message, digest) in messages.iter().zip(&out) {
            assert_eq!(*digest, oracle(&[message]), "{engine:?} {N} bytes, {count} messages");
        }
        for missing in [0, 1, N / 2] {
            let data = &bytes[1..bytes.len() - missing.min(N * count)];
            let mut out = vec![[0xee; 32]; data.len().div_ceil(N)];
            engine.hash_leaves::<N>(0xa7, data, &mut out);
            for (leaf, digest) in data.chunks(N).zip(&out) {
                assert_eq!(*digest, oracle(&[&[0xa7], leaf]), "{engine:?} {N} {count} -{missing}");
            }
        }
    }
}

#[test]
fn arrays_and_leaves_of_lengths_around_every_block_boundary() {
    for engine in Engine::available() {
        fixed_lengths::<1>(engine);
        fixed_lengths::<31>(engine);
        fixed_lengths::<54>(engine);
        fixed_lengths::<55>(engine);
        fixed_lengths::<56>(engine);
        fixed_lengths::<62>(engine);
        fixed_lengths::<63>(engine);
        fixed_lengths::<64>(engine);
        fixed_lengths::<65>(engine);
        fixed_lengths::<80>(engine);
        fixed_lengths::<118>(engine);
        fixed_lengths::<119>(engine);
        fixed_lengths::<120>(engine);
        fixed_lengths::<127>(engine);
        fixed_lengths::<128>(engine);
        fixed_lengths::<256>(engine);
        fixed_lengths::<257>(engine);
        fixed_lengths::<300>(engine);
    }
}

#[test]
fn empty_arrays_are_messages_too() {
    for engine in Engine::available() {
        let mut out = [[0xee; 32]; 6];
        engine.hash_many(&[[]; 6], &mut out);
        assert_eq!(out, [oracle(&[]); 6]);
    }
}

#[test]
fn slices_of_every_length_together() {
    for engine in Engine::available() {
        let bytes = noise(700, 5);
        // Lengths up and down, so that short and long messages share the lanes.
        let lens: Vec<_> = (0..=300).chain((0..=300).rev()).collect();
        let messages: Vec<_> = lens.iter().map(|len| &bytes[len % 7..len % 7 + len]).collect();
        let mut out = vec![[0xee; 32]; messages.len()];
        engine.hash_slices(&messages, &mut out);
        for (message, digest) in messages.iter().zip(&out) {
            assert_eq!(*digest, oracle(&[message]), "{engine:?} {}", message.len());
        }
    }
}

#[test]
fn tags_are_hashed_twice_in_front() {
    const KEY: Midstate = Midstate::tagged("blocktree/key");
    let long_tag = "x".repeat(200);
    let long = Midstate::tagged(&long_tag);
    for (midstate, tag) in [(KEY, "blocktree/key"), (long, &long_tag), (Midstate::tagged(""), "")] {
        let tag = oracle(&[tag.as_bytes()]);
        for len in 0..=300 {
            let message = noise(len, 9);
            assert_eq!(midstate.hash(&message), oracle(&[&tag, &tag, &message]), "{len}");
        }
    }
}

#[test]
fn nist_short_messages() {
    let text = include_str!("../../../tests/vectors/nist-sha256/SHA256ShortMsg.rsp");
    let mut rows = 0;
    let mut field = ["", ""];
    for line in text.lines() {
        match line.split_once(" = ") {
            Some(("Len", value)) => field[0] = value,
            Some(("Msg", value)) => field[1] = value,
            Some(("MD", digest)) => {
                let bits: usize = field[0].parse().expect("a number");
                let message = hex::decode(field[1]).expect("hex");
                for engine in Engine::available() {
                    let message = &message[..bits / 8];
                    let mut out = [[0xee; 32]; 17];
                    engine.hash_slices(&[message; 17], &mut out);
                    out[16] = engine.hash(message);
                    for got in out {
                        assert_eq!(hex::encode(got), digest, "{engine:?} {bits} bits");
                    }
                }
                rows += 1;
            }
            _ => {}
        }
    }
    assert_eq!(rows, 65); // lengths 0, 8, …, 512 bits
}

#[test]
fn two_hashes() {
    assert_eq!(
        // SHA-256d of "hello", as in Bitcoin's developer documentation.
        hex::encode(hash_twice(b"hello")),
        "9595c9df90075148eb06860365df33584b75bff782a510c6cd4883a419833d50"
    );
}

/// The first header of Bitcoin, and its hash in the order in which it is computed.
const GENESIS: &str = "0100000000000000000000000000000000000000000000000000000000000000000000\
    003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c";
const GENESIS_HASH: &str = "6fe28c0ab6f1b372c1a6a246ae63f74f931e8365e15a089c68d6190000000000";
const GENESIS_NONCE: u32 = 2_083_236_893;

fn header() -> [u8; 80] {
    hex::decode(GENESIS).expect("hex").try_into().expect("80 bytes")
}

#[test]
fn the_search_finds_the_first_bitcoin_block() {
    let hash: Digest = hex::decode(GENESIS_HASH).expect("hex").try_into().expect("32 bytes");
    // Bits 1d00ffff: 0xffff · 2^208, so bytes 26 and 27 of the little-endian target.
    let mut target = [0; 32];
    (target[26], target[27]) = (0xff, 0xff);
    for engine in Engine::available() {
        let search = HeaderSearch::with_engine(engine, &header());
        assert_eq!(search.hash(GENESIS_NONCE), hash);
        // Wherever the nonce falls within a group, and at a range's very end.
        for before in 0..17 {
            for after in 0..17 {
                let range = GENESIS_NONCE - before..=GENESIS_NONCE + after;
                assert_eq!(search.search(range, &target), Some(GENESIS_NONCE));
            }
            assert_eq!(search.search(GENESIS_NONCE - before..=GENESIS_NONCE - 1, &target), None);
        }
        assert_eq!(search.search(GENESIS_NONCE + 1..=GENESIS_NONCE + 2_000, &target), None);
        // The hash itself as the target is met, one less is not.
        let here = GENESIS_NONCE..=GENESIS_NONCE;
        assert_eq!(search.search(here.clone(), &hash), Some(GENESIS_NONCE));
        let mut less = hash;
        less[0] -= 1; // 0x6f: no borrow
        assert_eq!(search.search(here.clone(), &less), None);
        let mut less = hash;
        less[26] -= 1; // 0x19: no borrow
        assert_eq!(search.search(here, &less), None);
    }
}

#[test]
fn the_search_covers_ranges_at_the_ends_of_u32() {
    let easy = [0xff; 32];
    for engine in Engine::available() {
        let search = HeaderSearch::with_engine(engine, &header());
        assert_eq!(search.search(0..=u32::MAX, &easy), Some(0));
        assert_eq!(search.search(u32::MAX..=u32::MAX, &easy), Some(u32::MAX));
        assert_eq!(search.search(u32::MAX - 5..=u32::MAX, &[0; 32]), None);
        #[expect(clippy::reversed_empty_ranges, reason = "an empty range is what is meant")]
        let empty = 1..=0;
        assert_eq!(search.search(empty, &easy), None);
    }
}

/// RFC 6962's prefixes for `rs_merkle`.
#[derive(Clone)]
struct Rfc6962;

impl rs_merkle::Hasher for Rfc6962 {
    type Hash = Digest;

    fn hash(data: &[u8]) -> Digest {
        oracle(&[&[0x00], data])
    }

    fn concat_and_hash(left: &Digest, right: Option<&Digest>) -> Digest {
        right.map_or(*left, |right| oracle(&[&[0x01], left, right]))
    }
}

/// The definition of RFC 6962 §2.1, recursively.
fn naive_root(leaves: &[&[u8]]) -> Digest {
    match leaves {
        [leaf] => oracle(&[&[0x00], leaf]),
        _ => {
            let split = leaves.len().div_ceil(2).next_power_of_two();
            let (left, right) = leaves.split_at(split);
            oracle(&[&[0x01], &naive_root(left), &naive_root(right)])
        }
    }
}

#[test]
fn roots_and_levels_of_every_size() {
    use rs_merkle::Hasher as _;
    for engine in Engine::available() {
        // 8-byte leaves: 1 to 130 of them, the last one whole or not.
        for size in (1..=1040).step_by(3).chain(1033..=1040) {
            let data = noise(size, 77);
            let leaves: Vec<_> = data.chunks(8).collect();
            let root = naive_root(&leaves);
            let hashes: Vec<_> = leaves.iter().map(|leaf| Rfc6962::hash(leaf)).collect();
            let peer = rs_merkle::MerkleTree::<Rfc6962>::from_leaves(&hashes);
            assert_eq!(peer.root(), Some(root), "the oracles disagree at {size} bytes");
            assert_eq!(merkle::root_with::<8>(engine, &data), Some(root), "{engine:?} {size}");
            assert_eq!(merkle::root_of_leaves(&hashes), Some(root));
            let levels = merkle::levels_with::<8>(engine, &data);
            assert_eq!(levels[0], hashes);
            assert_eq!(levels[levels.len() - 1], [root]);
            for pair in levels.windows(2) {
                let above: Vec<_> = pair[0]
                    .chunks(2)
                    .map(|pair| Rfc6962::concat_and_hash(&pair[0], pair.get(1)))
                    .collect();
                assert_eq!(pair[1], above);
            }
        }
    }
}

#[test]
fn roots_over_more_leaves_than_one_subtree() {
    for engine in Engine::available() {
        for leaves in [511, 512, 513, 1_023, 1_024, 1_025, 2_000, 2_049] {
            let data = noise(leaves * 256 - 17, leaves as u64);
            let root = naive_root(&data.chunks(256).collect::<Vec<_>>());
            assert_eq!(merkle::root_with::<256>(engine, &data), Some(root), "{engine:?} {leaves}");
            let levels = merkle::levels_with::<256>(engine, &data);
            assert_eq!(levels[levels.len() - 1], [root]);
            assert_eq!(merkle::root_of_leaves(&levels[0]), Some(root));
        }
    }
}

#[test]
fn nothing_has_no_tree() {
    assert_eq!(merkle::root::<256>(&[]), None);
    assert_eq!(merkle::root_of_leaves(&[]), None);
    assert!(merkle::levels::<256>(&[]).is_empty());
}

#[test]
fn a_batch_without_a_place_for_each_digest_is_a_mistake() {
    for (items, places) in [(3, 2), (2, 3), (0, 1)] {
        let caught = std::panic::catch_unwind(|| {
            blocktree_hashing::hash_many(&vec![[0u8; 4]; items], &mut vec![[0; 32]; places]);
        });
        assert!(caught.is_err());
        let caught = std::panic::catch_unwind(|| {
            blocktree_hashing::hash_slices(&vec![&[0u8; 4][..]; items], &mut vec![[0; 32]; places]);
        });
        assert!(caught.is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn batches_of_pairs(pairs in prop::collection::vec(any::<[[u8; 32]; 2]>(), 0..33), prefix: u8) {
        for engine in Engine::available() {
            let mut out = vec![[0xee; 32]; pairs.len()];
            engine.hash_pairs(prefix, &pairs, &mut out);
            for ([left, right], digest) in pairs.iter().zip(&out) {
                prop_assert_eq!(*digest, oracle(&[&[prefix], left, right]));
                prop_assert_eq!(engine.hash_pair(prefix, left, right), *digest);
            }
        }
    }

    #[test]
    fn batches_of_slices(
        messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..33),
        offset in 0usize..16,
        first: [u8; 32],
    ) {
        let mut block = [0; 64];
        block[..32].copy_from_slice(&first);
        let start = Midstate::new(&block);
        let slices: Vec<_> = messages.iter().map(|m| &m[offset.min(m.len())..]).collect();
        for engine in Engine::available() {
            let mut out = vec![[0xee; 32]; slices.len()];
            engine.hash_slices(&slices, &mut out);
            for (message, digest) in slices.iter().zip(&out) {
                prop_assert_eq!(*digest, oracle(&[message]));
            }
            engine.hash_slices_from(&start, &slices, &mut out);
            for (message, digest) in slices.iter().zip(&out) {
                prop_assert_eq!(*digest, oracle(&[&block, message]));
                prop_assert_eq!(engine.hash_from(&start, message), *digest);
            }
        }
    }

    #[test]
    fn searches(header in prop::collection::vec(any::<u8>(), 80), start: u32, len in 0u32..40) {
        let header: [u8; 80] = header.try_into().expect("80 bytes");
        let nonces = start..=start.saturating_add(len);
        // The oracle's hashes; the middle one of them in order of size is the target.
        let hashed: Vec<(u32, Digest)> = nonces
            .clone()
            .map(|nonce| (nonce, oracle(&[&oracle(&[&header[..76], &nonce.to_le_bytes()])])))
            .collect();
        let reversed = |mut hash: Digest| { hash.reverse(); hash };
        let mut sizes: Vec<_> = hashed.iter().map(|(_, hash)| reversed(*hash)).collect();
        sizes.sort_unstable();
        let target = reversed(sizes[sizes.len() / 2]);
        let first = hashed.iter().find(|(_, hash)| reversed(*hash) <= reversed(target));
        for engine in Engine::available() {
            let search = HeaderSearch::with_engine(engine, &header);
            prop_assert_eq!(search.search(nonces.clone(), &target), first.map(|(nonce, _)| *nonce));
        }
    }
}
