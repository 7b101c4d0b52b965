//! What events do in the model.

use super::{Id, No, Offer, Oracle, Placement, Pot, Wait, ceil, must, principal};
use crate::naive;
use pallet_storage::{Call, Claim, Evidence, NewOffer, SignedAcceptance};

impl Oracle {
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
