//! Blocks of the dev chain, made on any parent with any events, good ones and bad ones, without
//! the importer: states are plain maps, and their roots are computed by the definition of
//! docs/protocol.md §5.1 alone.

// Each test binary uses a part of it.
#![allow(dead_code)]

pub(crate) mod columns;
pub(crate) mod faulty;
pub(crate) mod random;

use blocktree_chainspec::ChainSpec;
use blocktree_consensus::history::{Leaf, Peaks};
use blocktree_consensus::{
    BlockContext, BlockExecutor, Body, Candidate, EncodedEvent, Failure, HeaderContext, Params,
    Target, check_event, genesis_block, genesis_state,
};
use blocktree_import::{Config, Imported, Importer};
use blocktree_primitives::{
    Amount, BlockHash, Commitment, Height, Principal, SecretKey, StateRoot,
};
use blocktree_runtime::{BlocktreeRuntime, Call, Event};
use blocktree_state::{Delta, Fault, Ledger, MemoryLedger, View, Visit};
use blocktree_wallet::DevKeys;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Seconds since 1970 by every test's clock: three hours after genesis.
pub(crate) const NOW: u32 = 1_793_491_200 + 10_800;

/// Keys that the dev chain funds.
pub(crate) const KEYS: u32 = 10;

/// A state as plain pairs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct State(pub(crate) BTreeMap<Vec<u8>, Vec<u8>>);

impl View for State {
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

impl State {
    fn with(&self, delta: &Delta) -> Self {
        let mut pairs = self.0.clone();
        for (key, change) in delta.iter() {
            match &change.new {
                Some(value) => pairs.insert(key.to_vec(), value.clone()),
                None => pairs.remove(key),
            };
        }
        Self(pairs)
    }

    /// The root, by its definition.
    pub(crate) fn root(&self) -> StateRoot {
        let tag = Sha256::digest(b"blocktree/key");
        let leaf = |(key, value): (&Vec<u8>, &Vec<u8>)| {
            let path = sha256(&[&tag, &tag, key]);
            (path, sha256(&[&[0], &path, &sha256(&[value])]))
        };
        let mut leaves: Vec<([u8; 32], [u8; 32])> = self.0.iter().map(leaf).collect();
        leaves.sort_unstable();
        StateRoot(subtree(&leaves, 0))
    }
}

fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    parts.iter().fold(Sha256::new(), |hasher, part| hasher.chain_update(part)).finalize().into()
}

fn subtree(leaves: &[([u8; 32], [u8; 32])], depth: usize) -> [u8; 32] {
    match leaves {
        [] => [0; 32],
        [(_, hash)] => *hash,
        _ => {
            let is_right = |path: &[u8; 32]| path[depth / 8] >> (7 - depth % 8) & 1 == 1;
            let middle = leaves.partition_point(|(path, _)| !is_right(path));
            let (left, right) = leaves.split_at(middle);
            sha256(&[&[1], &subtree(left, depth + 1), &subtree(right, depth + 1)])
        }
    }
}

/// What is wrong with a block that is made; its proof of work covers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// Nothing.
    None,
    /// The fold leads to another state root.
    StateRoot,
    /// Its last event is refused by the fold. One is added.
    EventRefused,
    /// Its last event is not signed by its signer. One is added.
    Signature,
    /// It commits to another history.
    History,
    /// Its time is as early as the median.
    Time,
    /// Its time is a year ahead of [`NOW`] and the dev chain's bound of ten.
    Future,
}

struct Made {
    block: Candidate<Call>,
    after: HeaderContext,
    history: Peaks,
    state: State,
    flaw: Flaw,
    is_sound: bool,
}

/// The dev chain, and all blocks that were made for it.
pub(crate) struct Forge {
    pub(crate) runtime: Arc<BlocktreeRuntime>,
    pub(crate) params: Params,
    pub(crate) rules: Vec<u8>,
    pub(crate) genesis: BlockHash,
    keys: Vec<SecretKey>,
    made: BTreeMap<BlockHash, Made>,
}

