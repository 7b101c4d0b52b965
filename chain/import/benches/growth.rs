//! What a transfer costs as the state grows: blocks of transfers on a state of 10,000 principals and on
//! a large one, block by block in turns, over RocksDB.
//!
//! `cargo bench -p blocktree-import --bench growth`; the large state has 1,000,000 principals,
//! `BLOCKTREE_BENCH_LARGE` says otherwise; with `BLOCKTREE_BENCH_FOLD=1` only the fold is measured, because
//! the state map of 10,000,000 principals takes long to make. Every signer of the large state signs once and every receiver
//! is any of all, so that hardly a lookup meets what another one left in a cache.
//!
//! The fold is timed alone, then with the state root and the commit. Signatures are checked
//! before, their cost does not depend on the state.
// It prints a table and fails by panicking.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::float_arithmetic,
    clippy::cast_precision_loss
)]

use blocktree_chainspec::ChainSpec;
use blocktree_consensus::{
    BlockContext, BlockExecutor, CheckedEvent, EncodedEvent, check_event, genesis_state,
};
use blocktree_primitives::{Amount, BlockHash, Height, Principal, SecretKey};
use blocktree_runtime::{BlocktreeRuntime, Call, Event};
use blocktree_state::auth::{AuthMap, Inline, Limits};
use blocktree_state::{Batch, Column, Durability, Ledger, MemoryLedger, Overlay, StateView};
use blocktree_store::{Identity, Store};
use pallet_coin::Account;
use pallet_coin::account::PRINCIPALS;
use rayon::prelude::*;
use std::time::{Duration, Instant};

const SMALL: usize = 10_000;
const PER_BLOCK: usize = 5_000;
const BLOCKS: usize = 11;
/// Principals of one write while the state is made.
const AT_ONCE: usize = 100_000;
const GENESIS: BlockHash = BlockHash([9; 32]);

fn number(name: &str, usual: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }
}

/// A principal of whom nobody has the key, spread as hashes are.
fn keyless(index: usize) -> Principal {
    let mut random = Random(index as u64);
    let mut bytes = [0; 32];
    bytes.chunks_mut(8).for_each(|chunk| chunk.copy_from_slice(&random.next().to_be_bytes()));
    Principal(bytes)
}

/// A state over RocksDB, and blocks of transfers for it.
struct World {
    principals: usize,
    runtime: BlocktreeRuntime,
    store: Store,
    /// None if only the fold is measured.
    map: Option<AuthMap>,
    blocks: Vec<Vec<CheckedEvent<Call>>>,
    times: [Vec<Duration>; 3],
    _folder: tempfile::TempDir,
}

impl World {
    fn new(principals: usize, with_map: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let identity = Identity { genesis: GENESIS, chain_name: "bench".into() };
        let store = Store::open(folder.path(), &identity).unwrap();
        let runtime = BlocktreeRuntime::new(ChainSpec::dev().runtime_params().unwrap()).unwrap();
        let mut batch = Batch::new();
        genesis_state(&runtime).unwrap().write_to(&mut batch);
        store.write(batch, Durability::Process).unwrap();

        let signers = principals.min(BLOCKS * PER_BLOCK);
        let secret = |index: usize| {
            let mut bytes = [1; 32];
            bytes[..8].copy_from_slice(&(index as u64).to_le_bytes());
            SecretKey::from_bytes(bytes).unwrap()
        };
        let secrets: Vec<SecretKey> = (0..signers).into_par_iter().map(secret).collect();
        let names: Vec<Principal> =
            secrets.par_iter().map(|secret| Principal::of(&secret.public_key())).collect();
        let name = |index: usize| names.get(index).copied().unwrap_or_else(|| keyless(index));
        let nothing = MemoryLedger::new();
        for from in (0..principals).step_by(AT_ONCE) {
            let base = StateView(&nothing);
            let mut overlay = Overlay::new(&base);
            for index in from..principals.min(from + AT_ONCE) {
                let free = Amount::parse_coins("100").unwrap();
                let account = Account { free, ..Account::default() };
                PRINCIPALS.put(&mut overlay, &name(index), &account).unwrap();
            }
            let mut batch = Batch::new();
            overlay.into_delta().write_to(&mut batch);
            store.write(batch, Durability::Process).unwrap();
        }
        if with_map {
            AuthMap::rebuild(&store, Limits::default()).unwrap();
        }
        store.compact().unwrap();
        let map = with_map.then(|| AuthMap::open(&store, Limits::default()).unwrap());

        let mut random = Random(7);
        let to: Vec<Principal> =
            (0..BLOCKS * PER_BLOCK).map(|_| name(random.below(principals))).collect();
        let transfer = |index: usize| {
            let (from, nonce) = (index % signers, index / signers);
            let amount = Amount::from_units(100_000);
            let call = Call::Coin(pallet_coin::Call::Transfer { to: to[index], amount });
            let fee = Amount::from_units(1000);
            let event = Event::signed(&secrets[from], &GENESIS, nonce as u64, fee, None, call);
            check_event(&runtime, &GENESIS, EncodedEvent::from(event)).unwrap()
        };
        let block = |block| {
            let indexes = block * PER_BLOCK..(block + 1) * PER_BLOCK;
            indexes.into_par_iter().map(transfer).collect()
        };
        let blocks = (0..BLOCKS).map(block).collect();
        let times = Default::default();
        Self { principals, runtime, store, map, blocks, times, _folder: folder }
    }

