//! The whole: [`Network`] hands each input to the parts that it concerns, remembers which requests are
//! under way, and turns what the parts found into actions.

use crate::action::{Action, Note, Reason};
use crate::address::NodeId;
use crate::budget::Budget;
use crate::input::{AnswerToken, Direction, Failure, Input, RequestId};
use crate::local::Local;
use crate::message::{Compact, Hello, Request, Response};
use crate::offence::Offence;
use crate::out::{Out, Purpose};
use crate::peers::{KnownPeers, PeerView, Peers, PeersConfig};
use crate::random::Random;
use crate::relay::{BlockRelay, EventRelay, GivenUp, Heard};
use crate::sync::{Sync, SyncState};
use crate::time::{Now, Tick};
use crate::{Measures, serve};
use blocktree_consensus::{Target, Work};
use blocktree_primitives::Height;
use blocktree_state::Fault;
use core::time::Duration;
use parity_scale_codec::{Decode, Encode};
use std::collections::{BTreeMap, VecDeque};

/// A peer must say hello within this.
const GREETING: Duration = Duration::from_secs(10);
/// Requests before the greeting that are overlooked: streams may overtake each other.
const EARLY: u32 = 32;
/// Requests of a peer that wait at most; an honest one has fewer under way.
const WAITING: usize = 64;
/// Peers are told the tip at least this often, should they have missed it.
const REPEAT: Duration = Duration::from_secs(30);
/// Blocks still to fetch from which on the node counts as syncing, and tells and asks for nothing else.
const SYNCING: u64 = 16;

/// Peers at once at most, whatever is configured: far above the slots, reserved peers included.
const MAX_PEERS: usize = 512;
/// Requests under way at most: a hundred or so for each of the peers that there are by default.
const MAX_PENDING: usize = 16_384;

/// What whoever runs the node may choose.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// How many peers, and which.
    pub peers: PeersConfig,
}

/// A peer that is connected.
#[derive(Debug)]
struct Peer {
    direction: Direction,
    since: Tick,
    /// What it said; `None` before its greeting.
    hello: Option<Hello>,
    /// Requests before that.
    early: u32,
    budget: Budget,
    /// Requests that came faster than the budget allows.
    waiting: VecDeque<(AnswerToken, Request)>,
}

#[derive(Debug)]
struct Pending {
    node: NodeId,
    purpose: Purpose,
    deadline: Tick,
}

/// The network of a node. `C`: the call of the chain's events.
#[derive(Debug)]
pub struct Network<C> {
    random: Random,
    connected: BTreeMap<NodeId, Peer>,
    pending: BTreeMap<RequestId, Pending>,
    next_request: u64,
    peers: Peers,
    events: EventRelay,
    blocks: BlockRelay,
    sync: Sync<C>,
    last_repeat: Tick,
}

impl<C: Encode + Decode> Network<C> {
    /// A network without peers. `seed` must not be known to others: who can guess what is random here
    /// has an easier time to mislead.
    #[must_use]
    pub fn new(config: Config, own: NodeId, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let chance = random.fork();
        Self {
            random,
            connected: BTreeMap::new(),
            pending: BTreeMap::new(),
            next_request: 0,
            peers: Peers::new(config.peers, own, chance),
            events: EventRelay::default(),
            blocks: BlockRelay::default(),
            sync: Sync::default(),
            last_repeat: Tick(0),
        }
    }

