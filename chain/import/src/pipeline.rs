//! Importing many blocks in a row: while one block is folded, the next ones are checked.

use crate::branch::BranchPoint;
use crate::checks::check_block;
use crate::importer::{Imported, Importer, Worth, record_of};
use crate::records::{BlockStatus, ChainReader, HeaderRecord};
use blocktree_consensus::{
    Candidate, CheckedBlock, NotAccepted, NotYet, Runtime, Violation, WorkedHeader,
};
use blocktree_primitives::Height;
use blocktree_state::Fault;
use std::sync::mpsc::sync_channel;

/// Checked blocks that wait for the fold at most, beside the one that is being checked: enough to
/// keep all cores busy, and few, because at the end the fold is alone with them.
const AHEAD: usize = 2;

/// What an import of many blocks did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChainReport {
    /// Blocks that were taken in: onto the best chain, or beside it as far as its branch has not
    /// the most work.
    pub blocks: u64,
    /// Their events.
    pub events: u64,
    /// Blocks that were known already.
    pub known: u64,
}

/// Why an import of many blocks ended early.
#[derive(Debug, thiserror::Error)]
pub enum Stopped<E: std::error::Error> {
    /// The source failed.
    #[error(transparent)]
    Source(E),
    /// A block was refused.
    #[error("block {height} is refused: {violation}")]
    Refused {
        /// Its height: one more than its parent's.
        height: Height,
        /// The rule that it breaks.
        violation: Violation,
    },
    /// A block can't be judged yet, or does not join the chain.
    #[error("block {height} can't be used: {reason}")]
    Unusable {
        /// Its height, one more than its parent's; the one that it claims if its parent is not known.
        height: Height,
        /// Why.
        reason: String,
    },
    /// The disk.
    #[error(transparent)]
    Fault(#[from] Fault),
}

enum Checked<C, E: std::error::Error> {
    Block(Box<CheckedBlock<C>>),
    /// Known, or on top of one that is not: for the ordinary way.
    Other(Box<Candidate<C>>),
    /// Broke a rule.
    Refused(Box<HeaderRecord>, Height, Violation),
    End(Stopped<E>),
}

impl<R: Runtime> Importer<R> {
    /// Imports blocks in order, from a file or along headers that were shown to be worth it: how
    /// little work the first ones have does not count ([`Worth::Chosen`]). They are checked on all
    /// cores ahead of the fold. `progress` is called after each block and may end the import by
    /// returning false.
    ///
    /// # Errors
    /// See [`Stopped`]; what was imported before stays.
    pub fn import_chain<E: std::error::Error + Send>(
        &mut self,
        blocks: impl Iterator<Item = Result<Candidate<R::Call>, E>> + Send,
        now: u32,
        mut progress: impl FnMut(&ChainReport, Height) -> bool,
    ) -> Result<ChainReport, Stopped<E>> {
        let mut report = ChainReport::default();
        let checker = Checker {
            runtime: self.runtime.clone(),
            params: self.params,
            genesis: self.genesis,
            ledger: self.ledger.clone(),
            now,
        };
        let start = self.tip.clone();
        std::thread::scope(|scope| {
            let (sender, receiver) = sync_channel(AHEAD);
            scope.spawn(move || {
                let mut point = start;
                for block in blocks {
                    let checked = match block {
                        Ok(block) => checker.check(block, &mut point),
                        Err(error) => Checked::End(Stopped::Source(error)),
                    };
                    let last = matches!(checked, Checked::End(_) | Checked::Refused(..));
                    if sender.send(checked).is_err() || last {
                        return;
                    }
                }
            });
            for checked in receiver {
                self.fold_checked(checked, now, &mut report)?;
                if !progress(&report, self.tip().height) {
                    break;
                }
            }
            Ok(report)
        })
    }

