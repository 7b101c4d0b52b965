//! A chain of blocks without headers: begins and ends blocks, applies calls, audits.

use crate::naive;
use blocktree_consensus::runtime::{Applied, AuditError, BlockContext, Failure, SignatureCheck};
use blocktree_primitives::{
    Amount, BlockHash, BlockPath, BoundedBytes, BoundedVec, ContentHash, EventId, FragmentRoot,
    Height, Name, OfferId, PlacementId, Principal, PublicKey, SecretKey, Signature, Span,
};
use blocktree_state::{EmptyView, Overlay};
use pallet_coin::accounts;
use pallet_storage::state::{Placement, Provider};
use pallet_storage::{
    Authority, Call, Claim, Code, Codec, Effect, Error, Evidence, Extension, NewOffer, Params,
    Receipt, SignedAcceptance, Terms, read,
};

/// Seconds between the blocks of the tests.
pub(crate) const SPACING: u32 = 10;

/// Small numbers, so that sums can be followed. N / T with N = 1 draws once in 10 blocks.
pub(crate) const PARAMS: Params = Params {
    draws: 4,
    demands: 2,
    interval: Span(10),
    window: Span(5),
    window_seconds: 0,
    strike_gap: Span(8),
    grace: Span(12),
    burn_ppm: 30_000,
    place_burn: Amount::from_units(7),
    provider_deposit: Amount::from_units(1000),
    offer_deposit: Amount::from_units(100),
    placement_deposit: Amount::from_units(50),
    demand_deposit: Amount::from_units(20),
    max_payment: Amount::from_units(1000),
    max_collateral: Amount::from_units(9999),
    acceptance_validity: Span(40),
    withdrawal_delay: Span(41),
};

/// What every account of the tests begins with.
pub(crate) const FUNDS: u64 = 1_000_000;

/// Somebody with keys and an account.
pub(crate) struct Person {
    pub(crate) secret: SecretKey,
    pub(crate) key: PublicKey,
    pub(crate) id: Principal,
}

/// The person with this number.
pub(crate) fn person(number: u8) -> Person {
    let secret = SecretKey::from_bytes([number; 32]).unwrap();
    let key = secret.public_key();
    Person { id: Principal::of(&key), secret, key }
}

/// A fragment of 600 bytes: leaves of 256, 256 and 88.
pub(crate) fn fragment() -> Vec<u8> {
    (0..600u32).map(|i| u8::try_from(i % 251).unwrap()).collect()
}

/// One of the people of a world.
pub(crate) type Who = fn(&World) -> &Person;

/// The chain.
pub(crate) struct World {
    pub(crate) state: Overlay<'static>,
    pub(crate) params: Params,
    coin: pallet_coin::Params,
    pub(crate) height: u64,
    /// Median time that blocks see.
    pub(crate) median_time: u32,
    /// Whether the next block draws (when 1 ≤ N < T): see [`World::beacon`].
    pub(crate) loud: bool,
    /// The effects of the block so far.
    pub(crate) effects: Vec<Effect>,
    events: u64,
    pub(crate) owner: Person,
    pub(crate) provider: Person,
    pub(crate) stranger: Person,
}

/// A block hash of its own for every height. Loud: one draw more than ⌊N/T⌋ is made whenever
/// N mod T is not 0. Quiet: none.
pub(crate) fn beacon(loud: bool, interval: u64, height: u64) -> BlockHash {
    let share = u64::MAX / interval;
    let fits = |hash: &[u8; 32]| {
        let fraction = naive::number("blocktree/draw-frac", &[hash]);
        if loud { fraction < share } else { fraction > share * (interval - 1) + interval }
    };
    let hash = |i: u64| naive::sha256(&[&height.to_le_bytes(), &i.to_le_bytes()]);
    BlockHash((0..).map(hash).find(fits).unwrap())
}

impl World {
    /// At height 0, everybody funded.
    pub(crate) fn new() -> Self {
        Self::with(PARAMS)
    }

    pub(crate) fn with(params: Params) -> Self {
        Self::funded(params, FUNDS)
    }

