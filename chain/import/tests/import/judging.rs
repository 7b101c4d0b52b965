//! What becomes of one block.

use crate::support::columns::{assert_same, entries};
use crate::support::{Flaw, Forge, NOW};
use blocktree_consensus::{Body, Candidate, NotYet, Work};
use blocktree_import::{Config, Imported, Worth};
use blocktree_primitives::{BlockHash, Principal};
use blocktree_runtime::Call;
use blocktree_state::{Batch, Column, Durability, Ledger, MemoryLedger, Reader};
use std::sync::Arc;

#[test]
fn a_chain_grows_and_its_state_is_the_definition() {
    let mut forge = Forge::new();
    let ledger = MemoryLedger::new();
    let mut importer = forge.open(&ledger);
    for hash in forge.mine_row(&forge.genesis.clone(), 1, 12) {
        assert_eq!(forge.import(&mut importer, &hash), Imported::NewTip { hash, reverted: 0 });
        assert_eq!(importer.tip().hash, hash);
        let state = &forge.state(&hash).0;
        let stored = entries(&ledger, Column::State);
        assert_eq!(stored, state.clone().into_iter().collect::<Vec<_>>());
    }
    // 200,000 + 200,001 + … + 200,011 = 12 · 200,000 + 66.
    let account =
        pallet_coin::accounts::get(&importer.shared().published().state(), &Principal([101; 32]));
    assert_eq!(account.unwrap().free.units(), 2_400_066);
}

#[test]
fn a_closed_chain_and_a_killed_one_open_at_their_tip() {
    let mut forge = Forge::new();
    let ledger = MemoryLedger::new();
    let row = forge.mine_row(&forge.genesis.clone(), 1, 4);
    for (index, hash) in row.iter().enumerate() {
        let mut importer = forge.open(&ledger);
        assert_eq!(importer.tip().height.0, index as u64);
        forge.import(&mut importer, hash);
        if index % 2 == 0 {
            importer.close().unwrap();
        }
    }
    assert_same(&ledger, &forge.alone(&row[3]));
}

#[test]
fn a_folder_of_another_chain_is_refused() {
    let forge = Forge::new();
    let ledger = MemoryLedger::new();
    forge.open(&ledger);
    let mut other = Forge::new();
    other.rules.push(0);
    let refused = other.try_open(Arc::new(ledger), Config::default());
    let error = refused.err().unwrap();
    assert!(error.starts_with("the data folder holds the chain"), "{error}");
}

#[test]
fn a_tie_keeps_the_first_seen() {
    let mut forge = Forge::new();
    let genesis = forge.genesis;
    let (ours, theirs) = (forge.mine_row(&genesis, 1, 3), forge.mine_row(&genesis, 2, 3));
    let ledger = MemoryLedger::new();
    let mut importer = forge.open(&ledger);
    for hash in &ours {
        forge.import(&mut importer, hash);
    }
    for hash in &theirs {
        assert_eq!(forge.import(&mut importer, hash), Imported::Side(*hash));
    }
    assert_eq!(importer.tip().hash, ours[2]);
    assert_same(&ledger, &forge.alone(&ours[2]));
}

#[test]
fn a_known_block_is_known_on_the_best_chain_and_beside_it() {
    let mut forge = Forge::new();
    let genesis = forge.genesis;
    let (ours, theirs) = (forge.mine_row(&genesis, 1, 2), forge.mine_row(&genesis, 2, 1));
    let mut importer = forge.open(&MemoryLedger::new());
    for hash in ours.iter().chain(&theirs) {
        forge.import(&mut importer, hash);
    }
    for hash in ours.iter().chain(&theirs) {
        assert_eq!(forge.import(&mut importer, hash), Imported::Known(*hash));
        // The body is not looked at: it could be anybody's.
        let mut spoilt = forge.block(hash);
        spoilt.body = Body::new(Vec::new()).unwrap();
        assert_eq!(importer.import(spoilt, NOW).unwrap(), Imported::Known(*hash));
    }
}

