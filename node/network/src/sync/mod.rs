//! Sync: which peers claim more work than we have, whether their headers bear it out, and the blocks
//! of the best of these branches (docs/protocol.md §12.4).
//!
//! A claim costs a peer nothing and is only a reason to ask. Headers are checked as they come and
//! forgotten until their branch has shown more work than ours and than the chain's minimum; only then
//! are bodies fetched, from all peers that may have them.

mod bits;
mod fetch;
mod search;

#[cfg(test)]
mod tests;

use crate::action::Note;
use crate::address::NodeId;
use crate::input::Direction;
use crate::local::Local;
use crate::measures::Measures;
use crate::message::{BlockBody, Hello, Request};
use crate::offence::Offence;
use crate::out::{Out, Purpose};
use crate::random::Random;
use crate::time::{Now, Tick};
use blocktree_consensus::{Blame, NotYet, Work};
use blocktree_import::Imported;
use blocktree_primitives::{BlockHash, BoundedVec, Header, Height};
use blocktree_state::Fault;
use core::time::Duration;
use fetch::{Ended, Fetch, Holder};
use parity_scale_codec::{Decode, Encode};
use search::{Next, Search, locator};
use std::collections::BTreeMap;

/// Searches at once at most: as many as there are outbound peers, so that liars can't keep honest
/// peers from being heard.
const MAX_SEARCHES: usize = 8;
/// Of these, with peers that came to us.
const MAX_INBOUND_SEARCHES: usize = 4;
/// A peer whose headers bore out nothing is not searched again for this long.
const REST: Duration = Duration::from_secs(10);
/// Nor one whose branch goes on from the one that is being fetched.
const REST_FETCHING: Duration = Duration::from_secs(60);
/// A search that has shown enough and does not end is taken as it is after this.
const ENOUGH: Duration = Duration::from_secs(60);

/// A search that has shown too little after this is ended: a million headers take a minute.
const MAX_SEARCH_TIME: Duration = Duration::from_secs(600);

/// What a peer says of its best chain.
#[derive(Clone, Copy, Debug)]
struct Claim {
    height: u64,
    work: Work,
    direction: Direction,
    rest_until: Tick,
}

/// Where a node stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyncState {
    /// Whether better blocks are known, or claimed and not yet looked into.
    pub syncing: bool,
    /// Height of the best branch whose headers were seen; the tip's when none is better.
    pub target: u64,
    /// Blocks of that branch that were imported since it was found.
    pub imported: u64,
    /// Blocks of it that are still to be.
    pub left: u64,
}

/// The state of sync.
#[derive(Debug)]
pub(crate) struct Sync<C> {
    claims: BTreeMap<NodeId, Claim>,
    searches: BTreeMap<NodeId, Search>,
    fetch: Option<Fetch<C>>,
}

impl<C> Default for Sync<C> {
    fn default() -> Self {
        Self { claims: BTreeMap::new(), searches: BTreeMap::new(), fetch: None }
    }
}

impl<C: Encode + Decode> Sync<C> {
    /// A peer has said hello, or tells of a new tip.
    pub(crate) fn hello(&mut self, node: NodeId, hello: &Hello, direction: Direction) {
        self.claim(node, hello.height.0, hello.total_work, direction);
    }

    /// A peer told a block of its best chain: it has at least that much.
    pub(crate) fn told(&mut self, node: NodeId, height: u64, work: Work, direction: Direction) {
        if self.claims.get(&node).is_none_or(|old| work > old.work) {
            self.claim(node, height, work, direction);
        }
    }

    fn claim(&mut self, node: NodeId, height: u64, work: Work, direction: Direction) {
        let rest_until = self.claims.get(&node).map_or(Tick(0), |old| old.rest_until);
        self.claims.insert(node, Claim { height, work, direction, rest_until });
    }

