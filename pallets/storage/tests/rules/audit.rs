//! The audit finds what is broken: one damage to each law, written past the rules.

use crate::world::{World, owner, path};
use blocktree_primitives::{Amount, Height, OfferId, PlacementId};
use blocktree_state::{BigEndian, Overlay};
use pallet_coin::accounts;
use pallet_storage::state::{
    CHALLENGES, DEMANDS, OFFER_PLACEMENTS, OFFERS, Offer, PATHS, PLACEMENTS, PROVIDER_PLACEMENTS,
    PROVIDERS, Pending, Placement, Provider, QUEUE_ENDS, SLOTS, STORED,
};
use pallet_support::AuditError;

/// Two placements of one offer: the first challenged, the second demanded.
struct Scene {
    world: World,
    offer: OfferId,
    first: PlacementId,
    second: PlacementId,
}

impl Scene {
    fn new() -> Self {
        let (mut world, offer) = World::with_offer();
        let first = world.place(&offer, 0).unwrap();
        let second = world.place(&offer, 1).unwrap();
        world.demand(owner, &first).unwrap();
        world.next();
        world.demand(owner, &second).unwrap();
        world.audit();
        Self { world, offer, first, second }
    }

    fn state(&mut self) -> &mut Overlay<'static> {
        &mut self.world.state
    }

    fn placement(&mut self, change: impl FnOnce(&mut Placement)) {
        let id = self.first;
        let mut placement = PLACEMENTS.get(self.state(), &id).unwrap().unwrap();
        change(&mut placement);
        PLACEMENTS.put(self.state(), &id, &placement).unwrap();
    }

    fn offer(&mut self, change: impl FnOnce(&mut Offer)) {
        let id = self.offer;
        let mut offer = OFFERS.get(self.state(), &id).unwrap().unwrap();
        change(&mut offer);
        OFFERS.put(self.state(), &id, &offer).unwrap();
    }

    fn provider(&mut self, change: impl FnOnce(&mut Provider)) {
        let id = self.world.provider.id;
        let mut provider = PROVIDERS.get(self.state(), &id).unwrap().unwrap();
        change(&mut provider);
        PROVIDERS.put(self.state(), &id, &provider).unwrap();
    }
}

fn one() -> Amount {
    Amount::from_units(1)
}

