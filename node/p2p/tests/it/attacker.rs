//! A peer that sends what it likes, over libp2p's own request-response behaviour and a codec that
//! writes bytes as they are: nothing here is shared with what is tested.

use crate::support::{CONNECTED, PROTOCOL, SOON};
use blocktree_network::NodeId;
use blocktree_p2p::peer_id_text;
use core::future::pending;
use libp2p::futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, StreamExt};
use libp2p::identity::Keypair;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{
    Multiaddr, PeerId, StreamProtocol, Swarm, Transport, identify, noise, ping, quic, tcp, yamux,
};
use libp2p_request_response::{
    Behaviour as Exchange, Codec, Config, Event, Message, ProtocolSupport,
};
use std::io;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// What is done with one's own side of a stream.
#[derive(Clone, Debug)]
pub(crate) enum Script {
    /// Write this and close.
    Say(Vec<u8>),
    /// Write this and never close.
    Begin(Vec<u8>),
    /// Write this and close, then never read the answer.
    SayAndIgnore(Vec<u8>),
}

/// What the attacker sees.
#[derive(Debug)]
pub(crate) enum Seen {
    Connected,
    Closed { remaining: u32 },
    Answer(Vec<u8>),
    Failed,
    Identified(Box<identify::Info>),
    Pinged,
}

#[derive(Clone)]
struct Liar {
    ignores: bool,
}

impl Codec for Liar {
    type Protocol = StreamProtocol;
    type Request = Script;
    type Response = Script;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Script>
    where
        T: AsyncRead + Unpin + Send,
    {
        let mut bytes = Vec::new();
        io.read_to_end(&mut bytes).await?;
        Ok(Script::Say(bytes))
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Script>
    where
        T: AsyncRead + Unpin + Send,
    {
        if self.ignores {
            pending::<()>().await;
        }
        let mut bytes = Vec::new();
        io.read_to_end(&mut bytes).await?;
        Ok(Script::Say(bytes))
    }

    async fn write_request<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        script: Script,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        self.ignores = matches!(script, Script::SayAndIgnore(_));
        play(io, script).await
    }

    async fn write_response<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        script: Script,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        play(io, script).await
    }
}

async fn play<T: AsyncWrite + Unpin + Send>(io: &mut T, script: Script) -> io::Result<()> {
    match script {
        Script::Say(bytes) | Script::SayAndIgnore(bytes) => io.write_all(&bytes).await,
        Script::Begin(bytes) => {
            io.write_all(&bytes).await?;
            io.flush().await?;
            pending().await
        }
    }
}

#[derive(NetworkBehaviour)]
struct Behaviour {
    exchange: Exchange<Liar>,
    identify: identify::Behaviour,
    ping: ping::Behaviour,
}

pub(crate) struct Attacker {
    pub(crate) peer: PeerId,
    orders: mpsc::UnboundedSender<Order>,
    seen: mpsc::UnboundedReceiver<Seen>,
}

enum Order {
    Dial(NodeId, String),
    Ask(NodeId, Script),
}

impl Attacker {
    /// Answers whatever it is asked with `answer`.
    pub(crate) fn start(key: Keypair, answer: Script) -> Self {
        let peer = key.public().to_peer_id();
        let (orders, to_do) = mpsc::unbounded_channel();
        let (tell, seen) = mpsc::unbounded_channel();
        tokio::spawn(run(swarm(key), answer, to_do, tell));
        Self { peer, orders, seen }
    }

    pub(crate) fn node() -> Self {
        Self::answering(Script::Say(Vec::new()))
    }

    pub(crate) fn answering(answer: Script) -> Self {
        Self::start(Keypair::generate_secp256k1(), answer)
    }

    pub(crate) fn dial(&self, node: NodeId, address: &str) {
        self.orders.send(Order::Dial(node, address.to_owned())).unwrap();
    }

    pub(crate) fn ask(&self, node: NodeId, script: Script) {
        self.orders.send(Order::Ask(node, script)).unwrap();
    }

    pub(crate) async fn wait_for<T>(&mut self, mut pick: impl FnMut(Seen) -> Option<T>) -> T {
        let wait = async {
            loop {
                if let Some(picked) = pick(self.seen.recv().await.expect("it runs")) {
                    return picked;
                }
            }
        };
        timeout(SOON, wait).await.expect("it is seen in time")
    }

