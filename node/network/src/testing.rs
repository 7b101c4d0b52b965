//! For tests: a node's own chain and pool in memory, of real headers with next to no proof of work
//! and of events whose call is any bytes. Nothing is folded; whatever is stored counts as valid.

use crate::address::NodeId;
use crate::local::{Known, Local};
use crate::time::{Now, Tick};
use blocktree_consensus::{
    Body, Candidate, ChainInfo, CheckedHeader, Difficulty, EncodedEvent, HeaderContext, Params,
    Target, Work, WorkedHeader, better, genesis_block,
};
use blocktree_primitives::{
    Amount, BlockHash, Commitment, Event, EventId, Header, Height, HistoryRoot, Principal,
    PublicKey, Signature, StateRoot,
};
use blocktree_state::Fault;
use std::collections::{BTreeMap, BTreeSet};

/// The call of the events: bytes that mean nothing.
pub(crate) type Call = Vec<u8>;

/// Two hashes a block, whatever the branch.
pub(crate) const PARAMS: Params = Params {
    genesis_time: 1_700_000_000,
    genesis_bits: 0x207f_ffff,
    limit_bits: 0x207f_ffff,
    spacing: 60,
    difficulty: Difficulty::Constant,
    max_future: 600,
};

/// Seconds since 1970 in the tests: half a year after genesis.
pub(crate) const UNIX: u32 = 1_716_000_000;

/// So many milliseconds after the start.
pub(crate) const fn at(tick: u64) -> Now {
    Now { tick: Tick(tick), unix: UNIX }
}

/// A node by number.
pub(crate) const fn node(number: u8) -> NodeId {
    NodeId([number; 33])
}

/// An event of `len` bytes, at least 8, and 32 + 8 + 8 + 1 + 64 more, and the length of `len`: 1 byte
/// below 64, 2 below 16,384, then 4. No other number has it.
pub(crate) fn event(number: u64, len: usize) -> EncodedEvent<Call> {
    let mut call = vec![0; len.max(8)];
    call[..8].copy_from_slice(&number.to_le_bytes());
    let event = Event {
        signer: PublicKey([7; 32]),
        nonce: number,
        fee: Amount::from_units(1),
        valid_until: None,
        call,
        signature: Signature([9; 64]),
    };
    event.into()
}

/// A stored block.
struct Stored {
    known: Known,
    body: Vec<u8>,
    after: HeaderContext,
}

/// A chain and a pool.
pub(crate) struct FakeLocal {
    params: Params,
    genesis: BlockHash,
    minimum_work: Work,
    blocks: BTreeMap<BlockHash, Stored>,
    best: Vec<BlockHash>,
    /// What waits, the best paying first.
    pool: Vec<EventId>,
    waiting: BTreeMap<EventId, EncodedEvent<Call>>,
    /// Events that are in the best chain.
    mined: BTreeSet<EventId>,
    /// What else [`Local::visit_waiting`] shows: leaves, and events that need not be theirs.
    shown: Vec<([u8; 32], Vec<u8>)>,
}

impl FakeLocal {
    /// A chain that is only genesis, and an empty pool.
    pub(crate) fn new() -> Self {
        let block = genesis_block::<Call>(&PARAMS, b"testing", StateRoot::ZERO);
        let after = HeaderContext::genesis(&block.header).unwrap();
        let info = after.parent;
        let known = Known {
            header: block.header,
            commitment: block.commitment,
            total_work: info.total_work,
            is_invalid: false,
        };
        let body = Body::<Call>::new(Vec::new()).unwrap().encoded();
        Self {
            params: PARAMS,
            genesis: info.hash,
            minimum_work: Work::ZERO,
            blocks: BTreeMap::from([(info.hash, Stored { known, body, after })]),
            best: vec![info.hash],
            pool: Vec::new(),
            waiting: BTreeMap::new(),
            mined: BTreeSet::new(),
            shown: Vec::new(),
        }
    }

    /// The least work that a branch must have.
    pub(crate) fn require(&mut self, minimum_work: Work) {
        self.minimum_work = minimum_work;
    }

    /// A block on top of a stored one; it is not stored. `branch` tells blocks of rival branches
    /// apart.
    pub(crate) fn mine_on(
        &self,
        parent: &BlockHash,
        branch: u8,
        events: Vec<EncodedEvent<Call>>,
    ) -> Candidate<Call> {
        mine(&self.blocks[parent].after, branch, events)
    }

    /// A block on top of the tip; it is not stored.
    pub(crate) fn mine(&self, events: Vec<EncodedEvent<Call>>) -> Candidate<Call> {
        self.mine_on(&self.tip().hash, 0, events)
    }

    /// Stores a block whose parent is stored; with more work than the tip it becomes the tip.
    pub(crate) fn store(&mut self, block: &Candidate<Call>) -> BlockHash {
        let parent = &self.blocks[&block.header.parent];
        let worked = WorkedHeader::check(&self.params, &block.header).unwrap();
        let checked = CheckedHeader::check(&self.params, worked, Some(&parent.after), u32::MAX);
        let checked = checked.unwrap();
        let info = *checked.info();
        let known = Known {
            header: block.header,
            commitment: block.commitment,
            total_work: info.total_work,
            is_invalid: false,
        };
        let after = *checked.context_after();
        let stored = Stored { known, body: block.body.encoded(), after };
        self.blocks.insert(info.hash, stored);
        if block.header.parent == self.tip().hash {
            self.best.push(info.hash);
            let ids: Vec<EventId> =
                block.body.events().iter().map(|event| self.id(event)).collect();
            self.mined.extend(ids);
        } else if better(self.tip().total_work, info.total_work) {
            self.go_to(info.hash);
        }
        info.hash
    }

