//! One valid block, and everything that can be wrong with it, each named.

use crate::counters::{Call, Counters, Effect, POOL, SUBSIDY};
use crate::fixture::{Chain, PARAMS, now, principal, remine, reroot, reseal, secret};
use blocktree_consensus::limits::{MAX_NORMAL_WEIGHT, MAX_WEIGHT};
use blocktree_consensus::{
    Blame, Body, Candidate, EncodedEvent, NotAccepted, NotYet, Runtime, Violation, Weight,
};
use blocktree_primitives::block::MAX_BLOCK_LEN;
use blocktree_primitives::key::SignatureError;
use blocktree_primitives::{Amount, BlockHash, DecodeError, Event, Height, PublicKey, Signature};
use std::collections::BTreeSet;
use std::sync::OnceLock;

/// The chain and its valid next block, made once.
struct Fixture {
    chain: Chain,
    valid: Candidate<Call>,
}

fn fixture() -> &'static Fixture {
    static FIXTURE: OnceLock<Fixture> = OnceLock::new();
    FIXTURE.get_or_init(|| {
        let chain = Chain::thirteen();
        let valid = chain.mine(vec![
            chain.event(1, 12, Call::Add { amount: 5 }),
            chain.event(2, 0, witnessed(&chain, secret(3).sign(&chain.genesis.0))),
            chain.event(1, 13, Call::Weigh { extra: 1000, answers_challenges: true }),
        ]);
        Fixture { chain, valid }
    })
}

fn witnessed(_chain: &Chain, signature: Signature) -> Call {
    Call::Witnessed { by: secret(3).public_key(), signature }
}

#[test]
fn the_valid_block_is_accepted() {
    let Fixture { chain, valid } = fixture();
    let executed = chain.judge(&valid.encoded()).unwrap();
    assert_eq!(executed.block().header().info().height, Height(13));
    assert_eq!(executed.block().encoded_body(), valid.body.encoded());
    // Three fees of 3.
    assert_eq!(executed.executed().fees, Amount::from_units(9));
    assert_eq!(executed.executed().pool_payout, Amount::from_units(POOL));
    // Times are genesis + 60 h, so the median of headers 2 to 12 is that of header 7.
    let median = PARAMS.genesis_time + 7 * 60;
    let effects = &executed.executed().effects;
    assert_eq!(effects[0], Effect::Began { height: Height(13), median });
    // 12 blocks added 2 each, this one 5.
    let id = executed.block().events()[0].id();
    assert_eq!(effects[1], Effect::Counted { id, count: 29 });
    assert_eq!(effects.len(), 5);
    let state = chain.state.with(&executed.executed().delta);
    let account = Counters.account(&state, &principal(9)).unwrap();
    // 12 blocks with one fee of 3, this one with three.
    assert_eq!(account.free.units(), 13 * (SUBSIDY + POOL) + 12 * 3 + 9);
    assert_eq!(Counters.audit(&state), Ok(()));
}

/// How a row spoils the valid block, and what comes of it.
struct Row {
    what: &'static str,
    expected: &'static str,
    spoilt: fn(&Fixture) -> Vec<u8>,
}

/// The valid block, changed, as bytes.
fn changed(fixture: &Fixture, change: impl FnOnce(&mut Candidate<Call>)) -> Vec<u8> {
    let mut block = fixture.valid.clone();
    change(&mut block);
    block.encoded()
}

/// The valid block with a changed header, its work done again.
fn remined(fixture: &Fixture, change: impl FnOnce(&mut Candidate<Call>)) -> Vec<u8> {
    changed(fixture, |block| {
        change(block);
        remine(&mut block.header);
    })
}

/// The valid block with a changed commitment that the header covers.
fn resealed(fixture: &Fixture, change: impl FnOnce(&mut Candidate<Call>)) -> Vec<u8> {
    changed(fixture, |block| {
        change(block);
        reseal(block);
    })
}

