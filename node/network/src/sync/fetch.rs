//! The blocks of a branch that was shown to have more work than ours: their headers a second time where
//! they were too many to keep, their bodies from all peers at once, to the importer in order
//! (docs/protocol.md §12.4).

use super::bits::Bits;
use super::search::Shown;
use crate::address::NodeId;
use crate::local::Local;
use crate::message::{BlockBody, MAX_BODIES, MAX_RESPONSE_LEN, Request};
use crate::offence::Offence;
use crate::out::{Out, Purpose};
use crate::time::{Now, Tick};
use blocktree_consensus::{
    Body, Candidate, ChainInfo, CheckedHeader, HeaderContext, NotAccepted, NotYet, Violation, Work,
    WorkedHeader,
};
use blocktree_import::Worth;
use blocktree_primitives::{BlockHash, BoundedVec, Header};
use blocktree_state::Fault;
use core::time::Duration;
use parity_scale_codec::{Decode, Encode};
use std::collections::{BTreeMap, VecDeque};

/// Planned headers below which more are asked for.
const LOW: usize = 2_048;
/// Bytes of bodies that are held or, at their mean size, asked for, from which on nothing more is. Enough
/// for some seconds of the importer; decoded, they take several times the memory.
const MAX_BYTES: usize = 6_000_000;
/// Requests for bodies under way at most: their answers may be far above the mean.
const MAX_REQUESTS: usize = 8;
/// Bytes of bodies that are held at most: one request may go out just below [`MAX_BYTES`], and all
/// answers may be as long as they may be.
pub(crate) const MAX_HELD: usize = MAX_BYTES + (MAX_REQUESTS + 1) * MAX_RESPONSE_LEN;
/// Headers planned at most: those that a search keeps, or what is asked for below [`LOW`].
pub(crate) const MAX_PLANNED: usize = 4_096;
/// Bytes that a request for bodies aims at.
const REQUEST_BYTES: usize = 1_000_000;
/// Requests for bodies under way with one peer at most.
const PER_PEER: usize = 2;
/// Blocks with the importer at most: enough for it to check ahead.
const IMPORTING: usize = 8;
/// The first block that is missing, and those after it that were asked for with it, are asked of a second
/// peer after this.
const HEDGE: Duration = Duration::from_secs(2);
/// A peer that lacks blocks of the branch, or did not answer, is not asked for bodies for this long.
const LACKS: Duration = Duration::from_secs(15);

/// A fetch that gets nothing for this long is given up.
const STUCK: Duration = Duration::from_secs(60);

/// A block of the branch.
#[derive(Debug)]
struct Planned<C> {
    hash: BlockHash,
    header: Header,
    height: u64,
    stage: Stage<C>,
}

#[derive(Debug)]
enum Stage<C> {
    Wanted,
    /// By whom, since when; two at most.
    Asked(Vec<(NodeId, Tick)>),
    Here(Box<Candidate<C>>, NodeId, usize),
    Importing(NodeId),
}

/// The headers that are not planned yet.
#[derive(Debug)]
enum Rest {
    /// None.
    None,
    /// Those that were shown and not kept.
    Again { bits: Bits, next: u64, count: u64, asked: Option<NodeId> },
}

/// How a fetch ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// All its blocks were imported.
    Done,
    /// It leads nowhere.
    Abandoned(String),
}

/// A branch that is being fetched.
#[derive(Debug)]
pub(crate) struct Fetch<C> {
    /// The peer on whose best chain it is.
    pub(crate) lead: NodeId,
    /// Its last header and all work, as shown.
    pub(crate) end: ChainInfo,
    /// What the next header to plan is judged by.
    at: HeaderContext,
    rest: Rest,
    /// Blocks in a row, the first one's parent stored or with the importer.
    queue: VecDeque<Planned<C>>,
    /// The heights of those in the queue.
    places: BTreeMap<BlockHash, u64>,
    held: usize,
    /// Requests for bodies under way.
    requests: BTreeMap<NodeId, usize>,
    /// Bytes of a body, a running mean.
    mean: usize,
    lacks: BTreeMap<NodeId, Tick>,
    imported: u64,
    /// When a block was imported or a body came last.
    progress: Tick,
}

/// What is known of a peer that may have the branch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Holder {
    pub(crate) node: NodeId,
    pub(crate) height: u64,
    pub(crate) work: Work,
}

