//! Peers that lie, stall and flood: each breach has its name, and what they make a node hold is bounded.

use crate::attacker::{Attacker, Script, Seen};
use crate::support::{A_WHILE, Node, QUIC, SOON, TCP, config, hello, quick};
use blocktree_network::message::{MAX_REQUEST_LEN, MAX_RESPONSE_LEN};
use blocktree_network::{Failure, Input, NodeId, Offence, Request, Response};
use blocktree_p2p::{Command, Config, Times, peer_id_text};
use std::collections::BTreeSet;
use tokio::time::timeout;

/// The request for no events: kind 6, a list of none. Its answer may be large.
const LARGE: [u8; 2] = [6, 0];
/// The news of no events: kind 5, a list of none. Its answer is short.
const SMALL: [u8; 2] = [5, 0];

async fn victim(listen: &str) -> (Node, String) {
    let node = Node::start(&Config { times: quick(), ..config(listen) });
    let (_, address) = node.address().await;
    (node, address.text)
}

/// What a node makes of this request.
async fn offence_of(script: Script, listen: &str) -> Offence {
    let (mut node, address) = victim(listen).await;
    let mut attacker = Attacker::node();
    attacker.meet(node.id, &address).await;
    attacker.ask(node.id, script);
    let (by, offence) = node.broke().await;
    assert_eq!(peer_id_text(&by), attacker.peer.to_base58());
    offence
}

#[tokio::test]
async fn requests_that_are_none_are_named() {
    for listen in [TCP, QUIC] {
        let long = Offence::TooLong(MAX_REQUEST_LEN);
        assert_eq!(offence_of(Script::Say(vec![0; 100_001]), listen).await, long);
        assert_eq!(offence_of(Script::Begin(vec![0; 10_000_000]), listen).await, long);
        // An unknown kind; nothing; a list of more than there is; more than a list.
        for bytes in [vec![255], vec![], vec![6, 4], vec![6, 0, 0]] {
            let offence = offence_of(Script::Say(bytes), listen).await;
            assert!(matches!(offence, Offence::Malformed(_)), "{offence:?}");
        }
        for bytes in [vec![], vec![6]] {
            assert_eq!(offence_of(Script::Begin(bytes), listen).await, Offence::TooSlow);
        }
    }
}

/// What a node makes of this answer to a greeting: what the network is told of the request, and whether
/// an offence before.
async fn verdict_on(answer: Script) -> (Failure, Option<Offence>) {
    let (mut node, address) = victim(TCP).await;
    let mut attacker = Attacker::answering(answer);
    attacker.meet(node.id, &address).await;
    let peer = node.input(|input| match input {
        Input::Connected { node, .. } => Some(node),
        _ => None,
    });
    let peer = peer.await;
    node.ask(peer, 7, Request::Hello(hello(0))).await;
    let mut offence = None;
    let answer = node
        .input(|input| match input {
            Input::Broke { offence: by, .. } => {
                offence = Some(by);
                None
            }
            Input::Answered { id, answer, .. } => {
                assert_eq!(id.0, 7);
                Some(answer)
            }
            _ => None,
        })
        .await;
    node.never(|input| matches!(input, Input::Answered { .. } | Input::Broke { .. })).await;
    (answer.unwrap_err(), offence)
}

#[tokio::test]
async fn answers_that_are_none_are_named() {
    // A greeting has 105 bytes; whoever is asked for one can't send megabytes.
    let (failure, offence) = verdict_on(Script::Say(vec![0; 1_000])).await;
    assert!(matches!(offence, Some(Offence::TooLong(..=256))), "{offence:?}");
    assert_eq!(failure, Failure::Gone);
    let (failure, offence) = verdict_on(Script::Say(vec![9, 9])).await;
    assert!(matches!(offence, Some(Offence::Malformed(_))), "{offence:?}");
    assert_eq!(failure, Failure::Gone);
}

#[tokio::test]
async fn missing_answers_are_failures_but_no_offences() {
    assert_eq!(verdict_on(Script::Say(vec![])).await, (Failure::Gone, None));
    assert_eq!(verdict_on(Script::Begin(vec![4])).await, (Failure::Timeout, None));
}

