//! From one branch to another, step by step. Every step is a commit of its own; the journey is
//! noted before the first and cleared after the last, so that a killed node finishes by itself.

use crate::commit::NotReverted;
use crate::importer::{Imported, Importer};
use crate::records::{BlockStatus, ChainReader, ChainWriter, HeaderRecord, Journey};
use blocktree_consensus::{Blame, NotAccepted, Runtime, Violation};
use blocktree_primitives::{BlockHash, Height};
use blocktree_state::{Batch, Durability, Fault};

/// The way from the tip to another block.
struct Route {
    /// The last block that both branches share.
    ancestor: Height,
    /// Blocks to apply, the first one on top of the ancestor.
    apply: Vec<BlockHash>,
}

impl<R: Runtime> Importer<R> {
    /// Makes the stored block `target` the tip. If a block on the way turns out invalid, goes
    /// back to where it came from, unless the blocks before the invalid one are more work.
    pub(crate) fn reorganise(&mut self, target: BlockHash) -> Result<Imported, Fault> {
        let journey = Journey { origin: self.tip().hash, target };
        self.note(Some(&journey))?;
        self.travel(journey)
    }

    /// Finishes what a kill cut short.
    pub(crate) fn finish_reorganisation(&mut self) -> Result<(), Fault> {
        let Some(journey) = ChainReader(&*self.ledger).journey()? else { return Ok(()) };
        tracing::info!(target = %journey.target, "finishing a reorganisation that was cut short");
        match self.travel(journey)? {
            Imported::NewTip { .. } => {}
            other => tracing::warn!(target = %journey.target, ?other, "the branch is not usable"),
        }
        Ok(())
    }

    /// Goes on a journey that is noted.
    pub(crate) fn travel(&mut self, journey: Journey) -> Result<Imported, Fault> {
        let target = journey.target;
        let Some(route) = self.route(&target)? else {
            self.go_back(&journey)?;
            return Ok(Imported::KnownInvalid(target));
        };
        let from = self.tip().height;
        let reverted = from.0.saturating_sub(route.ancestor.0);
        if reverted > 0 {
            tracing::info!(to = %target, depth = reverted, "reorganising");
        }
        match self.walk(&route)? {
            None => {
                self.note(None)?;
                Ok(Imported::NewTip { hash: target, reverted })
            }
            Some((index, violation)) => {
                self.mark_invalid(route.apply.get(index..).unwrap_or_default())?;
                self.go_back(&journey)?;
                Ok(Imported::Refused(violation))
            }
        }
    }

    /// Returns to the origin of a journey whose target is invalid. The journey stays noted until
    /// then: a kill on the way finds an invalid target again and returns, too.
    fn go_back(&mut self, journey: &Journey) -> Result<(), Fault> {
        let origin = ChainReader(&*self.ledger).known_header(&journey.origin)?;
        if self.tip().total_work <= origin.total_work && self.tip().hash != journey.origin {
            let route = self.route(&journey.origin)?;
            let route = route.ok_or_else(|| Fault::Bug("the former tip is invalid".into()))?;
            if let Some((_, violation)) = self.walk(&route)? {
                let what = format!("the former best chain is refused now: {violation}");
                return Err(Fault::Bug(what));
            }
        }
        self.note(None)
    }

    /// Takes back `count` blocks, for an operator; their events wait again. Stops at genesis,
    /// or where undo records end. Returns how many were taken back.
    ///
    /// # Errors
    /// A [`Fault`] only.
    pub fn revert(&mut self, count: u64) -> Result<u64, Fault> {
        let mut done = 0;
        while done < count && self.tip().height > Height::GENESIS {
            match self.revert_tip() {
                Ok(()) => done = done.saturating_add(1),
                Err(NotReverted::NoUndo) => break,
                Err(NotReverted::Fault(fault)) => return Err(fault),
            }
        }
        Ok(done)
    }

    /// The way to a stored block; `None` if it or one of its ancestors is invalid, and then so
    /// are, from now on, all blocks between.
    fn route(&self, target: &BlockHash) -> Result<Option<Route>, Fault> {
        let chain = ChainReader(&*self.ledger);
        let (mut at, mut apply) = (*target, Vec::new());
        loop {
            let record = chain.known_header(&at)?;
            if record.status == BlockStatus::Invalid {
                self.mark_invalid(&apply)?;
                return Ok(None);
            }
            if chain.is_canonical(&at, record.height())? {
                apply.reverse();
                return Ok(Some(Route { ancestor: record.height(), apply }));
            }
            apply.push(at);
            at = record.header.parent;
        }
    }

    /// Walks a route. Stops at the first block that is refused, and returns its place among
    /// [`Route::apply`]; then the tip is the block before it.
    fn walk(&mut self, route: &Route) -> Result<Option<(usize, Violation)>, Fault> {
        while self.tip().height > route.ancestor {
            match self.revert_tip() {
                Ok(()) => {}
                Err(NotReverted::NoUndo) => {
                    self.refold(route.ancestor)?;
                    break;
                }
                Err(NotReverted::Fault(fault)) => return Err(fault),
            }
        }
        for (index, hash) in route.apply.iter().enumerate() {
            if let Some(violation) = self.apply_stored(hash)? {
                return Ok(Some((index, violation)));
            }
        }
        Ok(None)
    }

    fn note(&self, journey: Option<&Journey>) -> Result<(), Fault> {
        let mut batch = Batch::new();
        batch.put_journey(journey);
        self.ledger.write(batch, Durability::Process)
    }

    fn mark_invalid(&self, blocks: &[BlockHash]) -> Result<(), Fault> {
        let mut batch = Batch::new();
        for hash in blocks {
            let record = ChainReader(&*self.ledger).known_header(hash)?;
            batch.put_header(hash, &HeaderRecord { status: BlockStatus::Invalid, ..record });
        }
        self.ledger.write(batch, Durability::Process)
    }

    /// Folds a stored block on top of the tip, its parent. Returns its violation if it is
    /// refused.
    pub(crate) fn apply_stored(&mut self, hash: &BlockHash) -> Result<Option<Violation>, Fault> {
        let record = ChainReader(&*self.ledger).known_header(hash)?;
        let block = self.recall(&record, hash, &self.tip)?;
        match self.apply_on_tip(block, false) {
            Ok(()) => Ok(None),
            Err(NotAccepted::Fault(fault)) => Err(fault),
            Err(NotAccepted::Refused(violation)) if violation.blame() == Blame::Block => {
                Ok(Some(violation))
            }
            Err(other) => Err(Fault::Bug(format!("the fold of block {hash}: {other}"))),
        }
    }
}
