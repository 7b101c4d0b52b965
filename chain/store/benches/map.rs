//! The authenticated map with this store behind it, beside the two things that it can't do without, in
//! the same round: hashing the nodes that change, and writing the same pairs to RocksDB as it
//! comes.
//!
//! `cargo bench -p blocktree-store --bench map`: 1,000,000 keys, batches of 10,000, one thread.
//! `BLOCKTREE_BENCH_KEYS` says otherwise.
// It prints a table and fails by panicking.
#![allow(missing_docs, clippy::unwrap_used, clippy::float_arithmetic, clippy::cast_precision_loss)]

use blocktree_primitives::BlockHash;
use blocktree_state::auth::{AuthMap, Inline, Limits};
use blocktree_state::{Batch, Change, Delta, Durability, Ledger};
use blocktree_store::{Identity, Store};
use rocksdb::{DB, WriteBatch};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

const BATCH: usize = 10_000;
const ROUNDS: usize = 40;
/// Nodes of 65 bytes that change with one of 10,000 random keys of 1,000,000, as
/// `cargo bench -p blocktree-state --bench map` counts them: 9.08 an update.
const NODES: usize = BATCH * 908 / 100;

fn hash(index: u64, salt: u64) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(index.to_le_bytes());
    hasher.update(salt.to_le_bytes());
    hasher.finalize().into()
}

/// As a principal's account: a map index and 32 bytes.
fn key(index: u64) -> Vec<u8> {
    [&[0][..], &hash(index, 0)].concat()
}

/// 40 bytes.
fn value(index: u64, round: u64) -> Vec<u8> {
    [hash(index, round + 1).as_slice(), &[7; 8]].concat()
}

/// Of all rounds, not of the one in the middle: checkpoints come in some rounds only.
fn mean(times: &[Duration]) -> f64 {
    times.iter().sum::<Duration>().as_secs_f64() / times.len() as f64
}

fn write(store: &Store, map: &mut AuthMap, delta: &Delta) {
    let staged = map.stage(&*store.snapshot(), delta, &Inline).unwrap();
    let mut batch = Batch::new();
    delta.write_to(&mut batch);
    map.journal(delta, &mut batch);
    store.write(batch, Durability::Process).unwrap();
    map.commit(staged).unwrap();
    if map.checkpoint_due() {
        map.checkpoint(store).unwrap();
    }
}

fn main() {
    let keys = std::env::var("BLOCKTREE_BENCH_KEYS").ok().and_then(|text| text.parse().ok());
    let keys: u64 = keys.unwrap_or(1_000_000);
    let folder = tempfile::tempdir().unwrap();
    let chain = Identity { genesis: BlockHash::ZERO, chain_name: "bench".into() };
    let store = Store::open(&folder.path().join("store"), &chain).unwrap();
    let raw = DB::open_default(folder.path().join("raw")).unwrap();
    let mut map = AuthMap::open(&store, Limits::default()).unwrap();
    for from in (0..keys).step_by(BATCH) {
        let indexes = from..keys.min(from + BATCH as u64);
        let new = |index| (key(index), Change { old: None, new: Some(value(index, 0)) });
        let delta = Delta::new(indexes.clone().map(new));
        write(&store, &mut map, &delta);
        let mut batch = WriteBatch::default();
        indexes.for_each(|index| batch.put(key(index), value(index, 0)));
        raw.write(batch).unwrap();
    }

    let mut now: BTreeMap<u64, u64> = BTreeMap::new();
    let (mut whole, mut pairs, mut hashing) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=ROUNDS as u64 {
        let random = |index: u64| {
            let bytes: [u8; 8] = hash(index, u64::MAX - round)[..8].try_into().unwrap();
            u64::from_le_bytes(bytes) % keys
        };
        let chosen: BTreeMap<u64, u64> = (0..BATCH as u64).map(|i| (random(i), round)).collect();
        let change = |index: &u64| {
            let old = Some(value(*index, now.get(index).copied().unwrap_or(0)));
            (key(*index), Change { old, new: Some(value(*index, round)) })
        };
        let delta = Delta::new(chosen.keys().map(change));
        let mut batch = WriteBatch::default();
        delta.iter().for_each(|(key, change)| batch.put(key, change.new.as_ref().unwrap()));

        let start = Instant::now();
        write(&store, &mut map, &delta);
        whole.push(start.elapsed());
        let start = Instant::now();
        raw.write(batch).unwrap();
        pairs.push(start.elapsed());
        let start = Instant::now();
        let mut node = [0; 65];
        for _ in 0..NODES {
            let hash: [u8; 32] = Sha256::digest(node).into();
            node[1..33].copy_from_slice(&hash);
        }
        black_box(node);
        hashing.push(start.elapsed());
        now.extend(chosen);
    }
    let (whole, pairs, hashing) = (mean(&whole), mean(&pairs), mean(&hashing));
    let row = |what: &str, time: f64| {
        println!("{what:<44} {:>9.0}/s {:>7.2}", BATCH as f64 / time, time / whole);
    };
    println!(
        "{keys} keys, batches of {BATCH}: updates a second, and time as part of the first row's"
    );
    row("pairs, map, journal and checkpoints", whole);
    row("the same pairs, raw WriteBatch", pairs);
    row("sha2 on the nodes that change", hashing);
}