    pub(crate) fn funded(params: Params, funds: u64) -> Self {
        assert_eq!(params.check(), Ok(()));
        let people = [person(1), person(2), person(3)];
        let coin = pallet_coin::Params {
            floor: Amount::from_units(1),
            subsidy: Amount::ZERO,
            pool_cap: Amount::ZERO,
            halving_interval: 1,
            genesis: people.iter().map(|p| (p.id, Amount::from_units(funds))).collect(),
        };
        let mut state = Overlay::new(&EmptyView);
        pallet_coin::apply::genesis(&mut state, &coin).unwrap();
        let [owner, provider, stranger] = people;
        Self {
            state,
            params,
            coin,
            height: 0,
            median_time: 1000,
            loud: false,
            effects: vec![],
            events: 0,
            owner,
            provider,
            stranger,
        }
    }

    /// A world in which the provider has announced a pot of 50,000 and the owner's `offer()` is
    /// on the ledger, in a block of its own; the next block is begun.
    pub(crate) fn with_offer() -> (Self, OfferId) {
        let mut world = Self::new();
        world.begin();
        world.announce(50_000).unwrap();
        let offer = world.offer().unwrap();
        world.next();
        (world, offer)
    }

    /// The same with fragment 0 placed in block 2 under the standard terms: start = last = 2,
    /// end = 2 + 10 · 6 = 62. Block 3 is begun.
    pub(crate) fn with_placement() -> (Self, PlacementId) {
        let (mut world, offer) = Self::with_offer();
        let id = world.place(&offer, 0).unwrap();
        world.next();
        assert_eq!(world.height, 3);
        (world, id)
    }

    pub(crate) fn context(&self) -> BlockContext {
        BlockContext {
            height: Height(self.height),
            parent: beacon(self.loud, self.params.interval.0, self.height),
            parent_median_time: self.median_time,
            genesis: genesis(),
        }
    }

    /// Begins the next block.
    pub(crate) fn begin(&mut self) {
        self.loud = false;
        self.begin_with(SPACING);
    }

    /// Begins the next block, which sees so many seconds more.
    pub(crate) fn begin_with(&mut self, seconds: u32) {
        self.height += 1;
        self.median_time += seconds;
        self.effects.clear();
        let context = self.context();
        pallet_storage::begin_block(&mut self.state, &self.params, &context, &mut self.effects)
            .unwrap();
    }

    /// Ends the block and checks every law.
    pub(crate) fn end(&mut self) {
        let context = self.context();
        pallet_storage::end_block(&mut self.state, &self.params, &context, &mut self.effects)
            .unwrap();
        let height = Height(self.height);
        pallet_coin::supply::pay_from_pool(&mut self.state, &self.coin, height).unwrap();
        self.audit();
    }

    pub(crate) fn audit(&self) {
        self.try_audit().unwrap();
    }

    /// The coin's laws hold; those of storage may not.
    pub(crate) fn try_audit(&self) -> Result<(), AuditError> {
        let sums = pallet_coin::audit::audit(&self.state, &self.coin).unwrap();
        pallet_storage::audit(&self.state, &self.params, &sums)
    }

    /// Ends the block and begins the next.
    pub(crate) fn next(&mut self) {
        self.end();
        self.begin();
    }

    /// Goes on until the block at `height` is begun.
    pub(crate) fn go_to(&mut self, height: u64) {
        assert!(height >= self.height);
        while self.height < height {
            self.next();
        }
    }

    /// Goes on in time that stands still, without draws beyond ⌊N/T⌋.
    pub(crate) fn go_to_with_time_standing(&mut self, height: u64) {
        while self.height < height {
            self.end();
            self.loud = false;
            self.begin_with(0);
        }
    }

    /// Ends the block and begins one that draws (when 1 ≤ N < T).
    pub(crate) fn draw(&mut self) {
        self.end();
        self.loud = true;
        self.begin_with(SPACING);
    }

