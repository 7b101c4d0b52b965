//! `kill -9` at random moments, under load and through reorganisations: every acknowledged event
//! is on the chain, in the pool, or has a named reason, and the chain verifies.
//!
//! 50 kills here; `make kill-test` makes 1,000 (`BLOCKTREE_KILLS`). `BLOCKTREE_SEED` repeats the
//! moments of a run, as far as threads and disks repeat.

use crate::mirror::Mirror;
use blocktree_primitives::{Amount, Principal, SecretKey};
use blocktree_runtime::{Call, Event};
use blocktree_tests::{NodeBuilder, Rpc, RpcFailure, run};
use blocktree_wallet::DevKeys;
use parity_scale_codec::Encode;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Signers that send at the same time.
const SENDERS: u32 = 8;
/// Pool code for "I have that event already" is a refusal by this name.
const KNOWN: &str = "AlreadyKnown";

pub(crate) fn from_env(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// A small generator of random numbers (xorshift64*): seeds repeat.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % bound
    }
}

/// The test's own log: event ids that the node acknowledged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<BTreeMap<String, u64>>>);

impl Log {
    fn acknowledged(&self, id: &str, nonce: u64) {
        self.0.lock().unwrap().insert(id.to_owned(), nonce);
    }
}

/// One signer: sends events with rising nonces, each until the node has acknowledged it.
fn send_events(
    index: u32,
    genesis: blocktree_primitives::BlockHash,
    rpc: Rpc,
    log: Log,
    stop: Arc<AtomicBool>,
) {
    let secret: SecretKey = DevKeys::new(1).secret(index).unwrap();
    let to = Principal([u8::try_from(index).unwrap(); 32]);
    let mut nonce = 0;
    while !stop.load(Ordering::Relaxed) {
        let call =
            Call::Coin(pallet_coin::Call::Transfer { to, amount: Amount::from_units(200_000) });
        let event = Event::signed(&secret, &genesis, nonce, Amount::from_units(1000), None, call);
        let (id, hex) = (event.id(&genesis).to_string(), hex::encode(event.encode()));
        loop {
            if stop.load(Ordering::Relaxed) {
                return;
            }
            match rpc.try_call("event_submit", json!([hex])) {
                Ok(answer) => {
                    let given = answer.get("id").unwrap_or(&answer);
                    assert_eq!(given.as_str(), Some(id.as_str()));
                    log.acknowledged(&id, nonce);
                    nonce += 1;
                    break;
                }
                // Killed before it could answer: the event may or may not be there.
                Err(RpcFailure::Unreachable(_)) => std::thread::sleep(Duration::from_millis(5)),
                Err(RpcFailure::Error { code, message, data }) => {
                    let text = format!("{message} {data}");
                    if text.contains("NonceUsed")
                        || text.contains("used already")
                        || text.contains(KNOWN)
                        || text.contains("already")
                    {
                        // It was written before the kill, though never acknowledged.
                        nonce += 1;
                        break;
                    }
                    // Its window of nonces is full, or the tip moved under it: wait for a block.
                    assert!(
                        text.contains("TooMany")
                            || text.contains("TooFar")
                            || text.contains("ahead")
                            || text.contains("moved")
                            || text.contains("wait")
                            || text.contains("stopping"),
                        "{code} {text}"
                    );
                    std::thread::sleep(Duration::from_millis(5));
                }
            }
        }
    }
}

/// What the node says of an event, or why that is not enough.
fn whereabouts(status: &Value) -> Result<&'static str, String> {
    match status["status"].as_str() {
        Some("inBlock") => Ok("chain"),
        Some("waiting") => Ok("pool"),
        Some("dropped") if status["reason"].as_str().is_some_and(|r| !r.is_empty()) => Ok("named"),
        _ => Err(status.to_string()),
    }
}

#[test]
fn nothing_acknowledged_is_lost() {
    let (kills, seed) = (from_env("BLOCKTREE_KILLS", 50), from_env("BLOCKTREE_SEED", 1));
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("node");
    let builder = NodeBuilder::new(&data_dir);
    let mut random = Random(seed.max(1));
    let mut mirror = Mirror::new();
    let (log, stop) = (Log::default(), Arc::new(AtomicBool::new(false)));
    let first = builder.start();
    let rpc = first.rpc.clone();
    let senders: Vec<_> = (0..SENDERS)
        .map(|index| {
            let (genesis, rpc) = (mirror.genesis(), rpc.clone());
            let (log, stop) = (log.clone(), Arc::clone(&stop));
            std::thread::spawn(move || send_events(index, genesis, rpc, log, stop))
        })
        .collect();
    let (start, mut reorganisations) = (Instant::now(), 0u64);
    let mut node = Some(first);
    for _ in 0..kills {
        let running = node.take().unwrap_or_else(|| builder.start());
        let until = Instant::now() + Duration::from_millis(100 + random.below(400));
        while Instant::now() < until {
            // Errors are those of a node that is killed under the hand; the next round goes on.
            if mirror.follow(&running.rpc).is_ok() {
                reorganisations += mirror.fork(&running.rpc, &mut |n| random.below(n)).unwrap_or(0);
            }
            let _ = running.rpc.try_call("mining_generate", json!([1]));
            if random.below(4) == 0 {
                std::thread::sleep(Duration::from_millis(random.below(30)));
            }
        }
        running.kill();
    }
    let elapsed = start.elapsed();
    stop.store(true, Ordering::Relaxed);
    let last = builder.start();
    for sender in senders {
        sender.join().unwrap();
    }
    let acknowledged = log.0.lock().unwrap().clone();
    let mut found: BTreeMap<&str, u64> = BTreeMap::new();
    for id in acknowledged.keys() {
        let status = last.rpc.call("event_status", json!([id]));
        match whereabouts(&status) {
            Ok(place) => *found.entry(place).or_default() += 1,
            Err(status) => panic!("acknowledged event {id} is lost (seed {seed}): {status}"),
        }
    }
    assert_eq!(last.stop(), Some(0));
    let verified = run(&["chain", "verify", "--data-dir", data_dir.to_str().unwrap()]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
    let rate = u64::try_from(acknowledged.len()).unwrap() * 1000
        / u64::try_from(elapsed.as_millis()).unwrap().max(1);
    println!(
        "{kills} kills in {elapsed:?}: {} acknowledged ({rate}/s), found {found:?}, \
         {reorganisations} reorganisations",
        acknowledged.len()
    );
    assert!(acknowledged.len() > 100 && reorganisations > 0, "the test did not test");
}

#[test]
fn an_unknown_event_counts_as_lost() {
    // The check above would pass on anything if this did not fail.
    assert!(whereabouts(&json!({ "status": "unknown" })).is_err());
    assert!(whereabouts(&json!({ "status": "dropped", "reason": "" })).is_err());
    assert!(whereabouts(&json!(null)).is_err());
}
