//! What a run is: how many nodes, on which chain, over which links, with which accidents and which
//! liars. All of it follows from the seed.

use crate::adversary::Role;
use crate::dice::Dice;
use crate::link::Quality;
use crate::plant::Plant;
use crate::rules::Kind;
use crate::scheduler::Time;
use blocktree_network::Config;
use blocktree_state::MemoryLedger;

/// A run.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) seed: u64,
    pub(crate) kind: Kind,
    /// Honest nodes.
    pub(crate) nodes: usize,
    /// The first of them that mine, with their shares of the hashes.
    pub(crate) shares: Vec<u64>,
    /// Milliseconds between blocks of all miners together, at the difficulty of genesis.
    pub(crate) spacing: Time,
    /// Milliseconds of mining, spending and accidents; then healing and quiet.
    pub(crate) active: Time,
    pub(crate) quality: Quality,
    /// Seconds by which clocks are wrong at most.
    pub(crate) skew: i64,
    /// Nodes whose disk is slow.
    pub(crate) slow: usize,
    /// Milliseconds between events of users; none if 0.
    pub(crate) spending: Time,
    /// How often the network falls into two parts.
    pub(crate) partitions: usize,
    /// How many nodes crash and come back.
    pub(crate) crashes: usize,
    /// How many nodes come late.
    pub(crate) late: usize,
    pub(crate) liars: Vec<Role>,
    /// No accidents, no liars, and every key spends at one node only: then all events are mined.
    pub(crate) is_calm: bool,
    pub(crate) config: Config,
    /// What all nodes but the late ones begin with, if not with genesis alone.
    pub(crate) ledger: Option<MemoryLedger>,
    /// A bug of the node with seat 1.
    pub(crate) plant: Option<Plant>,
}

impl Scenario {
    /// Nodes that agree about everything, for tests that look at one thing.
    pub(crate) fn calm(seed: u64, nodes: usize) -> Self {
        Self {
            seed,
            kind: Kind::Dev,
            nodes,
            shares: vec![1; nodes.min(3)],
            spacing: 4_000,
            active: 60_000,
            quality: Quality { latency: (50, 150), lost: 0, broken: 0 },
            skew: 0,
            slow: 0,
            spending: 1_000,
            partitions: 0,
            crashes: 0,
            late: 0,
            liars: Vec::new(),
            is_calm: true,
            config: Config::default(),
            ledger: None,
            plant: None,
        }
    }

    /// What a seed stands for. Every eighth is calm; one in 25 has 50 nodes.
    pub(crate) fn of(seed: u64) -> Self {
        let mut dice = Dice::new(seed ^ 0x5eed);
        if seed % 25 == 24 {
            let scenario = Self::calm(seed, 50);
            return Self { shares: vec![1; 6], spacing: 6_000, active: 45_000, ..scenario };
        }
        let nodes = dice.between(5, 12);
        let count = usize::try_from(nodes).unwrap_or(5);
        if seed % 8 == 7 {
            return Self { kind: kind(&mut dice), ..Self::calm(seed, count) };
        }
        let low = dice.between(1, 80);
        let miners = usize::try_from(dice.between(1, nodes.min(5))).unwrap_or(1);
        let mut some = |chance: u64, most: u64| match dice.chance(chance, 100) {
            true => usize::try_from(dice.between(1, most)).unwrap_or(1),
            false => 0,
        };
        let (partitions, crashes, slow) = (some(50, 2), some(50, 4), some(40, 3));
        let late = some(40, 2);
        // Now and then as many liars as there are honest nodes.
        let liars = if seed % 10 == 5 { count } else { some(75, 3) };
        Self {
            seed,
            kind: kind(&mut dice),
            nodes: count,
            shares: (0..miners).map(|_| dice.between(1, 5)).collect(),
            spacing: dice.between(1_500, 6_000),
            active: dice.between(60_000, 150_000),
            quality: Quality {
                latency: (low, low + dice.between(0, 250)),
                lost: match dice.once_in(2) {
                    true => dice.between(1, 200),
                    false => 0,
                },
                broken: match dice.once_in(3) {
                    true => dice.between(1, 50),
                    false => 0,
                },
            },
            skew: match dice.once_in(2) {
                true => 80,
                false => 0,
            },
            slow,
            spending: dice.between(300, 4_000),
            partitions,
            crashes,
            late,
            liars: (0..liars).map(|_| Role::any(&mut dice)).collect(),
            is_calm: false,
            config: config(&mut dice, liars),
            ledger: None,
            plant: None,
        }
    }
}

/// The usual number of peers, or few.
fn config(dice: &mut Dice, liars: usize) -> Config {
    let mut config = Config::default();
    // Whoever has little room may find it full of liars.
    if dice.once_in(3) && liars <= 3 {
        config.peers.outbound = 3;
        config.peers.inbound = 5;
    }
    config
}

fn kind(dice: &mut Dice) -> Kind {
    *dice.pick(&[Kind::Dev, Kind::Clocks, Kind::Asert]).unwrap_or(&Kind::Dev)
}