#[tokio::test]
async fn an_excess_of_requests_is_told_once() {
    let (mut node, address) = victim(TCP).await;
    let mut attacker = Attacker::node();
    attacker.meet(node.id, &address).await;
    for _ in 0..150 {
        attacker.ask(node.id, Script::Begin(vec![5]));
    }
    let mut told = (0, 0); // too many, too slow
    let count = async {
        while told.1 < 64 {
            match node.broke().await.1 {
                Offence::TooMany => told.0 += 1,
                Offence::TooSlow => told.1 += 1,
                other => unreachable!("{other:?}"),
            }
        }
    };
    timeout(SOON, count).await.unwrap();
    assert_eq!(told, (1, 64));
    // Then there is room again.
    attacker.ask(node.id, Script::Say(SMALL.to_vec()));
    let (_, token, request) = node.asked().await;
    assert_eq!(request.name(), "have");
    node.send(Command::Answer { token, response: Response::Noted }).await;
    let answer = attacker.wait_for(|seen| match seen {
        Seen::Answer(bytes) => Some(bytes),
        _ => None,
    });
    assert_eq!(answer.await, [4], "Noted is kind 4");
}

/// About 4 MB.
fn large_answer() -> Response {
    let event = vec![7; 1_990_000].try_into().unwrap();
    let answer = Response::Events(vec![event; 2].try_into().unwrap());
    assert!(parity_scale_codec::Encode::encoded_size(&answer) < MAX_RESPONSE_LEN);
    answer
}

/// Bytes of memory of this process.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

/// Twelve peers ask for forty large answers each, 480 · 4 MB = 1.9 GB, and read none of them.
#[tokio::test]
async fn readers_that_do_not_read_hold_little_and_are_named() {
    // Requests may wait for their turn as long as the test may take.
    let times = Times { answer: SOON, ..quick() };
    let mut node = Node::start(&Config { times, ..config(TCP) });
    let address = node.address().await.1.text;
    let mut attackers = Vec::new();
    for _ in 0..12 {
        let mut attacker = Attacker::node();
        attacker.meet(node.id, &address).await;
        attackers.push(attacker);
    }
    let before = resident();
    for attacker in &attackers {
        for _ in 0..40 {
            attacker.ask(node.id, Script::SayAndIgnore(LARGE.to_vec()));
        }
    }
    let (mut asked, mut slow, mut most, mut peak) = (0_u32, 0_u32, 0_u32, 0);
    let mut named: BTreeSet<NodeId> = BTreeSet::new();
    while named.len() < 12 {
        let event = timeout(SOON, node.events.recv()).await.unwrap().unwrap();
        match event {
            blocktree_p2p::Event::Input(Input::Asked { token, .. }) => {
                asked += 1;
                node.send(Command::Answer { token, response: large_answer() }).await;
            }
            blocktree_p2p::Event::Input(Input::Broke { node, offence }) => {
                assert_eq!(offence, Offence::TooSlow);
                slow += 1;
                named.insert(node);
            }
            _ => {}
        }
        most = most.max(asked - slow);
        peak = peak.max(resident());
    }
    // Sixteen in all, and those that ended while their successors were told already.
    assert!((12..=20).contains(&most), "{most} answers at once");
    let grown = peak.saturating_sub(before) / 1_000_000;
    println!("{most} answers at once, {asked} in all; memory grew by {grown} MB");
    assert!(grown < 300, "memory grew by {grown} MB");
}

#[tokio::test]
async fn one_peer_takes_two_large_answers_at_once_and_no_more() {
    let (mut node, address) = victim(TCP).await;
    let mut attacker = Attacker::node();
    attacker.meet(node.id, &address).await;
    for _ in 0..10 {
        attacker.ask(node.id, Script::Say(LARGE.to_vec()));
    }
    let first = node.asked().await.1;
    node.asked().await;
    node.never(|input| matches!(input, Input::Asked { .. })).await;
    // Short ones don't wait for them.
    attacker.ask(node.id, Script::Say(SMALL.to_vec()));
    assert_eq!(node.asked().await.2.name(), "have");
    node.send(Command::Answer { token: first, response: large_answer() }).await;
    let bytes = attacker
        .wait_for(|seen| match seen {
            Seen::Answer(bytes) => Some(bytes.len()),
            _ => None,
        })
        .await;
    // Kind 1, count 1; two events of a length of 4 bytes each.
    assert_eq!(bytes, 2 + 2 * (4 + 1_990_000));
    assert_eq!(node.asked().await.2.name(), "events", "one done, the next");
}

