//! The protocols that a node speaks, with their bounds.

use crate::config::{Config, MAX_CONNECTIONS_PER_PEER, MAX_PENDING};
use crate::crowd;
use crate::exchange;
use crate::exchange::limits::Shared;
use crate::gate::Doors;
use core::num::{NonZeroU32, NonZeroUsize};
use core::time::Duration;
use libp2p::identity::Keypair;
use libp2p::swarm::{NetworkBehaviour, StreamProtocol};
use libp2p::{
    PeerId, autonat, connection_limits, dcutr, identify, kad, memory_connection_limits, ping, relay,
};
use std::sync::Arc;

/// How often a connection is asked for a sign of life, and how long that may take.
const PING_INTERVAL: Duration = Duration::from_secs(15);
const PING_TIME: Duration = Duration::from_secs(20);
/// How often a peer is told again what this node is.
const IDENTIFY_INTERVAL: Duration = Duration::from_secs(300);
/// Bytes of a message of Kademlia at most: 20 peers with 8 addresses each take less.
const MAX_KAD_MESSAGE: usize = 16 << 10;
const KAD_QUERY_TIME: Duration = Duration::from_secs(30);
/// Nodes of one distance that are kept.
const KAD_BUCKET: NonZeroUsize = NonZeroUsize::new(20).expect("20 is not 0");
/// For others behind routers: who may reserve here, and what goes through. A relayed connection serves
/// to greet and to punch a hole, not to sync.
const RELAY_RESERVATIONS: usize = 32;
const RELAY_CIRCUITS: usize = 16;
const RELAY_CIRCUITS_OF_ONE: usize = 2;
const RELAY_TIME: Duration = Duration::from_secs(120);
const RELAY_BYTES: u64 = 256 << 10;

/// All of them. Limits come first, so that what exceeds them reaches nothing else.
#[derive(NetworkBehaviour)]
pub(crate) struct Behaviour {
    pub(crate) limits: connection_limits::Behaviour,
    pub(crate) crowd: crowd::Behaviour,
    pub(crate) memory: memory_connection_limits::Behaviour,
    pub(crate) exchange: exchange::Behaviour,
    pub(crate) identify: identify::Behaviour,
    pub(crate) ping: ping::Behaviour,
    pub(crate) kad: kad::Behaviour<kad::store::MemoryStore>,
    pub(crate) autonat: autonat::v2::client::Behaviour,
    pub(crate) autonat_server: autonat::v2::server::Behaviour,
    pub(crate) relay: relay::Behaviour,
    pub(crate) relay_client: relay::client::Behaviour,
    pub(crate) dcutr: dcutr::Behaviour,
}

/// The names of this chain's protocols.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    pub(crate) version: String,
    pub(crate) exchange: StreamProtocol,
    pub(crate) kad: StreamProtocol,
}

impl Names {
    pub(crate) fn of(config: &Config) -> Self {
        let chain = config.chain();
        let protocol =
            |name: String| StreamProtocol::try_from_owned(name).expect("it begins with a slash");
        Self {
            version: format!("/blocktree/{chain}/1"),
            exchange: protocol(format!("/blocktree/{chain}/1")),
            kad: protocol(format!("/blocktree/{chain}/kad/1")),
        }
    }
}

impl Behaviour {
    pub(crate) fn new(
        key: &Keypair,
        config: &Config,
        relay_client: relay::client::Behaviour,
        doors: Arc<Doors>,
    ) -> Self {
        let me = key.public().to_peer_id();
        let names = Names::of(config);
        let limits = connection_limits::ConnectionLimits::default()
            .with_max_pending_incoming(Some(MAX_PENDING))
            .with_max_pending_outgoing(Some(MAX_PENDING))
            .with_max_established_incoming(Some(config.max_inbound))
            .with_max_established_outgoing(Some(config.max_outbound))
            .with_max_established_per_peer(Some(MAX_CONNECTIONS_PER_PEER));
        let identify = identify::Config::new(names.version, key.public())
            .with_agent_version(config.agent.clone())
            .with_interval(IDENTIFY_INTERVAL)
            .with_push_listen_addr_updates(true)
            // What peers say of themselves is judged before it is used for dialling.
            .with_cache_size(0);
        let ping = ping::Config::new().with_interval(PING_INTERVAL).with_timeout(PING_TIME);
        Self {
            limits: connection_limits::Behaviour::new(limits),
            crowd: crowd::Behaviour::new(config.max_inbound),
            memory: memory_connection_limits::Behaviour::with_max_bytes(config.max_memory),
            exchange: exchange::Behaviour::new(names.exchange, Shared::new(config.times), doors),
            identify: identify::Behaviour::new(identify),
            ping: ping::Behaviour::new(ping),
            kad: kademlia(me, names.kad),
            autonat: autonat::v2::client::Behaviour::default(),
            autonat_server: autonat::v2::server::Behaviour::default(),
            relay: relay::Behaviour::new(me, relay_limits()),
            relay_client,
            dcutr: dcutr::Behaviour::new(me),
        }
    }
}

/// Kademlia for finding nodes only: no records are taken from others, and the table holds only nodes
/// whose addresses passed [`address::told`](crate::address::told).
fn kademlia(me: PeerId, name: StreamProtocol) -> kad::Behaviour<kad::store::MemoryStore> {
    let mut config = kad::Config::new(name);
    config
        .set_kbucket_inserts(kad::BucketInserts::Manual)
        .set_kbucket_size(KAD_BUCKET)
        .set_record_filtering(kad::StoreInserts::FilterBoth)
        .set_caching(kad::Caching::Disabled)
        .set_publication_interval(None)
        .set_replication_interval(None)
        .set_provider_publication_interval(None)
        .set_max_packet_size(MAX_KAD_MESSAGE)
        .set_query_timeout(KAD_QUERY_TIME)
        .set_periodic_bootstrap_interval(None);
    let store = kad::store::MemoryStoreConfig {
        max_records: 1,
        max_value_bytes: 1,
        max_providers_per_key: 1,
        max_provided_keys: 1,
    };
    let store = kad::store::MemoryStore::with_config(me, store);
    kad::Behaviour::with_config(me, store, config)
}

fn relay_limits() -> relay::Config {
    let a_minute = Duration::from_secs(60);
    let few = NonZeroU32::new(4).expect("4 is not 0");
    let config = relay::Config {
        max_reservations: RELAY_RESERVATIONS,
        max_reservations_per_peer: 1,
        max_circuits: RELAY_CIRCUITS,
        max_circuits_per_peer: RELAY_CIRCUITS_OF_ONE,
        max_circuit_duration: RELAY_TIME,
        max_circuit_bytes: RELAY_BYTES,
        ..relay::Config::default()
    };
    config
        .reservation_rate_per_peer(few, a_minute)
        .reservation_rate_per_ip(few, a_minute)
        .circuit_src_per_peer(few, a_minute)
        .circuit_src_per_ip(few, a_minute)
}
