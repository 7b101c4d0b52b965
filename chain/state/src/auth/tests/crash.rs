//! What is left on disk at every moment, and that the map comes back from it; and that neither
//! memory nor disk grows beyond what the map needs.

use super::oracle::{self, sha256};
use super::support::Random;
use crate::auth::map::{AuthMap, Limits};
use crate::{
    Batch, Change, Column, Delta, Durability, Fault, Inline, Ledger, MemoryLedger, Reader,
};
use blocktree_primitives::StateRoot;
use core::ops::ControlFlow;
use std::sync::{Arc, Mutex};

/// Keeps a copy of everything after each write, and fails the write that it is told to.
#[derive(Default)]
struct Recorder {
    ledger: MemoryLedger,
    copies: Mutex<Vec<MemoryLedger>>,
    fail: Mutex<bool>,
}

impl Reader for Recorder {
    fn get(&self, column: Column, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        self.ledger.get(column, key)
    }
    fn scan(
        &self,
        column: Column,
        from: &[u8],
        visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), Fault> {
        self.ledger.scan(column, from, visit)
    }
    fn last(&self, column: Column) -> Result<Option<(Vec<u8>, Vec<u8>)>, Fault> {
        self.ledger.last(column)
    }
}

impl Ledger for Recorder {
    fn write(&self, batch: Batch, durability: Durability) -> Result<(), Fault> {
        if *self.fail.lock().unwrap() {
            return Err(Fault::DiskFull("as it was told".into()));
        }
        self.ledger.write(batch, durability)?;
        self.copies.lock().unwrap().push(self.ledger.fork());
        Ok(())
    }
    fn snapshot(&self) -> Arc<dyn Reader> {
        self.ledger.snapshot()
    }
}

fn pairs(reader: &dyn Reader, column: Column) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut found = Vec::new();
    reader
        .scan(column, &[], &mut |key, value| {
            found.push((key.to_vec(), value.to_vec()));
            ControlFlow::Continue(())
        })
        .unwrap();
    found
}

/// The root of the flat state.
fn root_of(reader: &dyn Reader) -> StateRoot {
    let leaves = pairs(reader, Column::State)
        .iter()
        .map(|(key, value)| (oracle::path(key), sha256(value)))
        .collect();
    StateRoot(oracle::root(&leaves))
}

const TIGHT: Limits = Limits { cache_bytes: 8_000, dirty_bytes: 12_000, journal_keys: 120 };

fn random_delta(reader: &dyn Reader, random: &mut Random, keys: u64, most: u64) -> Delta {
    Delta::new((0..1 + random.below(most)).map(|_| {
        let key = vec![3, random.byte(keys), random.byte(4)];
        let old = reader.get(Column::State, &key).unwrap();
        let new = (random.below(3) > 0).then(|| random.next().to_le_bytes().to_vec());
        (key, Change { old, new })
    }))
}

/// One block as the importer takes it.
fn commit(map: &mut AuthMap, ledger: &dyn Ledger, delta: &Delta) -> Result<(), Fault> {
    let staged = map.stage(ledger, delta, &Inline)?;
    let mut batch = Batch::new();
    delta.write_to(&mut batch);
    map.journal(delta, &mut batch);
    ledger.write(batch, Durability::Process)?;
    map.commit(staged)?;
    if map.checkpoint_due() {
        map.checkpoint(ledger)?;
    }
    Ok(())
}

/// Blocks and reorganisations.
fn live(map: &mut AuthMap, ledger: &dyn Ledger, random: &mut Random, blocks: usize) {
    let mut chain: Vec<Delta> = Vec::new();
    for _ in 0..blocks {
        if random.below(4) == 0 {
            for _ in 0..random.below(4) {
                if let Some(last) = chain.pop() {
                    commit(map, ledger, &last.inverse()).unwrap();
                }
            }
        }
        let delta = random_delta(ledger, random, 100, 30);
        commit(map, ledger, &delta).unwrap();
        chain.push(delta);
    }
}

#[test]
fn the_map_comes_back_from_a_crash_after_any_write() {
    let mut random = Random(99);
    let ledger = Recorder::default();
    let mut map = AuthMap::open(&ledger, TIGHT).unwrap();
    live(&mut map, &ledger, &mut random, 150);
    assert_eq!(map.root(), root_of(&ledger));

    let copies = ledger.copies.lock().unwrap();
    let (mut behind, mut fresh) = (0, 0);
    for copy in copies.iter() {
        let mut map = AuthMap::open(copy, TIGHT).unwrap();
        assert_eq!(map.root(), root_of(copy));
        if map.usage().journal_keys > 0 {
            behind += 1;
        } else {
            fresh += 1;
        }
        // It goes on from there, and comes back again.
        live(&mut map, copy, &mut random, 3);
        assert_eq!(map.root(), root_of(copy));
        assert_eq!(AuthMap::open(copy, TIGHT).unwrap().root(), root_of(copy));
    }
    assert!(behind > 50 && fresh > 5, "{behind} behind, {fresh} at a checkpoint");
}