    /// Applies a call as the runtime does: checked, its signatures verified, and taken back if
    /// it is refused. Returns the event's id, and what became of it.
    pub(crate) fn submit(
        &mut self,
        author: &Principal,
        call: &Call,
    ) -> Result<(EventId, Applied), Error> {
        self.events += 1;
        let id = EventId(naive::sha256(&[b"event", &self.events.to_le_bytes()]));
        pallet_storage::check_call(&self.params, call)?;
        let context = self.context();
        let mut checks: Vec<SignatureCheck> = vec![];
        pallet_storage::signatures(&context.genesis, call, &mut checks);
        checks.iter().for_each(|check| check.verify().unwrap());
        let before = self.state.checkpoint();
        let applied = pallet_storage::apply_call(
            &mut self.state,
            &self.params,
            &context,
            author,
            &id,
            call,
            &mut self.effects,
        );
        match applied {
            Ok(applied) => {
                // What the call alone tells is what the fold finds.
                assert_eq!(pallet_storage::may_answer(call), applied.answers_challenges);
                Ok((id, applied))
            }
            Err(Failure::Refused(error)) => {
                self.state.rollback(before);
                Err(error)
            }
            Err(Failure::Fault(fault)) => panic!("{fault}"),
        }
    }

    /// As [`World::submit`], by people's numbers in the tests' names.
    pub(crate) fn by(&mut self, who: Who, call: Call) -> Result<Applied, Error> {
        let author = who(self).id;
        self.submit(&author, &call).map(|(_, applied)| applied)
    }

    pub(crate) fn announce(&mut self, pot: u64) -> Result<Applied, Error> {
        self.by(provider, announcement(pot))
    }

    pub(crate) fn withdraw(&mut self) -> Result<Applied, Error> {
        self.by(provider, Call::Withdraw)
    }

    /// The standard offer, by the owner.
    pub(crate) fn offer(&mut self) -> Result<OfferId, Error> {
        let new = self.new_offer();
        self.offer_as(new)
    }

    pub(crate) fn offer_as(&mut self, new: NewOffer) -> Result<OfferId, Error> {
        let author = self.owner.id;
        self.submit(&author, &Call::Offer(new)).map(|(id, _)| id.into())
    }

    /// 2 of 3 fragments of 600 bytes; 6 payments of 100 every 10 blocks, 999 collateral; until
    /// height 100.
    pub(crate) fn new_offer(&self) -> NewOffer {
        NewOffer {
            authority: Authority::Root,
            path: path(&self.owner, "file"),
            version: 1,
            code: Code {
                codec: Codec::RaptorQ,
                k: 2,
                n: 3,
                fragment_size: 600,
                params: BoundedBytes::new(),
            },
            content_hash: ContentHash([9; 32]),
            terms: Terms {
                payment: Amount::from_units(100),
                period: Span(10),
                payments: 6,
                collateral: Amount::from_units(999),
            },
            expires_at: Height(100),
        }
    }

    /// The provider's word for a fragment, valid until the next block.
    pub(crate) fn acceptance(&self, offer: &OfferId, fragment_id: u32) -> SignedAcceptance {
        self.acceptance_until(offer, fragment_id, self.height + 1)
    }

    pub(crate) fn acceptance_until(
        &self,
        offer: &OfferId,
        fragment_id: u32,
        valid_until: u64,
    ) -> SignedAcceptance {
        pallet_storage::Acceptance {
            offer: *offer,
            fragment_id,
            provider: Principal::default(),
            root: FragmentRoot(naive::root(&fragment())),
            size: 600,
            valid_until: Height(valid_until),
        }
        .sign(&genesis(), &self.provider.secret)
    }

    pub(crate) fn place(
        &mut self,
        offer: &OfferId,
        fragment_id: u32,
    ) -> Result<PlacementId, Error> {
        let acceptance = self.acceptance(offer, fragment_id);
        self.place_all(offer, vec![acceptance])?;
        Ok(pallet_storage::placement_id(offer, fragment_id))
    }

    pub(crate) fn place_all(
        &mut self,
        offer: &OfferId,
        acceptances: Vec<SignedAcceptance>,
    ) -> Result<Applied, Error> {
        let acceptances = BoundedVec::try_from(acceptances).unwrap();
        self.by(owner, Call::Place { offer: *offer, acceptances })
    }

    /// The correct answer to a pending challenge.
    pub(crate) fn proof(&self, id: &PlacementId) -> Claim {
        let challenge = read::challenge(&self.state, id).unwrap().unwrap();
        let (leaf, siblings) = naive::proof(&fragment(), challenge.leaf);
        proof(id, leaf, siblings)
    }

    /// The owner's receipt.
    pub(crate) fn receipt(&self, id: &PlacementId, through: u64) -> Claim {
        let receipt = Receipt { placement: *id, through: Height(through) };
        Claim { placement: *id, evidence: receipt.sign(&genesis(), &self.owner.secret) }
    }