#[test]
fn every_law_is_checked() {
    type Damage = fn(&mut Scene);
    let rows: Vec<(&str, Damage, &str)> = vec![
        (
            "a pot that is not held",
            |s| s.provider(|p| p.standing.as_mut().unwrap().pot = one()),
            "held in all",
        ),
        ("a reserve that is not held", |s| s.offer(|o| o.reserve = 3), "held in all"),
        (
            "a hold of nobody's",
            |s| {
                let stranger = s.world.stranger.id;
                accounts::hold(s.state(), &stranger, one()).unwrap();
            },
            "held in all",
        ),
        (
            "one's hold on another's account",
            |s| {
                let (stranger, owner) = (s.world.stranger.id, s.world.owner.id);
                accounts::hold(s.state(), &stranger, one()).unwrap();
                accounts::release(s.state(), &owner, one()).unwrap();
            },
            "holds",
        ),
        ("no whole periods", |s| s.placement(|p| p.last = Height(3)), "has start"),
        ("settled beyond the end", |s| s.placement(|p| p.last = Height(72)), "has start"),
        ("settled before the start", |s| s.placement(|p| p.start = Height(3)), "has start"),
        ("a score above the limit", |s| s.placement(|p| p.score = 12), "has score"),
        ("a wrong slot", |s| s.placement(|p| p.slot = 1), "a placement's slot"),
        ("another fragment's id", |s| s.placement(|p| p.fragment_id = 7), "lists"),
        ("other terms", |s| s.placement(|p| p.collateral = one()), "does not fit its offer"),
        (
            "a deposit without a demand",
            |s| s.placement(|p| p.pending = Pending::Nothing),
            "deposit without a demand",
        ),
        (
            "another place in the queue",
            |s| s.placement(|p| p.pending = Pending::Challenge(1)),
            "does not fit its placement",
        ),
        (
            "no challenge in the queue",
            |s| CHALLENGES.remove(s.state(), &BigEndian(0)).unwrap(),
            "pending challenges",
        ),
        (
            "a queue that begins too late",
            |s| {
                let mut ends = QUEUE_ENDS.get(s.state()).unwrap();
                ends.first = 1;
                QUEUE_ENDS.put(s.state(), &ends).unwrap();
            },
            "is outside of",
        ),
        (
            "a challenge of no leaf",
            |s| {
                let at = BigEndian(0);
                let mut challenge = CHALLENGES.get(s.state(), &at).unwrap().unwrap();
                challenge.leaf = 3;
                CHALLENGES.put(s.state(), &at, &challenge).unwrap();
            },
            "does not fit its placement",
        ),
        (
            "a demand that nobody made",
            |s| {
                let id = s.first;
                let mut demands = DEMANDS.get(s.state()).unwrap();
                demands.push(id).unwrap();
                DEMANDS.put(s.state(), &demands).unwrap();
            },
            "a demanded placement",
        ),
        (
            "a demand that is lost",
            |s| DEMANDS.put(s.state(), &Default::default()).unwrap(),
            "demanded placements",
        ),
        ("a slot too few", |s| SLOTS.remove(s.state(), &BigEndian(1)).unwrap(), "slots"),
        (
            "a gap between the slots",
            |s| {
                let id = s.second;
                SLOTS.remove(s.state(), &BigEndian(1)).unwrap();
                SLOTS.put(s.state(), &BigEndian(2), &id).unwrap();
            },
            "slot",
        ),
        (
            "a miscounted array",
            |s| {
                let mut stored = STORED.get(s.state()).unwrap();
                stored.placements = 3;
                STORED.put(s.state(), &stored).unwrap();
            },
            "counted placements",
        ),
        (
            "miscounted bytes",
            |s| {
                let mut stored = STORED.get(s.state()).unwrap();
                stored.bytes += 1;
                STORED.put(s.state(), &stored).unwrap();
            },
            "counted bytes",
        ),
        (
            "an offer that its path does not list",
            |s| {
                let path = path(&s.world.owner, "file");
                PATHS.remove(s.state(), &path).unwrap();
            },
            "offers in the lists of paths",
        ),
        ("another version than listed", |s| s.offer(|o| o.version = 2), "lists"),
        (
            "a cancelled offer with a reserve",
            |s| s.offer(|o| o.cancelled = true),
            "is cancelled with reserve",
        ),
        ("more placements than fragments", |s| s.offer(|o| o.code.n = 1), "has 2 placements"),
        (
            "a placement that its offer does not list",
            |s| {
                let id = s.offer;
                OFFER_PLACEMENTS.remove(s.state(), &id).unwrap();
            },
            "placements in the lists of offers",
        ),
        (
            "an offer that is gone",
            |s| {
                let id = s.offer;
                OFFERS.remove(s.state(), &id).unwrap();
            },
            "lists",
        ),
        ("a miscounted provider", |s| s.provider(|p| p.placements = 1), "a provider's placements"),
        (
            "a provider that is gone",
            |s| {
                let id = s.world.provider.id;
                PROVIDERS.remove(s.state(), &id).unwrap();
            },
            "provider has no entry",
        ),
        (
            "a mark that is lost",
            |s| {
                let key = (s.world.provider.id, s.first);
                PROVIDER_PLACEMENTS.remove(s.state(), &key).unwrap();
            },
            "marks of providers' placements",
        ),
    ];
    for (name, damage, law) in rows {
        let mut scene = Scene::new();
        damage(&mut scene);
        match scene.world.try_audit() {
            Err(AuditError::Broken(text)) => {
                assert!(text.starts_with("storage: ") && text.contains(law), "{name}: {text}");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
}
