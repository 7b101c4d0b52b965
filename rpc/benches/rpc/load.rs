//! Load on the server's process, and what it costs.

use crate::client::Transport;
use crate::{CONNECTIONS, world};
use blocktree_primitives::BlockHash;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What a number of calls took.
pub(crate) struct Spent {
    calls: f64,
    wall: f64,
    /// Of the server's process, all threads together.
    processor: f64,
}

impl Spent {
    pub(crate) fn per_second(&self) -> f64 {
        self.calls / self.wall
    }

    pub(crate) fn per_processor_second(&self) -> f64 {
        self.calls / self.processor
    }
}

pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The server's process; it ends when this is dropped.
pub(crate) struct Served {
    child: Child,
    pub(crate) node: SocketAddr,
    pub(crate) plain: SocketAddr,
    pub(crate) genesis: BlockHash,
    pub(crate) names: Vec<String>,
}

impl Served {
    pub(crate) fn start() -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .arg("serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        let names = world::principals().iter().map(world::text).collect();
        Self {
            child,
            node: words[0].parse().unwrap(),
            plain: words[1].parse().unwrap(),
            genesis: words[2].parse().unwrap(),
            names,
        }
    }

    /// Seconds that the server's process has been running.
    fn processor(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        // After the name in brackets: field 14 and 15 of proc(5) are ticks of 10 ms.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        fields[11..13].iter().map(|field| field.parse::<f64>().unwrap()).sum::<f64>() / 100.0
    }

    /// Makes `count` calls, `burst` at a time on each connection, and waits for all answers. One thread
    /// of the clients writes to all its connections before it reads from them.
    pub(crate) fn load<T: Transport>(
        &self,
        addr: SocketAddr,
        calls: &[String],
        count: usize,
        burst: usize,
    ) -> Spent {
        let calls: Vec<Vec<u8>> = calls.iter().map(|call| T::frame(addr, call)).collect();
        let mut connections: Vec<T> = (0..CONNECTIONS).map(|_| T::connect(addr)).collect();
        let (calls, threads) = (&calls, 2);
        let (start, before) = (Instant::now(), self.processor());
        std::thread::scope(|scope| {
            let groups = connections.chunks_mut(CONNECTIONS / threads);
            for (thread, connections) in groups.enumerate() {
                let (from, to) = (thread * count / threads, (thread + 1) * count / threads);
                scope.spawn(move || {
                    let mut next = from;
                    let mut under_way = vec![0; connections.len()];
                    while next < to {
                        for (connection, sent) in connections.iter_mut().zip(&mut under_way) {
                            *sent = burst.min(to - next);
                            let frames = (next..next + *sent).map(|i| &*calls[i % calls.len()]);
                            let bytes = frames.collect::<Vec<&[u8]>>().concat();
                            if *sent > 0 {
                                connection.send(&bytes);
                            }
                            next += *sent;
                        }
                        for (connection, sent) in connections.iter_mut().zip(&under_way) {
                            (0..*sent).for_each(|_| connection.receive());
                        }
                    }
                });
            }
        });
        let wall = start.elapsed().as_secs_f64();
        Spent { calls: count as f64, wall, processor: self.processor() - before }
    }

    /// How many events the pool holds.
    pub(crate) fn waiting_events(&self) -> u64 {
        let client = format!("http://{}", self.node);
        let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let info: serde_json::Value = tokio.block_on(async {
            let client = blocktree_rpc::Client::connect(&client).await.unwrap();
            client.call("mempool_info", serde_json::json!([])).await.unwrap()
        });
        info["events"].as_u64().unwrap_or_else(|| panic!("{info}"))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let start = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            assert!(start.elapsed() < Duration::from_secs(30), "the server does not stop");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
