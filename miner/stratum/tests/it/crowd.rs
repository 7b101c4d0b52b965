//! Five hundred connections, fifty of them hostile.
//! `BLOCKTREE_CROWD_SECONDS` makes it longer than the few seconds that it takes by itself.

use crate::client::{Told, request};
use crate::fake::{Fake, user, zeros};
use crate::socket::config;
use blocktree_stratum::start;
use serde_json::json;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::sleep;

const HONEST: usize = 450;
const HOSTILE: usize = 50;
/// Principals that the honest mine for.
const PRINCIPALS: u8 = 40;

async fn connect(address: SocketAddr, from: [u8; 4]) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((from, 0)))?;
    socket.connect(address).await
}

#[derive(Default)]
struct Seen {
    accepted: AtomicU64,
    stale: AtomicU64,
    jobs: AtomicU64,
    slowest: AtomicU64,
    /// When the tip moved last, and how long after each move each miner heard of it.
    moved: Mutex<Option<Instant>>,
    delays: Mutex<Vec<Duration>>,
    over: AtomicBool,
}

impl Seen {
    /// A miner hears a line; a job of a new tip is timed.
    fn hear(&self, told: &mut Told, line: &str) -> Option<serde_json::Value> {
        let before = told.jobs;
        let answer = told.hear(line);
        let is_first = before == 0;
        if told.jobs > before && !is_first && told.job.as_ref().unwrap().is_clean {
            let delay = self.moved.lock().unwrap().unwrap().elapsed();
            self.delays.lock().unwrap().push(delay);
        }
        answer
    }
}

/// Mines as fast as a share in half a second, and takes nothing but good answers.
async fn honest(address: SocketAddr, number: usize, seen: Arc<Seen>) {
    let stream = connect(address, [127, 0, 0, 1]).await.unwrap();
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    let name = user(u8::try_from(number % usize::from(PRINCIPALS)).unwrap() + 1);
    let mut told = Told::default();
    let mut accepted = 0;
    let mut from = 0;
    let calls = [("mining.subscribe", json!([])), ("mining.authorize", json!([name, ""]))];
    for (method, params) in calls {
        writer.write_all(request(1, method, &params).as_bytes()).await.unwrap();
        let answer = loop {
            let line = lines.next_line().await.unwrap().expect("an honest miner was dropped");
            if let Some(answer) = seen.hear(&mut told, &line) {
                break answer;
            }
        };
        match method {
            "mining.subscribe" => told.take_subscription(&answer),
            _ => assert_eq!(answer["result"], true),
        }
    }
    while !seen.over.load(Ordering::Relaxed) {
        while let Ok(line) =
            tokio::time::timeout(Duration::from_millis(500), lines.next_line()).await
        {
            let line = line.unwrap().expect("an honest miner was dropped");
            assert_eq!(seen.hear(&mut told, &line), None);
        }
        let Some(job) = told.job.clone() else { continue };
        let nonce = job.share(&told.extranonce([0; 4]), from);
        from = nonce + 1;
        let params = json!([name, job.id, "00000000", job.time, format!("{nonce:08x}")]);
        let asked = Instant::now();
        writer.write_all(request(1, "mining.submit", &params).as_bytes()).await.unwrap();
        let answer = loop {
            let line = lines.next_line().await.unwrap().expect("an honest miner was dropped");
            if let Some(answer) = seen.hear(&mut told, &line) {
                break answer;
            }
        };
        let took = u64::try_from(asked.elapsed().as_millis()).unwrap();
        seen.slowest.fetch_max(took, Ordering::Relaxed);
        match answer["error"][0].as_u64() {
            None => accepted += 1,
            Some(21) => _ = seen.stale.fetch_add(1, Ordering::Relaxed),
            Some(_) => panic!("an honest share was refused: {answer}"),
        }
    }
    assert!(accepted > 0, "honest miner {number} got nothing done");
    seen.accepted.fetch_add(accepted, Ordering::Relaxed);
    seen.jobs.fetch_add(u64::try_from(told.jobs).unwrap(), Ordering::Relaxed);
}

/// Comes back again and again with one of six kinds of malice.
async fn hostile(address: SocketAddr, number: usize, seen: Arc<Seen>) {
    // Those of one kind share an address, so that a ban hits no other kind.
    let from = [127, 0, 1, u8::try_from(number % 6).unwrap() + 1];
    while !seen.over.load(Ordering::Relaxed) {
        if let Ok(stream) = connect(address, from).await {
            let work = attack(stream, number, &seen);
            // What it comes to is the server's business; it only has to end.
            let _ = tokio::time::timeout(Duration::from_secs(2), work).await;
        }
        sleep(Duration::from_millis(20)).await;
    }
}