    /// Mines a block of these events on the tip and stores it.
    pub(crate) fn grow(&mut self, events: Vec<EncodedEvent<Call>>) -> BlockHash {
        let block = self.mine(events);
        self.store(&block)
    }

    /// A block was judged and refused.
    pub(crate) fn refuse(&mut self, block: &Candidate<Call>) -> BlockHash {
        let hash = block.header.hash();
        let parent = &self.blocks[&block.header.parent];
        let known = Known {
            header: block.header,
            commitment: block.commitment,
            total_work: parent.known.total_work,
            is_invalid: true,
        };
        let stored = Stored { known, body: Vec::new(), after: parent.after };
        self.blocks.insert(hash, stored);
        hash
    }

    /// An event waits in the pool, behind those before.
    pub(crate) fn wait(&mut self, event: EncodedEvent<Call>) -> EventId {
        let id = self.id(&event);
        if self.waiting.insert(id, event).is_none() {
            self.pool.push(id);
        }
        id
    }

    /// The pool shows an event under the leaf of another, as if both had one short id.
    pub(crate) fn show(&mut self, leaf: [u8; 32], event: &EncodedEvent<Call>) {
        self.shown.push((leaf, event.encoded().to_vec()));
    }

    /// The id of an event on this chain.
    pub(crate) fn id(&self, event: &EncodedEvent<Call>) -> EventId {
        Event::<Call>::id_of_encoded(event.encoded(), &self.genesis)
    }

    /// Makes a stored block the tip.
    fn go_to(&mut self, tip: BlockHash) {
        let mut branch = vec![tip];
        let mut first = tip;
        while let Some(parent) = self.blocks.get(&self.blocks[&first].known.header.parent) {
            first = parent.known.header.hash();
            branch.push(first);
        }
        branch.reverse();
        self.best = branch;
        self.mined.clear();
        for hash in &self.best {
            let body = Body::<Call>::decode(&self.blocks[hash].body).unwrap();
            for event in body.events() {
                let id = Event::<Call>::id_of_encoded(event.encoded(), &self.genesis);
                self.mined.insert(id);
            }
        }
    }
}

/// A block after this context, valid as far as headers, commitment and events go.
pub(crate) fn mine(
    context: &HeaderContext,
    branch: u8,
    events: Vec<EncodedEvent<Call>>,
) -> Candidate<Call> {
    let body = Body::new(events).unwrap();
    let commitment = Commitment {
        height: context.parent.height.next().unwrap(),
        miner: Principal([branch; 32]),
        event_root: body.event_root(),
        state_root: StateRoot::ZERO,
        history_root: HistoryRoot::ZERO,
        extra_nonce: [0; 8],
    };
    let time = context.parent.time + 60;
    let mut header = context.draft(&PARAMS, commitment.hash(), time).unwrap();
    remine(&mut header);
    Candidate { header, commitment, body }
}

/// Searches a nonce for the header's own bits.
pub(crate) fn remine(header: &mut Header) {
    let target = Target::from_bits(header.bits).unwrap();
    while !target.is_met_by(&header.hash()) {
        header.nonce = header.nonce.wrapping_add(1);
    }
}

impl Local for FakeLocal {
    type Call = Call;

    fn params(&self) -> &Params {
        &self.params
    }

    fn genesis(&self) -> BlockHash {
        self.genesis
    }

    fn minimum_work(&self) -> Work {
        self.minimum_work
    }

    fn tip(&self) -> ChainInfo {
        self.blocks[self.best.last().unwrap()].after.parent
    }

    fn block(&self, hash: &BlockHash) -> Result<Option<Known>, Fault> {
        Ok(self.blocks.get(hash).map(|stored| stored.known))
    }

    fn canonical(&self, height: Height) -> Result<Option<BlockHash>, Fault> {
        Ok(usize::try_from(height.0).ok().and_then(|height| self.best.get(height)).copied())
    }

    fn body(&self, hash: &BlockHash) -> Result<Option<Vec<u8>>, Fault> {
        let stored = self.blocks.get(hash).filter(|stored| !stored.known.is_invalid);
        Ok(stored.map(|stored| stored.body.clone()))
    }

    fn context(&self, hash: &BlockHash) -> Result<Option<HeaderContext>, Fault> {
        Ok(self.blocks.get(hash).map(|stored| stored.after))
    }

    fn has_event(&self, id: &EventId) -> Result<bool, Fault> {
        Ok(self.waiting.contains_key(id) || self.mined.contains(id))
    }

    fn waiting_event(&self, id: &EventId) -> Option<Vec<u8>> {
        self.waiting.get(id).map(|event| event.encoded().to_vec())
    }

    fn waiting(&self, limit: usize) -> Vec<EventId> {
        self.pool.iter().take(limit).copied().collect()
    }

    fn visit_waiting(&self, visit: &mut dyn FnMut(&[u8; 32], &[u8])) {
        for event in self.waiting.values() {
            visit(&event.leaf(), event.encoded());
        }
        self.shown.iter().for_each(|(leaf, event)| visit(leaf, event));
    }
}
