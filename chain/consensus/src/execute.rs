//! Folding a block's events into the state, for import and for block templates alike
//! (docs/protocol.md §3.10): what the runtime does before the events; the events; what it does
//! after them; the reward last.

use crate::block::CheckedBlock;
use crate::event::CheckedEvent;
use crate::limits::{LimitError, Weights};
use crate::runtime::{Applied, BlockContext, Failure, Runtime};
use crate::violation::{Verdict, Violation};
use blocktree_primitives::{Amount, BlockHash, Principal, StateRoot};
use blocktree_state::{Delta, Fault, Overlay, View};
use std::collections::BTreeMap;

/// Why an event was not applied to the state that it found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError<E: std::error::Error> {
    /// The runtime refuses it.
    #[error(transparent)]
    Refused(E),
    /// The block has no room for it.
    #[error(transparent)]
    NoRoom(LimitError),
}

impl<E: std::error::Error> ApplyError<E> {
    /// What it is for a block that holds the event at `index`.
    #[must_use]
    pub fn at(self, index: usize) -> Violation {
        match self {
            Self::Refused(reason) => Violation::EventRefused { index, reason: reason.to_string() },
            Self::NoRoom(error) => error.at(index),
        }
    }
}

/// A block being folded.
pub struct BlockExecutor<'a, R: Runtime> {
    runtime: &'a R,
    context: BlockContext,
    overlay: Overlay<'a>,
    effects: Vec<R::Effect>,
    fees: Amount,
    weights: Weights,
}

impl<'a, R: Runtime> BlockExecutor<'a, R> {
    /// Begins a block on top of `view`, the state after its parent.
    ///
    /// # Errors
    /// A [`Fault`] only.
    pub fn new(runtime: &'a R, view: &'a dyn View, context: BlockContext) -> Result<Self, Fault> {
        let (mut overlay, mut effects) = (Overlay::new(view), Vec::new());
        runtime.begin_block(&mut overlay, &context, &mut effects)?;
        let (fees, weights) = (Amount::ZERO, Weights::default());
        Ok(Self { runtime, context, overlay, effects, fees, weights })
    }

    /// Applies the next event, or leaves no trace of it.
    ///
    /// # Errors
    /// An [`ApplyError`], or a [`Fault`].
    pub fn apply(
        &mut self,
        event: &CheckedEvent<R::Call>,
    ) -> Result<Applied, Failure<ApplyError<R::Refusal>>> {
        let no_room = |error| Failure::Refused(ApplyError::NoRoom(error));
        let weights = self.weights.with(event.weight()).map_err(no_room)?;
        let fees = self.fees.checked_add(event.event().fee);
        let (start, effects) = (self.overlay.checkpoint(), self.effects.len());
        let id = event.id();
        let result = self
            .runtime
            .apply_event(&mut self.overlay, &self.context, &id, event.event(), &mut self.effects)
            .map_err(|failure| failure.map(ApplyError::Refused))
            .and_then(|applied| {
                // Only the fold knows whether a challenge was pending.
                let weights = if applied.answers_challenges {
                    weights
                } else {
                    weights.with_normal(event.weight()).map_err(no_room)?
                };
                let fees = fees.ok_or_else(|| Fault::Bug("more fees than coin".into()))?;
                Ok((applied, weights, fees))
            });
        match result {
            Ok((applied, weights, fees)) => {
                (self.weights, self.fees) = (weights, fees);
                Ok(applied)
            }
            Err(failure) => {
                self.overlay.rollback(start);
                self.effects.truncate(effects);
                Err(failure)
            }
        }
    }

    /// The weight taken so far.
    #[must_use]
    pub const fn weights(&self) -> Weights {
        self.weights
    }

    /// The fees of the events so far.
    #[must_use]
    pub const fn fees(&self) -> Amount {
        self.fees
    }

    /// The state as it is now.
    #[must_use]
    pub fn state(&self) -> &dyn View {
        &self.overlay
    }

    /// Ends the block, up to the reward.
    ///
    /// # Errors
    /// A [`Fault`] only.
    pub fn end(mut self) -> Result<Unrewarded<'a, R>, Fault> {
        let payout = self.runtime.end_block(&mut self.overlay, &self.context, &mut self.effects)?;
        Ok(Unrewarded { block: self, pool_payout: payout })
    }

    /// Ends the block and rewards `miner`.
    ///
    /// # Errors
    /// A [`Fault`] only.
    pub fn finish(self, miner: &Principal) -> Result<Executed<R::Effect>, Fault> {
        self.end()?.finish(miner)
    }
}

