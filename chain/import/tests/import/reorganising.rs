//! From one branch to another, and back where that is due.

use crate::support::columns::{FOLLOWING, assert_at_rest, assert_same, entries};
use crate::support::{Flaw, Forge, NOW};
use blocktree_import::{Config, Imported};
use blocktree_primitives::Principal;
use blocktree_state::{Column, MemoryLedger};
use std::sync::Arc;

#[test]
fn a_reorganisation_leaves_the_branch_as_if_it_were_alone() {
    let mut forge = Forge::new();
    let genesis = forge.genesis;
    let shared = forge.mine_row(&genesis, 1, 3);
    let ours = forge.mine_row(&shared[2], 2, 4);
    let theirs = forge.mine_row(&shared[2], 3, 6);
    let ledger = MemoryLedger::new();
    let mut importer = forge.open(&ledger);
    for hash in shared.iter().chain(&ours).chain(&theirs[..4]) {
        forge.import(&mut importer, hash);
    }
    assert_same(&ledger, &forge.alone(&ours[3]));
    let hash = theirs[4];
    assert_eq!(forge.import(&mut importer, &hash), Imported::NewTip { hash, reverted: 4 });
    assert_same(&ledger, &forge.alone(&hash));
    let hash = theirs[5];
    assert_eq!(forge.import(&mut importer, &hash), Imported::NewTip { hash, reverted: 0 });
    assert_same(&ledger, &forge.alone(&hash));
    // And back again, by a longer branch of ours.
    let more = forge.mine_row(&ours[3], 2, 3);
    for hash in &more {
        forge.import(&mut importer, hash);
    }
    assert_eq!(importer.tip().hash, more[2]);
    assert_same(&ledger, &forge.alone(&more[2]));
    let published = importer.shared().published();
    assert_eq!(published.tip().hash, more[2]);
    assert_same(&*published.snapshot, &ledger);
    assert_at_rest(&ledger);
}

#[test]
fn the_same_events_in_another_order_move_in_the_index() {
    let mut forge = Forge::new();
    let genesis = forge.genesis;
    let events: Vec<_> =
        (0..6).map(|key| forge.transfer(key, 0, Principal([9; 32]), 100_000)).collect();
    let ours = forge.mine(&genesis, 1, events.clone());
    let other = forge.mine(&genesis, 2, events[3..].to_vec());
    let theirs = forge.mine(&other, 2, events[..3].iter().rev().cloned().collect());
    let ledger = MemoryLedger::new();
    let mut importer = forge.open(&ledger);
    for hash in [ours, other, theirs] {
        forge.import(&mut importer, &hash);
    }
    assert_same(&ledger, &forge.alone(&theirs));
    let place = |event: &blocktree_runtime::Event| {
        let published = importer.shared().published();
        let chain = blocktree_import::ChainReader(&*published.snapshot);
        let place = chain.event(&event.id(&genesis)).unwrap().unwrap();
        (place.height.0, place.index)
    };
    assert_eq!(
        events.iter().map(place).collect::<Vec<_>>(),
        [(2, 2), (2, 1), (2, 0), (1, 0), (1, 1), (1, 2)]
    );
}

/// A branch of six blocks against five; the one at `bad` fails at the fold.
fn a_bad_branch(flaw: Flaw, bad: usize, name: &str) {
    let mut forge = Forge::new();
    let genesis = forge.genesis;
    let shared = forge.mine_row(&genesis, 1, 2);
    let ours = forge.mine_row(&shared[1], 2, 5);
    let mut theirs = forge.mine_row(&shared[1], 3, bad as u64);
    let parent = theirs.last().copied().unwrap_or(shared[1]);
    theirs.push(forge.mine_flawed(&parent, 3, Vec::new(), flaw));
    let rest = forge.mine_empty(theirs.last().unwrap(), 3, 5 - bad);
    theirs.extend(rest);
    let ledger = MemoryLedger::new();
    let mut importer = forge.open(&ledger);
    for hash in shared.iter().chain(&ours) {
        forge.import(&mut importer, hash);
    }
    for hash in &theirs[..5] {
        assert_eq!(forge.import(&mut importer, hash), Imported::Side(*hash), "{flaw:?} {bad}");
    }
    // Beside the target, another child of the bad block or of one after it.
    let sibling = forge.mine_empty(&theirs[4], 4, 3);
    match forge.import(&mut importer, &theirs[5]) {
        Imported::Refused(violation) => assert_eq!(violation.name(), name),
        outcome => panic!("{flaw:?} {bad}: {outcome:?}"),
    }
    assert_eq!(importer.tip().hash, ours[4]);
    assert_same(&ledger, &forge.alone(&ours[4]));
    assert_at_rest(&ledger);
    for (index, hash) in theirs.iter().enumerate() {
        let expected = match index < bad {
            true => Imported::Known(*hash),
            false => Imported::KnownInvalid(*hash),
        };
        assert_eq!(forge.import(&mut importer, hash), expected, "{flaw:?} {bad}: {index}");
    }
    let outcome = forge.import(&mut importer, &sibling[0]);
    if bad == 5 {
        // Only the target was bad: on the block before it another one is as good as any.
        assert_eq!(outcome, Imported::NewTip { hash: sibling[0], reverted: 5 });
        assert_same(&ledger, &forge.alone(&sibling[0]));
        return;
    }
    assert_eq!(outcome, Imported::KnownInvalid(sibling[0]), "{flaw:?} {bad}");
    // Ours goes on.
    let more = forge.mine_row(&ours[4], 2, 1)[0];
    assert_eq!(forge.import(&mut importer, &more), Imported::NewTip { hash: more, reverted: 0 });
    assert_same(&ledger, &forge.alone(&more));
}

