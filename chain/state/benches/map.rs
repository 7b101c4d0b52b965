//! The authenticated map at a million keys: updates, previews, proofs, checkpoints.
//!
//! `cargo bench -p blocktree-state --bench map`; another number of keys as its argument. One thread.
//! Times of a shared machine wander, so each figure that has a limit is compared with that limit
//! in the same round, and the medians over the rounds are printed.

#![allow(clippy::float_arithmetic, clippy::unwrap_used, missing_docs)]
#![allow(clippy::cast_possible_truncation)]

use blocktree_state::auth::{AuthMap, Inline, Limits, Verdict, verify};
use blocktree_state::{Batch, Change, Column, Delta, Durability, Ledger, MemoryLedger};
use parity_scale_codec::Encode;
use sha2::{Digest, Sha256};
use std::hint::black_box;
use std::time::{Duration, Instant};

const BATCH: usize = 10_000;
const ROUNDS: usize = 21;
const PROOFS: usize = 20_000;

fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// As a principal's account: a map index and 32 bytes.
fn key(i: usize) -> Vec<u8> {
    [&[1][..], &sha256(&i.to_le_bytes())].concat()
}

fn value(i: usize, round: usize) -> Vec<u8> {
    [sha256(&[i.to_le_bytes(), round.to_le_bytes()].concat()).as_slice(), &[7; 8]].concat()
}

fn path(key: &[u8]) -> [u8; 32] {
    let tag = sha256(b"blocktree/key");
    sha256(&[&tag, &tag, key].concat())
}

/// Leading bits that two paths share.
fn common(a: &[u8; 32], b: &[u8; 32]) -> usize {
    let differing = (0..32).find(|i| a[*i] != b[*i]);
    differing.map_or(256, |i| 8 * i + (a[i] ^ b[i]).leading_zeros() as usize)
}

/// How many nodes change when the leaves at these positions of the sorted `paths` do: each leaf, and
/// every node above one. Counted from the paths alone.
fn nodes_above(paths: &[[u8; 32]], changed: &[usize]) -> usize {
    let mut nodes = 0;
    let mut before: Option<usize> = None;
    for position in changed.iter().copied() {
        let neighbour = |i: Option<usize>| i.and_then(|i| paths.get(i));
        let shared = [neighbour(position.checked_sub(1)), neighbour(Some(position + 1))]
            .into_iter()
            .flatten()
            .map(|other| common(other, &paths[position]))
            .max();
        // Nodes stand at the depths 0 to `shared`; those up to the last common one are counted.
        let above = shared.map_or(0, |shared| shared + 1);
        let counted = before.map_or(0, |b| common(&paths[b], &paths[position]) + 1);
        nodes += 1 + above - counted;
        before = Some(position);
    }
    nodes
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 8) as usize % bound
    }

    fn distinct(&mut self, count: usize, bound: usize) -> Vec<usize> {
        let mut found = std::collections::BTreeSet::new();
        while found.len() < count {
            found.insert(self.below(bound));
        }
        found.into_iter().collect()
    }
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}

fn median<T: PartialOrd + Copy>(mut values: Vec<T>) -> T {
    values.sort_by(|a, b| a.partial_cmp(b).unwrap());
    values[values.len() / 2]
}

/// `sha2`, one message of 65 bytes after the other.
fn raw_nodes(count: usize) -> Duration {
    let mut message = [1; 65];
    let ((), time) = timed(|| {
        for _ in 0..count {
            let digest = sha256(black_box(&message));
            message[1..33].copy_from_slice(&digest);
        }
    });
    black_box(message);
    time
}

