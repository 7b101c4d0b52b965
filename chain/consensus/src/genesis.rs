//! The first block: made from the rules of its chain, never received, not mined
//! (docs/protocol.md §3.9).

use crate::header::VERSION;
use crate::merkle;
use crate::params::Params;
use crate::runtime::Runtime;
use blocktree_primitives::block::Events;
use blocktree_primitives::{
    Block, BlockHash, Commitment, EventRoot, Header, Height, HistoryRoot, Principal, StateRoot,
    tags,
};
use blocktree_state::{Delta, EmptyView, Fault, Overlay};
use parity_scale_codec::Encode;

/// The genesis block of a chain. `rules`: the SCALE encoding of every parameter that decides
/// what is valid and is not in `params`; `state_root`: of the genesis state.
///
/// The rules stand in the parent field, so two chains with different rules have different
/// genesis hashes, and no event signed for one is valid on the other.
#[must_use]
pub fn genesis_block<C>(params: &Params, rules: &[u8], state_root: StateRoot) -> Block<C> {
    let commitment = Commitment {
        height: Height::GENESIS,
        miner: Principal([0; 32]),
        event_root: EventRoot(merkle::root(&[])),
        state_root,
        history_root: HistoryRoot::ZERO,
        extra_nonce: [0; 8],
    };
    let header = Header {
        version: VERSION,
        parent: BlockHash(tags::CHAINSPEC.hash(&[&params.encode(), rules])),
        commitment: commitment.hash(),
        time: params.genesis_time,
        bits: params.genesis_bits,
        nonce: 0,
    };
    Block { header, commitment, events: Events::new() }
}

/// The genesis state: everything that the runtime writes into nothing.
///
/// # Errors
/// A [`Fault`] only.
pub fn genesis_state<R: Runtime>(runtime: &R) -> Result<Delta, Fault> {
    let mut state = Overlay::new(&EmptyView);
    runtime.genesis(&mut state)?;
    Ok(state.into_delta())
}
