//! The honest nodes' driver: what it tells their network and what it does for it, as the node's own
//! shell over libp2p would.

use crate::invariants::Invariant;
use crate::link::{Deed, Signal};
use crate::miner::{Flaw, mine};
use crate::node::{Alive, Job, address, node_id};
use crate::plant::Plant;
use crate::world::{Happening, World};
use blocktree_import::{ChainReader, Imported};
use blocktree_network::action::Reason;
use blocktree_network::message::{MAX_REQUEST_LEN, MAX_RESPONSE_LEN};
use blocktree_network::{
    Action, AnswerToken, Failure, Input, Judgement, Now, Offence, Request, RequestId, Response,
    Tick,
};
use blocktree_primitives::{BlockHash, DecodeError, EventId, Principal};
use blocktree_runtime::Call;
use parity_scale_codec::Encode;

impl World {
    /// The time by a running node's clocks.
    pub(crate) fn clock(&self, seat: usize) -> Option<Now> {
        let node = &self.nodes[seat];
        let tick = Tick(self.plan.now() - node.alive.as_ref()?.since);
        Some(Now { tick, unix: self.unix(node.skew) })
    }

    /// Tells a node's network something, and does what it then wants.
    pub(crate) fn feed(&mut self, seat: usize, input: Input) {
        let Some(at) = self.clock(seat) else { return };
        let Some(alive) = &mut self.nodes[seat].alive else { return };
        let Alive { chain, network, .. } = alive;
        let actions = match chain.view(|view| network.on(at, input, view)) {
            Ok(actions) => actions,
            Err(fault) => return self.fault(seat, fault.to_string()),
        };
        if let Some(measure) = network.measures().broken() {
            let what = format!("{measure:?}");
            self.find(seat, Invariant::Bounded, what);
        }
        for action in actions {
            self.perform(seat, action);
        }
    }

    /// Carries out what a network wants.
    pub(crate) fn perform(&mut self, seat: usize, action: Action<Call>) {
        let now = self.plan.now();
        match action {
            Action::Dial { node, .. } => {
                if let Some(peer) = self.seat(&node) {
                    self.trace.step(now, seat, "dial", &node.0);
                    self.links.deed(&mut self.plan, seat, Deed::Dial { peer });
                }
            }
            Action::Disconnect { node, reason } => {
                let Some(peer) = self.seat(&node) else { return };
                self.trace.step(now, seat, "disconnect", &node.0);
                self.trace.say(now, seat, format_args!("disconnects {peer}: {reason}"));
                // `StillBanned` is also said to whoever was only slow and must rest.
                if let Reason::Banned(offence) = &reason {
                    self.banned(seat, peer, &offence.to_string());
                }
                self.links.deed(&mut self.plan, seat, Deed::HangUp { peer });
            }
            Action::Ask { node, id: RequestId(id), request } => {
                let Some(peer) = self.seat(&node) else { return };
                let bytes = request.encode();
                self.trace.step(now, seat, request.name(), &bytes);
                self.count(request.name());
                if bytes.len() > MAX_REQUEST_LEN {
                    self.find(seat, Invariant::Contract, "a request that is too long".into());
                }
                self.links.deed(&mut self.plan, seat, Deed::Ask { peer, id, bytes });
            }
            Action::Answer { token: AnswerToken(token), response } => {
                let bytes = response.encode();
                self.trace.step(now, seat, "answer", &bytes);
                if bytes.len() > MAX_RESPONSE_LEN {
                    self.find(seat, Invariant::Contract, "an answer that is too long".into());
                }
                let plant = self.nodes[seat].plant;
                if plant == Some(Plant::Repeats) {
                    let again = Deed::Answer { token, bytes: bytes.clone() };
                    self.links.deed(&mut self.plan, seat, again);
                }
                if plant != Some(Plant::Mute) {
                    self.links.deed(&mut self.plan, seat, Deed::Answer { token, bytes });
                }
            }
            Action::Import { block, worth } => {
                self.trace.step(now, seat, "import", &block.header.hash().0);
                self.work_on(seat, Job::Import { block, worth });
            }
            Action::Judge { id, event, from } => {
                self.trace.step(now, seat, "judge", &id.0);
                self.work_on(seat, Job::Judge { id, event, from });
            }
            Action::Note(note) => {
                self.trace.say(now, seat, format_args!("{note:?}"));
            }
        }
    }

