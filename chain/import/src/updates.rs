//! What happened since a cursor: the blocks to revert, then those to apply. A subscriber that
//! keeps its cursor misses nothing, however long it was away.

use crate::records::{BlockStatus, ChainReader};
use blocktree_primitives::{BlockHash, Height};
use blocktree_state::{Fault, Reader};

/// A step from a cursor towards the tip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update {
    /// This block left the best chain; the cursor moves to its parent.
    Revert {
        /// The block that left.
        block: BlockHash,
        /// Its height.
        height: Height,
        /// The new cursor.
        cursor: BlockHash,
    },
    /// This block joined the best chain; the cursor moves to it.
    Apply {
        /// The block that joined, and the new cursor.
        block: BlockHash,
        /// Its height.
        height: Height,
    },
}

impl Update {
    /// Where a subscriber stands after this update.
    #[must_use]
    pub const fn cursor(&self) -> BlockHash {
        match self {
            Self::Revert { cursor, .. } => *cursor,
            Self::Apply { block, .. } => *block,
        }
    }
}

/// Why updates can't be given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UpdatesError {
    /// No block of that hash is known, or it is known to be invalid: it never was part of the
    /// best chain.
    #[error("cursor {0} is no block that this node knows")]
    UnknownCursor(BlockHash),
    /// The disk.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// At most `limit` steps from `cursor` (the last block that the subscriber has seen applied)
/// towards the tip of `reader`'s best chain; none when the subscriber is up to date.
///
/// # Errors
/// See [`UpdatesError`].
pub fn updates_since(
    reader: &dyn Reader,
    cursor: BlockHash,
    limit: usize,
) -> Result<Vec<Update>, UpdatesError> {
    let chain = ChainReader(reader);
    let mut updates = Vec::new();
    let mut at = cursor;
    let mut record = chain
        .header(&at)?
        .filter(|record| record.status == BlockStatus::Stored)
        .ok_or(UpdatesError::UnknownCursor(cursor))?;
    while !chain.is_canonical(&at, record.height())? {
        if updates.len() >= limit {
            return Ok(updates);
        }
        let parent = record.header.parent;
        updates.push(Update::Revert { block: at, height: record.height(), cursor: parent });
        at = parent;
        record = chain.known_header(&at)?;
    }
    let mut next = record.height().next();
    while let Some(height) = next.filter(|_| updates.len() < limit) {
        let Some(block) = chain.canonical(height)? else { break };
        updates.push(Update::Apply { block, height });
        next = height.next();
    }
    Ok(updates)
}
