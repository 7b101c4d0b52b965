//! Storage's rules once more, as plainly as docs/protocol.md §8 says them: lists that are
//! searched, numbers without types, sums taken anew each time they are asked for. Shares with
//! the pallet the events it reads, and nothing that decides.

use crate::naive;
use pallet_storage::{Call, Claim, Evidence, NewOffer, SignedAcceptance};
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

    // Events.

    /// Whether the event stands. A refused one changes nothing.
    pub(crate) fn apply(&mut self, author: &Id, id: &Id, call: &Call) -> bool {
        let before = self.clone();
        let stands = self.try_apply(author, id, call).is_ok();
        if !stands {
            *self = before;
        }
        stands
    }

    fn try_apply(&mut self, author: &Id, id: &Id, call: &Call) -> Result<(), No> {
        match call {
            Call::Announce { min_payment, pot, .. } => {
                self.announce(author, min_payment.units().into(), pot.units().into())
            }
            Call::Withdraw => self.withdraw(author),
            Call::Offer(new) => self.offer(author, id, new),
            Call::Place { offer, acceptances } => {
                must(!acceptances.is_empty())?;
                for acceptance in acceptances {
                    self.place(author, &offer.0, acceptance)?;
                }
                Ok(())
            }
            Call::Demand { placement } => self.demand(author, &placement.0),
            Call::Payout { claims } => {
                must(!claims.is_empty())?;
                for (i, claim) in claims.iter().enumerate() {
                    must(claims.iter().skip(i + 1).all(|c| c.placement != claim.placement))?;
                    self.claim(claim)?;
                }
                Ok(())
            }
            Call::Extend(extension) => {
                let at = self.find(&extension.placement.0).ok_or(No)?;
                let signer = principal(&extension.provider_key.0);
                let (old, new) = (extension.old_end.0, extension.new_end.0);
                let placement = &mut self.array[at];
                must(placement.owner == *author && placement.provider == signer)?;
                must(old == placement.end() && self.height < old && new > old)?;
                must((new - old).is_multiple_of(placement.period))?;
                let more = (new - old) / placement.period;
                placement.total += more;
                let price = i128::from(more) * placement.payment;
                self.take(author, price)
            }
            Call::Exit { placement } => self.exit(author, &placement.0),
            Call::Close { placement } => {
                let at = self.find(&placement.0).ok_or(No)?;
                let placement = self.array[at].clone();
                let grace = if placement.provider == *author { 0 } else { self.rules.grace };
                must(self.height >= placement.end() + grace && placement.wait == Wait::Idle)?;
                let standing = (placement.score / 4).min(2);
                self.remove(at, ceil(placement.collateral * standing, 4));
                Ok(())
            }
            Call::Cancel { offer } => self.cancel(author, &offer.0),
        }
    }

    fn announce(&mut self, author: &Id, min_payment: i128, unused: i128) -> Result<(), No> {
        if !self.providers.contains_key(author) {
            self.take(author, self.rules.provider_deposit)?;
        }
        let provider = self.providers.entry(*author).or_default();
        let before = provider.pot.as_ref();
        let maturity = before.and_then(|pot| pot.maturity);
        let raise = unused - before.map_or(0, |pot| pot.unused);
        provider.pot = Some(Pot { unused, min_payment, maturity });
        must(raise >= 0)?;
        self.take(author, raise)
    }

    fn withdraw(&mut self, author: &Id) -> Result<(), No> {
        let (height, delay) = (self.height, self.rules.withdrawal_delay);
        let provider = self.providers.get_mut(author).ok_or(No)?;
        let pot = provider.pot.as_mut().ok_or(No)?;
        let Some(maturity) = pot.maturity else {
            pot.maturity = Some(height + delay);
            return Ok(());
        };
        must(height >= maturity)?;
        let freed = pot.unused;
        provider.pot = None;
        self.give(author, freed);
        self.forget_provider(author);
        Ok(())
    }

    fn offer(&mut self, author: &Id, id: &Id, new: &NewOffer) -> Result<(), No> {
        let (code, terms) = (&new.code, &new.terms);
        must(1 <= code.k && code.k <= code.n && code.n <= 256)?;
        let (payment, collateral) = (terms.payment.units().into(), terms.collateral.units().into());
        must((1..=self.rules.max_payment).contains(&payment))?;
        must((1..=self.rules.max_collateral).contains(&collateral))?;
        must(terms.payments >= 1 && terms.period.0 >= self.rules.interval)?;
        must(code.fragment_size >= 1 && new.path.root().0 == *author)?;
        must(new.expires_at.0 >= self.height)?;
        let path = parity_scale_codec::Encode::encode(&new.path);
        let live = self.offers.iter().filter(|offer| offer.path == path);
        must(live.clone().count() < 16 && live.clone().all(|o| o.version < new.version))?;
        let offer = Offer {
            id: *id,
            owner: *author,
            path,
            version: new.version,
            n: code.n.into(),
            size: code.fragment_size,
            payment,
            period: terms.period.0,
            payments: terms.payments.into(),
            collateral,
            expires_at: new.expires_at.0,
            cancelled: false,
            reserve: code.n.into(),
            highest: None,
        };
        let locked = offer.reserve * self.whole_price(&offer) + self.rules.offer_deposit;
        self.offers.push(offer);
        self.take(author, locked)
    }

    fn place(&mut self, author: &Id, id: &Id, signed: &SignedAcceptance) -> Result<(), No> {
        let at = self.offers.iter().position(|offer| offer.id == *id).ok_or(No)?;
        let offer = self.offers[at].clone();
        must(offer.owner == *author && !offer.cancelled && self.height <= offer.expires_at)?;
        must(self.live(id) < offer.n && signed.size == offer.size)?;
        let valid_until = signed.valid_until.0;
        must(self.height <= valid_until)?;
        must(valid_until <= self.height + self.rules.acceptance_validity)?;
        must(offer.highest.is_none_or(|highest| signed.fragment_id > highest))?;
        self.offers[at].highest = Some(signed.fragment_id);
        self.take(author, self.rules.place_burn)?;
        self.burned += self.rules.place_burn;
        if offer.reserve > 0 {
            self.offers[at].reserve -= 1;
        } else {
            self.take(author, self.whole_price(&offer))?;
        }
        let provider = principal(&signed.provider_key.0);
        let pot = self.providers.get_mut(&provider).and_then(|p| p.pot.as_mut()).ok_or(No)?;
        must(pot.maturity.is_none_or(|maturity| valid_until <= maturity))?;
        must(offer.payment >= pot.min_payment && pot.unused >= offer.collateral)?;
        pot.unused -= offer.collateral;
        let fragment = signed.fragment_id.to_le_bytes();
        self.array.push(Placement {
            id: naive::tagged("blocktree/placement", &[id, &fragment]),
            offer: *id,
            owner: offer.owner,
            provider,
            size: signed.size,
            root: signed.root.0,
            payment: offer.payment,
            period: offer.period,
            collateral: offer.collateral,
            start: self.height,
            settled: 0,
            total: offer.payments,
            score: 0,
            struck: None,
            relieved: None,
            wait: Wait::Idle,
            demand_deposit: 0,
            owner_demanded: None,
            provider_demanded: None,
            last_demand_used: false,
        });
        Ok(())
    }

    fn demand(&mut self, author: &Id, id: &Id) -> Result<(), No> {
        let at = self.find(id).ok_or(No)?;
        must(self.demanded.len() < self.rules.demands)?;
        let (height, grace) = (self.height, self.rules.grace);
        let deposit = self.rules.demand_deposit;
        let placement = &mut self.array[at];
        must(placement.wait == Wait::Idle)?;
        placement.wait = Wait::Demanded;
        let (end, period) = (placement.end(), placement.period);
        let spaced = |before: Option<u64>| must(before.is_none_or(|b| height >= b + period));
        if placement.owner == *author && height + 1 < end {
            spaced(placement.owner_demanded)?;
            placement.owner_demanded = Some(height);
            placement.demand_deposit = deposit;
            self.take(author, deposit)?;
        } else if placement.provider == *author && height < end {
            spaced(placement.provider_demanded)?;
            placement.provider_demanded = Some(height);
        } else {
            must(placement.provider == *author && height <= end + grace)?;
            must(!placement.last_demand_used)?;
            placement.last_demand_used = true;
        }
        self.demanded.push(*id);
        Ok(())
    }

    fn claim(&mut self, claim: &Claim) -> Result<(), No> {
        let at = self.find(&claim.placement.0).ok_or(No)?;
        let placement = self.array[at].clone();
        let through = match &claim.evidence {
            Evidence::Proof { leaf, siblings } => {
                let Wait::Challenged { leaf: index, drawn, .. } = placement.wait else {
                    return Err(No);
                };
                must(proves(&placement.root, placement.size, index, leaf, siblings))?;
                self.pass(at, drawn);
                drawn
            }
            Evidence::Receipt { owner_key, through, .. } => {
                must(principal(&owner_key.0) == placement.owner)?;
                must(placement.last() < through.0 && through.0 < self.height)?;
                must(!matches!(placement.wait, Wait::Challenged { .. }))?;
                through.0
            }
        };
        let until = through.min(placement.end());
        let periods = until.saturating_sub(placement.last()) / placement.period;
        must(periods > 0 || matches!(claim.evidence, Evidence::Proof { .. }))?;
        let gross = i128::from(periods) * placement.payment;
        let burn = ceil(gross * self.rules.burn_ppm, 1_000_000);
        self.array[at].settled += periods;
        self.burned += burn;
        self.pool += 3 * burn / 2;
        self.give(&placement.provider, gross - burn);
        Ok(())
    }

    fn pass(&mut self, at: usize, drawn: u64) {
        let gap = self.rules.strike_gap;
        let placement = &mut self.array[at];
        placement.wait = Wait::Idle;
        if placement.relieved.is_none_or(|before| drawn >= before + gap) {
            placement.relieved = Some(drawn);
            placement.score = (placement.score - 1).max(0);
        }
        let deposit = core::mem::take(&mut placement.demand_deposit);
        let (id, provider) = (placement.id, placement.provider);
        self.providers.get_mut(&provider).unwrap().passed += 1;
        self.give(&provider, deposit);
        for entry in &mut self.queue {
            if *entry == Some(id) {
                *entry = None;
            }
        }
    }

    fn exit(&mut self, author: &Id, id: &Id) -> Result<(), No> {
        let at = self.find(id).ok_or(No)?;
        let placement = self.array[at].clone();
        must(placement.provider == *author && self.height < placement.end())?;
        let waiting = i128::from(placement.wait != Wait::Idle);
        if matches!(placement.wait, Wait::Challenged { .. }) {
            self.forfeit(at);
            self.providers.get_mut(author).unwrap().missed += 1;
        }
        let s = (placement.score / 4).min(2) + waiting;
        let burned = ceil(placement.collateral * (2 + s), 4).min(placement.collateral);
        self.remove(at, burned);
        Ok(())
    }

    fn cancel(&mut self, author: &Id, id: &Id) -> Result<(), No> {
        let at = self.offers.iter().position(|offer| offer.id == *id).ok_or(No)?;
        let offer = self.offers[at].clone();
        must(offer.owner == *author || self.height > offer.expires_at)?;
        must(!offer.cancelled)?;
        if self.live(id) == 0 {
            self.remove_offer(at);
            return Ok(());
        }
        let reserve = offer.reserve * self.whole_price(&offer);
        self.give(&offer.owner, reserve);
        self.offers[at].reserve = 0;
        self.offers[at].cancelled = true;
        Ok(())
    }
}

