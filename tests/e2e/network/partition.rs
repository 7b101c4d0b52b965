//! Five nodes, two miners, and a network that falls apart and comes together.

use super::divided::{COUNT, Divided, half};
use super::{
    MINERS, common_tip, complaints, generate, genesis, peers, send, status, text, tip, until,
    worst_score,
};
use crate::kill::from_env;
use blocktree_tests::{Half, Rpc, Subscription};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// From the first sign of the network's healing to one tip everywhere.
const HEALED: Duration = Duration::from_secs(90);
const LIMIT: Duration = Duration::from_secs(40);
/// What half B has beside what its miner finds: so it is A that must give way.
const MORE: u64 = 20;

/// What a subscriber saw: the best chain as it follows from the messages alone.
struct Follower {
    subscription: Subscription,
    /// Hashes from genesis on.
    chain: Vec<String>,
    reverts: u64,
    /// Longest run of reverts without an apply between them.
    longest: u64,
}

impl Follower {
    fn at(address: &str, genesis: String) -> Self {
        let (method, params) = ("chain_subscribeUpdates", json!([genesis]));
        let subscription = Subscription::open(address, method, &params);
        Self { subscription, chain: vec![genesis], reverts: 0, longest: 0 }
    }

    /// Reads on to this block; each message must follow from the one before.
    fn follow_to(&mut self, hash: &str) {
        let mut run = 0;
        while self.chain.last().unwrap() != hash {
            let message = self.subscription.next(LIMIT).expect("a message before the time is over");
            let (cursor, header) = (text(&message["cursor"]), &message["header"]);
            let (hash, parent) = (text(&header["hash"]), text(&header["parent"]));
            match text(&message["kind"]).as_str() {
                "apply" => {
                    assert_eq!(self.chain.last(), Some(&parent), "{message}");
                    assert_eq!(header["height"], self.chain.len() as u64);
                    self.chain.push(hash.clone());
                    assert_eq!(cursor, hash);
                    run = 0;
                }
                "revert" => {
                    assert_eq!(self.chain.pop(), Some(hash), "{message}");
                    assert_eq!(self.chain.last(), Some(&parent));
                    assert_eq!(cursor, parent);
                    self.reverts += 1;
                    run += 1;
                    self.longest = self.longest.max(run);
                }
                other => panic!("{other}: {message}"),
            }
        }
    }
}

/// Watches a node that must give way: once it says that it syncs, it must not say that it is done before
/// it is on the chain of the other.
#[derive(Default)]
struct Watch {
    was_syncing: bool,
    seen: bool,
}

impl Watch {
    fn look(&mut self, node: &Rpc, winner: &Rpc) {
        let syncing = node.call("system_health", json!([]))["syncing"] == true;
        if self.was_syncing && !syncing {
            let tip = tip(node);
            let theirs = winner.try_call("chain_getBlockHash", json!([tip["height"]]));
            assert!(theirs.is_err() || theirs.is_ok_and(|hash| hash == tip["hash"]), "{tip}");
        }
        self.was_syncing = syncing;
        self.seen |= syncing;
    }
}

/// What became of a transfer that was submitted to `rpc`.
fn place(rpc: &Rpc, id: &str) -> Option<&'static str> {
    let status = status(rpc, id);
    match status["status"].as_str() {
        Some("inBlock") => Some("in a block"),
        Some("waiting") => Some("in the pool"),
        Some("dropped") if !text(&status["rule"]).is_empty() => Some("dropped by name"),
        _ => None,
    }
}

fn supply(rpc: &Rpc) -> Value {
    rpc.call("supply_get", json!([]))
}