/// The valid block with other events, without making the commitment cover them.
fn with_events(
    fixture: &Fixture,
    change: impl FnOnce(&mut Vec<EncodedEvent<Call>>),
) -> Candidate<Call> {
    let mut events = fixture.valid.body.events().to_vec();
    change(&mut events);
    Candidate { body: Body::new(events).unwrap(), ..fixture.valid.clone() }
}

/// The valid block with other events that commitment and header cover.
fn covering(
    fixture: &Fixture,
    change: impl FnOnce(&mut Vec<EncodedEvent<Call>>),
) -> Candidate<Call> {
    let mut block = with_events(fixture, change);
    reroot(&mut block);
    reseal(&mut block);
    block
}

/// An event of the valid block with a changed field, and the signature as it was.
fn edited(event: &EncodedEvent<Call>, edit: impl FnOnce(&mut Event<Call>)) -> EncodedEvent<Call> {
    let mut event = event.event().clone();
    edit(&mut event);
    event.into()
}

/// The block of one event that weighs exactly `weight`.
fn weighing(fixture: &Fixture, weight: Weight, answers_challenges: bool) -> Candidate<Call> {
    let chain = &fixture.chain;
    let call = |extra| Call::Weigh { extra, answers_challenges };
    let light = chain.event(1, 12, call(0)).encoded().len() as Weight;
    let extra = u32::try_from(weight - light).unwrap();
    chain.mine(vec![chain.event(1, 12, call(extra))])
}

