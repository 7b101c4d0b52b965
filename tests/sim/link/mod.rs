//! The links between participants: connections and messages with latency, loss, reordering and
//! partitions. What goes over them is bytes.
//!
//! A message takes a time of its own, so messages overtake each other as streams of one connection do.
//! A lost one is a stream that hangs: whoever asked learns after [`ANSWER_TIMEOUT`].

mod arrive;
#[cfg(test)]
mod tests;

use crate::dice::Dice;
use crate::scheduler::{Scheduler, Time};
use blocktree_network::{Direction, Failure};
use std::collections::{BTreeMap, BTreeSet};

/// As long as the driver waits for an answer.
pub(crate) const ANSWER_TIMEOUT: Time = 20_000;
/// As long as a dial may take.
const DIAL_TIMEOUT: Time = 5_000;
/// Within this a connection is noticed to be dead.
const DEAD_AFTER: (Time, Time) = (10_000, 30_000);
/// Bytes that a link carries in a millisecond.
const BYTES_PER_MS: u64 = 2_000;

/// What a participant wants of its links.
#[derive(Clone, Debug)]
pub(crate) enum Deed {
    Dial { peer: usize },
    HangUp { peer: usize },
    Ask { peer: usize, id: u64, bytes: Vec<u8> },
    Answer { token: u64, bytes: Vec<u8> },
}

/// What its links tell a participant.
#[derive(Clone, Debug)]
pub(crate) enum Signal {
    Opened { peer: usize, direction: Direction },
    Closed { peer: usize },
    DialFailed { peer: usize },
    Asked { peer: usize, token: u64, bytes: Vec<u8> },
    Answered { peer: usize, id: u64, answer: Result<Vec<u8>, Failure> },
}

/// What is under way.
#[derive(Debug)]
pub(crate) enum Wire {
    Reach {
        from: usize,
        to: usize,
        dial: u64,
    },
    Accepted {
        from: usize,
        to: usize,
        dial: u64,
        era: u64,
    },
    DialFailed {
        from: usize,
        to: usize,
        dial: u64,
    },
    Close {
        at: usize,
        peer: usize,
        era: u64,
    },
    Dead {
        one: usize,
        other: usize,
        era: u64,
    },
    Request {
        from: usize,
        to: usize,
        era: u64,
        id: u64,
        bytes: Vec<u8>,
    },
    Response {
        from: usize,
        to: usize,
        era: u64,
        id: u64,
        bytes: Vec<u8>,
    },
    Expired {
        who: usize,
        id: u64,
        peer: usize,
        era: u64,
    },
    /// For a participant, at once.
    Tell {
        to: usize,
        life: u32,
        signal: Signal,
    },
}

/// How good the links are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quality {
    /// Milliseconds one way.
    pub(crate) latency: (Time, Time),
    /// Messages of 10,000 that are lost.
    pub(crate) lost: u64,
    /// Messages of 10,000 with which the connection breaks.
    pub(crate) broken: u64,
}

/// Two participants; the lower one first.
#[derive(Debug, Default)]
struct Pair {
    /// Counts connections, so that what was under way in an earlier one is told apart.
    era: u64,
    open: [bool; 2],
}

#[derive(Debug)]
struct Asked {
    asker: usize,
    answerer: usize,
    era: u64,
    id: u64,
    since: Time,
}

pub(crate) struct Links {
    pub(crate) quality: Quality,
    dice: Dice,
    is_up: Vec<bool>,
    lives: Vec<u32>,
    pairs: BTreeMap<(usize, usize), Pair>,
    dials: BTreeMap<(usize, usize), u64>,
    pending: BTreeMap<(usize, u64), (usize, u64)>,
    tokens: BTreeMap<u64, Asked>,
    spent: BTreeSet<u64>,
    next: u64,
    /// The part of the network that each is in.
    parts: Vec<u8>,
    /// Messages and bytes that were sent.
    pub(crate) sent: (u64, u64),
    /// What participants did that the contract with their driver forbids.
    pub(crate) misuse: Vec<(usize, String)>,
}

/// Whoever holds a scheduler of more than wires.
pub(crate) type Plan<'s, T> = &'s mut Scheduler<T>;

