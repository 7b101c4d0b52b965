//! The way of a block from what the pool has of it to the importer.

use super::partial::{Partial, Tellers};
use super::slots::Slots;
use super::{BlockRelay, GivenUp, Heard, MAX_PARTIAL};
use crate::address::NodeId;
use crate::message::{BlockBody, EventBytes, Request, Response, ShortId};
use crate::offence::Offence;
use crate::out::{Out, Purpose};
use crate::time::Now;
use blocktree_consensus::{Body, Candidate, ChainInfo, Violation};
use blocktree_import::Worth;
use blocktree_primitives::block::MAX_EVENTS;
use blocktree_primitives::{BlockHash, BoundedVec, Commitment, Header};
use core::time::Duration;
use parity_scale_codec::{Decode, Encode};

/// A peer may take so long to give all events that are missing.
const MISSING_TIME: Duration = Duration::from_secs(10);
/// A peer may take so long to give a whole block.
const WHOLE_TIME: Duration = Duration::from_secs(20);

/// A block whose header is right in its branch, and stands for the commitment.
pub(super) struct Right {
    pub(super) node: NodeId,
    pub(super) header: Header,
    pub(super) commitment: Commitment,
    pub(super) ids: BoundedVec<ShortId, MAX_EVENTS>,
    pub(super) info: ChainInfo,
}

impl BlockRelay {
    /// A peer answered a request of [`Purpose::Missing`] or [`Purpose::Whole`].
    pub(crate) fn answered<C: Encode + Decode>(
        &mut self,
        now: Now,
        node: NodeId,
        purpose: &Purpose,
        response: Response,
        out: &mut Out<C>,
    ) {
        match (purpose, response) {
            (Purpose::Missing(hash, indices), Response::Events(events)) => {
                if events.len() > indices.len() {
                    out.offence(node, Offence::Unsolicited("more events than were asked for"));
                    self.move_on(now, node, hash, out);
                } else {
                    self.fill(now, node, hash, indices, events.into_vec(), out);
                }
            }
            (Purpose::Whole(hash), Response::Bodies(bodies)) => {
                let mut bodies = bodies.into_vec();
                match (bodies.pop(), bodies.len()) {
                    (Some(body), 0) => self.whole(now, node, hash, &body, out),
                    (None, _) => self.move_on(now, node, hash, out),
                    (Some(_), _) => {
                        out.offence(node, Offence::Unsolicited("more bodies than were asked for"));
                        self.move_on(now, node, hash, out);
                    }
                }
            }
            (Purpose::Missing(hash, _) | Purpose::Whole(hash), response) => {
                // It may have lost the block in a reorganisation.
                if response != Response::Unknown {
                    out.offence(node, Offence::Unsolicited("an answer of another kind"));
                }
                self.move_on(now, node, hash, out);
            }
            _ => {}
        }
    }

    /// A request of [`Purpose::Missing`] or [`Purpose::Whole`] got no answer.
    pub(crate) fn failed<C>(
        &mut self,
        now: Now,
        node: NodeId,
        purpose: &Purpose,
        out: &mut Out<C>,
    ) {
        if let Purpose::Missing(hash, _) | Purpose::Whole(hash) = purpose {
            self.move_on(now, node, hash, out);
        }
    }

    /// Begins a block with what the pool has of it.
    pub(super) fn begin<C: Encode + Decode>(
        &mut self,
        now: Now,
        right: Right,
        slots: Slots,
        out: &mut Out<C>,
    ) {
        let Right { node, header, commitment, ids, info } = right;
        if !slots.missing().is_empty() {
            self.make_room(now, node, out);
        }
        self.count = self.count.saturating_add(1);
        let partial = Partial {
            header,
            hash: info.hash,
            commitment,
            ids,
            height: info.height,
            total_work: info.total_work,
            tellers: Tellers::new(node),
            turn: 0,
            slots: Some(slots),
            until: now.tick.after(MISSING_TIME),
            number: self.count,
        };
        self.partial.insert(info.hash, partial);
        self.go_on(now, &info.hash, out);
    }

    /// Makes room for one more block that is to be fetched from this peer.
    fn make_room<C>(&mut self, now: Now, node: NodeId, out: &mut Out<C>) {
        let of_node = self.partial.values().find(|partial| partial.source() == Some(node));
        if let Some(hash) = of_node.map(|partial| partial.hash) {
            self.move_on(now, node, &hash, out);
        }
        let oldest = self.partial.values().min_by_key(|partial| partial.number);
        if let Some(hash) = oldest.map(|partial| partial.hash)
            && self.partial.len() >= MAX_PARTIAL
        {
            self.drop_partial(&hash);
        }
    }

    /// Does what a block needs next: asks for missing events or for the whole, or hands it out.
    fn go_on<C: Encode + Decode>(&mut self, now: Now, hash: &BlockHash, out: &mut Out<C>) {
        let Some(partial) = self.partial.get_mut(hash) else { return };
        let Some(slots) = &partial.slots else { return self.ask(hash, out) };
        if !slots.missing().is_empty() {
            return self.ask(hash, out);
        }
        match slots.body_of(&partial.commitment) {
            Some(body) => self.complete(now, hash, body, out),
            None => self.ask_whole(now, hash, out),
        }
    }