fn per_second(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

fn main() {
    // Cargo passes flags of its own.
    let keys = std::env::args().find_map(|arg| arg.parse().ok()).unwrap_or(1_000_000_usize);
    let batch = BATCH.min(keys / 2);
    let all: Vec<Vec<u8>> = (0..keys).map(key).collect();
    let mut paths: Vec<([u8; 32], usize)> =
        all.iter().enumerate().map(|(i, key)| (path(key), i)).collect();
    paths.sort_unstable();
    let mut position = vec![0; keys];
    for (at, (_, i)) in paths.iter().enumerate() {
        position[*i] = at;
    }
    let paths: Vec<[u8; 32]> = paths.into_iter().map(|(path, _)| path).collect();

    let limits =
        Limits { cache_bytes: usize::MAX, dirty_bytes: usize::MAX, journal_keys: usize::MAX };
    let ledger = MemoryLedger::new();
    let mut map = AuthMap::open(&ledger, limits).unwrap();
    let (_, time) = timed(|| {
        for chunk in (0..keys).collect::<Vec<_>>().chunks(100_000) {
            let delta = Delta::new(
                chunk
                    .iter()
                    .map(|i| (all[*i].clone(), Change { old: None, new: Some(value(*i, 0)) })),
            );
            map.apply(&ledger, &delta).unwrap();
        }
    });
    let usage = map.usage();
    println!("{keys} keys put in {:.2} s", time.as_secs_f64());
    println!(
        "{} pages of {:.1} leaves, {:.1} MB of leaves, {} nodes above",
        usage.pages,
        usage.keys as f64 / usage.pages as f64,
        usage.cached_bytes as f64 / 1e6,
        usage.nodes
    );

    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let delta_of = |random: &mut Random, count: usize, round: usize| {
        let chosen = random.distinct(count, keys);
        let delta = Delta::new(chosen.iter().map(|i| {
            let old = Some(value(*i, 0));
            (all[*i].clone(), Change { old, new: Some(value(*i, round)) })
        }));
        let mut positions: Vec<usize> = chosen.iter().map(|i| position[*i]).collect();
        positions.sort_unstable();
        (delta, nodes_above(&paths, &positions), positions.len())
    };

    let (mut updates, mut stages, mut raws, mut ratios, mut counts) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    // Deltas are kept to the end: what the allocator does with freed ones is not the map's affair.
    let mut kept = Vec::new();
    for round in 1..=ROUNDS {
        let (delta, nodes, _) = delta_of(&mut random, batch, round);
        let raw = raw_nodes(nodes);
        let (staged, stage) = timed(|| map.stage(&ledger, &delta, &Inline).unwrap());
        let (root, commit) = timed(|| map.commit(staged).unwrap());
        black_box(root);
        let raw = (raw + raw_nodes(nodes)) / 2;
        updates.push(per_second(batch, stage + commit));
        stages.push(stage.as_secs_f64() / (stage + commit).as_secs_f64());
        raws.push(per_second(batch, raw));
        ratios.push(raw.as_secs_f64() / (stage + commit).as_secs_f64());
        counts.push(nodes as f64 / batch as f64);
        kept.push(delta);
    }
    println!("\nupdates of {batch} random keys, medians of {ROUNDS} rounds");
    println!("  stage + commit               {:>10.0} updates/s", median(updates));
    println!("    of which stage             {:>10.0} %", 100.0 * median(stages));
    println!("  nodes to be rehashed         {:>10.2} per update", median(counts));
    println!("  raw sha2 of as many nodes    {:>10.0} updates/s", median(raws));
    println!("  ratio                        {:>10.2}", median(ratios));

    println!("\npreviews");
    for count in [1, 10, 100, 1_000, batch] {
        let mut times = Vec::new();
        for round in 0..ROUNDS {
            let (delta, ..) = delta_of(&mut random, count, round + 1_000);
            let (root, time) = timed(|| map.preview(&ledger, &delta).unwrap());
            black_box(root);
            times.push(time.as_secs_f64() * 1e6);
        }
        println!("  of {count:>6} keys               {:>10.1} µs", median(times));
    }

    let mut write = Batch::new();
    let chosen = random.distinct(PROOFS.min(keys / 2), keys);
    let fresh = Delta::new(chosen.iter().map(|i| {
        let old = Some(value(*i, 0));
        (all[*i].clone(), Change { old, new: Some(value(*i, 5_000)) })
    }));
    map.apply(&ledger, &fresh).unwrap();
    for i in &chosen {
        write.put(Column::State, all[*i].clone(), value(*i, 5_000));
    }
    ledger.write(write, Durability::Process).unwrap();
    let root = map.root();
    let (proofs, time) = timed(|| {
        let prove = |i: &usize| map.prove(&ledger, &all[*i]).unwrap();
        chosen.iter().map(prove).collect::<Vec<_>>()
    });
    println!("\nproofs of {} random keys, 33 bytes of key and 40 of value", proofs.len());
    println!("  proving                      {:>10.0} /s", per_second(proofs.len(), time));
    let sizes: Vec<usize> = proofs.iter().map(|proof| proof.encode().len()).collect();
    let mean = sizes.iter().sum::<usize>() as f64 / sizes.len() as f64;
    let most = sizes.iter().max().unwrap();
    println!("  bytes, mean and most         {mean:>10.0} {most}");
    let ((), time) = timed(|| {
        for (i, proof) in chosen.iter().zip(&proofs) {
            assert!(matches!(verify(root, &all[*i], proof), Ok(Verdict::Present(_))));
        }
    });
    println!("  verifying                    {:>10.0} /s", per_second(proofs.len(), time));
    let absent: Vec<Vec<u8>> = (keys..keys + 5_000).map(key).collect();
    let proofs: Vec<_> = absent.iter().map(|key| map.prove(&ledger, key).unwrap()).collect();
    for (key, proof) in absent.iter().zip(&proofs) {
        assert_eq!(verify(root, key, proof), Ok(Verdict::Absent));
    }
    let mean = proofs.iter().map(|p| p.encode().len()).sum::<usize>() as f64 / proofs.len() as f64;
    println!("  bytes of absence, mean       {mean:>10.0}");

    let mut write = Batch::new();
    map.apply(&ledger, &Delta::default()).unwrap();
    // The journal's last entry is what a checkpoint looks for.
    let next = MemoryLedger::new();
    let journal = |map: &AuthMap, ledger: &MemoryLedger, delta: &Delta| {
        let mut write = Batch::new();
        map.journal(delta, &mut write);
        ledger.write(write, Durability::Process).unwrap();
    };
    journal(&map, &ledger, &Delta::default());
    map.apply(&next, &Delta::default()).unwrap();
    let ((), time) = timed(|| map.checkpoint(&ledger).unwrap());
    println!("\ncheckpoint of all pages        {:>10.0} ms", time.as_secs_f64() * 1e3);
    let (mut map, time) =
        timed(|| AuthMap::open(&ledger, Limits { cache_bytes: 0, ..limits }).unwrap());
    assert_eq!(map.root(), root);
    println!("open                           {:>10.0} ms", time.as_secs_f64() * 1e3);
    let mut cold = Vec::new();
    for round in 0..5 {
        let (delta, ..) = delta_of(&mut random, batch, round + 9_000);
        journal(&map, &ledger, &delta);
        let (_, time) = timed(|| map.apply(&ledger, &delta).unwrap());
        map.checkpoint(&ledger).unwrap();
        cold.push(per_second(batch, time));
    }
    println!("updates, no page in memory     {:>10.0} updates/s", median(cold));
    write.delete(Column::Meta, Vec::new());
}
