//! Replaying a chain: everything is judged again from genesis, on an empty ledger, and must lead
//! to the same roots and the same state.

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
    /// The folder's flat state is not what the chain leads to.
    #[error("the stored state differs from the replayed one at key {0}")]
    OtherState(String),
    /// A conservation law does not hold.
    #[error(transparent)]
    Audit(#[from] AuditError),
}

impl From<Fault> for VerifyError {
    fn from(fault: Fault) -> Self {
        Self::Replay(fault.into())
    }
}

/// Replays the best chain of `stored` on `scratch`, an importer on an empty ledger; compares tip
/// and every pair of the state; and audits the pallets' conservation laws.
///
/// # Errors
/// See [`VerifyError`].
pub fn verify<R: Runtime>(
    stored: &dyn Reader,
    scratch: &mut Importer<R>,
    progress: impl FnMut(&ChainReport, Height) -> bool,
) -> Result<ChainReport, VerifyError> {
    let blocks = (1..).map_while(|height| read_block(stored, Height(height)).transpose());
    let report = scratch.import_chain(blocks, u32::MAX, progress)?;
    let replayed = scratch.shared().published();
    let tip = ChainReader(stored).tip()?;
    if tip != Some(replayed.tip().hash) {
        return Err(VerifyError::OtherTip {
            replayed: replayed.tip().hash.to_string(),
            stored: tip.map_or_else(|| "none".into(), |hash| hash.to_string()),
        });
    }
    compare(stored, &*replayed.snapshot)?;
    compare(&*replayed.snapshot, stored)?;
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

/// Every pair of `one` is in `other`.
fn compare(one: &dyn Reader, other: &dyn Reader) -> Result<(), VerifyError> {
    let mut result = Ok(());
    one.scan(Column::State, &[], &mut |key, value| match other.get(Column::State, key) {
        Ok(Some(found)) if found == value => ControlFlow::Continue(()),
        Ok(_) => {
            let hex = key.iter().map(|byte| format!("{byte:02x}")).collect();
            result = Err(VerifyError::OtherState(hex));
            ControlFlow::Break(())
        }
        Err(fault) => {
            result = Err(fault.into());
            ControlFlow::Break(())
        }
    })?;
    result
}
