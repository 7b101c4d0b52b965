//! A node under test: a swarm and what it told.

use blocktree_network::{Address, Hello, Input, NodeId, Request, RequestId, Response};
use blocktree_p2p::{Command, Config, Event, Handle, NodeKey, Times, parse_multiaddr, start};
use blocktree_primitives::{BlockHash, Height};
use core::time::Duration;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// More than anything here takes on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(20);
/// Enough for what should not happen to happen.
pub(crate) const A_WHILE: Duration = Duration::from_millis(600);
/// For the other side to note that a handshake is done.
pub(crate) const CONNECTED: Duration = Duration::from_millis(50);
pub(crate) const TCP: &str = "/ip4/127.0.0.1/tcp/0";
pub(crate) const QUIC: &str = "/ip4/127.0.0.1/udp/0/quic-v1";
/// Shown as eight times `01`, `00`…: hashes are shown in reverse.
pub(crate) const CHAIN: BlockHash = BlockHash([1; 32]);
/// The name of the chain's protocol, from docs/protocol.md §12.1 and [`CHAIN`].
pub(crate) const PROTOCOL: &str = "/blocktree/01010101/1";

pub(crate) struct Node {
    pub(crate) id: NodeId,
    pub(crate) handle: Handle,
    pub(crate) events: mpsc::Receiver<Event>,
}

pub(crate) fn config(listen: &str) -> Config {
    Config { listen: vec![listen.to_owned()], ..Config::new(CHAIN) }
}

pub(crate) fn quick() -> Times {
    Times {
        request: Duration::from_millis(700),
        answer: Duration::from_secs(2),
        stall: Duration::from_millis(700),
        write: Duration::from_secs(3),
        ask: Duration::from_secs(1),
        idle: Duration::from_millis(500),
    }
}

impl Node {
    pub(crate) fn start(config: &Config) -> Self {
        let key = NodeKey::generate().unwrap();
        let (handle, events) = start(&key, config, &tokio::runtime::Handle::current()).unwrap();
        Self { id: key.node(), handle, events }
    }

    /// The first thing told of which `pick` makes something; the others are let go.
    pub(crate) async fn wait_for<T>(&mut self, mut pick: impl FnMut(Event) -> Option<T>) -> T {
        let wait = async {
            loop {
                let event = self.events.recv().await.expect("the swarm runs");
                if let Some(picked) = pick(event) {
                    return picked;
                }
            }
        };
        timeout(SOON, wait).await.expect("it is told in time")
    }

    pub(crate) async fn input<T>(&mut self, mut pick: impl FnMut(Input) -> Option<T>) -> T {
        self.wait_for(|event| match event {
            Event::Input(input) => pick(input),
            _ => None,
        })
        .await
    }

    /// Asserts that nothing is told for a while of which `is_bad` holds.
    pub(crate) async fn never(&mut self, is_bad: impl Fn(&Input) -> bool) {
        let wait = async {
            loop {
                let event = self.events.recv().await.expect("the swarm runs");
                if let Event::Input(input) = event {
                    assert!(!is_bad(&input), "{input:?}");
                }
            }
        };
        let _: Result<(), _> = timeout(A_WHILE, wait).await;
    }

    /// Where it listens, with and without `/p2p/…`.
    pub(crate) async fn address(&self) -> (String, Address) {
        let listening = async {
            loop {
                if let Some(whole) = self.handle.listen_addresses().pop() {
                    return whole;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let whole = timeout(SOON, listening).await.expect("it listens");
        let (node, address) = parse_multiaddr(&whole).unwrap();
        assert_eq!(node, Some(self.id));
        (whole, address)
    }

    pub(crate) async fn send(&self, command: Command) {
        self.handle.send(command).await.unwrap();
    }

    pub(crate) async fn dial(&mut self, other: &mut Self) -> Address {
        let (_, address) = other.address().await;
        self.send(Command::Dial { node: other.id, address: address.clone() }).await;
        let me = self.id;
        self.connected(other.id).await;
        other.connected(me).await;
        address
    }

    pub(crate) async fn connected(
        &mut self,
        other: NodeId,
    ) -> (Address, blocktree_network::Direction) {
        self.input(|input| match input {
            Input::Connected { node, address, direction } if node == other => {
                Some((address, direction))
            }
            _ => None,
        })
        .await
    }

    pub(crate) async fn disconnected(&mut self, other: NodeId) {
        self.input(|input| match input {
            Input::Disconnected { node } if node == other => Some(()),
            _ => None,
        })
        .await;
    }

    pub(crate) async fn ask(&self, node: NodeId, id: u64, request: Request) {
        self.send(Command::Ask { node, id: RequestId(id), request }).await;
    }

    pub(crate) async fn answered(
        &mut self,
        expected: u64,
    ) -> Result<Response, blocktree_network::Failure> {
        self.input(|input| match input {
            Input::Answered { id, answer, .. } if id == RequestId(expected) => Some(answer),
            _ => None,
        })
        .await
    }

    pub(crate) async fn asked(&mut self) -> (NodeId, blocktree_network::AnswerToken, Request) {
        self.input(|input| match input {
            Input::Asked { node, token, request } => Some((node, token, request)),
            _ => None,
        })
        .await
    }

    pub(crate) async fn broke(&mut self) -> (NodeId, blocktree_network::Offence) {
        self.input(|input| match input {
            Input::Broke { node, offence } => Some((node, offence)),
            _ => None,
        })
        .await
    }
}

pub(crate) fn hello(height: u64) -> Hello {
    Hello {
        genesis: CHAIN,
        tip: BlockHash([2; 32]),
        height: Height(height),
        total_work: Default::default(),
    }
}
