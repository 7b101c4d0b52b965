//! Replaying a chain: everything is judged again from genesis, on an empty ledger, and must lead
//! to the same tip and to the same entries of every column that follows from the best chain.

use crate::importer::Importer;
use crate::pipeline::{ChainReport, Stopped};
use crate::records::ChainReader;
use blocktree_consensus::{AuditError, Body, Candidate, Runtime};
use blocktree_primitives::Height;
use blocktree_state::{Column, Fault, Reader, StateView};
use core::ops::ControlFlow;

/// What is wrong with a chain that was stored.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// A block breaks a rule, or the folder is damaged.
    #[error(transparent)]
    Replay(#[from] Stopped<Fault>),
    /// The replay ends at another tip.
    #[error("the replay ends at {replayed}, the folder's tip is {stored}")]
    OtherTip {
        /// The replay's.
        replayed: String,
        /// The folder's.
        stored: String,
    },
    /// What the folder holds is not what the chain leads to.
    #[error("the stored column {column} differs from the replayed one at key {key}")]
    Differs {
        /// The column's name.
        column: &'static str,
        /// The first key that differs, in hex.
        key: String,
    },
    /// `progress` ended the replay before the folder's tip: nothing is known.
    #[error("ended at block {0}")]
    Ended(Height),
    /// A conservation law does not hold.
    #[error(transparent)]
    Audit(#[from] AuditError),
}

impl From<Fault> for VerifyError {
    fn from(fault: Fault) -> Self {
        Self::Replay(fault.into())
    }
}

/// Columns that follow from the best chain alone.
const FOLLOWING: [Column; 5] =
    [Column::State, Column::Canonical, Column::History, Column::Events, Column::Effects];

/// Replays the best chain of `stored` on `scratch`, an importer on an empty ledger; compares tip,
/// header records and every entry of the columns that follow from the chain, undo records as far
/// as both have them; and audits the pallets' conservation laws. `stored` must not change
/// meanwhile: it is a snapshot.
///
/// # Errors
/// See [`VerifyError`].
pub fn verify<R: Runtime>(
    stored: &dyn Reader,
    scratch: &mut Importer<R>,
    mut progress: impl FnMut(&ChainReport, Height) -> bool,
) -> Result<ChainReport, VerifyError> {
    let mut ended = None;
    let blocks = (1..).map_while(|height| read_block(stored, Height(height)).transpose());
    let report = scratch.import_chain(blocks, u32::MAX, |report, height| {
        let goes_on = progress(report, height);
        ended = (!goes_on).then_some(height);
        goes_on
    })?;
    if let Some(height) = ended {
        return Err(VerifyError::Ended(height));
    }
    let replayed = scratch.shared().published();
    let tip = ChainReader(stored).tip()?;
    if tip != Some(replayed.tip().hash) {
        return Err(VerifyError::OtherTip {
            replayed: replayed.tip().hash.to_string(),
            stored: tip.map_or_else(|| "none".into(), |hash| hash.to_string()),
        });
    }
    for column in FOLLOWING {
        compare(column, stored, &*replayed.snapshot, Absent::Differs)?;
        compare(column, &*replayed.snapshot, stored, Absent::Differs)?;
    }
    // The folder has headers of side branches, too.
    compare(Column::Headers, &*replayed.snapshot, stored, Absent::Differs)?;
    // Each has them as deep as it was told to keep them.
    compare(Column::Undo, stored, &*replayed.snapshot, Absent::Fine)?;
    scratch.runtime.audit(&StateView(stored))?;
    Ok(report)
}

fn read_block<C: parity_scale_codec::Encode + parity_scale_codec::Decode>(
    stored: &dyn Reader,
    height: Height,
) -> Result<Option<Candidate<C>>, Fault> {
    let chain = ChainReader(stored);
    let Some(hash) = chain.canonical(height)? else { return Ok(None) };
    let record = chain.known_header(&hash)?;
    let body = chain
        .body(&hash)?
        .ok_or_else(|| Fault::Corrupt(format!("the body of {hash} is missing")))?;
    let body = Body::decode(&body)
        .map_err(|error| Fault::Corrupt(format!("the body of {hash}: {error}")))?;
    Ok(Some(Candidate { header: record.header, commitment: record.commitment, body }))
}

/// What it means that an entry is in one reader only.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Absent {
    Fine,
    Differs,
}

/// Every entry of `one` is in `other`.
fn compare(
    column: Column,
    one: &dyn Reader,
    other: &dyn Reader,
    absent: Absent,
) -> Result<(), VerifyError> {
    let mut result = Ok(());
    one.scan(column, &[], &mut |key, value| match other.get(column, key) {
        Ok(Some(found)) if found == value => ControlFlow::Continue(()),
        Ok(None) if absent == Absent::Fine => ControlFlow::Continue(()),
        Ok(_) => {
            let key = key.iter().map(|byte| format!("{byte:02x}")).collect();
            result = Err(VerifyError::Differs { column: column.name(), key });
            ControlFlow::Break(())
        }
        Err(fault) => {
            result = Err(fault.into());
            ControlFlow::Break(())
        }
    })?;
    result
}