    /// Asks whose turn it is for what is missing.
    fn ask<C>(&mut self, hash: &BlockHash, out: &mut Out<C>) {
        let Some(partial) = self.partial.get(hash) else { return };
        let Some(node) = partial.source().filter(|node| self.peers.contains_key(node)) else {
            return self.drop_partial(hash);
        };
        match &partial.slots {
            Some(slots) => {
                let missing = slots.missing();
                let Ok(indices) = BoundedVec::try_from(missing.clone()) else { return };
                let request = Request::BlockEvents { block: *hash, indices };
                out.ask(node, Purpose::Missing(*hash, missing), request);
            }
            None => {
                let Ok(hashes) = BoundedVec::try_from(vec![*hash]) else { return };
                out.ask(node, Purpose::Whole(*hash), Request::Bodies { hashes });
            }
        }
    }

    /// The short ids led to other events: the whole block is asked for.
    fn ask_whole<C>(&mut self, now: Now, hash: &BlockHash, out: &mut Out<C>) {
        if let Some(partial) = self.partial.get_mut(hash) {
            partial.slots = None;
            partial.until = now.tick.after(WHOLE_TIME);
        }
        self.ask(hash, out);
    }

    /// If it is this peer's turn, it is the next one's who told the block; if there is none, the block
    /// is given up.
    pub(super) fn move_on<C>(
        &mut self,
        now: Now,
        node: NodeId,
        hash: &BlockHash,
        out: &mut Out<C>,
    ) {
        let Some(partial) = self.partial.get_mut(hash) else { return };
        if partial.source() != Some(node) {
            return;
        }
        loop {
            partial.turn = partial.turn.saturating_add(1);
            match partial.source() {
                Some(node) if !self.peers.contains_key(&node) => {}
                _ => break,
            }
        }
        let time = if partial.slots.is_some() { MISSING_TIME } else { WHOLE_TIME };
        partial.until = now.tick.after(time);
        self.ask(hash, out);
    }

    /// Gives a block up: those who told it may have it for sync.
    fn drop_partial(&mut self, hash: &BlockHash) {
        let Some(partial) = self.partial.remove(hash) else { return };
        let (height, heard) = (partial.height, Heard::Joins(partial.total_work));
        for node in partial.tellers.all() {
            self.give_up(GivenUp { node: *node, hash: *hash, height, heard });
        }
    }

    /// Notes a block for sync, once for each peer: the latest.
    pub(super) fn give_up(&mut self, given_up: GivenUp) {
        if self.peers.contains_key(&given_up.node) {
            self.given_up.retain(|other| other.node != given_up.node);
            self.given_up.push(given_up);
        }
    }

    /// Takes the first of the events that were missing.
    fn fill<C: Encode + Decode>(
        &mut self,
        now: Now,
        node: NodeId,
        hash: &BlockHash,
        indices: &[u16],
        events: Vec<EventBytes>,
        out: &mut Out<C>,
    ) {
        let Some(partial) = self.partial.get_mut(hash) else { return };
        // One whose turn is over may have answered late.
        if partial.source() != Some(node) {
            return;
        }
        let Some(slots) = &mut partial.slots else { return };
        if events.is_empty() {
            return self.move_on(now, node, hash, out);
        }
        let mut fits = true;
        for (index, event) in indices.iter().zip(events) {
            fits &= slots.fill(usize::from(*index), event.into_vec());
        }
        if fits { self.go_on(now, hash, out) } else { self.ask_whole(now, hash, out) }
    }

    /// Takes a block as a whole, from whomever it comes.
    fn whole<C: Encode + Decode>(
        &mut self,
        now: Now,
        node: NodeId,
        hash: &BlockHash,
        body: &BlockBody,
        out: &mut Out<C>,
    ) {
        let Some(partial) = self.partial.get(hash) else { return };
        match read_body(&partial.header, body) {
            Ok(body) => self.complete(now, hash, body, out),
            Err(violation) => {
                out.offence(node, Offence::Block(violation));
                self.move_on(now, node, hash, out);
            }
        }
    }

    /// Hands a block that is whole to the importer.
    pub(super) fn complete<C>(
        &mut self,
        now: Now,
        hash: &BlockHash,
        body: Body<C>,
        out: &mut Out<C>,
    ) {
        let Some(partial) = self.partial.remove(hash) else { return };
        let Partial { header, commitment, tellers, .. } = partial;
        self.importing.insert(*hash, (tellers, now.tick));
        out.imports.push((Box::new(Candidate { header, commitment, body }), Worth::Own));
    }
}

/// Reads what a header is said to stand for.
fn read_body<C: Encode + Decode>(header: &Header, body: &BlockBody) -> Result<Body<C>, Violation> {
    let (expected, found) = (header.commitment, body.commitment.hash());
    if found != expected {
        return Err(Violation::WrongCommitment { expected, found });
    }
    let events = Body::<C>::decode(&body.events).map_err(|error| Violation::Malformed { error })?;
    let (expected, found) = (body.commitment.event_root, events.event_root());
    if found != expected {
        return Err(Violation::WrongEventRoot { expected, found });
    }
    Ok(events)
}
