//! The authenticated map at a million keys: updates, previews, proofs, checkpoints, all on one
//! thread and over a ledger in memory.
//!
//! `cargo bench -p blocktree-state --bench map`; another number of keys as its argument. Times of a
//! shared machine wander, so what has a limit is compared with that limit in the same round, and the
//! medians over the rounds are printed.

#![allow(clippy::float_arithmetic, clippy::unwrap_used, missing_docs)]
#![allow(clippy::cast_possible_truncation)]

use blocktree_state::auth::{AuthMap, Inline, Limits, Verdict, verify};
use blocktree_state::{Batch, Change, Column, Delta, Durability, Ledger, MemoryLedger, Reader};
use parity_scale_codec::Encode;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::hint::black_box;
use std::time::{Duration, Instant};

const BATCH: usize = 10_000;
const ROUNDS: usize = 21;
const PROOFS: usize = 20_000;
const UNLIMITED: Limits =
    Limits { cache_bytes: usize::MAX, dirty_bytes: usize::MAX, journal_keys: usize::MAX };

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

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 8) as usize % bound
    }

    fn distinct(&mut self, count: usize, bound: usize) -> Vec<usize> {
        let mut found = BTreeSet::new();
        while found.len() < count {
            found.insert(self.below(bound));
        }
        found.into_iter().collect()
    }
}

/// The keys, and where their paths stand among all paths.
struct Keys {
    all: Vec<Vec<u8>>,
    /// Sorted.
    paths: Vec<[u8; 32]>,
    position: Vec<usize>,
}

impl Keys {
    fn new(count: usize) -> Self {
        let all: Vec<Vec<u8>> = (0..count).map(key).collect();
        let mut paths: Vec<([u8; 32], usize)> =
            all.iter().enumerate().map(|(i, key)| (path(key), i)).collect();
        paths.sort_unstable();
        let mut position = vec![0; count];
        for (at, (_, i)) in paths.iter().enumerate() {
            position[*i] = at;
        }
        Self { all, paths: paths.into_iter().map(|(path, _)| path).collect(), position }
    }

    fn insert(&self, chosen: &[usize]) -> Delta {
        let new = |i| Change { old: None, new: Some(value(i, 0)) };
        Delta::new(chosen.iter().map(|i| (self.all[*i].clone(), new(*i))))
    }

    /// New values of the chosen keys. The old ones are not looked at, only whether there are any.
    fn change(&self, chosen: &[usize], round: usize) -> Delta {
        let change = |i| Change { old: Some(value(i, 0)), new: Some(value(i, round)) };
        Delta::new(chosen.iter().map(|i| (self.all[*i].clone(), change(*i))))
    }

