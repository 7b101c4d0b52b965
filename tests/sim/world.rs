//! All participants, their links and the time that passes; and the loop that lets things happen.

use crate::adversary::Liar;
use crate::chain::Chain;
use crate::dice::Dice;
use crate::invariants::{Finding, Invariant};
use crate::link::{Links, Signal, Wire};
use crate::node::{Job, Node, node_id};
use crate::rules::Rules;
use crate::scenario::Scenario;
use crate::scheduler::{Scheduler, Time};
use crate::trace::Trace;
use blocktree_consensus::Work;
use blocktree_network::peers::KnownPeers;
use blocktree_network::{Input, NodeId, Source};
use blocktree_primitives::{BlockHash, EventId, Principal};
use blocktree_state::MemoryLedger;
use parity_scale_codec::Encode;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Milliseconds between a node's ticks.
pub(crate) const TICK: Time = 100;
/// Milliseconds between a liar's ideas.
pub(crate) const IDEA: Time = 100;
/// Milliseconds between a node's discoveries of others.
const DISCOVERY: Time = 4_000;
/// Seconds from genesis to the start of a run: more than any clock is wrong.
const HEAD_START: i64 = 200;

/// What happens.
#[derive(Debug)]
pub(crate) enum Happening {
    /// On a link.
    Wire(Wire),
    /// A node's clock ticks.
    Tick { who: usize, life: u32 },
    /// A node's writer is done with a piece of work.
    Worked { who: usize, life: u32 },
    /// A node hears of others.
    Discovery { who: usize, life: u32 },
    /// A liar has an idea.
    Idea { who: usize },
    /// A user sends an event.
    Spend,
    /// The network falls into two parts for so long.
    Partition { lasts: Time },
    /// The parts find together.
    Heal,
    /// A node dies for so long.
    Crash { who: usize, lasts: Time },
    /// It comes back.
    Restart { who: usize },
    /// A node's clock jumps.
    Jump { who: usize },
}

impl From<Wire> for Happening {
    fn from(wire: Wire) -> Self {
        Self::Wire(wire)
    }
}

pub(crate) struct World {
    pub(crate) scenario: Scenario,
    pub(crate) rules: Arc<Rules>,
    pub(crate) plan: Scheduler<Happening>,
    pub(crate) links: Links,
    pub(crate) nodes: Vec<Node>,
    /// Their seats come after those of the nodes.
    pub(crate) liars: Vec<Option<Liar>>,
    pub(crate) dice: Dice,
    pub(crate) trace: Trace,
    pub(crate) findings: Vec<Finding>,
    pub(crate) is_active: bool,
    /// When each block of an honest miner was found.
    pub(crate) births: BTreeMap<BlockHash, Time>,
    /// What honest nodes asked and told, and whom they banned, by name.
    pub(crate) counts: BTreeMap<String, u64>,
    ids: BTreeMap<NodeId, usize>,
}

impl World {
    /// Everybody in place, nobody connected.
    pub(crate) fn new(scenario: Scenario) -> Self {
        let mut dice = Dice::new(scenario.seed);
        let seats = scenario.nodes + scenario.liars.len();
        let mut nodes: Vec<Node> = (0..scenario.nodes).map(|_| Node::new()).collect();
        for (node, share) in nodes.iter_mut().zip(&scenario.shares) {
            node.share = *share;
        }
        for node in nodes.iter_mut().rev().take(scenario.slow) {
            node.work_ms = (100, dice.between(200, 1_500));
        }
        if let Some(node) = nodes.get_mut(1) {
            node.plant = scenario.plant;
        }
        let liars = scenario.liars.iter().map(|role| Some(Liar::new(role.act()))).collect();
        let mut world = Self {
            rules: Rules::of(scenario.kind),
            plan: Scheduler::new(),
            links: Links::new(seats, scenario.quality, dice.split()),
            nodes,
            liars,
            trace: Trace::new(),
            findings: Vec::new(),
            is_active: true,
            births: BTreeMap::new(),
            counts: BTreeMap::new(),
            ids: (0..seats).map(|seat| (node_id(seat), seat)).collect(),
            dice,
            scenario,
        };
        for seat in 0..world.nodes.len() {
            world.nodes[seat].skew = world.skew();
            if let Some(ledger) = &world.scenario.ledger {
                let is_new = seat + world.scenario.late >= world.nodes.len();
                world.nodes[seat].ledger = if is_new { MemoryLedger::new() } else { ledger.fork() };
            }
            world.start(seat);
        }
        for liar in 0..world.liars.len() {
            let who = world.nodes.len() + liar;
            let delay = world.dice.below(2_000);
            world.plan.after(delay, Happening::Idea { who });
        }
        world.plan_accidents();
        world
    }