    /// Takes an input and says what is to be done.
    ///
    /// # Errors
    /// A [`Fault`] of what `local` reads: the node must stop.
    pub fn on(
        &mut self,
        now: Now,
        input: Input,
        local: &impl Local<Call = C>,
    ) -> Result<Vec<Action<C>>, Fault> {
        let mut out = Out::default();
        let mut actions = Vec::new();
        match input {
            Input::Tick => self.tick(now, local, &mut out, &mut actions)?,
            Input::Connected { node, address, direction } => {
                match self.peers.connected(now, node, &address, direction) {
                    // A second connection changes nothing.
                    Ok(_) if self.connected.contains_key(&node) => {}
                    Ok(evicted) => {
                        self.connected(now, node, direction, local, &mut out);
                        if let Some(node) = evicted {
                            self.let_go(node, Reason::NoRoom, &mut actions);
                        }
                    }
                    Err(reason) => actions.push(Action::Disconnect { node, reason }),
                }
            }
            Input::Disconnected { node } => self.gone(now, node),
            Input::DialFailed { node, address } => self.peers.dial_failed(now, node, &address),
            Input::Asked { node, token, request } => {
                self.asked(now, node, token, request, local, &mut out)?;
            }
            Input::Answered { node, id, answer } => {
                self.answered(now, node, id, answer, local, &mut out)?;
            }
            Input::Broke { node, offence } => out.offence(node, offence),
            Input::Imported { hash, outcome } => {
                self.sync.imported(now, &hash, &outcome, &mut out);
                self.blocks.imported(hash, &outcome, &mut out);
            }
            Input::Tip { tip, reverted } => {
                self.events.tip_moved(reverted, local);
                self.blocks.tip(now, &tip, reverted, local, &mut out)?;
            }
            Input::Judged { id, from, judgement } => {
                self.events.judged(id, from, &judgement, &mut out);
            }
            Input::Submitted { id } => self.events.submitted(id),
            Input::Discovered { node, addresses, source } => {
                self.peers.discovered(now, node, addresses, source);
            }
            Input::Dismiss { node } => {
                // It goes whatever slot there is for it.
                self.peers.unreserve(node);
                if self.connected.contains_key(&node) {
                    self.let_go(node, Reason::Dismissed, &mut actions);
                }
            }
        }
        for GivenUp { node, height, heard, .. } in self.blocks.take_given_up() {
            self.heard(node, height, heard, local);
        }
        self.sync.drive(now, local, &mut self.random, &mut out)?;
        let is_syncing = self.sync.left() > SYNCING;
        self.events.set_syncing(is_syncing);
        self.blocks.set_syncing(is_syncing);
        self.carry_out(now, out, &mut actions);
        Ok(actions)
    }

    fn tick(
        &mut self,
        now: Now,
        local: &impl Local<Call = C>,
        out: &mut Out<C>,
        actions: &mut Vec<Action<C>>,
    ) -> Result<(), Fault> {
        let late = |peer: &Peer| peer.hello.is_none() && now.tick.since(peer.since) >= GREETING;
        let silent: Vec<NodeId> =
            self.connected.iter().filter(|(_, peer)| late(peer)).map(|(node, _)| *node).collect();
        for node in silent {
            self.let_go(node, Reason::NoHello, actions);
        }
        self.expire(now, out);
        self.resume(now, local, out)?;
        self.events.tick(now, local, out)?;
        self.blocks.tick(now, local, out)?;
        if now.tick.since(self.last_repeat) >= REPEAT {
            self.last_repeat = now.tick;
            let hello = serve::hello(local);
            for (node, _) in self.connected.iter().filter(|(_, peer)| peer.hello.is_some()) {
                out.ask(*node, Purpose::Tell, Request::Hello(hello));
            }
        }
        let dials = self.peers.tick(now);
        actions.extend(dials.into_iter().map(|(node, address)| Action::Dial { node, address }));
        Ok(())
    }

    /// Gives up requests that got no answer in time. A late answer is ignored.
    fn expire(&mut self, now: Now, out: &mut Out<C>) {
        let late: Vec<RequestId> = self
            .pending
            .iter()
            .filter(|(_, pending)| pending.deadline <= now.tick)
            .map(|(id, _)| *id)
            .collect();
        for id in late {
            if let Some(Pending { node, purpose, .. }) = self.pending.remove(&id) {
                if is_due(&purpose) {
                    out.offence(node, Offence::Silent);
                }
                self.failed(now, node, &purpose, out);
            }
        }
    }

    fn connected(
        &mut self,
        now: Now,
        node: NodeId,
        direction: Direction,
        local: &impl Local<Call = C>,
        out: &mut Out<C>,
    ) {
        let (since, budget) = (now.tick, Budget::new(now.tick));
        let peer =
            Peer { direction, since, hello: None, early: 0, budget, waiting: VecDeque::new() };
        self.connected.insert(node, peer);
        out.ask(node, Purpose::Greet, Request::Hello(serve::hello(local)));
    }

    fn gone(&mut self, now: Now, node: NodeId) {
        self.peers.disconnected(now, node);
        self.forget(node);
    }

