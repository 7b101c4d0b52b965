//! The pallet and its model side by side.

use crate::naive;
use crate::ops::id;
use crate::oracle::{Id, Oracle, Rules, Wait};
use blocktree_consensus::runtime::{BlockContext, Failure};
use blocktree_primitives::{
    Amount, BlockHash, BoundedBytes, BoundedVec, EventId, Height, OfferId, PlacementId, Principal,
    Signature, Span,
};
use blocktree_state::{Batch, Delta, Durability, Ledger, MemoryLedger, Overlay, StateView, View};
use pallet_coin::accounts;
use pallet_storage::state::{OFFERS, PATHS, PLACEMENTS, PROVIDERS, Pending, QUEUE_ENDS, SLOTS};
use pallet_storage::{Call, Claim, Effect, Evidence, Params, read};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

const FUNDS: u64 = 6_000;

pub(crate) const NO_SIGNATURE: Signature = Signature([0; 64]);

const RULES: Rules = Rules {
    draws: 3,
    demands: 2,
    interval: 7,
    window: 3,
    window_seconds: 14,
    strike_gap: 5,
    grace: 7,
    burn_ppm: 70_000,
    place_burn: 3,
    provider_deposit: 40,
    offer_deposit: 30,
    placement_deposit: 20,
    demand_deposit: 10,
    max_payment: 36,
    max_collateral: 340,
    acceptance_validity: 9,
    withdrawal_delay: 10,
};

/// The same for the pallet.
const PARAMS: Params = Params {
    draws: 3,
    demands: 2,
    interval: Span(7),
    window: Span(3),
    window_seconds: 14,
    strike_gap: Span(5),
    grace: Span(7),
    burn_ppm: 70_000,
    place_burn: Amount::from_units(3),
    provider_deposit: Amount::from_units(40),
    offer_deposit: Amount::from_units(30),
    placement_deposit: Amount::from_units(20),
    demand_deposit: Amount::from_units(10),
    max_payment: Amount::from_units(36),
    max_collateral: Amount::from_units(340),
    acceptance_validity: Span(9),
    withdrawal_delay: Span(10),
};

/// What has happened, to show that the random events reach everything.
#[derive(Default)]
pub(crate) struct Seen {
    accepted: BTreeMap<u8, u64>,
    refused: BTreeMap<u8, u64>,
    errors: BTreeMap<String, u64>,
    effects: BTreeSet<String>,
}

impl Seen {
    pub(crate) fn add(&mut self, other: &Self) {
        for (kind, count) in &other.accepted {
            *self.accepted.entry(*kind).or_default() += count;
        }
        for (kind, count) in &other.refused {
            *self.refused.entry(*kind).or_default() += count;
        }
        for (name, count) in &other.errors {
            *self.errors.entry(name.clone()).or_default() += count;
        }
        self.effects.extend(other.effects.iter().cloned());
    }

    pub(crate) fn assert_everything(&self) {
        for kind in 0..10u8 {
            let (accepted, refused) = (self.accepted.get(&kind), self.refused.get(&kind));
            assert!(accepted.is_some_and(|count| *count >= 5), "call {kind}: {accepted:?}");
            assert!(refused.is_some_and(|count| *count >= 5), "call {kind}: {refused:?}");
        }
        // Of some 60 ways to be refused, those that random events meet.
        assert!(self.errors.len() >= 40, "{:?}", self.errors);
        // 16 kinds of effect, one of them with 4 reasons.
        assert_eq!(self.effects.len(), 19, "{:?}", self.effects);
    }
}

pub(crate) struct World {
    ledger: MemoryLedger,
    /// What each step changed.
    deltas: Vec<Delta>,
    genesis: Vec<(Vec<u8>, Vec<u8>)>,
    coin: pallet_coin::Params,
    pub(crate) oracle: Oracle,
    seconds: u32,
    events: u64,
    pub(crate) seen: Seen,
}

