//! What goes along with the chain and must not miss a block: the pool.

use crate::Published;
use blocktree_consensus::{CheckedEvent, EncodedEvent, Runtime};
use blocktree_primitives::{BlockHash, Height};
use blocktree_state::{Batch, Fault, View};
use std::sync::Arc;

/// The block that joins or leaves the chain, and the tip after that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The block.
    pub block: BlockHash,
    /// Its height.
    pub height: Height,
    /// The tip after the step: the block itself, or its parent.
    pub tip: BlockHash,
    /// The height of that tip.
    pub tip_height: Height,
}

/// Follows the chain step by step, within its one writer. Whatever must be on disk together with
/// a step goes into `batch`, which is written with the step or not at all; when that fails the
/// node stops, so what is in memory may run ahead.
pub trait Attached<R: Runtime>: Send {
    /// For each of a block's `events`, in their order, the same event as it was checked before on
    /// the chain that begins with `genesis`, if it was; its signatures are then not checked again.
    /// May be cut short: what is missing is checked.
    fn known(
        &self,
        genesis: &BlockHash,
        events: &[EncodedEvent<R::Call>],
    ) -> Vec<Option<Arc<CheckedEvent<R::Call>>>>;

    /// A block is about to join. `state`: the global state after it.
    ///
    /// # Errors
    /// A [`Fault`] stops the node before anything is written.
    fn applying(
        &mut self,
        step: &Step,
        events: &[CheckedEvent<R::Call>],
        state: &dyn View,
        batch: &mut Batch,
    ) -> Result<(), Fault>;

    /// A block is about to leave. `state`: the global state before it, if that is known.
    ///
    /// # Errors
    /// A [`Fault`] stops the node before anything is written.
    fn reverting(
        &mut self,
        step: &Step,
        events: &[CheckedEvent<R::Call>],
        state: Option<&dyn View>,
        batch: &mut Batch,
    ) -> Result<(), Fault>;

    /// A step was written and is published.
    fn published(&mut self, now: &Published);
}

/// Nothing goes along.
pub struct Detached;

impl<R: Runtime> Attached<R> for Detached {
    fn known(
        &self,
        _genesis: &BlockHash,
        _events: &[EncodedEvent<R::Call>],
    ) -> Vec<Option<Arc<CheckedEvent<R::Call>>>> {
        Vec::new()
    }
    fn applying(
        &mut self,
        _step: &Step,
        _events: &[CheckedEvent<R::Call>],
        _state: &dyn View,
        _batch: &mut Batch,
    ) -> Result<(), Fault> {
        Ok(())
    }
    fn reverting(
        &mut self,
        _step: &Step,
        _events: &[CheckedEvent<R::Call>],
        _state: Option<&dyn View>,
        _batch: &mut Batch,
    ) -> Result<(), Fault> {
        Ok(())
    }
    fn published(&mut self, _now: &Published) {}
}
