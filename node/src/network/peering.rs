//! The network as operators see it, over JSON-RPC.

use super::{Inbox, peer};
use blocktree_network::{Address, Hello, Input, NodeId, PeerView, Source, SyncState, Tick};
use blocktree_p2p::{Handle, peer_id_text};
use blocktree_rpc::api::{Direction, PeerState, Peering, SyncProgress};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What the driver saw last.
#[derive(Default)]
pub(crate) struct Seen(Mutex<View>);

/// The peers, at a moment, and where the node stands.
#[derive(Default)]
pub(crate) struct View {
    /// Milliseconds since the network began.
    pub(crate) at: Tick,
    /// The peers, with what they said.
    pub(crate) peers: Vec<(PeerView, Option<Hello>)>,
    /// Where the node stands; `None` before the first look.
    pub(crate) sync: Option<SyncState>,
}

impl Seen {
    /// The view, to be looked at or changed for a moment.
    pub(crate) fn view(&self) -> MutexGuard<'_, View> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The switches of the network, and its windows.
pub(crate) struct Swarm {
    handle: Handle,
    inbox: Inbox,
    seen: std::sync::Arc<Seen>,
}

impl Swarm {
    pub(crate) const fn new(handle: Handle, inbox: Inbox, seen: std::sync::Arc<Seen>) -> Self {
        Self { handle, inbox, seen }
    }

    /// Tells the machine where a node is.
    pub(crate) fn learn(&self, node: NodeId, address: Address, source: Source) {
        let addresses = vec![address];
        if self.inbox.send(Input::Discovered { node, addresses, source }).is_err() {
            tracing::debug!("the network has stopped");
        }
    }
}

impl Peering for Swarm {
    fn peers(&self) -> Vec<PeerState> {
        let view = self.seen.view();
        let state = |(peer, hello): &(PeerView, Option<Hello>)| PeerState {
            peer_id: peer_id_text(&peer.node),
            address: peer.address.text.clone(),
            direction: match peer.direction {
                blocktree_network::Direction::Inbound => Direction::Inbound,
                blocktree_network::Direction::Outbound => Direction::Outbound,
            },
            connected_seconds: view.at.since(peer.since).as_secs(),
            reserved: peer.reserved,
            score: peer.score,
            height: hello.map(|hello| hello.height.0),
            tip: hello.map(|hello| hello.tip),
            total_work: hello.map(|hello| hello.total_work),
        };
        view.peers.iter().map(state).collect()
    }

    fn sync(&self) -> SyncProgress {
        match self.seen.view().sync {
            Some(SyncState { syncing, target, left, .. }) => SyncProgress { syncing, target, left },
            None => SyncProgress { syncing: true, target: 0, left: 0 },
        }
    }

    fn local_peer_id(&self) -> String {
        self.handle.local_peer_id().to_owned()
    }

    fn listen_addresses(&self) -> Vec<String> {
        self.handle.listen_addresses()
    }

    fn add_peer(&self, address: &str) -> Result<(), String> {
        let (node, address) = peer(address)?;
        if peer_id_text(&node) == self.handle.local_peer_id() {
            return Err("that is this node itself".into());
        }
        self.learn(node, address, Source::Reserved);
        Ok(())
    }

    fn remove_peer(&self, peer_id: &str) -> Result<(), String> {
        let (node, _) = peer(&format!("/ip4/0.0.0.0/tcp/1/p2p/{peer_id}"))
            .map_err(|_| format!("{peer_id} is no peer's id"))?;
        let asked = self.inbox.send(Input::Dismiss { node });
        asked.map_err(|_| "the network has stopped".to_owned())
    }
}
