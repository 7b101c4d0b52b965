//! The store from outside: one binary, since each links RocksDB.

mod conformance;
mod crash;
mod damage;
mod folder;
mod full_disk;
mod numbered;

use blocktree_primitives::BlockHash;
use blocktree_store::{Identity, Store};
use std::path::Path;

/// The chain of these tests.
fn chain() -> Identity {
    Identity { genesis: BlockHash([7; 32]), chain_name: "dev".into() }
}

fn open(path: &Path) -> Store {
    Store::open(path, &chain()).expect("a folder of ours")
}