    fn plan_accidents(&mut self) {
        let Scenario { active, partitions, crashes, spending, .. } = self.scenario;
        if spending > 0 {
            self.plan.after(spending, Happening::Spend);
        }
        for part in 0..partitions as u64 {
            let room = active / partitions as u64;
            let lasts = self.dice.between(room / 4, room * 3 / 4);
            let at = part * room + self.dice.below(room / 4);
            self.plan.after(at, Happening::Partition { lasts });
        }
        if self.scenario.skew > 0 {
            let (at, who) = (self.dice.below(active), self.dice.index(self.nodes.len()));
            self.plan.after(at, Happening::Jump { who });
        }
        for place in 0..self.scenario.late {
            // Not the first two, whom everybody asks to begin with.
            let who = self.nodes.len().saturating_sub(1 + place).max(2);
            let lasts = self.dice.between(active / 4, active);
            self.plan.after(0, Happening::Crash { who, lasts });
        }
        for _ in 0..crashes {
            let at = self.dice.between(active / 10, active);
            let (who, lasts) = (self.dice.index(self.nodes.len()), self.dice.between(500, 40_000));
            self.plan.after(at, Happening::Crash { who, lasts });
        }
    }

    pub(crate) fn count(&mut self, what: &str) {
        match self.counts.get_mut(what) {
            Some(count) => *count += 1,
            None => drop(self.counts.insert(what.into(), 1)),
        }
    }

    /// Nodes and liars.
    pub(crate) fn seats(&self) -> usize {
        self.nodes.len() + self.liars.len()
    }

    /// Whose key this is.
    pub(crate) fn seat(&self, node: &NodeId) -> Option<usize> {
        self.ids.get(node).copied()
    }

    pub(crate) const fn is_honest(&self, seat: usize) -> bool {
        seat < self.nodes.len()
    }

    /// How wrong a clock is.
    fn skew(&mut self) -> i64 {
        let most = self.scenario.skew;
        let ahead = self.dice.between(0, u64::try_from(2 * most).unwrap_or(0));
        i64::try_from(ahead).unwrap_or(0) - most
    }

    /// Seconds since 1970 by a clock that is so wrong.
    pub(crate) fn unix(&self, skew: i64) -> u32 {
        let passed = i64::try_from(self.plan.now() / 1000).unwrap_or(i64::MAX);
        let since = HEAD_START + passed + skew;
        self.rules.params.genesis_time + u32::try_from(since).unwrap_or(0)
    }

    /// Starts a node, and what goes on by itself in it.
    pub(crate) fn start(&mut self, seat: usize) {
        let (seed, now) = (self.dice.next(), self.plan.now());
        let config = self.scenario.config.clone();
        self.nodes[seat].start(&self.rules, config, seat, seed, now);
        let (known, skipped) = KnownPeers::decode(self.nodes[seat].file.as_bytes());
        if skipped > 0 {
            self.find(seat, Invariant::Contract, "its file of peers can't be read".into());
        }
        if let (Some(at), Some(alive)) = (self.clock(seat), &mut self.nodes[seat].alive) {
            alive.network.restore(at, known);
        }
        let life = self.links.life(seat);
        let delay = 1 + self.dice.below(TICK);
        self.plan.after(delay, Happening::Tick { who: seat, life });
        self.plan.after(delay, Happening::Discovery { who: seat, life });
        for boot in [0, 1] {
            self.discovered(seat, boot, Source::Boot);
        }
    }

    fn discovered(&mut self, who: usize, other: usize, source: Source) {
        if who == other || other >= self.seats() {
            return;
        }
        let addresses = vec![crate::node::address(other)];
        self.feed(who, Input::Discovered { node: node_id(other), addresses, source });
    }

