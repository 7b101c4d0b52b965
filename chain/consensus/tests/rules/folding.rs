//! The executor: the order of a block, no trace of what is refused, room, templates.

use crate::counters::{BLOCKS, COUNTERS, Call, Counters, Effect, POOL, Refusal, SUBSIDY};
use crate::fixture::{Chain, principal};
use blocktree_consensus::limits::LimitError;
use blocktree_consensus::{
    Applied, ApplyError, BlockContext, BlockExecutor, BoundBlock, Candidate, Failure, NotAccepted,
    check_event, check_header,
};
use blocktree_primitives::{Amount, Height};
use blocktree_state::Fault;
use std::sync::OnceLock;

fn chain() -> &'static Chain {
    static CHAIN: OnceLock<Chain> = OnceLock::new();
    CHAIN.get_or_init(Chain::thirteen)
}

fn executor() -> BlockExecutor<'static, Counters> {
    let chain = chain();
    let context = BlockContext {
        height: Height(13),
        parent: chain.context.parent.hash,
        parent_median_time: 1,
        genesis: chain.genesis,
    };
    BlockExecutor::new(&Counters, &chain.state, context).unwrap()
}

fn event(nonce: u64, call: Call) -> blocktree_consensus::CheckedEvent<Call> {
    chain().checked(chain().event(1, nonce, call))
}

#[test]
fn a_refused_event_leaves_no_trace() {
    let mut with = executor();
    let add = |nonce, amount| event(nonce, Call::Add { amount });
    with.apply(&add(12, 1)).unwrap();
    // 12 · 2 + 1 + 976 = 1001. The counter had written its nonce and reported an effect.
    let full = with.apply(&add(13, 976));
    assert_eq!(full, Err(Failure::Refused(ApplyError::Refused(Refusal::Full(1001)))));
    let late = with.apply(&add(12, 1));
    let nonce = Refusal::Nonce { expected: 13, found: 12 };
    assert_eq!(late, Err(Failure::Refused(ApplyError::Refused(nonce))));
    with.apply(&add(13, 975)).unwrap();

    let mut without = executor();
    without.apply(&add(12, 1)).unwrap();
    without.apply(&add(13, 975)).unwrap();
    assert_eq!(with.weights(), without.weights());
    assert_eq!(with.fees(), Amount::from_units(6));
    let miner = principal(9);
    assert_eq!(with.finish(&miner), without.finish(&miner));
}

#[test]
fn what_answers_challenges_has_room_of_its_own() {
    let mut executor = executor();
    let weigh =
        |nonce, extra, answers_challenges| event(nonce, Call::Weigh { extra, answers_challenges });
    assert_eq!(executor.apply(&weigh(12, 1_400_000, false)), Ok(Applied::default()));
    let before = executor.weights();
    // 1,400,000 + 100,000 and twice the bytes of an event: above 1,500,000.
    let refused = executor.apply(&weigh(13, 100_000, false));
    let len = weigh(13, 0, false).encoded().len() as u64;
    let weight = 1_500_000 + 2 * len;
    assert_eq!(refused, Err(Failure::Refused(ApplyError::NoRoom(LimitError::Normal(weight)))));
    assert_eq!(executor.weights(), before);
    // The same nonce and weight in an event that answers a challenge.
    let answers = Applied { answers_challenges: true };
    assert_eq!(executor.apply(&weigh(13, 100_000, true)), Ok(answers));
    assert_eq!(executor.weights().normal(), 1_400_000 + len);
    assert_eq!(executor.weights().all(), 1_500_000 + 2 * len);
    let refused = executor.apply(&weigh(14, 500_000, true));
    assert_eq!(
        refused,
        Err(Failure::Refused(ApplyError::NoRoom(LimitError::All(2_000_000 + 3 * len))))
    );
    assert_eq!(executor.apply(&weigh(14, 1000, false)), Ok(Applied::default()));
}