impl Links {
    pub(crate) fn new(count: usize, quality: Quality, dice: Dice) -> Self {
        Self {
            quality,
            dice,
            is_up: vec![true; count],
            lives: vec![0; count],
            pairs: BTreeMap::new(),
            dials: BTreeMap::new(),
            pending: BTreeMap::new(),
            tokens: BTreeMap::new(),
            spent: BTreeSet::new(),
            next: 0,
            parts: vec![0; count],
            sent: (0, 0),
            misuse: Vec::new(),
        }
    }

    fn latency(&mut self, bytes: usize) -> Time {
        let (from, to) = self.quality.latency;
        self.dice.between(from, to) + bytes as u64 / BYTES_PER_MS
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn is_cut(&self, one: usize, other: usize) -> bool {
        self.parts[one] != self.parts[other]
    }

    fn pair(&mut self, one: usize, other: usize) -> &mut Pair {
        self.pairs.entry((one.min(other), one.max(other))).or_default()
    }

    /// Whether `who` believes itself connected with `peer`.
    pub(crate) fn is_open(&self, who: usize, peer: usize) -> bool {
        let pair = self.pairs.get(&(who.min(peer), who.max(peer)));
        pair.is_some_and(|pair| pair.open[usize::from(who > peer)])
    }

    /// Whether `who` is dialling `peer`.
    pub(crate) fn is_dialling(&self, who: usize, peer: usize) -> bool {
        self.dials.contains_key(&(who, peer))
    }

    fn set_open(&mut self, who: usize, peer: usize, open: bool) {
        self.pair(who, peer).open[usize::from(who > peer)] = open;
    }

    /// The life that a participant is in; what was meant for an earlier one is not told.
    pub(crate) fn life(&self, who: usize) -> u32 {
        self.lives[who]
    }

    /// Tokens of requests to `who` that wait for its answer for longer than this.
    pub(crate) fn unanswered(&self, who: usize, now: Time, longer: Time) -> usize {
        let late = |asked: &&Asked| asked.answerer == who && asked.since + longer < now;
        self.tokens.values().filter(late).count()
    }

    /// Requests to `who` without an answer.
    pub(crate) fn waiting(&self, who: usize) -> usize {
        self.tokens.values().filter(|asked| asked.answerer == who).count()
    }

    fn tell<T: From<Wire>>(&self, plan: Plan<'_, T>, to: usize, signal: Signal) {
        plan.after(0, Wire::Tell { to, life: self.lives[to], signal }.into());
    }

    /// Carries out what a participant wants.
    pub(crate) fn deed<T: From<Wire>>(&mut self, plan: Plan<'_, T>, who: usize, deed: Deed) {
        match deed {
            Deed::Dial { peer } => self.dial(plan, who, peer),
            Deed::HangUp { peer } => {
                let era = self.pair(who, peer).era;
                if self.close(plan, who, peer) {
                    let delay = self.latency(0);
                    plan.after(delay, Wire::Close { at: peer, peer: who, era }.into());
                }
            }
            Deed::Ask { peer, id, bytes } => self.ask(plan, who, peer, id, bytes),
            Deed::Answer { token, bytes } => self.answer(plan, who, token, bytes),
        }
    }

    fn dial<T: From<Wire>>(&mut self, plan: Plan<'_, T>, from: usize, to: usize) {
        let dial = self.number();
        if from == to {
            self.misuse.push((from, "it dialled itself".into()));
            return;
        }
        // An earlier dial that is under way is given up: whoever dialled may have been connected from
        // the other side and let go again.
        self.dials.insert((from, to), dial);
        if self.is_cut(from, to) {
            plan.after(DIAL_TIMEOUT, Wire::DialFailed { from, to, dial }.into());
        } else {
            let delay = self.latency(0);
            plan.after(delay, Wire::Reach { from, to, dial }.into());
        }
    }

    fn ask<T: From<Wire>>(
        &mut self,
        plan: Plan<'_, T>,
        who: usize,
        peer: usize,
        id: u64,
        bytes: Vec<u8>,
    ) {
        if !self.is_open(who, peer) {
            let answer = Err(Failure::Gone);
            return self.tell(plan, who, Signal::Answered { peer, id, answer });
        }
        let era = self.pair(who, peer).era;
        if self.pending.insert((who, id), (peer, era)).is_some() {
            self.misuse.push((who, format!("it used the request id {id} twice")));
        }
        plan.after(ANSWER_TIMEOUT, Wire::Expired { who, id, peer, era }.into());
        let len = bytes.len();
        self.send(plan, who, peer, era, len, Wire::Request { from: who, to: peer, era, id, bytes });
    }

    fn answer<T: From<Wire>>(&mut self, plan: Plan<'_, T>, who: usize, token: u64, bytes: Vec<u8>) {
        if !self.spent.insert(token) {
            self.misuse.push((who, "it answered a request twice".into()));
            return;
        }
        // Gone with its connection.
        let Some(asked) = self.tokens.remove(&token) else { return };
        let Asked { asker: to, era, id, .. } = asked;
        let len = bytes.len();
        self.send(plan, who, to, era, len, Wire::Response { from: who, to, era, id, bytes });
    }

    fn send<T: From<Wire>>(
        &mut self,
        plan: Plan<'_, T>,
        from: usize,
        to: usize,
        era: u64,
        len: usize,
        wire: Wire,
    ) {
        self.sent = (self.sent.0 + 1, self.sent.1 + len as u64);
        if self.dice.chance(self.quality.broken, 10_000) {
            let delay = self.latency(0);
            plan.after(delay, Wire::Dead { one: from, other: to, era }.into());
        }
        let is_lost = self.dice.chance(self.quality.lost, 10_000);
        if !is_lost && !self.is_cut(from, to) {
            let delay = self.latency(len);
            plan.after(delay, wire.into());
        }
    }

    /// Closes one side. False if it was closed.
    fn close<T: From<Wire>>(&mut self, plan: Plan<'_, T>, who: usize, peer: usize) -> bool {
        if !self.is_open(who, peer) {
            return false;
        }
        self.set_open(who, peer, false);
        let own = |(key, (to, _)): (&(usize, u64), &(usize, u64))| {
            (key.0 == who && *to == peer).then_some(key.1)
        };
        let failed: Vec<u64> =
            self.pending.range((who, 0)..=(who, u64::MAX)).filter_map(own).collect();
        // The driver tells of its requests before or after the connection.
        let is_told_first = self.dice.once_in(2);
        if is_told_first {
            self.tell(plan, who, Signal::Closed { peer });
        }
        for id in failed {
            self.pending.remove(&(who, id));
            let answer = Err(Failure::Gone);
            self.tell(plan, who, Signal::Answered { peer, id, answer });
        }
        if !is_told_first {
            self.tell(plan, who, Signal::Closed { peer });
        }
        self.tokens.retain(|_, asked| asked.answerer != who || asked.asker != peer);
        true
    }

    /// Takes a participant off its links: nobody is told by it, the others notice sooner or later.
    pub(crate) fn crash<T: From<Wire>>(&mut self, plan: Plan<'_, T>, who: usize) {
        self.is_up[who] = false;
        self.lives[who] += 1;
        // A killed process leaves a closed connection behind, a lost machine a silent one.
        let is_silent = self.dice.once_in(2);
        for peer in 0..self.parts.len() {
            if peer == who || !self.is_open(who, peer) {
                continue;
            }
            self.set_open(who, peer, false);
            let era = self.pair(who, peer).era;
            let delay = match is_silent {
                true => self.dice.between(DEAD_AFTER.0, DEAD_AFTER.1),
                false => self.latency(0),
            };
            plan.after(delay, Wire::Close { at: peer, peer: who, era }.into());
        }
        self.dials.retain(|(from, _), _| *from != who);
        self.pending.retain(|(asker, _), _| *asker != who);
        self.tokens.retain(|_, asked| asked.answerer != who);
    }

    /// A request that could not be read gets no answer.
    pub(crate) fn drop_token(&mut self, token: u64) {
        self.tokens.remove(&token);
    }

    /// Puts a participant back.
    pub(crate) fn restart(&mut self, who: usize) {
        self.is_up[who] = true;
    }

    /// Splits the network into parts: nothing crosses, and connections across die after a while.
    pub(crate) fn split<T: From<Wire>>(&mut self, plan: Plan<'_, T>, parts: Vec<u8>) {
        self.parts = parts;
        let across: Vec<(usize, usize, u64)> = self
            .pairs
            .iter()
            .filter(|((one, other), pair)| {
                self.parts[*one] != self.parts[*other] && pair.open != [false; 2]
            })
            .map(|((one, other), pair)| (*one, *other, pair.era))
            .collect();
        for (one, other, era) in across {
            let delay = self.dice.between(DEAD_AFTER.0, DEAD_AFTER.1);
            plan.after(delay, Wire::Dead { one, other, era }.into());
        }
    }

    /// One network again.
    pub(crate) fn heal(&mut self) {
        self.parts.fill(0);
    }
}
