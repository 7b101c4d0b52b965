//! A run from its first moment to its report.

use crate::invariants::Finding;
use crate::plant::Plant;
use crate::scenario::Scenario;
use crate::scheduler::Time;
use crate::world::{Happening, World};
use blocktree_network::action::{Action, Reason};
use blocktree_network::{Input, Offence};
use blocktree_primitives::{Amount, BlockHash, Principal};
use blocktree_state::{Batch, Column, Durability, Ledger, Overlay, Reader, StateView};
use std::collections::BTreeMap;

/// Milliseconds of quiet at most until all honest nodes agree. Clocks that are wrong by up to 80
/// seconds either way may keep a node from a block of the fastest clock for 40 seconds; a node that
/// was let down by many peers dials again only after a while.
const QUIET: Time = 300_000;
/// Milliseconds for which they then go on agreeing.
const STAYS: Time = 20_000;

/// What came of a run.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(crate) seed: u64,
    /// Of the whole trace.
    pub(crate) hash: u64,
    pub(crate) findings: Vec<Finding>,
    /// Height of the tip in the end.
    pub(crate) height: u64,
    /// Blocks that left some node's best chain.
    pub(crate) reverted: u64,
    /// Events that users were promised.
    pub(crate) events: usize,
    pub(crate) messages: u64,
    pub(crate) bytes: u64,
    /// Milliseconds of virtual time until all agreed, since the network was healed.
    pub(crate) agreed: Option<Time>,
    /// Milliseconds of virtual time in all.
    pub(crate) lasted: Time,
    /// See [`World::counts`].
    pub(crate) counts: BTreeMap<String, u64>,
    /// Milliseconds from the finding of each block of the best chain to the last node's taking it.
    pub(crate) spread: Vec<Time>,
    /// Likewise to the node that is in the middle.
    pub(crate) spread_half: Vec<Time>,
    /// Milliseconds from the start of each late node until it had all that the others began with.
    pub(crate) caught_up: Vec<Time>,
}

/// Runs a scenario.
pub(crate) fn run(scenario: Scenario) -> Report {
    let mut world = World::new(scenario);
    world.run(world.scenario.active);
    world.calm_down();
    let healed = world.plan.now();
    let agreed = world.settle(healed);
    world.run(world.plan.now() + STAYS);
    world.check_end();
    world.report(agreed.map(|at| at - healed))
}

impl World {
    /// Nothing goes wrong any more, nobody mines or spends.
    fn calm_down(&mut self) {
        self.is_active = false;
        self.links.heal();
        self.links.quality.lost = 0;
        self.links.quality.broken = 0;
        for who in 0..self.nodes.len() {
            self.plan.after(0, Happening::Restart { who });
        }
    }

    /// Lets the nodes come to agree. Two branches of equal work stay as they are until one grows, so a
    /// miner goes on until its tip stands alone, and once more, because what a branch that lost had of
    /// events is mined again by the next block only. Returns when they agreed.
    fn settle(&mut self, healed: Time) -> Option<Time> {
        let closing = self.dice.index(self.scenario.shares.len());
        let (mut count, mut last_block) = (0, 0);
        while self.plan.now() < healed + QUIET {
            self.run(self.plan.now() + 1_000);
            let passed = self.plan.now() - healed;
            let is_agreed = (0..self.nodes.len()).all(|seat| self.agree(seat, closing));
            if count >= 2 && is_agreed {
                return Some(self.plan.now());
            }
            let is_behind = self.most_work() > self.nodes[closing].work();
            let others = (0..self.nodes.len()).filter(|seat| !self.agree(*seat, closing));
            let has_rival =
                others.map(|seat| self.nodes[seat].work()).max() == Some(self.most_work());
            let is_due = passed >= 20_000 && passed - last_block >= 10_000;
            if is_due && !is_behind && (count < 2 || has_rival) {
                (count, last_block) = (count + 1, passed);
                let unix = self.unix(self.nodes[closing].skew);
                self.mine(closing, unix);
            }
        }
        None
    }

