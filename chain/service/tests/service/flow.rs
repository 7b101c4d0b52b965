//! The way of an event: pool, block, and back.

use crate::node::{Node, Options};
use crate::support::{Flaw, Forge, NOW};
use blocktree_import::{Imported, Worth};
use blocktree_primitives::{Amount, Principal};
use blocktree_runtime::Call;
use blocktree_service::GenerateError;
use blocktree_state::MemoryLedger;
use std::sync::Arc;

#[test]
fn an_event_goes_through_pool_and_block_and_back() {
    let forge = Forge::new();
    let ledger = MemoryLedger::new();
    let node = Node::start(&forge, &ledger);
    let (miner, to) = (Principal([7; 32]), Principal([8; 32]));
    let event = forge.transfer(1, 0, to, 500_000);
    let id = event.id(&forge.genesis);
    assert_eq!(node.status_text(&id), "unknown");
    assert_eq!(node.submit(&event).unwrap().id, id);
    assert_eq!(node.status_text(&id), "waits");
    assert_eq!(node.chain.generate(3, &miner).unwrap().len(), 3);
    assert_eq!(node.status_text(&id), "in block 1 at 0, 3 deep");
    assert_eq!(node.free(&to), 500_000);
    // Three subsidies of 50 coins and one fee.
    assert_eq!(node.free(&miner), 15_000_001_000);

    assert_eq!(node.revert(3), Ok(3));
    assert_eq!(node.free(&to), 0);
    assert_eq!(node.status_text(&id), "waits");

    // A killed node (nothing is closed) starts again with the event.
    let again = Node::start(&forge, &ledger.fork());
    assert_eq!(again.status_text(&id), "waits");
    again.generate(7);
    assert_eq!(again.free(&to), 500_000);
    node.stop().unwrap();
    again.stop().unwrap();
}

#[test]
fn an_event_moves_between_branches_and_is_told_when_another_took_its_nonce() {
    let mut forge = Forge::new();
    let genesis = forge.genesis;
    let to = Principal([8; 32]);
    let event = forge.transfer(1, 0, to, 500_000);
    let other = forge.transfer(1, 0, to, 600_000);
    let (id, other_id) = (event.id(&genesis), other.id(&genesis));
    let ours = forge.mine(&genesis, 1, vec![event.clone()]);
    let empty = forge.mine_empty(&genesis, 2, 2);
    let theirs = forge.mine(&empty[1], 2, vec![other.clone()]);
    let node = Node::start(&forge, &MemoryLedger::new());
    node.submit(&event).unwrap();
    for (hash, text) in [
        (ours, "in block 1 at 0, 1 deep".to_owned()),
        (empty[0], "in block 1 at 0, 1 deep".to_owned()),
        (empty[1], "waits".to_owned()),
        (theirs, format!("dropped: nonce 0 was used on the ledger by event {other_id}")),
    ] {
        node.import(forge.block(&hash)).unwrap();
        assert_eq!(node.status_text(&id), text);
    }
    assert_eq!(node.status_text(&other_id), "in block 3 at 0, 1 deep");
    // Back on a branch with the first one: the other one waits no more, either.
    let more = forge.mine_empty(&ours, 1, 3);
    for hash in &more {
        node.import(forge.block(hash)).unwrap();
    }
    assert_eq!(node.status_text(&id), "in block 1 at 0, 4 deep");
    let dropped = format!("dropped: nonce 0 was used on the ledger by event {id}");
    assert_eq!(node.status_text(&other_id), dropped);
    node.stop().unwrap();
}

