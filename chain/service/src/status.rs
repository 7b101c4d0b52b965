//! Where an event is.

use crate::Chain;
use blocktree_consensus::{CheckedEvent, Runtime};
use blocktree_import::ChainReader;
use blocktree_mempool::{Progress, Status};
use blocktree_primitives::{BlockHash, EventId, Height};
use blocktree_state::Fault;
use std::sync::Arc;

/// Where an event is, as this node knows.
#[derive(Clone, Debug)]
pub enum EventStatus<C> {
    /// On the best chain.
    InBlock {
        /// The block.
        block: BlockHash,
        /// Its height.
        height: Height,
        /// The event's place in it, from 0.
        index: u32,
        /// Blocks from there to the tip, both included: 1 in the tip itself.
        depth: u64,
    },
    /// In the pool.
    Waiting {
        /// The event.
        event: Arc<CheckedEvent<C>>,
        /// What for, in words; `None` if for nothing but a block.
        waits_for: Option<String>,
    },
    /// It was in the pool and left it.
    Dropped {
        /// The named reason.
        reason: String,
    },
    /// Never seen, or dropped so long ago that the reason is forgotten.
    Unknown,
}

impl<R: Runtime> Chain<R> {
    /// Where an event is: the chain is asked first.
    ///
    /// # Errors
    /// A [`Fault`] only.
    pub fn event_status(&self, id: &EventId) -> Result<EventStatus<R::Call>, Fault> {
        if let Some(found) = self.on_chain(id)? {
            return Ok(found);
        }
        let waiting = {
            let pool = self.pool();
            match pool.status(id) {
                Some(Status::Waiting { event, progress }) => {
                    let event = Arc::clone(event);
                    Some(EventStatus::Waiting { event, waits_for: in_words(&progress) })
                }
                Some(Status::Dropped(reason)) => {
                    Some(EventStatus::Dropped { reason: reason.to_string() })
                }
                None => None,
            }
        };
        match waiting {
            Some(EventStatus::Waiting { .. }) => Ok(waiting.unwrap_or(EventStatus::Unknown)),
            // It may have been mined between the two looks.
            other => Ok(self.on_chain(id)?.or(other).unwrap_or(EventStatus::Unknown)),
        }
    }

    fn on_chain(&self, id: &EventId) -> Result<Option<EventStatus<R::Call>>, Fault> {
        let published = self.published();
        let chain = ChainReader(&*published.snapshot);
        let Some(place) = chain.event(id)? else { return Ok(None) };
        let block = chain
            .canonical(place.height)?
            .ok_or_else(|| Fault::Corrupt(format!("no block at height {}", place.height)))?;
        let depth = published.tip().height.0.saturating_sub(place.height.0).saturating_add(1);
        let (height, index) = (place.height, place.index);
        Ok(Some(EventStatus::InBlock { block, height, index, depth }))
    }
}

fn in_words(progress: &Progress<'_>) -> Option<String> {
    match progress {
        Progress::Ready => None,
        Progress::MissingNonce(nonce) => Some(format!("the signer's event with nonce {nonce}")),
        Progress::Behind(id) => Some(format!("event {id}, which no block could hold so far")),
        Progress::Refused { reason, attempts, retry_from } => Some(format!(
            "a block that can hold it; {attempts} could not: {reason}; \
             tried again from height {retry_from}"
        )),
    }
}