    fn agree(&self, one: usize, other: usize) -> bool {
        let tip = |seat: usize| self.nodes[seat].chain().map(|chain| chain.importer.tip().hash);
        tip(one).is_some() && tip(one) == tip(other)
    }

    /// What a planted bug makes a node do.
    pub(crate) fn misbehave(&mut self, seat: usize) {
        let Some(plant) = self.nodes[seat].plant else { return };
        match plant {
            Plant::Bans if self.dice.once_in(200) => {
                let node = crate::node::node_id(if seat == 0 { 1 } else { 0 });
                let reason = Reason::Banned(Offence::Silent);
                self.perform(seat, Action::Disconnect { node, reason });
            }
            Plant::Reverts if self.dice.once_in(100) => {
                let Some(alive) = &mut self.nodes[seat].alive else { return };
                let reverted = alive.chain.importer.revert(2).expect("memory");
                if reverted > 0 {
                    let tip = *alive.chain.importer.tip();
                    self.note_tip(seat);
                    self.feed(seat, Input::Tip { tip, reverted });
                }
            }
            Plant::Dies if self.dice.once_in(100) => self.fault(seat, "planted".into()),
            Plant::Hoards => {
                if let Some(alive) = &mut self.nodes[seat].alive {
                    alive.handed_out.1 += 20;
                }
            }
            Plant::Credits if self.dice.once_in(100) => self.credit(seat),
            _ => {}
        }
    }

    /// Credits an account that no event touches, in the flat state alone.
    fn credit(&self, seat: usize) {
        let ledger = &self.nodes[seat].ledger;
        let state = StateView(ledger);
        let mut overlay = Overlay::new(&state);
        let nobody = Principal([0xee; 32]);
        let mut account = pallet_coin::accounts::get(&overlay, &nobody).expect("memory");
        account.free = account.free.checked_add(Amount::from_units(1)).expect("little");
        pallet_coin::accounts::put(&mut overlay, &nobody, &account).expect("memory");
        let delta = overlay.into_delta();
        let mut batch = Batch::new();
        delta.write_to(&mut batch);
        ledger.write(batch, Durability::Process).expect("memory");
    }

    fn report(self, agreed: Option<Time>) -> Report {
        let best = Self::best(&self.nodes).map(|chain| *chain.importer.tip());
        let mut times: Vec<Vec<Time>> = Vec::new();
        for (hash, born) in &self.births {
            let seen = self.nodes.iter().map(|node| node.seen.get(hash).copied());
            if let Some(mut seen) = seen.collect::<Option<Vec<Time>>>() {
                seen.sort_unstable();
                times.push(seen.iter().map(|at| at - born).collect());
            }
        }
        let first = self.scenario.ledger.as_ref().and_then(|ledger| {
            let height = ledger.last(Column::Canonical).expect("memory")?.0;
            let hash = ledger.get(Column::Canonical, &height).expect("memory")?;
            Some(BlockHash(hash.try_into().expect("a hash")))
        });
        let caught_up = first.into_iter().flat_map(|first| {
            let late = self.nodes.iter().rev().take(self.scenario.late);
            late.filter_map(move |node| Some(node.seen.get(&first)? - node.alive.as_ref()?.since))
        });
        Report {
            caught_up: caught_up.collect(),
            seed: self.scenario.seed,
            hash: self.trace.hash(),
            height: best.map_or(0, |tip| tip.height.0),
            reverted: self.nodes.iter().map(|node| node.reverted).sum(),
            events: self.nodes.iter().map(|node| node.taken.len()).sum(),
            messages: self.links.sent.0,
            bytes: self.links.sent.1,
            agreed,
            lasted: self.plan.now(),
            spread: times.iter().filter_map(|seen| seen.last().copied()).collect(),
            spread_half: times
                .iter()
                .filter_map(|seen| seen.get(seen.len() / 2).copied())
                .collect(),
            findings: self.findings,
            counts: self.counts,
        }
    }
}
