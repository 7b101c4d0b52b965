//! The network of this node: the state machine of `blocktree-network` on a thread of its own, between
//! libp2p (`blocktree-p2p`) on one side and the chain and the pool on the other.
//!
//! What lives here moves things: what peers send goes to the machine, what the machine wants goes to the
//! swarm, the importer and the pool, and what became of it goes back. What it means is decided in the
//! machine, which a simulator drives as well.

mod driver;
mod following;
mod importing;
mod judging;
mod ledger;
mod peering;
mod peers_file;
mod report;

pub(crate) use driver::NetworkThread;

use crate::mining::Mining;
use crate::network_settings::NetworkSettings;
use anyhow::{Context, Result};
use blocktree_consensus::Work;
use blocktree_network::{Address, Input, NodeId, PeersConfig, Source};
use blocktree_p2p::{Command, NodeKey};
use blocktree_runtime::BlocktreeRuntime;
use blocktree_service::Chain;
use blocktree_state::Ledger;
use driver::Driver;
use importing::Importing;
use judging::Judging;
use peering::{Seen, Swarm};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Bytes of memory of this process from which on no connection is taken or opened: several times what a
/// node takes.
const MAX_MEMORY: usize = 1 << 30;

/// The way to the state machine, for all but the swarm. It has no bound of its own: the machine waits for
/// what is in it before it hands out more.
#[derive(Clone)]
pub(crate) struct Inbox(mpsc::UnboundedSender<Input>);

/// The network has stopped.
pub(crate) struct Closed;

impl Inbox {
    /// Tells the machine something.
    pub(crate) fn send(&self, input: Input) -> Result<(), Closed> {
        self.0.send(input).map_err(|_| Closed)
    }
}

/// What a network is made of.
pub(crate) struct Parts<'a> {
    pub(crate) settings: &'a NetworkSettings,
    pub(crate) chain: &'a Chain<BlocktreeRuntime>,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) minimum_work: Work,
    pub(crate) mining: &'a Arc<Mining>,
    pub(crate) data_dir: &'a Path,
    pub(crate) runtime: &'a tokio::runtime::Handle,
}

/// Starts the network. It listens when this returns.
///
/// # Errors
/// What did not start, and why.
pub(crate) fn start(parts: &Parts<'_>) -> Result<(NetworkThread, Arc<Swarm>)> {
    let Parts { settings, chain, data_dir, runtime, .. } = parts;
    let key = NodeKey::load_or_create(data_dir)?;
    let peers = peers_config(settings);
    let mut config = blocktree_p2p::Config::new(chain.genesis());
    config.listen.clone_from(&settings.listen);
    config.external.clone_from(&settings.external);
    // Some more than the machine has slots for, so that it is the machine that says who goes.
    config.max_inbound = connections(peers.inbound).saturating_add(16);
    config.max_outbound = connections(peers.outbound).saturating_add(24);
    config.max_memory = MAX_MEMORY;
    let (handle, events) = blocktree_p2p::start(&key, &config, runtime)
        .context(
        "the network does not start (--p2p-addr says where; /ip4/127.0.0.1/tcp/0 takes a free port)",
    )?;
    let (sender, inbox) = mpsc::unbounded_channel();
    let sender = Inbox(sender);
    let waits_for_peers = !settings.bootnodes.is_empty() || !settings.reserved.is_empty();
    // From the first block on; the driver lets go.
    parts.mining.hold(waits_for_peers);
    let seen = Arc::new(Seen::default());
    let importing = Importing::start(chain, sender.clone()).context("no thread for imports")?;
    let judging = Judging::start((*chain).clone(), sender.clone(), runtime);
    runtime.spawn(following::tips((*chain).clone(), sender.clone()));
    runtime.spawn(following::events((*chain).clone(), sender.clone()));
    runtime.spawn(ledger::watch((*chain).clone(), sender.clone()));
    let driver = Driver {
        machine: blocktree_network::Network::new(
            blocktree_network::Config { peers },
            key.node(),
            seed(),
        ),
        chain: (*chain).clone(),
        ledger: Arc::clone(&parts.ledger),
        minimum_work: parts.minimum_work,
        mining: Arc::clone(parts.mining),
        handle: handle.clone(),
        importing,
        judging,
        seen: Arc::clone(&seen),
        data_dir: data_dir.to_path_buf(),
        waits_for_peers,
    };
    let thread = driver.spawn(events, inbox, runtime)?;
    let swarm = Arc::new(Swarm::new(handle.clone(), sender, seen));
    let wanted = [(&settings.bootnodes, Source::Boot), (&settings.reserved, Source::Reserved)];
    for (texts, source) in wanted {
        for text in texts {
            let (node, address) = peer(text).map_err(anyhow::Error::msg)?;
            swarm.learn(node, address.clone(), source);
            // The swarm asks them for more.
            let command = Command::Know { node, addresses: vec![address] };
            let _ = runtime.block_on(handle.send(command));
        }
    }
    Ok((thread, swarm))
}

/// A peer with its name: a multiaddr that ends in `/p2p/…`.
fn peer(text: &str) -> Result<(NodeId, Address), String> {
    match blocktree_p2p::parse_multiaddr(text) {
        Ok((Some(node), address)) => Ok((node, address)),
        Ok((None, _)) => Err(format!(
            "{text} names no peer: it must end in /p2p/ and the peer's id, as system_localListenAddresses of that node gives it"
        )),
        Err(error) => Err(format!("{text}: {error}")),
    }
}

fn peers_config(settings: &NetworkSettings) -> PeersConfig {
    let usual = PeersConfig::default();
    let or = |asked: Option<u32>, usual: usize| {
        asked.map_or(usual, |asked| usize::try_from(asked).unwrap_or(usual))
    };
    let inbound = or(settings.max_inbound, usual.inbound);
    let inbound_per_group = inbound.div_ceil(4);
    PeersConfig {
        outbound: or(settings.max_outbound, usual.outbound),
        inbound,
        inbound_per_group,
        ..usual
    }
}

fn connections(slots: usize) -> u32 {
    u32::try_from(slots).unwrap_or(u32::MAX)
}

/// What nobody outside can guess.
fn seed() -> u64 {
    use std::hash::{BuildHasher, Hasher, RandomState};
    // The standard library's hash keys are random in each process; no more is needed here.
    RandomState::new().build_hasher().finish()
}