impl<C: Encode + Decode> Fetch<C> {
    pub(crate) fn new(now: Now, lead: NodeId, shown: Shown) -> Self {
        let from = shown.base.parent.height.0.saturating_add(1);
        let mut fetch = Self {
            lead,
            end: shown.end,
            at: shown.base,
            rest: Rest::None,
            queue: VecDeque::new(),
            places: BTreeMap::new(),
            held: 0,
            requests: BTreeMap::new(),
            mean: 1_000,
            lacks: BTreeMap::new(),
            imported: 0,
            progress: now.tick,
        };
        match shown.headers {
            Some(headers) => {
                for (height, header) in (from..).zip(headers) {
                    fetch.plan(header, header.hash(), height);
                }
            }
            None => {
                let count = shown.count;
                fetch.rest = Rest::Again { bits: shown.bits, next: 0, count, asked: None };
            }
        }
        fetch
    }

    fn plan(&mut self, header: Header, hash: BlockHash, height: u64) {
        self.queue.push_back(Planned { hash, header, height, stage: Stage::Wanted });
        self.places.insert(hash, height);
    }

    /// Whether a block is planned.
    pub(crate) fn has(&self, hash: &BlockHash) -> bool {
        self.places.contains_key(hash)
    }

    /// Where a planned block stands in the queue.
    fn place(&self, hash: &BlockHash) -> Option<usize> {
        let first = self.queue.front()?.height;
        usize::try_from(self.places.get(hash)?.checked_sub(first)?).ok()
    }

    /// Blocks that are not imported yet.
    pub(crate) fn left(&self) -> u64 {
        let again = match &self.rest {
            Rest::None => 0,
            Rest::Again { next, count, .. } => count.saturating_sub(*next),
        };
        again.saturating_add(u64::try_from(self.queue.len()).unwrap_or(u64::MAX))
    }

    /// Blocks imported.
    pub(crate) const fn imported_count(&self) -> u64 {
        self.imported
    }

