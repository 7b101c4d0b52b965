//! The pool: what it holds, and what it tells.

use crate::drops::{Drops, bounded};
use crate::index::Index;
use crate::lane::{Entry, Refused};
use crate::{Best, Dropped, FeeRate, Policy, journal};
use blocktree_consensus::CheckedEvent;
use blocktree_primitives::{BlockHash, EventId, Height, Principal, Span};
use blocktree_state::Batch;
use core::ops::Bound;
use parity_scale_codec::{Decode, Encode, MaxEncodedLen};
use std::sync::Arc;

/// The last block of the best chain. SCALE: height u64, hash 32 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, MaxEncodedLen)]
pub struct Tip {
    /// Its height.
    pub height: Height,
    /// Its hash.
    pub hash: BlockHash,
}

impl Tip {
    /// The height of the block after.
    pub(crate) const fn next(&self) -> Height {
        self.plus(Span(1))
    }

    pub(crate) const fn plus(&self, span: Span) -> Height {
        Height(self.height.0.saturating_add(span.0))
    }
}

/// How full the pool is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Info {
    /// Events that wait.
    pub events: usize,
    /// Their encoded bytes.
    pub bytes: usize,
    /// Signers of whom an event waits.
    pub signers: usize,
    /// Events that templates refused lately and that are kept back.
    pub parked: usize,
    /// The rate below which nothing is taken in: the relay floor or, when the pool is full, the
    /// lowest rate in it, which must then be exceeded.
    pub floor: FeeRate,
}

/// The waiting events of a node.
#[derive(Clone, Debug)]
pub struct Pool<C> {
    pub(crate) policy: Policy,
    pub(crate) tip: Tip,
    pub(crate) index: Index<C>,
    pub(crate) drops: Drops,
    /// The sequence of the next event to be put back in front of all.
    pub(crate) front: u64,
    /// The sequence of the next event to arrive.
    pub(crate) back: u64,
}

/// Where sequences start: with as much room before, for what is put back, as after.
pub(crate) const MIDDLE: u64 = 1 << 63;

impl<C> Pool<C> {
    /// An empty pool at `tip`. A node that ran before calls [`Pool::restore`].
    #[must_use]
    pub const fn new(policy: Policy, tip: Tip) -> Self {
        let drops = Drops::new(policy.max_drops);
        Self { policy, tip, index: Index::new(), drops, front: MIDDLE - 1, back: MIDDLE }
    }

    /// The policy.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The last block that the pool was told of.
    #[must_use]
    pub const fn tip(&self) -> Tip {
        self.tip
    }

    /// A waiting event.
    #[must_use]
    pub fn get(&self, id: &EventId) -> Option<&Arc<CheckedEvent<C>>> {
        self.index.lists.by_id.get(id)
    }

    /// How full the pool is.
    #[must_use]
    pub fn info(&self) -> Info {
        Info {
            events: self.index.lists.by_id.len(),
            bytes: self.index.lists.bytes,
            signers: self.index.lanes.len(),
            parked: self.index.lists.parked.len(),
            floor: self.floor(),
        }
    }

    fn floor(&self) -> FeeRate {
        /// Room below which the pool counts as full, though a small event may still fit.
        const SMALL: usize = 1024;
        let room = self.policy.max_bytes.saturating_sub(self.index.lists.bytes);
        let full = self.index.lists.by_id.len() >= self.policy.max_events || room < SMALL;
        match self.index.lists.standings.first() {
            // While there is an unsound lane, it makes room for anything sound.
            Some((lowest, _)) if full && lowest.sound => lowest.rate.max(self.policy.relay_floor),
            _ => self.policy.relay_floor,
        }
    }

    /// Waiting events in the order of their ids, from after `cursor` on, at most `limit`.
    pub fn content(
        &self,
        cursor: Option<EventId>,
        limit: usize,
    ) -> impl Iterator<Item = &Arc<CheckedEvent<C>>> {
        let from = cursor.map_or(Bound::Unbounded, Bound::Excluded);
        let ids = self.index.lists.by_id.range((from, Bound::Unbounded));
        ids.map(|(_, event)| event).take(limit)
    }