#[test]
fn a_branch_that_fails_at_the_fold_returns_to_the_former_tip() {
    for bad in 0..=5 {
        a_bad_branch(Flaw::StateRoot, bad, "WrongStateRoot");
        a_bad_branch(Flaw::EventRefused, bad, "EventRefused");
    }
}

#[test]
fn a_cousin_of_an_invalid_target_is_found_invalid_when_it_matters() {
    let mut forge = Forge::new();
    let genesis = forge.genesis;
    let ours = forge.mine_row(&genesis, 2, 3);
    let bad = forge.mine_flawed(&genesis, 3, Vec::new(), Flaw::StateRoot);
    let one = forge.mine_empty(&bad, 3, 3);
    let other = forge.mine_empty(&bad, 4, 4);
    let ledger = MemoryLedger::new();
    let mut importer = forge.open(&ledger);
    for hash in ours.iter().chain([&bad]).chain(&one[..2]).chain(&other[..2]) {
        forge.import(&mut importer, hash);
    }
    assert!(matches!(forge.import(&mut importer, &one[2]), Imported::Refused(_)));
    // Nothing of the other branch has been judged since, so its blocks are still known …
    assert_eq!(forge.import(&mut importer, &other[1]), Imported::Known(other[1]));
    // … until one would be the tip.
    assert_eq!(forge.import(&mut importer, &other[2]), Imported::KnownInvalid(other[2]));
    for hash in &other {
        assert_eq!(forge.import(&mut importer, hash), Imported::KnownInvalid(*hash));
    }
    assert_same(&ledger, &forge.alone(&ours[2]));
}

#[test]
fn reverted_blocks_come_back_when_they_come_again() {
    let mut forge = Forge::new();
    let genesis = forge.genesis;
    let row = forge.mine_row(&genesis, 1, 5);
    let ledger = MemoryLedger::new();
    let mut importer = forge.open(&ledger);
    for hash in &row {
        forge.import(&mut importer, hash);
    }
    assert_eq!(importer.revert(3).unwrap(), 3);
    assert_eq!(importer.tip().hash, row[1]);
    assert_same(&ledger, &forge.alone(&row[1]));
    assert_eq!(forge.import(&mut importer, &row[1]), Imported::Known(row[1]));
    let hash = row[3];
    assert_eq!(forge.import(&mut importer, &hash), Imported::NewTip { hash, reverted: 0 });
    assert_same(&ledger, &forge.alone(&hash));
    assert_eq!(importer.revert(u64::MAX).unwrap(), 4);
    assert_eq!(importer.tip().hash, genesis);
    assert_same(&ledger, &forge.alone(&genesis));
    assert_eq!(importer.revert(1).unwrap(), 0);
    let hash = row[4];
    assert_eq!(forge.import(&mut importer, &hash), Imported::NewTip { hash, reverted: 0 });
    assert_same(&ledger, &forge.alone(&hash));
}

