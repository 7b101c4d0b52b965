//! Who is connected, and whether there is room for one more (docs/protocol.md §12.7).

use super::PeersConfig;
use crate::address::{Address, Group, NodeId};
use crate::input::Direction;
use crate::time::Tick;
use std::collections::BTreeMap;

/// What a connection is counted as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    /// One that we chose to dial.
    Outbound,
    /// One that others chose. So is one that the driver dialled for its own ends, the search for nodes:
    /// where that leads is up to those who answer.
    Inbound,
    /// One that whoever runs the node chose; takes nobody's room.
    Reserved,
}

/// A peer.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) address: Address,
    pub(super) direction: Direction,
    pub(super) slot: Slot,
    pub(super) since: Tick,
    /// The address at which it was dialled; `None` if it dialled us.
    pub(super) dialled: Option<Address>,
    /// Whether it said who it is and is on our chain.
    pub(super) is_greeted: bool,
    /// Whether it was told to go, so that its slot is free although the connection is still there.
    pub(super) is_leaving: bool,
}

/// A dial under way.
#[derive(Debug)]
pub(super) struct Dial {
    pub(super) address: Address,
    pub(super) since: Tick,
    pub(super) slot: Slot,
}

/// All connections, and those that are being made.
#[derive(Debug, Default)]
pub(super) struct Slots {
    pub(super) peers: BTreeMap<NodeId, Peer>,
    pub(super) dials: BTreeMap<NodeId, Dial>,
}

impl Slots {
    /// The peers that stay.
    pub(super) fn staying(&self) -> impl Iterator<Item = (&NodeId, &Peer)> {
        self.peers.iter().filter(|(_, peer)| !peer.is_leaving)
    }

    /// How many peers stay in slots of a kind.
    pub(super) fn count(&self, slot: Slot) -> usize {
        self.staying().filter(|(_, peer)| peer.slot == slot).count()
    }

    /// How many stay in slots of a kind and are of a group.
    pub(super) fn count_group(&self, slot: Slot, group: Group) -> usize {
        let of = |peer: &Peer| peer.slot == slot && peer.address.group == group;
        self.staying().filter(|(_, peer)| of(peer)).count()
    }

    /// How many outbound slots are taken or about to be.
    pub(super) fn outbound(&self) -> usize {
        let dials = self.dials.values().filter(|dial| dial.slot == Slot::Outbound).count();
        self.count(Slot::Outbound) + dials
    }

    /// How many outbound slots of each group are taken or about to be.
    pub(super) fn outbound_groups(&self) -> BTreeMap<Group, usize> {
        let mut groups = BTreeMap::new();
        let peers = self.staying().filter(|(_, peer)| peer.slot == Slot::Outbound);
        let dials = self.dials.values().filter(|dial| dial.slot == Slot::Outbound);
        let all = peers.map(|(_, peer)| &peer.address).chain(dials.map(|dial| &dial.address));
        for address in all {
            *groups.entry(address.group).or_default() += 1;
        }
        groups
    }

    /// Whether there is room for one more outbound peer of a group.
    pub(super) fn outbound_room(&self, config: &PeersConfig, group: Group) -> bool {
        let most = config.outbound_per_group;
        self.outbound() < config.outbound
            && (group == Group::Local
                || self.outbound_groups().get(&group).is_none_or(|count| *count < most))
    }

    /// Whether there is room for one more inbound peer of a group, and who must go for it.
    pub(super) fn inbound_room(&self, config: &PeersConfig, group: Group) -> InboundRoom {
        let of_group = self.count_group(Slot::Inbound, group);
        if group != Group::Local && of_group >= config.inbound_per_group {
            return InboundRoom::None;
        }
        if self.count(Slot::Inbound) < config.inbound {
            return InboundRoom::Free;
        }
        let evicted = if of_group == 0 { self.youngest_of_largest_group() } else { None };
        evicted.map_or(InboundRoom::None, InboundRoom::Instead)
    }

    /// The youngest inbound peer of the public group that has the most, if that is more than one: whoever
    /// connects from many addresses of one group makes room for the others, and the oldest peers,
    /// which are the costliest to imitate, stay.
    fn youngest_of_largest_group(&self) -> Option<NodeId> {
        let mut groups: BTreeMap<Group, (usize, Tick, NodeId)> = BTreeMap::new();
        for (node, peer) in self.staying().filter(|(_, peer)| peer.slot == Slot::Inbound) {
            let first = (0, peer.since, *node);
            let (count, since, youngest) = groups.entry(peer.address.group).or_insert(first);
            *count += 1;
            if peer.since >= *since {
                (*since, *youngest) = (peer.since, *node);
            }
        }
        groups.remove(&Group::Local);
        let largest = groups.into_values().filter(|(count, ..)| *count > 1);
        largest.max_by_key(|(count, since, _)| (*count, *since)).map(|(_, _, node)| node)
    }
}

/// Whether an inbound peer may stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InboundRoom {
    /// Yes.
    Free,
    /// If this one goes.
    Instead(NodeId),
    /// No.
    None,
}
