//! A chain of nothing but headers, which checks solutions byte by byte with sha2.

use crate::client::sha256d;
use blocktree_primitives::{
    BlockHash, Commitment, CommitmentHash, EventRoot, Header, Height, HistoryRoot, Network,
    Principal, StateRoot,
};
use blocktree_stratum::{Outcome, Solution, Template, Templates, Unavailable};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

pub const TIME: u32 = 1_700_000_000;

pub fn user(n: u8) -> String {
    Principal([n; 32]).to_text(Network::Dev)
}

pub struct Fake {
    /// Little-endian.
    target: [u8; 32],
    generation: AtomicU64,
    pool: AtomicU64,
    /// The blocks that were found: header and commitment, as bytes.
    blocks: Mutex<Vec<([u8; 80], [u8; 144])>>,
    tip: Mutex<[u8; 32]>,
}

/// `2^256 >> zeros`, less one: a hash has so many zero bits.
pub fn zeros(zeros: usize) -> [u8; 32] {
    let mut target = [0xff; 32];
    for bit in 0..zeros {
        target[31 - bit / 8] &= !(0x80 >> (bit % 8));
    }
    target
}

impl Fake {
    pub fn new(target: [u8; 32]) -> Arc<Self> {
        Arc::new(Self {
            target,
            generation: AtomicU64::new(1),
            pool: AtomicU64::new(0),
            blocks: Mutex::default(),
            tip: Mutex::new([0xab; 32]),
        })
    }

    /// As if somebody else had found a block.
    pub fn move_tip(&self) {
        let mut tip = self.tip.lock().unwrap();
        *tip = sha256d(&*tip);
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    /// As if an event had come.
    pub fn add_fees(&self) {
        self.pool.fetch_add(1, Ordering::SeqCst);
    }

    pub fn blocks(&self) -> Vec<([u8; 80], [u8; 144])> {
        self.blocks.lock().unwrap().clone()
    }
}

/// The template for `principal` on `tip`; every field is recognisable.
pub fn template(principal: Principal, tip: [u8; 32], target: [u8; 32], fees: u64) -> Template {
    let header = Header {
        version: 0x2000_0000,
        parent: BlockHash(tip),
        commitment: CommitmentHash::ZERO,
        time: TIME,
        bits: 0x1d00_ffff,
        nonce: 0,
    };
    let commitment = Commitment {
        height: Height(7),
        miner: principal,
        event_root: EventRoot([3; 32]),
        state_root: StateRoot([4; 32]),
        history_root: HistoryRoot([5; 32]),
        extra_nonce: [0; 8],
    };
    Template { header, commitment, target, min_time: TIME - 10, fees, body: Arc::new(tip) }
}

impl Templates for Fake {
    fn template(&self, principal: &Principal) -> Result<Template, Unavailable> {
        let tip = *self.tip.lock().unwrap();
        Ok(template(*principal, tip, self.target, self.pool.load(Ordering::SeqCst)))
    }

    fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    fn pool_generation(&self) -> u64 {
        self.pool.load(Ordering::SeqCst)
    }

    fn submit(&self, solution: Solution) -> Outcome {
        let Solution { template, header, commitment } = solution;
        let mut tip = self.tip.lock().unwrap();
        assert_eq!(template.body.downcast_ref::<[u8; 32]>(), Some(&*tip));
        // The 144 bytes by hand (docs/protocol.md §3.2).
        let mut bytes = 7_u64.to_le_bytes().to_vec();
        for part in [template.commitment.miner.0, [3; 32], [4; 32], [5; 32]] {
            bytes.extend(part);
        }
        bytes.extend(commitment.extra_nonce);
        let commitment_hash = sha256d(&bytes);
        // And the 80.
        let mut raw = header.version.to_le_bytes().to_vec();
        raw.extend(*tip);
        raw.extend(commitment_hash);
        raw.extend(header.time.to_le_bytes());
        raw.extend(0x1d00_ffff_u32.to_le_bytes());
        raw.extend(header.nonce.to_le_bytes());
        let hash = sha256d(&raw);
        if hash.iter().rev().gt(self.target.iter().rev()) {
            return Outcome::Refused("no proof of work".to_owned());
        }
        *tip = hash;
        let block = (raw.try_into().unwrap(), bytes.try_into().unwrap());
        self.blocks.lock().unwrap().push(block);
        self.generation.fetch_add(1, Ordering::SeqCst);
        Outcome::NewTip
    }
}