    /// A peer showed a block whose parent is not known here: its branch is looked into at once.
    pub(crate) fn orphan(&mut self, node: NodeId, height: u64, above: Work, direction: Direction) {
        let old = self.claims.get(&node).map_or(Work::ZERO, |claim| claim.work);
        let claim = Claim { height, work: old.max(above), direction, rest_until: Tick(0) };
        self.claims.insert(node, claim);
    }

    /// A peer is gone.
    pub(crate) fn peer_gone(&mut self, node: NodeId) {
        self.claims.remove(&node);
        self.searches.remove(&node);
        if let Some(fetch) = &mut self.fetch {
            fetch.peer_gone(node);
        }
    }

    /// Where the node stands. `tip`: of our best chain.
    pub(crate) fn state(&self, now: Now, tip: Height, work: Work) -> SyncState {
        let open = |claim: &Claim| claim.work > work && claim.rest_until <= now.tick;
        let syncing = self.fetch.is_some() || self.claims.values().any(open);
        match &self.fetch {
            Some(fetch) => SyncState {
                syncing,
                target: fetch.end.height.0.max(tip.0),
                imported: fetch.imported_count(),
                left: fetch.left(),
            },
            None => SyncState { syncing, target: tip.0, imported: 0, left: 0 },
        }
    }

    /// Blocks that are still to be fetched.
    pub(crate) fn left(&self) -> u64 {
        self.fetch.as_ref().map_or(0, Fetch::left)
    }

    /// Whether a block is about to be fetched.
    pub(crate) fn has(&self, hash: &BlockHash) -> bool {
        self.fetch.as_ref().is_some_and(|fetch| fetch.has(hash))
    }

    /// Adds how full the buffers are.
    pub(crate) fn measure(&self, measures: &mut Measures, peers: usize) {
        let (planned, held) = self.fetch.as_ref().map_or((0, 0), Fetch::size);
        let kept = self.searches.values().map(Search::len_bytes).max().unwrap_or(0);
        measures.add("claims", self.claims.len(), peers);
        measures.add("searches", self.searches.len(), MAX_SEARCHES);
        measures.add("bytes of a search", kept, search::MAX_BYTES);
        measures.add("planned blocks", planned, fetch::MAX_PLANNED);
        measures.add("bytes of bodies", held, fetch::MAX_HELD);
    }

    /// Begins searches, asks for what is missing, hands on what is there.
    pub(crate) fn drive(
        &mut self,
        now: Now,
        local: &impl Local,
        random: &mut Random,
        out: &mut Out<C>,
    ) -> Result<(), Fault> {
        self.end_long_searches(now, local, out);
        self.begin_searches(now, local, random, out)?;
        let holder = |(node, claim): (&NodeId, &Claim)| Holder {
            node: *node,
            height: claim.height,
            work: claim.work,
        };
        let holders: Vec<Holder> = self.claims.iter().map(holder).collect();
        let Some(fetch) = &mut self.fetch else { return Ok(()) };
        match fetch.drive(now, &holders, out) {
            None => {}
            Some(Ended::Done) => {
                let (work, count) = (fetch.end.total_work, fetch.imported_count());
                self.fetch = None;
                for claim in self.claims.values_mut().filter(|claim| claim.work > work) {
                    claim.rest_until = now.tick;
                }
                if count > 1 {
                    out.notes.push(Note::SyncDone { height: local.tip().height.0 });
                }
            }
            Some(Ended::Abandoned(why)) => self.abandon(now, why, out),
        }
        Ok(())
    }

