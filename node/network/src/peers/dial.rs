//! Whom to dial next (docs/protocol.md §12.7).

use super::book::{Book, Entry};
use super::slots::Slots;
use super::{PeersConfig, bag::Index};
use crate::address::{Address, Group, NodeId};
use crate::input::Source;
use crate::random::Random;
use crate::time::Tick;
use std::collections::BTreeMap;

/// Groups looked at for one slot at one time.
const GROUPS_TRIED: usize = 8;
/// Nodes looked at in each of them. What is not found now is found a moment later.
const NODES_TRIED: usize = 16;
/// Of this many draws, …
const DRAWS: usize = 10;
/// … so many look among the good nodes first, …
const DRAWS_GOOD: usize = 6;
/// … and so many among those never reached; the rest among those that whoever runs the node named.
const DRAWS_LOOSE: usize = 3;

/// The kinds of nodes in the book.
#[derive(Clone, Copy)]
enum Kind {
    Good,
    Loose,
    Pinned,
}

/// What a choice depends on.
pub(super) struct Choice<'a> {
    pub(super) config: &'a PeersConfig,
    pub(super) book: &'a Book,
    pub(super) slots: &'a Slots,
    pub(super) now: Tick,
    /// There is no peer at all.
    pub(super) is_urgent: bool,
}

impl Choice<'_> {
    /// A reserved node that is to be dialled now, and where. The one that was tried longest ago comes
    /// first, so that those which are not there don't keep the others waiting.
    pub(super) fn reserved(&self) -> Option<(NodeId, Address)> {
        let nodes = self.book.pinned().iter();
        let entries = nodes.filter_map(|node| Some((node, self.book.get(node)?)));
        entries
            .filter(|(_, entry)| entry.source == Source::Reserved)
            .filter(|(node, entry)| self.is_candidate(node, entry, &|_| false))
            .min_by_key(|(_, entry)| entry.last_try())
            .and_then(|(node, entry)| Some((*node, entry.next_address(|_| true)?.clone())))
    }

    /// A node for an outbound slot, and where: mostly good ones, but always others too, so that new nodes
    /// get known; of groups that no outbound peer is of if possible. The group is drawn before the node,
    /// so that a group with many nodes is not drawn more often for it.
    pub(super) fn ordinary(
        &self,
        is_banned: &dyn Fn(&NodeId) -> bool,
        random: &mut Random,
    ) -> Option<(NodeId, Address)> {
        let taken = self.slots.outbound_groups();
        let kinds = match random.below(DRAWS) {
            draw if draw < DRAWS_GOOD => [Kind::Good, Kind::Loose, Kind::Pinned],
            draw if draw < DRAWS_GOOD + DRAWS_LOOSE => [Kind::Loose, Kind::Good, Kind::Pinned],
            _ => [Kind::Pinned, Kind::Good, Kind::Loose],
        };
        // No more than `each` peers of a group: first of those that have none.
        (1..=self.config.outbound_per_group).find_map(|each| {
            kinds.iter().find_map(|kind| self.of_kind(*kind, each, &taken, is_banned, random))
        })
    }

    fn of_kind(
        &self,
        kind: Kind,
        each: usize,
        taken: &BTreeMap<Group, usize>,
        is_banned: &dyn Fn(&NodeId) -> bool,
        random: &mut Random,
    ) -> Option<(NodeId, Address)> {
        let is_allowed = |group: Group| {
            group == Group::Local || taken.get(&group).is_none_or(|count| *count < each)
        };
        let address = |node: &NodeId| {
            let entry = self.book.get(node).filter(|e| self.is_candidate(node, e, is_banned))?;
            Some((*node, entry.next_address(is_allowed)?.clone()))
        };
        match kind {
            Kind::Good => self.of_index(self.book.good(), &is_allowed, &address, random),
            Kind::Loose => self.of_index(self.book.loose(), &is_allowed, &address, random),
            Kind::Pinned => {
                let mut nodes: Vec<&NodeId> = self.book.pinned().iter().collect();
                random.shuffle(&mut nodes);
                let is_reserved = |node: &NodeId| self.book.is_reserved(node);
                nodes.into_iter().filter(|node| !is_reserved(node)).find_map(address)
            }
        }
    }

    /// A candidate of an index: a random group of those allowed, in it the one with the best source of
    /// two random ones.
    fn of_index(
        &self,
        index: &Index,
        is_allowed: &dyn Fn(Group) -> bool,
        address: &dyn Fn(&NodeId) -> Option<(NodeId, Address)>,
        random: &mut Random,
    ) -> Option<(NodeId, Address)> {
        let mut groups: Vec<Group> = index.groups().filter(|group| is_allowed(*group)).collect();
        random.shuffle(&mut groups);
        let source = |node: &NodeId| self.book.get(node).map(|entry| entry.source);
        groups.into_iter().take(GROUPS_TRIED).filter_map(|group| index.group(group)).find_map(
            |bag| {
                let nodes = bag.nodes();
                let first = random.below(nodes.len());
                let turn = nodes.iter().cycle().skip(first).take(nodes.len().min(NODES_TRIED));
                let mut candidates = turn.filter_map(address);
                let (one, other) = (candidates.next()?, candidates.next());
                Some(match other {
                    Some(other) if source(&other.0) > source(&one.0) => other,
                    _ => one,
                })
            },
        )
    }

    fn is_candidate(
        &self,
        node: &NodeId,
        entry: &Entry,
        is_banned: &dyn Fn(&NodeId) -> bool,
    ) -> bool {
        entry.is_due(self.now, self.is_urgent)
            && !self.slots.peers.contains_key(node)
            && !self.slots.dials.contains_key(node)
            && !is_banned(node)
    }
}
