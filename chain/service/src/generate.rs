//! Blocks on demand, for development chains: easy targets, no waiting.

use crate::chain::Stopped;
use crate::{Chain, TemplateError};
use blocktree_consensus::{Difficulty, Runtime};
use blocktree_import::Imported;
use blocktree_primitives::{BlockHash, Principal};

/// Blocks of one request at most.
pub const MAX_GENERATED: u32 = 10_000;

/// Why no blocks were made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GenerateError {
    /// Not a chain of constant, easy difficulty.
    #[error("blocks are made on demand on a development chain only")]
    NotADevelopmentChain,
    /// Too many at once.
    #[error("{0} blocks asked for, at most {MAX_GENERATED} at once")]
    TooMany(u32),
    /// No template.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A block was not accepted.
    #[error("the block was not accepted: {0}")]
    NotAccepted(String),
    /// The node is stopping.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

impl<R: Runtime> Chain<R> {
    /// Mines `count` blocks at once, their rewards to `miner`. Blocks the calling thread.
    ///
    /// # Errors
    /// See [`GenerateError`]; blocks made before stay.
    pub fn generate(&self, count: u32, miner: &Principal) -> Result<Vec<BlockHash>, GenerateError> {
        if self.params().difficulty != Difficulty::Constant {
            return Err(GenerateError::NotADevelopmentChain);
        }
        if count > MAX_GENERATED {
            return Err(GenerateError::TooMany(count));
        }
        let mut made = Vec::new();
        while made.len() < usize::try_from(count).unwrap_or(usize::MAX) {
            let template = self.template(miner)?;
            let mut header = template.header;
            while !template.target.is_met_by(&header.hash()) {
                header.nonce = header.nonce.wrapping_add(1);
            }
            let block = template.solved(header, template.commitment)?;
            match self.import_blocking(block)? {
                Imported::NewTip { hash, .. } => made.push(hash),
                // Another miner was faster, perhaps with the very same block; this one builds on
                // what is there now.
                Imported::Side(_) | Imported::Known(_) => {}
                other => return Err(GenerateError::NotAccepted(format!("{other:?}"))),
            }
        }
        Ok(made)
    }
}
