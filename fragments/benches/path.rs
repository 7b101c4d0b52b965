//! The way of a segment to its fragments and back, stage by stage and whole.
//!
//! `cargo bench -p blocktree-fragments --bench path`
//!
//! One thread but for the last, 32 MiB in 10 of 30. Rates are by bytes of the segment; a stage that works on all
//! fragments (seal, root) does three times as many.

use std::hint::black_box;
use std::time::Duration;

use blocktree_fragments::{
    BlockDecoder, BlockKey, Code, Codec, Draft, FragmentEncoder, FragmentId, Fresh, Kind,
    SealSecret, Secrecy, Target, TreeBlock, encode_fragments, fragment_root,
};
use blocktree_primitives::{BlockHash, BlockPath, FragmentRoot, Principal, SecretKey};
use chacha20::cipher::{KeyIvInit, StreamCipher};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use raptorq::{ObjectTransmissionInformation, SourceBlockEncoder, SourceBlockEncodingPlan};
use reed_solomon_simd::engine::DefaultEngine;
use reed_solomon_simd::rate::{LowRateEncoder, RateEncoder};
use sha2::{Digest as _, Sha256};

const SEGMENT: usize = 32 << 20;
const GENESIS: BlockHash = BlockHash([1; 32]);
const K: u16 = 10;
const N: u32 = 30;
/// What a segment of this size is cut into.
const SYMBOL: usize = 32_640;

fn build(codec: Codec, data: Vec<u8>) -> (TreeBlock, SealSecret) {
    let owner = SecretKey::from_bytes([7; 32]).expect("a key");
    let fresh = Fresh { block_key: [2; 32], nonce: [3; 24], ephemeral: [4; 32] };
    let path = BlockPath::new(Principal::of(&owner.public_key()), Vec::new()).expect("a path");
    let code = Code::new(codec, K).expect("a code");
    let draft = Draft { path, version: 1, kind: Kind::Data, code };
    let secrecy = Secrecy::Encrypted { fresh: &fresh, real_name: None };
    let block = TreeBlock::build(draft, secrecy, data, &GENESIS, &owner).expect("a block");
    (block, SealSecret::of_key(&BlockKey::new(fresh.block_key)))
}

fn targets(ids: core::ops::Range<u32>) -> Vec<Target> {
    ids.map(|id| Target { id: FragmentId(id), provider: Principal([id.to_le_bytes()[0]; 32]) })
        .collect()
}

/// The library alone, on stripes as §9.4 cuts them: 102 of 10 symbols of 32,640 bytes, and a rest.
fn reed_solomon(data: &[u8]) -> u8 {
    let engine = DefaultEngine::new();
    let parity = N as usize - usize::from(K);
    let mut encoder = LowRateEncoder::new(K.into(), parity, SYMBOL, engine, None).expect("a code");
    let mut seen = 0;
    for stripe in data.chunks_exact(SYMBOL * usize::from(K)) {
        for symbol in stripe.chunks_exact(SYMBOL) {
            encoder.add_original_shard(symbol).expect("one of ten");
        }
        let result = encoder.encode().expect("ten");
        seen ^= result.recovery_iter().fold(0, |seen, symbol| seen ^ symbol[0]);
    }
    seen
}

fn raptorq(data: &[u8]) -> u8 {
    let plan = SourceBlockEncodingPlan::generate(K);
    let stripe = SYMBOL * usize::from(K);
    let symbol = u16::try_from(SYMBOL).expect("32,640");
    let information = ObjectTransmissionInformation::new(stripe as u64, symbol, 1, 1, 8);
    let mut seen = 0;
    for stripe in data.chunks_exact(stripe) {
        let encoder = SourceBlockEncoder::with_encoding_plan(0, &information, stripe, &plan);
        let packets = encoder.repair_packets(0, N - u32::from(K));
        seen ^= packets.iter().fold(0, |seen, packet| seen ^ packet.data()[0]);
    }
    seen
}

/// As a sender does it: each symbol goes somewhere else, none is collected.
fn streamed(block: &TreeBlock, secret: &SealSecret, targets: &[Target]) -> Vec<FragmentRoot> {
    let mut encoder = FragmentEncoder::new(block, secret, targets).expect("targets");
    while let Some(symbols) = encoder.next_stripe() {
        symbols.for_each(|symbol| _ = black_box(symbol));
    }
    encoder.finish()
}

