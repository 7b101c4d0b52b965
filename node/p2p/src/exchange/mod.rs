//! The nodes this one is connected with, and the requests and answers between them, as a behaviour of
//! libp2p. It tells of a node once, however many connections there are, and gives every request of the
//! driver exactly one answer.
//!
//! It is not `libp2p-request-response`, because hostile bytes must become named offences, and what one
//! peer may make this node hold is bounded per connection, not only in all.

mod handler;
pub(crate) mod limits;
mod stream;

use crate::address;
use crate::gate::Doors;
use blocktree_network::{
    Address, Direction, Failure, Group, NodeId, Offence, Request, RequestId, Response,
};
use core::task::{Context, Poll};
use handler::{Ask, Handler, Told};
use libp2p::core::transport::PortUse;
use libp2p::core::{ConnectedPoint, Endpoint};
use libp2p::swarm::{
    ConnectionClosed, ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, NotifyHandler,
    StreamProtocol, THandler, THandlerInEvent, THandlerOutEvent, ToSwarm,
    behaviour::ConnectionEstablished,
};
use libp2p::{Multiaddr, PeerId};
use limits::Shared;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use tokio::sync::oneshot;

/// What happened between nodes, in its order.
#[derive(Debug)]
pub(crate) enum Event {
    /// The first connection with a node is open.
    Connected { node: NodeId, address: Address, direction: Direction },
    /// The last one is gone.
    Disconnected { node: NodeId },
    /// A node asks.
    Asked { node: NodeId, request: Request, reply: oneshot::Sender<Response> },
    /// A node answers, or does not.
    Answered { node: NodeId, id: RequestId, answer: Result<Response, Failure> },
    /// A node broke the protocol.
    Broke { node: NodeId, offence: Offence },
}

/// The behaviour.
pub(crate) struct Behaviour {
    protocol: StreamProtocol,
    shared: Arc<Shared>,
    nodes: BTreeMap<NodeId, Vec<Connection>>,
    asks: BTreeMap<RequestId, (NodeId, ConnectionId)>,
    /// Where the other end of every connection is, those with peers that are no nodes included.
    remotes: HashMap<ConnectionId, Remote>,
    doors: Arc<Doors>,
    queue: VecDeque<ToSwarm<Event, Ask>>,
}

/// The other end of a connection.
struct Remote {
    address: Multiaddr,
    group: Group,
}

struct Connection {
    id: ConnectionId,
    is_relayed: bool,
}

impl Behaviour {
    pub(crate) fn new(protocol: StreamProtocol, shared: Arc<Shared>, doors: Arc<Doors>) -> Self {
        Self {
            protocol,
            shared,
            nodes: BTreeMap::new(),
            asks: BTreeMap::new(),
            remotes: HashMap::new(),
            doors,
            queue: VecDeque::new(),
        }
    }

    /// Asks a node, over a direct connection if there is one.
    pub(crate) fn ask(&mut self, node: NodeId, id: RequestId, request: Request) {
        let connections = self.nodes.get(&node).map(Vec::as_slice).unwrap_or_default();
        let best = connections.iter().min_by_key(|connection| connection.is_relayed);
        let Some(connection) = best else {
            self.tell(Event::Answered { node, id, answer: Err(Failure::Gone) });
            return;
        };
        self.asks.insert(id, (node, connection.id));
        self.queue.push_back(ToSwarm::NotifyHandler {
            peer_id: address::peer_of(&node),
            handler: NotifyHandler::One(connection.id),
            event: Ask { id, request },
        });
    }

    pub(crate) fn is_connected(&self, node: &NodeId) -> bool {
        self.nodes.contains_key(node)
    }

    /// Where the other end of a connection is.
    pub(crate) fn group(&self, connection: ConnectionId) -> Group {
        self.remotes.get(&connection).map_or(Group::Other, |remote| remote.group)
    }

    /// The same as a multiaddr.
    pub(crate) fn remote(&self, connection: ConnectionId) -> Option<&Multiaddr> {
        self.remotes.get(&connection).map(|remote| &remote.address)
    }

    /// Whether nobody beyond this machine and its own network is connected.
    fn note_groups(&self) {
        self.doors.set_local_only(self.remotes.values().all(|remote| remote.group == Group::Local));
    }

    fn tell(&mut self, event: Event) {
        self.queue.push_back(ToSwarm::GenerateEvent(event));
    }

    fn on_established(&mut self, established: ConnectionEstablished<'_>) {
        let ConnectionEstablished { peer_id, connection_id, endpoint, .. } = established;
        let remote = endpoint.get_remote_address();
        let address = address::of_connection(remote);
        let remote = Remote { address: remote.clone(), group: address.group };
        self.remotes.insert(connection_id, remote);
        self.note_groups();
        let Some(node) = address::node_of(&peer_id) else { return };
        let connections = self.nodes.entry(node).or_default();
        connections.push(Connection { id: connection_id, is_relayed: endpoint.is_relayed() });
        if connections.len() == 1 {
            let direction = match endpoint {
                ConnectedPoint::Dialer { .. } => Direction::Outbound,
                ConnectedPoint::Listener { .. } => Direction::Inbound,
            };
            self.tell(Event::Connected { node, address, direction });
        }
    }

    fn on_closed(&mut self, peer: &PeerId, closed: ConnectionId) {
        self.remotes.remove(&closed);
        self.note_groups();
        let Some(node) = address::node_of(peer) else { return };
        let over_it =
            |(id, asked): (&RequestId, &(NodeId, ConnectionId))| (asked.1 == closed).then_some(*id);
        let lost: Vec<RequestId> = self.asks.iter().filter_map(over_it).collect();
        for id in lost {
            self.asks.remove(&id);
            self.tell(Event::Answered { node, id, answer: Err(Failure::Gone) });
        }
        if let Some(connections) = self.nodes.get_mut(&node) {
            connections.retain(|connection| connection.id != closed);
            if connections.is_empty() {
                self.nodes.remove(&node);
                self.tell(Event::Disconnected { node });
            }
        }
    }

    fn handler(&self, peer: &PeerId) -> Handler {
        let is_node = address::node_of(peer).is_some();
        Handler::new(self.protocol.clone(), is_node, Arc::clone(&self.shared))
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = Handler;
    type ToSwarm = Event;

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(self.handler(&peer))
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(self.handler(&peer))
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match event {
            FromSwarm::ConnectionEstablished(established) => self.on_established(established),
            FromSwarm::ConnectionClosed(ConnectionClosed { peer_id, connection_id, .. }) => {
                self.on_closed(&peer_id, connection_id);
            }
            _ => {}
        }
    }

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        _: ConnectionId,
        told: THandlerOutEvent<Self>,
    ) {
        let Some(node) = address::node_of(&peer) else { return };
        match told {
            Told::Asked(request, reply) => self.tell(Event::Asked { node, request, reply }),
            Told::Answered(id, answer) => {
                if self.asks.remove(&id).is_some() {
                    self.tell(Event::Answered { node, id, answer });
                }
            }
            Told::Broke(offence) => self.tell(Event::Broke { node, offence }),
        }
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Event, THandlerInEvent<Self>>> {
        // No waker: what fills the queue is called by the task that polls.
        self.queue.pop_front().map_or(Poll::Pending, Poll::Ready)
    }
}
