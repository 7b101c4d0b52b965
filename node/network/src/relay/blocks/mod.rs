//! Relay of blocks: a new tip is told with the short ids of its events; whoever is told it takes what
//! waits in its pool, asks for the rest, and gives the whole to the importer (docs/protocol.md §12.3).
//!
//! A block is looked into in the order of what that costs: its proof of work, its commitment, whether
//! it is known, its header in its branch, the work of that branch, the pool, requests. Who told a block
//! is to blame for what its proof of work covers; for wrong events only who sent these. That the short
//! ids lead to other events than the block's is nobody's fault, two events may share one: the whole
//! block is asked for then.

mod fetch;
mod later;
mod news;
mod partial;
mod slots;

use crate::address::NodeId;
use crate::local::Local;
use crate::message::{Compact, Request, short_ids};
use crate::offence::Offence;
use crate::out::{Out, Purpose};
use crate::relay::recent::Recent;
use crate::serve;
use crate::time::{Now, Tick};
use blocktree_consensus::fork::worth_storing;
use blocktree_consensus::{
    ChainInfo, CheckedHeader, NotAccepted, NotYet, Violation, Work, WorkedHeader,
};
use blocktree_import::Imported;
use blocktree_primitives::{BlockHash, BoundedVec, Height};
use blocktree_state::Fault;
use core::time::Duration;
use fetch::Right;
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
            // Whoever told it first may have lied about the ids: others' are tried as well.
            if partial.tellers.add(node) && partial.ids != compact.ids {
                let slots = Slots::from_pool(local, &hash, &compact.ids);
                if let Some(body) = slots.body_of(&compact.commitment) {
                    self.complete(now, &hash, body, out);
                }
            }
            return Ok(Heard::Nothing);
        }
        if self.importing.len() >= MAX_IMPORTING {
            return Ok(Heard::Joins(info.total_work));
        }
        let slots = Slots::from_pool(local, &hash, &compact.ids);
        let Compact { commitment, ids, .. } = compact;
        let right = Right { node, header, commitment, ids, info };
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
}

/// Notes that a peer told a block that breaks a rule.
fn refuse<C>(node: NodeId, violation: Violation, out: &mut Out<C>) -> Heard {
    out.offence(node, Offence::Block(violation));
    Heard::Nothing
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
