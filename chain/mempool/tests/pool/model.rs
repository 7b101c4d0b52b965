//! The same rules once more, as plainly as can be: one list that is walked for every question. It
//! shares nothing with the pool but the words in which both answer.

use crate::common::Spec;
use crate::node::{Event, FREE};
use blocktree_mempool::{Dropped, FeeRate, Inserted, PoolRefusal};
use blocktree_primitives::{Amount, EventId, Height};
use std::collections::BTreeMap;

pub(crate) const MAX_EVENTS: usize = 7;
pub(crate) const MAX_BYTES: usize = 1_000;
pub(crate) const WINDOW: u64 = 4;
pub(crate) const MAX_WEIGHT: u64 = 590;
pub(crate) const MIN_LIFE: u64 = 2;
pub(crate) const MAX_WAIT: u64 = 6;
pub(crate) const MAX_REFUSALS: u32 = 3;
pub(crate) const MAX_PAUSE: u64 = 2;
pub(crate) const STEP: u64 = 25;
/// 3 base units for 2 of weight.
pub(crate) const FLOOR: (u64, u64) = (3, 2);

#[derive(Clone, Debug)]
struct Waiting {
    id: EventId,
    spec: Spec,
    len: usize,
    since: u64,
    order: i64,
    refusals: u32,
    retry_from: u64,
    parked: bool,
}

type Accounts = BTreeMap<u32, (u64, u64)>;

#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    tip: u64,
    waiting: Vec<Waiting>,
    pub(crate) dropped: BTreeMap<EventId, Dropped>,
    /// Of signers to whom something happened: nonce and balance.
    accounts: Accounts,
    front: i64,
    back: i64,
    /// Accounts before, events.
    blocks: Vec<(Accounts, Vec<(Spec, Event)>)>,
}

fn units(amount: u64) -> Amount {
    Amount::from_units(amount)
}

/// Whether the rate of `a` is below that of `b`.
fn poorer(a: &Spec, b: &Spec) -> bool {
    u128::from(a.fee) * u128::from(b.weight) < u128::from(b.fee) * u128::from(a.weight)
}

impl Model {
    pub(crate) fn new() -> Self {
        Self { tip: 10, ..Self::default() }
    }

    pub(crate) fn account(&self, signer: u32) -> (u64, u64) {
        self.accounts.get(&signer).copied().unwrap_or((0, FREE))
    }

    fn of(&self, signer: u32) -> Vec<&Waiting> {
        let mut lane: Vec<_> = self.waiting.iter().filter(|w| w.spec.signer == signer).collect();
        lane.sort_by_key(|w| w.spec.nonce);
        lane
    }

    pub(crate) fn ids(&self) -> Vec<EventId> {
        let mut ids: Vec<_> = self.waiting.iter().map(|w| w.id).collect();
        ids.sort();
        ids
    }

    pub(crate) fn next_nonce(&self, signer: u32) -> u64 {
        let mut nonce = self.account(signer).0;
        while self.of(signer).iter().any(|w| w.spec.nonce == nonce) {
            nonce += 1;
        }
        nonce
    }

