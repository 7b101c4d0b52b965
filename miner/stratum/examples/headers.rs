//! A chain of nothing but headers, to try a mining program against without a node:
//!
//! ```text
//! cargo run --release -p blocktree-stratum --example headers -- 127.0.0.1:3333 30
//! ```
//!
//! listens there, with blocks of 30 zero bits (2^30 hashes each), for principals of the dev chain.

use blocktree_primitives::{
    BlockHash, Commitment, CommitmentHash, EventRoot, Header, Height, HistoryRoot, Network,
    Principal, StateRoot,
};
use blocktree_stratum::{Config, Outcome, Solution, Template, Templates, Unavailable, start};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

struct Headers {
    zeros: usize,
    tip: Mutex<BlockHash>,
    height: AtomicU64,
}

fn now() -> u32 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u32::try_from(since.as_secs()).unwrap_or(u32::MAX)
}

impl Headers {
    fn target(&self) -> [u8; 32] {
        let mut target = [0xff; 32];
        for bit in 0..self.zeros.min(255) {
            target[31 - bit / 8] &= !(0x80 >> (bit % 8));
        }
        target
    }
}

impl Templates for Headers {
    fn template(&self, principal: &Principal) -> Result<Template, Unavailable> {
        let tip = self.tip.lock().map_err(|error| Unavailable(error.to_string()))?;
        let header = Header {
            version: 0x2000_0000,
            parent: *tip,
            commitment: CommitmentHash::ZERO,
            time: now(),
            bits: 0x1d00_ffff,
            nonce: 0,
        };
        let commitment = Commitment {
            height: Height(self.generation() + 1),
            miner: *principal,
            event_root: EventRoot::ZERO,
            state_root: StateRoot::ZERO,
            history_root: HistoryRoot::ZERO,
            extra_nonce: [0; 8],
        };
        let (target, body) = (self.target(), Arc::new(()));
        Ok(Template { header, commitment, target, min_time: now() - 600, fees: 0, body })
    }

    fn generation(&self) -> u64 {
        self.height.load(Ordering::SeqCst)
    }

    fn pool_generation(&self) -> u64 {
        0
    }

    fn submit(&self, solution: Solution) -> Outcome {
        let Ok(mut tip) = self.tip.lock() else { return Outcome::Refused("poisoned".into()) };
        let hash = solution.header.hash();
        if solution.header.parent != *tip {
            return Outcome::Stale;
        }
        if solution.header.commitment != solution.commitment.hash()
            || hash.0.iter().rev().gt(self.target().iter().rev())
        {
            return Outcome::Refused("no proof of work".into());
        }
        *tip = hash;
        let height = self.height.fetch_add(1, Ordering::SeqCst) + 1;
        let miner = solution.commitment.miner.to_text(Network::Dev);
        println!("block {height} {hash} pays {miner}");
        Outcome::NewTip
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or("127.0.0.1:3333".to_owned()).parse()?;
    let zeros = arguments.next().unwrap_or("30".to_owned()).parse()?;
    let (tip, height) = (Mutex::new(BlockHash::ZERO), AtomicU64::new(0));
    let runtime = tokio::runtime::Runtime::new()?;
    let config = Config::new(address, Network::Dev);
    let chain = Arc::new(Headers { zeros, tip, height });
    let handle = start(config, chain, runtime.handle())?;
    println!("listening on {}", handle.address());
    loop {
        std::thread::sleep(Duration::from_secs(10));
        println!("{:?}", handle.counts());
    }
}