impl World {
    pub(crate) fn new() -> Self {
        assert_eq!(PARAMS.check(), Ok(()));
        let people: Vec<Id> = (0..4).map(id).collect();
        let funds = Amount::from_units(FUNDS);
        let coin = pallet_coin::Params {
            floor: Amount::from_units(1),
            subsidy: Amount::ZERO,
            pool_cap: Amount::ZERO,
            halving_interval: 1,
            genesis: people.iter().map(|id| (Principal(*id), funds)).collect(),
        };
        let mut world = Self {
            ledger: MemoryLedger::new(),
            deltas: vec![],
            genesis: vec![],
            oracle: Oracle::new(RULES, &people, FUNDS.into()),
            coin: coin.clone(),
            seconds: 0,
            events: 0,
            seen: Seen::default(),
        };
        world.write(|state, _, _| pallet_coin::apply::genesis(state, &coin).unwrap());
        world.deltas.clear();
        world.genesis = pairs(&StateView(&world.ledger));
        world
    }

    fn context(&self) -> BlockContext {
        let hash = naive::sha256(&[b"block", &self.oracle.height.to_le_bytes()]);
        BlockContext {
            height: Height(self.oracle.height),
            parent: BlockHash(hash),
            parent_median_time: self.seconds,
            genesis: BlockHash([7; 32]),
        }
    }

