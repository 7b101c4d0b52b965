//! A peer without a chain: listens on the given multiaddrs and prints what happens, until it is killed.
//! For trying other implementations of libp2p against this one (tests/interop).

#![allow(clippy::unwrap_used)]

use blocktree_p2p::{Config, NodeKey, start};
use blocktree_primitives::BlockHash;

#[tokio::main]
async fn main() {
    let listen: Vec<String> = std::env::args().skip(1).collect();
    let key = NodeKey::generate().unwrap();
    let config = Config { listen, ..Config::new(BlockHash([1; 32])) };
    let (_handle, mut events) = start(&key, &config, &tokio::runtime::Handle::current()).unwrap();
    while let Some(event) = events.recv().await {
        println!("{event:?}");
    }
}
