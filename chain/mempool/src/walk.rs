//! The way through the waiting events when a block is filled.

use crate::Pool;
use crate::index::Index;
use crate::lane::{Entry, Head, Lane, head_of};
use blocktree_consensus::CheckedEvent;
use blocktree_primitives::Principal;
use core::ops::Bound;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::Arc;

/// Where a template is on its way through the waiting events, best first (see [`Best`](crate::Best)
/// for the order). It borrows nothing: the pool may change between two steps, of which
/// [`Pool::walk`] takes a few at a time.
///
/// Events come as if all of them were taken. Who fills a block asks before each whether it
/// [stands](Walk::stands), and tells what became of it: [`took`](Walk::took),
/// [`refused`](Walk::refused) or [`no_room`](Walk::no_room).
///
/// A block keeps room for events that answer challenges (docs/protocol.md §4.5), so there are two
/// parts: [`Walk::answers`] goes through those alone, as far as nothing of their signers is
/// before them; [`Walk::rest`] then through all, from where each signer stands.
#[derive(Clone, Debug)]
pub struct Walk {
    answers_only: bool,
    /// Whether the signers that stand somewhere from the part before are among those behind.
    begun: bool,
    /// Listed heads from here on came.
    below: Option<Head>,
    /// The events behind those that came.
    behind: BinaryHeap<Head>,
    /// The next nonce of each signer of whom events were taken.
    next: BTreeMap<Principal, u64>,
    /// Signers of whom one was refused.
    refused: BTreeSet<Principal>,
    /// Signers of whom one had no room in this part.
    skipped: BTreeSet<Principal>,
}

impl Walk {
    /// Through the events that may answer challenges.
    #[must_use]
    pub fn answers() -> Self {
        Self { answers_only: true, ..Self::all() }
    }

    /// Through all events.
    #[must_use]
    pub const fn all() -> Self {
        Self {
            answers_only: false,
            begun: false,
            below: None,
            behind: BinaryHeap::new(),
            next: BTreeMap::new(),
            refused: BTreeSet::new(),
            skipped: BTreeSet::new(),
        }
    }

    /// Through all events but those that were taken, and those of signers one of whose was refused.
    #[must_use]
    pub fn rest(self) -> Self {
        Self { next: self.next, refused: self.refused, ..Self::all() }
    }

    /// Whether an event that came is to be tried: those before it were taken.
    #[must_use]
    pub fn stands<C>(&self, event: &CheckedEvent<C>) -> bool {
        let author = event.author();
        self.may_come(&author)
            && self.next.get(&author).is_none_or(|next| *next == event.event().nonce)
    }

    /// The event is in the block.
    pub fn took<C>(&mut self, event: &CheckedEvent<C>) {
        self.next.insert(event.author(), event.event().nonce.saturating_add(1));
    }

    /// The event was refused: its signer's next ones would be as well.
    pub fn refused<C>(&mut self, event: &CheckedEvent<C>) {
        self.refused.insert(event.author());
    }

    /// There is no room for the event, and so no place for its signer's next ones in this part.
    pub fn no_room<C>(&mut self, event: &CheckedEvent<C>) {
        self.skip(event.author());
    }

    pub(crate) fn skip(&mut self, author: Principal) {
        self.skipped.insert(author);
    }

    fn may_come(&self, author: &Principal) -> bool {
        !self.skipped.contains(author) && !self.refused.contains(author)
    }

    /// The next event. Costs the logarithm of the number of signers.
    pub(crate) fn step<'p, C>(&mut self, index: &'p Index<C>) -> Option<&'p Arc<CheckedEvent<C>>> {
        if !self.begun {
            self.begun = true;
            let places: Vec<Head> = self
                .next
                .iter()
                .filter_map(|(author, nonce)| {
                    self.offer(index.lanes.get(author)?, *nonce).map(head_of)
                })
                .collect();
            self.behind.extend(places);
        }
        loop {
            let place = self.next_place(index)?;
            let author = &place.author;
            if !self.may_come(author) {
                continue;
            }
            // The pool may have changed since the place was noted.
            let Some(lane) = index.lanes.get(author) else {
                continue;
            };
            let Some(entry) = self.offer(lane, place.nonce) else {
                continue;
            };
            let after = place.nonce.checked_add(1).and_then(|nonce| self.offer(lane, nonce));
            self.behind.extend(after.map(head_of));
            return Some(&entry.event);
        }
    }

    fn next_place<C>(&mut self, index: &Index<C>) -> Option<Head> {
        let listed = match self.answers_only {
            true => &index.lists.answers,
            false => &index.lists.heads,
        };
        loop {
            let below = self.below.map_or(Bound::Unbounded, Bound::Excluded);
            let head = listed.range((Bound::Unbounded, below)).next_back();
            match (head, self.behind.peek()) {
                (Some(head), Some(behind)) if head < behind => return self.behind.pop(),
                (None, _) => return self.behind.pop(),
                (Some(head), _) => {
                    self.below = Some(*head);
                    // Who stands elsewhere is among those behind.
                    if self.next.get(&head.author).is_none_or(|next| *next == head.nonce) {
                        return Some(*head);
                    }
                }
            }
        }
    }

    fn offer<'p, C>(&self, lane: &'p Lane<C>, nonce: u64) -> Option<&'p Entry<C>> {
        lane.offer(nonce).filter(|entry| !self.answers_only || entry.event.may_answer())
    }
}

impl<C> Pool<C> {
    /// The next events on the way, `count` unless there are fewer; none at its end.
    pub fn walk(&self, walk: &mut Walk, count: usize) -> Vec<Arc<CheckedEvent<C>>> {
        let steps = core::iter::from_fn(|| walk.step(&self.index));
        steps.take(count).map(Arc::clone).collect()
    }
}
