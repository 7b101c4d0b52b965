//! The root of a fragment beside one stream of plain SHA-256 over the same bytes, and
//! the check of one proof.
//!
//! `cargo bench -p blocktree-fragments`

use std::hint::black_box;

use blocktree_fragments::{FragmentTree, LEAF_SIZE, fragment_root, verify_leaf};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sha2::{Digest as _, Sha256};

/// 3.2 MiB: a segment of 32 MiB cut in ten.
const SIZE: usize = 32 * (1 << 20) / 10;

fn roots(c: &mut Criterion) {
    let data: Vec<u8> =
        (0u32..).flat_map(|i| i.wrapping_mul(0x9e37_79b9).to_le_bytes()).take(SIZE).collect();
    let mut group = c.benchmark_group("3.2 MiB");
    group.throughput(Throughput::Bytes(data.len() as u64));
    group.bench_function("sha2, one stream without a tree", |b| {
        b.iter(|| Sha256::digest(black_box(&data)));
    });
    group.bench_function("fragment_root", |b| b.iter(|| fragment_root(black_box(&data))));
    group.bench_function("FragmentTree::build", |b| {
        b.iter(|| FragmentTree::build(black_box(&data)));
    });
    group.finish();

    let tree = FragmentTree::build(&data).expect("it has bytes");
    let proof = tree.prove(5_000).expect("it has 13,107 leaves and a rest");
    let leaf = &data[5_000 * LEAF_SIZE..5_001 * LEAF_SIZE];
    let (root, size) = (tree.root(), tree.size());
    c.bench_function("verify_leaf of 3.2 MiB", |b| {
        b.iter(|| verify_leaf(&root, size, black_box(5_000), leaf, &proof.siblings));
    });
}

criterion_group!(benches, roots);
criterion_main!(benches);
