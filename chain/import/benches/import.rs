//! A full import from genesis into a data folder on disk, beside the least that it could take: the
//! raw verification of every signature on all cores, in the same run.
//!
//! `cargo bench -p blocktree-import` imports 20,000 transfers between 10,000 principals;
//! `BLOCKTREE_BENCH_TRANSFERS` and `BLOCKTREE_BENCH_PRINCIPALS` say otherwise, and
//! `BLOCKTREE_BENCH_ROUNDS` how often (3). Beside the time on the wall stands that of the
//! processor, which other programs on the machine disturb less.
// It prints a table and fails by panicking.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::float_arithmetic,
    clippy::cast_precision_loss
)]

use blocktree_chainspec::ChainSpec;
use blocktree_consensus::history::{Leaf, Peaks};
use blocktree_consensus::{
    BlockContext, BlockExecutor, Body, BoundBlock, Candidate, CheckedHeader, EncodedEvent,
    HeaderContext, Params, Target, WorkedHeader, check_event, genesis_block, genesis_state,
};
use blocktree_import::attached::Detached;
use blocktree_import::{Config, Importer};
use blocktree_primitives::{
    Amount, BlockHash, Commitment, EventId, Height, HistoryRoot, Principal, SecretKey,
};
use blocktree_runtime::{BlocktreeRuntime, Call, Event};
use blocktree_state::auth::{AuthMap, Limits};
use blocktree_state::{Delta, Fault, Ledger, MemoryLedger, View, Visit};
use blocktree_store::{Identity, Store};
use parity_scale_codec::Encode;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

const PER_BLOCK: usize = 5_000;
const NOW: u32 = 1_893_456_000;

fn number(name: &str, usual: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// Seconds on the wall and on the processor.
#[derive(Clone, Copy)]
struct Spent {
    wall: f64,
    processor: f64,
}

/// Seconds that this process has been running, all threads together.
fn processor() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    // After the name in brackets: field 14 and 15 of proc(5) are ticks of 10 ms.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: f64 = fields[11..13].iter().map(|field| field.parse::<f64>().unwrap()).sum();
    ticks / 100.0
}

fn time<T>(work: impl FnOnce() -> T) -> (T, Spent) {
    let (start, before) = (Instant::now(), processor());
    let done = work();
    let wall = start.elapsed().as_secs_f64();
    (done, Spent { wall, processor: processor() - before })
}

struct Plain(BTreeMap<Vec<u8>, Vec<u8>>);

impl Plain {
    fn apply(&mut self, delta: &Delta) {
        for (key, change) in delta.iter() {
            match &change.new {
                Some(value) => self.0.insert(key.to_vec(), value.clone()),
                None => self.0.remove(key),
            };
        }
    }
}

impl View for Plain {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        Ok(self.0.get(key).cloned())
    }
    fn scan(&self, from: &[u8], visit: Visit<'_>) -> Result<(), Fault> {
        for (key, value) in self.0.range(from.to_vec()..) {
            if visit(key, value).is_break() {
                break;
            }
        }
        Ok(())
    }
}

/// A chain in memory.
struct Chain {
    runtime: Arc<BlocktreeRuntime>,
    params: Params,
    rules: Vec<u8>,
    genesis: BlockHash,
    /// Encoded, from height 1 on.
    blocks: Vec<Vec<u8>>,
    /// What each block's header is judged by.
    contexts: Vec<(HeaderContext, HistoryRoot)>,
    events: Vec<(EventId, Event)>,
}

