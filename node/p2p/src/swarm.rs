//! The task that owns libp2p's swarm: it carries out commands and tells what happens.

use crate::address;
use crate::behaviour::{Behaviour, BehaviourEvent, Names};
use crate::config::{Config, StartError};
use crate::discovery::{self, Discovery};
use crate::exchange;
use crate::gate::Doors;
use crate::handle::{COMMANDS, Command, EVENTS, Event, Handle, Listening};
use crate::key::NodeKey;
use crate::reach::Reach;
use crate::transport::transport;
use blocktree_network::{Address, AnswerToken, Group, Input, NodeId, Response};
use core::net::IpAddr;
use core::time::Duration;
use libp2p::futures::StreamExt;
use libp2p::identity::{Keypair, secp256k1};
use libp2p::multiaddr::Protocol;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::swarm::{ConnectionId, Swarm, SwarmEvent};
use libp2p::{Multiaddr, identify, ping, relay};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io;
use std::net::TcpListener;
use std::sync::{Arc, PoisonError};
use std::time::Instant;
use tokio::sync::{mpsc, oneshot};
use tokio::time::MissedTickBehavior;
use zeroize::Zeroizing;

/// Events kept here while the driver's queue is full, before connections are no longer read from.
const QUEUE: usize = 64;
/// How often what has no event of its own is looked after.
const TICK: Duration = Duration::from_secs(1);
/// For connections to close at the end.
const FAREWELL: Duration = Duration::from_secs(1);
/// Between a connection's handshake and a protocol's streams: such may be under negotiation at most.
const MAX_NEGOTIATING: usize = 64;

/// Starts a node's part in the network, as a task of `runtime`. It listens when this returns.
///
/// # Errors
/// See [`StartError`].
pub fn start(
    key: &NodeKey,
    config: &Config,
    runtime: &tokio::runtime::Handle,
) -> Result<(Handle, mpsc::Receiver<Event>), StartError> {
    let _in_runtime = runtime.enter();
    let doors = Doors::new();
    let mut swarm = build(key, config, Arc::clone(&doors))?;
    let address = |text: &String| -> Result<Multiaddr, StartError> {
        text.parse().map_err(|e: libp2p::multiaddr::Error| {
            StartError::BadAddress(text.clone(), e.to_string())
        })
    };
    for text in &config.listen {
        let failed = |why: String| StartError::Listen { address: text.clone(), why };
        let address = address(text)?;
        free_port(&address).map_err(|e| failed(e.to_string()))?;
        swarm.listen_on(address).map_err(|e| failed(e.to_string()))?;
    }
    for text in &config.external {
        swarm.add_external_address(address(text)?);
    }
    let (commands, to_do) = mpsc::channel(COMMANDS);
    let (tell, events) = mpsc::channel(EVENTS);
    let listening = Listening::default();
    let handle = Handle {
        commands,
        peer_id: swarm.local_peer_id().to_base58().into(),
        listening: Arc::clone(&listening),
    };
    let now = Instant::now();
    let driver = Driver {
        discovery: Discovery::new(*swarm.local_peer_id(), Names::of(config).kad),
        reach: Reach::new(now),
        swarm,
        doors,
        queue: VecDeque::new(),
        replies: BTreeMap::new(),
        next_token: 0,
        dials: HashMap::new(),
        listening,
    };
    runtime.spawn(driver.run(to_do, tell));
    Ok((handle, events))
}

/// Whether a TCP port is free. libp2p shares the port it listens on with the connections it opens, so
/// the system would let two nodes listen on one port, each getting half of the connections.
fn free_port(address: &Multiaddr) -> io::Result<()> {
    let mut parts = address.iter();
    let ip: IpAddr = match parts.next() {
        Some(Protocol::Ip4(ip)) => ip.into(),
        Some(Protocol::Ip6(ip)) => ip.into(),
        _ => return Ok(()),
    };
    match parts.next() {
        Some(Protocol::Tcp(port)) if port != 0 => TcpListener::bind((ip, port)).map(drop),
        _ => Ok(()),
    }
}

