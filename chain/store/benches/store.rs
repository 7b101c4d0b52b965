//! The store beside RocksDB as it comes, in the same run: what counts is the ratio of the two.
//!
//! `cargo bench -p blocktree-store`; about half a minute.

use blocktree_primitives::BlockHash;
use blocktree_state::{Batch, Column, Durability, Ledger, Reader};
use blocktree_store::{Identity, Store};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use rocksdb::{DB, WriteBatch};
use std::hint::black_box;
use std::ops::ControlFlow;
use std::time::Duration;

/// Keys that a database holds, and puts of one batch.
const KEYS: u32 = 200_000;
const BATCH: u32 = 10_000;

/// Scattered 33-byte keys, as of the state's accounts.
fn key(i: u32) -> [u8; 33] {
    let mut key = [0; 33];
    let mut state = u64::from(i) + 1;
    for chunk in key[1..].chunks_mut(8) {
        state = state.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (state >> 29);
        chunk.copy_from_slice(&state.to_be_bytes());
    }
    key
}

/// 90 bytes, as an account has.
fn value(i: u32) -> Vec<u8> {
    [key(i).as_slice(), &key(i ^ 0xffff), &[0; 24]].concat()
}

fn keys(from: u32) -> impl Iterator<Item = u32> {
    (from..).map(|i| i.wrapping_mul(7_919) % KEYS)
}

fn raw_batch(from: u32) -> WriteBatch {
    let mut batch = WriteBatch::default();
    keys(from).take(BATCH as usize).for_each(|i| batch.put(key(i), value(i)));
    batch
}

fn batch(from: u32) -> Batch {
    let mut batch = Batch::new();
    keys(from).take(BATCH as usize).for_each(|i| batch.put(Column::State, key(i), value(i)));
    batch
}

fn bench(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let chain = Identity { genesis: BlockHash::ZERO, chain_name: "bench".into() };
    let store = Store::open(&folder.path().join("store"), &chain).expect("a new folder");
    let raw = DB::open_default(folder.path().join("raw")).expect("a new folder");
    for from in (0..KEYS).step_by(BATCH as usize) {
        raw.write(raw_batch(from)).expect("write");
        store.write(batch(from), Durability::Process).expect("write");
    }

    let mut group = c.benchmark_group("puts in batches of 10,000");
    group.throughput(Throughput::Elements(u64::from(BATCH)));
    let mut from = 0;
    let mut next = || {
        from += BATCH;
        from
    };
    group.bench_function("raw", |b| {
        let write = |batch| raw.write(batch).expect("write");
        b.iter_batched(|| raw_batch(next()), write, BatchSize::PerIteration);
    });
    for durability in [Durability::Process, Durability::Synced] {
        group.bench_function(format!("{durability:?}"), |b| {
            let write = |batch| store.write(batch, durability).expect("write");
            b.iter_batched(|| batch(next()), write, BatchSize::PerIteration);
        });
    }
    group.finish();

    raw.flush().expect("flush");
    raw.compact_range(None::<&[u8]>, None::<&[u8]>);
    store.compact().expect("compact");
    let mut group = c.benchmark_group("hot reads");
    group.throughput(Throughput::Elements(1));
    let mut some = keys(0);
    let mut next = || key(some.next().unwrap_or_default());
    group.bench_function("raw get", |b| b.iter(|| black_box(raw.get(next()))));
    group.bench_function("get", |b| b.iter(|| black_box(store.get(Column::State, &next()))));
    group.bench_function("get of an absent key", |b| {
        b.iter(|| {
            let mut key = next();
            key[0] = 1;
            black_box(store.get(Column::State, &key))
        });
    });
    let snapshot = store.snapshot();
    group.bench_function("get from a snapshot", |b| {
        b.iter(|| black_box(snapshot.get(Column::State, &next())));
    });
    group.throughput(Throughput::Elements(100));
    group.bench_function("get_many of 100", |b| {
        b.iter(|| {
            let keys: Vec<_> = (0..100).map(|_| next()).collect();
            let keys: Vec<_> = keys.iter().map(<[u8; 33]>::as_slice).collect();
            black_box(store.get_many(Column::State, &keys))
        });
    });
    group.bench_function("scan of 100", |b| {
        b.iter(|| {
            let mut left = 100;
            store.scan(Column::State, &next(), &mut |key, value| {
                black_box((key, value));
                left -= 1;
                if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })
        });
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = bench
}
criterion_main!(benches);