fn make_chain(transfers: usize, principals: usize) -> Chain {
    let secret = |index: usize| {
        let mut bytes = [1; 32];
        bytes[..8].copy_from_slice(&(index as u64).to_le_bytes());
        SecretKey::from_bytes(bytes).unwrap()
    };
    let secrets: Vec<SecretKey> = (0..principals).into_par_iter().map(secret).collect();
    let names: Vec<Principal> =
        secrets.par_iter().map(|secret| Principal::of(&secret.public_key())).collect();
    let spec = ChainSpec::dev();
    let mut rules = spec.runtime_params().unwrap();
    let coins = Amount::parse_coins("1000").unwrap();
    rules.coin.genesis = names.iter().map(|name| (*name, coins)).collect();
    let (params, encoded) = (spec.consensus_params(), rules.encode());
    let runtime = Arc::new(BlocktreeRuntime::new(rules).unwrap());

    let limits = Limits { cache_bytes: 1 << 34, dirty_bytes: 1 << 34, journal_keys: 1 << 40 };
    let nothing = MemoryLedger::new();
    let mut map = AuthMap::open(&nothing, limits).unwrap();
    let mut state = Plain(BTreeMap::new());
    let delta = genesis_state(&*runtime).unwrap();
    state.apply(&delta);
    let root = map.apply(&nothing, &delta).unwrap();
    let first = genesis_block::<Call>(&params, &encoded, root);
    let mut context = HeaderContext::genesis(&first.header).unwrap();
    let genesis = context.parent.hash;
    let mut history = Peaks::new();
    let work = context.parent.total_work;
    history.append(&Leaf::new(first.header, Height::GENESIS, work).unwrap()).unwrap();

    // Who pays whom: SplitMix64.
    let mut seed = 0u64;
    let mut random = |end: usize| {
        seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % end as u64).unwrap()
    };
    let mut nonces = vec![0u64; principals];
    let mut plan = Vec::with_capacity(transfers);
    for _ in 0..transfers {
        let (from, to) = (random(principals), random(principals));
        plan.push((from, nonces[from], to));
        nonces[from] += 1;
    }
    let sign = |(from, nonce, to): &(usize, u64, usize)| {
        let amount = Amount::from_units(100_000);
        let call = Call::Coin(pallet_coin::Call::Transfer { to: names[*to], amount });
        Event::signed(&secrets[*from], &genesis, *nonce, Amount::from_units(1000), None, call)
    };
    let events: Vec<Event> = plan.par_iter().map(sign).collect();

    let (mut blocks, mut contexts) = (Vec::new(), Vec::new());
    for events in events.chunks(PER_BLOCK) {
        let height = context.parent.height.next().unwrap();
        let fold = BlockContext {
            height,
            parent: context.parent.hash,
            parent_median_time: context.times.median(),
            genesis,
        };
        let executed = {
            let mut executor = BlockExecutor::new(&*runtime, &state, fold).unwrap();
            for event in events {
                let event = check_event(&*runtime, &genesis, event.clone().into()).unwrap();
                executor.apply(&event).unwrap_or_else(|error| panic!("{error:?}"));
            }
            executor.finish(&Principal([1; 32])).unwrap()
        };
        state.apply(&executed.delta);
        let body = Body::new(events.iter().cloned().map(EncodedEvent::from).collect()).unwrap();
        let commitment = Commitment {
            height,
            miner: Principal([1; 32]),
            event_root: body.event_root(),
            state_root: map.apply(&nothing, &executed.delta).unwrap(),
            history_root: history.root(),
            extra_nonce: [0; 8],
        };
        contexts.push((context, history.root()));
        let mut header = context.draft(&params, commitment.hash(), 0).unwrap();
        let target = Target::from_bits(header.bits).unwrap();
        while !target.is_met_by(&header.hash()) {
            header.nonce += 1;
        }
        context.parent.hash = header.hash();
        context.parent.height = height;
        context.parent.time = header.time;
        context.parent.total_work = context.parent.total_work.saturating_add(target.work());
        context.times = context.times.then(header.time);
        let work = context.parent.total_work;
        history.append(&Leaf::new(header, height, work).unwrap()).unwrap();
        blocks.push(Candidate { header, commitment, body }.encoded());
    }
    let events = events.into_par_iter().map(|event| (event.id(&genesis), event)).collect();
    Chain { runtime, params, rules: encoded, genesis, blocks, contexts, events }
}

impl Chain {
    /// Nothing but the signatures.
    fn verify_raw(&self, events: &[(EventId, Event)]) {
        assert!(events.par_iter().all(|(id, event)| event.verify(id).is_ok()));
    }

