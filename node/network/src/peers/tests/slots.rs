//! Who may be connected.

use super::*;

#[test]
fn never_ourselves() {
    let mut peers = peers(PeersConfig::default(), 0);
    peers.discovered(at(0), OWN, vec![v4(1, 1)], Source::Reserved);
    assert_eq!(peers.tick(at(0)), []);
    let met = peers.connected(at(0), OWN, &v4(1, 1), Direction::Inbound);
    assert_eq!(met, Err(Reason::Ourselves));
}

#[test]
fn two_outbound_of_a_group_and_eight_in_all() {
    let mut peers = peers(PeersConfig::default(), 1);
    for number in 0..60 {
        let group = number % 6;
        tell(&mut peers, at(0), number, v4(0x0900 + group, 1 + number), Source::Gossip);
    }
    let dials = peers.tick(at(0));
    assert_eq!(dials.len(), 8);
    let mut groups: Vec<Group> = dials.iter().map(|(_, address)| address.group).collect();
    groups.sort_unstable();
    let mut distinct = groups.clone();
    distinct.dedup();
    assert_eq!(distinct.len(), 6, "each group once before any twice");
    assert!(groups.windows(3).all(|three| three[0] != three[2]), "{groups:?}");
    for (node, address) in &dials {
        assert_eq!(succeed(&mut peers, at(0), *node, address), None);
    }
    assert_eq!(peers.tick(at(1_000)), [], "there are enough");
    peers.disconnected(at(2_000), dials[0].0);
    assert_eq!(peers.tick(at(2_000)).len(), 1, "another one instead");
}

#[test]
fn the_local_network_has_no_limit_per_group() {
    let mut peers = peers(PeersConfig::default(), 1);
    for number in 0..20 {
        tell(&mut peers, at(0), number, local(number), Source::Gossip);
    }
    assert_eq!(peers.tick(at(0)).len(), 8);
}

#[test]
fn what_the_driver_dialled_for_itself_takes_no_outbound_slot() {
    let config = PeersConfig { inbound: 1, inbound_per_group: 1, ..PeersConfig::default() };
    let mut peers = peers(config, 1);
    let first = peers.connected(at(0), node(1), &v4(1, 1), Direction::Outbound);
    assert_eq!(first, Ok(None));
    let second = peers.connected(at(0), node(2), &v4(1, 2), Direction::Outbound);
    assert_eq!(second, Err(Reason::NoRoom));
}

#[test]
fn an_address_that_turns_out_to_be_of_a_full_group_is_let_go() {
    let mut peers = peers(PeersConfig::default(), 1);
    let name = |n: u32| Address {
        text: format!("/dns/n{n}.example/tcp/1"),
        group: Group::V6(n.to_be_bytes()),
    };
    for number in 1..=3 {
        tell(&mut peers, at(0), number, name(number), Source::Boot);
    }
    let dials = peers.tick(at(0));
    assert_eq!(dials.len(), 3);
    let met: Vec<_> = dials
        .iter()
        .map(|(node, _)| peers.connected(at(0), *node, &v4(7, 7), Direction::Outbound))
        .collect();
    assert_eq!(met, [Ok(None), Ok(None), Err(Reason::NoRoom)]);
    assert_eq!(peers.tick(at(500)), [], "and left alone for a moment");
}

#[test]
fn a_quarter_of_the_inbound_slots_for_a_group() {
    let mut peers = peers(PeersConfig::default(), 1);
    for number in 0..12 {
        assert_eq!(inbound(&mut peers, at(0), number, &v4(1, number)), Ok(None));
    }
    assert_eq!(inbound(&mut peers, at(0), 12, &v4(1, 12)), Err(Reason::NoRoom));
    assert_eq!(inbound(&mut peers, at(0), 13, &v4(2, 13)), Ok(None));
}

/// A node with four inbound slots, two for a group.
fn small() -> Peers {
    let config = PeersConfig { inbound: 4, inbound_per_group: 2, ..PeersConfig::default() };
    peers(config, 1)
}

#[test]
fn a_new_group_makes_the_youngest_of_the_largest_go() {
    let mut peers = small();
    for (tick, (number, group)) in [(1, 1), (2, 2), (3, 2), (4, 3)].into_iter().enumerate() {
        let now = at(u64::try_from(tick).unwrap());
        assert_eq!(inbound(&mut peers, now, number, &v4(group, number)), Ok(None));
    }
    // Group 3 is present, so it is no reason for anyone to go.
    assert_eq!(inbound(&mut peers, at(10), 5, &v4(3, 5)), Err(Reason::NoRoom));
    // Group 4 is not: of group 2, the largest, 3 came last.
    assert_eq!(inbound(&mut peers, at(10), 6, &v4(4, 6)), Ok(Some(node(3))));
    let present: Vec<NodeId> = peers.list(at(10)).into_iter().map(|view| view.node).collect();
    assert_eq!(present, [node(1), node(2), node(4), node(6)]);
    // Now each group has one: nobody goes any more.
    assert_eq!(inbound(&mut peers, at(10), 7, &v4(5, 7)), Err(Reason::NoRoom));
}

#[test]
fn nobody_of_the_local_network_goes_for_others() {
    let mut peers = small();
    for number in 1..=4 {
        assert_eq!(inbound(&mut peers, at(0), number, &local(number)), Ok(None));
    }
    assert_eq!(inbound(&mut peers, at(0), 5, &v4(1, 5)), Err(Reason::NoRoom));
}