#[rustfmt::skip]
const ROWS: &[Row] = &[
    Row { what: "no bytes", expected: "Malformed", spoilt: |_| Vec::new() },
    Row { what: "a byte short", expected: "Malformed", spoilt: |f| {
        let mut bytes = f.valid.encoded();
        bytes.pop();
        bytes
    } },
    Row { what: "a byte too many", expected: "Malformed", spoilt: |f| {
        let mut bytes = f.valid.encoded();
        bytes.push(0);
        bytes
    } },
    Row { what: "more bytes than any block has", expected: "Malformed", spoilt: |f| {
        let mut bytes = f.valid.encoded();
        bytes.resize(MAX_BLOCK_LEN + 1, 0);
        bytes
    } },
    // 80 + 144 bytes in, the count: 16,385 as a four-byte compact, 16385 << 2 | 2 = 0x10006.
    Row { what: "more events than any block has", expected: "Malformed", spoilt: |f| {
        let mut bytes = f.valid.encoded();
        bytes.splice(224..225, [0x06, 0x00, 0x01, 0x00]);
        bytes
    } },
    // Three events as a two-byte compact, 3 << 2 | 1 = 13.
    Row { what: "a count in a longer form", expected: "Malformed", spoilt: |f| {
        let mut bytes = f.valid.encoded();
        bytes.splice(224..225, [13, 0]);
        bytes
    } },
    // The first event: 32 + 8 + 8 + 1 bytes before the call's index.
    Row { what: "a call that does not exist", expected: "Malformed", spoilt: |f| {
        let mut bytes = f.valid.encoded();
        bytes[225 + 49] = 200;
        bytes
    } },

    Row { what: "bits of a zero target", expected: "BadTarget",
        spoilt: |f| changed(f, |b| b.header.bits = 0) },
    Row { what: "bits of a negative target", expected: "BadTarget",
        spoilt: |f| changed(f, |b| b.header.bits |= 0x0080_0000) },
    Row { what: "bits that overflow", expected: "BadTarget",
        spoilt: |f| changed(f, |b| b.header.bits = 0xff12_3456) },
    Row { what: "bits easier than the limit, with work", expected: "TargetAboveLimit",
        spoilt: |f| remined(f, |b| b.header.bits = 0x207f_ffff) },

    Row { what: "another version", expected: "InsufficientWork",
        spoilt: |f| changed(f, |b| b.header.version ^= 1) },
    Row { what: "another parent", expected: "InsufficientWork",
        spoilt: |f| changed(f, |b| b.header.parent.0[0] ^= 1) },
    Row { what: "another commitment field", expected: "InsufficientWork",
        spoilt: |f| changed(f, |b| b.header.commitment.0[0] ^= 1) },
    Row { what: "another time", expected: "InsufficientWork",
        spoilt: |f| changed(f, |b| b.header.time += 1) },
    Row { what: "harder bits", expected: "InsufficientWork",
        spoilt: |f| changed(f, |b| b.header.bits = 0x1d00_ffff) },
    Row { what: "another nonce", expected: "InsufficientWork",
        spoilt: |f| changed(f, |b| b.header.nonce ^= 1) },

    Row { what: "harder bits, with work", expected: "WrongBits",
        spoilt: |f| remined(f, |b| b.header.bits -= 1) },
    Row { what: "easier bits within the limit, with work", expected: "WrongBits",
        spoilt: |f| remined(f, |b| b.header.bits = PARAMS.limit_bits) },

    Row { what: "the median time itself, with work", expected: "TimeNotAfterMedian",
        spoilt: |f| remined(f, |b| b.header.time = f.chain.context.times.median()) },
    Row { what: "no time, with work", expected: "TimeNotAfterMedian",
        spoilt: |f| remined(f, |b| b.header.time = 0) },

    Row { what: "another height", expected: "WrongCommitment",
        spoilt: |f| changed(f, |b| b.commitment.height.0 += 1) },
    Row { what: "another miner", expected: "WrongCommitment",
        spoilt: |f| changed(f, |b| b.commitment.miner = principal(8)) },
    Row { what: "another event root", expected: "WrongCommitment",
        spoilt: |f| changed(f, |b| b.commitment.event_root.0[0] ^= 1) },
    Row { what: "another state root", expected: "WrongCommitment",
        spoilt: |f| changed(f, |b| b.commitment.state_root.0[0] ^= 1) },
    Row { what: "another history root", expected: "WrongCommitment",
        spoilt: |f| changed(f, |b| b.commitment.history_root.0[0] ^= 1) },
    Row { what: "another extra nonce", expected: "WrongCommitment",
        spoilt: |f| changed(f, |b| b.commitment.extra_nonce[7] ^= 1) },
    Row { what: "another commitment field, with work", expected: "WrongCommitment",
        spoilt: |f| remined(f, |b| b.header.commitment.0[0] ^= 1) },

    Row { what: "the parent's height, resealed", expected: "WrongHeight",
        spoilt: |f| resealed(f, |b| b.commitment.height.0 -= 1) },
    Row { what: "a height too far, resealed", expected: "WrongHeight",
        spoilt: |f| resealed(f, |b| b.commitment.height.0 = u64::MAX) },

    Row { what: "another history root, resealed", expected: "WrongHistoryRoot",
        spoilt: |f| resealed(f, |b| b.commitment.history_root.0[31] ^= 1) },
    Row { what: "no history, resealed", expected: "WrongHistoryRoot",
        spoilt: |f| resealed(f, |b| b.commitment.history_root = Default::default()) },

    Row { what: "another event root, resealed", expected: "WrongEventRoot",
        spoilt: |f| resealed(f, |b| b.commitment.event_root.0[31] ^= 1) },
    Row { what: "an event less", expected: "WrongEventRoot",
        spoilt: |f| with_events(f, |e| { e.pop(); }).encoded() },
    Row { what: "no events", expected: "WrongEventRoot",
        spoilt: |f| with_events(f, Vec::clear).encoded() },
    Row { what: "an event twice", expected: "WrongEventRoot",
        spoilt: |f| with_events(f, |e| e.push(e[2].clone())).encoded() },
    Row { what: "events in another order", expected: "WrongEventRoot",
        spoilt: |f| with_events(f, |e| e.swap(0, 1)).encoded() },
    Row { what: "an event's signature replaced", expected: "WrongEventRoot",
        spoilt: |f| with_events(f, |e| e[0] = edited(&e[0], |e| e.signature.0[0] ^= 1)).encoded() },

    Row { what: "an event too heavy", expected: "TooHeavy",
        spoilt: |f| weighing(f, MAX_WEIGHT + 1, true).encoded() },
    Row { what: "events too heavy together", expected: "TooHeavy", spoilt: |f| {
        let extra = u32::try_from(MAX_WEIGHT / 2).unwrap();
        let call = Call::Weigh { extra, answers_challenges: true };
        let pair = [12, 13].map(|nonce| f.chain.event(1, nonce, call.clone()));
        f.chain.mine(pair.to_vec()).encoded()
    } },
    Row { what: "an event too heavy for one that answers nothing", expected: "NormalTooHeavy",
        spoilt: |f| weighing(f, MAX_NORMAL_WEIGHT + 1, false).encoded() },

    Row { what: "a call out of its bounds", expected: "EventMalformed", spoilt: |f| covering(f, |e| {
        e[0] = f.chain.event(1, 12, Call::Add { amount: 0 });
    }).encoded() },

    Row { what: "another signer", expected: "EventSignature", spoilt: |f| covering(f, |e| {
        e[0] = edited(&e[0], |e| e.signer = secret(4).public_key());
    }).encoded() },
    Row { what: "a signer that is no point", expected: "EventSignature", spoilt: |f| covering(f, |e| {
        e[0] = edited(&e[0], |e| e.signer = PublicKey([0xff; 32]));
    }).encoded() },
    Row { what: "another nonce under the same signature", expected: "EventSignature",
        spoilt: |f| covering(f, |e| e[0] = edited(&e[0], |e| e.nonce += 1)).encoded() },
    Row { what: "another fee under the same signature", expected: "EventSignature",
        spoilt: |f| covering(f, |e| e[0] = edited(&e[0], |e| e.fee = Amount::ZERO)).encoded() },
    Row { what: "another end under the same signature", expected: "EventSignature",
        spoilt: |f| covering(f, |e| e[0] = edited(&e[0], |e| e.valid_until = Some(Height(99)))).encoded() },
    Row { what: "another call under the same signature", expected: "EventSignature",
        spoilt: |f| covering(f, |e| e[0] = edited(&e[0], |e| e.call = Call::Add { amount: 6 })).encoded() },
    Row { what: "another signature", expected: "EventSignature",
        spoilt: |f| covering(f, |e| e[0] = edited(&e[0], |e| e.signature.0[63] ^= 1)).encoded() },
    Row { what: "an event of another chain", expected: "EventSignature", spoilt: |f| covering(f, |e| {
        let (other, fee) = (BlockHash([7; 32]), Amount::ZERO);
        e[0] = Event::signed(&secret(1), &other, 12, fee, None, Call::Add { amount: 5 }).into();
    }).encoded() },

    Row { what: "a witness of something else", expected: "CallSignature", spoilt: |f| covering(f, |e| {
        e[1] = f.chain.event(2, 0, witnessed(&f.chain, secret(3).sign(&[0; 32])));
    }).encoded() },

    Row { what: "an event of a later nonce", expected: "EventRefused", spoilt: |f| covering(f, |e| {
        e[0] = f.chain.event(1, 13, Call::Add { amount: 5 });
    }).encoded() },
    Row { what: "an event of an earlier block", expected: "EventRefused", spoilt: |f| covering(f, |e| {
        e[0] = f.chain.event(1, 0, Call::Add { amount: 2 });
    }).encoded() },
    Row { what: "an event twice, resealed", expected: "EventRefused",
        spoilt: |f| covering(f, |e| e.push(e[2].clone())).encoded() },
    Row { what: "events of one signer in the wrong order, resealed", expected: "EventRefused",
        spoilt: |f| covering(f, |e| e.swap(0, 2)).encoded() },
    Row { what: "an event that fails", expected: "EventRefused", spoilt: |f| covering(f, |e| {
        e[0] = f.chain.event(1, 12, Call::Add { amount: 1001 });
    }).encoded() },

    Row { what: "another state root, resealed", expected: "WrongStateRoot",
        spoilt: |f| resealed(f, |b| b.commitment.state_root.0[31] ^= 1) },
    Row { what: "the parent's state root, resealed", expected: "WrongStateRoot",
        spoilt: |f| resealed(f, |b| b.commitment.state_root = f.chain.state.root()) },
    Row { what: "another miner, resealed", expected: "WrongStateRoot",
        spoilt: |f| resealed(f, |b| b.commitment.miner = principal(8)) },
    Row { what: "an event less, resealed", expected: "WrongStateRoot",
        spoilt: |f| covering(f, |e| { e.pop(); }).encoded() },
];