/// A folded block without its reward: for a template, one for any miner.
pub struct Unrewarded<'a, R: Runtime> {
    block: BlockExecutor<'a, R>,
    pool_payout: Amount,
}

impl<R: Runtime> Unrewarded<'_, R> {
    /// What the reward of `miner` changes in the state after all the rest: a key or two.
    ///
    /// # Errors
    /// A [`Fault`] only.
    pub fn reward(&self, miner: &Principal) -> Result<Delta, Fault> {
        let BlockExecutor { runtime, context, overlay, fees, .. } = &self.block;
        let mut reward = Overlay::new(overlay);
        runtime.reward(&mut reward, context, miner, *fees, self.pool_payout)?;
        Ok(reward.into_delta())
    }

    /// The whole block with the reward for `miner`, ready for another miner's.
    ///
    /// # Errors
    /// A [`Fault`] only.
    pub fn executed_for(&self, miner: &Principal) -> Result<Executed<R::Effect>, Fault> {
        let BlockExecutor { overlay, effects, fees, weights, .. } = &self.block;
        Ok(Executed {
            delta: joined(&overlay.delta(), &self.reward(miner)?),
            effects: effects.clone(),
            fees: *fees,
            pool_payout: self.pool_payout,
            weights: *weights,
        })
    }

    /// The whole block with the reward for `miner`.
    ///
    /// # Errors
    /// A [`Fault`] only.
    pub fn finish(self, miner: &Principal) -> Result<Executed<R::Effect>, Fault> {
        let Self { block, pool_payout } = self;
        let BlockExecutor { runtime, context, mut overlay, effects, fees, weights } = block;
        runtime.reward(&mut overlay, &context, miner, fees, pool_payout)?;
        Ok(Executed { delta: overlay.into_delta(), effects, fees, pool_payout, weights })
    }
}

/// One delta after the other, as one.
fn joined(first: &Delta, second: &Delta) -> Delta {
    let clones = first.iter().map(|(key, change)| (key.to_vec(), change.clone()));
    let mut changes: BTreeMap<_, _> = clones.collect();
    for (key, change) in second.iter() {
        match changes.get_mut(key) {
            Some(earlier) => earlier.new.clone_from(&change.new),
            None => {
                changes.insert(key.to_vec(), change.clone());
            }
        }
    }
    Delta::new(changes)
}

/// What a block does to the state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executed<E> {
    /// The changes of the state.
    pub delta: Delta,
    /// What happened, in order, as far as the events don't say it themselves.
    pub effects: Vec<E>,
    /// The fees of all events.
    pub fees: Amount,
    /// What the mint pool paid.
    pub pool_payout: Amount,
    /// The weight of the events.
    pub weights: Weights,
}

/// A block that is valid: folded, with the very state root that it commits to. Only the store
/// is left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutedBlock<C, E> {
    block: CheckedBlock<C>,
    executed: Executed<E>,
}

impl<C, E> ExecutedBlock<C, E> {
    /// Folds a checked block. `view`: the state after its parent; `root_of`: the root of that
    /// state with a delta.
    ///
    /// # Errors
    /// [`Violation::EventRefused`], [`Violation::NormalTooHeavy`] or
    /// [`Violation::WrongStateRoot`]; or a [`Fault`].
    pub fn fold<R: Runtime<Call = C, Effect = E>>(
        runtime: &R,
        view: &dyn View,
        genesis: BlockHash,
        block: CheckedBlock<C>,
        root_of: impl FnOnce(&Delta) -> Result<StateRoot, Fault>,
    ) -> Verdict<Self> {
        let mut executor = BlockExecutor::new(runtime, view, block.context(genesis))?;
        for (index, event) in block.events().iter().enumerate() {
            match executor.apply(event) {
                Ok(_) => {}
                Err(Failure::Refused(error)) => return Err(error.at(index).into()),
                Err(Failure::Fault(fault)) => return Err(fault.into()),
            }
        }
        let executed = executor.finish(&block.commitment().miner)?;
        let (expected, found) = (block.commitment().state_root, root_of(&executed.delta)?);
        if found != expected {
            return Err(Violation::WrongStateRoot { expected, found }.into());
        }
        Ok(Self { block, executed })
    }

    /// The block.
    #[must_use]
    pub const fn block(&self) -> &CheckedBlock<C> {
        &self.block
    }

    /// What it does to the state.
    #[must_use]
    pub const fn executed(&self) -> &Executed<E> {
        &self.executed
    }

    /// Both, to be stored.
    #[must_use]
    pub fn into_parts(self) -> (CheckedBlock<C>, Executed<E>) {
        (self.block, self.executed)
    }
}