/// The counters' word is the encoding: 32 + 8 + 8 + 1 + (1 + 4 + 1) + 64 = 119 bytes.
#[test]
fn no_event_weighs_less_than_its_share_of_a_block() {
    let light = event(12, Call::Weigh { extra: 0, answers_challenges: false });
    assert_eq!((light.encoded().len(), light.weight()), (119, 123));
    let heavier = event(12, Call::Weigh { extra: 5, answers_challenges: false });
    assert_eq!(heavier.weight(), 124);
}

#[test]
fn a_block_is_begun_filled_ended_and_rewarded() {
    let mut executor = executor();
    let add = event(12, Call::Add { amount: 4 });
    executor.apply(&add).unwrap();
    let executed = executor.finish(&principal(7)).unwrap();
    assert_eq!(
        executed.effects,
        [
            Effect::Began { height: Height(13), median: 1 },
            // 12 · 2 + 4
            Effect::Counted { id: add.id(), count: 28 },
            Effect::Ended,
        ]
    );
    assert_eq!((executed.fees.units(), executed.pool_payout.units()), (3, POOL));
    let after = chain().state.with(&executed.delta);
    // Genesis wrote 1, then 13 blocks.
    assert_eq!(BLOCKS.get(&after), Ok(14));
    let miner = COUNTERS.get(&after, &principal(7)).unwrap().unwrap();
    assert_eq!(miner.coins, SUBSIDY + POOL + 3);
}

#[test]
fn a_template_serves_any_miner() {
    let whole = |miner: u8| {
        let mut executor = executor();
        executor.apply(&event(12, Call::Add { amount: 4 })).unwrap();
        executor.finish(&principal(miner)).unwrap()
    };
    let mut template = executor();
    template.apply(&event(12, Call::Add { amount: 4 })).unwrap();
    let template = template.end().unwrap();
    // Miner 1 is the signer, whose account the event changes too; 9 mined before; 7 is new.
    for miner in [1, 9, 7] {
        let executed = template.executed_for(&principal(miner)).unwrap();
        assert_eq!(executed, whole(miner), "miner {miner}");
        assert_eq!(template.reward(&principal(miner)).unwrap().len(), 1, "one key");
    }
    assert_eq!(template.finish(&principal(9)).unwrap(), whole(9));
}

#[test]
fn events_are_checked_elsewhere_and_come_back_whole() {
    let chain = chain();
    let events = vec![
        chain.event(1, 12, Call::Add { amount: 1 }),
        chain.event(1, 13, Call::Add { amount: 2 }),
    ];
    let block = chain.mine(events.clone());
    let bound = |block: &Candidate<Call>| {
        let now = block.header.time;
        let header =
            check_header(&crate::fixture::PARAMS, &block.header, Some(&chain.context), now);
        let (commitment, body) = (block.commitment, block.body.clone());
        BoundBlock::bind(&Counters, header.unwrap(), commitment, body, chain.peaks.root()).unwrap()
    };
    let check = |event| check_event(&Counters, &chain.genesis, event);
    let (frame, taken) = bound(&block).into_parts();
    assert_eq!(taken, events);
    let checked = frame.clone().finish(taken.clone().into_iter().map(check)).unwrap();
    assert_eq!(checked, bound(&block).check_events(&Counters, &chain.genesis).unwrap());
    assert_eq!(checked, bound(&block).recall(&Counters, &chain.genesis));
    assert!(chain.fold(checked).is_ok());
    // Too few, too many, in another order: our own mistake, not the block's.
    let twice = [taken.clone(), taken.clone()].concat();
    let swapped = vec![taken[1].clone(), taken[0].clone()];
    for wrong in [vec![taken[0].clone()], twice, swapped] {
        let verdict = frame.clone().finish(wrong.into_iter().map(check));
        assert!(matches!(verdict, Err(NotAccepted::Fault(Fault::Bug(_)))));
    }
}
