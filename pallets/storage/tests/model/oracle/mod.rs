//! Storage's rules once more, as plainly as docs/protocol.md §8 says them: lists that are
//! searched, numbers without types, sums taken anew each time they are asked for. Shares with
//! the pallet the events it reads, and nothing that decides.

mod events;

use crate::naive;
use std::collections::{BTreeMap, VecDeque};

pub(crate) type Id = [u8; 32];

/// The constants of the model's chain.
#[derive(Clone, Copy)]
pub(crate) struct Rules {
    pub(crate) draws: u64,
    pub(crate) demands: usize,
    pub(crate) interval: u64,
    pub(crate) window: u64,
    pub(crate) window_seconds: u64,
    pub(crate) strike_gap: u64,
    pub(crate) grace: u64,
    pub(crate) burn_ppm: i128,
    pub(crate) place_burn: i128,
    pub(crate) provider_deposit: i128,
    pub(crate) offer_deposit: i128,
    pub(crate) placement_deposit: i128,
    pub(crate) demand_deposit: i128,
    pub(crate) max_payment: i128,
    pub(crate) max_collateral: i128,
    pub(crate) acceptance_validity: u64,
    pub(crate) withdrawal_delay: u64,
}

#[derive(Clone)]
pub(crate) struct Pot {
    pub(crate) unused: i128,
    pub(crate) min_payment: i128,
    pub(crate) maturity: Option<u64>,
}

#[derive(Clone, Default)]
pub(crate) struct Provider {
    pub(crate) pot: Option<Pot>,
    pub(crate) passed: u64,
    pub(crate) missed: u64,
    pub(crate) strikes: u64,
    pub(crate) lost: u64,
}

#[derive(Clone)]
pub(crate) struct Offer {
    pub(crate) id: Id,
    pub(crate) owner: Id,
    pub(crate) path: Vec<u8>,
    pub(crate) version: u64,
    pub(crate) n: usize,
    pub(crate) size: u64,
    pub(crate) payment: i128,
    pub(crate) period: u64,
    pub(crate) payments: u64,
    pub(crate) collateral: i128,
    pub(crate) expires_at: u64,
    pub(crate) cancelled: bool,
    pub(crate) reserve: i128,
    pub(crate) highest: Option<u32>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Wait {
    Idle,
    Demanded,
    Challenged { leaf: u64, drawn: u64, seconds: u64 },
}

#[derive(Clone)]
pub(crate) struct Placement {
    pub(crate) id: Id,
    pub(crate) offer: Id,
    pub(crate) owner: Id,
    pub(crate) provider: Id,
    pub(crate) size: u64,
    pub(crate) root: Id,
    pub(crate) payment: i128,
    pub(crate) period: u64,
    pub(crate) collateral: i128,
    pub(crate) start: u64,
    /// Periods paid, forfeit or given back.
    pub(crate) settled: u64,
    /// Periods in all.
    pub(crate) total: u64,
    pub(crate) score: i128,
    struck: Option<u64>,
    relieved: Option<u64>,
    pub(crate) wait: Wait,
    pub(crate) demand_deposit: i128,
    owner_demanded: Option<u64>,
    provider_demanded: Option<u64>,
    last_demand_used: bool,
}

impl Placement {
    pub(crate) fn last(&self) -> u64 {
        self.start + self.settled * self.period
    }
    pub(crate) fn end(&self) -> u64 {
        self.start + self.total * self.period
    }
}

#[derive(Clone)]
pub(crate) struct Oracle {
    rules: Rules,
    pub(crate) height: u64,
    seconds: u64,
    pub(crate) free: BTreeMap<Id, i128>,
    pub(crate) burned: i128,
    pub(crate) pool: i128,
    pub(crate) providers: BTreeMap<Id, Provider>,
    /// In the order of their making.
    pub(crate) offers: Vec<Offer>,
    /// The dense array.
    pub(crate) array: Vec<Placement>,
    demanded: Vec<Id>,
    /// First in, first out; answered ones are gone but keep their place.
    pub(crate) queue: VecDeque<Option<Id>>,
}

fn ceil(dividend: i128, divisor: i128) -> i128 {
    (dividend + divisor - 1) / divisor
}

/// A refusal: which one is the pallet's to name.
pub(crate) struct No;

fn must(holds: bool) -> Result<(), No> {
    if holds { Ok(()) } else { Err(No) }
}

impl Oracle {
    pub(crate) fn new(rules: Rules, people: &[Id], funds: i128) -> Self {
        Self {
            rules,
            height: 0,
            seconds: 0,
            free: people.iter().map(|id| (*id, funds)).collect(),
            burned: 0,
            pool: 0,
            providers: BTreeMap::new(),
            offers: vec![],
            array: vec![],
            demanded: vec![],
            queue: VecDeque::new(),
        }
    }

