//! What is remembered between runs.

use super::*;
use proptest::prelude::*;

fn known() -> KnownPeers {
    let v6 = Address {
        text: "/ip6/2001:db8::1/udp/1/quic-v1".to_owned(),
        group: Group::V6([0x20, 0x01, 0x0d, 0xb8]),
    };
    let named = Address { text: "/dns/example.org/tcp/1".to_owned(), group: Group::Other };
    let peer = |number, address, last_good| KnownPeer { node: node(number), address, last_good };
    KnownPeers {
        peers: vec![
            peer(1, v4(0x0102, 0x0304), 1_700_000_000),
            peer(2, v6, 5),
            peer(3, named, 4),
            peer(4, local(7), 0),
        ],
        bans: vec![KnownBan { node: node(5), until: 1_700_003_600 }],
    }
}

#[test]
fn golden() {
    let rest = "02".repeat(28);
    let expected = format!(
        "peer 0200000001{rest} 1700000000 v4:0102 /ip4/1.2.3.4/tcp/30333\n\
         peer 0200000002{rest} 5 v6:20010db8 /ip6/2001:db8::1/udp/1/quic-v1\n\
         peer 0200000003{rest} 4 other /dns/example.org/tcp/1\n\
         peer 0200000004{rest} 0 local /ip4/127.0.0.1/tcp/7\n\
         ban 0200000005{rest} 1700003600\n"
    );
    assert_eq!(known().encode(), expected);
    assert_eq!(KnownPeers::decode(expected.as_bytes()), (known(), 0));
}

#[test]
fn a_damaged_line_costs_that_line() {
    let good = known().encode();
    let id = "02".repeat(33);
    let damaged = [
        "nonsense".to_owned(),
        "peer".to_owned(),
        format!("peer {id} 1 local"),
        format!("peer {id} 1 local /a b"),
        format!("peer {id} 1 local {}", "a".repeat(257)),
        format!("peer {id} 4294967296 local /a"),
        format!("peer {id} -1 local /a"),
        format!("peer {id} 1 v4:+102 /a"),
        format!("peer {id} 1 v4:010 /a"),
        format!("peer {id} 1 v5:0102 /a"),
        format!("peer {} 1 local /a", "04".repeat(33)),
        format!("peer {}é2 1 local /a", &id[..63]),
        format!("ban {id}"),
        format!("ban {} 1", &id[2..]),
        format!("ban {id} 1 2"),
    ];
    for line in &damaged {
        let text = format!("{line}\n{good}");
        assert_eq!(KnownPeers::decode(text.as_bytes()), (known(), 1), "{line}");
    }
    let bytes = [b"\xff\xfe\n", good.as_bytes()].concat();
    assert_eq!(KnownPeers::decode(&bytes), (known(), 1));
}

#[test]
fn the_file_is_bounded() {
    let line = format!("ban {} 1\n", "02".repeat(33));
    let (known, skipped) = KnownPeers::decode(line.repeat(1_030).as_bytes());
    assert_eq!((known.bans.len(), skipped), (1_024, 6));
    let (known, skipped) = KnownPeers::decode(&vec![b'x'; MAX_FILE_LEN + 1]);
    assert_eq!((known, skipped), (KnownPeers::default(), 2));
}

#[test]
fn an_address_that_would_be_two_lines_is_left_out() {
    let address = Address { text: "/a\nban".to_owned(), group: Group::Local };
    let peers = vec![KnownPeer { node: node(1), address, last_good: 1 }];
    assert_eq!(KnownPeers { peers, bans: vec![] }.encode(), "");
}

#[test]
fn another_run_knows_what_this_one_knew() {
    let mut first = peers(PeersConfig::default(), 1);
    for number in 1..=3 {
        tell(&mut first, at(0), number, v4(number, 1), Source::Gossip);
    }
    let dials = first.tick(at(0));
    assert_eq!(dials.len(), 3);
    for (node, address) in dials.iter().filter(|(node, _)| *node != super::node(3)) {
        succeed(&mut first, at(1_000), *node, address);
    }
    first.disconnected(at(2_000), node(1));
    assert!(first.offend(at(3_000), node(9), &Offence::Disjoint).is_none());
    let text = first.known(at(10_000)).encode();

    let mut second = peers(PeersConfig::default(), 2);
    let (known, skipped) = KnownPeers::decode(text.as_bytes());
    assert_eq!(skipped, 0);
    // 2 is still there, 1 went, 3 never answered.
    let peer = |number: u32, last_good| KnownPeer {
        node: node(number),
        address: v4(number, 1),
        last_good,
    };
    assert_eq!(known.peers, [peer(2, 1_700_000_010), peer(1, 1_700_000_002)]);
    // Banned at 3 s for 3,600 s.
    assert_eq!(known.bans, [KnownBan { node: node(9), until: 1_700_003_603 }]);

    // A new start, 20 s after the first.
    let now = |tick: u64| Now { tick: Tick(tick), unix: 1_700_000_020 };
    second.restore(now(0), known.clone());
    assert_eq!(inbound(&mut second, now(3_582_999), 9, &local(1)), Err(Reason::StillBanned));
    assert_eq!(inbound(&mut second, now(3_583_000), 9, &local(1)), Ok(None));
    assert_eq!(second.known(now(0)).peers, known.peers);
    assert_eq!(second.tick(now(0)).len(), 2);
}

#[test]
fn a_wrong_clock_makes_no_ban_longer() {
    let mut peers = peers(PeersConfig::default(), 1);
    let bans = vec![KnownBan { node: node(1), until: u32::MAX }];
    peers.restore(at(0), KnownPeers { peers: vec![], bans });
    assert_eq!(inbound(&mut peers, at(3_599_999), 1, &local(1)), Err(Reason::StillBanned));
    assert_eq!(inbound(&mut peers, at(3_600_000), 1, &local(1)), Ok(None));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let (known, skipped) = KnownPeers::decode(&bytes);
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count();
        prop_assert_eq!(known.peers.len() + known.bans.len() + skipped, lines);
    }

    #[test]
    fn any_flipped_byte_costs_two_lines_at_most(place in 0_usize..400, byte in any::<u8>()) {
        let mut text = known().encode().into_bytes();
        let place = place % text.len();
        text[place] = byte;
        let (read, _) = KnownPeers::decode(&text);
        let all = known();
        let kept = read.peers.iter().filter(|peer| all.peers.contains(peer)).count()
            + read.bans.iter().filter(|ban| all.bans.contains(ban)).count();
        prop_assert!(kept >= 3, "{kept}");
    }
}