    /// How many nodes of the tree change with the chosen keys: their leaves, and every node above
    /// one. Counted from the paths alone.
    fn nodes_above(&self, chosen: &[usize]) -> usize {
        let changed: BTreeSet<usize> = chosen.iter().map(|i| self.position[*i]).collect();
        let mut nodes = 0;
        let mut before: Option<usize> = None;
        for at in changed {
            let path = &self.paths[at];
            let beside = [at.checked_sub(1), Some(at + 1)];
            let beside = beside.into_iter().flatten().filter_map(|i| self.paths.get(i));
            // Nodes stand at the depths 0 to the most shared bits; some were counted already.
            let above = beside.map(|other| common(other, path) + 1).max().unwrap_or(0);
            let counted = before.map_or(0, |b| common(&self.paths[b], path) + 1);
            nodes += 1 + above - counted;
            before = Some(at);
        }
        nodes
    }
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// `sha2`, one message after the other.
fn raw<const N: usize>(count: usize) -> Duration {
    let mut message = [1; N];
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

fn updates(map: &mut AuthMap, ledger: &MemoryLedger, keys: &Keys, random: &mut Random) {
    let batch = BATCH.min(keys.all.len() / 2);
    let [mut updates, mut stages, mut raws, mut ratios, mut all_ratios, mut counts] =
        [const { Vec::new() }; 6];
    // Deltas are kept to the end: what the allocator does with freed ones is not the map's affair.
    let mut deltas = Vec::new();
    for round in 1..=ROUNDS {
        let chosen = random.distinct(batch, keys.all.len());
        let delta = keys.change(&chosen, round);
        let nodes = keys.nodes_above(&chosen);
        let before = raw::<65>(nodes);
        let (staged, stage) = timed(|| map.stage(ledger, &delta, &Inline).unwrap());
        let (root, commit) = timed(|| map.commit(staged).unwrap());
        black_box(root);
        let raw_nodes = ((before + raw::<65>(nodes)) / 2).as_secs_f64();
        // The key of 33 bytes behind its tag, and the value of 40: one block each.
        let raw_all = raw_nodes + raw::<40>(2 * batch).as_secs_f64();
        let ours = (stage + commit).as_secs_f64();
        updates.push(batch as f64 / ours);
        stages.push(100.0 * stage.as_secs_f64() / ours);
        raws.push(batch as f64 / raw_nodes);
        ratios.push(raw_nodes / ours);
        all_ratios.push(raw_all / ours);
        counts.push(nodes as f64 / batch as f64);
        deltas.push(delta);
    }
    println!("\nupdates of {batch} random keys, medians of {ROUNDS} rounds");
    println!("  stage + commit                   {:>10.0} updates/s", median(updates));
    println!("    of which stage                 {:>10.0} %", median(stages));
    println!("  nodes that change                {:>10.2} per update", median(counts));
    println!("  sha2 of as many nodes            {:>10.0} updates/s", median(raws));
    println!("  ratio                            {:>10.2}", median(ratios));
    println!("  ratio, keys and values hashed too{:>10.2}", median(all_ratios));
}

fn previews(map: &AuthMap, ledger: &MemoryLedger, keys: &Keys, random: &mut Random) {
    println!("\npreviews, medians of {ROUNDS}");
    for count in [1, 10, 100, 1_000, 10_000] {
        let mut times = Vec::new();
        for round in 0..ROUNDS {
            let delta = keys.change(&random.distinct(count, keys.all.len()), 1_000 + round);
            let (root, time) = timed(|| map.preview(ledger, &delta).unwrap());
            black_box(root);
            times.push(time.as_secs_f64() * 1e6);
        }
        println!("  of {count:>6} keys                   {:>10.1} µs", median(times));
    }
}

fn proofs(map: &mut AuthMap, ledger: &MemoryLedger, keys: &Keys, random: &mut Random) {
    let chosen = random.distinct(PROOFS.min(keys.all.len() / 2), keys.all.len());
    let delta = keys.change(&chosen, 5_000);
    commit(map, ledger, &delta);
    let root = map.root();
    let (mut proofs, mut proving, mut verifying) = (Vec::new(), Vec::new(), Vec::new());
    for some in chosen.chunks(500) {
        let prove = |i: &usize| map.prove(ledger, &keys.all[*i]).unwrap();
        let (made, time) = timed(|| some.iter().map(prove).collect::<Vec<_>>());
        proving.push(per_second(some.len(), time));
        let ((), time) = timed(|| {
            for (i, proof) in some.iter().zip(&made) {
                assert!(matches!(verify(root, &keys.all[*i], proof), Ok(Verdict::Present(_))));
            }
        });
        verifying.push(per_second(some.len(), time));
        proofs.extend(made);
    }
    let sizes: Vec<usize> = proofs.iter().map(|proof| proof.encode().len()).collect();
    let mean = sizes.iter().sum::<usize>() as f64 / sizes.len() as f64;
    let most = sizes.iter().max().unwrap();
    println!("\nproofs of {} random keys, 33 bytes of key and 40 of value", proofs.len());
    println!("  proving                          {:>10.0} /s", median(proving));
    println!("  bytes, mean and most             {mean:>10.0} {most}");
    println!("  verifying                        {:>10.0} /s", median(verifying));
    let absent = (keys.all.len()..).take(5_000).map(key).map(|key| {
        let proof = map.prove(ledger, &key).unwrap();
        assert_eq!(verify(root, &key, &proof), Ok(Verdict::Absent));
        proof.encode().len() as f64
    });
    println!("  bytes of absence, median         {:>10.0}", median(absent.collect()));
}

/// One block as the importer takes it.
fn commit(map: &mut AuthMap, ledger: &MemoryLedger, delta: &Delta) {
    let staged = map.stage(ledger, delta, &Inline).unwrap();
    let mut batch = Batch::new();
    delta.write_to(&mut batch);
    map.journal(delta, &mut batch);
    ledger.write(batch, Durability::Process).unwrap();
    map.commit(staged).unwrap();
}

fn on_disk(mut map: AuthMap, ledger: &MemoryLedger, keys: &Keys, random: &mut Random) {
    let ((), time) = timed(|| map.checkpoint(ledger).unwrap());
    println!("\ncheckpoint of all pages            {:>10.0} ms", time.as_secs_f64() * 1e3);
    let root = map.root();
    let limits = Limits { cache_bytes: 0, ..UNLIMITED };
    let (map, time) = timed(|| AuthMap::open(ledger, limits).unwrap());
    assert_eq!(map.root(), root);
    println!("open                               {:>10.0} ms", time.as_secs_f64() * 1e3);
    let mut cold = Vec::new();
    for round in 0..5 {
        let delta = keys.change(&random.distinct(BATCH, keys.all.len()), 9_000 + round);
        let (root, time) = timed(|| map.preview(ledger, &delta).unwrap());
        black_box(root);
        cold.push(per_second(delta.len(), time));
    }
    println!("previews, no page in memory        {:>10.0} updates/s", median(cold));
    assert!(ledger.get(Column::Meta, b"auth_map").unwrap().is_some());
}

fn main() {
    // Cargo passes flags of its own.
    let count = std::env::args().find_map(|arg| arg.parse().ok()).unwrap_or(1_000_000);
    let keys = Keys::new(count);
    let ledger = MemoryLedger::new();
    let mut map = AuthMap::open(&ledger, UNLIMITED).unwrap();
    let all: Vec<usize> = (0..count).collect();
    let mut building = Duration::ZERO;
    for chunk in all.chunks(100_000) {
        let delta = keys.insert(chunk);
        building += timed(|| map.apply(&ledger, &delta).unwrap()).1;
    }
    let usage = map.usage();
    println!("{count} keys put, {:.0} /s", per_second(count, building));
    println!(
        "{} pages of {:.1} leaves, {:.1} MB of them in memory, {} nodes above",
        usage.pages,
        usage.keys as f64 / usage.pages as f64,
        usage.cached_bytes as f64 / 1e6,
        usage.nodes
    );
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    updates(&mut map, &ledger, &keys, &mut random);
    previews(&map, &ledger, &keys, &mut random);
    proofs(&mut map, &ledger, &keys, &mut random);
    on_disk(map, &ledger, &keys, &mut random);
}