fn build(
    key: &NodeKey,
    config: &Config,
    doors: Arc<Doors>,
) -> Result<Swarm<Behaviour>, StartError> {
    let secret = Zeroizing::new(*key.expose());
    let secret = secp256k1::SecretKey::try_from_bytes(secret)
        .map_err(|e| StartError::Crypto(e.to_string()))?;
    let key = Keypair::from(secp256k1::Keypair::from(secret));
    let me = key.public().to_peer_id();
    let (relays, relay_client) = relay::client::new(me);
    let transport = transport(&key, relays, Arc::clone(&doors))?;
    let behaviour = Behaviour::new(&key, config, relay_client, doors);
    let settings = libp2p::swarm::Config::with_tokio_executor()
        .with_idle_connection_timeout(config.times.idle)
        .with_max_negotiating_inbound_streams(MAX_NEGOTIATING);
    Ok(Swarm::new(transport, behaviour, me, settings))
}

struct Driver {
    swarm: Swarm<Behaviour>,
    doors: Arc<Doors>,
    queue: VecDeque<Event>,
    /// Who waits for an answer; as many as requests are told and not answered.
    replies: BTreeMap<AnswerToken, (NodeId, oneshot::Sender<Response>)>,
    next_token: u64,
    /// Dials that were asked for.
    dials: HashMap<ConnectionId, (NodeId, Address)>,
    discovery: Discovery,
    reach: Reach,
    listening: Listening,
}

