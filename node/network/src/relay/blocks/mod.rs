//! Relay of blocks: a new tip is told with the short ids of its events; whoever is told it takes what
//! waits in its pool, asks for the rest, and gives the whole to the importer (docs/protocol.md §12.3).
//!
//! A block is looked into in the order of what that costs: its proof of work, its commitment, whether
//! it is known, its header in its branch, the work of that branch, the pool, requests. Who told a block
//! is to blame for what its proof of work covers; for wrong events only who sent these. That the short
//! ids lead to other events than the block's is nobody's fault, two events may share one: the whole
//! block is asked for then.

mod later;
mod news;
mod partial;
mod slots;

use crate::address::NodeId;
use crate::local::Local;
use crate::message::{BlockBody, Compact, EventBytes, Request, Response, short_ids};
use crate::offence::Offence;
use crate::out::{Out, Purpose};
use crate::relay::recent::Recent;
use crate::serve;
use crate::time::{Now, Tick};
use blocktree_consensus::fork::worth_storing;
use blocktree_consensus::{
    Body, Candidate, ChainInfo, CheckedHeader, NotAccepted, NotYet, Violation, Work, WorkedHeader,
};
use blocktree_import::{Imported, Worth};
use blocktree_primitives::{BlockHash, BoundedVec, Commitment, Header, Height};
use blocktree_state::Fault;
use core::time::Duration;
use later::{Later, Told};
use news::News;
use parity_scale_codec::{Decode, Encode};
use partial::{Partial, Tellers};
use slots::Slots;
use std::collections::BTreeMap;

/// Of each peer so many blocks are remembered that it has: many more than are told within the time that
/// one takes to arrive.
const MAX_KNOWN: usize = 64;
/// So many blocks are fetched at once, at most one of each peer; one more takes the place of the one
/// that was told first. Each holds at most the bytes of a block.
const MAX_PARTIAL: usize = 16;
/// So many blocks are with the importer at once; what comes then is left to sync.
const MAX_IMPORTING: usize = 16;
/// The importer is believed to have a block for so long.
const IMPORT_TIME: Duration = Duration::from_secs(120);
/// A peer may take so long to give all events that are missing.
const MISSING_TIME: Duration = Duration::from_secs(10);
/// A peer may take so long to give a whole block.
const WHOLE_TIME: Duration = Duration::from_secs(20);

/// What came of a block that a peer told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// The relay has it in hand, or it was refused.
    Nothing,
    /// The block before is not known: its branch is to be asked for.
    Orphan,
    /// The peer's branch has this work; the relay does not fetch the block, because it is known or is
    /// worth too little as far as it is shown.
    Joins(Work),
}

/// A block that the relay could not get, for sync to look into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GivenUp {
    /// Who told it.
    pub(crate) node: NodeId,
    /// Its hash.
    pub(crate) hash: BlockHash,
    /// Its height, a claim unless it joins.
    pub(crate) height: Height,
    /// What is known of it.
    pub(crate) heard: Heard,
}

/// The relay of blocks.
#[derive(Debug, Default)]
pub(crate) struct BlockRelay {
    peers: BTreeMap<NodeId, Peer>,
    partial: BTreeMap<BlockHash, Partial>,
    /// Blocks that were handed to the importer, who told them, and when.
    importing: BTreeMap<BlockHash, (Tellers, Tick)>,
    later: Later,
    news: News,
    given_up: Vec<GivenUp>,
    /// Blocks that were begun.
    count: u64,
    is_syncing: bool,
}

#[derive(Debug)]
struct Peer {
    /// Blocks that it told, or that it was told.
    known: Recent<BlockHash>,
}

/// A header that is right in its branch, and the commitment that it stands for.
struct Right {
    node: NodeId,
    header: Header,
    commitment: Commitment,
    info: ChainInfo,
}

impl BlockRelay {
    /// A peer said hello.
    pub(crate) fn peer_ready(&mut self, node: NodeId) {
        self.peers.entry(node).or_insert_with(|| Peer { known: Recent::new(MAX_KNOWN) });
    }

    /// A peer is gone: the next tick asks others for what it was asked for.
    pub(crate) fn peer_gone(&mut self, node: NodeId) {
        self.peers.remove(&node);
        let lost = self.partial.values_mut().filter(|partial| partial.source() == Some(node));
        lost.for_each(|partial| partial.until = Tick(0));
    }

    /// A peer is known to have a block.
    pub(crate) fn peer_has(&mut self, node: NodeId, hash: BlockHash) {
        if let Some(peer) = self.peers.get_mut(&node) {
            peer.known.insert(hash);
        }
    }

