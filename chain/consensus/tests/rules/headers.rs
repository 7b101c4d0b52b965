//! Headers alone, as a node that syncs meets them.

use crate::fixture::{Chain, PARAMS, remine};
use blocktree_consensus::history::{Leaf, Peaks};
use blocktree_consensus::{
    CheckedHeader, HeaderContext, NotYet, RecentTimes, WorkedHeader, check_header,
};
use blocktree_primitives::{CommitmentHash, Header, Height};

fn next(context: &HeaderContext, now: u32) -> Header {
    let mut header = context.draft(&PARAMS, CommitmentHash([1; 32]), now).unwrap();
    remine(&mut header);
    header
}

#[test]
fn a_chain_of_headers_adds_up() {
    let mut context = Chain::new().context;
    let genesis = context.parent;
    let (mut sum, mut times) = (genesis.total_work, vec![genesis.time]);
    for height in 1..=30 {
        // Twice as fast as the spacing: the difficulty rises.
        let header = next(&context, genesis.time + 30 * height);
        let checked = check_header(&PARAMS, &header, Some(&context), header.time).unwrap();
        sum = sum.checked_add(checked.work()).unwrap();
        context = *checked.context_after();
        times.push(header.time);
        assert_eq!(context.parent.hash, header.hash());
        assert_eq!(context.parent.height, Height(u64::from(height)));
        assert_eq!(context.parent.total_work, sum);
        assert_eq!(RecentTimes::from_newest(times.iter().rev().copied()), Some(context.times));
    }
    // ⌊(30 · 30 − 60 · 30) · 65536 / 17280⌋ towards zero = −3413: a factor 2^(−3413/65536) =
    // 0.96455… of 0x0fffff = 1048575, that is 1011400 = 0xf6ec8 to within the approximation.
    let bits = PARAMS.expected_bits(&context.parent).unwrap();
    assert_eq!(bits >> 24, 0x1f);
    assert!((bits & 0x00ff_ffff).abs_diff(0x0f_6ec8) < 200, "{bits:#x}");
}

#[test]
fn an_orphan_is_kept_with_its_work_and_judged_later() {
    let context = Chain::new().context;
    let first = next(&context, context.parent.time + 60);
    let after = check_header(&PARAMS, &first, Some(&context), first.time).unwrap();
    let second = next(after.context_after(), first.time + 60);
    let worked = WorkedHeader::check(&PARAMS, &second).unwrap();
    assert_eq!((worked.hash(), worked.header()), (second.hash(), &second));
    let parent = first.hash();
    for unknown in [None, Some(&context)] {
        let verdict = CheckedHeader::check(&PARAMS, worked, unknown, second.time);
        assert_eq!(verdict, Err(NotYet::Orphan { parent }.into()));
    }
    let known = Some(after.context_after());
    let checked = CheckedHeader::check(&PARAMS, worked, known, second.time).unwrap();
    assert_eq!(checked.work(), worked.work());
}

#[test]
fn a_draft_never_goes_back_behind_the_median() {
    let context = Chain::new().context;
    let late = context.draft(&PARAMS, CommitmentHash([1; 32]), 5).unwrap();
    assert_eq!(late.time, PARAMS.genesis_time + 1, "the clock is wrong, the chain goes on");
    let good = context.draft(&PARAMS, CommitmentHash([1; 32]), u32::MAX).unwrap();
    assert_eq!(good.time, u32::MAX);
}

#[test]
fn the_history_of_checked_headers_has_their_work() {
    let chain = Chain::thirteen();
    assert_eq!(chain.peaks.leaf_count(), 13);
    assert_eq!(chain.peaks.total_work(), chain.context.parent.total_work);
    let header = next(&chain.context, chain.context.parent.time + 60);
    let checked = check_header(&PARAMS, &header, Some(&chain.context), header.time).unwrap();
    let leaf = Leaf::of(&checked);
    let info = checked.info();
    assert_eq!(Leaf::new(header, info.height, info.total_work), Ok(leaf));
    let mut peaks: Peaks = chain.peaks;
    peaks.append(&leaf).unwrap();
    assert_eq!(peaks.total_work(), info.total_work);
}
