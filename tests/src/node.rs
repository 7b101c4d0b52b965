//! Starting, stopping and killing the real binary.

use crate::Rpc;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The binary `blocktree`, as built with these tests.
///
/// # Panics
/// When it is not built.
#[must_use]
pub fn blocktree() -> PathBuf {
    // target/release/deps/e2e-… stands two folders below target/release/blocktree.
    let own = std::env::current_exe().expect("a running test has a path");
    let folder = own.parent().and_then(Path::parent).expect("tests run from target/*/deps");
    let binary = folder.join("blocktree");
    assert!(
        binary.exists(),
        "{} is missing: build it first, by `make build` or `cargo test --workspace`",
        binary.display()
    );
    binary
}

/// Runs `blocktree` with these arguments to its end.
///
/// # Panics
/// When it can't be started.
#[must_use]
pub fn run(args: &[&str]) -> Output {
    Command::new(blocktree()).args(args).output().expect("the binary can be started")
}

/// What a node is started with.
#[derive(Clone, Debug)]
pub struct NodeBuilder {
    data_dir: PathBuf,
    address: String,
    args: Vec<String>,
}

/// A running node. It is killed when this is dropped.
#[derive(Debug)]
pub struct Node {
    child: Child,
    /// The way to its JSON-RPC.
    pub rpc: Rpc,
    /// Its address, such as `127.0.0.1:40000`.
    pub address: String,
}

impl NodeBuilder {
    /// A dev node on this data folder and a free port, not mining by itself.
    ///
    /// # Panics
    /// When no port is free.
    #[must_use]
    pub fn new(data_dir: &Path) -> Self {
        // The port is free now; that another program takes it before the node does is unlikely
        // enough for a test.
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a bound port").to_string();
        Self { data_dir: data_dir.to_owned(), address, args: vec!["--mine=0".into()] }
    }

    /// Further arguments of `blocktree run`, instead of `--mine=0`.
    #[must_use]
    pub fn args(mut self, args: &[&str]) -> Self {
        self.args = args.iter().map(|&arg| arg.to_owned()).collect();
        self
    }

    /// Has it listen for peers on a free port, unless its arguments say where.
    fn free_port(&self) -> &'static [&'static str] {
        match self.args.iter().any(|arg| arg == "--p2p-addr") {
            true => &[],
            false => &["--p2p-addr", "/ip4/127.0.0.1/tcp/0"],
        }
    }

    /// Starts the node and waits until it answers.
    ///
    /// # Panics
    /// When it does not answer within 60 seconds, or ends.
    #[must_use]
    pub fn start(&self) -> Node {
        let mut child = Command::new(blocktree())
            .arg("run")
            .arg("--data-dir")
            .arg(&self.data_dir)
            .args(["--rpc-addr", &self.address, "--log", "warn"])
            .args(self.free_port())
            .args(&self.args)
            .stdout(Stdio::null())
            .spawn()
            .expect("the binary can be started");
        let rpc = Rpc::new(&self.address);
        let start = Instant::now();
        while rpc.try_call("system_health", serde_json::json!([])).is_err() {
            let ended = child.try_wait().expect("a child's state is known");
            assert!(ended.is_none(), "the node ended: {ended:?}");
            assert!(start.elapsed() < Duration::from_secs(60), "the node does not answer");
            std::thread::sleep(Duration::from_millis(10));
        }
        Node { child, rpc, address: self.address.clone() }
    }
}

impl Node {
    /// Kills the node as `kill -9` does, and waits until it is gone.
    ///
    /// # Panics
    /// When it can't be killed.
    pub fn kill(mut self) {
        self.child.kill().expect("a child can be killed");
        self.child.wait().expect("a killed child ends");
    }

    /// Asks the node to stop, as `kill` does, and waits for its end. Returns its exit code.
    ///
    /// # Panics
    /// When it does not stop within 30 seconds.
    pub fn stop(mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        let asked = Command::new("kill").arg(&pid).status().expect("kill can be started");
        assert!(asked.success(), "the node was gone already");
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child's state is known") {
                return status.code();
            }
            assert!(start.elapsed() < Duration::from_secs(30), "the node does not stop");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
