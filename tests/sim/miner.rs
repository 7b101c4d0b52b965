//! Making blocks on a chain's tip: sound ones as the node's templates are, and flawed ones.

use crate::chain::Chain;
use blocktree_consensus::execute::ApplyError;
use blocktree_consensus::history::Leaf;
use blocktree_consensus::{
    BlockContext, BlockExecutor, Body, Candidate, CheckedEvent, CheckedHeader, EncodedEvent,
    Failure, Target, WorkedHeader, merkle,
};
use blocktree_import::ChainReader;
use blocktree_primitives::{
    BlockHash, Commitment, EventRoot, Header, Height, Principal, StateRoot,
};
use blocktree_runtime::Call;
use blocktree_state::{Batch, Durability, Ledger};
use parity_scale_codec::{Decode, Encode};
use std::sync::Arc;

/// What is wrong with a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// Nothing.
    None,
    /// It commits to another state.
    StateRoot,
    /// It commits to another history.
    History,
    /// It commits to another height.
    Height,
    /// The last of its events is not signed by its signer; one is added.
    Signature,
    /// The last of its events can't be applied; one is added.
    Refused,
    /// Its time is that of its parent's parents.
    Time,
    /// Its hash is above its target.
    Work,
    /// Its target is easier than its branch requires, or harder.
    Bits,
}

/// All flaws.
pub(crate) const FLAWS: [Flaw; 8] = [
    Flaw::StateRoot,
    Flaw::History,
    Flaw::Height,
    Flaw::Signature,
    Flaw::Refused,
    Flaw::Time,
    Flaw::Work,
    Flaw::Bits,
];

/// A block on the tip with the pool's best events.
pub(crate) fn mine(chain: &Chain, unix: u32, miner: Principal, flaw: Flaw) -> Candidate<Call> {
    mine_with(chain, unix, miner, flaw, usize::MAX)
}

/// A block on the tip with so many of the pool's events at most.
pub(crate) fn mine_with(
    chain: &Chain,
    unix: u32,
    miner: Principal,
    flaw: Flaw,
    limit: usize,
) -> Candidate<Call> {
    let rules = &chain.rules;
    let published = chain.published();
    let (tip, state) = (*published.tip(), published.state());
    let height = Height(tip.height.0 + 1);
    let context = BlockContext {
        height,
        parent: tip.hash,
        parent_median_time: published.context.times.median(),
        genesis: rules.genesis,
    };
    let mut executor = BlockExecutor::new(&*rules.runtime, &state, context).expect("memory");
    let (mut taken, mut refused) = (Vec::new(), Vec::new());
    let waiting: Vec<Arc<CheckedEvent<Call>>> =
        chain.pool().best().take(limit).map(Arc::clone).collect();
    for event in waiting {
        match executor.apply(&event) {
            Ok(_) => taken.push(EncodedEvent::from(event.event().clone())),
            Err(Failure::Refused(ApplyError::Refused(reason))) => {
                refused.push((event.id(), reason.to_string()));
            }
            Err(Failure::Refused(ApplyError::NoRoom(_))) => {}
            Err(Failure::Fault(fault)) => panic!("{fault}"),
        }
    }
    let mut batch = Batch::new();
    for (id, reason) in refused {
        chain.pool_mut().refused(&id, &tip.hash, &reason, &mut batch);
    }
    if !batch.is_empty() {
        chain.ledger.write(batch, Durability::Process).expect("memory");
    }
    let executed = executor.finish(&miner).expect("memory");
    let state_root = chain
        .importer
        .shared()
        .with_map(|map, now| map.preview(&*now.snapshot, &executed.delta))
        .expect("memory");
    let history = ChainReader(&*published.snapshot).peaks(height.0).expect("memory");
    add_flawed_event(chain, flaw, &mut taken);
    let body = Body::new(taken).expect("few events");
    let mut commitment = Commitment {
        height,
        miner,
        event_root: body.event_root(),
        state_root,
        history_root: history.root(),
        extra_nonce: [0; 8],
    };
    match flaw {
        Flaw::StateRoot => commitment.state_root = StateRoot([7; 32]),
        Flaw::History => commitment.history_root.0[0] ^= 1,
        Flaw::Height => commitment.height = Height(height.0 + 1),
        _ => {}
    }
    let drafted = published.context.draft(&rules.params, commitment.hash(), unix);
    let mut header = drafted.expect("the parameters are checked");
    match flaw {
        Flaw::Time => header.time = published.context.times.median(),
        // Half the target of the limit.
        Flaw::Bits if header.bits == rules.params.limit_bits => header.bits = 0x203f_ffff,
        Flaw::Bits => header.bits = rules.params.limit_bits,
        _ => {}
    }
    seal(&mut header, flaw != Flaw::Work);
    Candidate { header, commitment, body }
}