    fn forget(&mut self, node: NodeId) {
        if self.connected.remove(&node).is_none() {
            return;
        }
        self.pending.retain(|_, pending| pending.node != node);
        self.events.peer_gone(node);
        self.blocks.peer_gone(node);
        self.sync.peer_gone(node);
    }

    fn let_go(&mut self, node: NodeId, reason: Reason, actions: &mut Vec<Action<C>>) {
        self.peers.dismissed(node, &reason);
        self.forget(node);
        actions.push(Action::Disconnect { node, reason });
    }

    /// Hears a greeting, the first or a later one. Returns why the peer must go, if it must.
    fn hello(
        &mut self,
        now: Now,
        node: NodeId,
        hello: Hello,
        local: &impl Local<Call = C>,
    ) -> Option<Reason> {
        let peer = self.connected.get_mut(&node)?;
        if hello.genesis != local.genesis() {
            return Some(Reason::OtherChain);
        }
        let is_first = peer.hello.replace(hello).is_none();
        let direction = peer.direction;
        if is_first {
            self.peers.greeted(now, node);
            self.events.peer_ready(node, local);
            self.blocks.peer_ready(node);
        }
        self.blocks.peer_has(node, hello.tip);
        self.sync.hello(node, &hello, direction);
        None
    }

    fn asked(
        &mut self,
        now: Now,
        node: NodeId,
        token: AnswerToken,
        request: Request,
        local: &impl Local<Call = C>,
        out: &mut Out<C>,
    ) -> Result<(), Fault> {
        let Some(peer) = self.connected.get_mut(&node) else {
            out.answers.push((token, Response::Unknown));
            return Ok(());
        };
        if !peer.waiting.is_empty() || !peer.budget.spend(now.tick, &request) {
            if peer.waiting.len() < WAITING {
                peer.waiting.push_back((token, request));
            } else {
                out.answers.push((token, Response::Unknown));
                out.offence(node, Offence::TooMany);
            }
            return Ok(());
        }
        self.pay(now, node, token, request, local, out)
    }

    /// Takes requests that waited for their peer's budget to refill.
    fn resume(
        &mut self,
        now: Now,
        local: &impl Local<Call = C>,
        out: &mut Out<C>,
    ) -> Result<(), Fault> {
        let nodes: Vec<NodeId> = self.connected.keys().copied().collect();
        for node in nodes {
            while let Some(peer) = self.connected.get_mut(&node)
                && let Some((_, request)) = peer.waiting.front()
                && peer.budget.spend(now.tick, request)
                && let Some((token, request)) = peer.waiting.pop_front()
            {
                self.pay(now, node, token, request, local, out)?;
            }
        }
        Ok(())
    }

    /// Does what a request asks for, which is paid.
    fn pay(
        &mut self,
        now: Now,
        node: NodeId,
        token: AnswerToken,
        request: Request,
        local: &impl Local<Call = C>,
        out: &mut Out<C>,
    ) -> Result<(), Fault> {
        let Some(peer) = self.connected.get_mut(&node) else { return Ok(()) };
        let is_ready = peer.hello.is_some();
        match request {
            Request::Hello(hello) => {
                out.answers.push((token, Response::Hello(serve::hello(local))));
                if self.hello(now, node, hello, local).is_some() {
                    out.leave.push((node, Reason::OtherChain));
                }
            }
            _ if !is_ready => {
                peer.early = peer.early.saturating_add(1);
                if peer.early > EARLY {
                    out.offence(node, Offence::BadHello("requests without a greeting"));
                }
                out.answers.push((token, Response::Unknown));
            }
            Request::Compact(compact) => {
                out.answers.push((token, Response::Noted));
                self.compact(now, node, compact, local, out)?;
            }
            Request::Have { ids } => {
                out.answers.push((token, Response::Noted));
                self.events.have(node, &ids, local, out)?;
            }
            Request::Headers { .. }
            | Request::Bodies { .. }
            | Request::BlockEvents { .. }
            | Request::Events { .. } => {
                let response = serve::serve(local, &request)?;
                out.answers.push((token, response.unwrap_or(Response::Unknown)));
            }
        }
        Ok(())
    }