#[test]
fn the_better_part_of_a_bad_branch_is_kept_if_it_is_better_than_what_was() {
    let mut forge = Forge::new();
    let genesis = forge.genesis;
    let ours = forge.mine_row(&genesis, 1, 5);
    let theirs = forge.mine_row(&genesis, 2, 3);
    let bad = forge.mine_flawed(&theirs[2], 2, Vec::new(), Flaw::EventRefused);
    let child = forge.mine(&bad, 2, Vec::new());
    let ledger = MemoryLedger::new();
    let mut importer = forge.open(&ledger);
    for hash in ours.iter().chain(&theirs).chain([&bad]) {
        forge.import(&mut importer, hash);
    }
    // An operator goes back to where their three are more than ours.
    importer.revert(3).unwrap();
    assert!(matches!(forge.import(&mut importer, &child), Imported::Refused(_)));
    assert_eq!(importer.tip().hash, theirs[2]);
    assert_same(&ledger, &forge.alone(&theirs[2]));
    assert_eq!(forge.import(&mut importer, &child), Imported::KnownInvalid(child));
    // With as many as theirs, ours would have stayed.
    let hash = ours[4];
    assert_eq!(forge.import(&mut importer, &hash), Imported::NewTip { hash, reverted: 3 });
    assert_same(&ledger, &forge.alone(&hash));
}

#[test]
fn undo_records_are_kept_as_deep_as_configured() {
    let mut forge = Forge::new();
    let row = forge.mine_row(&forge.genesis.clone(), 1, 6);
    for (undo_depth, kept) in [(0, 1), (1, 1), (2, 2), (5, 5), (6, 6), (7, 6)] {
        let ledger = MemoryLedger::new();
        let config = Config { undo_depth, ..Config::default() };
        let mut importer = forge.try_open(Arc::new(ledger.clone()), config).unwrap();
        for hash in &row {
            forge.import(&mut importer, hash);
        }
        assert_eq!(entries(&ledger, Column::Undo).len(), kept, "{undo_depth}");
        assert_eq!(importer.revert(6).unwrap(), kept as u64, "{undo_depth}");
        assert_eq!(entries(&ledger, Column::Undo).len(), 0);
    }
}

/// Without undo records the chain is folded again from genesis: slower, and no other outcome.
#[test]
fn a_reorganisation_below_the_undo_records_folds_again() {
    for (flaw, undo_depth) in [(Flaw::None, 2), (Flaw::None, 4), (Flaw::StateRoot, 2)] {
        let mut forge = Forge::new();
        let genesis = forge.genesis;
        let shared = forge.mine_row(&genesis, 1, 3);
        let ours = forge.mine_row(&shared[2], 2, 5);
        let mut theirs = forge.mine_row(&shared[2], 3, 4);
        theirs.push(forge.mine_flawed(&theirs[3], 3, Vec::new(), flaw));
        theirs.push(forge.mine(&theirs[4], 3, Vec::new()));
        let ledger = MemoryLedger::new();
        let config = Config { undo_depth, ..Config::default() };
        let mut importer = forge.try_open(Arc::new(ledger.clone()), config).unwrap();
        for hash in shared.iter().chain(&ours).chain(&theirs[..5]) {
            forge.import(&mut importer, hash);
        }
        let hash = theirs[5];
        let outcome = forge.import(&mut importer, &hash);
        let end = match flaw {
            Flaw::None => {
                assert_eq!(outcome, Imported::NewTip { hash, reverted: 5 });
                hash
            }
            _ => {
                assert!(matches!(outcome, Imported::Refused(_)), "{outcome:?}");
                ours[4]
            }
        };
        assert_eq!(importer.tip().hash, end);
        let alone = forge.alone(&end);
        for column in FOLLOWING.into_iter().filter(|column| *column != Column::Undo) {
            assert_eq!(entries(&ledger, column), entries(&alone, column), "{}", column.name());
        }
        assert_eq!(entries(&ledger, Column::Undo).len() as u64, undo_depth);
        // It opens again, and goes on.
        drop(importer);
        let mut importer = forge.try_open(Arc::new(ledger.clone()), config).unwrap();
        let more = forge.mine_row(&end, 4, 1)[0];
        assert_eq!(
            forge.import(&mut importer, &more),
            Imported::NewTip { hash: more, reverted: 0 }
        );
    }
}

#[test]
fn readers_never_see_half_a_step() {
    let mut forge = Forge::new();
    let genesis = forge.genesis;
    let (ours, theirs) = (forge.mine_row(&genesis, 1, 3), forge.mine_row(&genesis, 2, 4));
    let ledger = MemoryLedger::new();
    let mut importer = forge.open(&ledger);
    let mut held = Vec::new();
    for hash in ours.iter().chain(&theirs) {
        let shared = importer.shared();
        held.push((importer.tip().hash, shared.published()));
        importer.import(forge.block(hash), NOW).unwrap();
        let (root, published) =
            shared.with_map(|map, published| (map.root(), published.tip().hash));
        assert_eq!(published, importer.tip().hash);
        assert_eq!(root, forge.state(&published).root());
    }
    for (tip, published) in held {
        assert_eq!(published.tip().hash, tip);
        assert_same(&*published.snapshot, &forge.alone(&tip));
    }
}
