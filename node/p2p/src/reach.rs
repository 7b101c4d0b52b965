//! Whether others can reach this node, and what is done when they can't: it reserves a place at relays,
//! over which peers come in and punch a hole.

use crate::address::is_public_multiaddr;
use crate::behaviour::Behaviour;
use core::time::Duration;
use libp2p::core::transport::ListenerId;
use libp2p::multiaddr::Protocol;
use libp2p::swarm::Swarm;
use libp2p::{Multiaddr, PeerId, identify, kad, relay};
use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

/// Relays at which a place is reserved.
const RELAYS: usize = 2;
/// Relays known beyond these are forgotten.
const MAX_CANDIDATES: usize = 16;
/// How long a node may wait to be found reachable before it looks for relays.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is known of it.
pub(crate) struct Reach {
    since: Instant,
    /// Connected peers that offer to relay, with their address.
    candidates: BTreeMap<PeerId, Multiaddr>,
    /// Places reserved or being reserved.
    reserved: HashMap<ListenerId, PeerId>,
    is_server: Option<bool>,
}

impl Reach {
    pub(crate) fn new(now: Instant) -> Self {
        Self { since: now, candidates: BTreeMap::new(), reserved: HashMap::new(), is_server: None }
    }

    /// A peer says what it offers; `address`: where this node is connected with it.
    pub(crate) fn on_identified(&mut self, peer: PeerId, info: &identify::Info, at: &Multiaddr) {
        let is_relay =
            info.protocols.contains(&relay::HOP_PROTOCOL_NAME) && is_public_multiaddr(at);
        if is_relay && self.candidates.len() < MAX_CANDIDATES {
            self.candidates.insert(peer, at.clone());
        }
    }

    pub(crate) fn on_disconnected(&mut self, peer: &PeerId) {
        self.candidates.remove(peer);
    }

    pub(crate) fn on_listener_closed(&mut self, listener: ListenerId) {
        // Whoever refused or left is not asked again until it is met anew.
        if let Some(relay) = self.reserved.remove(&listener) {
            self.candidates.remove(&relay);
        }
    }

    /// Offers what can be offered, and looks for relays when that is needed.
    pub(crate) fn on_tick(
        &mut self,
        swarm: &mut Swarm<Behaviour>,
        is_local_only: bool,
        now: Instant,
    ) {
        let is_relayed = |address: &Multiaddr| address.iter().any(|p| p == Protocol::P2pCircuit);
        let is_reachable = swarm.external_addresses().any(|address| !is_relayed(address));
        // Among neighbours everybody is reachable.
        self.serve(swarm, is_reachable || is_local_only);
        if is_reachable || is_local_only {
            for (listener, _) in core::mem::take(&mut self.reserved) {
                swarm.remove_listener(listener);
            }
            self.since = now;
            return;
        }
        if now.duration_since(self.since) < PATIENCE || self.reserved.len() >= RELAYS {
            return;
        }
        let is_used = |peer: &PeerId| self.reserved.values().any(|used| used == peer);
        let candidate = self.candidates.iter().find(|(peer, _)| !is_used(peer));
        let Some((peer, address)) = candidate.map(|(peer, address)| (*peer, address.clone()))
        else {
            return;
        };
        let place = address.with(Protocol::P2p(peer)).with(Protocol::P2pCircuit);
        match swarm.listen_on(place) {
            Ok(listener) => {
                self.reserved.insert(listener, peer);
            }
            Err(error) => {
                tracing::debug!(%peer, %error, "no place at this relay");
                self.candidates.remove(&peer);
            }
        }
    }

    /// Whether this node answers others' questions for nodes, and relays for them.
    fn serve(&mut self, swarm: &mut Swarm<Behaviour>, is_server: bool) {
        if self.is_server == Some(is_server) {
            return;
        }
        self.is_server = Some(is_server);
        let (mode, status) = if is_server {
            (kad::Mode::Server, relay::Status::Enable)
        } else {
            (kad::Mode::Client, relay::Status::Disable)
        };
        let behaviour = swarm.behaviour_mut();
        behaviour.kad.set_mode(Some(mode));
        behaviour.relay.set_status(Some(status));
    }
}
