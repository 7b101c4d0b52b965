//! Peers as a whole: what the driver tells them and what comes of it.

mod attack;
mod book;
mod file;
mod score;
mod slots;
mod world;

use super::*;
use crate::address::Group;

/// A node told apart by a number.
fn node(number: u32) -> NodeId {
    let mut id = [2; 33];
    id[1..5].copy_from_slice(&number.to_be_bytes());
    NodeId(id)
}

const OWN: NodeId = NodeId([3; 33]);

/// An address in the group `a.b`; the rest of it follows from the number. Both count modulo 2^16.
fn v4(group: u32, number: u32) -> Address {
    let ([_, _, a, b], [_, _, c, d]) = (group.to_be_bytes(), number.to_be_bytes());
    Address { text: format!("/ip4/{a}.{b}.{c}.{d}/tcp/30333"), group: Group::V4([a, b]) }
}

/// An address of the local network.
fn local(port: u32) -> Address {
    Address { text: format!("/ip4/127.0.0.1/tcp/{port}"), group: Group::Local }
}

/// Some moment: so many milliseconds after the start, at which it was 1,700,000,000.
fn at(tick: u64) -> Now {
    let unix = 1_700_000_000 + u32::try_from(tick / 1_000).unwrap();
    Now { tick: Tick(tick), unix }
}

fn peers(config: PeersConfig, seed: u64) -> Peers {
    Peers::new(config, OWN, Random::new(seed))
}

/// Tells of a node at one address.
fn tell(peers: &mut Peers, now: Now, number: u32, address: Address, source: Source) {
    peers.discovered(now, node(number), vec![address], source);
}

/// Lets a dial succeed, greeting included.
fn succeed(peers: &mut Peers, now: Now, node: NodeId, address: &Address) -> Option<NodeId> {
    let evicted = peers.connected(now, node, address, Direction::Outbound).unwrap();
    peers.greeted(now, node);
    evicted
}

/// Lets someone connect.
fn inbound(
    peers: &mut Peers,
    now: Now,
    number: u32,
    address: &Address,
) -> Result<Option<NodeId>, Reason> {
    peers.connected(now, node(number), address, Direction::Inbound)
}
