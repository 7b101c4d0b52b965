//! What is kept of addresses, and when they are tried.

use super::*;
use crate::peers::book::{MAX_ADDRESSES, MAX_LOCAL, MAX_NODES, MAX_PER_GROUP};

/// The moments, in milliseconds, at which a node that never answers is dialled within `span`.
fn tries(source: Source, span: u64, has_peer: bool) -> Vec<u64> {
    let mut peers = peers(PeersConfig::default(), 7);
    if has_peer {
        inbound(&mut peers, at(0), 99, &local(1)).unwrap();
        peers.greeted(at(0), node(99));
    }
    tell(&mut peers, at(0), 1, v4(1, 1), source);
    let mut tries = Vec::new();
    for tick in (0..span).step_by(100) {
        for (node, address) in peers.tick(at(tick)) {
            tries.push(tick);
            peers.dial_failed(at(tick), node, &address);
        }
    }
    tries
}

/// Asserts that each wait is one of `expected` seconds, less up to a quarter, plus up to the step.
fn assert_waits(tries: &[u64], expected: &[u64]) {
    let waits: Vec<u64> = tries.windows(2).map(|two| two[1] - two[0]).collect();
    assert_eq!(waits.len(), expected.len(), "{waits:?}");
    for (wait, seconds) in waits.iter().zip(expected) {
        assert!((seconds * 750..=seconds * 1_000 + 100).contains(wait), "{wait} for {seconds}");
    }
}

#[test]
fn waits_double_up_to_ten_minutes() {
    // 1 + 2 + … + 512 = 1,023 s, then 600 each.
    let tries = tries(Source::Boot, 3_000_000, true);
    let full = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];
    assert_waits(&tries[..11], &full);
    assert_waits(&tries[10..], &vec![600; tries.len() - 11]);
    assert!(tries.len() > 13, "{tries:?}");
}

#[test]
fn reserved_nodes_wait_half_a_minute_at_most() {
    let tries = tries(Source::Reserved, 200_000, true);
    assert_waits(&tries[..6], &[1, 2, 4, 8, 16]);
    assert_waits(&tries[5..], &vec![30; tries.len() - 6]);
    assert!(tries.len() >= 11, "{tries:?}");
}

#[test]
fn without_any_peer_nobody_waits_longer() {
    let tries = tries(Source::Boot, 300_000, false);
    assert!(tries.windows(2).all(|two| two[1] - two[0] <= 30_100), "{tries:?}");
}

#[test]
fn who_never_answers_is_forgotten_while_others_do() {
    let day = 86_400_000;
    assert_eq!(tries(Source::Gossip, day, true).len(), 10);
    assert_eq!(tries(Source::Ledger, day, true).len(), 10);
    // Longest waits of 600 s: at least 143 in a day less the first 1,023 s.
    assert!(tries(Source::Boot, day, true).len() > 140);
    // Nobody answers: it is likelier our own line.
    assert!(tries(Source::Gossip, day, false).len() > 1_000);
}

#[test]
fn who_was_good_is_forgotten_later() {
    let mut peers = peers(PeersConfig::default(), 7);
    inbound(&mut peers, at(0), 99, &local(1)).unwrap();
    peers.greeted(at(0), node(99));
    tell(&mut peers, at(0), 1, v4(1, 1), Source::Gossip);
    let (node, address) = peers.tick(at(0)).remove(0);
    succeed(&mut peers, at(0), node, &address);
    peers.disconnected(at(100_000), node);
    let mut tries = 0;
    for tick in (100_000..50_000_000).step_by(1_000) {
        for (node, address) in peers.tick(at(tick)) {
            tries += 1;
            peers.dial_failed(at(tick), node, &address);
        }
    }
    assert_eq!(tries, 40);
}

#[test]
fn addresses_take_turns_the_good_one_first() {
    let mut peers = peers(PeersConfig::default(), 7);
    peers.discovered(at(0), node(1), vec![v4(1, 1), v4(2, 2), v4(3, 3)], Source::Boot);
    let mut dialled = Vec::new();
    for tick in [0, 10_000, 20_000] {
        let (node, address) = peers.tick(at(tick)).remove(0);
        dialled.push(address.clone());
        if tick < 20_000 {
            peers.dial_failed(at(tick), node, &address);
        } else {
            succeed(&mut peers, at(tick), node, &address);
        }
    }
    assert_eq!(dialled, [v4(1, 1), v4(2, 2), v4(3, 3)]);
    peers.disconnected(at(100_000), node(1));
    assert_eq!(peers.tick(at(110_000)), [(node(1), v4(3, 3))], "after it lasted, all begins anew");
}