    /// Block 1 from its bytes up to the fold.
    fn check_first(&self) {
        let block = Candidate::decode(&self.blocks[0]).unwrap();
        let (context, history) = &self.contexts[0];
        let worked = WorkedHeader::check(&self.params, &block.header).unwrap();
        let header = CheckedHeader::check(&self.params, worked, Some(context), NOW).unwrap();
        let (commitment, body) = (block.commitment, block.body);
        let bound = BoundBlock::bind(&*self.runtime, header, commitment, body, *history).unwrap();
        let (frame, events) = bound.into_parts();
        let check = |event| check_event(&*self.runtime, &self.genesis, event);
        let checked: Vec<_> = events.into_par_iter().map(check).collect();
        black_box(frame.finish(checked).unwrap());
    }

    fn open(&self, ledger: Arc<dyn Ledger>) -> Importer<BlocktreeRuntime> {
        let (runtime, rules) = (self.runtime.clone(), self.rules.clone());
        Importer::open(runtime, self.params, rules, ledger, Config::default())
            .unwrap()
            .attach(Box::new(Detached))
            .unwrap()
    }

    /// All blocks, from their bytes to the tip, in an empty folder.
    fn import(&self, importer: &mut Importer<BlocktreeRuntime>) {
        let blocks = self.blocks.iter().map(|block| Candidate::decode(block));
        let blocks = blocks.map(|block| block.map_err(|e| Fault::Corrupt(e.to_string())));
        let report = importer.import_chain(blocks, NOW, |_, _| true).unwrap();
        assert_eq!(report.events, self.events.len() as u64);
    }
}

fn row(what: &str, count: usize, spent: Spent, raw: Option<Spent>) {
    let rate = count as f64 / spent.wall;
    let ratio = |f: fn(Spent) -> f64| match raw {
        Some(raw) => format!("{:>6.2}", f(raw) / f(spent)),
        None => "     –".into(),
    };
    println!(
        "{what:<34} {:>9.1} ms {:>9.1} ms {rate:>10.0}/s {} {}",
        spent.wall * 1e3,
        spent.processor * 1e3,
        ratio(|spent| spent.wall),
        ratio(|spent| spent.processor),
    );
}

fn main() {
    let transfers = number("BLOCKTREE_BENCH_TRANSFERS", 20_000);
    let principals = number("BLOCKTREE_BENCH_PRINCIPALS", 10_000);
    let rounds = number("BLOCKTREE_BENCH_ROUNDS", 3);
    let chain = make_chain(transfers, principals);
    let cores = rayon::current_num_threads();
    println!("{transfers} transfers between {principals} principals, {cores} cores");
    println!("{:<34} {:>12} {:>12} {:>12}  raw/this", "", "wall", "processor", "");
    println!("{:<34} {:>12} {:>12} {:>12} {:>6} {:>6}", "", "", "", "", "wall", "proc.");
    let first = &chain.events[..transfers.min(PER_BLOCK)];
    for _ in 0..rounds {
        // A block alone is too short for the processor's clock: ten of them.
        let ten = |work: &dyn Fn()| time(|| (0..10).for_each(|_| work())).1;
        let raw = ten(&|| chain.verify_raw(first));
        let checked = ten(&|| chain.check_first());
        row("signatures of a block, ten times", 10 * first.len(), raw, None);
        row("the block checked, ten times", 10 * first.len(), checked, Some(raw));
        let ((), raw) = time(|| chain.verify_raw(&chain.events));
        row("all signatures", transfers, raw, None);
        let folder = tempfile::tempdir().unwrap();
        let identity = Identity { genesis: chain.genesis, chain_name: "bench".into() };
        let store = Arc::new(Store::open(folder.path(), &identity).unwrap());
        let mut importer = chain.open(store.clone());
        let ((), spent) = time(|| chain.import(&mut importer));
        row("import into a data folder", transfers, spent, Some(raw));
        importer.close().unwrap();
        store.compact().unwrap();
        let bytes = store.stats().unwrap().disk_bytes;
        println!("{:<34} {:>9} bytes a transfer", "on disk, compacted", bytes / transfers as u64);
    }
}
