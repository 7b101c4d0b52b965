//! Random lives of a pool beside the naive model. After each step every answer is compared, the
//! indexes are counted anew, and the pool is restored from the disk and compared too.

use crate::common::{Spec, principal};
use crate::model::{self, Model};
use crate::node::{Event, Node, ids};
use blocktree_mempool::{Dropped, FeeRate, Policy, Status};
use blocktree_primitives::{Amount, EventId, Span};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug)]
enum Step {
    /// Inserts a new event; nonce and last block are counted from the present, one back.
    Insert { signer: u32, ahead: u64, fee: u64, weight: u64, padding: usize, until: Option<u64> },
    /// Inserts an event once more that was made before.
    Again(prop::sample::Index),
    /// Mines the first few of the best events, and one of somebody else's making.
    Mine { best: usize, foreign: Option<u32> },
    /// A block after which a signer has another balance.
    Balance { signer: u32, free: u64 },
    /// Takes a block back.
    Revert,
    /// A template refuses one of the best events.
    Refuse(prop::sample::Index),
    /// Stops the node and starts it.
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let insert = (0u32..4, 0u64..7, 250u64..2_500, 200u64..600, 0usize..60).prop_flat_map(
        |(signer, ahead, fee, weight, padding)| {
            prop::option::weighted(0.3, 0u64..9).prop_map(move |until| Step::Insert {
                signer,
                ahead,
                fee,
                weight,
                padding,
                until,
            })
        },
    );
    prop_oneof![
        12 => insert,
        2 => any::<prop::sample::Index>().prop_map(Step::Again),
        3 => (0usize..4, prop::option::of(0u32..4))
            .prop_map(|(best, foreign)| Step::Mine { best, foreign }),
        1 => (0u32..4, 0u64..6_000).prop_map(|(signer, free)| Step::Balance { signer, free }),
        3 => Just(Step::Revert),
        3 => any::<prop::sample::Index>().prop_map(Step::Refuse),
        1 => Just(Step::Restart),
    ]
}

struct Pair {
    node: Node,
    model: Model,
    made: Vec<(Spec, Event)>,
    by_id: BTreeMap<EventId, usize>,
    refusals: BTreeSet<String>,
}

impl Pair {
    fn new() -> Self {
        let policy = Policy {
            relay_floor: FeeRate::new(Amount::from_units(model::FLOOR.0), model::FLOOR.1),
            replacement_step: u32::try_from(model::STEP).expect("small"),
            signer_window: model::WINDOW,
            max_event_weight: model::MAX_WEIGHT,
            max_events: model::MAX_EVENTS,
            max_bytes: model::MAX_BYTES,
            min_life: Span(model::MIN_LIFE),
            max_wait: Span(model::MAX_WAIT),
            max_refusals: model::MAX_REFUSALS,
            max_pause: Span(model::MAX_PAUSE),
            max_drops: 10_000,
        };
        Self {
            node: Node::new(policy),
            model: Model::new(),
            made: Vec::new(),
            by_id: BTreeMap::new(),
            refusals: BTreeSet::new(),
        }
    }

    fn make(&mut self, spec: Spec) -> (Spec, Event) {
        let event = spec.make();
        self.by_id.insert(event.id(), self.made.len());
        self.made.push((spec.clone(), event.clone()));
        (spec, event)
    }

    fn insert(&mut self, spec: &Spec, event: Event) {
        let expected = self.model.insert(spec, &event);
        let result = self.node.insert_event(event);
        assert_eq!(result, expected, "{spec:?}");
        self.refusals.extend(result.err().map(|refusal| name("refused", &refusal)));
    }

