//! One peer, as far as events go.

use crate::message::MAX_IDS;
use crate::relay::recent::Recent;
use blocktree_primitives::EventId;
use std::collections::VecDeque;

/// So many of the ids that a peer told, and of those that it was told, are remembered; beyond that
/// one may be told to whom has it, which costs 32 bytes. More than are told to a new peer.
const MAX_KNOWN: usize = 16_384;
/// So many ids wait to be told to a peer. Told ten times a second, that takes about a second; what
/// does not fit is not told, and the peer hears of it from others.
pub(super) const MAX_UNTOLD: usize = 10_000;
/// So many ids of what a peer told wait to be asked for; more are not noted.
pub(super) const MAX_WANTED: usize = 10_000;

/// What stands for an id in the memory of what is known: who makes two of these equal keeps a peer
/// from hearing of one event from us, and no more.
type Key = u64;

fn key(id: &EventId) -> Key {
    let [a, b, c, d, e, f, g, h, ..] = id.0;
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

/// A peer.
#[derive(Debug)]
pub(super) struct Peer {
    /// What it told us, or gave us.
    has: Recent<Key>,
    /// What we told it.
    told: Recent<Key>,
    /// What is to be told to it.
    untold: VecDeque<EventId>,
    /// What it told and is still to be asked for.
    wanted: VecDeque<EventId>,
    /// Whether it heard of what waited when it came.
    is_greeted: bool,
}

impl Default for Peer {
    fn default() -> Self {
        Self {
            has: Recent::new(MAX_KNOWN),
            told: Recent::new(MAX_KNOWN),
            untold: VecDeque::new(),
            wanted: VecDeque::new(),
            is_greeted: false,
        }
    }
}

impl Peer {
    /// Ids that are yet to be told.
    pub(super) fn untold(&self) -> usize {
        self.untold.len()
    }

    /// Ids that are yet to be asked for.
    pub(super) fn wanted(&self) -> usize {
        self.wanted.len()
    }

    /// Whether it heard, or is about to hear, of what waited when it came.
    pub(super) const fn is_greeted(&self) -> bool {
        self.is_greeted
    }

    /// It is to hear of all these, unless it did before.
    pub(super) fn greet(&mut self, waiting: &[EventId]) {
        if !self.is_greeted {
            self.is_greeted = true;
            waiting.iter().for_each(|id| self.tell(*id));
        }
    }

    /// It is to hear of all these, also of those that it heard of before.
    pub(super) fn tell_anew(&mut self, waiting: &[EventId]) {
        self.is_greeted = true;
        self.told.clear();
        self.untold.clear();
        waiting.iter().for_each(|id| self.tell(*id));
    }

    /// It is to hear of an event, if it does not know it.
    pub(super) fn tell(&mut self, id: EventId) {
        if self.untold.len() < MAX_UNTOLD && !self.has.contains(&key(&id)) {
            self.untold.push_back(id);
        }
    }

    /// The ids of the next message to it.
    pub(super) fn next_told(&mut self) -> Vec<EventId> {
        let mut ids = Vec::new();
        while ids.len() < MAX_IDS
            && let Some(id) = self.untold.pop_front()
        {
            // It may have told it meanwhile.
            if !self.has.contains(&key(&id)) && self.told.insert(key(&id)) {
                ids.push(id);
            }
        }
        ids
    }

    /// It has an event.
    pub(super) fn has(&mut self, id: EventId) {
        self.has.insert(key(&id));
    }

    /// It is to be asked for an event, after the others.
    pub(super) fn want(&mut self, id: EventId) {
        if self.wanted.len() < MAX_WANTED {
            self.wanted.push_back(id);
        }
    }

    /// It is to be asked for an event, before the others.
    pub(super) fn want_first(&mut self, id: EventId) {
        if self.wanted.len() < MAX_WANTED {
            self.wanted.push_front(id);
        }
    }

    /// What it is to be asked for next.
    pub(super) fn next_wanted(&mut self) -> Option<EventId> {
        self.wanted.pop_front()
    }
}