    /// Lets everything happen up to `until`.
    pub(crate) fn run(&mut self, until: Time) {
        while let Some(happening) = self.plan.next(until) {
            self.happen(happening);
        }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Wire(wire) => {
                if let Some((to, signal)) = self.links.arrive(&mut self.plan, wire) {
                    self.tell(to, signal);
                }
            }
            Happening::Tick { who, life } if self.links.life(who) == life => {
                self.plan.after(TICK, Happening::Tick { who, life });
                self.feed(who, Input::Tick);
                self.try_mine(who);
                self.misbehave(who);
                self.check_step(who);
            }
            Happening::Worked { who, life } if self.links.life(who) == life => self.worked(who),
            Happening::Discovery { who, life } if self.links.life(who) == life => {
                let delay = self.dice.between(DISCOVERY / 2, DISCOVERY * 3 / 2);
                self.plan.after(delay, Happening::Discovery { who, life });
                for _ in 0..3 {
                    let other = self.dice.index(self.seats());
                    self.discovered(who, other, Source::Gossip);
                }
            }
            // Of a node that died meanwhile.
            Happening::Tick { .. } | Happening::Worked { .. } | Happening::Discovery { .. } => {}
            Happening::Idea { who } => {
                self.plan.after(IDEA, Happening::Idea { who });
                self.idea(who);
            }
            Happening::Spend => {
                self.spend();
                if self.is_active {
                    let mean = self.scenario.spending;
                    let delay = self.dice.between(mean / 2, mean * 3 / 2);
                    self.plan.after(delay, Happening::Spend);
                }
            }
            Happening::Partition { lasts } => {
                let cut = self.dice.between(1, 3);
                let parts = (0..self.seats()).map(|_| u8::from(self.dice.below(4) < cut)).collect();
                self.trace.say(self.plan.now(), 0, format_args!("PARTITION {parts:?}"));
                self.links.split(&mut self.plan, parts);
                self.plan.after(lasts, Happening::Heal);
            }
            Happening::Heal => {
                self.trace.say(self.plan.now(), 0, format_args!("HEALED"));
                self.links.heal();
            }
            Happening::Crash { who, lasts } => self.crash(who, lasts),
            Happening::Jump { who } => {
                let skew = self.skew();
                self.nodes[who].skew = skew;
            }
            Happening::Restart { who } => {
                if self.nodes[who].alive.is_none() {
                    self.trace.step(self.plan.now(), who, "restart", &[]);
                    self.links.restart(who);
                    self.start(who);
                }
            }
        }
    }

    /// All that is in memory is gone; the ledger stays.
    fn crash(&mut self, who: usize, lasts: Time) {
        if self.nodes[who].alive.is_some() {
            self.write_file(who);
            self.nodes[who].alive = None;
            self.trace.step(self.plan.now(), who, "crash", &[]);
            self.links.crash(&mut self.plan, who);
            self.plan.after(lasts, Happening::Restart { who });
        }
    }

    /// Writes a node's file of peers, as its driver does from time to time.
    fn write_file(&mut self, who: usize) {
        if let (Some(at), Some(alive)) = (self.clock(who), &self.nodes[who].alive) {
            self.nodes[who].file = alive.network.known_peers(at).encode();
        }
    }

    fn tell(&mut self, to: usize, signal: Signal) {
        match self.is_honest(to) {
            true => self.signal(to, signal),
            false => self.signal_liar(to, signal),
        }
    }

    /// The chain of a running honest node with the most work.
    pub(crate) fn best(nodes: &[Node]) -> Option<&Chain> {
        let work = |node: &&Node| node.work();
        nodes.iter().rev().filter(|node| node.alive.is_some()).max_by_key(work)?.chain()
    }

    /// A user sends a transfer to some node.
    fn spend(&mut self) {
        let key = self.dice.index(8);
        let seat = match self.scenario.is_calm {
            true => key % self.nodes.len(),
            false => self.dice.index(self.nodes.len()),
        };
        if let Some((id, event)) = self.transfer(seat, key) {
            self.work_on(seat, Job::Submit { id, event });
        }
    }

    /// A miner gets events that nobody else has yet, and mines them at once.
    fn spend_late(&mut self, seat: usize) {
        // In a calm run each key spends at one node only.
        let key = match self.scenario.is_calm {
            true => seat,
            false => self.dice.index(8),
        };
        for _ in 0..self.dice.below(4) {
            if key < 8
                && let Some((id, event)) = self.transfer(seat, key)
            {
                self.submit(seat, id, event);
            }
        }
    }

    /// A transfer by a funded key, the next one by what a node knows.
    fn transfer(&mut self, seat: usize, key: usize) -> Option<(EventId, Vec<u8>)> {
        let to = match self.dice.once_in(2) {
            true => self.rules.principal(self.dice.index(8)),
            false => Principal([u8::try_from(self.dice.below(256)).unwrap_or(0); 32]),
        };
        let chain = self.nodes[seat].chain()?;
        let nonce = chain.next_nonce(&self.rules.principal(key));
        let (fee, units) = (self.dice.between(1_000, 9_000), self.dice.between(200_000, 900_000));
        let event = self.rules.transfer(key, nonce, fee, to, units);
        let (id, event) = (event.id(&self.rules.genesis), event.encode());
        Some((id, event))
    }

    /// Mines when the dice say so: a chance for each tick, by the share of the hashes and the
    /// difficulty of the next block.
    fn try_mine(&mut self, seat: usize) {
        let (share, skew) = (self.nodes[seat].share, self.nodes[seat].skew);
        if share == 0 || !self.is_active {
            return;
        }
        let Some(chain) = self.nodes[seat].chain() else { return };
        let all: u64 = self.scenario.shares.iter().sum();
        let hashes = |bits: u32| {
            let target = blocktree_consensus::Target::from_bits(bits).expect("a target");
            target.work().hashes().low_u64()
        };
        let params = &self.rules.params;
        let bits = params.expected_bits(chain.importer.tip()).expect("the parameters are checked");
        // Once in spacing · all / share · (work / work of genesis) milliseconds.
        let once_in = self.scenario.spacing * all * hashes(bits);
        let chance = TICK * share * hashes(params.genesis_bits);
        if self.dice.chance(chance, once_in) {
            if self.scenario.spending > 0 && self.dice.once_in(3) {
                self.spend_late(seat);
            }
            let unix = self.unix(skew);
            self.mine(seat, unix);
        }
    }

    /// A node that can't go on.
    pub(crate) fn fault(&mut self, seat: usize, what: String) {
        self.find(seat, Invariant::NoFault, what);
        let life_ends_here = 1 << 40;
        self.crash(seat, life_ends_here);
    }

    /// The most work of any honest tip.
    pub(crate) fn most_work(&self) -> Work {
        self.nodes.iter().map(Node::work).max().unwrap_or(Work::ZERO)
    }
}