    fn banned(&mut self, seat: usize, peer: usize, why: &str) {
        if let Some(liar) = peer.checked_sub(self.nodes.len()) {
            let role = self.scenario.liars[liar];
            self.count(&format!("bans of {role:?}"));
        }
        // A planted bug is no honest node.
        if self.is_honest(peer) && self.nodes[peer].plant.is_none() {
            self.find(seat, Invariant::NoHonestBanned, format!("it bans node {peer}: {why}"));
        }
    }

    /// What the links tell a node.
    pub(crate) fn signal(&mut self, seat: usize, signal: Signal) {
        let now = self.plan.now();
        match signal {
            Signal::Opened { peer, direction } => {
                self.trace.step(now, seat, "opened", &node_id(peer).0);
                let (node, address) = (node_id(peer), address(peer));
                self.feed(seat, Input::Connected { node, address, direction });
            }
            Signal::Closed { peer } => {
                self.trace.step(now, seat, "closed", &node_id(peer).0);
                self.feed(seat, Input::Disconnected { node: node_id(peer) });
            }
            Signal::DialFailed { peer } => {
                self.trace.step(now, seat, "dial failed", &node_id(peer).0);
                let (node, address) = (node_id(peer), address(peer));
                self.feed(seat, Input::DialFailed { node, address });
            }
            Signal::Asked { peer, token, bytes } => {
                self.trace.step(now, seat, "asked", &bytes);
                let node = node_id(peer);
                match Request::from_bytes(&bytes) {
                    Ok(request) => {
                        let token = AnswerToken(token);
                        self.feed(seat, Input::Asked { node, token, request });
                    }
                    Err(error) => {
                        self.links.drop_token(token);
                        self.feed(seat, Input::Broke { node, offence: offence(error) });
                    }
                }
            }
            Signal::Answered { peer, id, answer } => {
                let bytes = answer.as_deref().unwrap_or_default();
                self.trace.step(now, seat, "answered", bytes);
                let (node, id) = (node_id(peer), RequestId(id));
                let answer = match answer.map(|bytes| Response::from_bytes(&bytes)) {
                    Ok(Ok(response)) => Ok(response),
                    Ok(Err(error)) => {
                        self.feed(seat, Input::Broke { node, offence: offence(error) });
                        Err(Failure::Gone)
                    }
                    Err(failure) => Err(failure),
                };
                self.feed(seat, Input::Answered { node, id, answer });
            }
        }
    }

    /// Gives a node's writer something to do.
    pub(crate) fn work_on(&mut self, seat: usize, job: Job) {
        let (from, to) = self.nodes[seat].work_ms;
        let delay = self.dice.between(from, to);
        let life = self.links.life(seat);
        let Some(alive) = &mut self.nodes[seat].alive else { return };
        match job {
            Job::Import { .. } => alive.handed_out.0 += 1,
            Job::Judge { .. } => alive.handed_out.1 += 1,
            Job::Mined { .. } | Job::Submit { .. } => {}
        }
        alive.jobs.push_back(job);
        if !alive.is_working {
            alive.is_working = true;
            self.plan.after(delay, Happening::Worked { who: seat, life });
        }
    }

    /// A node's writer is done with the first of its jobs.
    pub(crate) fn worked(&mut self, seat: usize) {
        let (from, to) = self.nodes[seat].work_ms;
        let delay = self.dice.between(from, to);
        let life = self.links.life(seat);
        let plant = self.nodes[seat].plant;
        let Some(alive) = &mut self.nodes[seat].alive else { return };
        let Some(job) = alive.jobs.pop_front() else { return };
        alive.is_working = !alive.jobs.is_empty();
        if alive.is_working {
            self.plan.after(delay, Happening::Worked { who: seat, life });
        }
        match job {
            Job::Import { block, worth } => {
                alive.handed_out.0 -= 1;
                let hash = block.header.hash();
                let is_deaf = plant == Some(Plant::Deaf) && block.commitment.height.0 >= 5;
                let outcome = match is_deaf {
                    true => Some(Imported::TooLittleWork(hash)),
                    false => self.import(seat, *block, worth, Some(hash)),
                };
                if let (true, Some(outcome)) = (is_deaf, outcome) {
                    self.feed(seat, Input::Imported { hash, outcome });
                }
            }
            Job::Mined { block } => {
                self.import(seat, *block, blocktree_import::Worth::Own, None);
            }
            Job::Judge { id, event, from } => {
                alive.handed_out.1 -= 1;
                let judgement = alive.chain.judge(event);
                self.feed(seat, Input::Judged { id, from, judgement });
            }
            Job::Submit { id, event } => self.submit(seat, id, event),
        }
    }

