//! Many blocks in a row, checked ahead of the fold.

use crate::support::columns::assert_same;
use crate::support::random::{Dice, seeds};
use crate::support::{Flaw, Forge, NOW};
use blocktree_consensus::Violation;
use blocktree_import::{ChainReport, Imported, Importer, Stopped};
use blocktree_primitives::BlockHash;
use blocktree_runtime::BlocktreeRuntime;
use blocktree_state::{Fault, MemoryLedger};

fn import_chain(
    forge: &Forge,
    importer: &mut Importer<BlocktreeRuntime>,
    hashes: &[BlockHash],
) -> Result<ChainReport, Stopped<Fault>> {
    let blocks: Vec<_> = hashes.iter().map(|hash| Ok(forge.block(hash))).collect();
    importer.import_chain(blocks.into_iter(), NOW, |_, _| true)
}

#[test]
fn a_chain_from_genesis_and_then_the_rest_of_it() {
    let mut forge = Forge::new();
    let row = forge.mine_row(&forge.genesis.clone(), 1, 30);
    let ledger = MemoryLedger::new();
    let mut importer = forge.open(&ledger);
    // Each block has a transfer, the first one an announcement as well.
    let report = import_chain(&forge, &mut importer, &row[..20]).unwrap();
    assert_eq!(report, ChainReport { blocks: 20, events: 21, known: 0 });
    let report = import_chain(&forge, &mut importer, &row).unwrap();
    assert_eq!(report, ChainReport { blocks: 10, events: 10, known: 20 });
    let report = import_chain(&forge, &mut importer, &row).unwrap();
    assert_eq!(report, ChainReport { blocks: 0, events: 0, known: 30 });
    assert_same(&ledger, &forge.alone(&row[29]));
    // What an operator took back comes in again.
    importer.revert(7).unwrap();
    let report = import_chain(&forge, &mut importer, &row).unwrap();
    assert_eq!((report.blocks, report.known), (7, 23));
    assert_same(&ledger, &forge.alone(&row[29]));
}

#[test]
fn what_comes_twice_counts_once() {
    let mut forge = Forge::new();
    let genesis = forge.genesis;
    let row = forge.mine_row(&genesis, 1, 30);
    let ledger = MemoryLedger::new();
    let mut importer = forge.open(&ledger);
    // Each twice in a row, and later once more.
    let twice: Vec<_> = row.iter().flat_map(|hash| [*hash, *hash]).chain(row.clone()).collect();
    let report = import_chain(&forge, &mut importer, &twice).unwrap();
    // 30 transfers and an announcement.
    assert_eq!(report, ChainReport { blocks: 30, events: 31, known: 60 });
    assert_same(&ledger, &forge.alone(&row[29]));
}