    /// Whether an event of this signer waits. Its account is then of interest to the pool.
    #[must_use]
    pub fn has_signer(&self, author: &Principal) -> bool {
        self.index.lanes.contains_key(author)
    }

    /// One signer's waiting events by nonce.
    pub fn of_signer(&self, author: &Principal) -> impl Iterator<Item = &Arc<CheckedEvent<C>>> {
        let lane = self.index.lanes.get(author);
        lane.into_iter().flat_map(|lane| lane.entries.values().map(|entry| &entry.event))
    }

    /// The nonce for a signer's next event, given its account's: the first that no waiting event
    /// has.
    #[must_use]
    pub fn next_nonce(&self, author: &Principal, account_nonce: u64) -> u64 {
        match self.index.lanes.get(author) {
            Some(lane) => lane.free_nonce(account_nonce),
            None => account_nonce,
        }
    }

    /// Events in the order in which a template takes them: see [`Best`].
    #[must_use]
    pub fn best(&self) -> Best<'_, C> {
        Best::new(&self.index)
    }

    /// Tells that a template on the tip `at` could not hold an event, in its own words.
    ///
    /// The event keeps waiting, but is not offered before the tip has grown; the pause doubles
    /// with each refusal. After [`Policy::max_refusals`] it is dropped, so that the nonce becomes
    /// free. An event that takes over the nonce inherits attempts and pause. No refusal is final at
    /// once: what one branch refuses, another may allow. Told of
    /// another tip than the pool's, or of an event that does not wait or is kept back, nothing
    /// changes.
    pub fn refused(&mut self, id: &EventId, at: &BlockHash, reason: &str, batch: &mut Batch) {
        let Some(entry) = self.index.entry(id) else {
            return;
        };
        if *at != self.tip.hash || entry.is_parked() {
            return;
        }
        let before = entry.refused.as_ref().map_or(0, |refused| refused.attempts);
        let attempts = before.saturating_add(1);
        let reason = bounded(reason);
        if attempts >= self.policy.max_refusals {
            let (author, nonce) = (entry.event.author(), entry.event.event().nonce);
            if let Some((_, entry)) = self.index.take(&author, nonce) {
                self.drop_entry(&entry, Dropped::Refused { attempts, reason }, batch);
            }
            return;
        }
        let pause = 1u64.checked_shl(before).unwrap_or(u64::MAX);
        let pause = pause.clamp(1, self.policy.max_pause.0.max(1));
        let retry_from = self.tip.plus(Span(pause));
        self.index.park(id, Refused { attempts, reason, retry_from, parked: true });
    }

    /// Notes why an entry that was taken out is gone.
    pub(crate) fn drop_entry(&mut self, entry: &Entry<C>, why: Dropped, batch: &mut Batch) {
        self.note_drop(&entry.event.id(), why, batch);
    }

    /// Notes why an event of the journal does not wait any more.
    pub(crate) fn note_drop(&mut self, id: &EventId, why: Dropped, batch: &mut Batch) {
        journal::delete_waiting(batch, id);
        self.drops.record(*id, why, batch);
    }

    /// An entry for an event that comes now.
    pub(crate) fn entry(
        &self,
        event: Arc<CheckedEvent<C>>,
        sequence: u64,
        since: Height,
    ) -> Entry<C> {
        let longest = Height(since.0.saturating_add(self.policy.max_wait.0.max(1)));
        let last = event.event().valid_until.map_or(longest, |own| own.min(longest));
        Entry { event, sequence, since, last, refused: None }
    }

    /// Whether more waits than may.
    pub(crate) fn is_over(&self) -> bool {
        self.index.lists.by_id.len() > self.policy.max_events
            || self.index.lists.bytes > self.policy.max_bytes
    }
}
