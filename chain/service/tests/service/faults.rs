//! A disk that fails, and a bug that panics: the node says so, and stops.

use crate::node::{Node, Options};
use crate::support::Forge;
use crate::support::faulty::{Faulty, Trouble};
use blocktree_primitives::Principal;
use blocktree_service::{GenerateError, Stopped, SubmitError};
use blocktree_state::{
    Batch, Column, Durability, Fault, Ledger, MemoryLedger, Pair, Reader, Visit,
};
use std::sync::Arc;

fn full() -> Fault {
    Fault::DiskFull("planted".into())
}

/// Genesis is two writes or three; the next one fails.
fn node_that_fails(forge: &Forge) -> (Node, Faulty) {
    let good = MemoryLedger::new();
    forge.open(&good);
    let ledger = Faulty::on(good, Trouble::FullAt(0));
    (Node::try_start(forge, Arc::new(ledger.clone()), &Options::default()).unwrap(), ledger)
}

#[test]
fn a_fault_stops_the_writer_and_every_command_after_it() {
    let mut forge = Forge::new();
    let hash = forge.mine(&forge.genesis.clone(), 1, Vec::new());
    let event = forge.transfer(1, 0, Principal([8; 32]), 500_000);
    for first in ["submit", "import", "generate"] {
        let (node, ledger) = node_that_fails(&forge);
        assert_eq!(node.fault(), None);
        match first {
            "submit" => assert_eq!(node.submit(&event), Err(SubmitError::Stopped(Stopped))),
            "import" => assert_eq!(node.import(forge.block(&hash)), Err(Stopped)),
            _ => assert_eq!(
                node.chain.generate(1, &Principal([7; 32])),
                Err(GenerateError::Stopped(Stopped))
            ),
        }
        // Whoever is told `Stopped` can see why, at once.
        assert_eq!(node.fault(), Some(full()), "{first}");
        assert_eq!(node.submit(&event), Err(SubmitError::Stopped(Stopped)));
        assert_eq!(node.import(forge.block(&hash)), Err(Stopped));
        assert_eq!(node.revert(1), Err(Stopped));
        assert_eq!(node.chain.published().tip().height.0, 0);
        assert_eq!(node.stop(), Err(full()));
        assert_eq!(ledger.writes(), 0);
        // With room on the disk it starts again, as if nothing had been asked.
        let again = Node::start(&forge, &ledger.after(0));
        assert_eq!(again.status_text(&event.id(&forge.genesis)), "unknown");
        again.submit(&event).unwrap();
        again.stop().unwrap();
    }
}

/// A ledger whose writes panic.
struct Panicking(MemoryLedger);

impl Reader for Panicking {
    fn get(&self, column: Column, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        self.0.get(column, key)
    }
    fn scan(&self, column: Column, from: &[u8], visit: Visit<'_>) -> Result<(), Fault> {
        self.0.scan(column, from, visit)
    }
    fn last(&self, column: Column) -> Result<Option<Pair>, Fault> {
        self.0.last(column)
    }
}

impl Ledger for Panicking {
    fn write(&self, _batch: Batch, _durability: Durability) -> Result<(), Fault> {
        panic!("planted")
    }
    fn snapshot(&self) -> Arc<dyn Reader> {
        self.0.snapshot()
    }
}

#[test]
fn a_panic_of_the_writer_is_a_fault_too() {
    let forge = Forge::new();
    let good = MemoryLedger::new();
    forge.open(&good);
    let ledger = Arc::new(Panicking(good));
    let node = Node::try_start(&forge, ledger, &Options::default()).unwrap();
    let event = forge.transfer(1, 0, Principal([8; 32]), 500_000);
    assert_eq!(node.submit(&event), Err(SubmitError::Stopped(Stopped)));
    let died = Fault::Bug("the writer's thread died".into());
    let mut fault = node.chain.fault();
    let tokio = tokio::runtime::Builder::new_current_thread().build().unwrap();
    // The queue may go a moment before the news arrives.
    let seen = tokio.block_on(fault.wait_for(Option::is_some)).unwrap().clone();
    assert_eq!(seen, Some(died.clone()));
    assert_eq!(node.submit(&event), Err(SubmitError::Stopped(Stopped)));
    assert_eq!(node.stop(), Err(died));
}

#[test]
fn a_folder_that_fails_at_the_start_is_no_node() {
    let forge = Forge::new();
    for trouble in [Trouble::FullAt(0), Trouble::FullAt(1)] {
        let ledger = Arc::new(Faulty::new(trouble));
        let refused = Node::try_start(&forge, ledger, &Options::default()).err().unwrap();
        assert_eq!(refused.to_string(), "the disk is full: planted");
    }
}
