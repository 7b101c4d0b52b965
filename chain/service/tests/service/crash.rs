//! A crash after every write of a busy node: what was acknowledged is on the chain, waits, or has
//! a named reason; the chain verifies; and the node goes on.

use crate::node::{Node, Options};
use crate::support::faulty::{Faulty, Trouble};
use crate::support::random::{Dice, seeds};
use crate::support::{Forge, KEYS};
use blocktree_import::verify::verify;
use blocktree_mempool::{Dropped, Status};
use blocktree_primitives::{Amount, BlockHash, EventId, Principal};
use blocktree_runtime::{Call, Event};
use blocktree_service::EventStatus;
use blocktree_state::{Column, MemoryLedger};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a busy node did.
struct Story {
    ledger: Faulty,
    options: Options,
    /// Acknowledged events, and the number of writes by then.
    acknowledged: Vec<(usize, Event)>,
    /// What waited when nothing was under way, by the number of writes by then.
    waiting: BTreeMap<usize, BTreeSet<EventId>>,
}

fn waiting(node: &Node) -> BTreeSet<EventId> {
    node.chain.pool().content(None, usize::MAX).map(|event| event.id()).collect()
}

/// A transfer whose nonce mostly comes next, sometimes is taken or too early.
fn any_event(forge: &Forge, dice: &mut Dice, next: impl Fn(u32) -> u64) -> Event {
    let key = u32::try_from(dice.below(u64::from(KEYS))).unwrap();
    let nonce = match dice.below(8) {
        0 => next(key).saturating_sub(1),
        1 => next(key) + 1,
        _ => next(key),
    };
    let to = Principal([u8::try_from(dice.below(6)).unwrap(); 32]);
    let amount = Amount::from_units(100_000 + dice.below(1_000_000));
    let call = Call::Coin(pallet_coin::Call::Transfer { to, amount });
    forge.event(key, nonce, 1000 + 500 * dice.below(4), call)
}

/// Events, blocks from elsewhere that hold some of them, blocks of its own, and reverts.
fn tell(seed: u64, trouble: Trouble, steps: usize) -> Result<(Forge, Story), String> {
    let mut dice = Dice::new(seed);
    let mut forge = Forge::new();
    let options = Options::restless(*dice.pick(&[1, 2, 2880]));
    let ledger = Faulty::new(trouble);
    let started = Node::try_start(&forge, Arc::new(ledger.clone()), &options);
    let node = started.map_err(|error| error.to_string())?;
    let mut story = Story { ledger, options, acknowledged: Vec::new(), waiting: BTreeMap::new() };
    let mut blocks: Vec<BlockHash> = vec![forge.genesis];
    for _ in 0..steps {
        match dice.below(10) {
            0..5 => {
                let event =
                    any_event(&forge, &mut dice, |key| node.next_nonce(forge.principal(key)));
                match node.submit(&event) {
                    Ok(_) => story.acknowledged.push((story.ledger.writes(), event)),
                    Err(blocktree_service::SubmitError::Pool(_)) => {}
                    Err(error) => return Err(error.to_string()),
                }
            }
            5..8 => {
                let lately = blocks.len().saturating_sub(3);
                let parent = *dice.pick(&blocks[lately..]);
                let known: Vec<Event> =
                    story.acknowledged.iter().map(|(_, event)| event.clone()).collect();
                let mut events: Vec<Event> = Vec::new();
                let mut next: BTreeMap<_, u64> = BTreeMap::new();
                for key in 0..KEYS {
                    next.insert(forge.event(key, 0, 0, coin()).signer, forge.nonce(&parent, key));
                }
                for event in known {
                    let nonce = next.get_mut(&event.signer).ok_or("a foreign signer")?;
                    if event.nonce == *nonce && dice.once_in(2) {
                        *nonce += 1;
                        events.push(event);
                    }
                }
                let hash = forge.mine(&parent, u8::try_from(dice.below(3)).unwrap(), events);
                blocks.push(hash);
                node.import(forge.block(&hash)).map_err(|_| "stopped")?;
            }
            8 => {
                let miner = Principal([9; 32]);
                node.chain.generate(1, &miner).map_err(|error| error.to_string())?;
            }
            _ => {
                node.revert(dice.below(3)).map_err(|_| "stopped")?;
            }
        }
        story.waiting.insert(story.ledger.writes(), waiting(&node));
    }
    node.stop().map_err(|fault| fault.to_string())?;
    Ok((forge, story))
}

fn coin() -> Call {
    let amount = Amount::from_units(1);
    Call::Coin(pallet_coin::Call::Transfer { to: Principal([1; 32]), amount })
}

