//! Storage's conservation laws (docs/protocol.md §8). Reads everything; for tests, simulations
//! and `chain verify`.

use crate::params::SCORE_LIMIT;
use crate::state::{
    CHALLENGES, Challenge, DEMANDS, MAX_LIVE_OFFERS, OFFER_PLACEMENTS, OFFERS, Offer, OfferList,
    PATHS, PLACEMENTS, PROVIDER_PLACEMENTS, PROVIDERS, Pending, Placement, PlacementList, Provider,
    QUEUE_ENDS, SLOTS, STORED,
};
use crate::{Params, placement_id};
use blocktree_primitives::{Amount, BlockPath, OfferId, PlacementId, Principal};
use blocktree_state::View;
use core::fmt::Debug;
use core::ops::ControlFlow;
use pallet_coin::account::PRINCIPALS;
use pallet_coin::audit::Sums;
use pallet_support::AuditError;
use std::collections::BTreeMap;

/// Everything that storage keeps.
struct Books {
    providers: BTreeMap<Principal, Provider>,
    paths: BTreeMap<BlockPath, OfferList>,
    offers: BTreeMap<OfferId, Offer>,
    lists: BTreeMap<OfferId, PlacementList>,
    placements: BTreeMap<PlacementId, Placement>,
    queue: BTreeMap<u64, Challenge>,
}

/// Checks, for the state between two blocks' events or after a block:
///
/// - held = pots + deposits + reserves + holds + collateral (+ bindings), for each principal and
///   in all; hold = payment · (end − last) / period exactly;
/// - slots ↔ placements, queue ↔ pending challenges, demands ↔ demanded placements;
/// - paths ↔ offers ↔ placements ↔ providers, and their records.
///
/// # Errors
/// The law that is broken.
pub fn audit(view: &dyn View, params: &Params, coin: &Sums) -> Result<(), AuditError> {
    let books = Books {
        providers: PROVIDERS.collect(view)?.into_iter().collect(),
        paths: PATHS.collect(view)?.into_iter().collect(),
        offers: OFFERS.collect(view)?.into_iter().collect(),
        lists: OFFER_PLACEMENTS.collect(view)?.into_iter().collect(),
        placements: PLACEMENTS.collect(view)?.into_iter().collect(),
        queue: CHALLENGES
            .collect(view)?
            .into_iter()
            .map(|(position, challenge)| (position.0, challenge))
            .collect(),
    };
    books.check_paths()?;
    books.check_offers()?;
    books.check_placements()?;
    books.check_providers(view)?;
    check_slots(view, &books)?;
    check_queue(view, params, &books)?;
    check_held(view, &books, coin)
}

fn law(holds: bool, text: impl FnOnce() -> String) -> Result<(), AuditError> {
    if holds { Ok(()) } else { Err(AuditError::Broken(format!("storage: {}", text()))) }
}

fn same<T: PartialEq + Debug>(what: &str, found: &T, expected: &T) -> Result<(), AuditError> {
    law(found == expected, || format!("{what}: {found:?}, not {expected:?}"))
}

impl Books {
    /// Every path lists its live offers, all of them, newest first.
    fn check_paths(&self) -> Result<(), AuditError> {
        let mut listed = 0usize;
        for (path, live) in &self.paths {
            let len = live.len();
            law((1..=MAX_LIVE_OFFERS).contains(&len), || format!("{path:?} lists {len} offers"))?;
            for entry in live {
                let offer = self.offers.get(&entry.offer);
                let fits = offer.is_some_and(|o| o.path == *path && o.version == entry.version);
                law(fits, || format!("{path:?} lists {:?}", entry.offer))?;
            }
            let falls = live
                .iter()
                .zip(live.iter().skip(1))
                .all(|(newer, older)| newer.version > older.version);
            law(falls, || format!("the versions of {path:?} don't fall"))?;
            listed = listed.saturating_add(len);
        }
        same("offers in the lists of paths", &listed, &self.offers.len())
    }

