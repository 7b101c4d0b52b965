//! Every listed method, called on a chain with something of everything, and its answers held to
//! the document's schemas and to independent checks of the proofs.

use crate::node::{COINBASE, NETWORK, Node, key, leaves, principal, text, transfer};
use blocktree_fragments::verify_inclusion;
use blocktree_primitives::bounded::BoundedVec;
use blocktree_primitives::{
    Amount, BlockPath, ContentHash, EventId, FragmentRoot, Height, Name, OfferId, PlacementId,
    SecretKey, Span,
};
use blocktree_rpc::openrpc::{answer_schema, message_schema, method_names};
use blocktree_rpc::types::{EventProof, HeaderJson, HistoryProofJson, StateProof, UpdateJson};
use blocktree_runtime::Call;
use pallet_storage::{
    Acceptance, Authority, Call as Storage, Claim, Code, Codec, Evidence, NewOffer, Terms,
    placement_id,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// 1000 bytes: leaves of 256, 256, 256 and 232.
const FRAGMENT_LEN: usize = 1000;

/// A chain with a transfer, a binding, an offer, a placement and a pending challenge.
struct World {
    node: Node,
    owner: SecretKey,
    provider: SecretKey,
    path: String,
    transfer: EventId,
    offer: OfferId,
    placement: PlacementId,
    fragment: Vec<u8>,
}

fn tree_block(owner: &SecretKey) -> BlockPath {
    BlockPath::new(principal(owner), vec![Name::new("cat.jpg").unwrap()]).unwrap()
}

fn new_offer(owner: &SecretKey) -> NewOffer {
    NewOffer {
        authority: Authority::Root,
        path: tree_block(owner),
        version: 1,
        code: Code {
            codec: Codec::ReedSolomon,
            k: 1,
            n: 2,
            fragment_size: FRAGMENT_LEN as u64,
            params: BoundedVec::new(),
        },
        content_hash: ContentHash([3; 32]),
        terms: Terms {
            payment: Amount::from_units(100_000),
            period: Span(12),
            payments: 10,
            collateral: Amount::from_units(1_000_000),
        },
        expires_at: Height(200),
    }
}

impl World {
    async fn new() -> Self {
        let node = Node::start().await;
        let (owner, provider) = (key(0), key(1));
        let transfer = node.send(&owner, transfer(principal(&key(2)), 5_000_000)).await;
        let bind = pallet_binding::Call::Bind {
            addresses: vec![b"/ip4/127.0.0.1/tcp/9945".to_vec().try_into().unwrap()]
                .try_into()
                .unwrap(),
            valid_until: Height(500),
        };
        node.send(&provider, Call::Binding(bind)).await;
        let announce = Storage::Announce {
            capacity: 1 << 40,
            min_payment: Amount::from_units(1),
            pot: Amount::from_units(10_000_000),
        };
        node.send(&provider, Call::Storage(announce)).await;
        let offer = node.send(&owner, Call::Storage(Storage::Offer(new_offer(&owner)))).await;
        let offer = OfferId::from(offer);
        node.mine(1).await;
        let fragment: Vec<u8> = (0..FRAGMENT_LEN).map(|n| u8::try_from(n % 251).unwrap()).collect();
        let acceptance = Acceptance {
            offer,
            fragment_id: 0,
            provider: principal(&provider),
            root: FragmentRoot(blocktree_consensus::merkle::root(&leaves(&fragment))),
            size: FRAGMENT_LEN as u64,
            valid_until: Height(100),
        };
        let acceptance = acceptance.sign(&node.chain.genesis(), &provider);
        let acceptances = vec![acceptance].try_into().unwrap();
        node.send(&owner, Call::Storage(Storage::Place { offer, acceptances })).await;
        node.mine(1).await;
        let placement = placement_id(&offer, 0);
        let path = tree_block(&owner).to_text(NETWORK);
        let world = Self { node, owner, provider, path, transfer, offer, placement, fragment };
        world.challenge().await;
        world
    }

    /// Has the placement challenged, if it is not already.
    async fn challenge(&self) {
        if self.placement().await["challenge"].is_null() {
            let demand = Storage::Demand { placement: self.placement };
            self.node.send(&self.owner, Call::Storage(demand)).await;
            self.node.mine(2).await;
        }
        assert!(self.placement().await["challenge"].is_object());
    }

    async fn placement(&self) -> Value {
        self.node.ask("storage_getPlacement", json!([self.placement.to_string()])).await
    }

    /// The payout that answers the pending challenge.
    async fn payout(&self) -> Call {
        let leaf = self.placement().await["challenge"]["leaf"].as_u64().unwrap();
        let leaf = usize::try_from(leaf).unwrap();
        let siblings = blocktree_consensus::merkle::prove(&leaves(&self.fragment), leaf).unwrap();
        let bytes = self.fragment.chunks(256).nth(leaf).unwrap().to_vec();
        let evidence = Evidence::Proof {
            leaf: bytes.try_into().unwrap(),
            siblings: siblings.try_into().unwrap(),
        };
        let claims = vec![Claim { placement: self.placement, evidence }].try_into().unwrap();
        Call::Storage(Storage::Payout { claims })
    }

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

/// A block on the tip, encoded.
fn whole_block(node: &Node) -> String {
    let template = node.chain.template(&COINBASE).unwrap();
    let mut header = template.header;
    while !template.target.is_met_by(&header.hash()) {
        header.nonce += 1;
    }
    hex::encode(template.solved(header, template.commitment).unwrap().encoded())
}

/// The proof is checked by docs/rpc.md's own words with nothing but SHA-256.
fn check_state_proof(proof: &StateProof) -> bool {
    use blocktree_primitives::hash::sha256;
    let tag = sha256(&[b"blocktree/key"]);
    let path = sha256(&[&tag, &tag, &proof.key.0]);
    let zero = [0u8; 32];
    let digest = |bytes: &[u8]| <[u8; 32]>::try_from(bytes).unwrap();
    let bit = |path: &[u8; 32], d: usize| path[d / 8] >> (7 - d % 8) & 1;
    let n = proof.siblings.len();
    if proof.siblings.first() == Some(&None) {
        return false;
    }
    let mut hash = match (&proof.value, &proof.other) {
        (Some(value), None) if !value.0.is_empty() => sha256(&[&[0], &path, &sha256(&[&value.0])]),
        (None, Some(other)) => {
            let other_path = digest(&other.path.0);
            if other_path == path || (0..n).any(|d| bit(&path, d) != bit(&other_path, d)) {
                return false;
            }
            sha256(&[&[0], &other_path, &other.value_hash.0])
        }
        (None, None) => zero,
        _ => return false,
    };
    for (sibling, d) in proof.siblings.iter().zip((0..n).rev()) {
        let sibling = sibling.as_ref().map_or(zero, |s| digest(&s.0));
        hash = match bit(&path, d) {
            0 => sha256(&[&[1], &hash, &sibling]),
            _ => sha256(&[&[1], &sibling, &hash]),
        };
    }
    hash == proof.header.state_root.0.0 && header_holds(&proof.header)
}

/// `raw` and `commitment` hash as they should, and the fields are theirs.
fn header_holds(header: &HeaderJson) -> bool {
    use blocktree_primitives::hash::sha256d;
    header.hash.0.0 == sha256d(&header.raw.0)
        && header.raw.0[36..68] == sha256d(&header.commitment.0)
        && header.commitment.0[72..104] == header.state_root.0.0
        && header.commitment.0[40..72] == header.event_root.0.0
        && header.commitment.0[..8] == header.height.to_le_bytes()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proofs_verify_and_spoilt_ones_do_not() {
    let world = World::new().await;
    let node = &world.node;
    let nobody = blocktree_primitives::Principal([9; 32]).to_text(NETWORK);
    let offer = world.offer.to_string();
    let mut proofs = Vec::new();
    for (method, params, present) in [
        ("global_getPrincipal", json!([text(&world.owner), true]), true),
        ("global_getPublicKey", json!([nobody, true]), false),
        ("global_getAddresses", json!([text(&world.provider), true]), true),
        ("global_getFragments", json!([world.path, true]), true),
        ("global_getFragments", json!([format!("{}x", world.path), true]), false),
        ("global_getProof", json!([{ "offer": offer }]), true),
        ("global_getProof", json!([{ "placement": world.placement.to_string() }]), true),
        ("global_getProof", json!([{ "key": "ff" }]), false),
    ] {
        let answer = node.ask(method, params).await;
        let proof: StateProof = serde_json::from_value(answer["proof"].clone()).unwrap();
        assert_eq!(proof.value.is_some(), present, "{method}");
        assert!(check_state_proof(&proof), "{method}");
        assert_eq!(answer["blockHash"], json!(proof.header.hash));
        assert_eq!(answer["height"], json!(proof.header.height));
        proofs.push(proof);
    }
    for proof in proofs {
        let mut spoilt = vec![proof.clone(); 4];
        spoilt[0].key.0.push(0);
        spoilt[1].value = match proof.value {
            Some(_) => None,
            None => Some(vec![1].into()),
        };
        spoilt[2].siblings.pop();
        spoilt[3].header.state_root.0.0[0] ^= 1;
        assert!(spoilt.iter().all(|proof| !check_state_proof(proof)));
    }
    let proof: EventProof = node.typed("event_getProof", json!([world.transfer.to_string()])).await;
    let leaf = blocktree_consensus::merkle::hash_leaf(&proof.event_scale.0);
    let siblings: Vec<[u8; 32]> =
        proof.siblings.iter().map(|s| s.0.clone().try_into().unwrap()).collect();
    let root = proof.header.event_root.0.0;
    assert_eq!(verify_inclusion(&root, &leaf, proof.index, proof.count, &siblings), Ok(()));
    assert!(header_holds(&proof.header) && proof.header.height == 1);
    // Four events are in block 1, so a leaf has two siblings.
    assert_eq!((proof.count, siblings.len()), (4, 2));
    history(node).await;
    world.node.stop().await;
}

/// The history proof, by protocol.md §3.3 with nothing but SHA-256 and small numbers: on a
/// development chain all sums of work fit 128 bits.
async fn history(node: &Node) {
    use blocktree_primitives::hash::sha256;
    let tagged = |tag: &str, parts: &[&[u8]]| {
        let tag = sha256(&[tag.as_bytes()]);
        sha256(&[[&tag[..], &tag[..]].as_slice(), parts].concat())
    };
    let wide = |number: u128| {
        let mut bytes = [0; 32];
        bytes[..16].copy_from_slice(&number.to_le_bytes());
        bytes
    };
    let proof: HistoryProofJson = node.typed("chain_getHistoryProof", json!([1])).await;
    let (index, count) = (1u64, proof.header.height);
    assert!(header_holds(&proof.header) && header_holds(&proof.ancestor));
    let total: u128 = proof.total_work.parse().unwrap();
    let mut hash =
        tagged("blocktree/mmr-leaf", &[&proof.ancestor.raw.0, &index.to_le_bytes(), &wide(total)]);
    // Every header of a development chain has the same work, genesis included.
    let own = total / 2;
    let (mut leaves, mut work, mut before) = (1u64, own, 0u128);
    // The tree of header 1 is the first and largest; it has 2^k leaves.
    let size = 1u64 << (63 - count.leading_zeros());
    let mut siblings = proof.siblings.iter();
    while leaves < size {
        let sibling = siblings.next().unwrap();
        let other: u128 = sibling.work.parse().unwrap();
        let (sum, both) = (wide(work + other), (leaves * 2).to_le_bytes());
        // Header 1 is the right one of the first pair, and left from there on.
        hash = if leaves == 1 {
            before += other;
            tagged("blocktree/mmr-node", &[&sibling.hash.0, &hash, &both, &sum])
        } else {
            tagged("blocktree/mmr-node", &[&hash, &sibling.hash.0, &both, &sum])
        };
        (leaves, work) = (leaves * 2, work + other);
    }
    if count > size {
        let sibling = siblings.next().unwrap();
        let other: u128 = sibling.work.parse().unwrap();
        let sum = wide(work + other);
        let parts: [&[u8]; 4] = [&hash, &sibling.hash.0, &count.to_le_bytes(), &sum];
        hash = tagged("blocktree/mmr-node", &parts);
    }
    assert!(siblings.next().is_none());
    assert_eq!(hash, proof.header.history_root.0.0);
    assert_eq!(before + own, total, "the work before it and its own");
}

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
        ("system_peers", json!([]), "-32601"),
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
