//! What became of an event, as far as the pool knows.

use crate::{Dropped, Pool};
use blocktree_consensus::CheckedEvent;
use blocktree_primitives::{EventId, Height};
use std::sync::Arc;

/// Where an event is that the pool took in once. Of mined events the chain tells.
#[derive(Clone, Debug)]
pub enum Status<'p, C> {
    /// It waits.
    Waiting {
        /// The event.
        event: &'p Arc<CheckedEvent<C>>,
        /// What for.
        progress: Progress<'p>,
    },
    /// It left without being mined.
    Dropped(&'p Dropped),
}

/// What a waiting event waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress<'p> {
    /// For a block with room for it.
    Ready,
    /// For an event of the same signer that nobody sent yet.
    MissingNonce(u64),
    /// For an event of the same signer before it, which templates refused.
    Behind(EventId),
    /// For the chain to change, because templates refused it, or the event whose nonce it took
    /// over.
    Refused {
        /// Why, at the last attempt.
        reason: &'p str,
        /// How often.
        attempts: u32,
        /// The tip from which on it is tried again.
        retry_from: Height,
    },
}

impl<C> Pool<C> {
    /// What became of an event: it waits, or it left for a reason that is still remembered. `None`
    /// of one that never came, was mined, or left long ago.
    #[must_use]
    pub fn status(&self, id: &EventId) -> Option<Status<'_, C>> {
        let Some(event) = self.index.lists.by_id.get(id) else {
            return self.drops.get(id).map(Status::Dropped);
        };
        let progress = self.progress(event);
        Some(Status::Waiting { event, progress })
    }

    fn progress(&self, event: &CheckedEvent<C>) -> Progress<'_> {
        let Some(lane) = self.index.lanes.get(&event.author()) else {
            return Progress::Ready;
        };
        let mut expected = lane.account.nonce;
        for (&nonce, entry) in lane.entries.range(..=event.event().nonce) {
            if nonce != expected {
                return Progress::MissingNonce(expected);
            }
            match &entry.refused {
                Some(refused) if nonce == event.event().nonce => {
                    return Progress::Refused {
                        reason: &refused.reason,
                        attempts: refused.attempts,
                        retry_from: refused.retry_from,
                    };
                }
                Some(_) => return Progress::Behind(entry.event.id()),
                None => expected = expected.saturating_add(1),
            }
        }
        Progress::Ready
    }
}