#[test]
fn orphans_and_blocks_of_the_future_are_not_yet() {
    let mut forge = Forge::new();
    let genesis = forge.genesis;
    let row = forge.mine_row(&genesis, 1, 2);
    let early = forge.mine_flawed(&genesis, 2, Vec::new(), Flaw::Future);
    let ledger = MemoryLedger::new();
    let mut importer = forge.open(&ledger);
    let before = ledger.fork();
    let orphan = NotYet::Orphan { parent: row[0] };
    assert_eq!(forge.import(&mut importer, &row[1]), Imported::NotYet(orphan));
    let block = forge.block(&early);
    // The dev chain lets a header be ten years ahead: 315,360,000 s.
    let until = block.header.time - 315_360_000;
    for now in [0, NOW, until - 1] {
        let outcome = importer.import(block.clone(), now).unwrap();
        assert_eq!(outcome, Imported::NotYet(NotYet::Future { until }), "at {now}");
    }
    for column in [Column::Headers, Column::Bodies] {
        assert_eq!(entries(&ledger, column), entries(&before, column));
    }
    assert_eq!(
        importer.import(block, until).unwrap(),
        Imported::NewTip { hash: early, reverted: 0 }
    );
    forge.import(&mut importer, &row[0]);
    assert_eq!(
        forge.import(&mut importer, &row[1]),
        Imported::NewTip { hash: row[1], reverted: 1 }
    );
}

