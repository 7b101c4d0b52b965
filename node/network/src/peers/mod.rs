//! Who this node is connected with: the address book, the slots, the scores and the bans
//! (docs/protocol.md §12.6, §12.7). What peers say is judged elsewhere; here is only what it costs them.

mod bag;
mod book;
mod dial;
mod file;
mod score;
mod slots;
#[cfg(test)]
mod tests;

pub use file::{KnownBan, KnownPeer, KnownPeers, MAX_FILE_LEN};

use crate::action::Reason;
use crate::address::{Address, NodeId};
use crate::input::{Direction, Source};
use crate::measures::Measures;
use crate::offence::Offence;
use crate::random::Random;
use crate::time::{Now, Tick};
use book::Book;
use core::time::Duration;
use dial::Choice;
use score::{Bans, Host, Penalty, Scores};
use slots::{Dial, InboundRoom, Peer, Slot, Slots};

/// A dial of which nothing was heard for so long has failed.
const DIAL_TIME: Duration = Duration::from_secs(30);

/// How many peers a node has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeersConfig {
    /// Peers that this node seeks and keeps, reserved ones not counted.
    pub outbound: usize,
    /// Of those, from one group of public addresses at most.
    pub outbound_per_group: usize,
    /// Peers that may come by themselves, reserved ones not counted.
    pub inbound: usize,
    /// Of those, from one group of public addresses at most.
    pub inbound_per_group: usize,
    /// Dials under way at a time, half of them at most for reserved nodes.
    pub dials: usize,
}

impl Default for PeersConfig {
    /// 8 that are sought, so that it takes four groups to surround a node; 48 that come, a quarter of
    /// them from one group.
    fn default() -> Self {
        Self { outbound: 8, outbound_per_group: 2, inbound: 48, inbound_per_group: 12, dials: 8 }
    }
}

/// A peer, for whoever runs the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerView {
    /// Who.
    pub node: NodeId,
    /// Where it was reached, or where it came from.
    pub address: Address,
    /// Who began.
    pub direction: Direction,
    /// Since when.
    pub since: Tick,
    /// Its points; 100 cost it the connection.
    pub score: u32,
    /// Whether it is to be connected always.
    pub reserved: bool,
}

/// The peers.
#[derive(Debug)]
pub(crate) struct Peers {
    config: PeersConfig,
    own: NodeId,
    random: Random,
    book: Book,
    slots: Slots,
    scores: Scores,
    bans: Bans<NodeId>,
    hosts: Bans<Host>,
}

impl Peers {
    /// No peers yet. `own`: this node, which is never one of its own peers.
    pub(crate) fn new(config: PeersConfig, own: NodeId, random: Random) -> Self {
        Self {
            config,
            own,
            random,
            book: Book::default(),
            slots: Slots::default(),
            scores: Scores::default(),
            bans: Bans::default(),
            hosts: Bans::default(),
        }
    }

    /// A connection is open. Whoever gets a slot may greet; the peer returned, if any, must go for it, and
    /// counts as gone already.
    ///
    /// # Errors
    /// Why the connection is to be closed: [`Reason::Ourselves`], [`Reason::StillBanned`] or
    /// [`Reason::NoRoom`]. What comes of it later need not be told.
    pub(crate) fn connected(
        &mut self,
        now: Now,
        node: NodeId,
        address: &Address,
        direction: Direction,
    ) -> Result<Option<NodeId>, Reason> {
        let dial = self.slots.dials.remove(&node);
        match self.slots.peers.get(&node) {
            None => {}
            // The driver does not tell these; the slot that there is, or is not, counts for both.
            Some(peer) if peer.is_leaving => return Err(Reason::NoRoom),
            Some(_) => return Ok(None),
        }
        let dial = dial.filter(|_| direction == Direction::Outbound);
        match self.slot_for(now, &node, address, direction, dial.is_some()) {
            Ok((slot, evicted)) => {
                if let Some(evicted) = evicted {
                    self.leave(&evicted);
                }
                let dialled = match direction {
                    Direction::Inbound => None,
                    Direction::Outbound => {
                        Some(dial.map_or_else(|| address.clone(), |dial| dial.address))
                    }
                };
                let peer = Peer {
                    address: address.clone(),
                    direction,
                    slot,
                    since: now.tick,
                    dialled,
                    is_greeted: false,
                    is_leaving: false,
                };
                self.slots.peers.insert(node, peer);
                Ok(evicted)
            }
            Err(reason) => {
                if direction == Direction::Outbound {
                    // So that it is not dialled again at once; it is not to blame.
                    self.book.failed(now.tick, &node, false, &mut self.random);
                }
                Err(reason)
            }
        }
    }

