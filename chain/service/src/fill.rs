//! Which waiting events a template holds.
//!
//! First those that answer challenges, up to the weight that blocks keep for them, so that nobody
//! crowds them out by paying more; then all, best first. Nothing is lost to the miner: what is kept
//! could hold no other event.
//!
//! An event that the state refuses costs its signer nothing. So it takes no room from others
//! either: the walk goes on past it, and the pool keeps it back from the templates to come. Only how
//! many are tried in vain, and how much of the state that reads, is bounded.

use blocktree_consensus::execute::ApplyError;
use blocktree_consensus::limits::{MAX_NORMAL_WEIGHT, MAX_WEIGHT, MIN_EVENT_WEIGHT};
use blocktree_consensus::{BlockExecutor, CheckedEvent, Failure, Runtime, Weight};
use blocktree_mempool::Walk;
use blocktree_primitives::EventId;
use blocktree_state::{Fault, View, Visit};
use core::cell::Cell;
use std::sync::Arc;

/// Events that are copied from the pool at a time: its lock is held for that only.
const STEP: usize = 256;
/// The weight that is kept for events that answer challenges (docs/protocol.md §4.5).
const KEPT_FOR_ANSWERS: Weight = MAX_WEIGHT - MAX_NORMAL_WEIGHT;
/// Events in a row for which a nearly full block has no room, before it counts as full.
const MISSES: usize = 1_000;
/// Events that are tried in vain in each of the two parts.
const TRIES: usize = 4_096;
/// Entries of the state that those may read: about as many as those of a full block.
const READS: u64 = 100_000;

/// A template's events, and who else was looked at.
pub(crate) struct Filled<'a, R: Runtime> {
    /// With all of `taken` applied.
    pub(crate) executor: BlockExecutor<'a, R>,
    pub(crate) taken: Vec<Arc<CheckedEvent<R::Call>>>,
    /// What the state refused, and why.
    pub(crate) refused: Vec<(EventId, String)>,
}

/// Applies what fits of the events that `next` copies from the pool. `state` is what `executor` reads.
///
/// # Errors
/// A [`Fault`] only.
pub(crate) fn fill<'a, R: Runtime>(
    executor: BlockExecutor<'a, R>,
    state: &Counted<'_>,
    next: impl Fn(&mut Walk, usize) -> Vec<Arc<CheckedEvent<R::Call>>>,
) -> Result<Filled<'a, R>, Fault> {
    let mut filled = Filled { executor, taken: Vec::new(), refused: Vec::new() };
    let mut walk = Walk::answers();
    filled.part(&mut walk, KEPT_FOR_ANSWERS, state, &next)?;
    filled.part(&mut walk.rest(), MAX_WEIGHT, state, &next)?;
    Ok(filled)
}

impl<R: Runtime> Filled<'_, R> {
    /// Takes the events of one walk until the block weighs `limit`.
    fn part(
        &mut self,
        walk: &mut Walk,
        limit: Weight,
        state: &Counted<'_>,
        next: impl Fn(&mut Walk, usize) -> Vec<Arc<CheckedEvent<R::Call>>>,
    ) -> Result<(), Fault> {
        let (mut misses, mut tries, mut reads) = (0, 0, 0u64);
        loop {
            let events = next(walk, STEP);
            if events.is_empty() {
                return Ok(());
            }
            for event in events {
                let is_full = self.executor.weights().all() > limit - MIN_EVENT_WEIGHT;
                if is_full || misses >= MISSES || tries >= TRIES || reads >= READS {
                    return Ok(());
                }
                if !walk.stands(&event) {
                    continue;
                }
                if !self.has_room(&event, limit) {
                    misses += 1;
                    walk.no_room(&event);
                    continue;
                }
                let before = state.reads();
                match self.executor.apply(&event) {
                    Ok(_) => {
                        misses = 0;
                        walk.took(&event);
                        self.taken.push(event);
                        continue;
                    }
                    Err(Failure::Fault(fault)) => return Err(fault),
                    Err(Failure::Refused(ApplyError::NoRoom(_))) => walk.no_room(&event),
                    Err(Failure::Refused(ApplyError::Refused(reason))) => {
                        walk.refused(&event);
                        self.refused.push((event.id(), reason.to_string()));
                    }
                }
                tries += 1;
                reads = reads.saturating_add(state.reads().saturating_sub(before));
            }
        }
    }

    /// Whether the event fits, as far as can be told without applying it.
    fn has_room(&self, event: &CheckedEvent<R::Call>, limit: Weight) -> bool {
        let (weights, weight) = (self.executor.weights(), event.weight());
        weights.with(weight).is_ok_and(|with| {
            with.all() <= limit && (event.may_answer() || with.with_normal(weight).is_ok())
        })
    }
}

/// A state that counts how many of its entries are read.
pub(crate) struct Counted<'v> {
    view: &'v dyn View,
    reads: Cell<u64>,
}

impl<'v> Counted<'v> {
    pub(crate) const fn new(view: &'v dyn View) -> Self {
        Self { view, reads: Cell::new(0) }
    }

    fn reads(&self) -> u64 {
        self.reads.get()
    }

    fn count(&self) {
        self.reads.set(self.reads.get().saturating_add(1));
    }
}

impl View for Counted<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        self.count();
        self.view.get(key)
    }

    fn scan(&self, from: &[u8], visit: Visit<'_>) -> Result<(), Fault> {
        self.view.scan(from, &mut |key, value| {
            self.count();
            visit(key, value)
        })
    }
}
