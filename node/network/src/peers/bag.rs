//! Sets of nodes from which a random one is drawn quickly and evenly, whatever ids others choose.

use crate::address::{Group, NodeId};
use crate::random::Random;
use std::collections::BTreeMap;

/// A set of nodes.
#[derive(Debug, Default)]
pub(super) struct Bag {
    nodes: Vec<NodeId>,
    places: BTreeMap<NodeId, usize>,
}

impl Bag {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// All, in no order that means anything.
    pub(super) fn nodes(&self) -> &[NodeId] {
        &self.nodes
    }

    /// Any one, each as likely.
    pub(super) fn any(&self, random: &mut Random) -> Option<NodeId> {
        self.nodes.get(random.below(self.nodes.len())).copied()
    }

    fn insert(&mut self, node: NodeId) {
        if let std::collections::btree_map::Entry::Vacant(place) = self.places.entry(node) {
            place.insert(self.nodes.len());
            self.nodes.push(node);
        }
    }

    fn remove(&mut self, node: &NodeId) {
        if let Some(place) = self.places.remove(node) {
            self.nodes.swap_remove(place);
            if let Some(moved) = self.nodes.get(place) {
                self.places.insert(*moved, place);
            }
        }
    }
}

/// Nodes of one kind, by the groups of their addresses.
#[derive(Debug, Default)]
pub(super) struct Index {
    all: Bag,
    groups: BTreeMap<Group, Bag>,
}

impl Index {
    /// All nodes.
    pub(super) fn all(&self) -> &Bag {
        &self.all
    }

    /// The groups that have nodes.
    pub(super) fn groups(&self) -> impl Iterator<Item = Group> {
        self.groups.keys().copied()
    }

    /// The nodes of a group.
    pub(super) fn group(&self, group: Group) -> Option<&Bag> {
        self.groups.get(&group)
    }

    /// How many nodes a group has.
    pub(super) fn count(&self, group: Group) -> usize {
        self.groups.get(&group).map_or(0, Bag::len)
    }

    /// Puts a node into groups.
    pub(super) fn insert(&mut self, node: NodeId, groups: impl Iterator<Item = Group>) {
        for group in groups {
            self.all.insert(node);
            self.groups.entry(group).or_default().insert(node);
        }
    }

    /// Takes a node out of all of its groups.
    pub(super) fn remove(&mut self, node: &NodeId, groups: impl Iterator<Item = Group>) {
        for group in groups {
            self.all.remove(node);
            if let Some(bag) = self.groups.get_mut(&group) {
                bag.remove(node);
                if bag.len() == 0 {
                    self.groups.remove(&group);
                }
            }
        }
    }
}
