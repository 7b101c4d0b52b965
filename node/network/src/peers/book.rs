//! Where nodes may be reached: bounded, and hard to fill for whoever has few addresses
//! (docs/protocol.md §12.7). Whom to dial is decided in `dial.rs`, who has a slot in `slots.rs`.
//!
//! A node is one of three: **pinned**, because whoever runs this node named it; **good**, because it
//! was reached; or else **loose**. Hearsay moves only loose ones out.

use super::bag::Index;
use crate::address::{Address, Group, MAX_ADDRESS_LEN, NodeId};
use crate::input::Source;
use crate::random::Random;
use crate::time::{Now, Tick};
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

/// Nodes at most; a loose one, of no better source than the new one, makes room.
pub(super) const MAX_NODES: usize = 4_096;
/// Addresses of a node at most; one of no better source makes room, never the one that was good.
pub(super) const MAX_ADDRESSES: usize = 8;
/// Loose nodes of one group at most, and good ones: whoever owns few groups fills little of the book.
pub(super) const MAX_PER_GROUP: usize = 64;
/// The same for the local network, whose nodes are not bounded otherwise: what is told of it may be
/// made up by others.
pub(super) const MAX_LOCAL: usize = 512;
/// The wait after the first failure; it doubles with each one.
pub(super) const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(600);
/// The longest wait for reserved nodes, and for all while there is no peer at all.
pub(super) const URGENT_WAIT: Duration = Duration::from_secs(30);
/// A loose node that failed this often in a row is forgotten.
pub(super) const MAX_MISSES: u32 = 10;
/// A good one is forgotten after this many: some six hours of the longest waits.
pub(super) const MAX_GOOD_MISSES: u32 = 40;
/// A connection that lasted so long shows that the next one is worth trying at once.
pub(super) const LASTING: Duration = Duration::from_secs(60);

/// What is known of a node.
#[derive(Debug)]
pub(super) struct Entry {
    /// The best source that told of it.
    pub(super) source: Source,
    /// Where, and who told; never empty. The first is the one that was good, if any was.
    addresses: Vec<(Address, Source)>,
    /// When it was reached last, seconds since 1970.
    pub(super) last_good: Option<u32>,
    /// Failures since a connection lasted: for the wait.
    failures: u32,
    /// Failures since it was reached, while others were: for being forgotten.
    misses: u32,
    /// When it was tried last, and for how long it is left alone since.
    rest: Option<(Tick, Duration)>,
}

impl Entry {
    const fn new(source: Source) -> Self {
        Self { source, addresses: Vec::new(), last_good: None, failures: 0, misses: 0, rest: None }
    }

    /// Whoever runs the node named it.
    fn is_pinned(&self) -> bool {
        self.source >= Source::Boot
    }

    /// Whether it may be dialled now. `is_urgent`: there is no other peer.
    pub(super) fn is_due(&self, now: Tick, is_urgent: bool) -> bool {
        let longest =
            if is_urgent || self.source == Source::Reserved { URGENT_WAIT } else { LONGEST_WAIT };
        self.rest.is_none_or(|(tried, wait)| now >= tried.after(wait.min(longest)))
    }

    /// When it was tried last.
    pub(super) fn last_try(&self) -> Option<Tick> {
        self.rest.map(|(tried, _)| tried)
    }

    /// The address to dial next of those that are allowed: the first one at first, then in turn.
    pub(super) fn next_address(&self, is_allowed: impl Fn(Group) -> bool) -> Option<&Address> {
        let count = self.addresses.len();
        let first = self.failures as usize % count.max(1);
        let turn = self.addresses.iter().cycle().skip(first).take(count);
        turn.map(|(address, _)| address).find(|address| is_allowed(address.group))
    }

    /// The address that was good, or the first that was told.
    pub(super) fn first_address(&self) -> Option<&Address> {
        self.addresses.first().map(|(address, _)| address)
    }

    #[cfg(test)]
    pub(super) fn count_addresses(&self) -> usize {
        self.addresses.len()
    }

    /// The groups under which it is counted: a good node's is that of its good address.
    fn groups(&self) -> BTreeSet<Group> {
        let counted = if self.last_good.is_some() { 1 } else { self.addresses.len() };
        self.addresses.iter().take(counted).map(|(address, _)| address.group).collect()
    }
}

/// The address book.
#[derive(Debug, Default)]
pub(super) struct Book {
    entries: BTreeMap<NodeId, Entry>,
    pinned: BTreeSet<NodeId>,
    good: Index,
    loose: Index,
}

impl Book {
    /// What is known of a node.
    pub(super) fn get(&self, node: &NodeId) -> Option<&Entry> {
        self.entries.get(node)
    }