    /// Everything that is locked for somebody.
    pub(crate) fn held(&self, id: &Id) -> i128 {
        let mut sum = 0;
        if let Some(provider) = self.providers.get(id) {
            sum += self.rules.provider_deposit;
            sum += provider.pot.as_ref().map_or(0, |pot| pot.unused);
        }
        for offer in self.offers.iter().filter(|offer| offer.owner == *id) {
            sum += self.rules.offer_deposit + offer.reserve * self.whole_price(offer);
        }
        for placement in &self.array {
            if placement.owner == *id {
                let unpaid = i128::from(placement.total - placement.settled);
                sum += unpaid * placement.payment;
                sum += self.rules.placement_deposit + placement.demand_deposit;
            }
            if placement.provider == *id {
                sum += placement.collateral;
            }
        }
        sum
    }

    fn whole_price(&self, offer: &Offer) -> i128 {
        i128::from(offer.payments) * offer.payment + self.rules.placement_deposit
    }

    fn give(&mut self, id: &Id, amount: i128) {
        *self.free.entry(*id).or_default() += amount;
    }

    fn take(&mut self, id: &Id, amount: i128) -> Result<(), No> {
        let free = self.free.entry(*id).or_default();
        *free -= amount;
        must(*free >= 0)
    }

    fn live(&self, offer: &Id) -> usize {
        self.array.iter().filter(|placement| placement.offer == *offer).count()
    }

    fn find(&self, id: &Id) -> Option<usize> {
        self.array.iter().position(|placement| placement.id == *id)
    }

    /// The live offers of a path, newest first.
    pub(crate) fn of_path(&self, path: &[u8]) -> Vec<Id> {
        let live = self.offers.iter().rev().filter(|offer| offer.path == path);
        live.map(|offer| offer.id).collect()
    }

    // Blocks.

    pub(crate) fn begin(&mut self, beacon: &Id, seconds: u64) {
        self.height += 1;
        self.seconds = seconds;
        for id in core::mem::take(&mut self.demanded) {
            self.challenge(&id, beacon);
        }
        let count = u64::try_from(self.array.len()).unwrap();
        let (whole, rest) = (count / self.rules.interval, count % self.rules.interval);
        let fraction = u128::from(naive::number("blocktree/draw-frac", &[beacon]));
        let more = fraction * u128::from(self.rules.interval) < u128::from(rest) * (1 << 64);
        let draws = (whole + u64::from(more)).min(self.rules.draws);
        let ids: Vec<Id> = (0..draws)
            .map(|i| {
                let index = u32::try_from(i).unwrap().to_le_bytes();
                let slot = naive::number("blocktree/draw", &[beacon, &index]) % count;
                self.array[usize::try_from(slot).unwrap()].id
            })
            .collect();
        for id in ids {
            let Some(at) = self.find(&id) else { continue };
            let placement = self.array[at].clone();
            if placement.wait != Wait::Idle {
                continue;
            }
            if self.height < placement.end() {
                self.challenge(&id, beacon);
            } else if self.height >= placement.end() + self.rules.grace {
                let standing = (placement.score / 4).min(2);
                self.remove(at, ceil(placement.collateral * standing, 4));
            }
        }
    }

