//! The replay of a stored chain notices whatever is not as the chain has it.

use crate::support::columns::entries;
use crate::support::{Forge, NOW};
use blocktree_import::verify::{VerifyError, verify};
use blocktree_import::{ChainReport, Stopped};
use blocktree_state::{Batch, Column, Durability, Fault, Ledger, MemoryLedger};

/// A chain with a side branch, so that not all that is stored is of the best chain.
fn stored() -> (Forge, MemoryLedger) {
    let mut forge = Forge::new();
    let genesis = forge.genesis;
    let ledger = MemoryLedger::new();
    let mut importer = forge.open(&ledger);
    let (ours, theirs) = (forge.mine_row(&genesis, 1, 4), forge.mine_row(&genesis, 2, 5));
    for hash in ours.iter().chain(&theirs) {
        importer.import(forge.block(hash), NOW).unwrap();
    }
    (forge, ledger)
}

fn check(forge: &Forge, ledger: &MemoryLedger) -> Result<ChainReport, VerifyError> {
    verify(ledger, &mut forge.open(&MemoryLedger::new()), |_, _| true)
}

fn changed(ledger: &MemoryLedger, change: impl FnOnce(&mut Batch)) -> MemoryLedger {
    let (fork, mut batch) = (ledger.fork(), Batch::new());
    change(&mut batch);
    fork.write(batch, Durability::Process).unwrap();
    fork
}

/// Columns whose entries of the best chain are compared, and whether a missing one is noticed:
/// undo records are kept as deep as the folder was told to.
const COMPARED: [(Column, bool); 8] = [
    (Column::Headers, true),
    (Column::Bodies, true),
    (Column::Canonical, true),
    (Column::State, true),
    (Column::Events, true),
    (Column::History, true),
    (Column::Effects, true),
    (Column::Undo, false),
];

#[test]
fn a_good_chain_passes() {
    let (forge, ledger) = stored();
    assert_eq!(check(&forge, &ledger).unwrap(), ChainReport { blocks: 5, events: 6, known: 0 });
    let genesis = MemoryLedger::new();
    forge.open(&genesis);
    assert_eq!(check(&forge, &genesis).unwrap(), ChainReport::default());
}

#[test]
fn damage_to_any_entry_is_noticed() {
    let (forge, ledger) = stored();
    let alone = forge.alone(&forge.open(&ledger).tip().hash);
    for (column, is_missed) in COMPARED {
        let good = entries(&alone, column);
        assert!(!good.is_empty(), "{}", column.name());
        for (key, value) in good {
            for at in [0, value.len() / 3, value.len() / 2, value.len() - 1] {
                let mut value = value.clone();
                value[at] ^= 1;
                let bad = changed(&ledger, |batch| batch.put(column, key.clone(), value));
                // The body of genesis is not looked at: it has none.
                let is_ignored = column == Column::Bodies && key == forge.genesis.0;
                let name = column.name();
                assert_eq!(check(&forge, &bad).is_ok(), is_ignored, "{name} {key:02x?} at {at}");
            }
            let missing = changed(&ledger, |batch| batch.delete(column, key.clone()));
            let is_missed = is_missed && !(column == Column::Bodies && key == forge.genesis.0);
            assert_eq!(check(&forge, &missing).is_err(), is_missed, "{} {key:02x?}", column.name());
        }
    }
}

#[test]
fn what_should_not_be_there_is_noticed() {
    let (forge, ledger) = stored();
    for (column, key) in [
        (Column::State, vec![0xff, 0xff]),
        (Column::Events, vec![7; 32]),
        (Column::Effects, vec![7; 32]),
        (Column::History, vec![0xff; 8]),
        (Column::Canonical, vec![0xff; 8]),
    ] {
        let bad = changed(&ledger, |batch| batch.put(column, key, vec![7; 32]));
        match check(&forge, &bad) {
            Err(VerifyError::Differs { column: found, .. }) => assert_eq!(found, column.name()),
            other => panic!("{}: {other:?}", column.name()),
        }
    }
}

#[test]
fn errors_say_where() {
    let (forge, ledger) = stored();
    let tip = forge.open(&ledger).tip().hash;
    let other_tip = changed(&ledger, |batch| batch.put(Column::Meta, b"tip", forge.genesis.0));
    assert!(matches!(check(&forge, &other_tip), Err(VerifyError::OtherTip { .. })));
    let no_body = changed(&ledger, |batch| batch.delete(Column::Bodies, tip.0));
    match check(&forge, &no_body) {
        Err(VerifyError::Replay(Stopped::Source(Fault::Corrupt(what)))) => {
            assert_eq!(what, format!("the body of {tip} is missing"));
        }
        other => panic!("{other:?}"),
    }
    let mut count = 0;
    let ended = verify(&ledger, &mut forge.open(&MemoryLedger::new()), |_, height| {
        count += 1;
        height.0 < 3
    });
    assert!(matches!(ended, Err(VerifyError::Ended(height)) if height.0 == 3), "{ended:?}");
    assert_eq!(count, 3);
}