#[test]
fn a_replaced_event_names_the_one_that_took_its_place() {
    let forge = Forge::new();
    let genesis = forge.genesis;
    let node = Node::start(&forge, &MemoryLedger::new());
    let call = || {
        let amount = Amount::from_units(500_000);
        Call::Coin(pallet_coin::Call::Transfer { to: Principal([8; 32]), amount })
    };
    let (cheap, dear) = (forge.event(1, 0, 1000, call()), forge.event(1, 0, 2000, call()));
    assert_eq!(node.submit(&cheap).unwrap().replaced, None);
    assert_eq!(node.submit(&dear).unwrap().replaced, Some(cheap.id(&genesis)));
    let (cheap, dear) = (cheap.id(&genesis), dear.id(&genesis));
    assert_eq!(node.status_text(&cheap), format!("dropped: replaced by event {dear}"));
    node.generate(1);
    assert_eq!(node.status_text(&dear), "in block 1 at 0, 1 deep");
    node.stop().unwrap();
}

#[test]
fn events_wait_for_those_before_them() {
    let forge = Forge::new();
    let genesis = forge.genesis;
    let node = Node::start(&forge, &MemoryLedger::new());
    let events: Vec<_> =
        (0..4).map(|nonce| forge.transfer(1, nonce, Principal([8; 32]), 500_000)).collect();
    for event in events[1..].iter().rev() {
        node.submit(event).unwrap();
    }
    node.generate(1);
    for event in &events[1..] {
        let text = node.status_text(&event.id(&genesis));
        assert_eq!(text, "waits for the signer's event with nonce 0");
    }
    node.submit(&events[0]).unwrap();
    node.generate(1);
    for (index, event) in events.iter().enumerate() {
        let text = node.status_text(&event.id(&genesis));
        assert_eq!(text, format!("in block 2 at {index}, 1 deep"));
    }
    node.stop().unwrap();
}

/// The pool has the event with a good signature, the block has it with a bad one: the id is the
/// same, because it does not cover the signature.
#[test]
fn a_bad_signature_is_not_excused_by_a_good_one_in_the_pool() {
    let mut forge = Forge::new();
    let genesis = forge.genesis;
    // The flawed block's event, made well.
    let good = forge.transfer(9, 0, Principal([1; 32]), 200_000);
    let bad = forge.mine_flawed(&genesis, 1, Vec::new(), Flaw::Signature);
    let in_block = forge.block(&bad).body.events()[0].event().clone();
    assert_eq!(in_block.id(&genesis), good.id(&genesis));
    assert_ne!(in_block, good);
    let node = Node::start(&forge, &MemoryLedger::new());
    node.submit(&good).unwrap();
    match node.import(forge.block(&bad)).unwrap() {
        Imported::Refused(violation) => assert_eq!(violation.name(), "EventSignature"),
        other => panic!("{other:?}"),
    }
    assert_eq!(node.status_text(&good.id(&genesis)), "waits");
    let hash = forge.mine(&genesis, 1, vec![good.clone()]);
    assert_eq!(node.import(forge.block(&hash)).unwrap(), Imported::NewTip { hash, reverted: 0 });
    assert_eq!(node.status_text(&good.id(&genesis)), "in block 1 at 0, 1 deep");
    node.stop().unwrap();
}

#[test]
fn blocks_that_came_while_the_pool_was_away_are_told_to_it() {
    let mut forge = Forge::new();
    let genesis = forge.genesis;
    let to = Principal([8; 32]);
    let events: Vec<_> = (0..5).map(|key| forge.transfer(key, 0, to, 500_000)).collect();
    let rival = forge.transfer(2, 0, to, 600_000);
    let ledger = MemoryLedger::new();
    let node = Node::start(&forge, &ledger);
    for event in &events {
        node.submit(event).unwrap();
    }
    let first = forge.mine(&genesis, 1, vec![events[0].clone(), events[1].clone()]);
    node.import(forge.block(&first)).unwrap();
    node.stop().unwrap();
    // A tool imports blocks while the node is down: another branch, with a reorganisation.
    let mut tip = forge.mine(&genesis, 2, vec![events[3].clone(), rival.clone()]);
    let mut importer = forge.open(&ledger);
    for _ in 0..2 {
        importer.import_as(forge.block(&tip), Worth::Chosen, NOW).unwrap();
        tip = forge.mine(&tip, 2, Vec::new());
    }
    importer.close().unwrap();
    let node = Node::start(&forge, &ledger);
    let text = |index: usize| node.status_text(&events[index].id(&genesis));
    assert_eq!([text(0), text(1), text(4)], ["waits", "waits", "waits"].map(String::from));
    assert_eq!(text(2), "dropped: nonce 0 was used on the ledger");
    assert_eq!(node.status_text(&rival.id(&genesis)), "in block 1 at 1, 2 deep");
    assert_eq!(text(3), "in block 1 at 0, 2 deep");
    node.chain.pool().check_invariants().unwrap();
    node.generate(1);
    for index in [0, 1, 4] {
        assert!(text(index).starts_with("in block 3 "), "{}", text(index));
    }
    node.stop().unwrap();
}

