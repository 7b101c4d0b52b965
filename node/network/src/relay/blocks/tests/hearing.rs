//! What becomes of a block before its events are looked for.

use super::*;
use crate::testing::{PARAMS, UNIX, mine, remine};
use blocktree_consensus::TargetError;
use blocktree_primitives::CommitmentHash;

/// Commits the header to the commitment, and mines it.
fn reseal(block: &mut Candidate<Call>) {
    block.header.commitment = block.commitment.hash();
    remine(&mut block.header);
}

#[test]
fn headers_that_break_a_rule_are_refused_by_name() {
    let mut scene = Scene::with([1]);
    let good = scene.block(1, 1);
    let context = scene.local.context(&good.header.parent).unwrap().unwrap();
    let spoilt = |spoil: &dyn Fn(&mut Candidate<Call>)| {
        let mut block = good.clone();
        spoil(&mut block);
        block
    };
    let no_target = spoilt(&|block| block.header.bits = 0);
    let too_easy = spoilt(&|block| block.header.bits = 0x2100_ffff);
    let no_work = spoilt(&|block| {
        while blocktree_consensus::WorkedHeader::check(&PARAMS, &block.header).is_ok() {
            block.header.nonce += 1;
        }
    });
    let other_commitment = spoilt(&|block| block.commitment.extra_nonce = [1; 8]);
    let other_bits = spoilt(&|block| {
        block.header.bits = 0x207f_fffe;
        reseal(block);
    });
    let median = context.times.median();
    let too_early = spoilt(&|block| {
        block.header.time = median;
        reseal(block);
    });
    let other_height = spoilt(&|block| {
        block.commitment.height = Height(9);
        reseal(block);
    });
    for (block, violation) in [
        (no_target, Violation::BadTarget { bits: 0, error: TargetError::Zero }),
        (too_easy, Violation::TargetAboveLimit { bits: 0x2100_ffff, limit: 0x207f_ffff }),
        (
            no_work.clone(),
            Violation::InsufficientWork { hash: no_work.header.hash(), bits: 0x207f_ffff },
        ),
        (
            other_commitment.clone(),
            Violation::WrongCommitment {
                expected: good.header.commitment,
                found: other_commitment.commitment.hash(),
            },
        ),
        (other_bits, Violation::WrongBits { expected: 0x207f_ffff, found: 0x207f_fffe }),
        (too_early, Violation::TimeNotAfterMedian { median, time: median }),
        // Three blocks are there.
        (other_height, Violation::WrongHeight { expected: Height(4), found: Height(9) }),
    ] {
        assert_eq!(scene.tell(1, &block), Heard::Nothing);
        assert_eq!(scene.offences(), [(node(1), Offence::Block(violation))]);
        scene.assert_quiet();
    }
    // The good one is none the worse for it.
    scene.tell(1, &good);
    assert_eq!(scene.asked(), [missing(1, &good, &[0])]);
}

#[test]
fn a_known_block_says_what_the_peer_has() {
    let mut scene = Scene::with([1, 2]);
    let tip = scene.local.tip();
    scene.relay.tip(scene.now, &tip, 0, &scene.local, &mut scene.out).unwrap();
    scene.asked();
    let block = scene.block(1, 1);
    scene.local.store(&block);
    let tip = scene.local.tip();
    assert_eq!(scene.tell(1, &block), Heard::Joins(tip.total_work));
    scene.assert_quiet();
    scene.relay.tip(scene.now, &tip, 0, &scene.local, &mut scene.out).unwrap();
    let told: Vec<_> = scene.asked().into_iter().map(|(node, _, _)| node).collect();
    assert_eq!(told, [node(2)]);
}

#[test]
fn what_is_invalid_or_stands_on_it_is_an_offence() {
    let mut scene = Scene::with([1]);
    let invalid = scene.block(1, 1);
    scene.local.refuse(&invalid);
    assert_eq!(scene.tell(1, &invalid), Heard::Nothing);
    assert_eq!(scene.offences(), [(node(1), Offence::OnInvalid)]);
    let mut above = scene.block(2, 1);
    above.header.parent = invalid.header.hash();
    reseal(&mut above);
    assert_eq!(scene.tell(1, &above), Heard::Nothing);
    assert_eq!(scene.offences(), [(node(1), Offence::OnInvalid)]);
    scene.assert_quiet();
}

