//! Somebody who owns few groups of addresses, and tries to be all that a node sees.

use super::*;
use crate::peers::book::MAX_PER_GROUP;
use proptest::prelude::*;

/// Nodes below this number are honest.
const HONEST: u32 = 1_000;

/// Lets time pass; all dials succeed. Returns who was dialled.
fn run(peers: &mut Peers, from: u64, until: u64) -> Vec<NodeId> {
    let mut dialled = Vec::new();
    for tick in (from..until).step_by(1_000) {
        for (node, address) in peers.tick(at(tick)) {
            dialled.push(node);
            succeed(peers, at(tick), node, &address);
        }
    }
    dialled
}

fn attackers(peers: &Peers, now: Now) -> usize {
    let outbound = |view: &&PeerView| view.direction == Direction::Outbound;
    let list = peers.list(now);
    list.iter().filter(outbound).filter(|view| view.node >= node(HONEST)).count()
}

#[test]
fn a_flood_of_addresses_of_three_groups_displaces_no_good_node() {
    let mut peers = peers(PeersConfig::default(), 11);
    for number in 0..40 {
        tell(&mut peers, at(0), number, v4(number, 1), Source::Gossip);
    }
    // Each honest node is reached once, a few at a time.
    for tick in (0..60_000).step_by(1_000) {
        for (node, address) in peers.tick(at(tick)) {
            succeed(&mut peers, at(tick), node, &address);
            peers.disconnected(at(tick), node);
        }
    }
    let good: Vec<NodeId> = peers.known(at(60_000)).peers.iter().map(|peer| peer.node).collect();
    assert_eq!(good.len(), 40, "each was reached");

    for number in 0..100_000_u32 {
        let address = v4(0xc000 + number % 3, number / 3);
        let source = if number % 5 == 0 { Source::Ledger } else { Source::Gossip };
        tell(&mut peers, at(60_000), HONEST + number, address, source);
    }
    assert_eq!(peers.book.len(), 40 + 3 * MAX_PER_GROUP);
    assert!(good.iter().all(|node| peers.book.get(node).is_some()));

    // Whatever the moment, 2 of each of 3 groups at most.
    run(&mut peers, 60_000, 120_000);
    assert_eq!(peers.list(at(120_000)).len(), 8);
    assert!(attackers(&peers, at(120_000)) <= 6);
    let after: Vec<NodeId> = peers.known(at(120_000)).peers.iter().map(|peer| peer.node).collect();
    assert!(good.iter().all(|node| after.contains(node)));
}

#[test]
fn one_who_is_reached_over_and_over_displaces_only_its_own_group() {
    let mut peers = peers(PeersConfig::default(), 11);
    for number in 0..20 {
        tell(&mut peers, at(0), number, v4(number, 1), Source::Gossip);
    }
    for round in 0..2_000 {
        let tick = u64::from(round) * 1_000;
        tell(&mut peers, at(tick), HONEST + round, v4(0xc000, round), Source::Gossip);
        for (node, address) in peers.tick(at(tick)) {
            succeed(&mut peers, at(tick), node, &address);
            peers.disconnected(at(tick), node);
        }
    }
    let known = peers.known(at(2_000_000)).peers;
    let honest = known.iter().filter(|peer| peer.node < node(HONEST)).count();
    assert_eq!(honest, 20);
    assert_eq!(known.len() - honest, MAX_PER_GROUP);
}

#[test]
fn nodes_never_reached_are_tried_among_good_ones() {
    let mut peers = peers(PeersConfig { outbound: 1, ..PeersConfig::default() }, 11);
    for number in 0..30 {
        let known = KnownPeer { node: node(number), address: v4(number, 1), last_good: 1 };
        peers.restore(at(0), KnownPeers { peers: vec![known], bans: vec![] });
        tell(&mut peers, at(0), HONEST + number, v4(0x4000 + number, 1), Source::Gossip);
    }
    let mut new = 0;
    for _ in 0..30 {
        let (node, address) = peers.tick(at(0)).remove(0);
        new += u32::from(node >= super::node(HONEST));
        peers.dial_failed(at(0), node, &address);
    }
    // A third to two fifths of 30 draws.
    assert!((3..=20).contains(&new), "{new}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..Default::default() })]

    #[test]
    fn few_groups_never_get_more_than_two_slots_each(
        seed in any::<u64>(),
        groups in 1_u32..=3,
        honest in 0_u32..12,
        flood in 1_000_u32..3_000,
    ) {
        let mut peers = peers(PeersConfig::default(), seed);
        for number in 0..honest {
            tell(&mut peers, at(0), number, v4(number, 1), Source::Gossip);
        }
        for number in 0..flood {
            let address = v4(0xc000 + number % groups, number);
            tell(&mut peers, at(0), HONEST + number, address, Source::Gossip);
        }
        run(&mut peers, 0, 20_000);
        let (honest, groups) = (honest as usize, groups as usize);
        prop_assert!(attackers(&peers, at(20_000)) <= 2 * groups);
        prop_assert_eq!(peers.list(at(20_000)).len(), 8.min(honest + 2 * groups));
        prop_assert_eq!(peers.book.len(), honest + MAX_PER_GROUP * groups);
    }
}
