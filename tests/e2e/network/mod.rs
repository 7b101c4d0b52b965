//! Real nodes on a real network: loopback, and two namespaces whose link goes down where the system
//! permits.

mod divided;
mod joiner;
mod killed;
mod partition;
mod stranger;

use blocktree_primitives::{Amount, BlockHash, Principal};
use blocktree_runtime::{Call, Event};
use blocktree_tests::{Node, NodeBuilder, Rpc};
use blocktree_wallet::DevKeys;
use parity_scale_codec::Encode;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

/// Coinbases: development keys 5, 6 and 7, as chainspec/dev.json has them.
const MINERS: [&str; 3] = [
    "dblk15whxej6ujrj7slqthjnwenv59gf4j5fqfxym75y3dw09fwhcjessvmj94c",
    "dblk1tr5mytzr8wj5l5rh2c6lq8muu6g4rd0x8v8mxhlahc7zpz6yqwrs8va9gu",
    "dblk1cs0f5799ckd597s2e06yfvu7m4036sx4f3p7n70sqfek467430vqwkrw6s",
];

/// Looks again and again until something is there.
fn until<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < limit, "after {limit:?}: not yet {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

fn tip(rpc: &Rpc) -> Value {
    rpc.call("chain_getTip", json!([]))
}

fn height(rpc: &Rpc) -> u64 {
    tip(rpc)["height"].as_u64().unwrap()
}

/// The tip of all of them, if they have the same.
fn common_tip(nodes: &[&Rpc]) -> Option<Value> {
    let first = tip(nodes[0]);
    nodes[1..].iter().all(|rpc| tip(rpc) == first).then_some(first)
}

/// Where peers reach a node, as `--bootnode` takes it.
fn address(rpc: &Rpc) -> String {
    text(&rpc.call("system_localListenAddresses", json!([]))[0])
}

/// The names of a node's peers who have said what they have.
fn peers(rpc: &Rpc) -> BTreeSet<String> {
    let peers = rpc.call("system_peers", json!([]));
    let greeted = peers.as_array().unwrap().iter().filter(|peer| !peer["tip"].is_null());
    greeted.map(|peer| text(&peer["peerId"])).collect()
}

/// The highest score of a node's peers.
fn worst_score(rpc: &Rpc) -> u64 {
    let peers = rpc.call("system_peers", json!([]));
    let scores = peers.as_array().unwrap().iter().map(|peer| peer["score"].as_u64().unwrap());
    scores.max().unwrap_or(0)
}

fn generate(rpc: &Rpc, count: u64, miner: &str) {
    let made = rpc.call("mining_generate", json!([count, miner]));
    assert_eq!(made.as_array().unwrap().len() as u64, count);
}

/// A transfer of 0.002 blockcoin by a development key, as `event_submit` takes it, and its id.
fn transfer(genesis: &BlockHash, signer: u32, nonce: u64, to: u8) -> (String, String) {
    let secret = DevKeys::new(1).secret(signer).unwrap();
    let amount = Amount::from_units(200_000);
    let call = Call::Coin(pallet_coin::Call::Transfer { to: Principal([to; 32]), amount });
    let event = Event::signed(&secret, genesis, nonce, Amount::from_units(1_000), None, call);
    (hex::encode(event.encode()), event.id(genesis).to_string())
}

fn genesis(rpc: &Rpc) -> BlockHash {
    text(&rpc.call("system_chain", json!([]))["genesis"]).parse().unwrap()
}

/// Hands in a transfer that must be taken, and returns its id.
fn send(rpc: &Rpc, genesis: &BlockHash, signer: u32, nonce: u64, to: u8) -> String {
    let (scale, id) = transfer(genesis, signer, nonce, to);
    assert_eq!(text(&rpc.call("event_submit", json!([scale]))), id);
    id
}

fn status(rpc: &Rpc, id: &str) -> Value {
    rpc.call("event_status", json!([id]))
}

/// Stops a node and has its whole chain checked.
fn stop_and_verify(node: Node, data_dir: &Path) {
    assert_eq!(node.stop(), Some(0));
    verify(data_dir);
}

fn verify(data_dir: &Path) {
    let verified =
        blocktree_tests::run(&["chain", "verify", "--data-dir", data_dir.to_str().unwrap()]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
}

/// Warnings and errors in a log, but for one that libp2p makes of a node that has no peers yet.
fn complaints(log: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let loud = |line: &&str| line.contains(" WARN ") || line.contains(" ERROR ");
    let usual = |line: &&str| !line.contains("Failed to trigger bootstrap");
    text.lines().filter(loud).filter(usual).map(str::to_owned).collect()
}

/// A node on a folder of its own in `folder`, which logs there as well.
fn builder(folder: &Path, name: &str) -> NodeBuilder {
    NodeBuilder::new(&folder.join(name)).log(&folder.join(format!("{name}.log")))
}