    fn take(&mut self, step: Step) {
        let tip = self.node.pool.tip().height.0;
        match step {
            Step::Insert { signer, ahead, fee, weight, padding, until } => {
                let nonce = (self.model.account(signer).0 + ahead).saturating_sub(1);
                let valid_until = until.map(|until| tip + until);
                let spec = Spec { signer, nonce, fee, weight, padding, valid_until };
                let (spec, event) = self.make(spec);
                self.insert(&spec, event);
            }
            Step::Again(which) if !self.made.is_empty() => {
                let (spec, event) = which.get(&self.made).clone();
                self.insert(&spec, event);
            }
            Step::Mine { best, foreign } => {
                let best = self.node.best().into_iter().take(best);
                let mut block: Vec<_> = best.map(|id| self.made[self.by_id[&id]].clone()).collect();
                if let Some(signer) = foreign {
                    let in_block = block.iter().filter(|(s, _)| s.signer == signer).count();
                    let nonce = self.model.account(signer).0 + in_block as u64;
                    block.push(self.make(Spec::new(signer, nonce, 1 + tip)));
                }
                self.model.apply(block.clone(), &[]);
                self.node.apply(block.into_iter().map(|(_, event)| event).collect(), &[]);
            }
            Step::Balance { signer, free } => {
                self.model.apply(Vec::new(), &[(signer, free)]);
                self.node.apply(Vec::new(), &[(signer, free)]);
            }
            Step::Revert => {
                self.model.revert();
                self.node.revert();
            }
            Step::Refuse(which) => {
                let best = self.node.best();
                if !best.is_empty() {
                    let id = *which.get(&best);
                    self.model.refuse(id, "no");
                    self.node.refuse(&id, "no");
                }
            }
            Step::Restart => {
                self.model.restart();
                self.node.restart();
            }
            Step::Again(_) => {}
        }
        self.compare();
    }

    fn compare(&self) {
        let (pool, model) = (&self.node.pool, &self.model);
        assert_eq!(ids(pool.content(None, usize::MAX)), model.ids());
        assert_eq!(self.node.best(), model.best());
        assert_eq!(pool.info().parked, model.parked());
        for (signer, lane) in (0..4).zip(model.lanes()) {
            let author = principal(signer);
            assert_eq!(ids(pool.of_signer(&author)), lane);
            assert_eq!(pool.has_signer(&author), model.has_signer(signer));
            let nonce = model.account(signer).0;
            assert_eq!(pool.next_nonce(&author, nonce), model.next_nonce(signer));
        }
        for (_, event) in &self.made {
            let why: Option<Dropped> = match pool.status(&event.id()) {
                Some(Status::Dropped(why)) => Some(why.clone()),
                _ => None,
            };
            assert_eq!(why.as_ref(), model.dropped.get(&event.id()), "{}", event.id());
        }
        // Of a signer, nonces come without gaps.
        let mut next: BTreeMap<_, u64> = BTreeMap::new();
        for event in pool.best() {
            let account = self.node.account(&event.author()).nonce;
            let expected = next.entry(event.author()).or_insert(account);
            assert_eq!(event.event().nonce, *expected);
            *expected += 1;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn the_pool_is_the_naive_model(steps in prop::collection::vec(step(), 1..100)) {
        let mut pair = Pair::new();
        for step in steps {
            pair.take(step);
        }
    }
}

/// The random lives above meet every way out of the pool and every refusal but that of a moved
/// tip; if the numbers of the model were chosen badly, they would prove little.
#[test]
fn random_lives_meet_every_rule() {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[5; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for _ in 0..40 {
        let steps = prop::collection::vec(step(), 80).new_tree(&mut runner).unwrap().current();
        let mut pair = Pair::new();
        for step in steps {
            pair.take(step);
            seen.extend(pair.model.dropped.values().map(|why| name("dropped", why)));
        }
        seen.append(&mut pair.refusals);
    }
    let expected = [
        "dropped: Evicted",
        "dropped: Expired",
        "dropped: NonceUsed",
        "dropped: Refused",
        "dropped: Replaced",
        "dropped: WaitedTooLong",
        "refused: AlreadyKnown",
        "refused: Expired",
        "refused: ExpiresTooSoon",
        "refused: FeeTooLow",
        "refused: NonceTooFar",
        "refused: NonceUsed",
        "refused: Overdraft",
        "refused: PoolFull",
        "refused: ReplacementFeeTooLow",
        "refused: TooHeavy",
        "refused: TooManyFromSigner",
    ];
    assert_eq!(seen.iter().collect::<Vec<_>>(), expected);
}

/// The variant's name.
fn name(kind: &str, value: &impl std::fmt::Debug) -> String {
    let shown = format!("{value:?}");
    let end = shown.find(|c: char| !c.is_alphanumeric()).unwrap_or(shown.len());
    format!("{kind}: {}", &shown[..end])
}
