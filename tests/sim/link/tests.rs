//! The links keep what the driver promises.

use super::{ANSWER_TIMEOUT, Deed, Links, Quality, Signal, Wire};
use crate::dice::Dice;
use crate::scheduler::Scheduler;
use blocktree_network::{Direction, Failure};

struct Pair {
    plan: Scheduler<Wire>,
    links: Links,
}

impl Pair {
    fn new(count: usize, lost: u64) -> Self {
        let quality = Quality { latency: (10, 50), lost, broken: 0 };
        Self { plan: Scheduler::new(), links: Links::new(count, quality, Dice::new(1)) }
    }

    fn deed(&mut self, who: usize, deed: Deed) {
        self.links.deed(&mut self.plan, who, deed);
    }

    /// What is told up to a moment, shortly.
    fn run(&mut self, until: u64) -> Vec<(usize, String)> {
        let mut told = Vec::new();
        while let Some(wire) = self.plan.next(until) {
            if let Some((who, signal)) = self.links.arrive(&mut self.plan, wire) {
                told.push((who, word(&signal)));
                if let Signal::Asked { token, bytes, .. } = signal {
                    self.deed(who, Deed::Answer { token, bytes });
                }
            }
        }
        told
    }
}

fn word(signal: &Signal) -> String {
    match signal {
        Signal::Opened { peer, direction: Direction::Outbound } => format!("reached {peer}"),
        Signal::Opened { peer, direction: Direction::Inbound } => format!("met {peer}"),
        Signal::Closed { peer } => format!("lost {peer}"),
        Signal::DialFailed { peer } => format!("missed {peer}"),
        Signal::Asked { peer, bytes, .. } => format!("asked by {peer}: {bytes:?}"),
        Signal::Answered { peer, answer: Ok(bytes), .. } => format!("answer of {peer}: {bytes:?}"),
        Signal::Answered { peer, answer: Err(failure), .. } => format!("{failure:?} from {peer}"),
    }
}

fn told(list: &[(usize, &str)]) -> Vec<(usize, String)> {
    list.iter().map(|(who, word)| (*who, (*word).to_owned())).collect()
}

#[test]
fn a_connection_is_told_to_both_sides_and_carries_questions_and_answers() {
    let mut pair = Pair::new(2, 0);
    pair.deed(0, Deed::Dial { peer: 1 });
    assert_eq!(pair.run(1_000), told(&[(1, "met 0"), (0, "reached 1")]));
    pair.deed(1, Deed::Ask { peer: 0, id: 7, bytes: vec![1] });
    assert_eq!(pair.run(2_000), told(&[(0, "asked by 1: [1]"), (1, "answer of 0: [1]")]));
    pair.deed(0, Deed::HangUp { peer: 1 });
    assert_eq!(pair.run(3_000), told(&[(0, "lost 1"), (1, "lost 0")]));
    pair.deed(0, Deed::Ask { peer: 1, id: 8, bytes: vec![2] });
    assert_eq!(pair.run(60_000), told(&[(0, "Gone from 1")]));
    assert!(pair.links.misuse.is_empty());
}

#[test]
fn two_who_dial_each_other_get_one_connection() {
    for seed in 0..50 {
        let mut pair = Pair::new(2, 0);
        pair.links.dice = Dice::new(seed);
        pair.deed(0, Deed::Dial { peer: 1 });
        pair.deed(1, Deed::Dial { peer: 0 });
        let mut all = pair.run(1_000);
        all.sort();
        assert_eq!(all.len(), 2, "{all:?}");
        assert_eq!((all[0].0, all[1].0), (0, 1));
        assert!(pair.links.is_open(0, 1) && pair.links.is_open(1, 0));
    }
}

#[test]
fn what_is_lost_is_told_after_a_while_and_what_is_cut_does_not_arrive() {
    let mut pair = Pair::new(2, 0);
    pair.deed(0, Deed::Dial { peer: 1 });
    pair.run(1_000);
    pair.links.quality.lost = 10_000;
    pair.deed(0, Deed::Ask { peer: 1, id: 1, bytes: vec![1] });
    assert_eq!(pair.run(1_000 + ANSWER_TIMEOUT - 1), []);
    assert_eq!(pair.run(1_000 + ANSWER_TIMEOUT), told(&[(0, "Timeout from 1")]));
    pair.links.quality.lost = 0;
    pair.links.split(&mut pair.plan, vec![0, 1]);
    pair.deed(0, Deed::Ask { peer: 1, id: 2, bytes: vec![1] });
    pair.deed(1, Deed::Ask { peer: 0, id: 1, bytes: vec![1] });
    let mut all = pair.run(100_000);
    all.sort();
    let (gone, late) = (Failure::Gone, Failure::Timeout);
    assert!(all.contains(&(0, "lost 1".into())) && all.contains(&(1, "lost 0".into())));
    for (who, peer) in [(0, 1), (1, 0)] {
        let ends = [format!("{gone:?} from {peer}"), format!("{late:?} from {peer}")];
        assert_eq!(all.iter().filter(|(at, word)| *at == who && ends.contains(word)).count(), 1);
    }
    pair.deed(0, Deed::Dial { peer: 1 });
    assert_eq!(pair.run(200_000), told(&[(0, "missed 1")]));
    pair.links.heal();
    pair.deed(0, Deed::Dial { peer: 1 });
    assert_eq!(pair.run(300_000), told(&[(1, "met 0"), (0, "reached 1")]));
}

#[test]
fn a_crash_is_noticed_by_the_others_alone_and_misuse_is_noted() {
    let mut pair = Pair::new(2, 0);
    pair.deed(0, Deed::Dial { peer: 1 });
    pair.run(1_000);
    pair.deed(1, Deed::Ask { peer: 0, id: 1, bytes: vec![1] });
    pair.links.crash(&mut pair.plan, 0);
    let mut all = pair.run(100_000);
    all.sort();
    assert_eq!(all.len(), 2, "{all:?}");
    assert!(all.iter().all(|(who, _)| *who == 1));
    pair.deed(1, Deed::Dial { peer: 0 });
    assert_eq!(pair.run(200_000), told(&[(1, "missed 0")]));
    pair.links.restart(0);
    pair.deed(1, Deed::Dial { peer: 0 });
    assert_eq!(pair.run(300_000), told(&[(0, "met 1"), (1, "reached 0")]));
    pair.deed(0, Deed::Dial { peer: 0 });
    pair.deed(0, Deed::Ask { peer: 1, id: 4, bytes: vec![1] });
    pair.deed(0, Deed::Ask { peer: 1, id: 4, bytes: vec![1] });
    assert_eq!(pair.links.misuse.len(), 2);
}
