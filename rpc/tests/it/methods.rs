//! Every listed method, called on a chain with something of everything, and its answers held to
//! the document's schemas.

use crate::node::{NETWORK, Node, key, principal, text, transfer};
use crate::world::{World, new_offer, whole_block};
use blocktree_primitives::{BlockPath, Name};
use blocktree_rpc::openrpc::{answer_schema, message_schema, method_names};
use blocktree_runtime::Call;
use pallet_storage::{Call as Storage, NewOffer};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What the pretended network takes for a peer.
const PEER: &str = "/ip4/192.0.2.9/tcp/1/p2p/16Uiu2";

impl World {
    /// Calls of every method: name to parameters, several where a method has several faces.
    async fn calls(&self) -> Vec<(&'static str, Value)> {
        let (owner, provider) = (text(&self.owner), text(&self.provider));
        let stranger = text(&key(9));
        let (offer, placement) = (self.offer.to_string(), self.placement.to_string());
        let nobody = blocktree_primitives::Principal([9; 32]).to_text(NETWORK);
        let genesis = self.node.chain.genesis().to_string();
        let pending = self.payout().await;
        let nonce: u64 = self.node.typed("event_nextNonce", json!([stranger])).await;
        let waits = transfer(principal(&key(3)), 5_000_000);
        let (scale, waiting) = self.node.event(&key(9), nonce, 10_000, waits);
        let encoded_call = hex::encode(parity_scale_codec::Encode::encode(&pending));
        let template = self.node.ask("mining_getTemplate", json!([owner])).await;
        let solution = json!([template["template"], template["raw"], template["commitment"]]);
        vec![
            ("event_submit", json!([scale])),
            ("system_health", json!([])),
            ("system_version", json!([])),
            ("system_chain", json!([])),
            ("system_properties", json!([])),
            ("system_syncState", json!([])),
            ("system_peers", json!([])),
            ("system_localPeerId", json!([])),
            ("system_localListenAddresses", json!([])),
            ("chain_getTip", json!([])),
            ("chain_getHeader", json!([])),
            ("chain_getHeader", json!([0])),
            ("chain_getHeader", json!({ "height": 1 })),
            ("chain_getHeader", json!({ "hash": genesis })),
            ("chain_getBlock", json!([0])),
            ("chain_getBlock", json!([1])),
            ("chain_getBlock", json!([2])),
            ("chain_getBlock", json!([])),
            ("chain_getBlockHash", json!([1])),
            ("chain_getHistoryProof", json!([1])),
            ("event_get", json!([self.transfer.to_string()])),
            ("event_get", json!([waiting.to_string()])),
            ("event_status", json!([self.transfer.to_string()])),
            ("event_status", json!([waiting.to_string()])),
            ("event_status", json!(["00".repeat(32)])),
            ("event_getProof", json!([self.transfer.to_string()])),
            ("event_estimateFee", json!([encoded_call])),
            ("event_nextNonce", json!([owner])),
            ("mempool_info", json!([])),
            ("mempool_content", json!([])),
            ("global_getPrincipal", json!([provider, true])),
            ("global_getPrincipal", json!([nobody, true])),
            ("global_getPrincipal", json!([owner])),
            ("global_getPublicKey", json!([provider, true])),
            ("global_getPublicKey", json!([nobody, true])),
            ("global_getAddresses", json!([provider, true])),
            ("global_getAddresses", json!([nobody, true])),
            ("global_getFragments", json!([self.path, true])),
            ("global_getFragments", json!([format!("{}x", self.path), true])),
            ("global_listPaths", json!([format!("/{owner}")])),
            ("global_getProof", json!([{ "principal": owner }])),
            ("global_getProof", json!([{ "path": self.path }])),
            ("global_getProof", json!([{ "offer": offer }])),
            ("global_getProof", json!([{ "offerPlacements": offer }])),
            ("global_getProof", json!([{ "placement": placement }])),
            ("global_getProof", json!([{ "provider": provider }])),
            ("global_getProof", json!([{ "key": "ff00" }])),
            ("storage_getOffer", json!([offer])),
            ("storage_listOffers", json!([])),
            ("storage_listOffers", json!({ "path": self.path })),
            ("storage_listOffers", json!({ "owner": owner })),
            ("storage_getPlacement", json!([placement])),
            ("storage_listPlacements", json!([])),
            ("storage_listPlacements", json!({ "offer": offer })),
            ("storage_listPlacements", json!({ "provider": provider })),
            ("storage_getProvider", json!([provider])),
            ("storage_listProviders", json!([])),
            ("storage_listChallenges", json!([])),
            ("storage_getAudit", json!([provider])),
            ("supply_get", json!([])),
            ("mining_getInfo", json!([])),
            ("mining_getTemplate", json!([owner])),
            ("admin_setMining", json!([2, owner, self.node.token])),
            ("mining_getInfo", json!([])),
            ("admin_setLogFilter", json!(["debug", self.node.token])),
            ("mining_submit", solution),
            ("mining_submitBlock", json!([])),
            ("mining_generate", json!([1])),
            ("mining_generate", json!({ "count": 1, "principal": owner })),
            ("admin_addPeer", json!([PEER, self.node.token])),
            ("admin_removePeer", json!(["16Uiu2", self.node.token])),
            ("admin_stop", json!([self.node.token])),
        ]
    }
}