    /// Whether the node is syncing: then tips are announced, not told.
    pub(crate) const fn set_syncing(&mut self, is_syncing: bool) {
        self.is_syncing = is_syncing;
    }

    /// Takes the blocks that could not be got since this was called last.
    pub(crate) fn take_given_up(&mut self) -> Vec<GivenUp> {
        core::mem::take(&mut self.given_up)
    }

    /// Blocks that are being fetched, that are with the importer, that wait for their time, and that
    /// wait for the one before; with the bound of each.
    pub(crate) fn sizes(&self) -> [(usize, usize); 4] {
        let [early, behind] = self.later.sizes();
        [
            (self.partial.len(), MAX_PARTIAL),
            (self.importing.len(), MAX_IMPORTING),
            (early, later::MAX_EARLY),
            (behind, later::MAX_BEHIND),
        ]
    }

    /// The tip moved. If that was a step of few blocks, and the node is not syncing, the block is told
    /// to whoever is not known to have it; else the next tick announces the tip.
    pub(crate) fn tip<C: Encode + Decode>(
        &mut self,
        now: Now,
        tip: &ChainInfo,
        reverted: u64,
        local: &impl Local<Call = C>,
        out: &mut Out<C>,
    ) -> Result<(), Fault> {
        if !self.news.moved(now, tip, reverted) || self.is_syncing {
            return Ok(());
        }
        let Some(compact) = compact_of(&tip.hash, local)? else { return Ok(()) };
        self.news.told(now);
        for (node, peer) in &mut self.peers {
            if peer.known.insert(tip.hash) {
                out.ask(*node, Purpose::Tell, Request::Compact(compact.clone()));
            }
        }
        Ok(())
    }

    /// A peer told its new tip.
    pub(crate) fn compact<C: Encode + Decode>(
        &mut self,
        now: Now,
        node: NodeId,
        compact: Compact,
        local: &impl Local<Call = C>,
        out: &mut Out<C>,
    ) -> Result<Heard, Fault> {
        let header = compact.header;
        let worked = match WorkedHeader::check(local.params(), &header) {
            Ok(worked) => worked,
            Err(violation) => return Ok(refuse(node, violation, out)),
        };
        let (expected, found) = (header.commitment, compact.commitment.hash());
        if found != expected {
            return Ok(refuse(node, Violation::WrongCommitment { expected, found }, out));
        }
        let hash = worked.hash();
        self.peer_has(node, hash);
        if let Some(known) = local.block(&hash)? {
            if known.is_invalid {
                out.offence(node, Offence::OnInvalid);
                return Ok(Heard::Nothing);
            }
            return Ok(Heard::Joins(known.total_work));
        }
        match local.block(&header.parent)? {
            Some(parent) if parent.is_invalid => {
                out.offence(node, Offence::OnInvalid);
                return Ok(Heard::Nothing);
            }
            None if self.is_on_its_way(&header.parent) => {
                self.later.wait_behind(Told { node, compact });
                return Ok(Heard::Nothing);
            }
            _ => {}
        }
        let context = local.context(&header.parent)?;
        let checked = CheckedHeader::check(local.params(), worked, context.as_ref(), now.unix);
        let info = match checked {
            Ok(checked) => *checked.info(),
            Err(NotAccepted::Refused(violation)) => return Ok(refuse(node, violation, out)),
            Err(NotAccepted::NotYet(NotYet::Orphan { .. })) => return Ok(Heard::Orphan),
            Err(NotAccepted::NotYet(NotYet::Future { until })) => {
                self.later.wait_until(until, hash, Told { node, compact });
                return Ok(Heard::Nothing);
            }
            Err(NotAccepted::Fault(fault)) => return Err(fault),
        };
        let (expected, found) = (info.height, compact.commitment.height);
        if found != expected {
            return Ok(refuse(node, Violation::WrongHeight { expected, found }, out));
        }
        if !worth_storing(&local.tip(), local.minimum_work(), info.total_work) {
            return Ok(Heard::Joins(info.total_work));
        }
        if let Some((tellers, _)) = self.importing.get_mut(&hash) {
            tellers.add(node);
            return Ok(Heard::Nothing);
        }
        if let Some(partial) = self.partial.get_mut(&hash) {
            partial.tellers.add(node);
            return Ok(Heard::Nothing);
        }
        if self.importing.len() >= MAX_IMPORTING {
            return Ok(Heard::Joins(info.total_work));
        }
        let slots = Slots::from_pool(local, &hash, &compact.ids);
        let right = Right { node, header, commitment: compact.commitment, info };
        self.begin(now, right, slots, out);
        Ok(Heard::Nothing)
    }