fn stages(group: &mut BenchmarkGroup<'_, WallTime>, data: &[u8]) {
    group.bench_function("build: encrypt, root, sign", |b| {
        b.iter_batched(
            || data.to_vec(),
            |data| build(Codec::ReedSolomon, data),
            criterion::BatchSize::PerIteration,
        );
    });
    let mut fragments = vec![data[..SEGMENT / 10].to_vec(); N as usize];
    group.bench_function("Reed-Solomon alone", |b| b.iter(|| reed_solomon(data)));
    group.bench_function("RaptorQ alone", |b| b.iter(|| raptorq(data)));
    group.bench_function("seal alone, 30 fragments", |b| {
        b.iter(|| {
            for fragment in &mut fragments {
                let mut cipher = chacha20::ChaCha20::new(&[1; 32].into(), &[0; 12].into());
                for part in fragment.chunks_mut(32 << 10) {
                    cipher.apply_keystream(part);
                }
            }
        });
    });
    group.bench_function("root alone, 30 fragments", |b| {
        b.iter(|| {
            fragments.iter().map(|f| fragment_root(black_box(f))).filter(Result::is_ok).count()
        });
    });
    group.bench_function("sha2, one stream, 30 fragments", |b| {
        b.iter(|| fragments.iter().map(|f| Sha256::digest(black_box(f))[0]).fold(0, |a, b| a ^ b));
    });
}

fn whole(group: &mut BenchmarkGroup<'_, WallTime>, data: &[u8]) {
    for codec in [Codec::ReedSolomon, Codec::RaptorQ] {
        let (block, secret) = build(codec, data.to_vec());
        let all = targets(0..N);
        group.bench_function(format!("{codec}: code, seal, root"), |b| {
            b.iter(|| streamed(&block, &secret, &all));
        });
        group.bench_function(format!("{codec}: put, the whole path"), |b| {
            b.iter_batched(
                || data.to_vec(),
                |data| {
                    let (block, secret) = build(codec, data);
                    streamed(&block, &secret, &all)
                },
                criterion::BatchSize::PerIteration,
            );
        });
        // From originals, and with all of them lost.
        for (name, ids) in [("originals", 0..12), ("none of the originals", 15..27)] {
            let ids = ids.start..ids.end - if codec == Codec::ReedSolomon { 2 } else { 0 };
            let fragments = encode_fragments(&block, &secret, &targets(ids)).expect("fragments");
            let mut decoder = BlockDecoder::new(block.header().clone(), secret.clone());
            for fragment in &fragments {
                decoder.add(fragment.target, &fragment.root, fragment.bytes.clone()).expect("good");
            }
            group.bench_function(format!("{codec}: decode {name}, root"), |b| {
                b.iter(|| decoder.decode().expect("enough"));
            });
            let key = BlockKey::new([2; 32]);
            group.bench_function(format!("{codec}: get of {name}, the whole path"), |b| {
                b.iter_batched(
                    || fragments.clone(),
                    |fragments| {
                        let mut decoder = BlockDecoder::new(block.header().clone(), secret.clone());
                        for fragment in fragments {
                            decoder
                                .add(fragment.target, &fragment.root, fragment.bytes)
                                .expect("good");
                        }
                        let block = decoder.decode().expect("enough");
                        block.open(Some(&key)).expect("the key")
                    },
                    criterion::BatchSize::PerIteration,
                );
            });
        }
    }
}

/// Segments do not depend on each other, so a caller takes one on each core.
fn two_threads(c: &mut Criterion, data: &[u8]) {
    let mut group = c.benchmark_group("two segments on two threads");
    group.sample_size(10).warm_up_time(Duration::from_millis(300));
    group.measurement_time(Duration::from_secs(3));
    group.throughput(Throughput::Bytes(2 * SEGMENT as u64));
    let all = targets(0..N);
    group.bench_function("Reed-Solomon: put, the whole path", |b| {
        b.iter_batched(
            || [data.to_vec(), data.to_vec()],
            |segments| {
                std::thread::scope(|scope| {
                    for data in segments {
                        scope.spawn(|| {
                            let (block, secret) = build(Codec::ReedSolomon, data);
                            black_box(streamed(&block, &secret, &all));
                        });
                    }
                });
            },
            criterion::BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn path(c: &mut Criterion) {
    let data: Vec<u8> =
        (0u32..).flat_map(|i| i.wrapping_mul(0x9e37_79b9).to_le_bytes()).take(SEGMENT).collect();
    let mut group = c.benchmark_group("32 MiB, 10 of 30");
    group.sample_size(10).warm_up_time(Duration::from_millis(300));
    group.measurement_time(Duration::from_secs(2));
    group.throughput(Throughput::Bytes(SEGMENT as u64));
    stages(&mut group, &data);
    whole(&mut group, &data);
    group.finish();
    two_threads(c, &data);
}

criterion_group!(benches, path);
criterion_main!(benches);
