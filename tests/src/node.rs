//! Starting, stopping and killing the real binary.

use crate::{Half, Halves, Rpc};
use std::fs::OpenOptions;
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
    /// Further arguments, beside those.
    more: Vec<String>,
    namespace: Option<String>,
    log: Option<PathBuf>,
}

/// A running node. It is killed when this is dropped.
#[derive(Debug)]
pub struct Node {
    child: Child,
    /// The way to its JSON-RPC.
    pub rpc: Rpc,
    /// Its address, such as `127.0.0.1:40000`.
    pub address: String,
    data_dir: PathBuf,
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
        Self {
            data_dir: data_dir.to_owned(),
            address,
            args: vec!["--mine=0".into()],
            more: Vec::new(),
            namespace: None,
            log: None,
        }
    }

    /// Further arguments of `blocktree run`, instead of `--mine=0`.
    #[must_use]
    pub fn args(mut self, args: &[&str]) -> Self {
        self.args = args.iter().map(|&arg| arg.to_owned()).collect();
        self
    }

    /// Adds a flag with its value to whatever else it is started with.
    #[must_use]
    pub fn flag(mut self, name: &str, value: &str) -> Self {
        self.more.extend([name.to_owned(), value.to_owned()]);
        self
    }

    /// Appends what it logs, from `info` on, to this file.
    #[must_use]
    pub fn log(mut self, path: &Path) -> Self {
        self.log = Some(path.to_owned());
        self
    }

    /// Runs it in one of two halves of a network. JSON-RPC is answered to the host.
    #[must_use]
    pub fn within(mut self, halves: &Halves, half: Half) -> Self {
        let port = self.address.rsplit(':').next().unwrap_or_default().to_owned();
        self.address = format!("{}:{port}", halves.door(half));
        self.namespace = Some(halves.namespace(half));
        self.more.push("--rpc-unsafe-external".into());
        self.flag("--p2p-addr", &format!("/ip4/{}/tcp/0", halves.inside(half)))
    }

    /// The program: the binary, or what starts it in a namespace, in whose place it then runs.
    fn command(&self) -> Command {
        match &self.namespace {
            None => Command::new(blocktree()),
            Some(namespace) => {
                let mut command = Command::new("ip");
                command.args(["netns", "exec", namespace]).arg(blocktree());
                command
            }
        }
    }

    fn stderr(&self) -> Stdio {
        match &self.log {
            None => Stdio::inherit(),
            Some(path) => {
                let file = OpenOptions::new().create(true).append(true).open(path);
                file.expect("a log file can be opened").into()
            }
        }
    }

    /// Has it listen for peers on a free port, unless its arguments say where.
    fn free_port(&self) -> &'static [&'static str] {
        match self.args.iter().chain(&self.more).any(|arg| arg == "--p2p-addr") {
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
        let level = if self.log.is_some() { "info" } else { "warn" };
        let mut child = self
            .command()
            .arg("run")
            .arg("--data-dir")
            .arg(&self.data_dir)
            .args(["--rpc-addr", &self.address, "--log", level])
            .args(self.free_port())
            .args(&self.args)
            .args(&self.more)
            .stdout(Stdio::null())
            .stderr(self.stderr())
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
        Node { child, rpc, address: self.address.clone(), data_dir: self.data_dir.clone() }
    }
}

impl Node {
    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Calls an `admin_*` method, which must succeed, with the token of the data folder.
    ///
    /// # Panics
    /// When it does not.
    pub fn admin(&self, method: &str, mut params: serde_json::Value) {
        let token = std::fs::read_to_string(self.data_dir.join("rpc-token")).expect("a token");
        params["token"] = token.trim().into();
        assert_eq!(self.rpc.call(method, params), true);
    }

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
