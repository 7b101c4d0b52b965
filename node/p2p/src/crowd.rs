//! Who opens connections to this node: no part of the internet may take up all the room. Whoever owns
//! few addresses, or many of few groups, finds the door closed while others still come in.

use crate::address;
use blocktree_network::Group;
use core::convert::Infallible;
use core::task::{Context, Poll};
use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::swarm::{
    ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent,
    THandlerOutEvent, ToSwarm, dummy,
};
use libp2p::{Multiaddr, PeerId};
use std::collections::HashMap;

/// Connections of one group whose handshake is not done, at most.
const PENDING_OF_GROUP: usize = 8;
/// The part of all inbound connections that one group may have.
const SHARE_OF_GROUP: u32 = 4;
/// But at least so many.
const LEAST_OF_GROUP: u32 = 2;

/// Why a connection is not taken.
#[derive(Debug, thiserror::Error)]
#[error("enough connections from {0:?}")]
struct Crowded(Group);

/// The behaviour; it tells nothing.
pub(crate) struct Behaviour {
    max_of_group: usize,
    /// Inbound connections, and whether their handshake is done.
    inbound: HashMap<ConnectionId, (Group, bool)>,
}

impl Behaviour {
    pub(crate) fn new(max_inbound: u32) -> Self {
        let max = (max_inbound / SHARE_OF_GROUP).max(LEAST_OF_GROUP);
        Self { max_of_group: usize::try_from(max).unwrap_or(usize::MAX), inbound: HashMap::new() }
    }

    fn count(&self, group: Group, is_done: bool) -> usize {
        self.inbound.values().filter(|known| **known == (group, is_done)).count()
    }

    /// Notes a connection from `remote` if there is room for it. This machine and its own network are
    /// not limited here: whoever is there is trusted otherwise.
    fn take(&mut self, id: ConnectionId, remote: &Multiaddr, is_done: bool) -> bool {
        let group = address::of_connection(remote).group;
        let max = if is_done { self.max_of_group } else { PENDING_OF_GROUP };
        self.inbound.remove(&id);
        let has_room = group == Group::Local || self.count(group, is_done) < max;
        if has_room {
            self.inbound.insert(id, (group, is_done));
        }
        has_room
    }

    fn check(
        &mut self,
        id: ConnectionId,
        remote: &Multiaddr,
        is_done: bool,
    ) -> Result<(), ConnectionDenied> {
        if self.take(id, remote, is_done) {
            Ok(())
        } else {
            Err(ConnectionDenied::new(Crowded(address::of_connection(remote).group)))
        }
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = dummy::ConnectionHandler;
    type ToSwarm = Infallible;

    fn handle_pending_inbound_connection(
        &mut self,
        id: ConnectionId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        self.check(id, remote, false)
    }

    fn handle_established_inbound_connection(
        &mut self,
        id: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.check(id, remote, true).map(|()| dummy::ConnectionHandler)
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(dummy::ConnectionHandler)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match event {
            FromSwarm::ListenFailure(failed) => drop(self.inbound.remove(&failed.connection_id)),
            FromSwarm::ConnectionClosed(closed) => drop(self.inbound.remove(&closed.connection_id)),
            _ => {}
        }
    }

    fn on_connection_handler_event(
        &mut self,
        _: PeerId,
        _: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        match event {}
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Infallible, THandlerInEvent<Self>>> {
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: usize) -> ConnectionId {
        ConnectionId::new_unchecked(n)
    }

    fn from(ip: &str) -> Multiaddr {
        format!("/ip4/{ip}/tcp/5").parse().unwrap()
    }

    #[test]
    fn one_group_does_not_take_up_all_the_room() {
        let mut crowd = Behaviour::new(40); // a quarter: 10 of one group
        for n in 0..8 {
            assert!(crowd.take(id(n), &from(&format!("9.9.{n}.1")), false));
        }
        assert!(!crowd.take(id(8), &from("9.9.100.1"), false), "8 of 9.9 shake hands");
        assert!(crowd.take(id(8), &from("9.8.100.1"), false), "but none of 9.8");
        for n in 0..10 {
            assert!(crowd.take(id(n), &from(&format!("9.9.{n}.1")), true));
        }
        assert!(!crowd.take(id(10), &from("9.9.1.1"), true), "10 of 9.9 are here");
        assert!(crowd.take(id(11), &from("9.9.1.1"), false), "none of them shakes hands");
        assert!(!crowd.take(id(11), &from("9.9.1.1"), true));
        assert!(crowd.take(id(12), &from("9.8.1.1"), true));
        assert_eq!(crowd.inbound.len(), 11);
        for n in 100..200 {
            assert!(crowd.take(id(n), &from("192.168.0.1"), true), "neighbours");
        }
    }

    #[test]
    fn what_goes_makes_room() {
        let mut crowd = Behaviour::new(1); // at least 2 of one group
        assert!(crowd.take(id(1), &from("9.9.1.1"), true));
        assert!(crowd.take(id(2), &from("9.9.1.1"), true));
        assert!(!crowd.take(id(3), &from("9.9.1.1"), true));
        crowd.inbound.remove(&id(2));
        assert!(crowd.take(id(3), &from("9.9.1.1"), true));
    }
}