    fn begin_searches(
        &mut self,
        now: Now,
        local: &impl Local,
        random: &mut Random,
        out: &mut Out<C>,
    ) -> Result<(), Fault> {
        let tip = local.tip();
        let goal = self.fetch.as_ref().map_or(tip.total_work, |fetch| fetch.end.total_work);
        let mut promising: Vec<(Work, NodeId, Direction)> = self
            .claims
            .iter()
            .filter(|(_, claim)| claim.work > goal && claim.rest_until <= now.tick)
            .filter(|(node, _)| !self.searches.contains_key(node))
            .map(|(node, claim)| (claim.work, *node, claim.direction))
            .collect();
        if promising.is_empty() {
            return Ok(());
        }
        promising.sort_by_key(|(work, node, _)| (core::cmp::Reverse(*work), *node));
        for (_, node, direction) in promising {
            if self.searches.len() >= MAX_SEARCHES
                || direction == Direction::Inbound
                    && self.inbound_searches() >= MAX_INBOUND_SEARCHES
            {
                continue;
            }
            let Some(base) = local.context(&tip.hash)? else { continue };
            // It has room for as many as a locator ever has.
            let Ok(hashes) = BoundedVec::try_from(locator(tip.height, local)?) else { continue };
            self.searches.insert(node, Search::new(base, random.next(), now.tick));
            out.ask(node, Purpose::Headers, Request::Headers { locator: hashes });
        }
        Ok(())
    }

    fn inbound_searches(&self) -> usize {
        let is_inbound = |node: &&NodeId| {
            self.claims.get(node).is_some_and(|claim| claim.direction == Direction::Inbound)
        };
        self.searches.keys().filter(is_inbound).count()
    }

    /// A search that goes on and on may be a flood, or just a long chain: what it has shown counts.
    fn end_long_searches(&mut self, now: Now, local: &impl Local, out: &mut Out<C>) {
        let is_idle = self.fetch.is_none();
        let is_over = |(node, search): (&NodeId, &Search)| {
            let age = now.tick.since(search.since);
            let is_enough = age >= ENOUGH && is_worth_it(search.end().total_work, local);
            (age >= MAX_SEARCH_TIME || is_idle && is_enough).then_some(*node)
        };
        if let Some(node) = self.searches.iter().find_map(is_over) {
            self.end_search(now, node, local, out);
        }
    }

    /// Headers came.
    pub(crate) fn headers(
        &mut self,
        now: Now,
        node: NodeId,
        headers: &[Header],
        local: &impl Local,
        out: &mut Out<C>,
    ) -> Result<(), Fault> {
        let fetched = self.fetch.as_ref().map(|fetch| fetch.end.hash);
        let Some(search) = self.searches.get_mut(&node) else { return Ok(()) };
        match search.answered(now, headers, fetched, local)? {
            Ok(Next::Ask(hashes)) => {
                let Ok(locator) = BoundedVec::try_from(hashes) else { return Ok(()) };
                out.ask(node, Purpose::Headers, Request::Headers { locator });
            }
            Ok(Next::Ended | Next::Waits) => self.end_search(now, node, local, out),
            Err(offence) => {
                self.searches.remove(&node);
                self.rest(now, node, REST);
                out.offence(node, offence);
            }
        }
        Ok(())
    }

    fn end_search(&mut self, now: Now, node: NodeId, local: &impl Local, out: &mut Out<C>) {
        let Some(search) = self.searches.remove(&node) else { return };
        let (count, shown) = (search.count(), search.shown());
        let work = shown.end.total_work;
        if let Some(claim) = self.claims.get_mut(&node) {
            // What it showed is what it has, for all that we know.
            claim.work = claim.work.min(work);
            // Messages overtake each other, so the last that told a height need not have been of its tip.
            claim.height = claim.height.max(shown.end.height.0);
        }
        if !is_worth_it(work, local) || count == 0 {
            self.rest(now, node, REST);
            return;
        }
        if let Some(fetch) = &self.fetch
            && (shown.goes_on || work <= fetch.end.total_work)
        {
            self.rest(now, node, REST_FETCHING);
            if let Some(claim) = self.claims.get_mut(&node) {
                claim.work = work;
            }
            return;
        }
        if count > 1 {
            let from = shown.base.parent.height.0.saturating_add(1);
            out.notes.push(Note::SyncStarted { from, to: shown.end.height.0 });
        }
        self.fetch = Some(Fetch::new(now, node, shown));
    }

