//! Relay of events: ids are told, whoever lacks the events asks for them, the pool judges, and what it
//! took is told on (docs/protocol.md §12.5).
//!
//! An event goes over a link once: whoever told an id is not told it, and an event that two peers
//! told is asked of one, of the other only when the first does not give it. What is not yet judged is
//! bounded, per peer and in all: beyond that nothing more is asked. An id is never remembered as
//! invalid, because it does not cover the signature: another may spoil an event on the way.

mod asks;
mod peer;

use crate::address::NodeId;
use crate::input::Judgement;
use crate::local::Local;
use crate::measures::Measures;
use crate::message::{EventBytes, FULL_ANSWER, MAX_IDS, Request};
use crate::offence::Offence;
use crate::out::{Out, Purpose};
use crate::relay::recent::Recent;
use crate::time::{Now, Tick};
use asks::{Asks, Unjudged};
use blocktree_primitives::{BoundedVec, Event, EventId};
use blocktree_state::Fault;
use core::time::Duration;
use parity_scale_codec::Encode;
use peer::Peer;
use std::collections::BTreeMap;

/// Ids are gathered for so long before they are told: ten messages a second, whatever the traffic.
const FLUSH_EVERY: Duration = Duration::from_millis(100);
/// So many of the waiting events, the best paying, are told to a new peer, and again after a
/// reorganisation; a few blocks of them.
const MAX_RETOLD: usize = 10_000;
/// How long an event that the pool refused is not asked for again.
const REFUSED_TIME: Duration = Duration::from_secs(60);
/// So many refused events are remembered; then the oldest is forgotten, which costs asking again.
const MAX_REFUSED: usize = 20_000;

/// The relay of events.
#[derive(Debug)]
pub(crate) struct EventRelay {
    peers: BTreeMap<NodeId, Peer>,
    /// What was asked of whom.
    asks: Asks,
    /// What was handed out and waits for its judgement.
    unjudged: Unjudged,
    /// What the pool refused in the last and in the present minute: two halves, of which the older is
    /// emptied when a minute is over.
    refused: [Recent<EventId>; 2],
    next_flush: Tick,
    next_minute: Tick,
    is_syncing: bool,
}

impl Default for EventRelay {
    fn default() -> Self {
        let refused = || Recent::new(MAX_REFUSED / 2);
        Self {
            peers: BTreeMap::new(),
            asks: Asks::default(),
            unjudged: Unjudged::default(),
            refused: [refused(), refused()],
            next_flush: Tick::default(),
            next_minute: Tick::default(),
            is_syncing: false,
        }
    }
}

impl EventRelay {
    /// A peer said hello: it is to hear of what waits, unless the node is syncing, when its pool is of
    /// no use to anyone.
    pub(crate) fn peer_ready(&mut self, node: NodeId, local: &impl Local) {
        let peer = self.peers.entry(node).or_default();
        if !self.is_syncing {
            peer.greet(&local.waiting(MAX_RETOLD));
        }
    }

    /// A peer is gone: what it was asked for is asked of others.
    pub(crate) fn peer_gone(&mut self, node: NodeId) {
        self.peers.remove(&node);
        for (id, next) in self.asks.gone(node) {
            self.hand_over(id, next);
        }
    }

    /// Whether the node is syncing: then nothing is asked for, and new peers hear of nothing that
    /// waits before it is over.
    pub(crate) const fn set_syncing(&mut self, is_syncing: bool) {
        self.is_syncing = is_syncing;
    }

    /// An event waits in the pool now: all who don't have it are to hear of it.
    pub(crate) fn submitted(&mut self, id: EventId) {
        self.peers.values_mut().for_each(|peer| peer.tell(id));
    }

    /// The tip moved. After a reorganisation events that peers once refused may be good for them, and
    /// those of the lost blocks wait again: all is told anew, and what was refused here may be asked for.
    pub(crate) fn tip_moved(&mut self, reverted: u64, local: &impl Local) {
        if reverted == 0 || self.is_syncing {
            return;
        }
        self.refused.iter_mut().for_each(Recent::clear);
        let waiting = local.waiting(MAX_RETOLD);
        for peer in self.peers.values_mut() {
            peer.tell_anew(&waiting);
        }
    }

    /// A peer told what waits in its pool.
    pub(crate) fn have<C>(
        &mut self,
        node: NodeId,
        ids: &[EventId],
        local: &impl Local<Call = C>,
        out: &mut Out<C>,
    ) -> Result<(), Fault> {
        let Some(peer) = self.peers.get_mut(&node) else { return Ok(()) };
        for id in ids {
            peer.has(*id);
            if self.refused.iter().any(|refused| refused.contains(id)) || self.unjudged.has(id) {
                continue;
            }
            // In flight elsewhere: this peer is asked if that fails.
            if !self.asks.note_other(id, node) {
                peer.want(*id);
            }
        }
        self.ask(node, local, out)
    }

    /// A peer answered a request of [`Purpose::Events`] with these ids.
    pub(crate) fn answered<C: Encode>(
        &mut self,
        node: NodeId,
        ids: &[EventId],
        events: Vec<EventBytes>,
        local: &impl Local<Call = C>,
        out: &mut Out<C>,
    ) -> Result<(), Fault> {
        let wanted_again = self.take(node, ids, events, local, out)?;
        self.release(node, ids);
        if let Some(peer) = self.peers.get_mut(&node) {
            wanted_again.iter().rev().for_each(|id| peer.want_first(*id));
        }
        self.ask(node, local, out)
    }

    /// A request of [`Purpose::Events`] with these ids got no answer, or not in time: the next tick
    /// asks others.
    pub(crate) fn failed(&mut self, node: NodeId, ids: &[EventId]) {
        self.release(node, ids);
    }