    /// Live placements ≤ n, each in its offer's list once; a cancelled offer keeps no reserve.
    fn check_offers(&self) -> Result<(), AuditError> {
        let mut listed = 0usize;
        for (id, live) in &self.lists {
            law(!live.is_empty(), || format!("{id:?} has an empty list"))?;
            law(self.offers.contains_key(id), || {
                format!("{id:?} has placements and is not there")
            })?;
            let mut before = None;
            for placed in live {
                let fragment = self.placements.get(placed).map(|p| (p.offer, p.fragment_id));
                let fits = fragment.is_some_and(|(offer, fragment)| {
                    offer == *id && before.is_none_or(|before| before < fragment)
                });
                law(fits, || format!("{id:?} lists {placed:?}"))?;
                before = fragment.map(|(_, fragment)| fragment);
            }
            listed = listed.saturating_add(live.len());
        }
        same("placements in the lists of offers", &listed, &self.placements.len())?;
        for (id, offer) in &self.offers {
            let live = self.lists.get(id).map_or(0, |list| list.len());
            let n = usize::from(offer.code.n);
            law(live <= n && offer.reserve <= offer.code.n, || {
                format!("{id:?} has {live} placements and reserve {}", offer.reserve)
            })?;
            law(!offer.cancelled || (offer.reserve == 0 && live > 0), || {
                format!("{id:?} is cancelled with reserve {}", offer.reserve)
            })?;
            law(offer.owner == offer.path.root(), || format!("{id:?} is not of its path's root"))?;
        }
        Ok(())
    }

    /// start ≤ last ≤ end in whole periods, a score below the limit, a deposit only for a demand.
    fn check_placements(&self) -> Result<(), AuditError> {
        for (id, placement) in &self.placements {
            let offer = &placement.offer;
            same("id", id, &placement_id(offer, placement.fragment_id))?;
            let left = placement.end.since(placement.last);
            let whole = left.and_then(|left| left.0.checked_rem(placement.period.0));
            law(placement.start <= placement.last && whole == Some(0), || {
                let (start, last, end) = (placement.start, placement.last, placement.end);
                format!("{id:?} has start {start}, last {last}, end {end}")
            })?;
            law(placement.score < SCORE_LIMIT && placement.size > 0, || {
                format!("{id:?} has score {}", placement.score)
            })?;
            let idle = placement.pending == Pending::Nothing;
            law(!idle || placement.demand_deposit.is_zero(), || {
                format!("{id:?} holds a demand's deposit without a demand")
            })?;
            let source = self.offers.get(offer);
            let fits = source.is_some_and(|offer| {
                offer.owner == placement.owner
                    && offer.code.fragment_size == placement.size
                    && offer.terms.payment == placement.payment
                    && offer.terms.period == placement.period
                    && offer.terms.collateral == placement.collateral
                    && offer.last_fragment >= Some(placement.fragment_id)
            });
            law(fits, || format!("{id:?} does not fit its offer"))?;
        }
        Ok(())
    }

    /// A provider's entry counts its placements, and is there for terms or placements only.
    fn check_providers(&self, view: &dyn View) -> Result<(), AuditError> {
        let mut counted: BTreeMap<Principal, (u64, u128)> = BTreeMap::new();
        let mut marks = Vec::new();
        for (id, placement) in &self.placements {
            let (placements, bytes) = counted.entry(placement.provider).or_default();
            *placements = placements.saturating_add(1);
            *bytes = bytes.saturating_add(placement.size.into());
            marks.push(((placement.provider, *id), 1));
        }
        marks.sort_unstable();
        let found = PROVIDER_PLACEMENTS.collect(view)?;
        same("marks of providers' placements", &found, &marks)?;
        for (principal, provider) in &self.providers {
            let expected = counted.remove(principal).unwrap_or_default();
            same(
                "a provider's placements and bytes",
                &(provider.placements, provider.bytes),
                &expected,
            )?;
            law(provider.standing.is_some() || provider.placements > 0, || {
                format!("{principal:?} has neither terms nor placements")
            })?;
        }
        law(counted.is_empty(), || "a placement's provider has no entry".into())
    }