/// A refusal names the height by the block's parent, whatever its commitment says.
#[test]
fn a_refused_block_is_named_by_its_place() {
    let mut forge = Forge::new();
    let genesis = forge.genesis;
    let row = forge.mine_row(&genesis, 1, 3);
    let mut importer = forge.open(&MemoryLedger::new());
    let mut block = forge.block(&row[1]);
    block.commitment.height = blocktree_primitives::Height(4_000_000_000);
    let blocks = [Ok::<_, Fault>(forge.block(&row[0])), Ok(block.clone())];
    match importer.import_chain(blocks.into_iter(), NOW, |_, _| true) {
        Err(Stopped::Refused { height, .. }) => assert_eq!(height.0, 2),
        other => panic!("{other:?}"),
    }
    import_chain(&forge, &mut importer, &row).unwrap();
    // The same block where it has to take the ordinary way: its header is known.
    match importer.import_chain([Ok::<_, Fault>(block)].into_iter(), NOW, |_, _| true) {
        Ok(report) => assert_eq!(report.known, 1),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_longer_branch_from_far_below_the_tip() {
    let mut forge = Forge::new();
    let shared = forge.mine_row(&forge.genesis.clone(), 1, 2);
    // More than the 144 blocks below which a branch is not stored for its own work.
    let ours = forge.mine_empty(&shared[1], 2, 150);
    let theirs = forge.mine_empty(&shared[1], 3, 153);
    let ledger = MemoryLedger::new();
    let mut importer = forge.open(&ledger);
    import_chain(&forge, &mut importer, &[&shared[..], &ours].concat()).unwrap();
    let branch = forge.branch(&theirs[152]);
    let report = import_chain(&forge, &mut importer, &branch).unwrap();
    assert_eq!(report, ChainReport { blocks: 153, events: 0, known: 2 });
    assert_eq!(importer.tip().hash, theirs[152]);
    assert_same(&ledger, &forge.alone(&theirs[152]));
}

#[test]
fn a_shorter_branch_is_stored_beside() {
    let mut forge = Forge::new();
    let genesis = forge.genesis;
    let (ours, theirs) = (forge.mine_row(&genesis, 2, 5), forge.mine_row(&genesis, 3, 4));
    let ledger = MemoryLedger::new();
    let mut importer = forge.open(&ledger);
    import_chain(&forge, &mut importer, &ours).unwrap();
    let report = import_chain(&forge, &mut importer, &theirs).unwrap();
    assert_eq!(report, ChainReport { blocks: 4, events: 5, known: 0 });
    assert_eq!(importer.tip().hash, ours[4]);
    assert_same(&ledger, &forge.alone(&ours[4]));
}

#[test]
fn branches_in_turn() {
    for seed in seeds(12) {
        let mut forge = Forge::new();
        let mut dice = Dice::new(seed);
        let blocks = crate::random::grow(&mut forge, &mut dice, 30, false);
        let ledger = MemoryLedger::new();
        let mut importer = forge.open(&ledger);
        let report = import_chain(&forge, &mut importer, &blocks).unwrap();
        assert_eq!((report.blocks, report.known), (30, 0), "seed {seed}");
        // The first of the highest ones.
        let mut best = forge.genesis;
        for hash in &blocks {
            if forge.height(hash) > forge.height(&best) {
                best = *hash;
            }
        }
        assert_eq!(importer.tip().hash, best, "seed {seed}");
        assert_same(&ledger, &forge.alone(&best));
        let report = import_chain(&forge, &mut importer, &blocks).unwrap();
        assert_eq!((report.blocks, report.known), (0, 30), "seed {seed}");
    }
}

#[test]
fn a_refused_block_ends_it_and_what_came_before_stays() {
    for (flaw, name) in [
        (Flaw::StateRoot, "WrongStateRoot"),
        (Flaw::EventRefused, "EventRefused"),
        (Flaw::Signature, "EventSignature"),
        (Flaw::History, "WrongHistoryRoot"),
        (Flaw::Time, "TimeNotAfterMedian"),
    ] {
        let mut forge = Forge::new();
        let mut row = forge.mine_row(&forge.genesis.clone(), 1, 8);
        row.push(forge.mine_flawed(&row[7], 1, Vec::new(), flaw));
        let rest = forge.mine_empty(&row[8], 1, 8);
        row.extend(rest);
        let ledger = MemoryLedger::new();
        let mut importer = forge.open(&ledger);
        match import_chain(&forge, &mut importer, &row) {
            Err(Stopped::Refused { height, violation }) => {
                assert_eq!((height.0, violation.name()), (9, name));
            }
            other => panic!("{other:?}"),
        }
        assert_same(&ledger, &forge.alone(&row[7]));
        // It is remembered, and what is on top of it with it.
        assert_eq!(forge.import(&mut importer, &row[8]), Imported::KnownInvalid(row[8]));
        match import_chain(&forge, &mut importer, &row[9..]) {
            Err(Stopped::Unusable { height, reason }) => {
                assert_eq!(height.0, 10);
                assert_eq!(reason, "it, or a block before it, was refused earlier");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_spoilt_body_ends_it_and_is_not_remembered() {
    let mut forge = Forge::new();
    let row = forge.mine_row(&forge.genesis.clone(), 1, 3);
    let mut importer = forge.open(&MemoryLedger::new());
    let mut blocks: Vec<_> = row.iter().map(|hash| forge.block(hash)).collect();
    blocks[1].body = blocks[2].body.clone();
    let blocks = blocks.into_iter().map(Ok::<_, Fault>);
    match importer.import_chain(blocks, NOW, |_, _| true) {
        Err(Stopped::Refused { violation: Violation::WrongEventRoot { .. }, height }) => {
            assert_eq!(height.0, 2);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(importer.tip().hash, row[0]);
    import_chain(&forge, &mut importer, &row[1..]).unwrap();
    assert_eq!(importer.tip().hash, row[2]);
}

#[test]
fn orphans_the_future_faults_of_the_source_and_the_callers_wish_end_it() {
    let mut forge = Forge::new();
    let genesis = forge.genesis;
    let row = forge.mine_row(&genesis, 1, 6);
    let early = forge.mine_flawed(&row[1], 2, Vec::new(), Flaw::Future);
    let mut importer = forge.open(&MemoryLedger::new());
    match import_chain(&forge, &mut importer, &row[1..]) {
        Err(Stopped::Unusable { height, reason }) => {
            assert_eq!(height.0, 2);
            assert_eq!(reason, format!("the parent {} is not known", row[0]));
        }
        other => panic!("{other:?}"),
    }
    match import_chain(&forge, &mut importer, &[row[0], row[1], early]) {
        Err(Stopped::Unusable { height, reason }) => {
            assert_eq!(height.0, 3);
            assert!(reason.starts_with("the block's time is too far ahead until "), "{reason}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(importer.tip().hash, row[1]);
    let source = [Ok(forge.block(&row[2])), Err(Fault::Disk("gone".into()))];
    match importer.import_chain(source.into_iter(), NOW, |_, _| true) {
        Err(Stopped::Source(fault)) => assert_eq!(fault, Fault::Disk("gone".into())),
        other => panic!("{other:?}"),
    }
    assert_eq!(importer.tip().hash, row[2]);
    let blocks = row[3..].iter().map(|hash| Ok::<_, Fault>(forge.block(hash)));
    let report = importer.import_chain(blocks, NOW, |report, height| {
        assert_eq!((report.blocks, height.0), (1, 4));
        false
    });
    assert_eq!(report.unwrap().blocks, 1);
    assert_eq!(importer.tip().hash, row[3]);
}