    /// By a stranger: anyone may.
    pub(crate) fn payout(&mut self, claims: Vec<Claim>) -> Result<Applied, Error> {
        let claims = BoundedVec::try_from(claims).unwrap();
        self.by(stranger, Call::Payout { claims })
    }

    pub(crate) fn answer(&mut self, id: &PlacementId) -> Result<Applied, Error> {
        let claim = self.proof(id);
        self.payout(vec![claim])
    }

    /// Answers every pending challenge, one by one.
    pub(crate) fn answer_all(&mut self) {
        for (_, challenge) in read::challenges(&self.state, 0, usize::MAX).unwrap() {
            self.answer(&challenge.placement).unwrap();
        }
    }

    pub(crate) fn demand(&mut self, who: Who, id: &PlacementId) -> Result<(), Error> {
        self.by(who, Call::Demand { placement: *id }).map(|_| ())
    }

    pub(crate) fn extend(
        &mut self,
        id: &PlacementId,
        old: u64,
        new: u64,
    ) -> Result<Applied, Error> {
        let extension = Extension { placement: *id, old_end: Height(old), new_end: Height(new) };
        let call = Call::Extend(extension.sign(&genesis(), &self.provider.secret));
        self.by(owner, call)
    }

    pub(crate) fn exit(&mut self, id: &PlacementId) -> Result<Applied, Error> {
        self.by(provider, Call::Exit { placement: *id })
    }

    pub(crate) fn close(&mut self, who: Who, id: &PlacementId) -> Result<Applied, Error> {
        self.by(who, Call::Close { placement: *id })
    }

    pub(crate) fn cancel(&mut self, who: Who, offer: &OfferId) -> Result<Applied, Error> {
        self.by(who, Call::Cancel { offer: *offer })
    }

    /// Lets one challenge of `id` be demanded in this block, drawn in the next and missed: goes
    /// on to the block after the one that ends it, which is 1 + W + 1 = 7 blocks from here.
    pub(crate) fn miss(&mut self, id: &PlacementId) {
        self.demand(owner, id).unwrap();
        let height = self.height;
        self.go_to(height + 7);
    }

    pub(crate) fn placement(&self, id: &PlacementId) -> Option<Placement> {
        read::placement(&self.state, id).unwrap()
    }

    pub(crate) fn record(&self) -> Option<Provider> {
        read::provider(&self.state, &self.provider.id).unwrap()
    }

    /// The provider's unused pot.
    pub(crate) fn pot(&self) -> u64 {
        self.record().unwrap().standing.unwrap().pot.units()
    }

    /// Free and held balance.
    pub(crate) fn balance(&self, who: Who) -> (u64, u64) {
        let account = accounts::get(&self.state, &who(self).id).unwrap();
        (account.free.units(), account.held.units())
    }

    /// All that was burned.
    pub(crate) fn burned(&self) -> u64 {
        pallet_coin::Supply::get(&self.state).unwrap().burned.units()
    }

    /// The mint pool, with what this block adds.
    pub(crate) fn pool(&self) -> u64 {
        let supply = pallet_coin::Supply::get(&self.state).unwrap();
        supply.pool.units() + supply.pool_added.units()
    }

    /// Whether the block so far has an effect like this.
    pub(crate) fn saw(&self, like: impl Fn(&Effect) -> bool) -> bool {
        self.effects.iter().any(like)
    }
}

pub(crate) fn genesis() -> BlockHash {
    BlockHash([0xee; 32])
}

pub(crate) fn owner(world: &World) -> &Person {
    &world.owner
}

pub(crate) fn provider(world: &World) -> &Person {
    &world.provider
}

pub(crate) fn stranger(world: &World) -> &Person {
    &world.stranger
}

pub(crate) fn announcement(pot: u64) -> Call {
    Call::Announce {
        capacity: 10_000,
        min_payment: Amount::from_units(100),
        pot: Amount::from_units(pot),
    }
}

pub(crate) fn path(owner: &Person, name: &str) -> BlockPath {
    BlockPath::new(owner.id, vec![Name::new(name).unwrap()]).unwrap()
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

/// A signature of nobody, for calls that are refused before signatures count.
pub(crate) const NO_SIGNATURE: Signature = Signature([0; 64]);