    /// What became of a block that was handed to the importer: if it is invalid, all who told it are
    /// to blame, since whoever tells a block has imported it.
    pub(crate) fn imported<C>(&mut self, hash: BlockHash, outcome: &Imported, out: &mut Out<C>) {
        let Some((tellers, _)) = self.importing.remove(&hash) else { return };
        let offence = match outcome {
            Imported::Refused(violation) => Offence::Block(violation.clone()),
            Imported::KnownInvalid(_) => Offence::OnInvalid,
            Imported::NewTip { .. }
            | Imported::Side(_)
            | Imported::Known(_)
            | Imported::TooLittleWork(_)
            | Imported::NotYet(_) => return,
        };
        tellers.all().iter().for_each(|node| out.offence(*node, offence.clone()));
    }

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

    /// Time passes: others are asked for what is late, blocks that waited are looked into, and a tip
    /// whose block was not told is announced.
    pub(crate) fn tick<C: Encode + Decode>(
        &mut self,
        now: Now,
        local: &impl Local<Call = C>,
        out: &mut Out<C>,
    ) -> Result<(), Fault> {
        self.importing.retain(|_, (_, since)| now.tick.since(*since) < IMPORT_TIME);
        let late = self.partial.values().filter(|partial| partial.until <= now.tick);
        let late: Vec<BlockHash> = late.map(|partial| partial.hash).collect();
        for hash in late {
            if let Some(node) = self.partial.get(&hash).and_then(Partial::source) {
                self.move_on(now, node, &hash, out);
            }
        }
        let mut due = self.later.take_due(now.unix);
        due.extend(self.take_freed());
        for Told { node, compact } in due {
            let (hash, height) = (compact.header.hash(), compact.commitment.height);
            match self.compact(now, node, compact, local, out)? {
                Heard::Nothing => {}
                heard => self.give_up(GivenUp { node, hash, height, heard }),
            }
        }
        if self.news.announce(now) {
            let hello = serve::hello(local);
            for (node, peer) in &mut self.peers {
                if peer.known.insert(hello.tip) {
                    out.ask(*node, Purpose::Tell, Request::Hello(hello));
                }
            }
        }
        Ok(())
    }

    /// Whether a block is being fetched or judged.
    fn is_on_its_way(&self, hash: &BlockHash) -> bool {
        self.partial.contains_key(hash) || self.importing.contains_key(hash)
    }

    fn take_freed(&mut self) -> Vec<Told> {
        let Self { partial, importing, later, .. } = self;
        later.take_freed(|hash| partial.contains_key(hash) || importing.contains_key(hash))
    }

    /// Begins a block with what the pool has of it.
    fn begin<C: Encode + Decode>(
        &mut self,
        now: Now,
        right: Right,
        slots: Slots,
        out: &mut Out<C>,
    ) {
        let Right { node, header, commitment, info } = right;
        if !slots.missing().is_empty() {
            self.make_room(now, node, out);
        }
        self.count = self.count.saturating_add(1);
        let partial = Partial {
            header,
            hash: info.hash,
            commitment,
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
        match slots.body().filter(|body: &Body<C>| is_of(body, &partial.commitment)) {
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
    fn move_on<C>(&mut self, now: Now, node: NodeId, hash: &BlockHash, out: &mut Out<C>) {
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
    fn give_up(&mut self, given_up: GivenUp) {
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
    fn complete<C>(&mut self, now: Now, hash: &BlockHash, body: Body<C>, out: &mut Out<C>) {
        let Some(partial) = self.partial.remove(hash) else { return };
        let Partial { header, commitment, tellers, .. } = partial;
        self.importing.insert(*hash, (tellers, now.tick));
        out.imports.push((Box::new(Candidate { header, commitment, body }), Worth::Own));
    }
}

/// Notes that a peer told a block that breaks a rule.
fn refuse<C>(node: NodeId, violation: Violation, out: &mut Out<C>) -> Heard {
    out.offence(node, Offence::Block(violation));
    Heard::Nothing
}

/// Whether these are the events of a block with this commitment.
fn is_of<C>(body: &Body<C>, commitment: &Commitment) -> bool {
    body.event_root() == commitment.event_root
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

/// A stored block with the short ids of its events.
fn compact_of<C: Encode + Decode>(
    hash: &BlockHash,
    local: &impl Local<Call = C>,
) -> Result<Option<Compact>, Fault> {
    let Some(known) = local.block(hash)? else { return Ok(None) };
    let Some(body) = serve::decoded_body(local, hash)? else { return Ok(None) };
    let ids = short_ids(hash, &body.leaves());
    let ids = BoundedVec::try_from(ids).ok();
    Ok(ids.map(|ids| Compact { header: known.header, commitment: known.commitment, ids }))
}

#[cfg(test)]
mod tests;