fn check(document: &Value, schema: Option<Value>, what: &str, answer: &Value) {
    let schema = schema.unwrap_or_else(|| panic!("{what} is not in {document}"));
    let validator = jsonschema::draft7::new(&schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(answer).map(|e| e.to_string()).collect();
    assert!(errors.is_empty(), "{what}: {errors:?} in {answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_listed_method_answers_as_its_schema_says() {
    let world = World::new().await;
    let document = &world.node.document;
    let mut called = BTreeSet::new();
    for (method, params) in world.calls().await {
        // A solution may have to be searched for: on a development chain, not long.
        let answer = match method {
            "mining_submit" => solve(&world, params).await,
            "mining_submitBlock" => world.node.ask(method, json!([whole_block(&world.node)])).await,
            _ => world.node.ask(method, params).await,
        };
        check(document, answer_schema(document, method), method, &answer);
        called.insert(method);
    }
    for (subscribe, unsubscribe, params) in [
        ("chain_subscribeUpdates", "chain_unsubscribeUpdates", json!([genesis(&world)])),
        ("event_subscribeStatus", "event_unsubscribeStatus", json!([world.transfer.to_string()])),
    ] {
        let opened = world.node.client.subscribe::<_, Value>(subscribe, params, unsubscribe);
        let mut messages = opened.await.unwrap();
        let message = messages.next().await.unwrap().unwrap();
        check(document, message_schema(document, subscribe), subscribe, &message);
        messages.unsubscribe().await.unwrap();
        called.insert(subscribe);
        called.insert(unsubscribe);
    }
    let listed: BTreeSet<&str> = method_names(document).collect();
    assert_eq!(called, listed, "every listed method was called, and no other");
    let documented = include_str!("../../../docs/rpc.md");
    for name in listed.iter().filter(|name| !name.contains("_unsubscribe")) {
        assert!(documented.contains(&format!("| `{name}` |")), "docs/rpc.md lacks {name}");
    }
    assert!(world.node.control.stopped.load(std::sync::atomic::Ordering::Relaxed));
    world.node.stop().await;
}

fn genesis(world: &World) -> String {
    world.node.chain.genesis().to_string()
}

/// Searches the nonce of a template and hands it in.
async fn solve(world: &World, template: Value) -> Value {
    let mut raw = hex::decode(template[1].as_str().unwrap()).unwrap();
    let target = world.node.ask("mining_getInfo", json!([])).await["target"].clone();
    let (target, mut nonce) = (target.as_str().unwrap().to_owned(), 0u32);
    loop {
        raw[76..].copy_from_slice(&nonce.to_le_bytes());
        let mut hash = blocktree_primitives::hash::sha256d(&raw);
        hash.reverse();
        if hex::encode(hash) <= target {
            break;
        }
        nonce += 1;
    }
    let solution = json!([template[0], hex::encode(&raw), template[2]]);
    world.node.ask("mining_submit", solution).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_come_in_pages() {
    let node = Node::start().await;
    let owner = key(0);
    for name in 0..5 {
        let path = vec![Name::new(&format!("file-{name}")).unwrap()];
        let path = BlockPath::new(principal(&owner), path).unwrap();
        let offer = NewOffer { path, ..new_offer(&owner) };
        node.send(&owner, Call::Storage(Storage::Offer(offer))).await;
    }
    let text = text(&owner);
    let content = pages(&node, "mempool_content", json!({})).await;
    assert_eq!(content.len(), 5);
    node.mine(1).await;
    for (method, params) in [
        ("storage_listOffers", json!({})),
        ("storage_listOffers", json!({ "owner": text })),
        ("global_listPaths", json!({ "prefix": format!("/{text}") })),
    ] {
        let items = pages(&node, method, params).await;
        let distinct: BTreeSet<String> = items.iter().map(Value::to_string).collect();
        assert_eq!((items.len(), distinct.len()), (5, 5), "{method}");
    }
    node.stop().await;
}

/// All rows of a list, two at a time.
async fn pages(node: &Node, method: &str, mut params: Value) -> Vec<Value> {
    let mut rows = Vec::new();
    params["limit"] = json!(2);
    loop {
        let page = node.ask(method, params.clone()).await;
        let items = page["items"].as_array().unwrap();
        assert!((1..=2).contains(&items.len()));
        rows.extend(items.iter().cloned());
        if page["cursor"].is_null() {
            return rows;
        }
        params["cursor"] = page["cursor"].clone();
    }
}