    /// Connects, and waits until that is done.
    pub(crate) async fn meet(&mut self, node: NodeId, address: &str) {
        self.dial(node, address);
        self.wait_for(|seen| matches!(seen, Seen::Connected).then_some(())).await;
        tokio::time::sleep(CONNECTED).await;
    }

    /// What it saw until now.
    pub(crate) fn all_seen(&mut self) -> Vec<Seen> {
        let mut all = Vec::new();
        while let Ok(seen) = self.seen.try_recv() {
            all.push(seen);
        }
        all
    }
}

fn swarm(key: Keypair) -> Swarm<Behaviour> {
    let tcp = tcp::tokio::Transport::new(tcp::Config::default())
        .upgrade(libp2p::core::upgrade::Version::V1Lazy)
        .authenticate(noise::Config::new(&key).unwrap())
        .multiplex(yamux::Config::default())
        .boxed();
    let quic = quic::tokio::Transport::new(quic::Config::new(&key));
    let transport = tcp
        .or_transport(
            quic.map(|(peer, muxer), _| (peer, libp2p::core::muxing::StreamMuxerBox::new(muxer))),
        )
        .map(|either, _| either.into_inner())
        .boxed();
    let settings = Config::default()
        .with_request_timeout(Duration::from_secs(60))
        .with_max_concurrent_streams(10_000);
    let protocol = StreamProtocol::new(PROTOCOL);
    let behaviour = Behaviour {
        exchange: Exchange::with_codec(
            Liar { ignores: false },
            [(protocol, ProtocolSupport::Full)],
            settings,
        ),
        identify: identify::Behaviour::new(identify::Config::new("/liar/1".into(), key.public())),
        ping: ping::Behaviour::new(ping::Config::new().with_interval(Duration::from_millis(200))),
    };
    let settings = libp2p::swarm::Config::with_tokio_executor()
        .with_idle_connection_timeout(Duration::from_secs(600));
    Swarm::new(transport, behaviour, key.public().to_peer_id(), settings)
}

async fn run(
    mut swarm: Swarm<Behaviour>,
    answer: Script,
    mut orders: mpsc::UnboundedReceiver<Order>,
    tell: mpsc::UnboundedSender<Seen>,
) {
    loop {
        let event = tokio::select! {
            event = swarm.select_next_some() => event,
            order = orders.recv() => {
                match order {
                    Some(Order::Dial(node, address)) => {
                        let address: Multiaddr = address.parse().unwrap();
                        let dial = DialOpts::peer_id(peer(&node))
                            .condition(PeerCondition::Always)
                            .addresses(vec![address])
                            .build();
                        swarm.dial(dial).unwrap();
                    }
                    Some(Order::Ask(node, script)) => {
                        swarm.behaviour_mut().exchange.send_request(&peer(&node), script);
                    }
                    None => return,
                }
                continue;
            }
        };
        let seen = match event {
            SwarmEvent::ConnectionEstablished { .. } => Seen::Connected,
            SwarmEvent::ConnectionClosed { num_established, .. } => {
                Seen::Closed { remaining: num_established }
            }
            SwarmEvent::Behaviour(BehaviourEvent::Exchange(event)) => match event {
                Event::Message { message: Message::Request { channel, .. }, .. } => {
                    let _ = swarm.behaviour_mut().exchange.send_response(channel, answer.clone());
                    continue;
                }
                Event::Message { message: Message::Response { response, .. }, .. } => {
                    let Script::Say(bytes) = response else { continue };
                    Seen::Answer(bytes)
                }
                Event::OutboundFailure { .. } => Seen::Failed,
                _ => continue,
            },
            SwarmEvent::Behaviour(BehaviourEvent::Identify(identify::Event::Received {
                info,
                ..
            })) => Seen::Identified(Box::new(info)),
            SwarmEvent::Behaviour(BehaviourEvent::Ping(ping::Event { result: Ok(_), .. })) => {
                Seen::Pinged
            }
            _ => continue,
        };
        if tell.send(seen).is_err() {
            return;
        }
    }
}

fn peer(node: &NodeId) -> PeerId {
    peer_id_text(node).parse().unwrap()
}