impl Driver {
    async fn run(mut self, mut commands: mpsc::Receiver<Command>, tell: mpsc::Sender<Event>) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                permit = tell.reserve(), if !self.queue.is_empty() => match (permit, self.queue.pop_front()) {
                    (Ok(permit), Some(event)) => permit.send(event),
                    _ => break, // nobody listens any more
                },
                command = commands.recv() => match command {
                    None | Some(Command::Stop) => break,
                    Some(command) => self.on_command(command),
                },
                event = self.swarm.select_next_some(), if self.queue.len() < QUEUE => self.on_event(event),
                _ = tick.tick() => self.on_tick(),
            }
        }
        drop(tell);
        self.close().await;
        // Only now, because whoever stops the swarm waits for this end.
        drop(commands);
    }

    /// Closes all connections in order, so that peers need no timeout to learn of it.
    async fn close(&mut self) {
        let peers: Vec<_> = self.swarm.connected_peers().copied().collect();
        for peer in peers {
            // An error says that it went meanwhile.
            let _ = self.swarm.disconnect_peer_id(peer);
        }
        let all_gone = async {
            while self.swarm.connected_peers().next().is_some() {
                self.swarm.select_next_some().await;
            }
        };
        if tokio::time::timeout(FAREWELL, all_gone).await.is_err() {
            tracing::debug!("some connections did not close in time");
        }
    }

    fn input(&mut self, input: Input) {
        self.queue.push_back(Event::Input(input));
    }

    fn on_command(&mut self, command: Command) {
        match command {
            Command::Dial { node, address } => self.dial(node, address),
            Command::Disconnect { node } => {
                // An error says that there is no connection.
                let _ = self.swarm.disconnect_peer_id(address::peer_of(&node));
            }
            Command::Ask { node, id, request } => {
                self.swarm.behaviour_mut().exchange.ask(node, id, request);
            }
            Command::Answer { token, response } => {
                if let Some((_, reply)) = self.replies.remove(&token) {
                    let _ = reply.send(response); // an error says that the asker is gone
                }
            }
            Command::Know { node, addresses } => {
                let peer = address::peer_of(&node);
                if peer != *self.swarm.local_peer_id() {
                    discovery::add(self.swarm.behaviour_mut(), &peer, &addresses);
                }
            }
            Command::Stop => {} // the loop ends before
        }
    }

    fn dial(&mut self, node: NodeId, address: Address) {
        if self.swarm.behaviour().exchange.is_connected(&node) {
            return; // Connected is told, or on its way
        }
        let Some(multiaddr) = address::to_multiaddr(&address) else {
            self.input(Input::DialFailed { node, address });
            return;
        };
        let dial = DialOpts::peer_id(address::peer_of(&node))
            .condition(PeerCondition::Always)
            .addresses(vec![multiaddr])
            .build();
        let id = dial.connection_id();
        let swarm = &mut self.swarm;
        match self.doors.open_for(|| swarm.dial(dial)) {
            Ok(()) => {
                self.dials.insert(id, (node, address));
            }
            Err(error) => {
                tracing::debug!(%node, address = address.text, %error, "not dialled");
                self.input(Input::DialFailed { node, address });
            }
        }
    }

    fn on_event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(event) => self.on_behaviour(event),
            SwarmEvent::ConnectionEstablished { connection_id, .. } => {
                self.dials.remove(&connection_id);
            }
            SwarmEvent::OutgoingConnectionError { connection_id, error, .. } => {
                if let Some((node, address)) = self.dials.remove(&connection_id) {
                    tracing::debug!(%node, address = address.text, %error, "the dial failed");
                    self.input(Input::DialFailed { node, address });
                }
            }
            SwarmEvent::ConnectionClosed { peer_id, num_established: 0, .. } => {
                self.reach.on_disconnected(&peer_id);
            }
            SwarmEvent::NewListenAddr { address, .. } => {
                let text = self.with_me(address);
                self.change_listening(|all| all.push(text.clone()));
                self.queue.push_back(Event::Listening(text));
            }
            SwarmEvent::ExpiredListenAddr { address, .. } => self.not_listening(address),
            SwarmEvent::ListenerClosed { listener_id, addresses, reason } => {
                if let Err(error) = reason {
                    tracing::warn!(%error, ?addresses, "no longer listening");
                }
                self.reach.on_listener_closed(listener_id);
                for address in addresses {
                    self.not_listening(address);
                }
            }
            SwarmEvent::ExternalAddrConfirmed { address } => {
                let text = self.with_me(address);
                self.queue.push_back(Event::Reachable(text));
            }
            _ => {}
        }
    }

    fn on_behaviour(&mut self, event: BehaviourEvent) {
        match event {
            BehaviourEvent::Exchange(event) => self.on_exchange(event),
            BehaviourEvent::Identify(identify::Event::Received {
                connection_id,
                peer_id,
                info,
            }) => {
                let exchange = &self.swarm.behaviour().exchange;
                let is_local = exchange.group(connection_id) == Group::Local;
                if let Some(address) = exchange.remote(connection_id) {
                    self.reach.on_identified(peer_id, &info, address);
                }
                let behaviour = self.swarm.behaviour_mut();
                let now = Instant::now();
                let found = self.discovery.on_identified(behaviour, &peer_id, &info, is_local, now);
                if let Some(input) = found {
                    self.input(input);
                }
            }
            BehaviourEvent::Kad(event) => {
                for input in self.discovery.on_kad(event, self.doors.is_local_only()) {
                    self.input(input);
                }
            }
            // A connection that is dead, though nobody closed it.
            BehaviourEvent::Ping(ping::Event {
                connection,
                result: Err(ping::Failure::Timeout),
                ..
            }) => {
                self.swarm.close_connection(connection);
            }
            _ => {}
        }
    }

    fn on_exchange(&mut self, event: exchange::Event) {
        let input = match event {
            exchange::Event::Connected { node, address, direction } => {
                Input::Connected { node, address, direction }
            }
            exchange::Event::Disconnected { node } => {
                self.discovery.on_disconnected(&node);
                self.replies.retain(|_, (asker, _)| *asker != node);
                Input::Disconnected { node }
            }
            exchange::Event::Asked { node, request, reply } => {
                let token = AnswerToken(self.next_token);
                self.next_token += 1;
                self.replies.insert(token, (node, reply));
                Input::Asked { node, token, request }
            }
            exchange::Event::Answered { node, id, answer } => Input::Answered { node, id, answer },
            exchange::Event::Broke { node, offence } => Input::Broke { node, offence },
        };
        self.input(input);
    }

    fn on_tick(&mut self) {
        let now = Instant::now();
        // Askers that went, or waited too long.
        self.replies.retain(|_, (_, reply)| !reply.is_closed());
        self.discovery.on_tick(self.swarm.behaviour_mut(), now);
        self.reach.on_tick(&mut self.swarm, self.doors.is_local_only(), now);
    }

    fn not_listening(&mut self, address: Multiaddr) {
        let text = self.with_me(address);
        self.change_listening(|all| all.retain(|other| *other != text));
        self.queue.push_back(Event::NotListening(text));
    }

    fn change_listening(&self, change: impl FnOnce(&mut Vec<String>)) {
        change(&mut self.listening.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// With `/p2p/…` of this node at its end.
    fn with_me(&self, address: Multiaddr) -> String {
        let (bare, _) = address::split_peer(address);
        bare.with(Protocol::P2p(*self.swarm.local_peer_id())).to_string()
    }
}
