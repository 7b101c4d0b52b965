//! The waiting events under all their orders, which change together or not at all.

use crate::lane::{Entry, Head, Lane, Refused, Standing};
use blocktree_consensus::{Account, CheckedEvent};
use blocktree_primitives::{EventId, Height, Principal};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// All lanes, and the lists that find an event by id, by rank, by end and by pause.
///
/// Adding an entry to a lane or removing one leaves the lane's standing and head to be listed anew:
/// each method that others call does so once, at its end.
#[derive(Clone, Debug)]
pub(crate) struct Index<C> {
    pub(crate) lanes: BTreeMap<Principal, Lane<C>>,
    pub(crate) lists: Lists<C>,
}

/// What is derived from the lanes.
#[derive(Clone, Debug)]
pub(crate) struct Lists<C> {
    pub(crate) by_id: BTreeMap<EventId, Arc<CheckedEvent<C>>>,
    /// Every lane, the one that loses its tail first at the front.
    pub(crate) standings: BTreeSet<(Standing, Principal)>,
    /// Every lane with an event to offer, the one that is mined first at the back.
    pub(crate) heads: BTreeSet<Head>,
    /// Those of the heads that may answer challenges.
    pub(crate) answers: BTreeSet<Head>,
    /// Every event by the last block that may hold it.
    pub(crate) ends: BTreeSet<(Height, EventId)>,
    /// Every event that is kept back, by the tip from which on it is offered again.
    pub(crate) parked: BTreeSet<(Height, EventId)>,
    /// Encoded bytes of all events.
    pub(crate) bytes: usize,
}

impl<C> Index<C> {
    pub(crate) const fn new() -> Self {
        let lists = Lists {
            by_id: BTreeMap::new(),
            standings: BTreeSet::new(),
            heads: BTreeSet::new(),
            answers: BTreeSet::new(),
            ends: BTreeSet::new(),
            parked: BTreeSet::new(),
            bytes: 0,
        };
        Self { lanes: BTreeMap::new(), lists }
    }

    /// The entry of a waiting event.
    pub(crate) fn entry(&self, id: &EventId) -> Option<&Entry<C>> {
        let event = self.lists.by_id.get(id)?;
        self.lanes.get(&event.author())?.entries.get(&event.event().nonce)
    }

    /// Adds entries of one signer, whose ids and nonces are not there yet, and notes its account.
    pub(crate) fn place(
        &mut self,
        author: Principal,
        account: Account,
        entries: impl IntoIterator<Item = Entry<C>>,
    ) {
        let lane = self.lanes.entry(author).or_insert_with(|| Lane::new(account));
        lane.account = account;
        for entry in entries {
            self.lists.add(lane, entry);
        }
        self.lists.list(author, lane);
        if lane.entries.is_empty() {
            self.lanes.remove(&author);
        }
    }

    /// Takes one entry out, with what was known of its signer's account.
    pub(crate) fn take(&mut self, author: &Principal, nonce: u64) -> Option<(Account, Entry<C>)> {
        let lane = self.lanes.get_mut(author)?;
        let (account, entry) = (lane.account, self.lists.remove(lane, nonce)?);
        self.lists.list(*author, lane);
        if lane.entries.is_empty() {
            self.lanes.remove(author);
        }
        Some((account, entry))
    }

    /// Notes an account and takes out the entries whose nonces are used.
    pub(crate) fn learn(&mut self, author: &Principal, account: Account) -> Vec<Entry<C>> {
        let Some(lane) = self.lanes.get_mut(author) else {
            return Vec::new();
        };
        lane.account = account;
        let mut used = Vec::new();
        while let Some((&nonce, _)) = lane.entries.first_key_value()
            && nonce < account.nonce
        {
            used.extend(self.lists.remove(lane, nonce));
        }
        self.lists.list(*author, lane);
        if lane.entries.is_empty() {
            self.lanes.remove(author);
        }
        used
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
        let Some(event) = self.lists.by_id.get(id).cloned() else {
            return;
        };
        let (author, nonce) = (event.author(), event.event().nonce);
        if let Some(lane) = self.lanes.get_mut(&author)
            && let Some(mut entry) = self.lists.remove(lane, nonce)
        {
            change(&mut entry);
            self.lists.add(lane, entry);
            self.lists.list(author, lane);
        }
    }
}

impl<C> Lists<C> {
    /// Lists a lane under its present standing and head; an empty one under nothing.
    fn list(&mut self, author: Principal, lane: &mut Lane<C>) {
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
                self.answers.remove(&old);
            }
            self.heads.extend(head);
            self.answers.extend(head.filter(|head| head.answers));
            lane.head = head;
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
