//! Subscriptions to the chain and to events.

use crate::node::{Node, key, principal, transfer};
use blocktree_rpc::types::UpdateJson;
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cursor_misses_nothing_through_reverts() {
    let node = Node::start().await;
    let names = ("chain_subscribeUpdates", "chain_unsubscribeUpdates");
    let genesis = node.chain.genesis().to_string();
    node.mine(3).await;
    let opened = node.client.subscribe::<_, UpdateJson>(names.0, json!([genesis]), names.1);
    let mut updates = opened.await.unwrap();
    let mut heights = Vec::new();
    for _ in 0..3 {
        let update = updates.next().await.unwrap().unwrap();
        heights.push((format!("{:?}", update.kind), update.header.height));
        assert_eq!(update.cursor, update.header.hash);
    }
    assert_eq!(heights, [1, 2, 3].map(|height| ("Apply".to_owned(), height)));
    let seen = node.ask("chain_getTip", json!([])).await;
    updates.unsubscribe().await.unwrap();
    // While nobody listens, two blocks leave and three others come, one with an event.
    assert_eq!(node.chain.revert(2).await, Ok(2));
    let id = node.send(&key(0), transfer(principal(&key(1)), 1_000_000)).await;
    node.mine(3).await;
    let opened = node.client.subscribe::<_, UpdateJson>(names.0, json!([seen["hash"]]), names.1);
    let mut updates = opened.await.unwrap();
    let mut steps = Vec::new();
    for _ in 0..5 {
        let update = updates.next().await.unwrap().unwrap();
        steps.push((format!("{:?}", update.kind), update.header.height, update.events.len()));
        if update.events.len() == 1 {
            assert_eq!(update.events[0].0, id);
        }
    }
    let expected =
        [("Revert", 3, 0), ("Revert", 2, 0), ("Apply", 2, 1), ("Apply", 3, 0), ("Apply", 4, 0)];
    assert_eq!(steps, expected.map(|(kind, height, events)| (kind.to_owned(), height, events)));
    // And then what comes, live.
    node.mine(1).await;
    let live = tokio::time::timeout(Duration::from_secs(10), updates.next()).await;
    assert_eq!(live.unwrap().unwrap().unwrap().header.height, 5);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_status_is_followed_from_nothing_to_a_block() {
    let node = Node::start().await;
    let (scale, id) = node.event(&key(0), 0, 10_000, transfer(principal(&key(1)), 1_000_000));
    let names = ("event_subscribeStatus", "event_unsubscribeStatus");
    let opened = node.client.subscribe::<_, Value>(names.0, json!([id.to_string()]), names.1);
    let mut states = opened.await.unwrap();
    let mut next = async || {
        let message = tokio::time::timeout(Duration::from_secs(10), states.next()).await;
        let state = message.unwrap().unwrap().unwrap();
        (state["status"].as_str().unwrap().to_owned(), state["depth"].as_u64())
    };
    assert_eq!(next().await, ("unknown".to_owned(), None));
    node.ask("event_submit", json!([scale])).await;
    assert_eq!(next().await, ("waiting".to_owned(), None));
    node.mine(1).await;
    assert_eq!(next().await, ("inBlock".to_owned(), Some(1)));
    node.mine(1).await;
    assert_eq!(next().await, ("inBlock".to_owned(), Some(2)));
    node.stop().await;
}
