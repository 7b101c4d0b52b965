//! Points, and how bans begin and end.

use super::*;
use crate::peers::score::{BAN, HOST_BAN, LIMIT, MAX_BANS, MAX_SCORES, points};
use blocktree_consensus::{TargetError, Violation};
use blocktree_primitives::key::SignatureError;
use blocktree_primitives::{
    BlockHash, CommitmentHash, DecodeError, EventRoot, Height, HistoryRoot, StateRoot,
};
use std::collections::BTreeSet;

/// One of each violation.
fn violations() -> Vec<Violation> {
    let reason = || "reason".to_owned();
    vec![
        Violation::Malformed { error: DecodeError::TrailingBytes(1) },
        Violation::BadTarget { bits: 0, error: TargetError::Zero },
        Violation::TargetAboveLimit { bits: 2, limit: 1 },
        Violation::InsufficientWork { hash: BlockHash([0; 32]), bits: 1 },
        Violation::WrongBits { expected: 1, found: 2 },
        Violation::TimeNotAfterMedian { median: 1, time: 1 },
        Violation::WrongCommitment {
            expected: CommitmentHash([0; 32]),
            found: CommitmentHash([1; 32]),
        },
        Violation::WrongHeight { expected: Height(1), found: Height(2) },
        Violation::WrongHistoryRoot { expected: HistoryRoot([0; 32]), found: HistoryRoot([1; 32]) },
        Violation::WrongEventRoot { expected: EventRoot([0; 32]), found: EventRoot([1; 32]) },
        Violation::TooHeavy { index: 0, weight: 1 },
        Violation::NormalTooHeavy { index: 0, weight: 1 },
        Violation::EventMalformed { index: 0, reason: reason() },
        Violation::EventSignature { index: 0, error: SignatureError::BadKey },
        Violation::CallSignature { index: 0, signature: 0, error: SignatureError::BadKey },
        Violation::EventRefused { index: 0, reason: reason() },
        Violation::WrongStateRoot { expected: StateRoot([0; 32]), found: StateRoot([1; 32]) },
    ]
}

#[test]
fn every_violation_costs_the_connection_at_once() {
    let samples = violations();
    let named: BTreeSet<&str> = samples.iter().map(Violation::name).collect();
    assert_eq!(named, Violation::NAMES.iter().copied().collect());
    for violation in samples {
        let name = violation.name();
        assert_eq!(points(&Offence::Block(violation)), 100, "{name}");
    }
}

#[test]
fn points_of_offences() {
    let lie = "lie";
    // The table of docs/protocol.md §12.6.
    let table = [
        (Offence::Malformed(lie.to_owned()), 100),
        (Offence::TooLong(1), 100),
        (Offence::Unsolicited(lie), 100),
        (Offence::Disjoint, 100),
        (Offence::OnInvalid, 100),
        (Offence::Event(lie.to_owned()), 100),
        (Offence::BadHello(lie), 50),
        (Offence::ChangedHeaders, 50),
        (Offence::TooMany, 20),
        (Offence::TooSlow, 20),
        (Offence::Silent, 20),
    ];
    for (offence, expected) in table {
        assert_eq!(points(&offence), expected, "{offence}");
    }
    assert_eq!(LIMIT, 100);
}

#[test]
fn points_fade_by_one_a_second() {
    let mut peers = peers(PeersConfig::default(), 0);
    inbound(&mut peers, at(0), 1, &v4(1, 1)).unwrap();
    assert_eq!(peers.offend(at(0), node(1), &Offence::BadHello("early")), None);
    let score = |peers: &Peers, tick| peers.list(at(tick))[0].score;
    assert_eq!(score(&peers, 0), 50);
    assert_eq!(score(&peers, 10_000), 40);
    // 50 − 30 + 20 = 40.
    assert_eq!(peers.offend(at(30_000), node(1), &Offence::TooMany), None);
    assert_eq!(score(&peers, 30_000), 40);
    assert_eq!(score(&peers, 69_999), 1, "a thousandth is left");
    assert_eq!(score(&peers, 70_000), 0);
}

#[test]
fn lesser_offences_add_up_to_a_ban() {
    let mut peers = peers(PeersConfig::default(), 0);
    inbound(&mut peers, at(0), 1, &v4(1, 1)).unwrap();
    for _ in 0..4 {
        assert_eq!(peers.offend(at(0), node(1), &Offence::TooMany), None);
    }
    let reason = peers.offend(at(0), node(1), &Offence::TooMany);
    assert_eq!(reason, Some(Reason::Banned(Offence::TooMany)));
    assert!(!peers.contains(&node(1)), "its slot is free at once");
    assert_eq!(peers.offend(at(0), node(1), &Offence::TooMany), None, "it is going already");
}

#[test]
fn who_comes_back_keeps_its_points() {
    let mut peers = peers(PeersConfig::default(), 0);
    inbound(&mut peers, at(0), 1, &v4(1, 1)).unwrap();
    assert_eq!(peers.offend(at(0), node(1), &Offence::ChangedHeaders), None);
    peers.disconnected(at(0), node(1));
    inbound(&mut peers, at(0), 1, &v4(1, 1)).unwrap();
    let reason = peers.offend(at(0), node(1), &Offence::ChangedHeaders);
    assert_eq!(reason, Some(Reason::Banned(Offence::ChangedHeaders)));
}

/// Connects, misbehaves, and goes.
fn be_banned(peers: &mut Peers, now: Now, number: u32, address: &Address) {
    inbound(peers, now, number, address).unwrap();
    assert!(peers.offend(now, node(number), &Offence::Disjoint).is_some());
    peers.disconnected(now, node(number));
}

