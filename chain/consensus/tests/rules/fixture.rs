//! A short chain of counters, and a way to make, spoil and judge its next block.

use crate::counters::{Call, Counters, Effect};
use blocktree_consensus::history::{Leaf, Peaks};
use blocktree_consensus::{
    BlockExecutor, Body, BoundBlock, Candidate, CheckedBlock, CheckedEvent, Difficulty,
    EncodedEvent, ExecutedBlock, HeaderContext, Params, Target, Verdict, check_event, check_header,
    genesis_block, genesis_state,
};
use blocktree_primitives::{
    Amount, Block, BlockHash, Commitment, Event, Header, Principal, SecretKey, StateRoot,
};
use blocktree_state::{Delta, Fault, View, Visit};
use parity_scale_codec::Encode;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Work of about 2^12 hashes a block, so that a changed header as good as never meets it.
pub(crate) const PARAMS: Params = Params {
    genesis_time: 1_700_000_000,
    genesis_bits: 0x1f0f_ffff,
    limit_bits: 0x1f7f_ffff,
    spacing: 60,
    difficulty: Difficulty::Asert { half_life_spacings: 288 },
    max_future: 600,
};

/// The state as plain pairs, with a root that is any injective function of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct State(pub(crate) BTreeMap<Vec<u8>, Vec<u8>>);

impl State {
    pub(crate) fn with(&self, delta: &Delta) -> Self {
        let mut pairs = self.0.clone();
        for (key, change) in delta.iter() {
            match &change.new {
                Some(value) => pairs.insert(key.to_vec(), value.clone()),
                None => pairs.remove(key),
            };
        }
        Self(pairs)
    }

    pub(crate) fn root(&self) -> StateRoot {
        let pairs: Vec<_> = self.0.iter().collect();
        StateRoot(Sha256::digest(pairs.encode()).into())
    }
}

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

pub(crate) fn secret(byte: u8) -> SecretKey {
    SecretKey::from_bytes([byte; 32]).unwrap()
}

pub(crate) fn principal(byte: u8) -> Principal {
    Principal::of(&secret(byte).public_key())
}

/// The branch up to a tip.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    pub(crate) genesis: BlockHash,
    pub(crate) context: HeaderContext,
    pub(crate) peaks: Peaks,
    pub(crate) state: State,
}

/// Seconds since 1970 when the block after `context` is judged.
pub(crate) fn now(context: &HeaderContext) -> u32 {
    context.parent.time + 60
}

impl Chain {
    pub(crate) fn new() -> Self {
        PARAMS.check().unwrap();
        let state = State::default().with(&genesis_state(&Counters).unwrap());
        let block: Block<Call> = genesis_block(&PARAMS, b"counters", state.root());
        let context = HeaderContext::genesis(&block.header).unwrap();
        let info = context.parent;
        let mut peaks = Peaks::new();
        peaks.append(&Leaf::new(block.header, info.height, info.total_work).unwrap()).unwrap();
        Self { genesis: info.hash, context, peaks, state }
    }

    /// Genesis and 12 blocks with an event each: more than the median looks at.
    pub(crate) fn thirteen() -> Self {
        let mut chain = Self::new();
        for nonce in 0..12 {
            let event = chain.event(1, nonce, Call::Add { amount: 2 });
            let block = chain.mine(vec![event]);
            let executed = chain.judge(&block.encoded()).unwrap();
            chain.push(executed);
        }
        chain
    }

    pub(crate) fn event(&self, signer: u8, nonce: u64, call: Call) -> EncodedEvent<Call> {
        self.event_with_fee(signer, nonce, 3, call)
    }

    pub(crate) fn event_with_fee(
        &self,
        signer: u8,
        nonce: u64,
        fee: u64,
        call: Call,
    ) -> EncodedEvent<Call> {
        let (secret, fee) = (secret(signer), Amount::from_units(fee));
        Event::signed(&secret, &self.genesis, nonce, fee, None, call).into()
    }

    pub(crate) fn checked(&self, event: EncodedEvent<Call>) -> CheckedEvent<Call> {
        check_event(&Counters, &self.genesis, event).unwrap()
    }

    /// The next block with these events, valid if they are, for miner 9.
    pub(crate) fn mine(&self, events: Vec<EncodedEvent<Call>>) -> Candidate<Call> {
        let header = self.context.draft(&PARAMS, Default::default(), now(&self.context)).unwrap();
        let mut block = Candidate {
            header,
            commitment: Commitment {
                height: self.context.parent.height.next().unwrap(),
                miner: principal(9),
                event_root: Default::default(),
                state_root: self.root_after(&events),
                history_root: self.peaks.root(),
                extra_nonce: [0; 8],
            },
            body: Body::new(events).unwrap(),
        };
        reroot(&mut block);
        reseal(&mut block);
        block
    }

    /// The state root after these events, or the present one if they can't be applied.
    fn root_after(&self, events: &[EncodedEvent<Call>]) -> StateRoot {
        let context = blocktree_consensus::BlockContext {
            height: self.context.parent.height.next().unwrap(),
            parent: self.context.parent.hash,
            parent_median_time: self.context.times.median(),
            genesis: self.genesis,
        };
        let mut executor = BlockExecutor::new(&Counters, &self.state, context).unwrap();
        for event in events {
            let checked = check_event(&Counters, &self.genesis, event.clone());
            if !checked.is_ok_and(|event| executor.apply(&event).is_ok()) {
                return self.state.root();
            }
        }
        let executed = executor.finish(&principal(9)).unwrap();
        self.state.with(&executed.delta).root()
    }

    /// The whole ladder but the fold.
    pub(crate) fn check(&self, bytes: &[u8], now: u32) -> Verdict<CheckedBlock<Call>> {
        let block = Candidate::decode(bytes)?;
        let header = check_header(&PARAMS, &block.header, Some(&self.context), now)?;
        let root = self.peaks.root();
        BoundBlock::bind(&Counters, header, block.commitment, block.body, root)?
            .check_events(&Counters, &self.genesis)
    }

    pub(crate) fn fold(&self, block: CheckedBlock<Call>) -> Verdict<ExecutedBlock<Call, Effect>> {
        let root_of = |delta: &Delta| Ok(self.state.with(delta).root());
        ExecutedBlock::fold(&Counters, &self.state, self.genesis, block, root_of)
    }

    /// The whole ladder, a minute after the tip.
    pub(crate) fn judge(&self, bytes: &[u8]) -> Verdict<ExecutedBlock<Call, Effect>> {
        self.fold(self.check(bytes, now(&self.context))?)
    }

    pub(crate) fn push(&mut self, executed: ExecutedBlock<Call, Effect>) {
        let (block, executed) = executed.into_parts();
        self.state = self.state.with(&executed.delta);
        self.peaks.append(&Leaf::of(block.header())).unwrap();
        self.context = *block.header().context_after();
    }
}

/// Searches a nonce for the header's own bits.
pub(crate) fn remine(header: &mut Header) {
    let target = Target::from_bits(header.bits).unwrap();
    while !target.is_met_by(&header.hash()) {
        header.nonce = header.nonce.wrapping_add(1);
    }
}

/// Makes the commitment cover the events.
pub(crate) fn reroot(block: &mut Candidate<Call>) {
    block.commitment.event_root = block.body.event_root();
}

/// Makes the header cover the commitment, with work.
pub(crate) fn reseal(block: &mut Candidate<Call>) {
    block.header.commitment = block.commitment.hash();
    remine(&mut block.header);
}