#[test]
fn a_rebuilt_map_is_the_same_also_after_a_crash_in_between() {
    let mut random = Random(98);
    let ledger = Recorder::default();
    let mut map = AuthMap::open(&ledger, TIGHT).unwrap();
    live(&mut map, &ledger, &mut random, 40);
    let root = root_of(&ledger);
    ledger.copies.lock().unwrap().clear();
    let rebuilt = AuthMap::rebuild(&ledger, TIGHT).unwrap();
    assert_eq!(rebuilt.root(), root);
    assert_eq!(rebuilt.usage().keys, pairs(&ledger, Column::State).len() as u64);
    let copies = core::mem::take(&mut *ledger.copies.lock().unwrap());
    assert!(copies.len() >= 3, "what was there goes, pages come, the end is marked");
    let (last, unfinished) = copies.split_last().unwrap();
    assert_eq!(AuthMap::open(last, TIGHT).unwrap().root(), root);
    for copy in unfinished {
        assert!(matches!(AuthMap::open(copy, TIGHT), Err(Fault::Corrupt(_))));
        assert_eq!(AuthMap::rebuild(copy, TIGHT).unwrap().root(), root);
        assert_eq!(AuthMap::open(copy, TIGHT).unwrap().root(), root);
    }
}

#[test]
fn a_write_that_fails_changes_nothing() {
    let mut random = Random(97);
    let ledger = Recorder::default();
    let mut map = AuthMap::open(&ledger, TIGHT).unwrap();
    live(&mut map, &ledger, &mut random, 10);
    let (root, usage) = (map.root(), map.usage());
    assert!(usage.dirty_bytes > 0);
    *ledger.fail.lock().unwrap() = true;
    let delta = random_delta(&ledger, &mut random, 100, 30);
    assert!(matches!(commit(&mut map, &ledger, &delta), Err(Fault::DiskFull(_))));
    assert!(matches!(map.checkpoint(&ledger), Err(Fault::DiskFull(_))));
    assert_eq!((map.root(), map.usage()), (root, usage));
    *ledger.fail.lock().unwrap() = false;
    commit(&mut map, &ledger, &delta).unwrap();
    map.checkpoint(&ledger).unwrap();
    assert_eq!(AuthMap::open(&ledger, TIGHT).unwrap().root(), root_of(&ledger));
}

#[test]
fn a_checkpoint_never_runs_ahead_of_the_flat_state() {
    let ledger = MemoryLedger::new();
    let mut map = AuthMap::open(&ledger, TIGHT).unwrap();
    let new = Some(vec![1]);
    let delta = Delta::new([(vec![1], Change { old: None, new })]);
    map.apply(&ledger, &delta).unwrap();
    assert!(matches!(map.checkpoint(&ledger), Err(Fault::Bug(_))));
    assert!(pairs(&ledger, Column::Pages).is_empty());
}

#[test]
fn neither_memory_nor_disk_grows_beyond_need() {
    let mut random = Random(96);
    let ledger = MemoryLedger::new();
    let mut map = AuthMap::open(&ledger, TIGHT).unwrap();
    let mut checkpoints = 0;
    for block in 0..600 {
        // Up to some 680 keys in some 60 pages of some 1,100 bytes, and down again.
        let keys = if block % 200 < 150 { 256 } else { 2 };
        let mut delta = random_delta(&ledger, &mut random, keys, 30);
        if keys == 2 {
            let removed = pairs(&ledger, Column::State).into_iter().take(30);
            delta = Delta::new(removed.map(|(key, value)| {
                let old = Some(value);
                (key, Change { old, new: None })
            }));
        }
        let journalled = map.usage().journal_keys;
        commit(&mut map, &ledger, &delta).unwrap();
        let usage = map.usage();
        checkpoints += usize::from(usage.journal_keys < journalled);
        assert!(usage.cached_bytes <= TIGHT.cache_bytes.max(usage.dirty_bytes));
        assert!(usage.dirty_bytes < TIGHT.dirty_bytes && usage.journal_keys < TIGHT.journal_keys);
        assert!(pairs(&ledger, Column::MapJournal).len() <= usage.journal_keys);
        assert!(usage.nodes <= 2 * usage.pages + 8);
        if usage.journal_keys == 0 {
            let stored = pairs(&ledger, Column::Pages);
            assert_eq!(stored.len(), usage.pages);
            assert!(stored.iter().all(|(_, leaves)| leaves.len() % 64 == 0));
            let leaves: usize = stored.iter().map(|(_, leaves)| leaves.len() / 64).sum();
            assert_eq!(leaves as u64, usage.keys);
            assert_eq!(pairs(&ledger, Column::PageIndex).len(), usage.pages);
            assert!(pairs(&ledger, Column::MapJournal).is_empty());
            if usage.keys > 300 {
                assert!((6..30).contains(&(usage.keys / usage.pages as u64)));
            }
        }
    }
    assert!(checkpoints > 30, "{checkpoints}");
    assert_eq!(map.root(), root_of(&ledger));
}

