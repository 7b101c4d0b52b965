//! What makes room in a full pool, and what does not get any. Events weigh 200, so 200 base units
//! of fee are a rate of 1; the shortest event has 122 bytes.

use crate::common::{Spec, principal};
use crate::node::{Node, ids, room_for};
use blocktree_mempool::{Dropped, FeeRate, Inserted, Policy, PoolRefusal};
use blocktree_primitives::{Amount, EventId};

fn full(given: u64, lowest: u64) -> PoolRefusal {
    let rate = |fee| FeeRate::new(Amount::from_units(fee), 200);
    PoolRefusal::PoolFull { given: rate(given), lowest: rate(lowest) }
}

fn evicting(node: &mut Node, spec: &Spec) -> Vec<EventId> {
    let Inserted { replaced, evicted } = node.insert(spec).expect("it pays more");
    assert_eq!(replaced, None);
    for id in &evicted {
        assert_eq!(node.dropped(id), Dropped::Evicted);
    }
    evicted
}

#[test]
fn the_lowest_rate_goes_first_and_equal_ones_stay() {
    let mut node = Node::new(room_for(3));
    let poor = node.add(Spec::new(1, 0, 400));
    node.add(Spec::new(2, 0, 600));
    let rich = node.add(Spec::new(3, 0, 800));
    assert_eq!(node.insert(&Spec::new(4, 0, 400)), Err(full(400, 400)));
    assert_eq!(node.insert(&Spec::new(4, 0, 399)), Err(full(399, 400)));
    assert_eq!(evicting(&mut node, &Spec::new(4, 0, 401)), [poor]);
    // Of two with the same rate the later goes.
    let later = node.add_evicting(Spec::new(5, 0, 601));
    assert_eq!(later.1.len(), 1);
    node.add_evicting(Spec::new(6, 0, 601));
    let evicted = evicting(&mut node, &Spec::new(7, 0, 602));
    assert_eq!(evicted.len(), 1);
    assert!(node.waits(&later.0) && node.waits(&rich));
}

#[test]
fn the_tail_of_the_poorest_lane_goes_whatever_it_pays_itself() {
    let mut node = Node::new(room_for(3));
    let head = node.add(Spec::new(1, 0, 400));
    let tail = node.add(Spec::new(1, 1, 100_000));
    node.add(Spec::new(2, 0, 600));
    assert_eq!(evicting(&mut node, &Spec::new(3, 0, 500)), [tail]);
    assert_eq!(evicting(&mut node, &Spec::new(4, 0, 500)), [head]);
    // Nor can a rich event behind a poor one of its own drive out a richer.
    assert_eq!(node.insert(&Spec::new(3, 1, 100_000)), Err(full(500, 500)));
}

#[test]
fn what_may_never_be_mined_goes_before_all_others() {
    // Behind a missing nonce.
    let mut node = Node::new(room_for(3));
    let waits_for_0 = node.add(Spec::new(1, 1, 100_000));
    node.add(Spec::new(2, 0, 400));
    node.add(Spec::new(3, 0, 600));
    assert_eq!(evicting(&mut node, &Spec::new(4, 0, 300)), [waits_for_0]);
    // It gets no room that it takes from others.
    assert_eq!(node.insert(&Spec::new(1, 1, 100_000)), Err(full(100_000, 300)));

    // Refused by a template.
    let mut node = Node::new(room_for(3));
    let refused = node.add(Spec::new(1, 0, 100_000));
    let behind = node.add(Spec::new(1, 1, 100_000));
    node.add(Spec::new(2, 0, 400));
    node.refuse(&refused, "no such offer");
    assert_eq!(evicting(&mut node, &Spec::new(3, 0, 300)), [behind]);
    assert_eq!(evicting(&mut node, &Spec::new(4, 0, 300)), [refused]);

    // More fees than the signer can pay, since a block took its balance away.
    let mut node = Node::new(room_for(3));
    node.add(Spec::new(1, 0, 50_000));
    let unpaid = node.add(Spec::new(1, 1, 50_000));
    node.add(Spec::new(2, 0, 400));
    node.apply(vec![], &[(1, 99_999)]);
    assert_eq!(evicting(&mut node, &Spec::new(3, 0, 300)), [unpaid]);
    // 50,000 are covered: the first stays and 300 is the lowest rate again.
    assert_eq!(node.insert(&Spec::new(4, 0, 300)), Err(full(300, 300)));
}