#[test]
fn five_nodes_two_miners_a_partition() {
    let apart = Duration::from_secs(from_env("BLOCKTREE_PARTITION_SECONDS", 8));
    let folder = tempfile::tempdir().unwrap();
    let mut net = Divided::start(folder.path(), [MINERS[0], MINERS[1]]);
    let chain = genesis(net.rpc(0));
    let all_met = |net: &Divided| net.all().iter().all(|rpc| peers(rpc).len() >= 3);
    until("a network", LIMIT, || all_met(&net).then_some(()));
    let is_common = |net: &Divided| common_tip(&net.all());
    let before = until("one tip", LIMIT, || is_common(&net).filter(|tip| tip["height"] != 0));
    println!("one network at height {}", before["height"]);

    net.part();
    let mut follower = Follower::at(&net.node(2).address, chain.to_string());
    let mut winner_follower = Follower::at(&net.node(4).address, chain.to_string());
    let start = Instant::now();
    // Signers of their own on each side, at a node that does not mine; and one who spends twice.
    let mut sent = Vec::new();
    for (node, signers) in [(1, [1, 2]), (4, [3, 4])] {
        for nonce in 0..5 {
            for signer in signers {
                let id = send(net.rpc(node), &chain, signer, nonce, 40);
                sent.push((node, id));
            }
        }
    }
    let twice = [(1, 50), (4, 60)].map(|(node, to)| (node, send(net.rpc(node), &chain, 8, 0, to)));
    until("all mined on their own sides", LIMIT, || {
        let is_mined =
            |(node, id): &(usize, String)| place(net.rpc(*node), id) == Some("in a block");
        sent.iter().chain(&twice).all(is_mined).then_some(())
    });
    generate(net.rpc(4), MORE, MINERS[2]);
    std::thread::sleep(apart.saturating_sub(start.elapsed()));
    // It is a partition: each side agrees within itself on what the other has never heard of.
    let side = |of: Half| until("one tip of a half", LIMIT, || common_tip(&net.half(of)));
    let tips = [side(Half::A), side(Half::B)];
    for (stranger, tip) in [(3, &tips[0]), (0, &tips[1])] {
        assert!(net.rpc(stranger).try_call("chain_getHeader", json!([tip["hash"]])).is_err());
    }
    for (node, id) in &sent {
        let other = if half(*node) == Half::A { 3 } else { 0 };
        assert_eq!(status(net.rpc(other), id)["status"], "unknown");
    }
    println!(
        "apart for {:?}: heights {} and {}",
        start.elapsed(),
        tips[0]["height"],
        tips[1]["height"]
    );

    net.heal();
    let healed = Instant::now();
    let mut watches: [Watch; 3] = Default::default();
    until("one tip again", HEALED, || {
        for (node, watch) in watches.iter_mut().enumerate() {
            watch.look(net.rpc(node), net.rpc(4));
        }
        let known = net
            .half(Half::A)
            .iter()
            .all(|rpc| rpc.try_call("chain_getHeader", json!([tips[1]["hash"]])).is_ok());
        known.then(|| is_common(&net)).flatten()
    });
    println!(
        "one tip {:?} after healing; nodes of the losing side seen syncing: {}",
        healed.elapsed(),
        watches.iter().filter(|watch| watch.seen).count()
    );
    // What the losing side had mined is mined again.
    until("mined everywhere", LIMIT, || {
        let is_mined = |(_, id): &(usize, String)| {
            net.all().iter().all(|rpc| place(rpc, id) == Some("in a block"))
        };
        sent.iter().all(is_mined).then_some(())
    });
    let places = twice.each_ref().map(|(node, id)| place(net.rpc(*node), id));
    assert_eq!(places, [Some("dropped by name"), Some("in a block")], "of whoever spent twice");
    println!("spent twice: {}", status(net.rpc(1), &twice[0].1));

    net.rest();
    // Both may have found a block at the same moment, which only one more decides.
    generate(net.rpc(0), 1, MINERS[0]);
    let tip = until("one tip at rest", HEALED, || is_common(&net));
    let state_roots =
        net.all().iter().map(|rpc| text(&super::tip(rpc)["stateRoot"])).collect::<Vec<_>>();
    assert_eq!(state_roots, vec![text(&tip["stateRoot"]); COUNT]);
    let supplies: Vec<Value> = net.all().into_iter().map(supply).collect();
    assert_eq!(supplies, vec![supplies[0].clone(); COUNT]);
    // 10 accounts of 10^14 at genesis, 5 · 10^9 of each block, and no burn in transfers.
    let total = 1_000_000_000_000_000 + 5_000_000_000 * tip["height"].as_u64().unwrap();
    assert_eq!(text(&supplies[0]["total"]), total.to_string());
    until("nobody syncing", LIMIT, || {
        let syncing = |rpc: &Rpc| rpc.call("system_health", json!([]))["syncing"] == true;
        (!net.all().into_iter().any(syncing)).then_some(())
    });
    follower.follow_to(&text(&tip["hash"]));
    winner_follower.follow_to(&text(&tip["hash"]));
    assert_eq!(follower.chain, winner_follower.chain);
    println!(
        "subscriber on the losing side: {} reverts, {} in a row; on the winning side: {}",
        follower.reverts, follower.longest, winner_follower.reverts
    );
    // All that A had mined by itself left at once.
    assert!(follower.longest >= 2);
    assert!(winner_follower.longest < follower.longest);

    until("a network again", LIMIT, || all_met(&net).then_some(()));
    let scores: Vec<u64> = net.all().into_iter().map(worst_score).collect();
    println!("worst scores of peers: {scores:?}");
    assert!(scores.iter().all(|score| *score < 50), "{scores:?}");
    for log in net.logs() {
        let complaints = complaints(&log);
        println!("{}: {complaints:?}", log.file_name().unwrap().to_string_lossy());
        assert!(!complaints.iter().any(|line| line.contains("banned")));
    }
}
