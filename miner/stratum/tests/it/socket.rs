//! Real sockets, real shares, real blocks.

use crate::client::{Client, sha256d};
use crate::fake::{Fake, user, zeros};
use blocktree_primitives::Network;
use blocktree_stratum::{Config, Counts, Difficulty, Handle, Limits, start};
use serde_json::json;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

pub fn config() -> Config {
    let mut config = Config::new(SocketAddr::from(([127, 0, 0, 1], 0)), Network::Dev);
    (config.start, config.floor) = (Difficulty::LOWEST, Difficulty::LOWEST);
    config
}

struct Running {
    handle: Handle,
    runtime: Runtime,
}

impl Running {
    fn start(fake: &Arc<Fake>, config: Config) -> Self {
        let runtime = Runtime::new().unwrap();
        let handle = start(config, fake.clone(), runtime.handle()).unwrap();
        Self { handle, runtime }
    }

    fn address(&self) -> SocketAddr {
        self.handle.address()
    }

    fn stop(self) -> Counts {
        let counts = self.handle.counts();
        self.runtime.block_on(self.handle.stop());
        counts
    }
}

#[test]
fn blocks_are_mined_one_after_the_other_and_pay_their_finder() {
    let fake = Fake::new(zeros(12));
    let server = Running::start(&fake, config());
    let mut client = Client::mining(server.address(), &format!("{}.rig", user(1)));
    let (mut blocks, mut shares, mut from) = (0, 0, 0);
    let mut job = client.told.job.clone().unwrap();
    let mut block_target = zeros(12);
    block_target.reverse();
    while blocks < 3 {
        let extranonce = client.told.extranonce([0; 4]);
        let nonce = job.share(&extranonce, from);
        let mut hash = sha256d(&job.header(&extranonce, job.version, &job.time, nonce));
        hash.reverse();
        let answer = client.submit(&user(1), &job, [0; 4], nonce);
        assert_eq!(answer["result"], true, "{answer}");
        from = nonce + 1;
        if hash <= block_target {
            blocks += 1;
            assert_eq!(fake.blocks().len(), blocks, "before the answer");
            while !client.told.job.as_ref().unwrap().is_clean
                || client.told.job.as_ref().unwrap().id == job.id
            {
                client.next_job();
            }
            (job, from) = (client.told.job.clone().unwrap(), 0);
            let mut parent = hash;
            parent.reverse();
            let header = job.header(&extranonce, job.version, &job.time, 0);
            assert_eq!(header[4..36], parent, "the next job is on the block");
        } else {
            shares += 1;
        }
    }
    let found = fake.blocks();
    for (raw, commitment) in &found {
        assert_eq!(sha256d(commitment), raw[36..68]);
        assert_eq!(commitment[8..40], [1; 32], "the principal of the connection");
    }
    let counts = server.stop();
    assert_eq!((counts.blocks, counts.accepted), (3, shares + 3));
    assert_eq!((counts.stale, counts.rejected), (0, 0));
}

#[test]
fn two_miners_search_apart_and_a_new_tip_reaches_both() {
    let fake = Fake::new(zeros(60));
    let server = Running::start(&fake, config());
    let mut miners =
        [Client::mining(server.address(), &user(1)), Client::mining(server.address(), &user(1))];
    assert_ne!(miners[0].told.extranonce1, miners[1].told.extranonce1);
    let old = miners.each_ref().map(|miner| miner.told.job.clone().unwrap());
    fake.move_tip();
    for (miner, old) in miners.iter_mut().zip(&old) {
        let job = miner.next_job();
        assert!(job.is_clean);
        assert_ne!(job.prevhash, old.prevhash);
        let nonce = old.share(&miner.told.extranonce([0; 4]), 0);
        let answer = miner.submit(&user(1), old, [0; 4], nonce);
        assert_eq!(answer["error"], json!([21, "stale: the job was replaced", null]));
    }
    assert_eq!(server.stop().stale, 2);
}

#[test]
fn better_fees_and_time_make_new_jobs() {
    let fake = Fake::new(zeros(60));
    let mut quick = config();
    quick.better_every = Duration::from_millis(200);
    let server = Running::start(&fake, quick);
    let mut client = Client::mining(server.address(), &user(1));
    fake.add_fees();
    assert!(!client.next_job().is_clean);
    server.stop();
    quick.job_every = Duration::from_millis(200);
    let server = Running::start(&fake, quick);
    let mut client = Client::mining(server.address(), &user(1));
    assert!(!client.next_job().is_clean, "the same, for the miner not to idle");
    server.stop();
}

#[test]
fn overlong_lines_and_garbage_are_banned_for_a_while() {
    let fake = Fake::new(zeros(60));
    let mut short = config();
    short.limits.ban = Duration::from_millis(700);
    let server = Running::start(&fake, short);
    let mut client = Client::connect(server.address());
    // The server may close before it has read all.
    let _ = client.send_raw(&[b'x'; 20_000]);
    assert_eq!(client.line(), None);
    let banned = Instant::now();
    assert_eq!(server.handle.counts().banned, 1);
    let mut denied = Client::connect(server.address());
    assert_eq!(denied.line(), None);
    std::thread::sleep(
        (banned + Duration::from_millis(800)).saturating_duration_since(Instant::now()),
    );
    let mut client = Client::mining(server.address(), &user(1));
    // 5 * 20 points.
    let _ = client.send_raw(b"GET / HTTP/1.1\r\nHost: x\r\nAccept: y\r\n\r\na\nb\nc\n");
    while client.line().is_some() {}
    assert_eq!(server.handle.counts().banned, 1);
    let counts = server.stop();
    assert_eq!(counts.denied, 1);
}

#[test]
fn numbers_of_connections_are_bounded_and_silence_ends_them() {
    let fake = Fake::new(zeros(60));
    let mut small = config();
    small.limits = Limits { per_address: 2, login: Duration::from_millis(500), ..small.limits };
    let server = Running::start(&fake, small);
    let mut silent = Client::connect(server.address());
    let mut mining = Client::mining(server.address(), &user(1));
    let mut third = Client::connect(server.address());
    assert_eq!(third.line(), None);
    assert_eq!(silent.line(), None, "never logged in");
    mining.call("mining.extranonce.subscribe", &json!([]));
    assert_eq!(server.handle.counts().connections, 1);
    server.stop();
    while mining.line().is_some() {}
}

#[test]
fn who_does_not_read_is_dropped() {
    let fake = Fake::new(zeros(60));
    let mut hasty = config();
    hasty.limits.write = Duration::from_millis(300);
    (hasty.limits.burst, hasty.limits.lines_per_second) = (10_000_000, 10_000_000);
    let server = Running::start(&fake, hasty);
    let mut client = Client::connect(server.address());
    let line = b"{\"id\":1,\"method\":\"mining.subscribe\",\"params\":[]}\n".repeat(1_000);
    let deadline = Instant::now() + Duration::from_secs(60);
    // Answers fill the buffers of both sides; then it is closed, and writing fails.
    while client.send_raw(&line).is_ok() {
        assert!(Instant::now() < deadline, "never dropped");
    }
    while server.handle.counts().connections > 0 {
        assert!(Instant::now() < deadline, "never gone");
        std::thread::sleep(Duration::from_millis(10));
    }
    server.stop();
}