    /// Folds a block and commits it.
    fn step(&mut self, block: usize) {
        let context = BlockContext {
            height: Height(block as u64 + 1),
            parent: BlockHash([8; 32]),
            parent_median_time: 0,
            genesis: GENESIS,
        };
        let snapshot = self.store.snapshot();
        let state = StateView(&*snapshot);
        let start = Instant::now();
        let mut executor = BlockExecutor::new(&self.runtime, &state, context).unwrap();
        for event in &self.blocks[block] {
            executor.apply(event).unwrap_or_else(|error| panic!("{error:?}"));
        }
        let executed = executor.finish(&Principal([1; 32])).unwrap();
        let folded = start.elapsed();
        let map = self.map.as_ref();
        let staged = map.map(|map| map.stage(&*snapshot, &executed.delta, &Inline).unwrap());
        let rooted = start.elapsed();
        let mut batch = Batch::new();
        executed.delta.write_to(&mut batch);
        batch.put(Column::Undo, (block as u64).to_be_bytes(), executed.delta.undo_record());
        if let Some(map) = &self.map {
            map.journal(&executed.delta, &mut batch);
        }
        self.store.write(batch, Durability::Process).unwrap();
        if let (Some(map), Some(staged)) = (&mut self.map, staged) {
            map.commit(staged).unwrap();
            if map.checkpoint_due() {
                map.checkpoint(&self.store).unwrap();
            }
        }
        let all = start.elapsed();
        for (times, time) in self.times.iter_mut().zip([folded, rooted - folded, all]) {
            times.push(time);
        }
    }

    /// Median microseconds a transfer: the fold, the state root, and all with the commit.
    fn medians(&mut self) -> [f64; 3] {
        self.times.each_mut().map(|times| {
            times.sort_unstable();
            times[times.len() / 2].as_secs_f64() * 1e6 / PER_BLOCK as f64
        })
    }
}

fn main() {
    let large = number("BLOCKTREE_BENCH_LARGE", 1_000_000);
    let start = Instant::now();
    let with_map = number("BLOCKTREE_BENCH_FOLD", 0) == 0;
    let (mut small, mut large) = (World::new(SMALL, with_map), World::new(large, with_map));
    println!("both states made in {:.0} s", start.elapsed().as_secs_f64());
    for block in 0..BLOCKS {
        small.step(block);
        large.step(block);
    }
    let (few, many) = (small.medians(), large.medians());
    println!(
        "{:<34} {:>14} {:>14} {:>8}",
        "principals", small.principals, large.principals, "ratio"
    );
    let rows = ["fold", "state root", "fold, root and commit"];
    let shown = if with_map { 3 } else { 1 };
    for ((what, few), many) in rows.iter().zip(few).zip(many).take(shown) {
        println!("{what:<34} {few:>11.2} µs {many:>11.2} µs {:>8.2}", many / few);
    }
}