    fn fold_checked<E: std::error::Error>(
        &mut self,
        checked: Checked<R::Call, E>,
        now: u32,
        report: &mut ChainReport,
    ) -> Result<(), Stopped<E>> {
        let (outcome, height, events) = match checked {
            Checked::End(stopped) => return Err(stopped),
            Checked::Refused(record, height, violation) => {
                let hash = record.header.hash();
                (self.not_accepted(violation.into(), hash, &record)?, height, 0)
            }
            Checked::Other(block) => {
                // What the block itself says is not checked yet.
                let parent = ChainReader(&*self.ledger).header(&block.header.parent)?;
                let height = parent
                    .and_then(|parent| parent.height().next())
                    .unwrap_or(block.commitment.height);
                let events = block.body.events().len();
                (self.import_as(*block, Worth::Chosen, now)?, height, events)
            }
            Checked::Block(block) => {
                let (height, events) = (block.header().info().height, block.events().len());
                (self.import_checked(*block)?, height, events)
            }
        };
        match outcome {
            Imported::NewTip { .. } | Imported::Side(_) => {
                report.blocks = report.blocks.saturating_add(1);
                report.events =
                    report.events.saturating_add(u64::try_from(events).unwrap_or(u64::MAX));
                Ok(())
            }
            Imported::Known(_) => {
                report.known = report.known.saturating_add(1);
                Ok(())
            }
            Imported::Refused(violation) => Err(Stopped::Refused { height, violation }),
            Imported::NotYet(reason) => {
                Err(Stopped::Unusable { height, reason: reason.to_string() })
            }
            Imported::KnownInvalid(_) => {
                let reason = "it, or a block before it, was refused earlier".into();
                Err(Stopped::Unusable { height, reason })
            }
            Imported::TooLittleWork(_) => {
                let reason = "its branch has far less work than the best chain".into();
                Err(Stopped::Unusable { height, reason })
            }
        }
    }
}

impl<R: Runtime> Importer<R> {
    /// Takes in a block whose parent is stored, or was when the block was checked.
    fn import_checked(&mut self, block: CheckedBlock<R::Call>) -> Result<Imported, Fault> {
        let (parent, info) = (block.header().header().parent, *block.header().info());
        if parent == self.tip().hash {
            let record = record_of(&block, BlockStatus::Invalid);
            return self.extend(block, record);
        }
        let chain = ChainReader(&*self.ledger);
        // The checker is ahead of the fold: what came twice in a row was not stored yet.
        match chain.header(&info.hash)?.map(|record| record.status) {
            Some(BlockStatus::Invalid) => return Ok(Imported::KnownInvalid(info.hash)),
            Some(BlockStatus::Stored) => return Ok(Imported::Known(info.hash)),
            None => {}
        }
        match chain.known_header(&parent)?.status {
            BlockStatus::Invalid => Ok(Imported::KnownInvalid(info.hash)),
            BlockStatus::Stored => {
                let point = self.point(&parent)?;
                self.store_side(block, &point)
            }
        }
    }
}

/// Checks blocks without the importer, which is busy folding.
struct Checker<R: Runtime> {
    runtime: std::sync::Arc<R>,
    params: blocktree_consensus::Params,
    genesis: blocktree_primitives::BlockHash,
    ledger: std::sync::Arc<dyn blocktree_state::Ledger>,
    now: u32,
}

impl<R: Runtime> Checker<R> {
    fn check<E: std::error::Error>(
        &self,
        block: Candidate<R::Call>,
        point: &mut BranchPoint,
    ) -> Checked<R::Call, E> {
        match self.find_point(&block, point) {
            Ok(true) => {}
            Ok(false) => return Checked::Other(Box::new(block)),
            Err(fault) => return Checked::End(fault.into()),
        }
        let height = point.context.parent.height.next().unwrap_or(block.commitment.height);
        let mut record = HeaderRecord {
            header: block.header,
            commitment: block.commitment,
            total_work: point.context.parent.total_work,
            status: BlockStatus::Invalid,
        };
        let rules = (&*self.runtime, &self.params, &self.genesis);
        let checked = WorkedHeader::check(&self.params, &block.header)
            .map_err(NotAccepted::from)
            .and_then(|worked| {
                record.total_work = record.total_work.saturating_add(worked.work());
                check_block(rules, worked, block, point, self.now, |_| Vec::new())
            })
            .and_then(|block| Ok((point.then(block.header())?.0, block)));
        match checked {
            Ok((next, block)) => {
                *point = next;
                Checked::Block(Box::new(block))
            }
            Err(NotAccepted::Refused(violation)) => {
                Checked::Refused(Box::new(record), height, violation)
            }
            Err(NotAccepted::NotYet(reason)) => {
                let reason = NotYet::to_string(&reason);
                Checked::End(Stopped::Unusable { height, reason })
            }
            Err(NotAccepted::Fault(fault)) => Checked::End(fault.into()),
        }
    }

    /// Moves `point` to the block's parent. False if it is not stored, or the block is known.
    fn find_point(
        &self,
        block: &Candidate<R::Call>,
        point: &mut BranchPoint,
    ) -> Result<bool, Fault> {
        let parent = block.header.parent;
        if parent == point.context.parent.hash {
            return Ok(true);
        }
        // All at one moment: the chain moves meanwhile.
        let snapshot = self.ledger.snapshot();
        let chain = ChainReader(&*snapshot);
        let stored = chain.header(&parent)?.is_some_and(|r| r.status == BlockStatus::Stored);
        if !stored || chain.header(&block.header.hash())?.is_some() {
            return Ok(false);
        }
        let found = BranchPoint::of(&*snapshot, &parent)?;
        Ok(found.map(|found| *point = found).is_some())
    }
}
