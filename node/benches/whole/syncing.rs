//! One node takes a chain from another over loopback, and both are looked at from outside.

use crate::binary::{BINARY, ask, cpu, free_port, peak};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A sync from the start of the new node's process until it tells the other's tip.
pub(crate) struct Synced {
    pub(crate) wall: Duration,
    /// Processor time of the node that syncs, its start included.
    pub(crate) cpu: Duration,
    /// Processor time that the sync cost the node that serves.
    pub(crate) server_cpu: Duration,
    /// Most bytes resident of the node that syncs.
    pub(crate) bytes: u64,
    /// Bytes that came in over its connections with peers, acknowledged by TCP; `None` without `ss`.
    pub(crate) received: Option<u64>,
}

/// A node that is killed when this goes.
struct Running {
    child: Child,
    rpc: u16,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    fn start(spec: &Path, data: &Path, more: &[&str]) -> Self {
        let rpc = free_port();
        let child = Command::new(BINARY)
            .args(["run", "--mine=0", "--log", "warn", "--rpc-addr", &format!("127.0.0.1:{rpc}")])
            .args(["--p2p-addr", "/ip4/127.0.0.1/tcp/0", "--chain"])
            .arg(spec)
            .arg("--data-dir")
            .arg(data)
            .args(more)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, rpc }
    }

    /// Waits for an answer that is as wanted.
    fn until<T>(&mut self, method: &str, wanted: impl Fn(&str) -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            if let Some(found) = ask(self.rpc, method).as_deref().and_then(&wanted) {
                return found;
            }
            assert!(self.child.try_wait().unwrap().is_none(), "the node ended");
            assert!(start.elapsed() < Duration::from_secs(1200), "the node does not get there");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// The text between two others.
fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    text.split_once(before)?.1.split_once(after).map(|(found, _)| found)
}

/// Bytes that came in over connections to this port of loopback, as the kernel counts them.
fn received(port: &str) -> Option<u64> {
    let filter = format!("dport = :{port}");
    let output = Command::new("ss").args(["-tinH", &filter]).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let counts = text.split("bytes_received:").skip(1);
    Some(counts.filter_map(|rest| rest.split_whitespace().next()?.parse::<u64>().ok()).sum())
}

/// Has a new node in `data` sync with one that has the chain in `made`.
pub(crate) fn sync(spec: &Path, made: &Path, data: &Path) -> Synced {
    let mut server = Running::start(spec, made, &[]);
    let hash = |answer: &str| between(answer, "\"hash\":\"", "\"").map(str::to_owned);
    let tip = server.until("chain_getTip", hash);
    let address = server.until("system_localListenAddresses", |answer| {
        between(answer, "[\"", "\"").map(str::to_owned)
    });
    let server_before = cpu(&server.child).unwrap();
    let start = Instant::now();
    let mut node = Running::start(spec, data, &["--bootnode", &address]);
    node.until("chain_getTip", |answer| (hash(answer)? == tip).then_some(()));
    let wall = start.elapsed();
    Synced {
        wall,
        cpu: cpu(&node.child).unwrap(),
        server_cpu: cpu(&server.child).unwrap().saturating_sub(server_before),
        bytes: peak(&node.child).unwrap(),
        received: between(&address, "/tcp/", "/").and_then(received),
    }
}