    /// The slot for a connection, and who must go for it.
    fn slot_for(
        &self,
        now: Now,
        node: &NodeId,
        address: &Address,
        direction: Direction,
        is_asked_for: bool,
    ) -> Result<(Slot, Option<NodeId>), Reason> {
        if *node == self.own {
            return Err(Reason::Ourselves);
        }
        if self.book.is_reserved(node) {
            return Ok((Slot::Reserved, None));
        }
        let host_is_banned = || {
            let host = Host::of(address).filter(|_| direction == Direction::Inbound);
            host.is_some_and(|host| self.hosts.holds(now.tick, &host))
        };
        if self.bans.holds(now.tick, node) || host_is_banned() {
            return Err(Reason::StillBanned);
        }
        if is_asked_for {
            // The dial held the slot until now, but the driver may have found another group there.
            let room = self.slots.outbound_room(&self.config, address.group);
            return room.then_some((Slot::Outbound, None)).ok_or(Reason::NoRoom);
        }
        match self.slots.inbound_room(&self.config, address.group) {
            InboundRoom::Free => Ok((Slot::Inbound, None)),
            InboundRoom::Instead(evicted) => Ok((Slot::Inbound, Some(evicted))),
            InboundRoom::None => Err(Reason::NoRoom),
        }
    }

    /// The last connection with a node is gone; nothing happens if it had no slot.
    pub(crate) fn disconnected(&mut self, now: Now, node: NodeId) {
        let Some(peer) = self.slots.peers.remove(&node) else { return };
        if peer.is_greeted && now.tick.since(peer.since) >= book::LASTING {
            self.book.lasted(now.tick, &node);
        } else if peer.direction == Direction::Outbound {
            // Whoever answers but does not greet counts as not reached.
            let is_miss = !peer.is_greeted && self.is_online();
            self.book.failed(now.tick, &node, is_miss, &mut self.random);
        }
        if peer.is_greeted && peer.dialled.is_some() {
            self.book.still_good(now, &node);
        }
    }

    /// A peer is being disconnected for a reason that was found elsewhere: its slot is free from now on.
    pub(crate) fn dismissed(&mut self, node: NodeId, reason: &Reason) {
        self.leave(&node);
        match reason {
            // It will not be of use soon, or is not wanted: not to be sought again at once.
            Reason::OtherChain | Reason::Unsupported | Reason::Ourselves | Reason::Dismissed => {
                self.book.forget(&node);
            }
            Reason::Banned(_)
            | Reason::Misbehaved(_)
            | Reason::StillBanned
            | Reason::NoHello
            | Reason::NoRoom
            | Reason::Unresponsive => {}
        }
    }

    /// A dial failed.
    pub(crate) fn dial_failed(&mut self, now: Now, node: NodeId, address: &Address) {
        let is_dialled = |dial: &Dial| dial.address == *address;
        if self.slots.dials.get(&node).is_some_and(is_dialled) {
            self.slots.dials.remove(&node);
            let is_online = self.is_online();
            self.book.failed(now.tick, &node, is_online, &mut self.random);
        }
    }

    /// A peer greeted, and is on our chain: if we dialled it, the address is good.
    pub(crate) fn greeted(&mut self, now: Now, node: NodeId) {
        let Some(peer) = self.slots.peers.get_mut(&node) else { return };
        peer.is_greeted = true;
        let Some(dialled) = peer.dialled.clone() else { return };
        // Those that are connected are as good as this one, should one have to go.
        let good = |(_, peer): &(&NodeId, &Peer)| peer.is_greeted && peer.dialled.is_some();
        for (other, _) in self.slots.staying().filter(good) {
            self.book.still_good(now, other);
        }
        self.book.reached(now, node, &dialled);
    }

