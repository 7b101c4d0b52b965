//! Batches beside `sha2` in the same run: what counts is the ratio of the two.
//!
//! `cargo bench -p blocktree-hashing`; one line per engine of the machine.

use std::hint::black_box;

use blocktree_hashing::{Digest, Engine, HeaderSearch, Midstate, merkle};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sha2::block_api::compress256;
use sha2::{Digest as _, Sha256};

/// Messages of a batch: as many as a page of the state map or a fragment gives.
const BATCH: usize = 4_096;

/// Bytes that are not all alike.
fn noise(len: usize) -> Vec<u8> {
    (0u32..).flat_map(|i| i.wrapping_mul(0x9e37_79b9).to_le_bytes()).take(len).collect()
}

/// SHA-256 of two parts by `sha2`.
fn plain(first: &[u8], second: &[u8]) -> Digest {
    Sha256::new().chain_update(first).chain_update(second).finalize().into()
}

fn nodes(c: &mut Criterion) {
    let bytes = noise(64 * BATCH);
    let pairs: Vec<[Digest; 2]> = bytes.as_chunks::<32>().0.as_chunks::<2>().0.to_vec();
    let mut out = vec![[0; 32]; BATCH];
    let mut group = c.benchmark_group("node of 65 bytes");
    group.throughput(Throughput::Elements(BATCH as u64));
    group.bench_function("sha2", |b| {
        b.iter(|| {
            for (pair, place) in pairs.iter().zip(&mut out) {
                *place = plain(&[0x01], pair.as_flattened());
            }
            black_box(&mut out);
        });
    });
    for engine in Engine::available() {
        group.bench_function(format!("{:?}", engine.backend()), |b| {
            b.iter(|| engine.hash_pairs(0x01, black_box(&pairs), black_box(&mut out)));
        });
        group.bench_function(format!("{:?} one by one", engine.backend()), |b| {
            b.iter(|| {
                for ([left, right], place) in pairs.iter().zip(&mut out) {
                    *place = engine.hash_pair(0x01, left, right);
                }
                black_box(&mut out);
            });
        });
    }
    group.finish();
}

fn leaves(c: &mut Criterion) {
    let data = noise(256 * BATCH);
    let mut out = vec![[0; 32]; BATCH];
    let mut group = c.benchmark_group("leaf of 257 bytes");
    group.throughput(Throughput::Elements(BATCH as u64));
    group.bench_function("sha2", |b| {
        b.iter(|| {
            for (leaf, place) in data.chunks(256).zip(&mut out) {
                *place = plain(&[0x00], leaf);
            }
            black_box(&mut out);
        });
    });
    for engine in Engine::available() {
        group.bench_function(format!("{:?}", engine.backend()), |b| {
            b.iter(|| engine.hash_leaves::<256>(0x00, black_box(&data), black_box(&mut out)));
        });
    }
    group.finish();
}

/// Tagged hashes of state keys: lengths vary by a few bytes, some cross a block.
fn keys(c: &mut Criterion) {
    const KEY: Midstate = Midstate::tagged("blocktree/key");
    let bytes = noise(128 * BATCH);
    let messages: Vec<&[u8]> =
        bytes.chunks(128).enumerate().map(|(i, chunk)| &chunk[..33 + i * 7 % 40]).collect();
    let tag = plain(b"blocktree/key", b"");
    let tagged = Sha256::new().chain_update(tag).chain_update(tag);
    let mut out = vec![[0; 32]; BATCH];
    let mut group = c.benchmark_group("tagged key of 33 to 72 bytes");
    group.throughput(Throughput::Elements(BATCH as u64));
    group.bench_function("sha2 with midstate", |b| {
        b.iter(|| {
            for (message, place) in messages.iter().zip(&mut out) {
                *place = tagged.clone().chain_update(message).finalize().into();
            }
            black_box(&mut out);
        });
    });
    for engine in Engine::available() {
        group.bench_function(format!("{:?}", engine.backend()), |b| {
            b.iter(|| engine.hash_slices_from(&KEY, black_box(&messages), black_box(&mut out)));
        });
    }
    group.finish();
}

fn roots(c: &mut Criterion) {
    let data = noise(1 << 20);
    let mut group = c.benchmark_group("root of 1 MiB in 256-byte leaves");
    group.throughput(Throughput::Bytes(data.len() as u64));
    group.bench_function("sha2, one stream without a tree", |b| {
        b.iter(|| plain(black_box(&data), b""));
    });
    group.bench_function("sha2, one by one", |b| {
        b.iter(|| {
            let mut level: Vec<_> = data.chunks(256).map(|leaf| plain(&[0x00], leaf)).collect();
            while level.len() > 1 {
                level = level
                    .as_chunks::<2>()
                    .0
                    .iter()
                    .map(|pair| plain(&[0x01], pair.as_flattened()))
                    .collect();
            }
            black_box(level);
        });
    });
    for engine in Engine::available() {
        group.bench_function(format!("{:?}", engine.backend()), |b| {
            b.iter(|| merkle::root_with::<256>(engine, black_box(&data)));
        });
        group.bench_function(format!("{:?}, all levels", engine.backend()), |b| {
            b.iter(|| merkle::levels_with::<256>(engine, black_box(&data)));
        });
    }
    group.finish();
}

fn search(c: &mut Criterion) {
    const NONCES: u32 = 100_000;
    let header: [u8; 80] = noise(80).try_into().expect("80 bytes");
    let mut group = c.benchmark_group("header nonce, SHA-256d");
    group.throughput(Throughput::Elements(u64::from(NONCES)));
    group.bench_function("sha2 with midstate", |b| {
        const START: [u32; 8] = [
            0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab,
            0x5be0cd19,
        ];
        let (first, rest) = header.split_first_chunk::<64>().expect("80 bytes");
        let mut midstate = START;
        compress256(&mut midstate, &[*first]);
        let mut second = [0; 64];
        second[..16].copy_from_slice(rest);
        (second[16], second[62], second[63]) = (0x80, 0x02, 0x80); // 640 bits
        let mut third = [0; 64];
        (third[32], third[62]) = (0x80, 0x01); // 256 bits
        b.iter(|| {
            let mut found = None;
            for nonce in 0..NONCES {
                second[12..16].copy_from_slice(&nonce.to_le_bytes());
                let mut state = midstate;
                compress256(&mut state, &[second]);
                for (place, word) in third.as_chunks_mut::<4>().0.iter_mut().zip(state) {
                    *place = word.to_be_bytes();
                }
                let mut state = START;
                compress256(&mut state, &[third]);
                if state[7] == 0 {
                    found = found.or(Some(nonce));
                }
            }
            found
        });
    });
    for engine in Engine::available() {
        let search = HeaderSearch::with_engine(engine, &header);
        group.bench_function(format!("{:?}", engine.backend()), |b| {
            b.iter(|| search.search(0..=NONCES - 1, black_box(&[0; 32])));
        });
    }
    group.finish();
}

criterion_group!(benches, nodes, leaves, keys, roots, search);
criterion_main!(benches);
