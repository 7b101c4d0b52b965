//! Random trees of blocks in random order, beside a model; and subscribers that read now and then.

use crate::model::{Model, Outcome};
use crate::support::columns::{FOLLOWING, entries};
use crate::support::random::{Dice, seeds};
use crate::support::{Flaw, Forge, KEYS, NOW};
use blocktree_import::{ChainReader, Config, Update, UpdatesError, updates_since, verify::verify};
use blocktree_primitives::{BlockHash, Height, Principal};
use blocktree_state::{Column, Fault, MemoryLedger, Reader};
use std::sync::Arc;

/// A tree of blocks with a few events each, in the order in which they were made.
pub(crate) fn grow(
    forge: &mut Forge,
    dice: &mut Dice,
    count: usize,
    flaws: bool,
) -> Vec<BlockHash> {
    let mut blocks = vec![forge.genesis];
    while blocks.len() <= count {
        // Mostly on one of the last, so that branches grow long.
        let lately = blocks.len().saturating_sub(4);
        let parent = match dice.once_in(5) {
            true => *dice.pick(&blocks),
            false => *dice.pick(&blocks[lately..]),
        };
        let mut events = Vec::new();
        for key in 0..KEYS - 1 {
            if dice.once_in(4) {
                let nonce = forge.nonce(&parent, key);
                let to = Principal([u8::try_from(dice.below(6)).unwrap(); 32]);
                events.push(match dice.once_in(4) {
                    true => forge.announce(key, nonce, dice.below(9) + 1),
                    false => forge.transfer(key, nonce, to, 100_000 + dice.below(1_000_000)),
                });
            }
        }
        let flaw = match dice.below(24) {
            0 | 1 if flaws => Flaw::StateRoot,
            2 if flaws => Flaw::EventRefused,
            3 if flaws => Flaw::Signature,
            4 if flaws => Flaw::History,
            5 if flaws => Flaw::Future,
            _ => Flaw::None,
        };
        let miner = u8::try_from(dice.below(3)).unwrap();
        let hash = forge.mine_flawed(&parent, miner, events, flaw);
        if !blocks.contains(&hash) {
            blocks.push(hash);
        }
    }
    blocks.remove(0);
    blocks
}

/// Follows the chain by its updates alone.
struct Subscriber {
    /// From genesis on.
    seen: Vec<BlockHash>,
}

impl Subscriber {
    fn read(&mut self, reader: &dyn Reader, limit: usize) {
        let cursor = *self.seen.last().unwrap();
        let updates = updates_since(reader, cursor, limit).unwrap();
        assert!(updates.len() <= limit);
        for update in updates {
            match update {
                Update::Revert { block, height, cursor } => {
                    assert_eq!(self.seen.pop(), Some(block));
                    assert_eq!(height.0, self.seen.len() as u64);
                    assert_eq!(self.seen.last(), Some(&cursor));
                }
                Update::Apply { block, height } => {
                    assert_eq!(height.0, self.seen.len() as u64);
                    let header = ChainReader(reader).known_header(&block).unwrap().header;
                    assert_eq!(Some(&header.parent), self.seen.last());
                    self.seen.push(block);
                }
            }
            assert_eq!(self.seen.last(), Some(&update.cursor()));
        }
    }
}

#[test]
fn every_order_of_every_tree_ends_as_the_model_says() {
    for seed in seeds(40) {
        let mut dice = Dice::new(seed);
        let mut forge = Forge::new();
        let count = 10 + usize::try_from(dice.below(25)).unwrap();
        let mut waiting = grow(&mut forge, &mut dice, count, true);
        let undo_depth = *dice.pick(&[1, 2, 2880]);
        let config = Config { undo_depth, ..Config::default() };
        let ledger = MemoryLedger::new();
        let mut importer = forge.try_open(Arc::new(ledger.clone()), config).unwrap();
        let mut model = Model::new(&forge);
        let mut subscribers: Vec<Subscriber> =
            (0..3).map(|_| Subscriber { seen: vec![forge.genesis] }).collect();
        let mut attempts = 0;
        while !waiting.is_empty() && attempts < 400 {
            attempts += 1;
            // One of the next few: mostly in order, sometimes before its parent, sometimes twice.
            let place = usize::try_from(dice.below(waiting.len().min(6) as u64)).unwrap();
            let hash = waiting[place];
            let expected = model.import(&forge, &hash);
            let found = Outcome::from(importer.import(forge.block(&hash), NOW).unwrap());
            assert_eq!(found, expected, "seed {seed}, {hash} at {attempts}");
            if expected != Outcome::NotYet || dice.once_in(8) {
                waiting.remove(place);
            }
            if dice.once_in(12) {
                let depth = dice.below(4);
                let able = importer.revert(depth).unwrap();
                model.revert(&forge, able);
            }
            assert_eq!(importer.tip().hash, model.tip, "seed {seed}, {hash} at {attempts}");
            for subscriber in &mut subscribers {
                if dice.once_in(5) {
                    let limit = *dice.pick(&[1, 2, 1000]);
                    subscriber.read(&*importer.shared().published().snapshot, limit);
                }
            }
            if dice.once_in(20) {
                drop(importer);
                importer = forge.try_open(Arc::new(ledger.clone()), config).unwrap();
            }
        }
        let canonical: Vec<_> =
            [forge.genesis].into_iter().chain(forge.branch(&model.tip)).collect();
        for subscriber in &mut subscribers {
            subscriber.read(&ledger, usize::MAX);
            assert_eq!(subscriber.seen, canonical, "seed {seed}");
            subscriber.read(&ledger, usize::MAX);
            assert_eq!(subscriber.seen, canonical, "seed {seed}");
        }
        let alone = forge.alone(&model.tip);
        for column in FOLLOWING.into_iter().filter(|column| *column != Column::Undo) {
            let same = entries(&ledger, column) == entries(&alone, column);
            assert!(same, "seed {seed}, {}", column.name());
        }
        let mut scratch = forge.open(&MemoryLedger::new());
        verify(&ledger, &mut scratch, |_, _| true).unwrap();
    }
}

#[test]
fn cursors_that_never_were_on_the_chain_are_refused() {
    let mut forge = Forge::new();
    let genesis = forge.genesis;
    let row = forge.mine_row(&genesis, 1, 2);
    let bad = forge.mine_flawed(&row[1], 2, Vec::new(), Flaw::StateRoot);
    let ledger = MemoryLedger::new();
    let mut importer = forge.open(&ledger);
    for hash in row.iter().chain([&bad]) {
        importer.import(forge.block(hash), NOW).unwrap();
    }
    for cursor in [bad, BlockHash([7; 32]), BlockHash::ZERO] {
        assert_eq!(updates_since(&ledger, cursor, 9), Err(UpdatesError::UnknownCursor(cursor)));
    }
    let apply = |block, height| Update::Apply { block, height: Height(height) };
    assert_eq!(updates_since(&ledger, genesis, 9), Ok(vec![apply(row[0], 1), apply(row[1], 2)]));
    assert_eq!(updates_since(&ledger, genesis, 1), Ok(vec![apply(row[0], 1)]));
    assert_eq!(updates_since(&ledger, genesis, 0), Ok(vec![]));
    assert_eq!(updates_since(&ledger, row[1], 9), Ok(vec![]));
    let fault: UpdatesError = Fault::Disk("it".into()).into();
    assert_eq!(fault.to_string(), "the disk failed: it");
}