/// docs/protocol.md §2.
pub(crate) fn principal(key: &[u8; 32]) -> Id {
    naive::tagged("blocktree/principal", &[key])
}

/// Whether this leaf and path are those of leaf `index` of a fragment of `size` bytes under
/// `root`: RFC 6962's recursion once more, from the path's other end.
fn proves(root: &[u8; 32], size: u64, index: u64, leaf: &[u8], path: &[[u8; 32]]) -> bool {
    fn walk(index: usize, count: usize, leaf: &[u8], path: &[[u8; 32]]) -> Option<[u8; 32]> {
        if count == 1 {
            return path.is_empty().then(|| naive::sha256(&[&[0], leaf]));
        }
        let (top, below) = path.split_last()?;
        let at = count.next_power_of_two() / 2;
        Some(if index < at {
            naive::sha256(&[&[1], &walk(index, at, leaf, below)?, top])
        } else {
            naive::sha256(&[&[1], top, &walk(index - at, count - at, leaf, below)?])
        })
    }
    let count = size.div_ceil(256);
    let rest = size - 256 * index;
    let fits = index < count && leaf.len() as u64 == rest.min(256);
    let (index, count) = (usize::try_from(index).unwrap(), usize::try_from(count).unwrap());
    fits && walk(index, count, leaf, path) == Some(*root)
}
