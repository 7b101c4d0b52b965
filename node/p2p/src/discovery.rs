//! How nodes are found: what peers say of themselves, and walks through Kademlia's table.

use crate::address;
use crate::behaviour::Behaviour;
use blocktree_network::{Address, Input, NodeId, Source};
use core::time::Duration;
use libp2p::swarm::StreamProtocol;
use libp2p::{Multiaddr, PeerId, identify, kad};
use std::collections::BTreeMap;
use std::time::Instant;

/// Addresses of one node that are told at most.
const MAX_ADDRESSES: usize = 8;
/// Addresses of one node that are looked at, most of them being of no use.
const MAX_LOOKED_AT: usize = 64;
/// Peers may say where they are as often as they like; it is told no more often than this.
const TELL_INTERVAL: Duration = Duration::from_secs(30);
/// Until the first walk, and between walks: first this long, then twice as long each time.
const FIRST_WALK: Duration = Duration::from_secs(3);
const LAST_WALK: Duration = Duration::from_secs(600);

/// What is remembered for finding nodes.
pub(crate) struct Discovery {
    me: PeerId,
    kad: StreamProtocol,
    /// When connected nodes last said where they are; as many as there are connections.
    told: BTreeMap<NodeId, Instant>,
    next_walk: Option<Instant>,
    pause: Duration,
}

impl Discovery {
    pub(crate) fn new(me: PeerId, kad: StreamProtocol) -> Self {
        Self { me, kad, told: BTreeMap::new(), next_walk: None, pause: FIRST_WALK }
    }

    /// A connected peer says what it is and where; `is_local`: over a connection of this machine or
    /// network.
    pub(crate) fn on_identified(
        &mut self,
        behaviour: &mut Behaviour,
        peer: &PeerId,
        info: &identify::Info,
        is_local: bool,
        now: Instant,
    ) -> Option<Input> {
        let node = address::node_of(peer)?;
        // A peer that says so after it went would be remembered for nothing.
        if !behaviour.exchange.is_connected(&node) || *peer == self.me {
            return None;
        }
        let is_again =
            self.told.get(&node).is_some_and(|at| now.duration_since(*at) < TELL_INTERVAL);
        if is_again {
            return None;
        }
        self.told.insert(node, now);
        let addresses = believed(&info.listen_addrs, is_local);
        if addresses.is_empty() {
            return None;
        }
        if info.protocols.contains(&self.kad) {
            add(behaviour, peer, &addresses);
        }
        Some(Input::Discovered { node, addresses, source: Source::Gossip })
    }

    pub(crate) fn on_disconnected(&mut self, node: &NodeId) {
        self.told.remove(node);
        if self.told.is_empty() {
            self.pause = FIRST_WALK;
            self.next_walk = None;
        }
    }

    /// Nodes that a walk found.
    pub(crate) fn on_kad(&self, event: kad::Event, is_local: bool) -> Vec<Input> {
        let kad::Event::OutboundQueryProgressed {
            result: kad::QueryResult::GetClosestPeers(found),
            ..
        } = event
        else {
            return Vec::new();
        };
        let peers = match found {
            Ok(found) => found.peers,
            Err(kad::GetClosestPeersError::Timeout { peers, .. }) => peers,
        };
        let discovered = |peer: kad::PeerInfo| {
            let node = address::node_of(&peer.peer_id)?;
            let addresses = believed(&peer.addrs, is_local);
            let is_news = peer.peer_id != self.me && !addresses.is_empty();
            is_news.then_some(Input::Discovered { node, addresses, source: Source::Gossip })
        };
        peers.into_iter().filter_map(discovered).collect()
    }

    /// Walks towards a random place of the table when it is time.
    pub(crate) fn on_tick(&mut self, behaviour: &mut Behaviour, now: Instant) {
        if self.told.is_empty() {
            return; // nobody to ask
        }
        if now < *self.next_walk.get_or_insert(now + self.pause) {
            return;
        }
        self.pause = (self.pause * 2).min(LAST_WALK);
        self.next_walk = Some(now + self.pause);
        let mut place = [0; 32];
        if getrandom::fill(&mut place).is_ok() {
            behaviour.kad.get_closest_peers(place.to_vec());
        }
        // The neighbours, too; an error says that the table is empty.
        let _ = behaviour.kad.bootstrap();
    }
}

/// Puts a node into Kademlia's table.
pub(crate) fn add(behaviour: &mut Behaviour, peer: &PeerId, addresses: &[Address]) {
    for address in addresses.iter().filter_map(address::to_multiaddr).take(MAX_ADDRESSES) {
        behaviour.kad.add_address(peer, address);
    }
}

fn believed(addresses: &[Multiaddr], is_local: bool) -> Vec<Address> {
    let mut believed: Vec<Address> = Vec::new();
    for address in addresses.iter().take(MAX_LOOKED_AT) {
        if let Some(address) = address::told(address, is_local)
            && !believed.contains(&address)
        {
            believed.push(address);
        }
        if believed.len() == MAX_ADDRESSES {
            break;
        }
    }
    believed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_most_eight_addresses_are_believed_and_none_twice() {
        let of = |n: usize| format!("/ip4/9.9.9.9/tcp/{}", 1 + n % 20).parse().unwrap();
        let many: Vec<Multiaddr> = (0..1_000).map(of).collect();
        let believed = believed(&many, false);
        assert_eq!(believed.len(), 8);
        assert_eq!(believed[7].text, "/ip4/9.9.9.9/tcp/8");
    }
}