    pub(crate) fn insert(&mut self, spec: &Spec, event: &Event) -> Result<Inserted, PoolRefusal> {
        let id = event.id();
        if self.waiting.iter().any(|w| w.id == id) {
            return Err(PoolRefusal::AlreadyKnown);
        }
        if spec.weight > MAX_WEIGHT {
            return Err(PoolRefusal::TooHeavy { weight: spec.weight, max: MAX_WEIGHT });
        }
        let floor = (spec.weight * FLOOR.0).div_ceil(FLOOR.1);
        if spec.fee < floor {
            return Err(PoolRefusal::FeeTooLow { given: units(spec.fee), needed: units(floor) });
        }
        if let Some(until) = spec.valid_until {
            let valid_until = Height(until);
            if until <= self.tip {
                return Err(PoolRefusal::Expired { valid_until, next: Height(self.tip + 1) });
            }
            if until < self.tip + MIN_LIFE {
                let needed = Height(self.tip + MIN_LIFE);
                return Err(PoolRefusal::ExpiresTooSoon { valid_until, needed });
            }
        }
        let (next, free) = self.account(spec.signer);
        let (given, lane) = (spec.nonce, self.of(spec.signer));
        if given < next {
            return Err(PoolRefusal::NonceUsed { given, next });
        }
        if given >= next + WINDOW {
            return Err(if lane.len() as u64 >= WINDOW {
                PoolRefusal::TooManyFromSigner { waiting: lane.len(), max: WINDOW }
            } else {
                PoolRefusal::NonceTooFar { given, next, window: WINDOW }
            });
        }
        let old = lane.iter().find(|w| w.spec.nonce == given);
        if let Some(old) = old {
            let enough = |fee: u64| {
                fee > old.spec.fee
                    && fee >= old.spec.fee + floor
                    && fee * 100 >= old.spec.fee * (100 + STEP)
                    && fee * 100 * old.spec.weight >= old.spec.fee * (100 + STEP) * spec.weight
            };
            if !enough(spec.fee) {
                let needed = (0..).find(|fee| enough(*fee)).expect("some fee is enough");
                return Err(PoolRefusal::ReplacementFeeTooLow {
                    replaces: old.id,
                    given: units(spec.fee),
                    needed: units(needed),
                });
            }
        }
        let said = old.map(|old| (old.refusals, old.retry_from, old.parked));
        let old = old.map(|old| old.id);
        let others: u64 = lane.iter().filter(|w| Some(w.id) != old).map(|w| w.spec.fee).sum();
        if others + spec.fee > free {
            return Err(PoolRefusal::Overdraft {
                free: units(free),
                needed: units(others + spec.fee),
            });
        }
        let mut after = self.clone();
        after.waiting.retain(|w| Some(w.id) != old);
        after.push(spec, event, self.back);
        after.back += 1;
        if let (Some(said), Some(new)) = (said, after.waiting.last_mut()) {
            (new.refusals, new.retry_from, new.parked) = said;
        }
        let evicted = after.shrink(Some(id))?;
        after.dropped.remove(&id);
        if let Some(old) = old {
            after.dropped.insert(old, Dropped::Replaced { by: id });
        }
        for id in &evicted {
            after.dropped.insert(*id, Dropped::Evicted);
        }
        *self = after;
        Ok(Inserted { replaced: old, evicted })
    }

    fn push(&mut self, spec: &Spec, event: &Event, order: i64) {
        self.waiting.push(Waiting {
            id: event.id(),
            spec: spec.clone(),
            len: event.encoded().len(),
            since: self.tip,
            order,
            refusals: 0,
            retry_from: 0,
            parked: false,
        });
    }

    /// Signers, the one that loses its tail first in front, with the poorest event of each.
    fn ranking(&self) -> Vec<(u32, Spec)> {
        let mut ranked: Vec<(bool, Spec, i64, u32)> = Vec::new();
        for signer in 0..10 {
            let lane = self.of(signer);
            let Some(tail) = lane.last() else {
                continue;
            };
            let (nonce, free) = self.account(signer);
            let in_order = lane.iter().zip(nonce..).all(|(w, nonce)| w.spec.nonce == nonce);
            let fees: u64 = lane.iter().map(|w| w.spec.fee).sum();
            let sound = in_order && fees <= free && lane.iter().all(|w| w.refusals == 0);
            let mut poorest = tail.spec.clone();
            for w in &lane {
                if poorer(&w.spec, &poorest) {
                    poorest = w.spec.clone();
                }
            }
            ranked.push((sound, poorest, tail.order, signer));
        }
        let before = |a: &(bool, Spec, i64, u32), b: &(bool, Spec, i64, u32)| {
            if a.0 != b.0 {
                return !a.0;
            }
            if poorer(&a.1, &b.1) || poorer(&b.1, &a.1) {
                return poorer(&a.1, &b.1);
            }
            a.2 > b.2
        };
        for i in 0..ranked.len() {
            for j in i + 1..ranked.len() {
                if before(&ranked[j], &ranked[i]) {
                    ranked.swap(i, j);
                }
            }
        }
        ranked.into_iter().map(|(_, spec, _, signer)| (signer, spec)).collect()
    }

    fn shrink(&mut self, newcomer: Option<EventId>) -> Result<Vec<EventId>, PoolRefusal> {
        let mut evicted = Vec::new();
        while self.waiting.len() > MAX_EVENTS
            || self.waiting.iter().map(|w| w.len).sum::<usize>() > MAX_BYTES
        {
            let ranking = self.ranking();
            let (signer, poorest) = &ranking[0];
            let tail = self.of(*signer).last().expect("ranked").id;
            if Some(tail) == newcomer {
                let rate = |spec: &Spec| FeeRate::new(units(spec.fee), spec.weight);
                let lowest = ranking.get(1).map_or(rate(poorest), |(_, spec)| rate(spec));
                return Err(PoolRefusal::PoolFull { given: rate(poorest), lowest });
            }
            evicted.push(tail);
            self.waiting.retain(|w| w.id != tail);
        }
        Ok(evicted)
    }