fn violation_of(bytes: &[u8]) -> Violation {
    match fixture().chain.judge(bytes) {
        Err(NotAccepted::Refused(violation)) => violation,
        Ok(_) => panic!("accepted"),
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn every_corruption_is_refused_by_its_own_name() {
    for row in ROWS {
        let violation = violation_of(&(row.spoilt)(fixture()));
        assert_eq!(violation.name(), row.expected, "{}: {violation}", row.what);
        assert!(!violation.to_string().is_empty());
    }
}

/// A new violation must get a row: `NAMES` is made from the same list as the enum.
#[test]
fn every_violation_has_a_row() {
    let rows: BTreeSet<_> = ROWS.iter().map(|row| row.expected).collect();
    let all: BTreeSet<_> = Violation::NAMES.iter().copied().collect();
    assert_eq!(rows, all);
    assert_eq!(all.len(), Violation::NAMES.len());
}

/// The attack that verdict caches fall for: spoilt copies of a good block must never get its
/// hash remembered as invalid.
#[test]
fn what_is_spoilt_under_an_intact_header_blames_the_sender_only() {
    let good = fixture().valid.header.hash();
    let (mut intact, mut condemned) = (0, 0);
    for row in ROWS {
        let bytes = (row.spoilt)(fixture());
        let blame = violation_of(&bytes).blame();
        let same = Candidate::<Call>::decode(&bytes).is_ok_and(|b| b.header.hash() == good);
        if same {
            assert_eq!(blame, Blame::Sender, "{}", row.what);
            intact += 1;
        }
        if blame == Blame::Block {
            // What is remembered was paid for: its work meets the target that the branch asks.
            let header = Candidate::<Call>::decode(&bytes).unwrap().header;
            assert_eq!(header.bits, fixture().valid.header.bits, "{}", row.what);
            condemned += 1;
        }
    }
    // Six fields of the commitment, and five ways to change the events without their root.
    assert_eq!(intact, 11);
    // 2 times, 2 heights, 2 histories, 3 weights, 1 call, 8 signatures, 1 witness, 5 refusals,
    // 4 state roots.
    assert_eq!(condemned, 28);
}

#[test]
fn violations_carry_the_figures() {
    let Fixture { chain, valid } = fixture();
    let median = chain.context.times.median();
    let with_bits = remined(fixture(), |b| b.header.bits = PARAMS.limit_bits);
    assert_eq!(
        violation_of(&with_bits),
        Violation::WrongBits { expected: valid.header.bits, found: PARAMS.limit_bits }
    );
    let with_time = remined(fixture(), |b| b.header.time = median);
    assert_eq!(violation_of(&with_time), Violation::TimeNotAfterMedian { median, time: median });
    let with_height = resealed(fixture(), |b| b.commitment.height = Height(20));
    let (expected, found) = (Height(13), Height(20));
    assert_eq!(violation_of(&with_height), Violation::WrongHeight { expected, found });
    let trailing = [valid.encoded(), vec![0, 0]].concat();
    let error = DecodeError::TrailingBytes(2);
    assert_eq!(violation_of(&trailing), Violation::Malformed { error });
    let refused = covering(fixture(), |e| e[1] = chain.event(2, 5, Call::Add { amount: 1 }));
    let reason = "nonce 5 instead of 0".to_owned();
    assert_eq!(violation_of(&refused.encoded()), Violation::EventRefused { index: 1, reason });
    let unwitnessed = covering(fixture(), |e| {
        e[1] = chain.event(2, 0, witnessed(chain, Signature([1; 64])));
    });
    assert_eq!(
        violation_of(&unwitnessed.encoded()),
        Violation::CallSignature { index: 1, signature: 0, error: SignatureError::BadSignature }
    );
    let weight = MAX_NORMAL_WEIGHT + 1;
    assert_eq!(
        violation_of(&weighing(fixture(), weight, false).encoded()),
        Violation::NormalTooHeavy { index: 0, weight }
    );
}

#[test]
fn the_limits_themselves_are_allowed() {
    let chain = &fixture().chain;
    for (weight, answers) in [(MAX_NORMAL_WEIGHT, false), (MAX_WEIGHT, true)] {
        let block = weighing(fixture(), weight, answers);
        let executed = chain.judge(&block.encoded()).unwrap();
        assert_eq!(executed.executed().weights.all(), weight);
    }
}

/// What a miner may choose freely.
#[test]
fn version_nonce_extra_nonce_and_time_are_the_miners() {
    let chain = &fixture().chain;
    let median = chain.context.times.median();
    for bytes in [
        remined(fixture(), |b| b.header.version = 0),
        remined(fixture(), |b| b.header.version = u32::MAX),
        remined(fixture(), |b| b.header.nonce = 0x8000_0000),
        resealed(fixture(), |b| b.commitment.extra_nonce = [0xff; 8]),
        remined(fixture(), |b| b.header.time = median + 1),
        remined(fixture(), |b| b.header.time = now(&chain.context) + PARAMS.max_future),
    ] {
        assert!(chain.judge(&bytes).is_ok());
    }
}

#[test]
fn what_is_missing_is_not_a_violation() {
    let Fixture { chain, valid } = fixture();
    // An unknown parent, and a known header judged in another branch.
    let orphan = remined(fixture(), |b| b.header.parent = BlockHash([5; 32]));
    let parent = BlockHash([5; 32]);
    assert_eq!(chain.judge(&orphan), Err(NotYet::Orphan { parent }.into()));
    let other = Chain::new();
    let parent = valid.header.parent;
    assert_eq!(other.judge(&valid.encoded()), Err(NotYet::Orphan { parent }.into()));
    // 601 s ahead of the clock; in a second it will be 600.
    let early = valid.header.time - 601;
    let verdict = chain.check(&valid.encoded(), early);
    assert_eq!(verdict, Err(NotYet::Future { until: early + 1 }.into()));
    assert!(chain.check(&valid.encoded(), early + 1).is_ok());
}

#[test]
fn without_work_nothing_waits() {
    let Fixture { chain, valid } = fixture();
    let orphan = changed(fixture(), |b| b.header.parent = BlockHash([5; 32]));
    assert_eq!(violation_of(&orphan).name(), "InsufficientWork");
    let future = changed(fixture(), |b| b.header.time = u32::MAX);
    assert_eq!(violation_of(&future).name(), "InsufficientWork");
    // A future header with too easy a target is refused now, not buffered.
    let easy = remined(fixture(), |b| {
        b.header.time = valid.header.time + 100_000;
        b.header.bits = PARAMS.limit_bits;
    });
    assert_eq!(violation_of(&easy).name(), "WrongBits");
    assert!(chain.judge(&valid.encoded()).is_ok());
}

/// Every bit of the whole block, one at a time.
#[test]
fn no_flipped_bit_is_accepted() {
    let Fixture { chain, valid } = fixture();
    let bytes = valid.encoded();
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let violation = match chain.judge(&flipped) {
            Err(NotAccepted::Refused(violation)) => violation,
            other => panic!("bit {bit}: {other:?}"),
        };
        // The 80 bytes of the header are intact in most: the good block must stay welcome.
        assert_eq!(violation.blame(), Blame::Sender, "bit {bit}: {violation}");
    }
}