    fn challenge(&mut self, id: &Id, beacon: &Id) {
        let at = self.find(id).unwrap();
        let leaves = self.array[at].size.div_ceil(256);
        let leaf = naive::number("blocktree/leaf", &[beacon, id]) % leaves;
        let (drawn, seconds) = (self.height, self.seconds);
        self.array[at].wait = Wait::Challenged { leaf, drawn, seconds };
        self.queue.push_back(Some(*id));
    }

    pub(crate) fn end(&mut self) {
        let most = 2 * (self.rules.draws + u64::try_from(self.rules.demands).unwrap());
        for _ in 0..most {
            match self.queue.front() {
                None => return,
                Some(None) => {
                    self.queue.pop_front();
                }
                Some(Some(id)) => {
                    let at = self.find(id).unwrap();
                    let Wait::Challenged { drawn, seconds, .. } = self.array[at].wait else {
                        panic!("a challenge in the queue")
                    };
                    let due = self.height >= drawn + self.rules.window
                        && self.seconds >= seconds + self.rules.window_seconds;
                    if !due {
                        return;
                    }
                    self.queue.pop_front();
                    self.miss(at, drawn);
                }
            }
        }
    }

    fn miss(&mut self, at: usize, drawn: u64) {
        self.forfeit(at);
        let gap = self.rules.strike_gap;
        let placement = &mut self.array[at];
        placement.wait = Wait::Idle;
        let (owner, deposit) = (placement.owner, core::mem::take(&mut placement.demand_deposit));
        let strike = placement.struck.is_none_or(|before| drawn >= before + gap);
        if strike {
            placement.struck = Some(drawn);
            placement.score += 4;
        }
        let (lost, collateral) = (placement.score >= 12, placement.collateral);
        let provider = self.providers.get_mut(&placement.provider).unwrap();
        provider.missed += 1;
        provider.strikes += u64::from(strike);
        provider.lost += u64::from(lost);
        self.give(&owner, deposit);
        if lost {
            self.remove(at, collateral);
        }
    }

    /// Burns the periods begun.
    fn forfeit(&mut self, at: usize) {
        let height = self.height;
        let placement = &mut self.array[at];
        let unsettled = i128::from(height.min(placement.end())) - i128::from(placement.last());
        let periods = ceil(unsettled.max(0), placement.period.into());
        placement.settled += u64::try_from(periods).unwrap();
        self.burned += periods * placement.payment;
    }

    fn remove(&mut self, at: usize, burned: i128) {
        let placement = self.array.swap_remove(at);
        self.demanded.retain(|id| *id != placement.id);
        for entry in &mut self.queue {
            if *entry == Some(placement.id) {
                *entry = None;
            }
        }
        let unpaid = i128::from(placement.total - placement.settled) * placement.payment;
        let deposits = self.rules.placement_deposit + placement.demand_deposit;
        self.give(&placement.owner, unpaid + deposits);
        self.burned += burned;
        let back = placement.collateral - burned;
        match &mut self.providers.get_mut(&placement.provider).unwrap().pot {
            Some(pot) => pot.unused += back,
            None => self.give(&placement.provider, back),
        }
        self.forget_provider(&placement.provider);
        let offer = self.offers.iter().position(|offer| offer.id == placement.offer).unwrap();
        let over = self.offers[offer].cancelled || self.height > self.offers[offer].expires_at;
        if over && self.live(&placement.offer) == 0 {
            self.remove_offer(offer);
        }
    }

    fn forget_provider(&mut self, id: &Id) {
        let stores = self.array.iter().any(|placement| placement.provider == *id);
        if self.providers[id].pot.is_none() && !stores {
            self.providers.remove(id);
            self.give(id, self.rules.provider_deposit);
        }
    }

    fn remove_offer(&mut self, at: usize) {
        let offer = self.offers.remove(at);
        let reserve = offer.reserve * self.whole_price(&offer);
        self.give(&offer.owner, reserve + self.rules.offer_deposit);
    }
}

/// docs/protocol.md §2.
pub(crate) fn principal(key: &[u8; 32]) -> Id {
    naive::tagged("blocktree/principal", &[key])
}