    /// Where a node may be reached. [`Source::Reserved`] also keeps it connected from now on, and lifts
    /// its ban.
    pub(crate) fn discovered(
        &mut self,
        now: Now,
        node: NodeId,
        addresses: Vec<Address>,
        source: Source,
    ) {
        if node == self.own {
            return;
        }
        if source == Source::Reserved {
            self.bans.lift(&node);
        } else if self.bans.holds(now.tick, &node) {
            return;
        }
        self.book.learn(node, addresses, source, &mut self.random);
        let peer = self.slots.peers.get_mut(&node).filter(|_| self.book.is_reserved(&node));
        if let Some(peer) = peer {
            peer.slot = Slot::Reserved;
        }
    }

    /// A node need no longer be connected. If it is, it takes an ordinary slot.
    ///
    /// Returns why it must be disconnected, if there is none; it counts as gone then.
    pub(crate) fn unreserve(&mut self, node: NodeId) -> Option<Reason> {
        if !self.book.is_reserved(&node) {
            return None;
        }
        self.book.unreserve(&node);
        // Should a dial under way still succeed, it counts as one that came by itself.
        self.slots.dials.remove(&node);
        let peer = self.slots.peers.get(&node).filter(|peer| !peer.is_leaving)?;
        let group = peer.address.group;
        let asked_for = peer.direction == Direction::Outbound;
        let slot = if asked_for && self.slots.outbound_room(&self.config, group) {
            Slot::Outbound
        } else if self.slots.inbound_room(&self.config, group) == InboundRoom::Free {
            Slot::Inbound
        } else {
            self.leave(&node);
            return Some(Reason::NoRoom);
        };
        if let Some(peer) = self.slots.peers.get_mut(&node) {
            peer.slot = slot;
        }
        None
    }

    /// Counts an offence. Returns why the peer must be disconnected, if it must; it counts as gone then.
    /// A node that is not connected can be banned too, for what arrived before it went.
    ///
    /// [`Reason::Banned`] says that it was banned for an hour; [`Reason::Unresponsive`] that it was only
    /// slow, and must rest for a minute; [`Reason::Misbehaved`] that it was not banned because it is
    /// reserved.
    pub(crate) fn offend(&mut self, now: Now, node: NodeId, offence: &Offence) -> Option<Reason> {
        let penalty = self.scores.add(now.tick, node, offence)?;
        let reason = if self.book.is_reserved(&node) {
            Reason::Misbehaved(offence.clone())
        } else {
            match penalty {
                Penalty::Ban => {
                    self.bans.add(node, now.tick.after(score::BAN));
                    let address = self.slots.peers.get(&node).map(|peer| &peer.address);
                    if let Some(host) = address.and_then(Host::of) {
                        self.hosts.add(host, now.tick.after(score::HOST_BAN));
                    }
                    self.book.forget(&node);
                    Reason::Banned(offence.clone())
                }
                Penalty::Rest => {
                    self.bans.add(node, now.tick.after(score::REST));
                    Reason::Unresponsive
                }
            }
        };
        self.leave(&node).then_some(reason)
    }

    /// Lets time pass. Returns whom to dial now, and where.
    pub(crate) fn tick(&mut self, now: Now) -> Vec<(NodeId, Address)> {
        self.scores.prune(now.tick);
        self.bans.prune(now.tick);
        self.hosts.prune(now.tick);
        self.give_up_dials(now);
        let mut chosen = Vec::new();
        while self.slots.dials.len() < self.config.dials {
            let Some((node, address, slot)) = self.choose(now) else { break };
            let dial = Dial { address: address.clone(), since: now.tick, slot };
            self.slots.dials.insert(node, dial);
            chosen.push((node, address));
        }
        chosen
    }

    /// The next dial, reserved nodes first.
    fn choose(&mut self, now: Now) -> Option<(NodeId, Address, Slot)> {
        let (bans, now_tick) = (&self.bans, now.tick);
        let is_banned = |node: &NodeId| bans.holds(now_tick, node);
        let choice = Choice {
            config: &self.config,
            book: &self.book,
            slots: &self.slots,
            now: now.tick,
            is_urgent: !self.is_online(),
        };
        let of_reserved = |dial: &&Dial| dial.slot == Slot::Reserved;
        let reserved = self.slots.dials.values().filter(of_reserved).count();
        let has_room = reserved < self.config.dials.div_ceil(2);
        if let Some((node, address)) = choice.reserved().filter(|_| has_room) {
            return Some((node, address, Slot::Reserved));
        }
        if self.slots.outbound() >= self.config.outbound {
            return None;
        }
        let (node, address) = choice.ordinary(&is_banned, &mut self.random)?;
        Some((node, address, Slot::Outbound))
    }

