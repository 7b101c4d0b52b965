//! `kill -9` while a node syncs, and while it goes over to a rival branch.
//!
//! `BLOCKTREE_SEED` repeats where a run kills, as far as threads and disks repeat.

use super::{
    MINERS, address, builder, complaints, generate, genesis, height, peers, send, status,
    stop_and_verify, tip, until, worst_score,
};
use crate::kill::{Random, from_env};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

const KILLS: u64 = 5;
const LIMIT: Duration = Duration::from_secs(60);

/// Waits without a pause for what takes milliseconds only.
fn at_once(mut look: impl FnMut() -> bool) {
    let start = Instant::now();
    while !look() {
        assert!(start.elapsed() < LIMIT, "not after {LIMIT:?}");
    }
}

#[test]
fn a_node_killed_with_kill_9_while_it_syncs_again_and_again() {
    const BLOCKS: u64 = 2_000;
    let mut random = Random(from_env("BLOCKTREE_SEED", 1).max(1));
    let folder = tempfile::tempdir().unwrap();
    let source = builder(folder.path(), "source").start();
    let genesis = genesis(&source.rpc);
    for round in 0..BLOCKS / 50 {
        (0..12).for_each(|nonce| drop(send(&source.rpc, &genesis, 1, round * 12 + nonce, 7)));
        generate(&source.rpc, 50, MINERS[0]);
    }
    let data_dir = folder.path().join("joiner");
    let joiner = builder(folder.path(), "joiner").flag("--bootnode", &address(&source.rpc));
    let mut killed = Vec::new();
    for round in 0..KILLS {
        let node = joiner.start();
        let found = height(&node.rpc);
        // Somewhere in this round's share of what is left, and some moments later.
        let share = (BLOCKS - found) / (KILLS - round + 1);
        let target = found + random.below(share.max(1));
        at_once(|| height(&node.rpc) >= target);
        std::thread::sleep(Duration::from_micros(random.below(3_000)));
        let at = height(&node.rpc);
        node.kill();
        killed.push((found, at));
    }
    println!("found at the start, and killed at, height: {killed:?} of {BLOCKS}");
    assert!(killed.iter().filter(|(_, at)| *at < BLOCKS).count() >= 2, "killed too late");
    let node = joiner.start();
    until("the same tip", LIMIT, || (tip(&node.rpc) == tip(&source.rpc)).then_some(()));
    assert_eq!(height(&node.rpc), BLOCKS);
    assert_eq!((worst_score(&node.rpc), worst_score(&source.rpc)), (0, 0));
    stop_and_verify(node, &data_dir);
    stop_and_verify(source, &folder.path().join("source"));
    for name in ["source.log", "joiner.log"] {
        println!("{name}: {:?}", complaints(&folder.path().join(name)));
    }
}

/// A copy of a data folder as another node, which knows nobody.
fn copy_as_another(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-r").args([from, to]).status().unwrap();
    assert!(copied.success());
    for own in ["node.key", "peers", "rpc-token"] {
        std::fs::remove_file(to.join(own)).unwrap();
    }
}

#[test]
fn a_node_killed_with_kill_9_while_it_reorganises_again_and_again() {
    const COMMON: u64 = 50;
    const WEAK: u64 = 800;
    const STRONG: u64 = 1_600;
    let mut random = Random(from_env("BLOCKTREE_SEED", 1).max(1));
    let folder = tempfile::tempdir().unwrap();
    let (weak_dir, strong_dir) = (folder.path().join("weak"), folder.path().join("strong"));
    let weak = builder(folder.path(), "weak").start();
    let genesis = genesis(&weak.rpc);
    generate(&weak.rpc, COMMON, MINERS[0]);
    assert_eq!(weak.stop(), Some(0));
    copy_as_another(&weak_dir, &strong_dir);

    // Each mines by itself, with transfers of its own in every fortieth block.
    let alone = |name: &str, blocks: u64, signer: u32, miner: &str| {
        let node = builder(folder.path(), name).flag("--p2p-addr", "off").start();
        let mut sent = Vec::new();
        for round in 0..blocks / 40 {
            sent.push(send(&node.rpc, &genesis, signer, round, 9));
            generate(&node.rpc, 40, miner);
        }
        let tip = tip(&node.rpc);
        assert_eq!(node.stop(), Some(0));
        (tip, sent)
    };
    let (weak_tip, weak_sent) = alone("weak", WEAK, 1, MINERS[1]);
    let (strong_tip, strong_sent) = alone("strong", STRONG, 2, MINERS[2]);
    assert_ne!(weak_tip["hash"], strong_tip["hash"]);

    let (weak_height, strong_height) = (COMMON + WEAK, COMMON + STRONG);
    let strong = builder(folder.path(), "strong").start();
    let rival = builder(folder.path(), "weak").flag("--bootnode", &address(&strong.rpc));
    let own = folder.path().join("own");
    assert!(Command::new("cp").arg("-r").args([&weak_dir, &own]).status().unwrap().success());
    let mut killed_at = Vec::new();
    for round in 0..KILLS {
        let node = rival.start();
        at_once(|| !peers(&node.rpc).is_empty());
        // Later from kill to kill: while it looks, while it fetches, while it goes over.
        let later = Duration::from_millis(round * 25 + random.below(25));
        let met = Instant::now();
        at_once(|| met.elapsed() >= later || height(&node.rpc) != weak_height);
        std::thread::sleep(Duration::from_micros(random.below(5_000)));
        let at = height(&node.rpc);
        node.kill();
        killed_at.push((met.elapsed().as_millis(), at));
        if at == strong_height {
            // It got through: once more from the start.
            std::fs::remove_dir_all(&weak_dir).unwrap();
            let copied = Command::new("cp").arg("-r").args([&own, &weak_dir]).status().unwrap();
            assert!(copied.success());
        }
    }
    println!(
        "milliseconds after they met, and height, at each kill: {killed_at:?}; \
         {weak_height} is its own branch, {strong_height} the rival's"
    );
    assert!(killed_at.iter().any(|(_, at)| *at != strong_height), "killed too late");
    let node = rival.start();
    until("the rival's tip", LIMIT, || (tip(&node.rpc) == strong_tip).then_some(()));
    assert_eq!(tip(&strong.rpc), strong_tip);
    for id in &strong_sent {
        assert_eq!(status(&node.rpc, id)["status"], "inBlock", "{id}");
    }
    // What its own branch held waits again, and the rival hears of it.
    generate(&strong.rpc, 1, MINERS[2]);
    for id in &weak_sent {
        until("found again", LIMIT, || {
            let place = status(&node.rpc, id);
            (place["status"] == "waiting" || place["status"] == "inBlock").then_some(())
        });
    }
    assert_eq!((worst_score(&node.rpc), worst_score(&strong.rpc)), (0, 0));
    stop_and_verify(node, &weak_dir);
    stop_and_verify(strong, &strong_dir);
    for name in ["weak.log", "strong.log"] {
        println!("{name}: {:?}", complaints(&folder.path().join(name)));
    }
}
