//! Two honest nodes.

use crate::support::{CHAIN, Node, QUIC, TCP, config, hello, quick};
use blocktree_network::{Direction, Failure, Group, Input, Request, Response, Source};
use blocktree_p2p::{Command, Config, Event, StartError, peer_id_text};
use blocktree_primitives::BlockHash;

async fn meet_ask_and_part(listen: &str) {
    let (mut alice, mut bob) = (Node::start(&config(listen)), Node::start(&config(listen)));
    let (whole, address) = bob.address().await;
    let told = bob.wait_for(|event| match event {
        Event::Listening(address) => Some(address),
        _ => None,
    });
    assert_eq!(told.await, whole);
    assert_eq!(bob.handle.listen_addresses(), core::slice::from_ref(&whole));
    assert!(whole.ends_with(&peer_id_text(&bob.id)), "{whole}");
    assert_eq!(bob.handle.local_peer_id(), peer_id_text(&bob.id));

    alice.send(Command::Dial { node: bob.id, address: address.clone() }).await;
    let (reached, direction) = alice.connected(bob.id).await;
    assert_eq!((reached, direction), (address, Direction::Outbound));
    let (from, direction) = bob.connected(alice.id).await;
    assert_eq!((from.group, direction), (Group::Local, Direction::Inbound));
    assert!(from.text.starts_with("/ip4/127.0.0.1/"), "{from:?}");

    for id in 0..20 {
        alice.ask(bob.id, id, Request::Hello(hello(id))).await;
    }
    for _ in 0..20 {
        let (node, token, request) = bob.asked().await;
        assert_eq!(node, alice.id);
        let Request::Hello(heard) = request else { unreachable!("{request:?}") };
        let response = Response::Hello(hello(heard.height.0 + 100));
        bob.send(Command::Answer { token, response: response.clone() }).await;
        bob.send(Command::Answer { token, response }).await; // without effect
    }
    let mut seen = [false; 20];
    for _ in 0..20 {
        let (id, answer) = alice
            .input(|input| match input {
                Input::Answered { id, answer, .. } => Some((id.0, answer)),
                _ => None,
            })
            .await;
        assert_eq!(answer, Ok(Response::Hello(hello(id + 100))));
        assert!(!core::mem::replace(&mut seen[usize::try_from(id).unwrap()], true));
    }

    bob.send(Command::Disconnect { node: alice.id }).await;
    bob.disconnected(alice.id).await;
    alice.disconnected(bob.id).await;
    alice.ask(bob.id, 20, Request::Hello(hello(0))).await;
    assert_eq!(alice.answered(20).await, Err(Failure::Gone));
}

#[tokio::test]
async fn nodes_meet_ask_and_part_over_tcp() {
    meet_ask_and_part(TCP).await;
}

#[tokio::test]
async fn nodes_meet_ask_and_part_over_quic() {
    meet_ask_and_part(QUIC).await;
}

#[tokio::test]
async fn a_stopping_node_says_goodbye() {
    for listen in [TCP, QUIC] {
        let (mut alice, mut bob) = (Node::start(&config(listen)), Node::start(&config(listen)));
        alice.dial(&mut bob).await;
        bob.handle.stop().await;
        alice.disconnected(bob.id).await;
        assert!(bob.handle.send(Command::Stop).await.is_err());
    }
}

#[tokio::test]
async fn nodes_of_another_chain_have_no_protocol_in_common() {
    let mut alice = Node::start(&config(TCP));
    let mut bob = Node::start(&Config { genesis: BlockHash([7; 32]), ..config(TCP) });
    alice.dial(&mut bob).await;
    alice.ask(bob.id, 1, Request::Hello(hello(0))).await;
    assert_eq!(alice.answered(1).await, Err(Failure::Unsupported));
}