#[test]
fn a_block_whose_parent_is_unknown_is_sync_s() {
    let mut scene = Scene::with([1]);
    let mut block = scene.block(1, 1);
    block.header.parent = BlockHash([1; 32]);
    reseal(&mut block);
    assert_eq!(scene.tell(1, &block), Heard::Orphan);
    scene.assert_quiet();
}

#[test]
fn a_branch_of_too_little_work_is_not_fetched() {
    let mut scene = Scene::with([1]);
    // Genesis and four blocks of 2 hashes each.
    let four = Work::from_hashes(10_u64);
    let block = scene.block(1, 1);
    scene.local.require(Work::from_hashes(11_u64));
    assert_eq!(scene.tell(1, &block), Heard::Joins(four));
    scene.assert_quiet();
    scene.local.require(four);
    assert_eq!(scene.tell(1, &block), Heard::Nothing);
    assert_eq!(scene.asked(), [missing(1, &block, &[0])]);
}

/// 144 blocks below the tip, where a branch costs its maker next to nothing.
#[test]
fn a_branch_far_below_the_tip_is_not_fetched() {
    let mut scene = Scene::with([1]);
    let fork = scene.local.tip().hash;
    // The tip's work less 144 blocks is that of the block at height 3 + 145 − 144 = 4.
    (0..145).for_each(|_| {
        scene.local.grow(Vec::new());
    });
    let block = scene.local.mine_on(&fork, 9, vec![event(1, 8)]);
    assert_eq!(scene.tell(1, &block), Heard::Joins(Work::from_hashes(10_u64)));
    scene.assert_quiet();
}

fn in_future(scene: &Scene, seconds: u32, branch: u8) -> Candidate<Call> {
    let mut block = scene.block(branch, 1);
    // 600 seconds ahead of the clock are allowed.
    block.header.time = UNIX + 600 + seconds;
    remine(&mut block.header);
    block
}

#[test]
fn a_block_of_the_future_waits_for_its_time() {
    let mut scene = Scene::with([1]);
    let block = in_future(&scene, 5, 1);
    assert_eq!(scene.tell(1, &block), Heard::Nothing);
    scene.assert_quiet();
    assert_eq!(scene.relay.sizes()[2], (1, 8));
    scene.now.unix += 4;
    scene.later(4_000);
    scene.assert_quiet();
    scene.now.unix += 1;
    scene.later(1_000);
    assert_eq!(scene.asked(), [missing(1, &block, &[0])]);
    assert_eq!(scene.relay.sizes()[2], (0, 8));
}

#[test]
fn of_the_blocks_of_the_future_the_next_eight_are_kept() {
    let mut scene = Scene::with(1..20);
    let blocks: Vec<_> = (1..=10).map(|n| in_future(&scene, 100 - u32::from(n), n)).collect();
    for (from, block) in (1..).zip(&blocks) {
        scene.tell(from, block);
        scene.tell(from, block);
    }
    assert_eq!(scene.relay.sizes()[2], (8, 8));
    scene.assert_quiet();
    scene.now.unix += 100;
    scene.later(1);
    let asked: Vec<_> = scene.asked().into_iter().map(|(node, _, _)| node).collect();
    // The last one told is the first in time; those of 99 and 98 seconds were dropped.
    let expected: Vec<_> = (3..=10).rev().map(node).collect();
    assert_eq!(asked, expected);
}

