//! The root against the oracle, over random and malicious paths.

use super::oracle::{Hash, sha256};
use super::support::{NO_CACHE, Pair, Random};
use crate::auth::map::Limits;
use crate::auth::spread::{Inline, Spread};
use crate::auth::updates::{Expect, Update, Updates};
use std::collections::BTreeMap;

/// Paths that share their first `shared` bits, then are random.
fn sharing(shared: usize, random: &mut Random) -> Hash {
    let mut path = random.hash();
    for bit in 0..shared {
        path[bit / 8] &= !(0x80 >> (bit % 8));
    }
    path
}

/// Paths out of few, which differ in a few bits spread over the whole length.
fn sparse(random: &mut Random) -> Hash {
    let mut path = [0x55; 32];
    for _ in 0..3 {
        let bit = [0, 1, 7, 8, 63, 64, 65, 127, 200, 254, 255][random.index(11)];
        path[bit / 8] ^= 0x80 >> (bit % 8);
    }
    path
}

/// Paths that count in their last 9 bits.
fn deepest(random: &mut Random) -> Hash {
    let mut path = [0xee; 32];
    path[30..].copy_from_slice(&[random.byte(2), random.byte(256)]);
    path
}

/// Random puts, changes and removals in deltas of random size; the root is compared after each,
/// what a delta did is taken back now and then.
fn play(seed: u64, steps: usize, most: u64, mut path: impl FnMut(&mut Random) -> Hash) {
    let mut random = Random(seed);
    let mut pair = Pair::new(NO_CACHE);
    for step in 0..steps {
        // Phases of growth and of shrinking, so that pages split and join.
        let removals = [20, 50, 90][step / 8 % 3];
        let mut changes = BTreeMap::new();
        for _ in 0..1 + random.below(most) {
            let put = random.below(100) >= removals;
            let value = random.hash();
            if put {
                changes.insert(path(&mut random), Some(value));
            } else if let Some((path, _)) = pair.oracle.range(path(&mut random)..).next() {
                changes.insert(*path, None);
            }
        }
        let inverse: BTreeMap<Hash, Option<Hash>> =
            changes.keys().map(|path| (*path, pair.oracle.get(path).copied())).collect();
        let before = pair.map.root();
        pair.change(&changes);
        pair.audit();
        if random.below(4) == 0 {
            pair.change(&inverse);
            assert_eq!(pair.map.root(), before);
            pair.audit();
        }
        match random.below(6) {
            0 => pair.checkpoint(),
            1 => {
                pair.checkpoint();
                pair.reopen();
                pair.audit();
            }
            _ => {}
        }
    }
    let all = pair.oracle.keys().map(|path| (*path, None)).collect();
    pair.change(&all);
    pair.audit();
    assert_eq!(pair.map.root().0, [0; 32]);
    pair.checkpoint();
    pair.reopen();
    assert_eq!(pair.map.usage(), crate::auth::Usage::default());
}

#[test]
fn random_paths() {
    for seed in 1..=6 {
        play(seed, 60, 40, Random::hash);
    }
}

#[test]
fn large_deltas() {
    play(7, 12, 2_000, Random::hash);
}

#[test]
fn a_key_at_a_time() {
    play(8, 600, 1, |random| sharing(3, random));
}

#[test]
fn ground_prefixes_of_80_bits() {
    for seed in 11..=13 {
        play(seed, 48, 30, |random| sharing(80, random));
    }
}

#[test]
fn ground_prefixes_among_others() {
    for seed in 21..=23 {
        play(seed, 48, 60, |random| {
            let shared = [0, 0, 9, 60, 61, 200][random.index(6)];
            sharing(shared, random)
        });
    }
}

#[test]
fn paths_that_differ_in_few_bits() {
    for seed in 31..=33 {
        play(seed, 100, 8, sparse);
    }
}

#[test]
fn paths_that_differ_in_their_last_bits() {
    for seed in 41..=43 {
        play(seed, 48, 40, deepest);
    }
}

#[test]
fn two_paths_that_differ_in_their_last_bit() {
    let mut pair = Pair::new(NO_CACHE);
    let (even, mut odd) = ([0xaa; 32], [0xaa; 32]);
    odd[31] |= 1;
    pair.change(&[(even, Some([1; 32])), (odd, Some([2; 32]))].into());
    pair.change(&[(odd, Some([3; 32]))].into());
    pair.checkpoint();
    pair.reopen();
    pair.change(&[(even, None)].into());
    pair.audit();
}