    /// Dials of which nothing was heard.
    fn give_up_dials(&mut self, now: Now) {
        let is_late = |dial: &Dial| now.tick.since(dial.since) >= DIAL_TIME;
        let late = self.slots.dials.iter().filter(|(_, dial)| is_late(dial));
        let late: Vec<(NodeId, Address)> =
            late.map(|(node, dial)| (*node, dial.address.clone())).collect();
        for (node, address) in late {
            self.dial_failed(now, node, &address);
        }
    }

    /// Whether a node has a slot.
    #[cfg(test)]
    pub(crate) fn contains(&self, node: &NodeId) -> bool {
        self.slots.peers.get(node).is_some_and(|peer| !peer.is_leaving)
    }

    /// The peers that have slots, in the order of their ids.
    pub(crate) fn list(&self, now: Now) -> Vec<PeerView> {
        let view = |(node, peer): (&NodeId, &Peer)| PeerView {
            node: *node,
            address: peer.address.clone(),
            direction: peer.direction,
            since: peer.since,
            score: self.scores.get(now.tick, node),
            reserved: peer.slot == Slot::Reserved,
        };
        self.slots.staying().map(view).collect()
    }

    /// What is worth remembering for the next run: good nodes, those reached last first, and bans.
    pub(crate) fn known(&self, now: Now) -> KnownPeers {
        let is_here = |node: &NodeId| {
            let peer = self.slots.peers.get(node);
            peer.is_some_and(|peer| peer.is_greeted && peer.dialled.is_some())
        };
        let good = self.book.iter().filter_map(|(node, entry)| {
            let last_good = if is_here(node) { now.unix } else { entry.last_good? };
            Some(KnownPeer { node: *node, address: entry.first_address()?.clone(), last_good })
        });
        let mut peers: Vec<KnownPeer> = good.collect();
        peers.sort_by_key(|peer| (core::cmp::Reverse(peer.last_good), peer.node));
        peers.truncate(file::MAX_LINES);
        let left = |until: Tick| u32::try_from(until.since(now.tick).as_secs()).unwrap_or(u32::MAX);
        let bans = self.bans.iter(now.tick);
        let bans = bans
            .map(|(node, until)| KnownBan { node, until: now.unix.saturating_add(left(until)) });
        KnownPeers { peers, bans: bans.collect() }
    }

    /// Takes up what another run remembered. No ban is longer than a new one would be, whatever the clock
    /// or the file says.
    pub(crate) fn restore(&mut self, now: Now, known: KnownPeers) {
        for ban in known.bans {
            let left = Duration::from_secs(u64::from(ban.until.saturating_sub(now.unix)));
            if ban.node != self.own && !left.is_zero() {
                self.bans.add(ban.node, now.tick.after(left.min(score::BAN)));
            }
        }
        for KnownPeer { node, address, last_good } in known.peers {
            if node != self.own && !self.bans.holds(now.tick, &node) {
                self.book.restore(node, address, last_good.min(now.unix));
            }
        }
    }

    /// Adds how full the buffers are.
    pub(crate) fn measure(&self, measures: &mut Measures) {
        measures.add("known nodes", self.book.len(), book::MAX_NODES);
        measures.add("dials", self.slots.dials.len(), self.config.dials);
        measures.add("scores", self.scores.len(), score::MAX_SCORES);
        measures.add("bans", self.bans.len(), score::MAX_BANS);
        measures.add("banned hosts", self.hosts.len(), score::MAX_BANS);
    }

    /// Frees a peer's slot; whether it had one.
    fn leave(&mut self, node: &NodeId) -> bool {
        let peer = self.slots.peers.get_mut(node).filter(|peer| !peer.is_leaving);
        peer.map(|peer| peer.is_leaving = true).is_some()
    }

    /// Whether any peer greeted and stays: then it is not our own line that is down.
    fn is_online(&self) -> bool {
        self.slots.staying().any(|(_, peer)| peer.is_greeted)
    }
}