/// Looks at what a crash left.
fn examine(forge: &Forge, story: &Story, writes: usize) -> Result<(), String> {
    let left = story.ledger.after(writes);
    let node = Node::try_start(forge, Arc::new(left.clone()), &story.options)
        .map_err(|error| error.to_string())?;
    node.chain.pool().check_invariants().map_err(|error| error.to_string())?;
    check_chain(forge, &left)?;
    let acknowledged = story.acknowledged.iter().filter(|(by, _)| *by <= writes);
    let ids: Vec<EventId> = acknowledged.map(|(_, event)| event.id(&forge.genesis)).collect();
    for (_, event) in story.acknowledged.iter().filter(|(by, _)| *by <= writes) {
        account_for(&node, forge, event)?;
    }
    if let Some(before) = story.waiting.get(&writes)
        && *before != waiting(&node)
    {
        return Err(format!("{} events waited, {} do", before.len(), waiting(&node).len()));
    }
    // And it goes on: whatever can be mined is.
    for _ in 0..3 {
        node.chain.generate(1, &Principal([9; 32])).map_err(|error| error.to_string())?;
    }
    for id in ids {
        if let EventStatus::Waiting { waits_for: None, .. } = node.status(&id) {
            return Err(format!("event {id} is not mined"));
        }
    }
    check_chain(forge, &left)?;
    node.stop().map_err(|fault| fault.to_string())
}

fn check_chain(forge: &Forge, ledger: &MemoryLedger) -> Result<(), String> {
    let mut scratch = forge.open(&MemoryLedger::new());
    verify(&ledger.fork(), &mut scratch, |_, _| true).map_err(|error| error.to_string())?;
    Ok(())
}

/// On the chain, waiting, or gone for a reason that is true.
fn account_for(node: &Node, forge: &Forge, event: &Event) -> Result<(), String> {
    let id = event.id(&forge.genesis);
    match node.status(&id) {
        EventStatus::InBlock { .. } | EventStatus::Waiting { .. } => return Ok(()),
        EventStatus::Unknown => return Err(format!("event {id} was acknowledged and is lost")),
        EventStatus::Dropped { .. } => {}
    }
    let reason = match node.chain.pool().status(&id) {
        Some(Status::Dropped(reason)) => reason.clone(),
        other => return Err(format!("event {id}: {other:?}")),
    };
    let is_true = match &reason {
        // By an event that is on the chain, or was when it came first.
        Dropped::NonceUsed { nonce, by } => {
            let published = node.chain.published();
            let account = pallet_coin::accounts::get(&published.state(), &event.author());
            let is_used = account.map_err(|fault| fault.to_string())?.nonce > *nonce;
            let by = by.map(|by| node.status(&by));
            *nonce == event.nonce
                && (is_used || by.is_some_and(|by| !matches!(by, EventStatus::Unknown)))
        }
        Dropped::Replaced { by } => !matches!(node.status(by), EventStatus::Unknown),
        Dropped::Refused { .. } => true,
        Dropped::Expired { .. }
        | Dropped::WaitedTooLong { .. }
        | Dropped::Evicted
        | Dropped::Invalid { .. } => false,
    };
    if is_true { Ok(()) } else { Err(format!("event {id} was dropped: {reason}")) }
}

#[test]
fn nothing_acknowledged_is_lost_by_a_crash_after_any_write() {
    let (forge, story) = tell(1, Trouble::None, 60).unwrap();
    assert!(story.acknowledged.len() > 15, "{}", story.acknowledged.len());
    for writes in 0..=story.ledger.writes() {
        examine(&forge, &story, writes).unwrap_or_else(|error| panic!("write {writes}: {error}"));
    }
}

#[test]
fn nor_in_random_stories() {
    for seed in seeds(24) {
        let (forge, story) = tell(seed, Trouble::None, 50).unwrap();
        let mut dice = Dice::new(seed);
        for writes in 0..=story.ledger.writes() {
            if dice.once_in(8) {
                examine(&forge, &story, writes)
                    .unwrap_or_else(|error| panic!("seed {seed}, write {writes}: {error}"));
            }
        }
    }
}

/// The checks above are worth something only if they notice a store that forgets.
#[test]
fn a_forgotten_column_is_noticed() {
    for column in [
        Column::Meta,
        Column::Headers,
        Column::Bodies,
        Column::Canonical,
        Column::State,
        Column::Events,
        Column::History,
        Column::PoolJournal,
    ] {
        let outcome = tell(1, Trouble::Forgets(20, column), 60).and_then(|(forge, story)| {
            (0..=story.ledger.writes()).try_for_each(|writes| examine(&forge, &story, writes))
        });
        assert!(outcome.is_err(), "{}", column.name());
    }
}