#[test]
fn reserved_peers_need_no_room_and_never_go() {
    let mut peers = small();
    for number in 1..=4 {
        tell(&mut peers, at(0), number, v4(1, number), Source::Reserved);
        assert_eq!(inbound(&mut peers, at(0), number, &v4(1, number)), Ok(None));
    }
    for number in 5..=8 {
        assert_eq!(inbound(&mut peers, at(0), number, &v4(number, 1)), Ok(None));
    }
    assert_eq!(inbound(&mut peers, at(0), 9, &v4(9, 1)), Err(Reason::NoRoom));
    assert_eq!(peers.list(at(0)).iter().filter(|view| view.reserved).count(), 4);
}

#[test]
fn no_longer_reserved_is_an_ordinary_peer_or_none() {
    let mut peers = small();
    for number in 1..=2 {
        tell(&mut peers, at(0), number, v4(1, number), Source::Reserved);
        inbound(&mut peers, at(0), number, &v4(1, number)).unwrap();
    }
    for number in 5..=7 {
        inbound(&mut peers, at(0), number, &v4(number, 1)).unwrap();
    }
    assert_eq!(peers.unreserve(node(1)), None, "the fourth slot was free");
    assert_eq!(peers.unreserve(node(2)), Some(Reason::NoRoom));
    assert!(peers.contains(&node(1)) && !peers.contains(&node(2)));
    assert_eq!(peers.unreserve(node(5)), None, "was not reserved");
}

#[test]
fn who_becomes_reserved_frees_its_slot() {
    let mut peers = small();
    for number in 1..=4 {
        inbound(&mut peers, at(0), number, &v4(number, 1)).unwrap();
    }
    tell(&mut peers, at(0), 1, v4(1, 1), Source::Reserved);
    assert_eq!(inbound(&mut peers, at(0), 5, &v4(5, 1)), Ok(None));
}

#[test]
fn a_dial_of_which_nothing_is_heard_fails() {
    let mut peers = peers(PeersConfig { dials: 1, ..PeersConfig::default() }, 1);
    tell(&mut peers, at(0), 1, v4(1, 1), Source::Boot);
    tell(&mut peers, at(0), 2, v4(2, 2), Source::Boot);
    let first = peers.tick(at(0));
    assert_eq!(first.len(), 1);
    assert_eq!(peers.tick(at(29_999)), []);
    let second = peers.tick(at(30_000));
    assert_eq!(second.len(), 1);
    assert_ne!(first, second, "the first is left alone for a moment");
}

#[test]
fn reserved_nodes_that_are_gone_leave_dials_to_others() {
    let mut peers = peers(PeersConfig::default(), 1);
    for number in 0..20 {
        tell(&mut peers, at(0), number, v4(number, 1), Source::Reserved);
        tell(&mut peers, at(0), 100 + number, v4(number, 2), Source::Gossip);
    }
    let dials = peers.tick(at(0));
    let reserved = dials.iter().filter(|(node, _)| *node < super::node(100)).count();
    assert_eq!((reserved, dials.len()), (4, 8));
}

#[test]
fn of_another_chain_is_forgotten() {
    let mut peers = peers(PeersConfig::default(), 1);
    tell(&mut peers, at(0), 1, v4(1, 1), Source::Gossip);
    tell(&mut peers, at(0), 2, v4(2, 2), Source::Boot);
    for (node, address) in peers.tick(at(0)) {
        peers.connected(at(0), node, &address, Direction::Outbound).unwrap();
        peers.dismissed(node, &Reason::OtherChain);
        assert!(!peers.contains(&node));
        peers.disconnected(at(0), node);
    }
    // Only the one that whoever runs the node named is tried again.
    assert_eq!(peers.tick(at(3_600_000)), [(node(2), v4(2, 2))]);
}

#[test]
fn who_was_told_to_go_does_not_stay_by_connecting_again() {
    let mut peers = peers(PeersConfig::default(), 1);
    assert_eq!(inbound(&mut peers, at(0), 1, &v4(1, 1)), Ok(None));
    assert_eq!(inbound(&mut peers, at(0), 1, &v4(1, 1)), Ok(None), "the slot counts for both");
    assert_eq!(peers.list(at(0)).len(), 1);
    peers.dismissed(node(1), &Reason::NoHello);
    assert_eq!(inbound(&mut peers, at(0), 1, &v4(1, 1)), Err(Reason::NoRoom));
    peers.disconnected(at(0), node(1));
    assert_eq!(inbound(&mut peers, at(0), 1, &v4(1, 1)), Ok(None));
}

#[test]
fn whom_the_operator_sends_away_is_not_sought_again() {
    let mut peers = peers(PeersConfig::default(), 1);
    tell(&mut peers, at(0), 1, v4(1, 1), Source::Reserved);
    for (node, address) in peers.tick(at(0)) {
        succeed(&mut peers, at(0), node, &address);
    }
    assert_eq!(peers.unreserve(node(1)), None);
    peers.dismissed(node(1), &Reason::Dismissed);
    peers.disconnected(at(100_000), node(1));
    assert_eq!(peers.tick(at(3_600_000)), []);
    assert_eq!(inbound(&mut peers, at(3_600_000), 1, &v4(1, 1)), Ok(None), "but it may come");
}