    fn rest(&mut self, now: Now, node: NodeId, length: Duration) {
        if let Some(claim) = self.claims.get_mut(&node) {
            claim.rest_until = now.tick.after(length);
        }
    }

    /// Headers came a second time.
    pub(crate) fn headers_again(
        &mut self,
        now: Now,
        node: NodeId,
        headers: &[Header],
        local: &impl Local,
        out: &mut Out<C>,
    ) -> Result<(), Fault> {
        let Some(fetch) = &mut self.fetch else { return Ok(()) };
        if let Err(offence) = fetch.headers(now, node, headers, local)? {
            let is_lead = fetch.lead == node;
            // Of others who claim as much work the branch may be another one.
            if is_lead {
                out.offence(node, offence);
                self.abandon(now, "its headers changed".into(), out);
            } else {
                self.rest(now, node, REST_FETCHING);
            }
        }
        Ok(())
    }

    /// Bodies came.
    pub(crate) fn bodies(
        &mut self,
        now: Now,
        node: NodeId,
        asked: &[BlockHash],
        bodies: Vec<BlockBody>,
        out: &mut Out<C>,
    ) {
        if let Some(fetch) = &mut self.fetch
            && let Err(offence) = fetch.bodies(now, node, asked, bodies)
        {
            out.offence(node, offence);
        }
    }

    /// A request of ours got no answer, or another kind of answer.
    pub(crate) fn failed(&mut self, now: Now, node: NodeId, purpose: &Purpose) {
        match purpose {
            Purpose::Headers => {
                self.searches.remove(&node);
                self.rest(now, node, REST);
            }
            Purpose::HeadersAgain => {
                if let Some(fetch) = &mut self.fetch {
                    fetch.headers_failed(node);
                }
            }
            Purpose::Bodies(hashes) => {
                if let Some(fetch) = &mut self.fetch {
                    fetch.failed(now, node, hashes);
                }
            }
            _ => {}
        }
    }

    /// A block was judged.
    pub(crate) fn imported(
        &mut self,
        now: Now,
        hash: &BlockHash,
        outcome: &Imported,
        out: &mut Out<C>,
    ) {
        let Some(fetch) = self.fetch.as_mut().filter(|fetch| fetch.has(hash)) else { return };
        let (lead, sender) = (fetch.lead, fetch.sender(hash));
        match outcome {
            Imported::NewTip { .. } | Imported::Side(_) | Imported::Known(_) => {
                fetch.imported(now, hash);
            }
            Imported::Refused(violation) => {
                // Its header covers the very body that was judged, so it is the lead who is wrong to
                // have it on its best chain, and not whoever passed the body on.
                let guilty = match violation.blame() {
                    Blame::Block => Some(lead),
                    Blame::Sender => sender,
                };
                if let Some(guilty) = guilty {
                    out.offence(guilty, Offence::Block(violation.clone()));
                }
                self.abandon(now, format!("block {hash} is refused: {violation}"), out);
            }
            Imported::KnownInvalid(_) => {
                out.offence(lead, Offence::OnInvalid);
                self.abandon(now, format!("block {hash} is on top of an invalid one"), out);
            }
            Imported::TooLittleWork(_) => {
                self.abandon(now, format!("block {hash} is no longer worth it"), out);
            }
            Imported::NotYet(NotYet::Future { .. }) => {
                self.abandon(now, format!("block {hash} is ahead of the clock"), out);
            }
            Imported::NotYet(NotYet::Orphan { parent }) => {
                self.abandon(now, format!("block {hash} lacks its parent {parent}"), out);
            }
        }
    }

    fn abandon(&mut self, now: Now, why: String, out: &mut Out<C>) {
        let Some(fetch) = self.fetch.take() else { return };
        self.rest(now, fetch.lead, REST);
        out.notes.push(Note::SyncAbandoned { why });
    }
}

/// Whether a branch with so much work is worth fetching.
fn is_worth_it(work: Work, local: &impl Local) -> bool {
    work > local.tip().total_work && work >= local.minimum_work()
}