/// Relays look for the end of what they serve every ten seconds, so that is how long it takes.
async fn identify_ping_and_leave(listen: &str) {
    let (mut node, address) = victim(listen).await;
    let key = libp2p::identity::Keypair::generate_ed25519();
    let mut attacker = Attacker::start(key, Script::Say(vec![]));
    attacker.dial(node.id, &address);
    let info = attacker.wait_for(|seen| match seen {
        Seen::Identified(info) => Some(info),
        _ => None,
    });
    let info = info.await;
    assert_eq!(info.protocol_version, crate::support::PROTOCOL);
    assert!(info.agent_version.starts_with("blocktree/"), "{}", info.agent_version);
    attacker.wait_for(|seen| matches!(seen, Seen::Pinged).then_some(())).await;
    attacker.ask(node.id, Script::Say(SMALL.to_vec()));
    attacker.wait_for(|seen| matches!(seen, Seen::Failed).then_some(())).await;
    // Pings don't keep it.
    attacker.wait_for(|seen| matches!(seen, Seen::Closed { remaining: 0 }).then_some(())).await;
    node.never(|_| true).await;
}

#[tokio::test]
async fn peers_that_are_no_nodes_identify_and_ping_and_that_is_all() {
    tokio::join!(identify_ping_and_leave(TCP), identify_ping_and_leave(QUIC));
}

#[tokio::test]
async fn a_peer_has_two_connections_and_is_told_once() {
    let (mut node, address) = victim(TCP).await;
    let mut attacker = Attacker::node();
    for _ in 0..6 {
        attacker.dial(node.id, &address);
    }
    tokio::time::sleep(2 * A_WHILE).await;
    let mut open = 0_i32;
    for seen in attacker.all_seen() {
        match seen {
            Seen::Connected => open += 1,
            Seen::Closed { .. } => open -= 1,
            _ => {}
        }
    }
    assert_eq!(open, 2);
    let mut told = 0;
    while let Ok(event) = node.events.try_recv() {
        if let blocktree_p2p::Event::Input(input) = event {
            assert!(!matches!(input, Input::Disconnected { .. }), "{input:?}");
            told += u32::from(matches!(input, Input::Connected { .. }));
        }
    }
    assert_eq!(told, 1);
}

#[tokio::test]
async fn inbound_connections_beyond_the_limit_are_closed() {
    let mut node = Node::start(&Config { max_inbound: 3, ..config(TCP) });
    let (_, address) = node.address().await;
    let mut attackers: Vec<Attacker> = (0..8).map(|_| Attacker::node()).collect();
    for attacker in &attackers {
        attacker.dial(node.id, &address.text);
    }
    tokio::time::sleep(2 * A_WHILE).await;
    let mut told = 0;
    while let Ok(event) = node.events.try_recv() {
        let is_new = matches!(event, blocktree_p2p::Event::Input(Input::Connected { .. }));
        told += u32::from(is_new);
    }
    assert_eq!(told, 3);
    // One goes, another comes.
    let gone = attackers.iter_mut().position(|attacker| {
        !attacker.all_seen().iter().any(|seen| matches!(seen, Seen::Closed { .. }))
    });
    drop(attackers.remove(gone.unwrap()));
    node.input(|input| matches!(input, Input::Disconnected { .. }).then_some(())).await;
    let late = Attacker::node();
    late.dial(node.id, &address.text);
    node.input(|input| matches!(input, Input::Connected { .. }).then_some(())).await;
}

/// A driver that does not take its events can still give commands, and the swarm holds few requests
/// for it, however many are sent.
#[tokio::test]
async fn a_driver_that_does_not_listen_is_not_run_over() {
    let (mut node, address) = victim(TCP).await;
    let mut attacker = Attacker::node();
    attacker.meet(node.id, &address).await;
    for _ in 0..3_000 {
        attacker.ask(node.id, Script::Say(SMALL.to_vec()));
    }
    tokio::time::sleep(A_WHILE).await;
    let commands = async {
        for id in 0..1_000 {
            node.ask(NodeId([2; 33]), id, Request::Hello(hello(0))).await;
        }
    };
    timeout(SOON, commands).await.unwrap();
    // All thousand failures come, each once.
    let mut failed = BTreeSet::new();
    while failed.len() < 1_000 {
        let (id, answer) = node
            .input(|input| match input {
                Input::Answered { id, answer, .. } => Some((id.0, answer)),
                _ => None,
            })
            .await;
        assert_eq!(answer, Err(Failure::Gone));
        assert!(failed.insert(id));
    }
}