/// Ground prefixes cost what they cost the grinder: a chain of nodes for one overfull prefix, and
/// nothing for the rest of the map.
#[test]
fn a_ground_prefix_costs_one_chain() {
    let mut random = Random(5);
    let mut pair = Pair::new(NO_CACHE);
    let ordinary = (0..500).map(|_| (random.hash(), Some([1; 32]))).collect();
    pair.change(&ordinary);
    let before = pair.map.usage();
    let ground = (0..40).map(|_| (sharing(70, &mut random), Some([2; 32]))).collect();
    pair.change(&ground);
    let after = pair.map.usage();
    // 70 shared bits and the few below; the 40 leaves themselves take a handful of pages.
    assert!(after.nodes - before.nodes <= 80, "{before:?} {after:?}");
    assert!(after.pages - before.pages <= 10, "{before:?} {after:?}");
    pair.change(&ground.keys().map(|path| (*path, None)).collect());
    assert!(pair.map.usage().nodes <= before.nodes + 1);
    pair.audit();
}

/// Backwards, some twice over and some not at all: still the same.
struct Odd;

impl Spread for Odd {
    fn run(&self, items: usize, work: &(dyn Fn(usize) + Sync)) {
        for item in (0..items).rev().filter(|item| item % 5 != 0) {
            work(item);
            work(item);
        }
        work(items);
    }
}

/// Every item in its own thread.
struct Threads;

impl Spread for Threads {
    fn run(&self, items: usize, work: &(dyn Fn(usize) + Sync)) {
        std::thread::scope(|scope| {
            for item in 0..items {
                scope.spawn(move || work(item));
            }
        });
    }
}

#[test]
fn work_items_may_run_in_any_way() {
    let spreads: [&dyn Spread; 3] = [&Inline, &Odd, &Threads];
    let usages = spreads.map(|spread| {
        let mut random = Random(77);
        let mut pair = Pair::new(Limits::default());
        for _ in 0..4 {
            let changes: BTreeMap<Hash, Option<Hash>> =
                (0..800).map(|_| (random.hash(), Some(random.hash()))).collect();
            pair.change_by(&changes, spread);
            let some = changes.keys().step_by(3).map(|path| (*path, None)).collect();
            pair.change_by(&some, spread);
            pair.audit();
        }
        // So much goes at once that pages join above the cuts: neighbours stay, then some from all
        // over.
        let everything: BTreeMap<_, _> =
            pair.oracle.iter().map(|(path, hash)| (*path, Some(*hash))).collect();
        let most = pair.oracle.keys().skip(10).map(|path| (*path, None)).collect();
        pair.change_by(&most, spread);
        pair.audit();
        pair.change_by(&everything.into_iter().skip(10).collect(), spread);
        let most = pair.oracle.keys().enumerate().filter(|(i, _)| i % 200 != 0);
        let most = most.map(|(_, path)| (*path, None)).collect();
        pair.change_by(&most, spread);
        pair.audit();
        (pair.map.root(), pair.map.usage())
    });
    assert_eq!(usages[0], usages[1]);
    assert_eq!(usages[0], usages[2]);
}

#[test]
fn a_change_that_does_not_fit_is_refused_and_changes_nothing() {
    use crate::Fault;
    let mut pair = Pair::new(NO_CACHE);
    let paths: Vec<Hash> = (0..100u8).map(|i| sha256(&[i])).collect();
    pair.change(&paths.iter().map(|path| (*path, Some([1; 32]))).collect());
    let (root, usage) = (pair.map.root(), pair.map.usage());
    let there = paths[5];
    for (path, value_hash, expect) in [
        (there, Some([2; 32]), Expect::Absent),
        (sha256(b"x"), Some([2; 32]), Expect::Present),
        (sha256(b"x"), None, Expect::Present),
    ] {
        let update = Update { path, value_hash, expect };
        let refused = pair.map.stage_updates(&pair.ledger, &Updates::new(vec![update]), &Inline);
        assert!(matches!(refused, Err(Fault::Bug(_))));
        assert_eq!((pair.map.root(), pair.map.usage()), (root, usage));
    }
}

#[test]
fn a_change_staged_on_another_state_is_refused() {
    let mut pair = Pair::new(NO_CACHE);
    let update = Update { path: [1; 32], value_hash: Some([2; 32]), expect: Expect::Anything };
    let early = pair.map.stage_updates(&pair.ledger, &Updates::new(vec![update]), &Inline).unwrap();
    pair.change(&[([3; 32], Some([4; 32]))].into());
    let root = pair.map.root();
    assert!(matches!(pair.map.commit(early), Err(crate::Fault::Bug(_))));
    assert_eq!(pair.map.root(), root);

    // A checkpoint may drop from memory what a change is to be made to.
    let update = Update { path: [3; 32], expect: Expect::Present, ..update };
    let early = pair.map.stage_updates(&pair.ledger, &Updates::new(vec![update]), &Inline).unwrap();
    pair.checkpoint();
    assert!(matches!(pair.map.commit(early), Err(crate::Fault::Bug(_))));
    assert_eq!(pair.map.root(), root);
    pair.audit();
}