    fn compact(
        &mut self,
        now: Now,
        node: NodeId,
        compact: Compact,
        local: &impl Local<Call = C>,
        out: &mut Out<C>,
    ) -> Result<(), Fault> {
        let (hash, height) = (compact.header.hash(), compact.commitment.height);
        let (parent, bits) = (compact.header.parent, compact.header.bits);
        let own_work = Target::from_bits(bits).map_or(Work::ZERO, Target::work);
        if self.sync.has(&hash) {
            self.blocks.peer_has(node, hash);
            return Ok(());
        }
        let heard = self.blocks.compact(now, node, compact, local, out)?;
        self.heard(node, height, heard, local);
        // Its tip now, as far as it says.
        let work = local.block(&parent)?.map(|parent| parent.total_work.saturating_add(own_work));
        if let Some(hello) = self.connected.get_mut(&node).and_then(|peer| peer.hello.as_mut()) {
            (hello.tip, hello.height) = (hash, height);
            hello.total_work = work.unwrap_or(hello.total_work);
        }
        Ok(())
    }

    /// What a told block says of the branch of whoever told it.
    fn heard(&mut self, node: NodeId, height: Height, heard: Heard, local: &impl Local) {
        let Some(Peer { direction, .. }) = self.connected.get(&node) else { return };
        match heard {
            Heard::Orphan => {
                // How much work is behind it is unknown: at least as much as makes it worth a look.
                let above = local.tip().total_work.saturating_add(Work::from_hashes(1));
                self.sync.orphan(node, height.0, above, *direction);
            }
            Heard::Joins(work) => self.sync.told(node, height.0, work, *direction),
            Heard::Nothing => {}
        }
    }

    fn answered(
        &mut self,
        now: Now,
        node: NodeId,
        id: RequestId,
        answer: Result<Response, Failure>,
        local: &impl Local<Call = C>,
        out: &mut Out<C>,
    ) -> Result<(), Fault> {
        // An answer that comes after its deadline finds nothing here.
        let Some(pending) = self.pending.remove(&id).filter(|pending| pending.node == node) else {
            return Ok(());
        };
        let purpose = pending.purpose;
        match (answer, purpose) {
            (Ok(Response::Hello(hello)), Purpose::Greet | Purpose::Tell) => {
                if let Some(reason) = self.hello(now, node, hello, local) {
                    out.leave.push((node, reason));
                }
            }
            (Ok(Response::Noted | Response::Unknown), Purpose::Tell) => {}
            (Ok(Response::Headers(headers)), Purpose::Headers) => {
                self.sync.headers(now, node, &headers, local, out)?;
            }
            (Ok(Response::Headers(headers)), Purpose::HeadersAgain) => {
                self.sync.headers_again(now, node, &headers, local, out)?;
            }
            (Ok(Response::Bodies(bodies)), Purpose::Bodies(asked)) => {
                self.sync.bodies(now, node, &asked, bodies.into_vec(), out);
            }
            (Ok(response), purpose @ (Purpose::Missing(..) | Purpose::Whole(_))) => {
                self.blocks.answered(now, node, &purpose, response, out);
            }
            (Ok(Response::Events(events)), Purpose::Events(asked)) => {
                self.events.answered(node, &asked, events.into_vec(), local, out)?;
            }
            (Ok(Response::Unknown), purpose) => self.failed(now, node, &purpose, out),
            (Ok(_), purpose) => {
                out.offence(node, Offence::Unsolicited("an answer of another kind"));
                self.failed(now, node, &purpose, out);
            }
            (Err(Failure::Unsupported), _) => {
                out.leave.push((node, Reason::Unsupported));
            }
            (Err(failure), purpose) => {
                if failure == Failure::Timeout && is_due(&purpose) {
                    out.offence(node, Offence::Silent);
                }
                self.failed(now, node, &purpose, out);
            }
        }
        Ok(())
    }

    fn failed(&mut self, now: Now, node: NodeId, purpose: &Purpose, out: &mut Out<C>) {
        match purpose {
            Purpose::Greet | Purpose::Tell => {}
            Purpose::Headers | Purpose::HeadersAgain | Purpose::Bodies(_) => {
                self.sync.failed(now, node, purpose);
            }
            Purpose::Missing(..) | Purpose::Whole(_) => {
                self.blocks.failed(now, node, purpose, out);
            }
            Purpose::Events(asked) => self.events.failed(node, asked),
        }
    }