impl Forge {
    pub(crate) fn new() -> Self {
        let spec = ChainSpec::dev();
        let runtime = Arc::new(BlocktreeRuntime::new(spec.runtime_params().unwrap()).unwrap());
        let (params, rules) = (spec.consensus_params(), spec.rules().unwrap());
        let state = State::default().with(&genesis_state(&*runtime).unwrap());
        let block = genesis_block::<Call>(&params, &rules, state.root());
        let after = HeaderContext::genesis(&block.header).unwrap();
        let (genesis, work) = (after.parent.hash, after.parent.total_work);
        let mut history = Peaks::new();
        history.append(&Leaf::new(block.header, Height::GENESIS, work).unwrap()).unwrap();
        let dev = DevKeys::new(spec.coin_type);
        let keys = (0..KEYS).map(|index| dev.secret(index).unwrap()).collect();
        let made =
            Made { block: block.into(), after, history, state, flaw: Flaw::None, is_sound: true };
        let made = BTreeMap::from([(genesis, made)]);
        Self { runtime, params, rules, genesis, keys, made }
    }

    pub(crate) fn principal(&self, key: u32) -> Principal {
        Principal::of(&self.keys[key as usize].public_key())
    }

    /// An event by one of the funded keys.
    pub(crate) fn event(&self, key: u32, nonce: u64, fee: u64, call: Call) -> Event {
        let (key, fee) = (&self.keys[key as usize], Amount::from_units(fee));
        Event::signed(key, &self.genesis, nonce, fee, None, call)
    }

    pub(crate) fn transfer(&self, key: u32, nonce: u64, to: Principal, units: u64) -> Event {
        let amount = Amount::from_units(units);
        self.event(key, nonce, 1000, Call::Coin(pallet_coin::Call::Transfer { to, amount }))
    }

    /// A provider's terms: an event that has an effect beyond itself.
    pub(crate) fn announce(&self, key: u32, nonce: u64, capacity: u64) -> Event {
        let (min_payment, pot) = (Amount::from_units(1), Amount::from_units(1_000_000));
        let call = pallet_storage::Call::Announce { capacity, min_payment, pot };
        self.event(key, nonce, 1000, Call::Storage(call))
    }

    /// The nonce of a key's next event after a block.
    pub(crate) fn nonce(&self, at: &BlockHash, key: u32) -> u64 {
        let state = &self.made[at].state;
        pallet_coin::accounts::get(state, &self.principal(key)).unwrap().nonce
    }

    /// A good block with these events whose reward goes to principal `[miner; 32]`.
    pub(crate) fn mine(&mut self, parent: &BlockHash, miner: u8, events: Vec<Event>) -> BlockHash {
        self.mine_flawed(parent, miner, events, Flaw::None)
    }

    /// Empty blocks in a row.
    pub(crate) fn mine_empty(
        &mut self,
        parent: &BlockHash,
        miner: u8,
        count: usize,
    ) -> Vec<BlockHash> {
        let mut tip = *parent;
        let mut next = || {
            tip = self.mine(&tip, miner, Vec::new());
            tip
        };
        (0..count).map(|_| next()).collect()
    }

    /// Blocks in a row with a transfer each, by the key of the miner's number; the first to
    /// principal `[100 + miner; 32]`, so that branches of different miners differ in accounts.
    pub(crate) fn mine_row(&mut self, parent: &BlockHash, miner: u8, count: u64) -> Vec<BlockHash> {
        let mut tip = *parent;
        let mut row = Vec::new();
        for step in 0..count {
            let nonce = self.nonce(&tip, miner.into());
            let to = Principal([100 + miner; 32]);
            let mut events = vec![self.transfer(miner.into(), nonce, to, 200_000 + step)];
            if step == 0 {
                events.push(self.announce(miner.into(), nonce + 1, nonce + 1));
            }
            tip = self.mine(&tip, miner, events);
            row.push(tip);
        }
        row
    }