    /// A node takes an event of a user, if its pool does.
    pub(crate) fn submit(&mut self, seat: usize, id: EventId, event: Vec<u8>) {
        let node = &mut self.nodes[seat];
        let Some(alive) = &node.alive else { return };
        if node.plant == Some(Plant::Loses) {
            node.taken.push(id);
        } else if alive.chain.judge(event) == Judgement::Accepted {
            node.taken.push(id);
            self.feed(seat, Input::Submitted { id });
        }
    }

    /// Imports a block and tells the network: of the tip, and of the block if it is `asked` for.
    fn import(
        &mut self,
        seat: usize,
        block: blocktree_consensus::Candidate<Call>,
        worth: blocktree_import::Worth,
        asked: Option<BlockHash>,
    ) -> Option<Imported> {
        let unix = self.unix(self.nodes[seat].skew);
        let alive = self.nodes[seat].alive.as_mut()?;
        let before = *alive.chain.importer.tip();
        let imported = alive.chain.importer.import_as(block, worth, unix);
        let after = *alive.chain.importer.tip();
        let outcome = match imported {
            Ok(outcome) => outcome,
            Err(fault) => {
                self.fault(seat, fault.to_string());
                return None;
            }
        };
        let now = self.plan.now();
        self.trace.step(now, seat, "imported", &after.hash.0);
        self.trace.say(now, seat, format_args!("{outcome:?}, height {}", after.height));
        let imported = asked.map(|hash| Input::Imported { hash, outcome: outcome.clone() });
        let reverted = match &outcome {
            Imported::NewTip { reverted, .. } => *reverted,
            _ => 0,
        };
        let tip = (after.hash != before.hash).then_some(Input::Tip { tip: after, reverted });
        self.nodes[seat].reverted += reverted;
        self.note_tip(seat);
        // They come over two ways.
        let mut inputs = vec![imported, tip];
        if self.dice.once_in(2) {
            inputs.reverse();
        }
        for input in inputs.into_iter().flatten() {
            self.feed(seat, input);
        }
        Some(outcome)
    }

    /// Looks at a node's tip after it may have moved.
    pub(crate) fn note_tip(&mut self, seat: usize) {
        let now = self.plan.now();
        let node = &mut self.nodes[seat];
        let Some(alive) = &node.alive else { return };
        let tip = *alive.chain.importer.tip();
        let chain = ChainReader(&alive.chain.ledger);
        let mut at = tip.hash;
        while !node.seen.contains_key(&at) && at != self.rules.genesis {
            node.seen.insert(at, now);
            at = chain.known_header(&at).expect("an ancestor is stored").header.parent;
        }
        let most = node.most_work;
        node.most_work = most.max(tip.total_work);
        if tip.total_work < most {
            let what = format!("its tip has the work {:?} after {most:?}", tip.total_work);
            self.find(seat, Invariant::WorkGrows, what);
        }
    }

    /// A node finds a block.
    pub(crate) fn mine(&mut self, seat: usize, unix: u32) {
        let Some(chain) = self.nodes[seat].chain() else { return };
        let miner = Principal([100 + u8::try_from(seat % 100).unwrap_or(0); 32]);
        let block = mine(chain, unix, miner, Flaw::None);
        let (hash, now) = (block.header.hash(), self.plan.now());
        self.births.entry(hash).or_insert(now);
        self.trace.step(now, seat, "mined", &hash.0);
        self.trace.say(now, seat, format_args!("mined {hash} at {}", block.commitment.height));
        self.work_on(seat, Job::Mined { block: Box::new(block) });
    }
}

fn offence(error: DecodeError) -> Offence {
    match error {
        DecodeError::TooLong { max, .. } => Offence::TooLong(max),
        other => Offence::Malformed(other.to_string()),
    }
}
