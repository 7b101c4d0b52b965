//! A crash after every write, and a disk that is full at every write: the chain opens again,
//! finishes what was under way, and comes to the same end. A store that forgets a column is
//! noticed, or what it forgot is made anew.

use crate::support::Forge;
use crate::support::NOW;
use crate::support::columns::difference;
use crate::support::faulty::{Faulty, Trouble};
use crate::support::random::{Dice, seeds};
use blocktree_import::{Config, verify::verify};
use blocktree_primitives::BlockHash;
use blocktree_state::auth::Limits;
use blocktree_state::{Column, Fault, MemoryLedger};
use std::sync::Arc;

/// Checkpoints every few blocks.
fn config(undo_depth: u64) -> Config {
    Config {
        undo_depth,
        map: Limits { journal_keys: 20, ..Limits::default() },
        ..Config::default()
    }
}

/// Imports the blocks, on and on until the ledger fails.
fn run(forge: &Forge, ledger: Faulty, config: Config, blocks: &[BlockHash]) -> Result<(), String> {
    let mut importer = forge.try_open(Arc::new(ledger), config)?;
    for hash in blocks {
        let outcome = importer.import(forge.block(hash), NOW);
        outcome.map_err(|fault| fault.to_string())?;
    }
    importer.close().map_err(|fault| fault.to_string())
}

/// Opens what a crash left, looks at it, and goes on to the end.
fn recover(
    forge: &Forge,
    left: &MemoryLedger,
    config: Config,
    blocks: &[BlockHash],
    end: &MemoryLedger,
) -> Result<(), String> {
    drop(forge.try_open(Arc::new(left.clone()), config)?);
    let mut scratch = forge.open(&MemoryLedger::new());
    verify(left, &mut scratch, |_, _| true).map_err(|error| error.to_string())?;
    run(forge, Faulty::on(left.clone(), Trouble::None), config, blocks)?;
    crate::support::columns::assert_at_rest(left);
    difference(left, end).map_or(Ok(()), Err)
}

/// Two long branches in turn, so that the tip changes sides with blocks to revert, then a bad one.
fn sides(forge: &mut Forge) -> Vec<BlockHash> {
    use crate::support::Flaw;
    let genesis = forge.genesis;
    let shared = forge.mine_row(&genesis, 1, 2);
    let ours = forge.mine_row(&shared[1], 2, 5);
    let theirs = forge.mine_row(&shared[1], 3, 6);
    let bad = forge.mine_flawed(&theirs[1], 4, Vec::new(), Flaw::EventRefused);
    let mut worse = vec![bad];
    worse.extend(forge.mine_empty(&bad, 4, 4));
    let mut blocks = shared;
    blocks.extend(&ours[..2]);
    blocks.extend(&theirs[..3]);
    blocks.extend(&ours[2..4]);
    blocks.extend(&theirs[3..]);
    blocks.extend(&ours[4..]);
    blocks.extend(&worse);
    blocks
}

#[test]
fn a_crash_after_any_write_changes_nothing_in_the_end() {
    for undo_depth in [2880, 1] {
        let mut forge = Forge::new();
        let blocks = sides(&mut forge);
        let (config, ledger) = (config(undo_depth), Faulty::new(Trouble::None));
        run(&forge, ledger.clone(), config, &blocks).unwrap();
        let end = ledger.after(ledger.writes());
        // More than the 18 blocks: reorganisations are steps, checkpoints are writes of their own.
        assert!(ledger.writes() > 40, "{}", ledger.writes());
        for writes in 0..=ledger.writes() {
            recover(&forge, &ledger.after(writes), config, &blocks, &end)
                .unwrap_or_else(|error| panic!("depth {undo_depth}, write {writes}: {error}"));
        }
    }
}

#[test]
fn a_crash_during_the_recovery_from_a_crash_changes_nothing_either() {
    let mut forge = Forge::new();
    let blocks = sides(&mut forge);
    let (config, ledger) = (config(1), Faulty::new(Trouble::None));
    run(&forge, ledger.clone(), config, &blocks).unwrap();
    let end = ledger.after(ledger.writes());
    for writes in 0..=ledger.writes() {
        let again = Faulty::on(ledger.after(writes), Trouble::None);
        drop(forge.try_open(Arc::new(again.clone()), config).unwrap());
        // Only opening it: what was under way is finished by writes of its own.
        for more in 1..=again.writes() {
            recover(&forge, &again.after(more), config, &blocks, &end)
                .unwrap_or_else(|error| panic!("write {writes} and {more}: {error}"));
        }
    }
}

#[test]
fn a_disk_that_is_full_at_any_write_is_a_fault_and_no_loss() {
    let mut forge = Forge::new();
    let blocks = sides(&mut forge);
    let (config, ledger) = (config(2), Faulty::new(Trouble::None));
    run(&forge, ledger.clone(), config, &blocks).unwrap();
    let end = ledger.after(ledger.writes());
    let full = Fault::DiskFull("planted".into()).to_string();
    for writes in 0..ledger.writes() {
        let broken = Faulty::new(Trouble::FullAt(writes));
        let error = run(&forge, broken.clone(), config, &blocks).unwrap_err();
        assert_eq!(error, full, "write {writes}");
        assert_eq!(broken.writes(), writes);
        recover(&forge, &broken.after(writes), config, &blocks, &end)
            .unwrap_or_else(|error| panic!("write {writes}: {error}"));
    }
}

#[test]
fn random_trees_survive_crashes() {
    for seed in seeds(30) {
        let mut dice = Dice::new(seed);
        let mut forge = Forge::new();
        let blocks = crate::random::grow(&mut forge, &mut dice, 18, true);
        let (config, ledger) = (config(*dice.pick(&[1, 3, 2880])), Faulty::new(Trouble::None));
        run(&forge, ledger.clone(), config, &blocks).unwrap();
        let end = ledger.after(ledger.writes());
        for writes in 0..=ledger.writes() {
            if dice.once_in(3) {
                recover(&forge, &ledger.after(writes), config, &blocks, &end)
                    .unwrap_or_else(|error| panic!("seed {seed}, write {writes}: {error}"));
            }
        }
    }
}

/// The checks above are worth something only if they notice a store that forgets.
#[test]
fn a_column_that_is_forgotten_is_noticed_or_made_anew() {
    let mut forge = Forge::new();
    let blocks = sides(&mut forge);
    let (config, ledger) = (config(2880), Faulty::new(Trouble::None));
    run(&forge, ledger.clone(), config, &blocks).unwrap();
    let end = ledger.after(ledger.writes());
    for column in Column::ALL {
        let forgetful = Faulty::new(Trouble::Forgets(12, column));
        let outcome = run(&forge, forgetful.clone(), config, &blocks).and_then(|()| {
            (0..=forgetful.writes()).try_for_each(|writes| {
                recover(&forge, &forgetful.after(writes), config, &blocks, &end)
            })
        });
        match column {
            // They follow from the state, so they are made anew, or else named as what is damaged;
            // the importer has no pool.
            Column::Pages | Column::PageIndex | Column::MapJournal | Column::PoolJournal => {
                let is_named = outcome
                    .as_ref()
                    .map_or_else(|error| error.contains("the authenticated map"), |()| true);
                assert!(is_named, "{}: {outcome:?}", column.name());
            }
            Column::Meta
            | Column::Headers
            | Column::Bodies
            | Column::Canonical
            | Column::State
            | Column::Undo
            | Column::Effects
            | Column::Events
            | Column::History => assert!(outcome.is_err(), "{}", column.name()),
        }
    }
}