#[test]
fn a_checkpoint_with_nothing_new_writes_nothing() {
    let ledger = Recorder::default();
    let mut map = AuthMap::open(&ledger, TIGHT).unwrap();
    map.checkpoint(&ledger).unwrap();
    live(&mut map, &ledger, &mut Random(95), 5);
    map.checkpoint(&ledger).unwrap();
    let writes = ledger.copies.lock().unwrap().len();
    map.checkpoint(&ledger).unwrap();
    AuthMap::open(&ledger, TIGHT).unwrap().checkpoint(&ledger).unwrap();
    assert_eq!(ledger.copies.lock().unwrap().len(), writes);
}

/// Every byte of what the map wrote, changed: a fault, or the same root. Never another.
#[test]
fn damage_is_a_fault_and_never_another_root() {
    let ledger = MemoryLedger::new();
    let mut map = AuthMap::open(&ledger, TIGHT).unwrap();
    let mut random = Random(94);
    live(&mut map, &ledger, &mut random, 12);
    map.checkpoint(&ledger).unwrap();
    let keys: Vec<Vec<u8>> = pairs(&ledger, Column::State).into_iter().map(|(k, _)| k).collect();
    // Two blocks after the checkpoint, so that there is a journal.
    for key in [&keys[0], &keys[9]] {
        let old = ledger.get(Column::State, key).unwrap();
        let new = Some(vec![1, 2, 3]);
        let delta = Delta::new([(key.clone(), Change { old, new })]);
        commit(&mut map, &ledger, &delta).unwrap();
    }
    let root = map.root();
    assert_eq!(pairs(&ledger, Column::MapJournal).len(), 2);

    let mut faults = 0;
    let mut attempt = |what: &dyn Fn(&mut Batch)| {
        let copy = ledger.fork();
        let mut batch = Batch::new();
        what(&mut batch);
        copy.write(batch, Durability::Process).unwrap();
        // Every page is read when every key changes.
        let opened = AuthMap::open(&copy, TIGHT).and_then(|mut map| {
            let all = Delta::new(keys.iter().map(|key| {
                let old = copy.get(Column::State, key).unwrap();
                let new = Some(vec![9; 9]);
                (key.clone(), Change { old, new })
            }));
            let before = map.root();
            map.apply(&copy, &all)?;
            map.apply(&copy, &all.inverse())?;
            assert_eq!(map.root(), before);
            Ok(before)
        });
        match opened {
            Ok(found) => assert_eq!(found, root),
            Err(Fault::Corrupt(_)) => faults += 1,
            Err(other) => panic!("{other}"),
        }
        assert_eq!(AuthMap::rebuild(&copy, TIGHT).unwrap().root(), root);
    };
    for column in [Column::Pages, Column::PageIndex, Column::Meta] {
        for (key, value) in pairs(&ledger, column).into_iter().step_by(5) {
            attempt(&|batch| batch.delete(column, key.clone()));
            for at in (0..value.len()).step_by(13) {
                let mut value = value.clone();
                value[at] ^= 0x10;
                attempt(&|batch| batch.put(column, key.clone(), value.clone()));
            }
            attempt(&|batch| batch.put(column, key.clone(), [&value[..], &[0]].concat()));
            attempt(&|batch| batch.put(column, [&key[..], &[1]].concat(), value.clone()));
        }
    }
    let journal = pairs(&ledger, Column::MapJournal);
    let first = journal[0].0.clone();
    attempt(&|batch| batch.delete(Column::MapJournal, first.clone()));
    attempt(&|batch| batch.put(Column::MapJournal, first.clone(), vec![0xff, 1]));
    assert!(faults > 50, "{faults}");
}