#[test]
fn filling_a_gap_may_cost_ones_own_tail() {
    let mut node = Node::new(room_for(2));
    node.add(Spec::new(1, 1, 400));
    let tail = node.add(Spec::new(1, 2, 400));
    assert_eq!(evicting(&mut node, &Spec::new(1, 0, 300)), [tail]);
    assert_eq!(node.best().len(), 2);
    // With a poorer head in front, the lane is worth less than the other.
    let mut node = Node::new(room_for(2));
    let rich = node.add(Spec::new(1, 1, 400));
    node.add(Spec::new(2, 0, 350));
    assert_eq!(evicting(&mut node, &Spec::new(1, 0, 300)), [rich]);
}

#[test]
fn bytes_are_bounded_too() {
    // Room for three short events and 50 bytes.
    let mut node = Node::new(Policy { max_bytes: 3 * 122 + 50, ..Policy::default() });
    let first = node.add(Spec::new(1, 0, 400));
    let second = node.add(Spec::new(2, 0, 600));
    let third = node.add(Spec::new(3, 0, 800));
    assert_eq!(node.pool.info().bytes, 366);
    // 50 more than the room there is, in place of the poorest: 122 + 172 − 122.
    let exact = evicting(&mut node, &Spec::new(4, 0, 900).padded(50));
    assert_eq!(exact, [first]);
    assert_eq!(node.pool.info().bytes, 416);
    // One byte more drives out another.
    let (_, evicted) = node.add_evicting(Spec::new(5, 0, 1_000).padded(51));
    assert_eq!(evicted, [second, third]);
}

#[test]
fn a_long_event_that_would_drive_out_a_richer_one_changes_nothing() {
    let mut node = Node::new(Policy { max_bytes: 3 * 122, ..Policy::default() });
    for (signer, fee) in [(1, 400), (2, 600), (3, 800)] {
        node.add(Spec::new(signer, 0, fee));
    }
    // 182 bytes: two would have to go, and the second pays more.
    assert_eq!(node.insert(&Spec::new(4, 0, 500).padded(60)), Err(full(500, 600)));
    assert_eq!(node.insert(&Spec::new(1, 1, 500).padded(60)), Err(full(400, 600)));
    // Longer than the whole pool: a rate of 5, and nothing else is left to compare with.
    let rate = FeeRate::new(Amount::from_units(5), 1);
    assert_eq!(
        node.insert(&Spec::new(5, 0, 5_000).weighing(1_000).padded(400)),
        Err(PoolRefusal::PoolFull { given: rate, lowest: rate })
    );
    assert_eq!(node.pool.info().events, 3);
}

#[test]
fn a_replacement_in_a_full_pool_takes_the_place_of_the_old() {
    let mut node = Node::new(room_for(2));
    let old = node.add(Spec::new(1, 0, 1_000));
    node.add(Spec::new(2, 0, 400));
    let spec = Spec::new(1, 0, 2_000);
    assert_eq!(node.insert(&spec), Ok(Inserted { replaced: Some(old), evicted: vec![] }));
    // By bytes it may have to drive out others, and is itself refused if it can't.
    let mut node = Node::new(Policy { max_bytes: 2 * 122, ..Policy::default() });
    let old = node.add(Spec::new(1, 0, 1_000));
    let other = node.add(Spec::new(2, 0, 4_000));
    assert_eq!(node.insert(&Spec::new(1, 0, 2_000).padded(1)), Err(full(2_000, 4_000)));
    assert!(node.waits(&old));
    assert_eq!(
        node.insert(&Spec::new(1, 0, 5_000).padded(1)),
        Ok(Inserted { replaced: Some(old), evicted: vec![other] })
    );
}

#[test]
fn content_is_paged_in_the_order_of_ids() {
    let mut node = Node::new(room_for(10));
    let mut all: Vec<_> = (1..6).map(|signer| node.add(Spec::new(signer, 0, 400))).collect();
    all.sort();
    assert_eq!(ids(node.pool.content(None, 2)), all[..2]);
    assert_eq!(ids(node.pool.content(Some(all[1]), 2)), all[2..4]);
    assert_eq!(ids(node.pool.content(Some(all[3]), 2)), all[4..]);
    assert_eq!(ids(node.pool.content(Some(all[4]), 2)), []);
    assert_eq!(node.pool.of_signer(&principal(1)).count(), 1);
    assert!(node.pool.has_signer(&principal(1)) && !node.pool.has_signer(&principal(9)));
}

impl Node {
    fn add_evicting(&mut self, spec: Spec) -> (EventId, Vec<EventId>) {
        (spec.make().id(), evicting(self, &spec))
    }
}