async fn attack(mut stream: TcpStream, number: usize, seen: &Seen) -> std::io::Result<()> {
    let login = [
        request(1, "mining.subscribe", &json!([])),
        request(2, "mining.authorize", &json!([user(u8::try_from(100 + number).unwrap()), ""])),
    ]
    .concat();
    let submit = |n: u32| {
        let share = json!([user(1), "1", "00000000", "6553f100", format!("{n:08x}")]);
        request(3, "mining.submit", &share)
    };
    match number % 6 {
        // A line without an end.
        0 => loop {
            stream.write_all(&[b'['; 4_096]).await?;
        },
        // Noise.
        1 => loop {
            stream.write_all(b"\x00\xff{]}\n{\"id\":{}}\n").await?;
        },
        // Shares that are none, as fast as it goes, answers never read.
        2 => {
            stream.write_all(login.as_bytes()).await?;
            for n in 0.. {
                stream.write_all(submit(n).as_bytes()).await?;
            }
            Ok(())
        }
        // Says nothing, holds the connection.
        3 => {
            let mut byte = [0];
            stream.read_exact(&mut byte).await.map(|_| ())
        }
        // Byte by byte.
        4 => {
            for byte in login.bytes().cycle() {
                stream.write_all(&[byte]).await?;
                sleep(Duration::from_millis(5)).await;
                if seen.over.load(Ordering::Relaxed) {
                    break;
                }
            }
            Ok(())
        }
        // Comes and goes with a new principal each time, to make the node work.
        _ => {
            stream.write_all(login.as_bytes()).await?;
            let mut some = [0; 100];
            stream.read(&mut some).await.map(|_| ())
        }
    }
}

#[test]
fn five_hundred_miners_of_whom_fifty_are_hostile() {
    let seconds = std::env::var("BLOCKTREE_CROWD_SECONDS").ok().and_then(|text| text.parse().ok());
    let duration = Duration::from_secs(seconds.unwrap_or(5));
    let fake = Fake::new(zeros(60));
    let mut config = config();
    config.share_every = Duration::from_millis(500);
    config.limits.per_address = HONEST;
    config.limits.opens_per_second = 20;
    config.limits.write = Duration::from_secs(2);
    // So short that the banned come back and go on.
    config.limits.ban = Duration::from_millis(1_500);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let handle = start(config, fake.clone(), runtime.handle()).unwrap();
    let address = handle.address();
    let seen = Arc::new(Seen::default());
    runtime.block_on(async {
        let honest: Vec<_> =
            (0..HONEST).map(|n| tokio::spawn(honest(address, n, Arc::clone(&seen)))).collect();
        let hostile: Vec<_> =
            (0..HOSTILE).map(|n| tokio::spawn(hostile(address, n, Arc::clone(&seen)))).collect();
        let end = Instant::now() + duration;
        let (mut tips, mut banned) = (0, 0);
        while Instant::now() < end {
            sleep(Duration::from_secs(1)).await;
            *seen.moved.lock().unwrap() = Some(Instant::now());
            fake.move_tip();
            tips += 1;
            banned += handle.counts().banned;
        }
        let counts = handle.counts();
        assert!(counts.connections >= HONEST, "{counts:?}");
        assert!(banned > 0, "nobody was ever banned");
        assert!(counts.denied > 0, "{counts:?}");
        seen.over.store(true, Ordering::Relaxed);
        for miner in honest {
            miner.await.unwrap();
        }
        for miner in hostile {
            miner.await.unwrap();
        }
        let accepted = seen.accepted.load(Ordering::Relaxed);
        let jobs = seen.jobs.load(Ordering::Relaxed);
        let honest = u64::try_from(HONEST).unwrap();
        assert!(jobs >= honest * tips, "{jobs} jobs for {honest} miners and {tips} tips");
        let mut delays = std::mem::take(&mut *seen.delays.lock().unwrap());
        delays.sort_unstable();
        let (median, p99) = (delays[delays.len() / 2], delays[delays.len() * 99 / 100]);
        println!("from a new tip to a miner's job: median {median:?}, p99 {p99:?}");
        println!(
            "{accepted} shares accepted, {} stale, slowest answer {} ms, {counts:?}",
            seen.stale.load(Ordering::Relaxed),
            seen.slowest.load(Ordering::Relaxed),
        );
        handle.stop().await;
    });
}