    /// Headers planned, and bytes of bodies held.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.queue.len(), self.held)
    }

    /// Asks for what is missing and hands on what is there.
    pub(crate) fn drive(
        &mut self,
        now: Now,
        holders: &[Holder],
        out: &mut Out<C>,
    ) -> Option<Ended> {
        self.ask_headers(holders, out);
        self.ask_bodies(now, holders, out);
        self.hand_on(out);
        if self.queue.is_empty() && matches!(self.rest, Rest::None) {
            return Some(Ended::Done);
        }
        let imports =
            matches!(self.queue.front(), Some(Planned { stage: Stage::Importing(_), .. }));
        let is_stuck = !imports && now.tick.since(self.progress) >= STUCK;
        is_stuck.then(|| Ended::Abandoned("nobody gives its blocks".into()))
    }

    fn ask_headers(&mut self, holders: &[Holder], out: &mut Out<C>) {
        let Rest::Again { asked, .. } = &mut self.rest else { return };
        if asked.is_some() || self.queue.len() > LOW {
            return;
        }
        // Whoever claims that much work may have it; the bits tell.
        let able = |holder: &&Holder| holder.work >= self.end.total_work;
        let lead = holders.iter().find(|holder| holder.node == self.lead);
        let Some(holder) = lead.or_else(|| holders.iter().find(able)) else { return };
        *asked = Some(holder.node);
        let mut locator = BoundedVec::new();
        // It has room for one.
        let _ = locator.push(self.at.parent.hash);
        out.ask(holder.node, Purpose::HeadersAgain, Request::Headers { locator });
    }

    fn ask_bodies(&mut self, now: Now, holders: &[Holder], out: &mut Out<C>) {
        self.lacks.retain(|_, until| *until > now.tick);
        let is_asked = |planned: &&Planned<C>| matches!(planned.stage, Stage::Asked(_));
        let asked = self.queue.iter().filter(is_asked).count();
        let mut asked_bytes = asked.saturating_mul(self.mean);
        let batch = (REQUEST_BYTES / self.mean.max(1)).clamp(1, MAX_BODIES);
        let mut free: Vec<(usize, Holder)> = holders
            .iter()
            .filter(|holder| !self.lacks.contains_key(&holder.node))
            .map(|holder| (self.requests.get(&holder.node).copied().unwrap_or(0), *holder))
            .filter(|(busy, _)| *busy < PER_PEER)
            .collect();
        // The least busy first, so that all carry.
        free.sort_by_key(|(busy, holder)| (*busy, holder.node));
        for (_, holder) in free {
            if self.held.saturating_add(asked_bytes) >= MAX_BYTES
                || self.requests.values().sum::<usize>() >= MAX_REQUESTS
            {
                break;
            }
            let hashes = self.take(now, &holder, batch);
            if hashes.is_empty() {
                continue;
            }
            asked_bytes = asked_bytes.saturating_add(hashes.len().saturating_mul(self.mean));
            // `batch` is at most the bound.
            let Ok(bounded) = BoundedVec::try_from(hashes.clone()) else { continue };
            *self.requests.entry(holder.node).or_default() += 1;
            out.ask(holder.node, Purpose::Bodies(hashes), Request::Bodies { hashes: bounded });
        }
    }

    /// Marks the next wanted blocks as asked of a peer. The first missing one, with those after it that
    /// came to be late together, counts as wanted again after a while.
    fn take(&mut self, now: Now, holder: &Holder, batch: usize) -> Vec<BlockHash> {
        let mut hashes = Vec::new();
        let (mut is_first, mut is_hedge) = (true, false);
        for planned in &mut self.queue {
            if planned.height > holder.height || hashes.len() >= batch {
                break;
            }
            match &mut planned.stage {
                Stage::Wanted if !is_hedge => {
                    planned.stage = Stage::Asked(vec![(holder.node, now.tick)]);
                    hashes.push(planned.hash);
                }
                // With the first, all that whoever keeps it waiting was asked for: one by one they would
                // come at a block a round trip.
                Stage::Asked(askers)
                    if (is_first || is_hedge)
                        && askers.len() == 1
                        && askers.iter().all(|(node, since)| {
                            *node != holder.node && now.tick.since(*since) >= HEDGE
                        }) =>
                {
                    askers.push((holder.node, now.tick));
                    hashes.push(planned.hash);
                    is_hedge = true;
                }
                // A request's blocks come in a row.
                _ if !hashes.is_empty() => break,
                _ => {}
            }
            is_first &= matches!(planned.stage, Stage::Here(..) | Stage::Importing(_));
        }
        hashes
    }

    fn hand_on(&mut self, out: &mut Out<C>) {
        let importing = |planned: &&Planned<C>| matches!(planned.stage, Stage::Importing(_));
        let mut count = self.queue.iter().take_while(importing).count();
        while count < IMPORTING
            && let Some(planned) = self.queue.get_mut(count)
            && let Stage::Here(_, from, len) = &planned.stage
        {
            let (from, len) = (*from, *len);
            self.held = self.held.saturating_sub(len);
            let stage = core::mem::replace(&mut planned.stage, Stage::Importing(from));
            if let Stage::Here(block, ..) = stage {
                out.imports.push((block, Worth::Shown(self.end.total_work)));
            }
            count += 1;
        }
    }

    /// Takes headers that come again.
    ///
    /// # Errors
    /// The peer's offence, within a [`Fault`] of ours.
    pub(crate) fn headers(
        &mut self,
        now: Now,
        node: NodeId,
        headers: &[Header],
        local: &impl Local,
    ) -> Result<Result<(), Offence>, Fault> {
        let Rest::Again { bits, next, count, asked } = &mut self.rest else { return Ok(Ok(())) };
        if *asked != Some(node) {
            return Ok(Ok(()));
        }
        *asked = None;
        if headers.is_empty() {
            return Ok(Err(Offence::ChangedHeaders));
        }
        let mut taken = Vec::new();
        for header in headers {
            if next >= count {
                break;
            }
            if header.parent != self.at.parent.hash {
                return Ok(Err(Offence::ChangedHeaders));
            }
            let checked =
                WorkedHeader::check(local.params(), header).map_err(NotAccepted::from).and_then(
                    |worked| CheckedHeader::check(local.params(), worked, Some(&self.at), now.unix),
                );
            let checked = match checked {
                Ok(checked) => checked,
                Err(NotAccepted::Refused(violation)) => return Ok(Err(Offence::Block(violation))),
                Err(NotAccepted::NotYet(NotYet::Future { .. })) => break,
                Err(NotAccepted::NotYet(NotYet::Orphan { .. })) => {
                    return Ok(Err(Offence::ChangedHeaders));
                }
                Err(NotAccepted::Fault(fault)) => return Err(fault),
            };
            let info = checked.info();
            if !bits.agrees(*next, &info.hash) {
                return Ok(Err(Offence::ChangedHeaders));
            }
            self.at = *checked.context_after();
            taken.push((*header, info.hash, info.height.0));
            *next = next.saturating_add(1);
        }
        let is_all = next >= count;
        for (header, hash, height) in taken {
            self.plan(header, hash, height);
        }
        if is_all {
            self.rest = Rest::None;
            // A bit in 64 may agree by chance; the last hash does not.
            if self.at.parent.hash != self.end.hash {
                return Ok(Err(Offence::ChangedHeaders));
            }
        }
        Ok(Ok(()))
    }

    /// Takes bodies.
    ///
    /// # Errors
    /// The peer's offence.
    pub(crate) fn bodies(
        &mut self,
        now: Now,
        node: NodeId,
        asked: &[BlockHash],
        bodies: Vec<BlockBody>,
    ) -> Result<(), Offence> {
        self.answered(&node);
        if bodies.len() > asked.len() {
            self.forget(node, asked);
            return Err(Offence::Unsolicited("more bodies than hashes"));
        }
        if bodies.is_empty() {
            self.lacks.insert(node, now.tick.after(LACKS));
        }
        let mut result = Ok(());
        for (hash, body) in asked.iter().zip(bodies) {
            let place = self.place(hash);
            let Some(planned) = place.and_then(|place| self.queue.get_mut(place)) else { continue };
            if !matches!(planned.stage, Stage::Wanted | Stage::Asked(_)) {
                continue;
            }
            let len = body.events.len();
            match bind(&planned.header, body) {
                Ok(block) => {
                    planned.stage = Stage::Here(Box::new(block), node, len);
                    self.progress = now.tick;
                    self.held = self.held.saturating_add(len);
                    self.mean = self.mean.saturating_mul(15).saturating_add(len).div_ceil(16);
                }
                Err(offence) => {
                    result = Err(offence);
                    break;
                }
            }
        }
        self.forget(node, asked);
        result
    }

    /// A peer gave no answer.
    pub(crate) fn failed(&mut self, now: Now, node: NodeId, asked: &[BlockHash]) {
        self.answered(&node);
        self.lacks.insert(node, now.tick.after(LACKS));
        self.forget(node, asked);
    }

    /// No headers came.
    pub(crate) fn headers_failed(&mut self, node: NodeId) {
        if let Rest::Again { asked, .. } = &mut self.rest
            && *asked == Some(node)
        {
            *asked = None;
        }
    }

    fn answered(&mut self, node: &NodeId) {
        if let Some(requests) = self.requests.get_mut(node) {
            *requests = requests.saturating_sub(1);
        }
    }

    fn forget(&mut self, node: NodeId, asked: &[BlockHash]) {
        for hash in asked {
            let place = self.place(hash);
            let Some(planned) = place.and_then(|place| self.queue.get_mut(place)) else { continue };
            let Stage::Asked(askers) = &mut planned.stage else { continue };
            askers.retain(|(asker, _)| *asker != node);
            if askers.is_empty() {
                planned.stage = Stage::Wanted;
            }
        }
    }

    /// A peer is gone; what it sent stays.
    pub(crate) fn peer_gone(&mut self, node: NodeId) {
        let all: Vec<BlockHash> = self.queue.iter().map(|planned| planned.hash).collect();
        self.forget(node, &all);
        self.headers_failed(node);
        self.lacks.remove(&node);
        self.requests.remove(&node);
    }

    /// A block is imported.
    pub(crate) fn imported(&mut self, now: Now, hash: &BlockHash) {
        let Some(place) = self.place(hash) else { return };
        self.progress = now.tick;
        // Whatever comes before it was imported as well, or this one could not have been.
        for planned in self.queue.drain(..=place) {
            self.places.remove(&planned.hash);
            if let Stage::Here(_, _, len) = planned.stage {
                self.held = self.held.saturating_sub(len);
            }
            self.imported = self.imported.saturating_add(1);
        }
    }

    /// Who sent the body of a block that the importer has.
    pub(crate) fn sender(&self, hash: &BlockHash) -> Option<NodeId> {
        match self.queue.get(self.place(hash)?)?.stage {
            Stage::Importing(node) => Some(node),
            _ => None,
        }
    }
}

/// A header with what it stands for.
///
/// # Errors
/// The offence of whoever sent the body.
pub(crate) fn bind<C: Encode + Decode>(
    header: &Header,
    body: BlockBody,
) -> Result<Candidate<C>, Offence> {
    let BlockBody { commitment, events } = body;
    let found = commitment.hash();
    if found != header.commitment {
        let violation = Violation::WrongCommitment { expected: header.commitment, found };
        return Err(Offence::Block(violation));
    }
    let body = Body::<C>::decode(&events).map_err(|error| Offence::Malformed(error.to_string()))?;
    let found = body.event_root();
    if found != commitment.event_root {
        let violation = Violation::WrongEventRoot { expected: commitment.event_root, found };
        return Err(Offence::Block(violation));
    }
    Ok(Candidate { header: *header, commitment, body })
}
