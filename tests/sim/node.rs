//! An honest node: a real network, a real importer and a real pool behind one queue of work, and what
//! is left of them after a crash.

use crate::chain::Chain;
use crate::plant::Plant;
use crate::rules::Rules;
use crate::scheduler::Time;
use blocktree_consensus::{Candidate, Work};
use blocktree_import::Worth;
use blocktree_network::{Address, Config, Group, Network, NodeId};
use blocktree_primitives::{BlockHash, EventId};
use blocktree_runtime::Call;
use blocktree_state::MemoryLedger;
use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv4Addr;
use std::sync::Arc;

/// A participant's key.
pub(crate) fn node_id(seat: usize) -> NodeId {
    // Spread, so that the order of ids is not that of seats.
    let spread = (seat as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
    let mut bytes = [2; 33];
    bytes[1..9].copy_from_slice(&spread);
    NodeId(bytes)
}

/// Where a participant listens. Honest nodes are of different groups.
pub(crate) fn address(seat: usize) -> Address {
    let [high, low] = u16::try_from(seat).unwrap_or(u16::MAX).to_be_bytes();
    let ip = Ipv4Addr::new(high.wrapping_add(20), low, 1, 1);
    Address { text: format!("/ip4/{ip}/tcp/30333"), group: Group::of(ip.into()) }
}

/// Work that waits for the node's one writer.
pub(crate) enum Job {
    /// A block from the network.
    Import { block: Box<Candidate<Call>>, worth: Worth },
    /// A block of its own miner.
    Mined { block: Box<Candidate<Call>> },
    /// An event from the network.
    Judge { id: EventId, event: Vec<u8>, from: NodeId },
    /// An event from a user.
    Submit { id: EventId, event: Vec<u8> },
}

/// A running node.
pub(crate) struct Alive {
    pub(crate) chain: Chain,
    pub(crate) network: Network<Call>,
    pub(crate) since: Time,
    pub(crate) jobs: VecDeque<Job>,
    pub(crate) is_working: bool,
    /// Blocks and events of the network that are handed out, by kind.
    pub(crate) handed_out: (usize, usize),
}

/// An honest node, running or not.
pub(crate) struct Node {
    pub(crate) alive: Option<Alive>,
    pub(crate) ledger: MemoryLedger,
    /// Seconds by which its clock is wrong.
    pub(crate) skew: i64,
    /// Of the hashes of all miners.
    pub(crate) share: u64,
    /// Milliseconds that a piece of work takes.
    pub(crate) work_ms: (Time, Time),
    /// Its file of peers and bans, as it was last written.
    pub(crate) file: String,
    /// Events of users that it acknowledged.
    pub(crate) taken: Vec<EventId>,
    /// The most work that its tip ever had.
    pub(crate) most_work: Work,
    /// Blocks that left its best chain.
    pub(crate) reverted: u64,
    /// When it took each block of its best chain.
    pub(crate) seen: BTreeMap<BlockHash, Time>,
    /// How it misbehaves, for tests of the invariants.
    pub(crate) plant: Option<Plant>,
}

impl Node {
    pub(crate) fn new() -> Self {
        Self {
            alive: None,
            ledger: MemoryLedger::new(),
            skew: 0,
            share: 0,
            work_ms: (1, 5),
            file: String::new(),
            taken: Vec::new(),
            most_work: Work::ZERO,
            reverted: 0,
            seen: BTreeMap::new(),
            plant: None,
        }
    }

    /// Starts it on what its ledger holds.
    pub(crate) fn start(
        &mut self,
        rules: &Arc<Rules>,
        config: Config,
        seat: usize,
        seed: u64,
        now: Time,
    ) {
        self.alive = Some(Alive {
            chain: Chain::open(rules, self.ledger.clone()),
            network: Network::new(config, node_id(seat), seed),
            since: now,
            jobs: VecDeque::new(),
            is_working: false,
            handed_out: (0, 0),
        });
    }

    /// Its chain, if it runs.
    pub(crate) fn chain(&self) -> Option<&Chain> {
        self.alive.as_ref().map(|alive| &alive.chain)
    }

    /// The work of its tip; none while it is down.
    pub(crate) fn work(&self) -> Work {
        self.chain().map_or(Work::ZERO, |chain| chain.importer.tip().total_work)
    }
}
