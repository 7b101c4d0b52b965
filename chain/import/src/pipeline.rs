//! Importing many blocks in a row: while one block is folded, the next ones are checked.

use crate::branch::BranchPoint;
use crate::checks::check_block;
use crate::importer::{Imported, Importer};
use crate::records::{BlockStatus, ChainReader, HeaderRecord};
use blocktree_consensus::{
    Candidate, CheckedBlock, NotAccepted, NotYet, Runtime, Violation, WorkedHeader,
};
use blocktree_primitives::Height;
use blocktree_state::Fault;
use std::sync::mpsc::sync_channel;

/// Blocks that are checked ahead of the fold at most: enough to keep all cores busy, few enough
/// to keep memory small (a block has 2 MB at most).
const AHEAD: usize = 4;

/// What an import of many blocks did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChainReport {
    /// Blocks that are on the best chain now and were not before.
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
        /// The height that it claims.
        height: Height,
        /// The rule that it breaks.
        violation: Violation,
    },
    /// A block can't be judged yet, or does not join the chain.
    #[error("block {height} can't be used: {reason}")]
    Unusable {
        /// The height that it claims.
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
    /// Not on top of the block before: for the ordinary way.
    Other(Box<Candidate<C>>),
    Known,
    End(Stopped<E>),
}

impl<R: Runtime> Importer<R> {
    /// Imports blocks in order. Blocks that extend the tip are checked on all cores ahead of the
    /// fold; others go the ordinary way. `progress` is called after each block and may end the
    /// import by returning false.
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
                    let last = matches!(checked, Checked::End(_));
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
            Checked::Known => {
                report.known = report.known.saturating_add(1);
                return Ok(());
            }
            Checked::End(stopped) => return Err(stopped),
            Checked::Other(block) => {
                let (height, events) = (block.commitment.height, block.body.events().len());
                (self.import(*block, now)?, height, events)
            }
            Checked::Block(block) => {
                let info = *block.header().info();
                let events = block.events().len();
                let outcome = if block.header().header().parent == self.tip().hash {
                    let record = HeaderRecord {
                        header: *block.header().header(),
                        commitment: *block.commitment(),
                        total_work: info.total_work,
                        status: BlockStatus::Invalid,
                    };
                    self.extend(*block, record)?
                } else {
                    let reason = "the block before it was not accepted".into();
                    return Err(Stopped::Unusable { height: info.height, reason });
                };
                (outcome, info.height, events)
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
        let height = block.commitment.height;
        let refused = |violation| Checked::End(Stopped::Refused { height, violation });
        if block.header.parent != point.context.parent.hash {
            return match ChainReader(&*self.ledger).header(&block.header.hash()) {
                Ok(Some(record)) if record.status == BlockStatus::Stored => Checked::Known,
                Ok(_) => Checked::Other(Box::new(block)),
                Err(fault) => Checked::End(fault.into()),
            };
        }
        let worked = match WorkedHeader::check(&self.params, &block.header) {
            Ok(worked) => worked,
            Err(violation) => return refused(violation),
        };
        let (runtime, params, genesis) = (&*self.runtime, &self.params, &self.genesis);
        let checked = check_block(runtime, params, genesis, worked, block, point, self.now)
            .and_then(|block| Ok((point.then(block.header())?.0, block)));
        match checked {
            Ok((next, block)) => {
                *point = next;
                Checked::Block(Box::new(block))
            }
            Err(NotAccepted::Refused(violation)) => refused(violation),
            Err(NotAccepted::NotYet(reason)) => {
                let reason = NotYet::to_string(&reason);
                Checked::End(Stopped::Unusable { height, reason })
            }
            Err(NotAccepted::Fault(fault)) => Checked::End(fault.into()),
        }
    }
}
