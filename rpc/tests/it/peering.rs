//! The network as an operator sees it by JSON-RPC, over a network that only pretends.

use crate::node::Node;
use blocktree_consensus::Work;
use blocktree_primitives::BlockHash;
use blocktree_rpc::api::{Direction, PeerState, Peering, SyncProgress};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

/// A network with one peer that has said hello, one that has not, and blocks to fetch. Notes what
/// an admin asks for.
#[derive(Default)]
pub(crate) struct Pretended {
    asked: Mutex<Vec<String>>,
}

/// The name of the node itself.
const OURS: &str = "16Uiu2HAmLhLvBoYaoZfaMUKuibM6ac163GwKY74c5kiSLg5KvLpY";

impl Peering for Pretended {
    fn peers(&self) -> Vec<PeerState> {
        let known = PeerState {
            peer_id: "16Uiu2HAkuWHiLJJYfTLuh4yhzUn8WhUz7i8ejTGcNDHBLMFLH83b".to_owned(),
            address: "/ip4/192.0.2.1/tcp/30333".to_owned(),
            direction: Direction::Outbound,
            connected_seconds: 61,
            reserved: true,
            score: 20,
            height: Some(7),
            tip: Some(BlockHash([1; 32])),
            total_work: Some(Work::from_hashes(u128::MAX)),
        };
        let silent = PeerState {
            peer_id: "16Uiu2HAm2dSCBFxuge46aEt7U1oejtYuBUZXxASHqmcfVmk4gsbx".to_owned(),
            direction: Direction::Inbound,
            reserved: false,
            height: None,
            tip: None,
            total_work: None,
            ..known.clone()
        };
        vec![known, silent]
    }
    fn sync(&self) -> SyncProgress {
        SyncProgress { syncing: true, target: 1_000, left: 998 }
    }
    fn local_peer_id(&self) -> String {
        OURS.to_owned()
    }
    fn listen_addresses(&self) -> Vec<String> {
        vec![format!("/ip4/127.0.0.1/tcp/30333/p2p/{OURS}")]
    }
    fn add_peer(&self, address: &str) -> Result<(), String> {
        if !address.contains("/p2p/") {
            return Err(format!("{address} does not say who is there"));
        }
        self.asked.lock().unwrap().push(format!("add {address}"));
        Ok(())
    }
    fn remove_peer(&self, peer_id: &str) -> Result<(), String> {
        self.asked.lock().unwrap().push(format!("remove {peer_id}"));
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_sees_the_network() {
    let node = Node::start_with(Some(Arc::new(Pretended::default()))).await;
    let peers = node.ask("system_peers", json!([])).await;
    assert_eq!(
        peers[0],
        json!({
            "peerId": "16Uiu2HAkuWHiLJJYfTLuh4yhzUn8WhUz7i8ejTGcNDHBLMFLH83b",
            "address": "/ip4/192.0.2.1/tcp/30333",
            "direction": "outbound",
            "connectedSeconds": 61,
            "reserved": true,
            "score": 20,
            "height": 7,
            "tip": "01".repeat(32),
            // 2^128 − 1, more than a JSON number holds.
            "totalWork": "340282366920938463463374607431768211455",
        })
    );
    assert_eq!(peers[1]["direction"], "inbound");
    assert!(peers[1]["height"].is_null() && peers[1]["tip"].is_null());
    assert!(peers[1]["totalWork"].is_null());
    let sync = node.ask("system_syncState", json!([])).await;
    assert_eq!((&sync["height"], &sync["syncing"]), (&json!(0), &json!(true)));
    assert_eq!((&sync["target"], &sync["left"]), (&json!(1_000), &json!(998)));
    let health = node.ask("system_health", json!([])).await;
    assert_eq!((&health["peers"], &health["syncing"]), (&json!(2), &json!(true)));
    assert_eq!(health["healthy"], true, "a node that syncs is well");
    assert_eq!(node.ask("system_localPeerId", json!([])).await, json!(OURS));
    let addresses = node.ask("system_localListenAddresses", json!([])).await;
    assert_eq!(addresses, json!([format!("/ip4/127.0.0.1/tcp/30333/p2p/{OURS}")]));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_adds_and_removes_peers() {
    let network = Arc::new(Pretended::default());
    let node = Node::start_with(Some(network.clone())).await;
    let address = format!("/ip4/192.0.2.9/tcp/1/p2p/{OURS}");
    assert_eq!(node.refused("admin_addPeer", json!([address])).await, "rpc.Unauthorized");
    assert_eq!(node.refused("admin_removePeer", json!([OURS])).await, "rpc.Unauthorized");
    assert!(network.asked.lock().unwrap().is_empty());
    let added = json!({ "address": address, "token": node.token });
    assert_eq!(node.ask("admin_addPeer", added).await, true);
    let removed = json!({ "peerId": OURS, "token": node.token });
    assert_eq!(node.ask("admin_removePeer", removed).await, true);
    let whole = [format!("add {address}"), format!("remove {OURS}")];
    assert_eq!(*network.asked.lock().unwrap(), whole);
    let refused = node.refused("admin_addPeer", json!(["/ip4/192.0.2.9/tcp/1", node.token]));
    assert_eq!(refused.await, "rpc.NotDone");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_without_network_is_alone_and_never_behind() {
    let node = Node::start().await;
    node.mine(2).await;
    assert_eq!(node.ask("system_peers", json!([])).await, json!([]));
    assert_eq!(node.ask("system_localPeerId", json!([])).await, Value::Null);
    assert_eq!(node.ask("system_localListenAddresses", json!([])).await, json!([]));
    let sync = node.ask("system_syncState", json!([])).await;
    assert_eq!((&sync["height"], &sync["target"]), (&json!(2), &json!(2)));
    assert_eq!((&sync["syncing"], &sync["left"]), (&json!(false), &json!(0)));
    let health = node.ask("system_health", json!([])).await;
    assert_eq!((&health["peers"], &health["syncing"]), (&json!(0), &json!(false)));
    for (method, param) in [("admin_addPeer", "/ip4/192.0.2.9/tcp/1"), ("admin_removePeer", OURS)] {
        assert_eq!(node.refused(method, json!([param, node.token])).await, "rpc.NotDone");
    }
    node.stop().await;
}
