//! The order in which a template takes events.

use crate::index::Index;
use crate::lane::{Entry, Head, Lane, head_of};
use blocktree_consensus::CheckedEvent;
use core::iter::{Peekable, Rev};
use std::collections::{BinaryHeap, btree_set};
use std::sync::Arc;

/// Waiting events for a template: of each signer only the next by nonce stands for choice, and of
/// those the one with the highest fee per weight comes first, the earlier among equals. What waits
/// for a missing nonce, and what templates refused lately, does not come, nor what is behind it.
///
/// The order is made while it is walked: each step costs the logarithm of the number of signers,
/// however many events wait.
///
/// When the event that came last is not taken, because it is refused or has no room, say so with
/// [`Best::skip_signer`]: those behind it would be refused as well.
#[derive(Debug)]
pub struct Best<'p, C> {
    index: &'p Index<C>,
    heads: Peekable<Rev<btree_set::Iter<'p, Head>>>,
    /// The events behind those that came.
    behind: BinaryHeap<Next<'p, C>>,
    came: Option<Next<'p, C>>,
}

#[derive(Debug)]
struct Next<'p, C> {
    place: Head,
    lane: &'p Lane<C>,
    entry: &'p Entry<C>,
}

impl<'p, C> Best<'p, C> {
    pub(crate) fn new(index: &'p Index<C>) -> Self {
        Self {
            index,
            heads: index.lists.heads.iter().rev().peekable(),
            behind: BinaryHeap::new(),
            came: None,
        }
    }

    /// The event that came last is not taken: those behind it don't come.
    pub fn skip_signer(&mut self) {
        self.came = None;
    }

    fn next_head(&mut self) -> Option<Next<'p, C>> {
        let place = *self.heads.next()?;
        let lane = self.index.lanes.get(&place.author)?;
        let entry = lane.offer(lane.account.nonce)?;
        Some(Next { place, lane, entry })
    }
}

impl<'p, C> Iterator for Best<'p, C> {
    type Item = &'p Arc<CheckedEvent<C>>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(came) = self.came.take()
            && let Some(nonce) = came.entry.event.event().nonce.checked_add(1)
            && let Some(entry) = came.lane.offer(nonce)
        {
            let (place, lane) = (head_of(entry), came.lane);
            self.behind.push(Next { place, lane, entry });
        }
        let next = match (self.heads.peek(), self.behind.peek()) {
            (Some(head), Some(behind)) if **head < behind.place => self.behind.pop(),
            (None, _) => self.behind.pop(),
            _ => self.next_head(),
        }?;
        let event = &next.entry.event;
        self.came = Some(next);
        Some(event)
    }
}

impl<C> Ord for Next<'_, C> {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        self.place.cmp(&other.place)
    }
}

impl<C> PartialOrd for Next<'_, C> {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<C> PartialEq for Next<'_, C> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<C> Eq for Next<'_, C> {}