#[test]
fn bans_end_exactly() {
    let mut peers = peers(PeersConfig::default(), 0);
    be_banned(&mut peers, at(5), 1, &v4(1, 1));
    let elsewhere = v4(2, 2);
    let back = |peers: &mut Peers, tick| {
        peers.tick(at(tick));
        inbound(peers, at(tick), 1, &elsewhere)
    };
    assert_eq!(BAN.as_secs(), 3_600);
    assert_eq!(back(&mut peers, 5), Err(Reason::StillBanned));
    assert_eq!(back(&mut peers, 3_600_004), Err(Reason::StillBanned));
    assert_eq!(back(&mut peers, 3_600_005), Ok(None));
}

#[test]
fn a_new_key_from_the_same_address_must_wait() {
    let mut peers = peers(PeersConfig::default(), 0);
    be_banned(&mut peers, at(5), 1, &v4(1, 1));
    assert_eq!(HOST_BAN.as_secs(), 600);
    let mut other_port = v4(1, 1);
    other_port.text = other_port.text.replace("30333", "41000");
    assert_eq!(inbound(&mut peers, at(600_004), 2, &other_port), Err(Reason::StillBanned));
    assert_eq!(inbound(&mut peers, at(600_004), 3, &v4(1, 2)), Ok(None), "its neighbour");
    assert_eq!(inbound(&mut peers, at(600_005), 2, &other_port), Ok(None));
}

#[test]
fn of_ipv6_the_network_counts() {
    let v6 = |text: &str| Address {
        text: format!("/ip6/{text}/tcp/1"),
        group: Group::V6([0x20, 0x01, 0x0d, 0xb8]),
    };
    let mut peers = peers(PeersConfig::default(), 0);
    be_banned(&mut peers, at(0), 1, &v6("2001:db8:0:1::1"));
    let same = inbound(&mut peers, at(0), 2, &v6("2001:db8:0:1:ffff::9"));
    assert_eq!(same, Err(Reason::StillBanned));
    assert_eq!(inbound(&mut peers, at(0), 3, &v6("2001:db8:0:2::1")), Ok(None));
}

#[test]
fn the_local_network_and_relays_are_not_banned_as_such() {
    let mut peers = peers(PeersConfig::default(), 0);
    be_banned(&mut peers, at(0), 1, &local(1));
    assert_eq!(inbound(&mut peers, at(0), 2, &local(1)), Ok(None));
    let relayed =
        Address { text: "/ip4/9.9.9.9/tcp/1/p2p-circuit".to_owned(), group: Group::Other };
    be_banned(&mut peers, at(0), 3, &relayed);
    assert_eq!(inbound(&mut peers, at(0), 4, &relayed), Ok(None));
}

#[test]
fn who_is_only_slow_rests() {
    let mut peers = peers(PeersConfig::default(), 0);
    inbound(&mut peers, at(0), 1, &v4(1, 1)).unwrap();
    let offences = [const { Offence::Silent }; 5];
    let reasons = offences.map(|offence| peers.offend(at(0), node(1), &offence));
    assert_eq!(reasons, [None, None, None, None, Some(Reason::Unresponsive)]);
    peers.disconnected(at(0), node(1));
    assert_eq!(inbound(&mut peers, at(14_999), 1, &v4(1, 1)), Err(Reason::StillBanned));
    assert_eq!(inbound(&mut peers, at(14_999), 2, &v4(1, 1)), Ok(None), "not its address");
    assert_eq!(inbound(&mut peers, at(15_000), 1, &v4(1, 1)), Ok(None));
}

#[test]
fn reserved_peers_are_disconnected_but_never_banned() {
    let mut peers = peers(PeersConfig::default(), 0);
    tell(&mut peers, at(0), 1, v4(1, 1), Source::Reserved);
    inbound(&mut peers, at(0), 1, &v4(1, 1)).unwrap();
    let reason = peers.offend(at(0), node(1), &Offence::Disjoint);
    assert_eq!(reason, Some(Reason::Misbehaved(Offence::Disjoint)));
    peers.disconnected(at(0), node(1));
    assert_eq!(inbound(&mut peers, at(0), 1, &v4(1, 1)), Ok(None));
}

#[test]
fn whoever_runs_the_node_lifts_a_ban_by_reserving() {
    let mut peers = peers(PeersConfig::default(), 0);
    be_banned(&mut peers, at(0), 1, &v4(1, 1));
    tell(&mut peers, at(0), 1, v4(1, 1), Source::Gossip);
    assert_eq!(peers.tick(at(0)), [], "hearsay does not");
    tell(&mut peers, at(0), 1, v4(1, 1), Source::Reserved);
    assert_eq!(peers.tick(at(0)), [(node(1), v4(1, 1))]);
}

#[test]
fn bans_and_points_are_bounded() {
    let mut peers = peers(PeersConfig::default(), 0);
    let far = 2_000;
    for number in 0..far {
        // Not connected: each of these is remembered all the same.
        peers.offend(at(u64::from(number)), node(number), &Offence::Disjoint);
        peers.offend(at(u64::from(number)), node(far + number), &Offence::BadHello("early"));
    }
    assert_eq!(peers.known(at(2_000)).bans.len(), MAX_BANS);
    assert_eq!(inbound(&mut peers, at(2_000), 0, &local(1)), Ok(None), "the first ended first");
    assert_eq!(inbound(&mut peers, at(2_000), 1_999, &local(1)), Err(Reason::StillBanned));
    let scored = (0..far).filter(|i| peers.scores.get(at(2_000).tick, &node(far + i)) > 0);
    assert_eq!(scored.count(), MAX_SCORES);
}