    /// How many nodes there are.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// All nodes.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&NodeId, &Entry)> {
        self.entries.iter()
    }

    /// The nodes that whoever runs this one named.
    pub(super) fn pinned(&self) -> &BTreeSet<NodeId> {
        &self.pinned
    }

    /// The nodes that were reached.
    pub(super) fn good(&self) -> &Index {
        &self.good
    }

    /// The others.
    pub(super) fn loose(&self) -> &Index {
        &self.loose
    }

    /// Whether a node is to be kept connected always.
    pub(super) fn is_reserved(&self, node: &NodeId) -> bool {
        self.entries.get(node).is_some_and(|entry| entry.source == Source::Reserved)
    }

    /// Learns of a node's addresses.
    pub(super) fn learn(
        &mut self,
        node: NodeId,
        addresses: Vec<Address>,
        source: Source,
        random: &mut Random,
    ) {
        if let Some(mut entry) = self.take(&node) {
            if source >= Source::Boot {
                // Whoever runs the node asks for it: at once, whatever happened before.
                entry.rest = None;
            }
            entry.source = entry.source.max(source);
            self.put(node, entry);
        }
        for address in addresses.into_iter().take(MAX_ADDRESSES) {
            if !address.text.is_empty() && address.text.len() <= MAX_ADDRESS_LEN {
                self.learn_one(node, address, source, random);
            }
        }
    }

    fn learn_one(&mut self, node: NodeId, address: Address, source: Source, random: &mut Random) {
        let known = self.entries.get(&node);
        let is_new = known.is_none();
        let joins_group = known.is_none_or(|entry| {
            !entry.is_pinned()
                && entry.last_good.is_none()
                && entry.addresses.iter().all(|(known, _)| known.group != address.group)
        });
        if joins_group && source < Source::Boot && !self.room_in(address.group, source, random) {
            return;
        }
        if is_new && !self.room_for_one(source, random) {
            return;
        }
        let mut entry = self.take(&node).unwrap_or_else(|| Entry::new(source));
        if let Some(known) = entry.addresses.iter_mut().find(|(known, _)| *known == address) {
            known.1 = known.1.max(source);
        } else if entry.addresses.len() < MAX_ADDRESSES {
            entry.addresses.push((address, source));
        } else {
            let first = usize::from(entry.last_good.is_some());
            let mut worse: Vec<&mut (Address, Source)> =
                entry.addresses.iter_mut().skip(first).filter(|(_, by)| *by <= source).collect();
            let pick = random.below(worse.len());
            if let Some(replaced) = worse.get_mut(pick) {
                **replaced = (address, source);
            }
        }
        self.put(node, entry);
    }

    /// Makes room among the loose nodes of a group: a random one loses its addresses there, unless its
    /// source is better.
    fn room_in(&mut self, group: Group, source: Source, random: &mut Random) -> bool {
        if self.loose.count(group) < most(group) {
            return true;
        }
        let victim = self.loose.group(group).and_then(|bag| bag.any(random));
        let Some(victim) = victim.filter(|node| self.is_no_better(node, source)) else {
            return false;
        };
        if let Some(mut entry) = self.take(&victim) {
            entry.addresses.retain(|(address, _)| address.group != group);
            self.put(victim, entry);
        }
        true
    }

    /// Makes room for a new node.
    fn room_for_one(&mut self, source: Source, random: &mut Random) -> bool {
        if self.entries.len() < MAX_NODES {
            return true;
        }
        let loose = self.loose.all().any(random).filter(|node| self.is_no_better(node, source));
        // Only whoever runs the node may push good ones out.
        let good = if source >= Source::Boot { self.good.all().any(random) } else { None };
        loose.or(good).is_some_and(|victim| self.take(&victim).is_some())
    }

    fn is_no_better(&self, node: &NodeId, source: Source) -> bool {
        self.entries.get(node).is_some_and(|entry| entry.source <= source)
    }

    /// A node said at this address, which we dialled, who it is and what chain it is on.
    pub(super) fn reached(&mut self, now: Now, node: NodeId, address: &Address) {
        if self.entries.len() >= MAX_NODES && !self.entries.contains_key(&node) {
            return;
        }
        let mut entry = self.take(&node).unwrap_or_else(|| Entry::new(Source::Gossip));
        let place = entry.addresses.iter().position(|(known, _)| known == address);
        let good = match place {
            Some(place) => entry.addresses.remove(place),
            None => (address.clone(), Source::Gossip),
        };
        entry.addresses.insert(0, good);
        entry.addresses.truncate(MAX_ADDRESSES);
        entry.last_good = Some(now.unix);
        entry.misses = 0;
        if !entry.is_pinned() {
            self.room_among_good(address.group);
        }
        self.put(node, entry);
    }

    /// A node was good according to the file of another run.
    pub(super) fn restore(&mut self, node: NodeId, address: Address, last_good: u32) {
        let is_full = self.entries.len() >= MAX_NODES
            || self.good.count(address.group) >= most(address.group);
        if is_full || self.entries.contains_key(&node) || address.text.len() > MAX_ADDRESS_LEN {
            return;
        }
        let mut entry = Entry::new(Source::File);
        entry.addresses.push((address, Source::File));
        entry.last_good = Some(last_good);
        self.put(node, entry);
    }

    /// Makes room among the good nodes of a group: the one that was reached longest ago is forgotten.
    fn room_among_good(&mut self, group: Group) {
        if self.good.count(group) < most(group) {
            return;
        }
        let nodes = self.good.group(group).map_or(&[][..], |bag| bag.nodes());
        let last_good = |node: &NodeId| self.entries.get(node).and_then(|entry| entry.last_good);
        if let Some(oldest) = nodes.iter().min_by_key(|node| (last_good(node), **node)).copied() {
            self.take(&oldest);
        }
    }

    /// A dial of a node failed, or the connection ended at once: it is left alone for a while, which
    /// doubles each time, less a random part so that nodes which failed together are not tried
    /// together. `is_online`: others are connected, so that it is likelier the node's fault than ours.
    pub(super) fn failed(
        &mut self,
        now: Tick,
        node: &NodeId,
        is_online: bool,
        random: &mut Random,
    ) {
        let Some(mut entry) = self.take(node) else { return };
        let doubled = FIRST_WAIT.saturating_mul(1 << entry.failures.min(16)).min(LONGEST_WAIT);
        let longest = if entry.source == Source::Reserved { URGENT_WAIT } else { LONGEST_WAIT };
        let wait = doubled.min(longest);
        let quarter = usize::try_from(wait.as_millis() / 4).expect("at most 150,000");
        let less = Duration::from_millis(random.below(quarter) as u64);
        entry.failures = entry.failures.saturating_add(1);
        entry.rest = Some((now, wait - less));
        entry.misses = entry.misses.saturating_add(u32::from(is_online));
        let limit = if entry.last_good.is_some() { MAX_GOOD_MISSES } else { MAX_MISSES };
        if entry.is_pinned() || entry.misses < limit {
            self.put(*node, entry);
        }
    }

    /// A connection that had lasted ended: the next one is worth trying soon.
    pub(super) fn lasted(&mut self, now: Tick, node: &NodeId) {
        if let Some(entry) = self.entries.get_mut(node) {
            entry.failures = 0;
            entry.rest = Some((now, FIRST_WAIT));
        }
    }

    /// A node that was reached is still there.
    pub(super) fn still_good(&mut self, now: Now, node: &NodeId) {
        if let Some(last) = self.entries.get_mut(node).and_then(|entry| entry.last_good.as_mut()) {
            *last = now.unix;
        }
    }

    /// Forgets a node that is of no use, unless whoever runs this one named it.
    pub(super) fn forget(&mut self, node: &NodeId) {
        if !self.pinned.contains(node) {
            self.take(node);
        }
    }

    /// A node is no longer to be kept connected; what is known of it stays, as hearsay.
    pub(super) fn unreserve(&mut self, node: &NodeId) {
        if let Some(mut entry) = self.take(node) {
            entry.source = Source::Gossip;
            for (_, source) in &mut entry.addresses {
                *source = Source::Gossip;
            }
            self.put(*node, entry);
        }
    }

    /// Takes a node out of the book and its index.
    fn take(&mut self, node: &NodeId) -> Option<Entry> {
        let entry = self.entries.remove(node)?;
        if entry.is_pinned() {
            self.pinned.remove(node);
        } else if entry.last_good.is_some() {
            self.good.remove(node, entry.groups().into_iter());
        } else {
            self.loose.remove(node, entry.groups().into_iter());
        }
        Some(entry)
    }

    /// Puts a node into the book and its index; one without addresses is dropped.
    fn put(&mut self, node: NodeId, entry: Entry) {
        if entry.addresses.is_empty() {
            return;
        }
        if entry.is_pinned() {
            self.pinned.insert(node);
        } else if entry.last_good.is_some() {
            self.good.insert(node, entry.groups().into_iter());
        } else {
            self.loose.insert(node, entry.groups().into_iter());
        }
        self.entries.insert(node, entry);
    }
}

/// How many nodes of a group are kept.
const fn most(group: Group) -> usize {
    match group {
        Group::Local => MAX_LOCAL,
        Group::V4(_) | Group::V6(_) | Group::Other => MAX_PER_GROUP,
    }
}