    pub(crate) fn best(&self) -> Vec<EventId> {
        let mut order = Vec::new();
        let mut nonces: Vec<u64> = (0..10).map(|signer| self.account(signer).0).collect();
        loop {
            let next = |w: &&Waiting| nonces[w.spec.signer as usize] == w.spec.nonce && !w.parked;
            let mut best: Option<&Waiting> = None;
            for w in self.waiting.iter().filter(next) {
                let better = best.is_none_or(|b| {
                    poorer(&b.spec, &w.spec) || !poorer(&w.spec, &b.spec) && w.order < b.order
                });
                if better {
                    best = Some(w);
                }
            }
            let Some(best) = best else {
                return order;
            };
            order.push(best.id);
            nonces[best.spec.signer as usize] += 1;
        }
    }

    pub(crate) fn apply(&mut self, block: Vec<(Spec, Event)>, balances: &[(u32, u64)]) {
        let before = self.accounts.clone();
        self.tip += 1;
        for (spec, _) in &block {
            let (nonce, free) = self.account(spec.signer);
            assert_eq!(nonce, spec.nonce);
            self.accounts.insert(spec.signer, (nonce + 1, free.saturating_sub(spec.fee)));
        }
        for (signer, free) in balances {
            let nonce = self.account(*signer).0;
            self.accounts.insert(*signer, (nonce, *free));
        }
        for (_, event) in &block {
            self.dropped.remove(&event.id());
            self.waiting.retain(|w| w.id != event.id());
        }
        for (spec, event) in &block {
            let same = |w: &&Waiting| (w.spec.signer, w.spec.nonce) == (spec.signer, spec.nonce);
            if let Some(other) = self.waiting.iter().find(same).cloned() {
                let why = Dropped::NonceUsed { nonce: spec.nonce, by: Some(event.id()) };
                self.dropped.insert(other.id, why);
                self.waiting.retain(|w| w.id != other.id);
            }
        }
        for w in std::mem::take(&mut self.waiting) {
            if w.spec.valid_until.is_some_and(|until| until <= self.tip) {
                let valid_until = Height(w.spec.valid_until.expect("some"));
                self.dropped.insert(w.id, Dropped::Expired { valid_until });
            } else if w.since + MAX_WAIT <= self.tip {
                let since = Height(w.since);
                self.dropped.insert(w.id, Dropped::WaitedTooLong { since });
            } else {
                let parked = w.parked && w.retry_from > self.tip;
                self.waiting.push(Waiting { parked, ..w });
            }
        }
        self.blocks.push((before, block));
    }

    pub(crate) fn revert(&mut self) {
        let Some((before, block)) = self.blocks.pop() else {
            return;
        };
        self.accounts = before;
        self.tip -= 1;
        for (spec, event) in block.iter().rev() {
            self.front -= 1;
            self.push(spec, event, self.front);
            self.dropped.remove(&event.id());
        }
        for w in &mut self.waiting {
            w.parked = false;
        }
        let evicted = self.shrink(None).expect("nobody is new");
        for id in evicted {
            self.dropped.insert(id, Dropped::Evicted);
        }
    }

    pub(crate) fn refuse(&mut self, id: EventId, reason: &str) {
        let tip = self.tip;
        let Some(w) = self.waiting.iter_mut().find(|w| w.id == id && !w.parked) else {
            return;
        };
        w.refusals += 1;
        if w.refusals == MAX_REFUSALS {
            let why = Dropped::Refused { attempts: w.refusals, reason: reason.into() };
            self.dropped.insert(id, why);
            self.waiting.retain(|w| w.id != id);
            return;
        }
        let pause = [1, 2, 4, 8][w.refusals as usize - 1].min(MAX_PAUSE);
        (w.parked, w.retry_from) = (true, tip + pause);
    }

    pub(crate) fn restart(&mut self) {
        for w in &mut self.waiting {
            (w.parked, w.refusals) = (false, 0);
        }
    }

    /// Every signer's waiting events by nonce.
    pub(crate) fn lanes(&self) -> Vec<Vec<EventId>> {
        (0..10).map(|s| self.of(s).iter().map(|w| w.id).collect()).collect()
    }

    pub(crate) fn parked(&self) -> usize {
        self.waiting.iter().filter(|w| w.parked).count()
    }

    pub(crate) fn has_signer(&self, signer: u32) -> bool {
        self.waiting.iter().any(|w| w.spec.signer == signer)
    }
}
