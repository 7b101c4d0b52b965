//! The checks of a block that need no state, its events spread over all cores.

use crate::branch::BranchPoint;
use blocktree_consensus::{
    BoundBlock, Candidate, CheckedBlock, CheckedEvent, CheckedHeader, EncodedEvent, Params,
    Runtime, Verdict, WorkedHeader, check_event,
};
use blocktree_primitives::BlockHash;
use blocktree_state::Fault;
use rayon::prelude::*;

/// Takes a block whose proof of work passed up to the fold. `parent`: the branch up to the block
/// before it.
pub(crate) fn check_block<R: Runtime>(
    runtime: &R,
    params: &Params,
    genesis: &BlockHash,
    worked: WorkedHeader,
    block: Candidate<R::Call>,
    parent: &BranchPoint,
    now: u32,
) -> Verdict<CheckedBlock<R::Call>> {
    let header = CheckedHeader::check(params, worked, Some(&parent.context), now)?;
    let root = parent.history.root();
    let bound = BoundBlock::bind(runtime, header, block.commitment, block.body, root)?;
    let (frame, events) = bound.into_parts();
    let checked: Vec<_> =
        events.into_par_iter().map(|event| check_event(runtime, genesis, event)).collect();
    frame.finish(checked)
}

/// Checks events that were on the chain already: they can only pass.
pub(crate) fn recheck_events<R: Runtime>(
    runtime: &R,
    genesis: &BlockHash,
    events: &[EncodedEvent<R::Call>],
) -> Result<Vec<CheckedEvent<R::Call>>, Fault> {
    let checked: Result<Vec<_>, _> =
        events.par_iter().map(|event| check_event(runtime, genesis, event.clone())).collect();
    checked.map_err(|error| Fault::Corrupt(format!("an event that was on the chain: {error}")))
}