#[test]
fn a_block_waits_for_the_one_before_that_is_on_its_way() {
    let mut scene = Scene::with([1, 2]);
    let first = scene.block(1, 1);
    let mut ahead = FakeLocal::new();
    (0..3).for_each(|_| {
        ahead.grow(Vec::new());
    });
    ahead.store(&first);
    let second = ahead.mine(vec![event(7, 8)]);

    scene.tell(1, &first);
    assert_eq!(scene.asked(), [missing(1, &first, &[0])]);
    assert_eq!(scene.tell(2, &second), Heard::Nothing);
    scene.tick();
    scene.assert_quiet();
    scene.answer_missing(1, &first, &[0], &[0]);
    assert_eq!(scene.imports(), std::slice::from_ref(&first));
    scene.tick();
    scene.assert_quiet();
    scene.local.store(&first);
    let tip = Imported::NewTip { hash: first.header.hash(), reverted: 0 };
    scene.relay.imported(first.header.hash(), &tip, &mut scene.out);
    scene.tick();
    assert_eq!(scene.asked(), [missing(2, &second, &[0])]);
}

#[test]
fn a_block_whose_parent_did_not_come_is_given_up_to_sync() {
    let mut scene = Scene::with([1, 2]);
    let first = scene.block(1, 1);
    let context = scene.local.context(&first.header.parent).unwrap().unwrap();
    let worked = WorkedHeader::check(&PARAMS, &first.header).unwrap();
    let checked = CheckedHeader::check(&PARAMS, worked, Some(&context), UNIX).unwrap();
    let second = mine(checked.context_after(), 1, vec![event(7, 8)]);
    scene.tell(1, &first);
    scene.tell(2, &second);
    scene.asked();
    scene.failed(1, &Purpose::Missing(first.header.hash(), vec![0]));
    scene.tick();
    let given_up = |from, block: &Candidate<Call>, height, heard| GivenUp {
        node: node(from),
        hash: block.header.hash(),
        height: Height(height),
        heard,
    };
    let joins = Heard::Joins(Work::from_hashes(10_u64));
    let expected = [given_up(1, &first, 4, joins), given_up(2, &second, 5, Heard::Orphan)];
    assert_eq!(scene.relay.take_given_up(), expected);
    assert_eq!(scene.relay.take_given_up(), []);
    scene.assert_quiet();
}

#[test]
fn of_the_blocks_behind_one_on_its_way_eight_are_kept_one_of_each_peer() {
    let mut scene = Scene::with(1..20);
    let first = scene.block(1, 1);
    scene.tell(1, &first);
    scene.asked();
    let mut behind: Vec<Candidate<Call>> = Vec::new();
    for branch in 2..=12 {
        let mut block = scene.block(branch, 1);
        block.header.parent = first.header.hash();
        reseal(&mut block);
        behind.push(block);
    }
    // Peer 2 tells two, the latter of which counts; 3 to 10 one each: 9 in all, so 2's goes.
    scene.tell(2, &behind[0]);
    scene.tell(2, &behind[1]);
    assert_eq!(scene.relay.sizes()[3], (1, 8));
    for (from, block) in (3..=10).zip(&behind[2..]) {
        scene.tell(from, block);
    }
    assert_eq!(scene.relay.sizes()[3], (8, 8));
    scene.assert_quiet();
    scene.failed(1, &Purpose::Missing(first.header.hash(), vec![0]));
    scene.tick();
    let given_up: Vec<_> = scene.relay.take_given_up().into_iter().map(|up| up.node).collect();
    let expected: Vec<_> = [1].into_iter().chain(3..=10).map(node).collect();
    assert_eq!(given_up, expected);
}

/// A hash of the commitment that is right keeps no one from telling another header: nothing is
/// remembered of what was refused.
#[test]
fn nothing_is_remembered_of_a_refused_block() {
    let mut scene = Scene::with([1, 2]);
    let good = scene.block(1, 1);
    let mut bad = compact(&good);
    bad.commitment.extra_nonce = [9; 8];
    scene.compact(1, bad);
    assert_eq!(scene.offences().len(), 1);
    scene.tell(2, &good);
    assert_eq!(scene.asked(), [missing(2, &good, &[0])]);
    assert_ne!(good.header.commitment, CommitmentHash::ZERO);
}
