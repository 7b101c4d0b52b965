//! What is refused, and by which name.

use crate::node::{COINBASE, NETWORK, Node, key, principal, text, transfer};
use crate::world::{World, new_offer, whole_block};
use blocktree_primitives::{Amount, PlacementId, SecretKey};
use blocktree_runtime::Call;
use pallet_storage::{Call as Storage, NewOffer, Terms};
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_challenge_is_answered_and_paid_for() {
    let world = World::new().await;
    let node = &world.node;
    let payout = world.payout().await;
    let id = node.send(&world.provider, payout.clone()).await;
    node.mine(1).await;
    let status = node.ask("event_status", json!([id.to_string()])).await;
    assert_eq!((&status["status"], &status["depth"]), (&json!("inBlock"), &json!(1)));
    let block = node.ask("chain_getBlock", json!([])).await;
    let passed = |effect: &&Value| effect["type"] == "storage.passed";
    assert_eq!(block["effects"].as_array().unwrap().iter().filter(passed).count(), 1, "{block}");
    let audit = node.ask("storage_getAudit", json!([text(&world.provider)])).await;
    assert_eq!((&audit["passed"], &audit["bytes"]), (&json!(1), &json!("1000")));
    // Twice is refused at once and by name: either nothing is asked any more, or another leaf.
    let nonce: u64 = node.typed("event_nextNonce", json!([text(&world.provider)])).await;
    let (again, _) = node.event(&world.provider, nonce, 10_000, payout);
    let rule = node.refused("event_submit", json!([again])).await;
    assert!(["storage.NoChallenge", "storage.BadProof"].contains(&rule.as_str()), "{rule}");
    world.node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_events_are_refused_by_name() {
    let node = Node::start().await;
    let (rich, poor) = (key(0), SecretKey::from_bytes([5; 32]).unwrap());
    let to = principal(&key(1));
    let good = |nonce, fee, call| node.event(&rich, nonce, fee, call).0;
    let mut bad_signature = good(0, 10_000, transfer(to, 1));
    bad_signature.replace_range(bad_signature.len() - 2.., "00");
    let all = 100_000_000_000_000; // a million coins, all that the key has
    let offer = NewOffer { version: 1, ..new_offer(&rich) };
    let foreign = Call::Storage(Storage::Offer(new_offer(&key(1))));
    let dear = Call::Storage(Storage::Offer(NewOffer {
        terms: Terms { payment: Amount::from_units(100_000_000), ..offer.terms },
        ..offer.clone()
    }));
    let dead = Call::Storage(Storage::Demand { placement: PlacementId([1; 32]) });
    let from_poor = node.event(&poor, 0, 10_000, transfer(to, 1)).0;
    let table: BTreeMap<&str, Vec<String>> = BTreeMap::from([
        (
            "event.Malformed",
            vec![String::new(), "00".to_owned(), good(0, 1, transfer(to, 1)) + "00"],
        ),
        ("event.BadSignature", vec![bad_signature]),
        ("coin.NothingToMove", vec![good(0, 10_000, transfer(to, 0))]),
        ("coin.Overdraft", vec![good(0, 10_000, transfer(to, all)), from_poor]),
        ("coin.BelowFloor", vec![good(0, 10_000, transfer(to, all - 10_000))]),
        (
            "coin.TooLittleForNewAccount",
            vec![good(0, 10_000, transfer(blocktree_primitives::Principal([1; 32]), 1))],
        ),
        ("storage.NotRoot", vec![good(0, 10_000, foreign)]),
        ("storage.PaymentAboveCap", vec![good(0, 10_000, dear)]),
        ("storage.NoSuchPlacement", vec![good(0, 10_000, dead)]),
        ("pool.FeeTooLow", vec![good(0, 1, transfer(to, 1))]),
        ("pool.NonceTooFar", vec![good(64, 10_000, transfer(to, 1))]),
        ("-32602", vec!["zz".to_owned(), "0".to_owned()]),
    ]);
    for (rule, events) in table {
        for event in events {
            let found = node.refused("event_submit", json!([event.clone()])).await;
            assert_eq!(found, rule, "{event}");
        }
    }
    // Money that is on its way: refused at the tip, unless asked to wait.
    node.send(&rich, transfer(principal(&poor), 100_000_000)).await;
    let (spends, id) = node.event(&poor, 0, 10_000, transfer(to, 1_000_000));
    assert_eq!(node.refused("event_submit", json!([spends])).await, "coin.Overdraft");
    node.mine(1).await;
    assert_eq!(node.ask("event_submit", json!([spends])).await, json!(id.to_string()));
    assert_eq!(node.refused("event_submit", json!([spends])).await, "pool.AlreadyKnown");
    // A replacement that does not pay enough more, then one that does.
    let (same, _) = node.event(&poor, 0, 10_001, transfer(to, 2_000_000));
    assert_eq!(node.refused("event_submit", json!([same])).await, "pool.ReplacementFeeTooLow");
    let (more, _) = node.event(&poor, 0, 20_000, transfer(to, 2_000_000));
    node.ask("event_submit", json!([more])).await;
    let status = node.ask("event_status", json!([id.to_string()])).await;
    assert_eq!(
        (&status["status"], &status["rule"]),
        (&json!("dropped"), &json!("dropped.Replaced"))
    );
    node.mine(1).await;
    assert_eq!(node.refused("event_submit", json!([spends])).await, "pool.NonceUsed");
    // Behind one's own waiting events.
    let all_again = transfer(to, all);
    node.send(&rich, transfer(to, 1)).await;
    let nonce: u64 = node.typed("event_nextNonce", json!([text(&rich)])).await;
    let (second, id) = node.event(&rich, nonce, 10_000, all_again);
    assert_eq!(node.refused("event_submit", json!([second])).await, "coin.Overdraft");
    let waits = json!({ "scaleHex": second, "wait": true });
    assert_eq!(node.ask("event_submit", waits).await, json!(id.to_string()));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_there_is_refused_by_name() {
    let node = Node::start().await;
    let (hash, nobody) = ("00".repeat(32), COINBASE.to_text(NETWORK));
    let foreign = COINBASE.to_text(blocktree_primitives::Network::Main);
    for (method, params, rule) in [
        ("chain_getHeader", json!([hash]), "rpc.NotFound"),
        ("chain_getHeader", json!([1]), "rpc.NotFound"),
        ("chain_getHeader", json!([u64::MAX]), "rpc.NotFound"),
        ("chain_getHeader", json!(["xy"]), "-32602"),
        ("chain_getBlock", json!([hash]), "rpc.NotFound"),
        ("chain_getBlockHash", json!([1]), "rpc.NotFound"),
        ("chain_getBlockHash", json!([-1]), "-32602"),
        ("chain_getHistoryProof", json!([0]), "rpc.NotFound"),
        ("chain_subscribeUpdates", json!([hash]), "-32603"),
        ("event_get", json!([hash]), "rpc.NotFound"),
        ("event_getProof", json!([hash]), "rpc.NotFound"),
        ("event_estimateFee", json!(["ff"]), "event.Malformed"),
        ("global_getPrincipal", json!([foreign]), "-32602"),
        ("global_getPrincipal", json!(["dblk1"]), "-32602"),
        ("global_getFragments", json!(["/x"]), "-32602"),
        ("global_getProof", json!([{ "key": "00".repeat(2_000) }]), "-32602"),
        ("global_getProof", json!([{ "other": "00" }]), "-32602"),
        ("storage_getOffer", json!([hash]), "rpc.NotFound"),
        ("storage_getPlacement", json!([hash]), "rpc.NotFound"),
        ("storage_getProvider", json!([nobody]), "rpc.NotFound"),
        ("storage_getAudit", json!([nobody]), "rpc.NotFound"),
        ("storage_listOffers", json!({ "limit": 0 }), "-32602"),
        ("storage_listOffers", json!({ "limit": 501 }), "-32602"),
        ("storage_listOffers", json!({ "cursor": "x" }), "-32602"),
        ("storage_listOffers", json!({ "path": "/x", "owner": "y" }), "-32602"),
        ("storage_listChallenges", json!({ "cursor": "x" }), "-32602"),
        ("mining_submit", json!([99, "00".repeat(80), "00".repeat(144)]), "mining.Unknown"),
        ("mining_submit", json!([99, "00", "00"]), "-32602"),
        ("mining_generate", json!([0]), "-32602"),
        ("mining_generate", json!([1_001]), "-32602"),
        ("admin_stop", json!([]), "rpc.Unauthorized"),
        ("admin_setMining", json!([1]), "rpc.Unauthorized"),
        ("admin_setLogFilter", json!(["nonsense", node.token]), "rpc.NotDone"),
        ("system_nodes", json!([]), "-32601"),
    ] {
        if method == "chain_subscribeUpdates" {
            continue;
        }
        assert_eq!(node.refused(method, params.clone()).await, rule, "{method} {params}");
    }
    let names = ("chain_subscribeUpdates", "chain_unsubscribeUpdates");
    let opened = node.client.subscribe::<_, Value>(names.0, json!([hash]), names.1).await;
    let error = opened.err().unwrap().to_string();
    assert!(error.contains("rpc.UnknownCursor"), "{error}");
    // Whole blocks: known, without work, cut off.
    let block = whole_block(&node);
    assert_eq!(node.ask("mining_submitBlock", json!([block])).await["tip"], true);
    assert_eq!(node.refused("mining_submitBlock", json!([block])).await, "rpc.NotAccepted");
    // The first byte of the root of events, at 80 + 40 bytes.
    let mut wrong = hex::decode(whole_block(&node)).unwrap();
    wrong[120] ^= 1;
    let wrong = json!([hex::encode(wrong)]);
    assert_eq!(node.refused("mining_submitBlock", wrong).await, "block.WrongCommitment");
    let cut = json!([&block[2..]]);
    assert_eq!(node.refused("mining_submitBlock", cut).await, "block.Malformed");
    // A template's solution that changes what is fixed.
    let template = node.ask("mining_getTemplate", json!([nobody])).await;
    let mut raw = hex::decode(template["raw"].as_str().unwrap()).unwrap();
    raw[4] ^= 1;
    let solution = json!([template["template"], hex::encode(raw), template["commitment"]]);
    assert_eq!(node.refused("mining_submit", solution).await, "mining.NotTheTemplate");
    node.stop().await;
}
