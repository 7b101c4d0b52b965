//! The checks of a block that need no state, its events spread over all cores.

use crate::branch::BranchPoint;
use blocktree_consensus::{
    BoundBlock, Candidate, CheckedBlock, CheckedEvent, CheckedHeader, EncodedEvent, Params,
    Runtime, Verdict, WorkedHeader, check_event,
};
use blocktree_primitives::BlockHash;
use rayon::prelude::*;
use std::sync::Arc;

/// What blocks of one chain are judged by: the rules of events, those of headers, and genesis.
pub(crate) type Rules<'a, R> = (&'a R, &'a Params, &'a BlockHash);

/// Of each event of a block, the same event as it was checked before, if it was.
pub(crate) type Known<C> = Vec<Option<Arc<CheckedEvent<C>>>>;

/// Takes a block whose proof of work passed up to the fold. `parent`: the branch up to the block
/// before it. `known`: which of its events were checked before; what it returns for others or
/// leaves out costs time and is never believed.
pub(crate) fn check_block<R: Runtime>(
    rules: Rules<'_, R>,
    worked: WorkedHeader,
    block: Candidate<R::Call>,
    parent: &BranchPoint,
    now: u32,
    known: impl FnOnce(&[EncodedEvent<R::Call>]) -> Known<R::Call>,
) -> Verdict<CheckedBlock<R::Call>> {
    let (runtime, _, genesis) = rules;
    let (frame, events) = bind(rules, worked, block, parent, now)?.into_parts();
    let mut known = known(&events);
    known.resize(events.len(), None);
    let check = |(event, known): (EncodedEvent<_>, Option<Arc<CheckedEvent<_>>>)| match known {
        // The very bytes, signatures included, which the id leaves out.
        Some(known) if known.encoded() == event.encoded() => Ok(Arc::unwrap_or_clone(known)),
        _ => check_event(runtime, genesis, event),
    };
    let checked: Vec<_> = events.into_par_iter().zip(known).map(check).collect();
    frame.finish(checked)
}

/// Takes a block up to the fold again that passed all these checks before and was read back from
/// our own store. Its events' signatures are not checked again: that its header covers these
/// events is.
pub(crate) fn recall_block<R: Runtime>(
    rules: Rules<'_, R>,
    block: Candidate<R::Call>,
    parent: &BranchPoint,
) -> Verdict<CheckedBlock<R::Call>> {
    let (runtime, params, genesis) = rules;
    let worked = WorkedHeader::check(params, &block.header)?;
    // Its time was not too far ahead when it was stored.
    let now = block.header.time;
    Ok(bind(rules, worked, block, parent, now)?.recall(runtime, genesis))
}

fn bind<R: Runtime>(
    (runtime, params, _): Rules<'_, R>,
    worked: WorkedHeader,
    block: Candidate<R::Call>,
    parent: &BranchPoint,
    now: u32,
) -> Verdict<BoundBlock<R::Call>> {
    let header = CheckedHeader::check(params, worked, Some(&parent.context), now)?;
    let root = parent.history.root();
    Ok(BoundBlock::bind(runtime, header, block.commitment, block.body, root)?)
}