    /// A block with a flaw. Its state is what its sound events lead to, so that more blocks can
    /// be made on it.
    pub(crate) fn mine_flawed(
        &mut self,
        parent: &BlockHash,
        miner: u8,
        mut events: Vec<Event>,
        flaw: Flaw,
    ) -> BlockHash {
        let before = &self.made[parent];
        let height = before.after.parent.height.next().unwrap();
        let median = before.after.times.median();
        if matches!(flaw, Flaw::EventRefused | Flaw::Signature) {
            let nonce = self.nonce(parent, 9) + u64::from(flaw == Flaw::EventRefused);
            let mut event = self.transfer(9, nonce, Principal([1; 32]), 200_000);
            if flaw == Flaw::Signature {
                event.signature.0[63] ^= 1;
            }
            events.push(event);
        }
        let (genesis, parent_hash) = (self.genesis, *parent);
        let context =
            BlockContext { height, parent: parent_hash, parent_median_time: median, genesis };
        let mut executor = BlockExecutor::new(&*self.runtime, &before.state, context).unwrap();
        let mut is_sound = before.is_sound && flaw == Flaw::None;
        for event in &events {
            let Ok(event) = check_event(&*self.runtime, &genesis, event.clone().into()) else {
                continue;
            };
            match executor.apply(&event) {
                Ok(_) => {}
                Err(Failure::Refused(_)) => is_sound = false,
                Err(Failure::Fault(fault)) => panic!("{fault}"),
            }
        }
        let state = before.state.with(&executor.finish(&Principal([miner; 32])).unwrap().delta);
        let mut state_root = state.root();
        if flaw == Flaw::StateRoot {
            state_root.0[0] ^= 1;
        }
        let mut history_root = before.history.root();
        if flaw == Flaw::History {
            history_root.0[0] ^= 1;
        }
        let body = Body::new(events.into_iter().map(EncodedEvent::from).collect()).unwrap();
        let commitment = Commitment {
            height,
            miner: Principal([miner; 32]),
            event_root: body.event_root(),
            state_root,
            history_root,
            extra_nonce: [0; 8],
        };
        let mut header = before.after.draft(&self.params, commitment.hash(), 0).unwrap();
        match flaw {
            Flaw::Time => header.time = median,
            Flaw::Future => header.time = NOW + 11 * 31_536_000,
            _ => {}
        }
        let target = Target::from_bits(header.bits).unwrap();
        while !target.is_met_by(&header.hash()) {
            header.nonce += 1;
        }
        let hash = header.hash();
        let mut after = before.after;
        after.parent.hash = hash;
        after.parent.height = height;
        after.parent.time = header.time;
        after.parent.total_work = after.parent.total_work.saturating_add(target.work());
        after.times = after.times.then(header.time);
        let mut history = before.history.clone();
        let work = after.parent.total_work;
        history.append(&Leaf::new(header, height, work).unwrap()).unwrap();
        let block = Candidate { header, commitment, body };
        self.made.insert(hash, Made { block, after, history, state, flaw, is_sound });
        hash
    }

    /// A block that was made.
    pub(crate) fn block(&self, hash: &BlockHash) -> Candidate<Call> {
        self.made[hash].block.clone()
    }

    pub(crate) fn height(&self, hash: &BlockHash) -> u64 {
        self.made[hash].after.parent.height.0
    }

    pub(crate) fn parent(&self, hash: &BlockHash) -> BlockHash {
        self.made[hash].block.header.parent
    }

    /// Whether a block and all before it are valid.
    pub(crate) fn is_sound(&self, hash: &BlockHash) -> bool {
        self.made[hash].is_sound
    }

    /// What is wrong with the block itself.
    pub(crate) fn flaw(&self, hash: &BlockHash) -> Flaw {
        self.made[hash].flaw
    }

    /// The state after a block.
    pub(crate) fn state(&self, hash: &BlockHash) -> &State {
        &self.made[hash].state
    }

    /// From block 1 to this one.
    pub(crate) fn branch(&self, tip: &BlockHash) -> Vec<BlockHash> {
        let mut branch = Vec::new();
        let mut at = *tip;
        while at != self.genesis {
            branch.push(at);
            at = self.parent(&at);
        }
        branch.reverse();
        branch
    }

    /// Opens a ledger.
    pub(crate) fn try_open(
        &self,
        ledger: Arc<dyn Ledger>,
        config: Config,
    ) -> Result<Importer<BlocktreeRuntime>, String> {
        let (runtime, rules) = (self.runtime.clone(), self.rules.clone());
        Importer::open(runtime, self.params, rules, ledger, config)
            .map_err(|error| error.to_string())?
            .attach(Box::new(blocktree_import::attached::Detached))
            .map_err(|fault| fault.to_string())
    }

    pub(crate) fn open(&self, ledger: &MemoryLedger) -> Importer<BlocktreeRuntime> {
        self.try_open(Arc::new(ledger.clone()), Config::default()).unwrap()
    }

    /// Imports a block that was made.
    pub(crate) fn import(
        &self,
        importer: &mut Importer<BlocktreeRuntime>,
        hash: &BlockHash,
    ) -> Imported {
        importer.import(self.block(hash), NOW).unwrap()
    }

    /// A ledger that never saw anything but the branch up to `tip`.
    pub(crate) fn alone(&self, tip: &BlockHash) -> MemoryLedger {
        let ledger = MemoryLedger::new();
        let mut importer = self.open(&ledger);
        for hash in self.branch(tip) {
            assert_eq!(self.import(&mut importer, &hash), Imported::NewTip { hash, reverted: 0 });
        }
        ledger
    }
}