#[tokio::test]
async fn a_request_without_an_answer_fails_once_and_in_time() {
    let mut alice = Node::start(&Config { times: quick(), ..config(TCP) });
    let mut bob = Node::start(&config(TCP));
    alice.dial(&mut bob).await;
    alice.ask(bob.id, 1, Request::Hello(hello(0))).await;
    let (_, token, _) = bob.asked().await;
    assert_eq!(alice.answered(1).await, Err(Failure::Timeout));
    bob.send(Command::Answer { token, response: Response::Noted }).await;
    alice.never(|input| matches!(input, Input::Answered { .. } | Input::Broke { .. })).await;
}

#[tokio::test]
async fn requests_on_the_way_fail_before_the_goodbye_is_told() {
    let (mut alice, mut bob) = (Node::start(&config(TCP)), Node::start(&config(TCP)));
    alice.dial(&mut bob).await;
    alice.ask(bob.id, 1, Request::Hello(hello(0))).await;
    bob.asked().await;
    alice.send(Command::Disconnect { node: bob.id }).await;
    assert_eq!(alice.answered(1).await, Err(Failure::Gone));
    alice.disconnected(bob.id).await;
    bob.disconnected(alice.id).await;
}

#[tokio::test]
async fn dials_that_lead_nowhere_or_to_another_are_told() {
    let (mut alice, bob) = (Node::start(&config(TCP)), Node::start(&config(TCP)));
    let carol = Node::start(&config(TCP));
    let (_, address) = bob.address().await;
    let failed = |expected| {
        move |input| match input {
            Input::DialFailed { node, address } if node == expected => Some(address),
            _ => None,
        }
    };
    // Bob answers where Carol is sought.
    alice.send(Command::Dial { node: carol.id, address: address.clone() }).await;
    assert_eq!(alice.input(failed(carol.id)).await, address);
    // Nobody answers: Bob has gone.
    bob.handle.stop().await;
    alice.send(Command::Dial { node: bob.id, address: address.clone() }).await;
    assert_eq!(alice.input(failed(bob.id)).await, address);
    // Ourselves, and what is no address.
    let (_, own) = alice.address().await;
    alice.send(Command::Dial { node: alice.id, address: own.clone() }).await;
    assert_eq!(alice.input(failed(alice.id)).await, own);
    let no_address = blocktree_network::Address { text: "nowhere".into(), group: Group::Other };
    alice.send(Command::Dial { node: bob.id, address: no_address.clone() }).await;
    assert_eq!(alice.input(failed(bob.id)).await, no_address);
}

#[tokio::test]
async fn what_can_not_be_listened_on_is_refused_by_name() {
    let key = blocktree_p2p::NodeKey::generate().unwrap();
    let start = |listen: &str| {
        let config = Config { listen: vec![listen.to_owned()], ..Config::new(CHAIN) };
        blocktree_p2p::start(&key, &config, &tokio::runtime::Handle::current()).err()
    };
    let bob = Node::start(&config(TCP));
    let (_, taken) = bob.address().await;
    let refused = start(&taken.text);
    assert!(matches!(refused, Some(StartError::Listen { .. })), "{refused:?}");
    let refused = start("127.0.0.1:9000");
    assert!(matches!(refused, Some(StartError::BadAddress(..))), "{refused:?}");
}

#[tokio::test]
async fn nodes_find_each_other_through_one_they_know() {
    let known = Node::start(&config(TCP));
    let mut others = [Node::start(&config(TCP)), Node::start(&config(TCP))];
    let (_, address) = known.address().await;
    let ids = others.each_ref().map(|node| node.id);
    for node in &others {
        node.send(Command::Dial { node: known.id, address: address.clone() }).await;
    }
    // Each hears of the other, whom it was never told of.
    for (node, other) in others.iter_mut().zip([ids[1], ids[0]]) {
        let addresses = node
            .input(|input| match input {
                Input::Discovered { node, addresses, source: Source::Gossip } if node == other => {
                    Some(addresses)
                }
                _ => None,
            })
            .await;
        assert!(addresses.iter().all(|address| address.group == Group::Local), "{addresses:?}");
        assert!(!addresses.is_empty() && addresses.len() <= 8);
    }
}