#[test]
fn what_was_spoilt_on_the_way_blames_the_sender_alone() {
    let mut forge = Forge::new();
    let genesis = forge.genesis;
    let hash = forge.mine_row(&genesis, 1, 1)[0];
    let side = forge.mine_row(&genesis, 2, 1)[0];
    let good = forge.block(&hash);
    let other = forge.block(&side);
    let mut importer = forge.open(&MemoryLedger::new());

    type Spoil<'a> = &'a dyn Fn(&mut Candidate<Call>);
    let spoil: [(&str, Spoil<'_>); 5] = [
        ("WrongEventRoot", &|b| b.body = other.body.clone()),
        ("WrongEventRoot", &|b| b.body = Body::new(Vec::new()).unwrap()),
        ("WrongEventRoot", &|b| {
            // The same events, one signature spoilt.
            let mut bytes = b.body.encoded();
            *bytes.last_mut().unwrap() ^= 1;
            b.body = Body::decode(&bytes).unwrap();
        }),
        ("WrongCommitment", &|b| b.commitment = other.commitment),
        ("WrongCommitment", &|b| b.commitment.extra_nonce[7] ^= 1),
    ];
    for (name, spoil) in spoil {
        let mut block = good.clone();
        spoil(&mut block);
        match importer.import(block, NOW).unwrap() {
            Imported::Refused(violation) => assert_eq!(violation.name(), name),
            outcome => panic!("{name}: {outcome:?}"),
        }
    }
    assert_eq!(forge.import(&mut importer, &hash), Imported::NewTip { hash, reverted: 0 });
    // The same beside the best chain.
    let mut block = other;
    block.body = good.body;
    match importer.import(block, NOW).unwrap() {
        Imported::Refused(violation) => assert_eq!(violation.name(), "WrongEventRoot"),
        outcome => panic!("{outcome:?}"),
    }
    assert_eq!(forge.import(&mut importer, &side), Imported::Side(side));
}

#[test]
fn what_its_proof_of_work_covers_is_remembered() {
    for (flaw, name) in [
        (Flaw::StateRoot, "WrongStateRoot"),
        (Flaw::EventRefused, "EventRefused"),
        (Flaw::Signature, "EventSignature"),
        (Flaw::History, "WrongHistoryRoot"),
        (Flaw::Time, "TimeNotAfterMedian"),
    ] {
        let mut forge = Forge::new();
        let genesis = forge.genesis;
        let event = forge.transfer(1, 0, Principal([3; 32]), 100_000);
        let first = forge.mine(&genesis, 1, vec![event]);
        let bad = forge.mine_flawed(&first, 1, Vec::new(), flaw);
        let child = forge.mine(&bad, 1, Vec::new());
        let ledger = MemoryLedger::new();
        let mut importer = forge.open(&ledger);
        forge.import(&mut importer, &first);
        match forge.import(&mut importer, &bad) {
            Imported::Refused(violation) => assert_eq!(violation.name(), name),
            outcome => panic!("{name}: {outcome:?}"),
        }
        // Also by a node that was killed since.
        let mut importer = forge.open(&ledger.fork());
        assert_eq!(forge.import(&mut importer, &bad), Imported::KnownInvalid(bad));
        assert_eq!(forge.import(&mut importer, &child), Imported::KnownInvalid(child));
        assert_eq!(importer.tip().hash, first);
        assert_same(&ledger, &forge.alone(&first));
        // And the place is free for a good one.
        let good = forge.mine(&first, 2, Vec::new());
        assert_eq!(
            forge.import(&mut importer, &good),
            Imported::NewTip { hash: good, reverted: 0 }
        );
    }
}

#[test]
fn branches_of_little_work_are_stored_for_a_reason_only() {
    let mut forge = Forge::new();
    let genesis = forge.genesis;
    // 146 blocks: at two hashes a block, a branch of 2 blocks (genesis is one) is 144 behind.
    let ours = forge.mine_empty(&genesis, 1, 146);
    let theirs = forge.mine_empty(&genesis, 2, 147);
    let ledger = MemoryLedger::new();
    let mut importer = forge.open(&ledger);
    for hash in &ours {
        forge.import(&mut importer, hash);
    }
    let too_little = Imported::TooLittleWork(theirs[0]);
    let import = |importer: &mut blocktree_import::Importer<_>, worth| {
        importer.import_as(forge.block(&theirs[0]), worth, NOW).unwrap()
    };
    assert_eq!(forge.import(&mut importer, &theirs[0]), too_little);
    // 147 blocks of 2 hashes with genesis, less 144 of 2: shown must be more than 6.
    let shown = |hashes: u64| Worth::Shown(Work::from_hashes(hashes));
    assert_eq!(import(&mut importer, shown(6)), too_little);
    assert!(ledger.get(Column::Headers, &theirs[0].0).unwrap().is_none());
    assert_eq!(import(&mut importer, shown(7)), Imported::Side(theirs[0]));
    // From the second on, the branch is close enough by itself: 3 · 2 hashes are 6, 4 · 2 are 8.
    assert_eq!(forge.import(&mut importer, &theirs[1]), Imported::TooLittleWork(theirs[1]));
    let chosen = importer.import_as(forge.block(&theirs[1]), Worth::Chosen, NOW).unwrap();
    assert_eq!(chosen, Imported::Side(theirs[1]));
    for hash in &theirs[2..146] {
        assert_eq!(forge.import(&mut importer, hash), Imported::Side(*hash));
    }
    let hash = theirs[146];
    assert_eq!(forge.import(&mut importer, &hash), Imported::NewTip { hash, reverted: 146 });
    assert_same(&ledger, &forge.alone(&hash));
}

#[test]
fn a_minimum_of_work_holds_until_it_is_shown() {
    let mut forge = Forge::new();
    let row = forge.mine_empty(&forge.genesis.clone(), 1, 3);
    // Genesis and three blocks of two hashes each.
    let minimum_work = Work::from_hashes(8u64);
    let config = Config { minimum_work, ..Config::default() };
    let mut importer = forge.try_open(Arc::new(MemoryLedger::new()), config).unwrap();
    assert_eq!(forge.import(&mut importer, &row[0]), Imported::TooLittleWork(row[0]));
    for hash in &row {
        let outcome = importer.import_as(forge.block(hash), Worth::Shown(minimum_work), NOW);
        assert_eq!(outcome.unwrap(), Imported::NewTip { hash: *hash, reverted: 0 });
    }
    let hash = forge.mine_empty(&row[2], 1, 1)[0];
    assert_eq!(forge.import(&mut importer, &hash), Imported::NewTip { hash, reverted: 0 });
}

#[test]
fn a_damaged_folder_is_a_fault_and_no_verdict() {
    let mut forge = Forge::new();
    let genesis = forge.genesis;
    let (ours, theirs) = (forge.mine_row(&genesis, 1, 2), forge.mine_row(&genesis, 2, 3));
    let spoil: [(Column, BlockHash); 2] = [(Column::Bodies, theirs[0]), (Column::Bodies, ours[1])];
    for (column, key) in spoil {
        let ledger = MemoryLedger::new();
        let mut importer = forge.open(&ledger);
        for hash in ours.iter().chain(&theirs[..2]) {
            forge.import(&mut importer, hash);
        }
        let mut body = ledger.get(column, &key.0).unwrap().unwrap();
        *body.last_mut().unwrap() ^= 1;
        let mut batch = Batch::new();
        batch.put(column, key.0, body);
        ledger.write(batch, Durability::Process).unwrap();
        let fault = importer.import(forge.block(&theirs[2]), NOW).unwrap_err().to_string();
        assert!(fault.starts_with("the data folder is damaged: stored block"), "{fault}");
    }
}