#[test]
fn blocks_on_demand_have_limits() {
    let forge = Forge::new();
    let node = Node::start(&forge, &MemoryLedger::new());
    let miner = Principal([7; 32]);
    assert_eq!(node.chain.generate(0, &miner), Ok(Vec::new()));
    assert_eq!(node.chain.generate(10_001, &miner), Err(GenerateError::TooMany(10_001)));
    assert_eq!(node.chain.generate(20, &miner).unwrap().len(), 20);
    assert_eq!(node.chain.published().tip().height.0, 20);
    node.stop().unwrap();

    let mut real = Forge::new();
    real.params.difficulty = blocktree_consensus::Difficulty::Asert { half_life_spacings: 288 };
    let node = Node::start(&real, &MemoryLedger::new());
    assert_eq!(node.chain.generate(1, &miner), Err(GenerateError::NotADevelopmentChain));
    node.stop().unwrap();
}

/// With one clock and one coinbase, two generators make the very same block.
#[test]
fn generators_at_once_and_the_same_block_twice() {
    let forge = Forge::new();
    let node = Node::start(&forge, &MemoryLedger::new());
    let miner = Principal([7; 32]);
    let made: Vec<_> = std::thread::scope(|scope| {
        let one = || scope.spawn(|| node.chain.generate(20, &miner).unwrap());
        let handles = [one(), one(), one()];
        handles.map(|handle| handle.join().unwrap()).concat()
    });
    assert_eq!(made.len(), 60);
    assert_eq!(node.chain.published().tip().height.0, 60);
    // After a revert the next block is the one that was taken back.
    let tip = node.chain.published().tip().hash;
    assert_eq!(node.revert(1), Ok(1));
    assert_eq!(node.chain.generate(1, &miner).unwrap(), [tip]);
    node.stop().unwrap();
}

#[test]
fn what_waits_returns_from_a_reorganisation_below_the_undo_records() {
    let mut forge = Forge::new();
    let genesis = forge.genesis;
    let to = Principal([8; 32]);
    let shared = forge.mine_row(&genesis, 1, 3);
    let events: Vec<_> = (2..6).map(|key| forge.transfer(key, 0, to, 500_000)).collect();
    let mut ours = vec![shared[2]];
    for event in &events {
        ours.push(forge.mine(ours.last().unwrap(), 2, vec![event.clone()]));
    }
    let theirs = forge.mine_empty(&shared[2], 3, 5);
    let node =
        Node::try_start(&forge, Arc::new(MemoryLedger::new()), &Options::restless(1)).unwrap();
    for hash in shared.iter().chain(&ours[1..]).chain(&theirs) {
        node.import(forge.block(hash)).unwrap();
    }
    assert_eq!(node.chain.published().tip().hash, theirs[4]);
    for event in &events {
        assert_eq!(node.status_text(&event.id(&genesis)), "waits");
    }
    node.chain.pool().check_invariants().unwrap();
    node.generate(1);
    for event in &events {
        assert!(node.status_text(&event.id(&genesis)).starts_with("in block 9 "));
    }
    node.stop().unwrap();
}
