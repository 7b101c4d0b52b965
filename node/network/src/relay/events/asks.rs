//! What was asked for, and what came and is not judged yet.

use crate::address::NodeId;
use crate::message::{FULL_ANSWER, MAX_IDS};
use blocktree_primitives::EventId;
use std::collections::BTreeMap;

/// So many other peers that told an id are remembered while one is asked for it.
const MAX_OTHERS: usize = 3;
/// A peer of whose events so many wait for their judgement is asked for no more.
const MAX_UNJUDGED: usize = 2 * MAX_IDS;
/// The same for their bytes: one full answer waits while the next comes.
const MAX_UNJUDGED_LEN: usize = FULL_ANSWER;
/// Nobody is asked for more while so many bytes of all peers wait.
const MAX_ALL_LEN: usize = 32 << 20;
/// What comes while so many bytes wait, because many were asked before, is dropped.
pub(super) const MAX_HELD_LEN: usize = 64 << 20;

/// What is asked of whom: one request at a time for each peer, each id of one peer at a time.
#[derive(Debug, Default)]
pub(super) struct Asks {
    in_flight: BTreeMap<EventId, InFlight>,
    /// The ids of each peer's request.
    busy: BTreeMap<NodeId, Vec<EventId>>,
}

#[derive(Debug)]
struct InFlight {
    node: NodeId,
    /// Who else told it, the first to be asked next.
    others: Vec<NodeId>,
}

/// Ids that nobody is asked for any more, each with those who may be.
pub(super) type Freed = Vec<(EventId, Vec<NodeId>)>;

impl Asks {
    /// Whether a request to this peer is not over.
    pub(super) fn is_busy(&self, node: &NodeId) -> bool {
        self.busy.contains_key(node)
    }

    /// Whether an event is being asked for; `node`, who has it too, is remembered.
    pub(super) fn note_other(&mut self, id: &EventId, node: NodeId) -> bool {
        let Some(ask) = self.in_flight.get_mut(id) else { return false };
        if ask.node != node && ask.others.len() < MAX_OTHERS && !ask.others.contains(&node) {
            ask.others.push(node);
        }
        true
    }

    /// Notes that a peer is to be asked for an event that is not being asked for.
    pub(super) fn claim(&mut self, id: EventId, node: NodeId) {
        self.in_flight.insert(id, InFlight { node, others: Vec::new() });
    }

    /// Notes the request for what was claimed.
    pub(super) fn sent(&mut self, node: NodeId, ids: Vec<EventId>) {
        self.busy.insert(node, ids);
    }

    /// The request to a peer is over.
    pub(super) fn release(&mut self, node: NodeId, ids: &[EventId]) -> Freed {
        self.busy.remove(&node);
        self.free(node, ids)
    }

    /// A peer is gone.
    pub(super) fn gone(&mut self, node: NodeId) -> Freed {
        let ids = self.busy.remove(&node).unwrap_or_default();
        self.free(node, &ids)
    }

    fn free(&mut self, node: NodeId, ids: &[EventId]) -> Freed {
        let mut freed = Vec::new();
        for id in ids {
            if self.in_flight.get(id).is_some_and(|ask| ask.node == node)
                && let Some(ask) = self.in_flight.remove(id)
            {
                freed.push((*id, ask.others));
            }
        }
        freed
    }
}

/// Events that were handed out and are not judged.
#[derive(Debug, Default)]
pub(super) struct Unjudged {
    events: BTreeMap<EventId, (NodeId, usize)>,
    /// How many of each peer, and their bytes.
    of_peers: BTreeMap<NodeId, (usize, usize)>,
    len: usize,
}

impl Unjudged {
    /// Bytes of the events that wait.
    pub(super) const fn len_bytes(&self) -> usize {
        self.len
    }

    /// Whether an event waits for its judgement.
    pub(super) fn has(&self, id: &EventId) -> bool {
        self.events.contains_key(id)
    }

    /// Whether this peer may be asked for more.
    pub(super) fn has_room(&self, node: &NodeId) -> bool {
        let (count, len) = self.of_peers.get(node).copied().unwrap_or_default();
        count <= MAX_UNJUDGED - MAX_IDS && len < MAX_UNJUDGED_LEN && self.len < MAX_ALL_LEN
    }

    /// Notes an event of `len` bytes that is handed out; false if it waits already or too many bytes
    /// do.
    pub(super) fn add(&mut self, id: EventId, node: NodeId, len: usize) -> bool {
        if self.has(&id) || self.len.saturating_add(len) > MAX_HELD_LEN {
            return false;
        }
        self.events.insert(id, (node, len));
        self.len += len;
        let of_peer = self.of_peers.entry(node).or_default();
        of_peer.0 += 1;
        of_peer.1 += len;
        true
    }

    /// Notes that an event was judged.
    pub(super) fn remove(&mut self, id: &EventId) {
        let Some((node, len)) = self.events.remove(id) else { return };
        self.len = self.len.saturating_sub(len);
        if let Some(of_peer) = self.of_peers.get_mut(&node) {
            of_peer.0 = of_peer.0.saturating_sub(1);
            of_peer.1 = of_peer.1.saturating_sub(len);
            if of_peer.0 == 0 {
                self.of_peers.remove(&node);
            }
        }
    }
}