    fn carry_out(&mut self, now: Now, out: Out<C>, actions: &mut Vec<Action<C>>) {
        let Out { asks, answers, offences, leave, imports, judge, notes } = out;
        for (token, response) in answers {
            actions.push(Action::Answer { token, response });
        }
        actions.extend(notes.into_iter().map(Action::Note));
        for (node, reason) in leave {
            if self.connected.contains_key(&node) {
                self.let_go(node, reason, actions);
            }
        }
        for (node, offence) in offences {
            let Some(reason) = self.peers.offend(now, node, &offence) else { continue };
            if matches!(reason, Reason::Banned(_)) {
                actions.push(Action::Note(Note::Banned { node, offence }));
            }
            if self.connected.contains_key(&node) {
                self.let_go(node, reason, actions);
            }
        }
        for (block, worth) in imports {
            actions.push(Action::Import { block, worth });
        }
        for (id, event, from) in judge {
            actions.push(Action::Judge { id, event, from });
        }
        for (node, purpose, request) in asks {
            if !self.connected.contains_key(&node) {
                continue;
            }
            let id = RequestId(self.next_request);
            self.next_request = self.next_request.saturating_add(1);
            let deadline = now.tick.after(patience(&purpose));
            self.pending.insert(id, Pending { node, purpose, deadline });
            actions.push(Action::Ask { node, id, request });
        }
    }

    /// Where the node stands.
    pub fn sync_state(&self, now: Now, local: &impl Local) -> SyncState {
        let tip = local.tip();
        self.sync.state(now, tip.height, tip.total_work)
    }

    /// The peers that are connected, with what they said.
    #[must_use]
    pub fn peers(&self, now: Now) -> Vec<(PeerView, Option<Hello>)> {
        let hello = |node: &NodeId| self.connected.get(node).and_then(|peer| peer.hello);
        let views = self.peers.list(now).into_iter();
        views.map(|view| (hello(&view.node), view)).map(|(hello, view)| (view, hello)).collect()
    }

    /// How many peers have greeted.
    #[must_use]
    pub fn greeted(&self) -> usize {
        self.connected.values().filter(|peer| peer.hello.is_some()).count()
    }

    /// Peers that were good, and bans, for the next start.
    #[must_use]
    pub fn known_peers(&self, now: Now) -> KnownPeers {
        self.peers.known(now)
    }

    /// Takes up what an earlier run knew.
    pub fn restore(&mut self, now: Now, known: KnownPeers) {
        self.peers.restore(now, known);
    }

    /// How full the buffers are.
    #[must_use]
    pub fn measures(&self) -> Measures {
        let mut measures = Measures::default();
        let peers = self.connected.len();
        measures.add("peers", peers, MAX_PEERS);
        measures.add("requests under way", self.pending.len(), MAX_PENDING);
        let waiting = self.connected.values().map(|peer| peer.waiting.len()).max().unwrap_or(0);
        measures.add("requests of a peer that wait", waiting, WAITING);
        self.sync.measure(&mut measures, MAX_PEERS);
        let names = ["blocks fetched", "blocks importing", "early blocks", "blocks behind others"];
        for (name, (size, bound)) in names.into_iter().zip(self.blocks.sizes()) {
            measures.add(name, size, bound);
        }
        self.events.measure(&mut measures);
        self.peers.measure(&mut measures);
        measures
    }
}

/// Whether someone waits for the answer. That news were heard is not worth an offence: whoever is cut off
/// for a while owes many of these, and must find back at once.
const fn is_due(purpose: &Purpose) -> bool {
    !matches!(purpose, Purpose::Tell | Purpose::Greet)
}

/// How long an answer may take.
const fn patience(purpose: &Purpose) -> Duration {
    Duration::from_secs(match purpose {
        Purpose::Greet | Purpose::Headers | Purpose::HeadersAgain | Purpose::Whole(_) => 10,
        Purpose::Tell | Purpose::Bodies(_) => 20,
        Purpose::Missing(..) | Purpose::Events(_) => 5,
    })
}
