//! The waiting events under all their orders, which change together or not at all.

use crate::lane::{Entry, Head, Lane, Refused, Standing};
use blocktree_consensus::{Account, CheckedEvent};
use blocktree_primitives::{EventId, Height, Principal};
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

/// All lanes, and what finds an event by id, by rank, by end and by pause.
///
/// What is private to this module is that adding and removing an entry leaves the lane's standing
/// and head to be listed anew: each method that others call does so once, at its end.
#[derive(Clone, Debug)]
pub(crate) struct Index<C> {
    pub(crate) lanes: BTreeMap<Principal, Lane<C>>,
    pub(crate) by_id: BTreeMap<EventId, Arc<CheckedEvent<C>>>,
    /// Every lane, the one that loses its tail first at the front.
    pub(crate) standings: BTreeSet<(Standing, Principal)>,
    /// Every lane with an event to offer, the one that is mined first at the back.
    pub(crate) heads: BTreeSet<Head>,
    /// Every event by the last block that may hold it.
    pub(crate) ends: BTreeSet<(Height, EventId)>,
    /// Every event that is kept back, by the tip from which on it is offered again.
    pub(crate) parked: BTreeSet<(Height, EventId)>,
    /// Encoded bytes of all events.
    pub(crate) bytes: usize,
}

impl<C> Index<C> {
    pub(crate) const fn new() -> Self {
        Self {
            lanes: BTreeMap::new(),
            by_id: BTreeMap::new(),
            standings: BTreeSet::new(),
            heads: BTreeSet::new(),
            ends: BTreeSet::new(),
            parked: BTreeSet::new(),
            bytes: 0,
        }
    }

    /// The entry of a waiting event.
    pub(crate) fn entry(&self, id: &EventId) -> Option<&Entry<C>> {
        let event = self.by_id.get(id)?;
        self.lanes.get(&event.author())?.entries.get(&event.event().nonce)
    }

    /// Adds entries of one signer, whose ids and nonces are not there yet, and notes its account.
    pub(crate) fn place(
        &mut self,
        author: Principal,
        account: Account,
        entries: impl IntoIterator<Item = Entry<C>>,
    ) {
        let mut lane = self.lanes.remove(&author).unwrap_or_else(|| Lane::new(account));
        lane.account = account;
        for entry in entries {
            self.add(&mut lane, entry);
        }
        self.put_back(author, lane);
    }

    /// Takes one entry out, with what was known of its signer's account.
    pub(crate) fn take(&mut self, author: &Principal, nonce: u64) -> Option<(Account, Entry<C>)> {
        self.edit(author, |index, lane| {
            let entry = index.remove(lane, nonce)?;
            Some((lane.account, entry))
        })?
    }

    /// Notes an account and takes out the entries whose nonces are used.
    pub(crate) fn learn(&mut self, author: &Principal, account: Account) -> Vec<Entry<C>> {
        self.edit(author, |index, lane| {
            lane.account = account;
            let used: Vec<u64> = lane.entries.range(..account.nonce).map(|(n, _)| *n).collect();
            used.into_iter().filter_map(|nonce| index.remove(lane, nonce)).collect()
        })
        .unwrap_or_default()
    }

    /// Keeps an event back until the tip is at `retry_from`.
    pub(crate) fn park(&mut self, id: &EventId, refused: Refused) {
        self.change_refusal(id, |entry| entry.refused = Some(Box::new(refused)));
    }

    /// Offers an event again; what templates said stays known.
    pub(crate) fn unpark(&mut self, id: &EventId) {
        self.change_refusal(id, |entry| {
            if let Some(refused) = &mut entry.refused {
                refused.parked = false;
            }
        });
    }

    fn change_refusal(&mut self, id: &EventId, change: impl FnOnce(&mut Entry<C>)) {
        let Some((author, nonce)) = self.by_id.get(id).map(|e| (e.author(), e.event().nonce))
        else {
            return;
        };
        self.edit(&author, |index, lane| {
            if let Some(mut entry) = index.remove(lane, nonce) {
                change(&mut entry);
                index.add(lane, entry);
            }
        });
    }

    fn edit<R>(
        &mut self,
        author: &Principal,
        change: impl FnOnce(&mut Self, &mut Lane<C>) -> R,
    ) -> Option<R> {
        let mut lane = self.lanes.remove(author)?;
        let result = change(self, &mut lane);
        self.put_back(*author, lane);
        Some(result)
    }

    /// Lists a lane under its present standing and head; an empty one is gone.
    fn put_back(&mut self, author: Principal, mut lane: Lane<C>) {
        let (standing, head) = (lane.find_standing(), lane.find_head());
        // Compared with `Ord`, so equal ones have the same place and can stay.
        if standing != lane.standing {
            if let Some(old) = lane.standing.take() {
                self.standings.remove(&(old, author));
            }
            self.standings.extend(standing.map(|new| (new, author)));
            lane.standing = standing;
        }
        if head != lane.head {
            if let Some(old) = lane.head.take() {
                self.heads.remove(&old);
            }
            self.heads.extend(head);
            lane.head = head;
        }
        if !lane.entries.is_empty() {
            self.lanes.insert(author, lane);
        }
    }

    fn add(&mut self, lane: &mut Lane<C>, entry: Entry<C>) {
        let event = &entry.event;
        self.bytes = self.bytes.saturating_add(event.encoded().len());
        self.ends.insert((entry.last, event.id()));
        self.by_id.insert(event.id(), event.clone());
        lane.fees += u128::from(event.event().fee.units());
        if let Some(refused) = &entry.refused {
            lane.refused += 1;
            if refused.parked {
                self.parked.insert((refused.retry_from, event.id()));
            }
        }
        lane.entries.insert(event.event().nonce, entry);
    }

    fn remove(&mut self, lane: &mut Lane<C>, nonce: u64) -> Option<Entry<C>> {
        let entry = lane.entries.remove(&nonce)?;
        let event = &entry.event;
        self.bytes = self.bytes.saturating_sub(event.encoded().len());
        self.ends.remove(&(entry.last, event.id()));
        self.by_id.remove(&event.id());
        lane.fees = lane.fees.saturating_sub(u128::from(event.event().fee.units()));
        if let Some(refused) = &entry.refused {
            lane.refused = lane.refused.saturating_sub(1);
            if refused.parked {
                self.parked.remove(&(refused.retry_from, event.id()));
            }
        }
        Some(entry)
    }
}
