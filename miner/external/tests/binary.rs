//! The program as a process, against the Stratum server of the node.

#![allow(clippy::unwrap_used)]

use blocktree_primitives::{
    BlockHash, Commitment, CommitmentHash, EventRoot, Header, Height, HistoryRoot, Network,
    Principal, StateRoot,
};
use blocktree_stratum::{
    Config, Difficulty, Handle, Outcome, Solution, Template, Templates, Unavailable, start,
};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

const PATIENCE: Duration = Duration::from_secs(60);
const MINER: Principal = Principal([7; 32]);

/// Headers on headers; a block is one hash in 2^20.
struct Headers {
    tip: Mutex<BlockHash>,
    height: AtomicU64,
}

impl Templates for Headers {
    fn template(&self, principal: &Principal) -> Result<Template, Unavailable> {
        let header = Header {
            version: 0x2000_0000,
            parent: *self.tip.lock().unwrap(),
            commitment: CommitmentHash::ZERO,
            time: 1_700_000_000,
            bits: 0x1d00_ffff,
            nonce: 0,
        };
        let commitment = Commitment {
            height: Height(1),
            miner: *principal,
            event_root: EventRoot([1; 32]),
            state_root: StateRoot([2; 32]),
            history_root: HistoryRoot([3; 32]),
            extra_nonce: [0; 8],
        };
        let mut target = [0xff; 32];
        target[29..].copy_from_slice(&[0x0f, 0, 0]);
        let (min_time, body) = (header.time, Arc::new(()));
        Ok(Template { header, commitment, target, min_time, fees: 0, body })
    }
    fn generation(&self) -> u64 {
        self.height.load(Ordering::SeqCst)
    }
    fn pool_generation(&self) -> u64 {
        0
    }
    fn submit(&self, solution: Solution) -> Outcome {
        let hash = solution.header.hash();
        assert_eq!(solution.header.commitment, solution.commitment.hash());
        assert_eq!(hash.0[30..], [0, 0]);
        assert!(hash.0[29] < 0x10);
        assert_eq!(solution.commitment.miner, MINER);
        *self.tip.lock().unwrap() = hash;
        self.height.fetch_add(1, Ordering::SeqCst);
        Outcome::NewTip
    }
}

struct Node {
    chain: Arc<Headers>,
    handle: Option<Handle>,
    runtime: Runtime,
}

impl Node {
    fn start() -> Self {
        let chain = Headers { tip: Mutex::new(BlockHash::ZERO), height: AtomicU64::new(0) };
        let chain = Arc::new(chain);
        let runtime = Runtime::new().unwrap();
        let mut config = Config::new(SocketAddr::from(([127, 0, 0, 1], 0)), Network::Dev);
        (config.start, config.floor) = (Difficulty::power(-14), Difficulty::power(-14));
        let handle = Some(start(config, chain.clone(), runtime.handle()).unwrap());
        Self { chain, handle, runtime }
    }

    fn address(&self) -> String {
        self.handle.as_ref().unwrap().address().to_string()
    }

    fn wait_for(&self, blocks: u64) {
        let deadline = Instant::now() + PATIENCE;
        while self.chain.generation() < blocks {
            assert!(Instant::now() < deadline, "no block {blocks}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn stop(&mut self) {
        self.runtime.block_on(self.handle.take().unwrap().stop());
    }
}

fn miner(arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_blocktree-miner"))
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// As Ctrl-C and service managers end it.
fn terminate(child: Child) -> Output {
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn mines_blocks_and_stops_when_told() {
    let node = Node::start();
    let coinbase = MINER.to_text(Network::Dev);
    let address = format!("stratum+tcp://{}", node.address());
    let child =
        miner(&["--node", &address, "--coinbase", &coinbase, "--worker", "w", "--threads", "1"]);
    node.wait_for(3);
    let output = terminate(child);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let last = text(&output.stdout).lines().last().unwrap().to_owned();
    assert!(last.contains(" MH/s  accepted ") && last.ends_with("rejected 0"), "{last}");
    let counts = node.handle.as_ref().unwrap().counts();
    assert!(counts.blocks >= 3 && counts.rejected == 0, "{counts:?}");
}

#[test]
fn goes_over_to_another_node() {
    // Nobody listens on the first port any more.
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let (mut first, second) = (Node::start(), Node::start());
    let coinbase = MINER.to_text(Network::Dev);
    let [one, two] = [first.address(), second.address()];
    let nodes = ["--node", &closed, "--node", &one, "--node", &two];
    let child = miner(&[&nodes[..], &["--coinbase", &coinbase, "--threads", "1"]].concat());
    first.wait_for(1);
    assert_eq!(second.chain.generation(), 0);
    first.stop();
    second.wait_for(1);
    let output = terminate(child);
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[test]
fn mines_on_when_nobody_reads_what_it_says() {
    let node = Node::start();
    let (address, coinbase) = (node.address(), MINER.to_text(Network::Dev));
    let arguments =
        ["--node", &address, "--coinbase", &coinbase, "--threads", "1", "--report", "1"];
    let mut child = miner(&arguments);
    drop((child.stdout.take(), child.stderr.take()));
    std::thread::sleep(Duration::from_millis(1_500));
    node.wait_for(node.chain.generation() + 2);
    assert!(terminate(child).status.success());
}

#[test]
fn gives_up_when_no_node_mines_for_the_user() {
    let node = Node::start();
    let output = miner(&["--node", &node.address(), "--coinbase", "nobody", "--threads", "1"])
        .wait_with_output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(said.contains("unauthorized: not a principal"), "{said}");
    let wrong = miner(&["--coinbase", "nobody"]).wait_with_output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
}