    /// What became of an event that was handed out.
    pub(crate) fn judged<C>(
        &mut self,
        id: EventId,
        from: NodeId,
        judgement: &Judgement,
        out: &mut Out<C>,
    ) {
        self.unjudged.remove(&id);
        match judgement {
            Judgement::Accepted => self.submitted(id),
            Judgement::Invalid(why) => out.offence(from, Offence::Event(why.clone())),
            Judgement::Refused(_) => {
                let [present, _] = &mut self.refused;
                present.insert(id);
            }
            Judgement::Dropped => {}
        }
    }

    /// Adds how full the buffers are.
    pub(crate) fn measure(&self, measures: &mut Measures) {
        let most = |size: fn(&Peer) -> usize| self.peers.values().map(size).max().unwrap_or(0);
        measures.add("untold events of a peer", most(Peer::untold), peer::MAX_UNTOLD);
        measures.add("wanted events of a peer", most(Peer::wanted), peer::MAX_WANTED);
        measures.add("bytes of unjudged events", self.unjudged.len_bytes(), asks::MAX_HELD_LEN);
    }

    /// Time passes: ids are told, and there may be room to ask for more.
    pub(crate) fn tick<C>(
        &mut self,
        now: Now,
        local: &impl Local<Call = C>,
        out: &mut Out<C>,
    ) -> Result<(), Fault> {
        if now.tick >= self.next_minute {
            self.next_minute = now.tick.after(REFUSED_TIME);
            self.refused.swap(0, 1);
            let [present, _] = &mut self.refused;
            present.clear();
        }
        if !self.is_syncing && self.peers.values().any(|peer| !peer.is_greeted()) {
            let waiting = local.waiting(MAX_RETOLD);
            self.peers.values_mut().for_each(|peer| peer.greet(&waiting));
        }
        if now.tick >= self.next_flush {
            self.next_flush = now.tick.after(FLUSH_EVERY);
            for (node, peer) in &mut self.peers {
                let ids = peer.next_told();
                if let Ok(ids) = BoundedVec::try_from(ids)
                    && !ids.is_empty()
                {
                    out.ask(*node, Purpose::Tell, Request::Have { ids });
                }
            }
        }
        let nodes: Vec<NodeId> = self.peers.keys().copied().collect();
        for node in nodes {
            self.ask(node, local, out)?;
        }
        Ok(())
    }

    /// Asks a peer for what it told and we lack, as far as there is room for it.
    fn ask<C>(
        &mut self,
        node: NodeId,
        local: &impl Local<Call = C>,
        out: &mut Out<C>,
    ) -> Result<(), Fault> {
        let Some(peer) = self.peers.get_mut(&node) else { return Ok(()) };
        if self.is_syncing || self.asks.is_busy(&node) || !self.unjudged.has_room(&node) {
            return Ok(());
        }
        let mut ids = Vec::new();
        // What is looked at is bounded as well, since each id may cost a read.
        for _ in 0..MAX_IDS {
            let Some(id) = peer.next_wanted() else { break };
            let is_known = self.unjudged.has(&id)
                || self.refused.iter().any(|refused| refused.contains(&id))
                || self.asks.note_other(&id, node)
                || local.has_event(&id)?;
            if !is_known {
                self.asks.claim(id, node);
                ids.push(id);
            }
        }
        if let Ok(asked) = BoundedVec::try_from(ids.clone())
            && !asked.is_empty()
        {
            self.asks.sent(node, ids.clone());
            out.ask(node, Purpose::Events(ids), Request::Events { ids: asked });
        }
        Ok(())
    }

    /// Hands out the events of an answer, each once. Returns what is to be asked for again, because
    /// the answer was full before.
    fn take<C: Encode>(
        &mut self,
        node: NodeId,
        ids: &[EventId],
        events: Vec<EventBytes>,
        local: &impl Local<Call = C>,
        out: &mut Out<C>,
    ) -> Result<Vec<EventId>, Fault> {
        let genesis = local.genesis();
        let mut open: BTreeMap<EventId, usize> =
            ids.iter().enumerate().map(|(place, id)| (*id, place)).collect();
        let mut len = 0_usize;
        let mut given = 0;
        for event in events {
            let id = Event::<C>::id_of_encoded(&event, &genesis);
            let Some(place) = open.remove(&id) else {
                out.offence(node, Offence::Unsolicited("an event that was not asked for"));
                return Ok(Vec::new());
            };
            given = given.max(place + 1);
            len = len.saturating_add(event.len());
            // A late answer may bring what another peer gave meanwhile.
            if !local.has_event(&id)? && self.unjudged.add(id, node, event.len()) {
                out.judge.push((id, event.into_vec(), node));
            }
        }
        Ok(match ids.get(given..) {
            Some(rest) if len >= FULL_ANSWER => rest.to_vec(),
            _ => Vec::new(),
        })
    }

    /// A request is over: what it did not bring is asked of others who told it.
    fn release(&mut self, node: NodeId, ids: &[EventId]) {
        for (id, next) in self.asks.release(node, ids) {
            if !self.unjudged.has(&id) {
                self.hand_over(id, next);
            }
        }
    }

    /// The next tick asks the first of these peers that is still there for an event. The others find
    /// it in flight then, and wait for their turn.
    fn hand_over(&mut self, id: EventId, others: Vec<NodeId>) {
        let mut is_first = true;
        for other in others {
            let Some(peer) = self.peers.get_mut(&other) else { continue };
            if core::mem::take(&mut is_first) { peer.want_first(id) } else { peer.want(id) }
        }
    }
}

#[cfg(test)]
mod tests;