#[test]
fn who_greets_and_goes_at_once_is_not_dialled_at_once_again_and_again() {
    let mut peers = peers(PeersConfig::default(), 7);
    tell(&mut peers, at(0), 1, v4(1, 1), Source::Boot);
    let mut dials = 0;
    for tick in (0..120_000).step_by(100) {
        for (node, address) in peers.tick(at(tick)) {
            dials += 1;
            succeed(&mut peers, at(tick), node, &address);
            peers.disconnected(at(tick), node);
        }
    }
    // Waits of 1, 2, 4, 8, 16, 30, 30, 30 s less a quarter at most: 120 s have room for 10 of them.
    assert!((7..=10).contains(&dials), "{dials}");
}

#[test]
fn eight_addresses_of_a_node_and_the_good_one_among_them() {
    let mut peers = peers(PeersConfig::default(), 7);
    tell(&mut peers, at(0), 1, v4(1, 1), Source::Gossip);
    let (node, address) = peers.tick(at(0)).remove(0);
    succeed(&mut peers, at(0), node, &address);
    for number in 0..200 {
        tell(&mut peers, at(0), 1, v4(2, number), Source::Ledger);
    }
    let entry = peers.book.get(&node).unwrap();
    assert_eq!(entry.first_address(), Some(&v4(1, 1)));
    assert_eq!(entry.count_addresses(), MAX_ADDRESSES);
}

#[test]
fn what_whoever_runs_the_node_gave_stays() {
    let mut peers = peers(PeersConfig::default(), 7);
    tell(&mut peers, at(0), 1, v4(1, 1), Source::Boot);
    for number in 0..200 {
        tell(&mut peers, at(0), 1, v4(2, number), Source::Gossip);
    }
    assert_eq!(peers.tick(at(0)), [(node(1), v4(1, 1))]);
}

#[test]
fn odd_addresses_are_ignored() {
    let mut peers = peers(PeersConfig::default(), 7);
    let odd = |text: String| Address { text, group: Group::Other };
    tell(&mut peers, at(0), 1, odd(String::new()), Source::Boot);
    tell(&mut peers, at(0), 2, odd("a".repeat(257)), Source::Boot);
    assert_eq!(peers.book.len(), 0);
    tell(&mut peers, at(0), 3, odd("a".repeat(256)), Source::Boot);
    assert_eq!(peers.book.len(), 1);
}

#[test]
fn the_book_is_bounded() {
    let mut peers = peers(PeersConfig::default(), 7);
    for number in 0..20_000_u32 {
        let group = number % 1_000;
        tell(&mut peers, at(0), number, v4(group, 1), Source::Gossip);
    }
    assert_eq!(peers.book.len(), MAX_NODES);
    // Whoever runs the node is heard all the same.
    tell(&mut peers, at(0), 50_000, v4(1, 1), Source::Boot);
    assert_eq!(peers.book.len(), MAX_NODES);
    assert!(peers.book.get(&node(50_000)).is_some());
}

#[test]
fn hearsay_of_the_local_network_is_bounded_too() {
    let mut peers = peers(PeersConfig::default(), 7);
    for number in 0..2_000 {
        tell(&mut peers, at(0), number, local(number), Source::Gossip);
    }
    assert_eq!(peers.book.len(), MAX_LOCAL);
}

#[test]
fn better_sources_displace_worse_ones_and_not_the_other_way() {
    let mut peers = peers(PeersConfig::default(), 7);
    let most = u32::try_from(MAX_PER_GROUP).unwrap();
    for number in 0..most {
        tell(&mut peers, at(0), number, v4(1, number), Source::Ledger);
    }
    for number in 1_000..2_000 {
        tell(&mut peers, at(0), number, v4(1, number), Source::Gossip);
    }
    assert!((0..most).all(|number| peers.book.get(&node(number)).is_some()));
    assert_eq!(peers.book.len(), MAX_PER_GROUP);
}