fn add_flawed_event(chain: &Chain, flaw: Flaw, events: &mut Vec<EncodedEvent<Call>>) {
    if !matches!(flaw, Flaw::Signature | Flaw::Refused) {
        return;
    }
    let rules = &chain.rules;
    let nonce = chain.account(&rules.principal(9)).nonce + 1000;
    let mut event = rules.transfer(9, nonce, 1000, Principal([1; 32]), 200_000);
    if flaw == Flaw::Signature {
        event.signature.0[63] ^= 1;
    }
    events.push(event.into());
}

/// Searches a nonce with which the hash meets the header's own target, or does not.
pub(crate) fn seal(header: &mut Header, meets: bool) -> BlockHash {
    let target = Target::from_bits(header.bits).expect("a target");
    while target.is_met_by(&header.hash()) != meets {
        header.nonce = header.nonce.wrapping_add(1);
    }
    header.hash()
}

/// The same block with another body, of which its commitment knows nothing.
pub(crate) fn with_other_body(chain: &Chain, block: &Candidate<Call>) -> Candidate<Call> {
    let rules = &chain.rules;
    let event = rules.transfer(8, 1_000_000, 1000, Principal([2; 32]), 200_000);
    let mut events = block.body.events().to_vec();
    events.push(event.into());
    let body = Body::new(events).expect("few events");
    Candidate { header: block.header, commitment: block.commitment, body }
}

/// The same block with a commitment that its header does not stand for.
pub(crate) fn with_other_commitment(block: &Candidate<Call>) -> Candidate<Call> {
    let mut commitment = block.commitment;
    commitment.event_root = EventRoot(merkle::root(&[[3; 32]]));
    Candidate { header: block.header, commitment, body: block.body.clone() }
}

/// A stored block of a chain.
pub(crate) fn stored(chain: &Chain, hash: &BlockHash) -> Option<Candidate<Call>> {
    let reader = ChainReader(&chain.ledger);
    let record = reader.header(hash).expect("memory")?;
    let body = Body::decode(&reader.body(hash).expect("memory")?).expect("as it was stored");
    Some(Candidate { header: record.header, commitment: record.commitment, body })
}

/// Empty blocks in a row after `first`, which is to come on the tip, each right in all but its state.
pub(crate) fn hollow(chain: &Chain, first: &Candidate<Call>, count: u64) -> Vec<Candidate<Call>> {
    let rules = &chain.rules;
    let published = chain.published();
    let tip_leaves = published.tip().height.0 + 1;
    let mut history = ChainReader(&*published.snapshot).peaks(tip_leaves).expect("memory");
    let (mut context, mut before) = (published.context, first.clone());
    let mut blocks = Vec::new();
    for _ in 0..count {
        let worked = WorkedHeader::check(&rules.params, &before.header).expect("it is sealed");
        let checked = CheckedHeader::check(&rules.params, worked, Some(&context), u32::MAX);
        context = *checked.expect("right in its branch").context_after();
        let info = context.parent;
        let leaf = Leaf::new(before.header, info.height, info.total_work).expect("a target");
        history.append(&leaf).expect("a short history");
        let body = Body::new(Vec::new()).expect("few events");
        let commitment = Commitment {
            height: Height(info.height.0 + 1),
            event_root: body.event_root(),
            history_root: history.root(),
            ..first.commitment
        };
        let drafted = context.draft(&rules.params, commitment.hash(), before.header.time + 1);
        let mut header = drafted.expect("the parameters are checked");
        seal(&mut header, true);
        before = Candidate { header, commitment, body };
        blocks.push(before.clone());
    }
    blocks
}

/// Headers in a row after `parent` with nothing behind them. The target is that of the parent.
pub(crate) fn empty_headers(mut parent: Header, count: usize, salt: u64) -> Vec<Header> {
    let mut headers = Vec::new();
    for step in 0..count {
        let mut commitment = [0; 32];
        commitment[..16].copy_from_slice(&(salt, step as u64).encode());
        let commitment = Decode::decode(&mut &commitment[..]).expect("32 bytes");
        parent =
            Header { parent: parent.hash(), commitment, time: parent.time + 1, nonce: 0, ..parent };
        seal(&mut parent, true);
        headers.push(parent);
    }
    headers
}