    /// Writes what `change` does to the state, and keeps it to be undone.
    fn write<T>(
        &mut self,
        change: impl FnOnce(&mut Overlay<'_>, &BlockContext, &mut Vec<Effect>) -> T,
    ) -> T {
        let context = self.context();
        let mut effects = vec![];
        let view = StateView(&self.ledger);
        let mut overlay = Overlay::new(&view);
        let result = change(&mut overlay, &context, &mut effects);
        let delta = overlay.into_delta();
        self.commit(&delta);
        self.deltas.push(delta);
        self.seen.effects.extend(effects.iter().map(name));
        result
    }

    fn commit(&self, delta: &Delta) {
        let mut batch = Batch::new();
        delta.write_to(&mut batch);
        self.ledger.write(batch, Durability::Process).unwrap();
    }

    /// Begins the next block. It can't refuse.
    pub(crate) fn begin(&mut self, seconds: u32) {
        self.seconds += seconds;
        self.oracle.begin(&self.next_beacon(), self.seconds.into());
        self.write(|state, context, effects| {
            pallet_storage::begin_block(state, &PARAMS, context, effects).unwrap();
        });
    }

    /// The beacon of the block after this one, which depends on its height alone.
    fn next_beacon(&self) -> Id {
        naive::sha256(&[b"block", &(self.oracle.height + 1).to_le_bytes()])
    }

    /// Ends the block. It can't refuse.
    pub(crate) fn end(&mut self) {
        self.oracle.end();
        let coin = self.coin.clone();
        self.write(|state, context, effects| {
            pallet_storage::end_block(state, &PARAMS, context, effects).unwrap();
            pallet_coin::supply::pay_from_pool(state, &coin, context.height).unwrap();
        });
        let view = StateView(&self.ledger);
        let sums = pallet_coin::audit::audit(&view, &self.coin).unwrap();
        pallet_storage::audit(&view, &PARAMS, &sums).unwrap();
    }

    /// Submits an event to both; they agree whether it stands.
    pub(crate) fn submit(&mut self, author: &Id, call: &Call) -> bool {
        self.events += 1;
        let id = EventId(naive::sha256(&[b"event", &self.events.to_le_bytes()]));
        let stands = self.oracle.apply(author, &id.0, call);
        let author = Principal(*author);
        let outcome = self.write(|state, context, effects| {
            pallet_storage::check_call(&PARAMS, call).map_err(Failure::Refused)?;
            let before = state.checkpoint();
            pallet_storage::apply_call(state, &PARAMS, context, &author, &id, call, effects)
                .inspect_err(|_| state.rollback(before))
        });
        let kind = parity_scale_codec::Encode::encode(call)[0];
        match outcome {
            Ok(applied) => {
                assert_eq!(pallet_storage::may_answer(call), applied.answers_challenges);
                assert!(stands, "the model refuses {call:?}");
                *self.seen.accepted.entry(kind).or_default() += 1;
            }
            Err(Failure::Refused(error)) => {
                assert!(!stands, "the model accepts {call:?}, refused: {error}");
                assert!(self.deltas.pop().unwrap().is_empty(), "a refusal leaves no trace");
                *self.seen.refused.entry(kind).or_default() += 1;
                let debug = format!("{error:?}");
                let variant = debug.split(['(', ' ']).next().unwrap();
                *self.seen.errors.entry(format!("{kind} {variant}")).or_default() += 1;
            }
            Err(Failure::Fault(fault)) => panic!("{fault}"),
        }
        stands
    }

    /// Everything that the model knows is what the pallet wrote.
    pub(crate) fn compare(&self) {
        let view = &StateView(&self.ledger);
        let oracle = &self.oracle;
        let supply = pallet_coin::Supply::get(view).unwrap();
        assert_eq!(i128::from(supply.burned.units()), oracle.burned);
        let pool = supply.pool.checked_add(supply.pool_added).unwrap();
        assert_eq!(i128::from(pool.units()), oracle.pool);
        for (id, free) in &oracle.free {
            let account = accounts::get(view, &Principal(*id)).unwrap();
            assert_eq!(i128::from(account.free.units()), *free, "free");
            assert_eq!(i128::from(account.held.units()), oracle.held(id), "held");
        }
        self.compare_placements(view);
        self.compare_offers(view);
        self.compare_providers(view);
    }

    fn compare_placements(&self, view: &dyn View) {
        let slots = SLOTS.collect(view).unwrap();
        assert_eq!(slots.len(), self.oracle.array.len());
        assert_eq!(PLACEMENTS.collect(view).unwrap().len(), slots.len());
        let mut pending = 0;
        for ((_, id), model) in slots.iter().zip(&self.oracle.array) {
            assert_eq!(id.0, model.id, "the same place in the array");
            let found = PLACEMENTS.get(view, id).unwrap().unwrap();
            assert_eq!((found.last.0, found.end.0), (model.last(), model.end()));
            assert_eq!(i128::from(found.score), model.score);
            let challenge = read::challenge(view, id).unwrap();
            let wait = match (found.pending, challenge) {
                (Pending::Nothing, None) => Wait::Idle,
                (Pending::Demand, None) => Wait::Demanded,
                (Pending::Challenge(_), Some(challenge)) => {
                    pending += 1;
                    Wait::Challenged {
                        leaf: challenge.leaf,
                        drawn: challenge.opened.0,
                        seconds: challenge.opened_median_time.into(),
                    }
                }
                other => panic!("{other:?}"),
            };
            assert_eq!(wait, model.wait);
        }
        let ends = QUEUE_ENDS.get(view).unwrap();
        let waiting = self.oracle.queue.iter().flatten().count();
        assert_eq!((ends.next - ends.first, pending), (self.oracle.queue.len() as u64, waiting));
    }

    fn compare_offers(&self, view: &dyn View) {
        assert_eq!(OFFERS.collect(view).unwrap().len(), self.oracle.offers.len());
        for model in &self.oracle.offers {
            let found = OFFERS.get(view, &OfferId(model.id)).unwrap().unwrap();
            let (reserve, cancelled) = (i128::from(found.reserve), found.cancelled);
            assert_eq!((reserve, cancelled), (model.reserve, model.cancelled));
            assert_eq!(found.last_fragment, model.highest);
            let listed: Vec<Id> = PATHS
                .get(view, &found.path)
                .unwrap()
                .unwrap()
                .iter()
                .map(|entry| entry.offer.0)
                .collect();
            assert_eq!(listed, self.oracle.of_path(&model.path));
        }
    }

    fn compare_providers(&self, view: &dyn View) {
        assert_eq!(PROVIDERS.collect(view).unwrap().len(), self.oracle.providers.len());
        for (id, model) in &self.oracle.providers {
            let found = PROVIDERS.get(view, &Principal(*id)).unwrap().unwrap();
            let pot = found.standing.map(|s| (i128::from(s.pot.units()), s.maturity));
            let expected = model.pot.as_ref().map(|pot| (pot.unused, pot.maturity.map(Height)));
            assert_eq!(pot, expected);
            assert_eq!(
                (found.passed, found.missed, found.strikes, found.lost),
                (model.passed, model.missed, model.strikes, model.lost)
            );
        }
    }

    /// Nobody offers, places or proves any more; strangers and providers release what is left.
    pub(crate) fn wind_down(&mut self) {
        let stranger = id(3);
        let ends = self.oracle.array.iter().map(|placement| placement.end() + RULES.grace);
        let expiries = self.oracle.offers.iter().map(|offer| offer.expires_at + 1);
        let maturities = RULES.withdrawal_delay + self.oracle.height + 1;
        let last = ends.chain(expiries).chain([maturities]).max().unwrap();
        for number in 0..4 {
            let maturity = |world: &Self| {
                let provider = world.oracle.providers.get(&id(number))?;
                provider.pot.as_ref()?.maturity
            };
            if maturity(self).is_none() {
                self.submit(&id(number), &Call::Withdraw);
            }
        }
        // What was pending at the last of these heights ends a window later.
        while self.oracle.height < last + RULES.window + 1 {
            self.end();
            self.begin(14);
        }
        while let Some(placement) = self.oracle.array.first() {
            let call = Call::Close { placement: PlacementId(placement.id) };
            assert!(self.submit(&stranger, &call), "{call:?}");
        }
        while let Some(offer) = self.oracle.offers.first() {
            let call = Call::Cancel { offer: OfferId(offer.id) };
            assert!(self.submit(&stranger, &call), "{call:?}");
        }
        while let Some(provider) = self.oracle.providers.keys().next().copied() {
            assert!(self.submit(&provider, &Call::Withdraw));
        }
        self.end();
        self.compare();
        let view = StateView(&self.ledger);
        // What is left: accounts 0, supply 1, ends of the queue 10.
        let kinds: BTreeSet<u8> = pairs(&view).iter().map(|(key, _)| key[0]).collect();
        assert!(kinds.is_subset(&BTreeSet::from([0, 1, 10])), "{kinds:?}");
        let free: i128 = self.oracle.free.values().sum();
        assert_eq!(free + self.oracle.burned, 4 * i128::from(FUNDS));
    }

    /// The inverse of every delta, last first, restores genesis.
    pub(crate) fn undo_everything(&mut self) {
        while let Some(delta) = self.deltas.pop() {
            self.commit(&delta.inverse());
        }
        assert_eq!(pairs(&StateView(&self.ledger)), self.genesis);
    }
}

fn pairs(view: &dyn View) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut found = vec![];
    view.scan(&[], &mut |key, value| {
        found.push((key.to_vec(), value.to_vec()));
        ControlFlow::Continue(())
    })
    .unwrap();
    found
}

/// The kind of an effect, with the reason of a removal.
fn name(effect: &Effect) -> String {
    let debug = format!("{effect:?}");
    let kind = debug.split(' ').next().unwrap().to_string();
    match effect {
        Effect::PlacementRemoved { reason, .. } => format!("{kind} {reason:?}"),
        _ => kind,
    }
}

/// The bytes of a fragment of this size.
pub(crate) fn fragment_of(size: u64) -> Vec<u8> {
    (0..size).map(|i| u8::try_from(i % 251).unwrap()).collect()
}

pub(crate) fn proof(id: &PlacementId, leaf: Vec<u8>, siblings: Vec<[u8; 32]>) -> Claim {
    Claim {
        placement: *id,
        evidence: Evidence::Proof {
            leaf: BoundedBytes::try_from(leaf).unwrap(),
            siblings: BoundedVec::try_from(siblings).unwrap(),
        },
    }
}