    /// What must be held of each principal's balance, bindings aside. `None` if it overflows.
    fn held(&self) -> Option<BTreeMap<Principal, Amount>> {
        let mut held: BTreeMap<Principal, Amount> = BTreeMap::new();
        let mut add = |principal: Principal, amounts: &[Amount]| {
            let sum = held.entry(principal).or_default();
            *sum = sum.checked_add(Amount::sum(amounts.iter().copied())?)?;
            Some(())
        };
        for (principal, provider) in &self.providers {
            let pot = provider.standing.as_ref().map_or(Amount::ZERO, |s| s.pot);
            add(*principal, &[provider.deposit, pot])?;
        }
        for offer in self.offers.values() {
            add(offer.owner, &[offer.deposit, offer.held_in_reserve()?])?;
        }
        for placement in self.placements.values() {
            let hold = placement.hold().ok()?;
            let deposits = [hold, placement.deposit, placement.demand_deposit];
            add(placement.owner, &deposits)?;
            add(placement.provider, &[placement.collateral])?;
        }
        Some(held)
    }
}

/// The array is dense, and every placement knows its slot.
fn check_slots(view: &dyn View, books: &Books) -> Result<(), AuditError> {
    let stored = STORED.get(view)?;
    let slots = SLOTS.collect(view)?;
    same("slots", &slots.len(), &books.placements.len())?;
    let len = u64::try_from(slots.len()).unwrap_or(u64::MAX);
    same("counted placements", &stored.placements, &len)?;
    let bytes = books.placements.values().map(|p| u128::from(p.size)).sum();
    same("counted bytes", &stored.bytes, &bytes)?;
    for (expected, (slot, id)) in (0u64..).zip(&slots) {
        same("slot", &slot.0, &expected)?;
        let known = books.placements.get(id).map(|placement| placement.slot);
        same("a placement's slot", &known, &Some(expected))?;
    }
    Ok(())
}

/// Every challenge in the queue is its placement's, every pending placement is in the queue or
/// among the demands.
fn check_queue(view: &dyn View, params: &Params, books: &Books) -> Result<(), AuditError> {
    let ends = QUEUE_ENDS.get(view)?;
    let mut opened = Default::default();
    for (position, challenge) in &books.queue {
        law((ends.first..ends.next).contains(position), || {
            format!("challenge {position} is outside of {ends:?}")
        })?;
        let placement = books.placements.get(&challenge.placement);
        let fits = placement.is_some_and(|placement| {
            placement.pending == Pending::Challenge(*position)
                && challenge.leaf < placement.leaves()
        });
        law(fits && opened <= challenge.opened, || {
            format!("challenge {position} does not fit its placement")
        })?;
        opened = challenge.opened;
    }
    let demands = DEMANDS.get(view)?;
    law(u32::try_from(demands.len()).is_ok_and(|count| count <= params.demands), || {
        format!("{} demands wait", demands.len())
    })?;
    for id in &demands {
        let pending = books.placements.get(id).map(|placement| placement.pending);
        same("a demanded placement", &pending, &Some(Pending::Demand))?;
    }
    let waiting = |wanted: fn(&Pending) -> bool| {
        let pending = books.placements.values().map(|placement| placement.pending);
        pending.filter(wanted).count()
    };
    let challenged = waiting(|pending| matches!(pending, Pending::Challenge(_)));
    same("pending challenges", &challenged, &books.queue.len())?;
    let demanded = waiting(|pending| *pending == Pending::Demand);
    same("demanded placements", &demanded, &demands.len())
}

/// What is held is what storage and bindings account for, for each principal and in all.
fn check_held(view: &dyn View, books: &Books, coin: &Sums) -> Result<(), AuditError> {
    let overflow = || AuditError::Broken("storage: what is held overflows".into());
    let mut expected = books.held().ok_or_else(overflow)?;
    let all = Amount::sum(expected.values().copied()).ok_or_else(overflow)?;
    let counted = all.checked_add(coin.binding_deposits);
    same("held in all", &Some(coin.held), &counted)?;
    let mut broken = Ok(());
    PRINCIPALS.scan(view, &[], |principal, account| {
        let deposit = account.binding.map_or(Amount::ZERO, |b| b.deposit);
        let storage = expected.remove(&principal).unwrap_or_default();
        let sum = storage.checked_add(deposit);
        broken = law(sum == Some(account.held), || {
            format!("{principal:?} holds {}, not {sum:?}", account.held)
        });
        if broken.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    broken?;
    law(expected.values().all(|amount| amount.is_zero()), || {
        "something is held of a principal without an account".into()
    })
}
