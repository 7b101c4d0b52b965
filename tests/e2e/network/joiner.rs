//! A node that comes late, while blocks and transfers go on.

use super::{
    MINERS, address, builder, common_tip, complaints, generate, genesis, height, send, status, tip,
    until,
};
use blocktree_tests::Rpc;
use serde_json::json;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(60);

/// Mines beside the node's own miner, which then finds a block every second or so: together less than the
/// two a second from which on blocks are no longer told one by one.
fn mine(rpc: &Rpc, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        generate(rpc, 1, MINERS[1]);
        std::thread::sleep(Duration::from_millis(1_400));
    }
}

/// Sends transfers, until told to stop; returns their ids.
fn pay(rpc: &Rpc, stop: &AtomicBool) -> Vec<String> {
    let genesis = genesis(rpc);
    let mut sent = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        // 16 of a signer wait at a time, and there is a block every second at least.
        sent.push(send(rpc, &genesis, 3, sent.len() as u64, 5));
        std::thread::sleep(Duration::from_millis(120));
    }
    sent
}

#[test]
fn a_late_joiner_catches_up_while_blocks_come() {
    const BEFORE: u64 = 1_000;
    let folder = tempfile::tempdir().unwrap();
    let source =
        builder(folder.path(), "source").args(&["--mine=1", "--coinbase", MINERS[0]]).start();
    generate(&source.rpc, BEFORE, MINERS[0]);
    let stop = AtomicBool::new(false);
    let (joiner, sent) = std::thread::scope(|scope| {
        scope.spawn(|| mine(&source.rpc, &stop));
        let payer = scope.spawn(|| pay(&source.rpc, &stop));
        let joiner =
            builder(folder.path(), "joiner").flag("--bootnode", &address(&source.rpc)).start();
        let start = Instant::now();
        let both = [&source.rpc, &joiner.rpc];
        until("caught up", LIMIT, || common_tip(&both));
        let took = start.elapsed();
        // And it stays with it: ten seconds long it has each block soon after the miner has it.
        let (mut looks, mut behind) = (0, 0);
        let end = Instant::now() + Duration::from_secs(10);
        while Instant::now() < end {
            let target = height(&source.rpc);
            let found = Instant::now();
            until("a block relayed", Duration::from_secs(10), || {
                (height(&joiner.rpc) >= target).then_some(())
            });
            behind = behind.max(found.elapsed().as_millis());
            looks += 1;
            std::thread::sleep(Duration::from_millis(100));
        }
        println!("caught up in {took:?}; then {looks} looks, at most {behind} ms behind");
        assert!(behind < 2_000, "blocks are told late");
        stop.store(true, Ordering::Relaxed);
        (joiner, payer.join().unwrap())
    });
    source.admin("admin_setMining", json!({ "threads": 0 }));
    generate(&source.rpc, 2, MINERS[0]);
    let both = [&source.rpc, &joiner.rpc];
    until("one tip", LIMIT, || common_tip(&both));
    let last = tip(&source.rpc)["height"].as_u64().unwrap();
    println!("{} transfers; height {last}", sent.len());
    assert!(sent.len() > 50 && last > BEFORE + 10, "the test did not test");
    for id in &sent {
        assert_eq!(status(&joiner.rpc, id)["status"], "inBlock", "{id}");
    }
    assert_eq!(joiner.rpc.call("system_syncState", json!([]))["syncing"], false);
    for name in ["source.log", "joiner.log"] {
        println!("{name}: {:?}", complaints(&folder.path().join(name)));
    }
}
