//! Any sequence of what may happen: the bounds hold at each moment, and the same seed does the same.

use super::*;
use crate::peers::book::{MAX_ADDRESSES, MAX_NODES};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// What the test itself keeps of the connections.
#[derive(Default)]
struct Driver {
    now: u64,
    dials: BTreeMap<NodeId, Address>,
    open: BTreeMap<NodeId, (Address, Direction)>,
    reserved: BTreeSet<NodeId>,
    banned: BTreeMap<NodeId, u64>,
    trace: Vec<String>,
}

fn config() -> PeersConfig {
    PeersConfig { outbound: 5, outbound_per_group: 2, inbound: 8, inbound_per_group: 3, dials: 4 }
}

impl Driver {
    /// One thing happens.
    fn step(&mut self, peers: &mut Peers, chance: &mut Random) {
        let now = at(self.now);
        let number = u32::try_from(chance.below(60)).unwrap();
        let who = node(number);
        let group = u32::try_from(chance.below(7)).unwrap();
        let address = if group == 0 { local(number) } else { v4(group, number) };
        let open: Vec<NodeId> = self.open.keys().copied().collect();
        let dials: Vec<NodeId> = self.dials.keys().copied().collect();
        match chance.below(10) {
            0 | 1 => {
                let sources = [
                    Source::Gossip,
                    Source::Gossip,
                    Source::Ledger,
                    Source::Boot,
                    Source::Reserved,
                ];
                let source = sources[chance.below(5)];
                if source == Source::Reserved {
                    self.reserved.insert(who);
                    self.banned.remove(&who);
                }
                peers.discovered(now, who, vec![address], source);
            }
            2 | 3 if !dials.is_empty() => {
                let who = dials[chance.below(dials.len())];
                let address = self.dials.remove(&who).unwrap();
                if chance.below(3) == 0 {
                    peers.dial_failed(now, who, &address);
                } else {
                    self.connect(peers, who, address, Direction::Outbound);
                }
            }
            4 | 5 if !self.open.contains_key(&who) && !self.dials.contains_key(&who) => {
                self.connect(peers, who, address, Direction::Inbound);
            }
            6 if !open.is_empty() => peers.greeted(now, open[chance.below(open.len())]),
            7 if !open.is_empty() => self.close(peers, open[chance.below(open.len())]),
            8 if !open.is_empty() => {
                let who = open[chance.below(open.len())];
                let offences = [Offence::TooMany, Offence::Silent, Offence::Disjoint];
                let reason = peers.offend(now, who, &offences[chance.below(3)]);
                if let Some(reason) = reason {
                    assert_eq!(
                        matches!(reason, Reason::Misbehaved(_)),
                        self.reserved.contains(&who)
                    );
                    match reason {
                        Reason::Banned(_) => self.banned.insert(who, self.now + 3_600_000),
                        Reason::Unresponsive => self.banned.insert(who, self.now + 15_000),
                        _ => None,
                    };
                    self.close(peers, who);
                }
            }
            9 if chance.below(4) == 0 => {
                self.reserved.remove(&who);
                if peers.unreserve(who).is_some() {
                    self.close(peers, who);
                }
            }
            _ => self.now += chance.below(20_000) as u64,
        }
        for (who, address) in peers.tick(at(self.now)) {
            self.trace.push(format!("{} {who} {}", self.now, address.text));
            assert!(!self.open.contains_key(&who), "is connected");
            assert!(self.banned.get(&who).is_none_or(|until| *until <= self.now), "is banned");
            self.dials.insert(who, address);
        }
    }

    fn connect(&mut self, peers: &mut Peers, who: NodeId, address: Address, direction: Direction) {
        let is_banned = self.banned.get(&who).is_some_and(|until| self.now < *until);
        let outcome = peers.connected(at(self.now), who, &address, direction);
        assert!(!is_banned || outcome == Err(Reason::StillBanned));
        assert!(!self.reserved.contains(&who) || outcome.is_ok(), "{outcome:?}");
        if let Ok(evicted) = outcome {
            self.open.insert(who, (address, direction));
            if let Some(evicted) = evicted {
                assert!(!self.reserved.contains(&evicted));
                self.close(peers, evicted);
            }
        }
    }

    fn close(&mut self, peers: &mut Peers, who: NodeId) {
        self.open.remove(&who);
        peers.disconnected(at(self.now), who);
    }

    /// What holds at each moment.
    fn check(&self, peers: &Peers) {
        let list = peers.list(at(self.now));
        let listed: BTreeSet<NodeId> = list.iter().map(|view| view.node).collect();
        assert_eq!(listed, self.open.keys().copied().collect());
        let mut groups: BTreeMap<(bool, Group), usize> = BTreeMap::new();
        let mut directions = BTreeMap::new();
        for view in list.iter().filter(|view| !view.reserved) {
            // Which slot it has, the list does not say: a dial that was given up counts as inbound.
            let is_outbound = peers.slots.peers[&view.node].slot == Slot::Outbound;
            assert!(view.score < 100);
            *directions.entry(is_outbound).or_insert(0) += 1;
            *groups.entry((is_outbound, view.address.group)).or_insert(0) += 1;
        }
        assert!(directions.get(&true).is_none_or(|count| *count <= 5), "{directions:?}");
        assert!(directions.get(&false).is_none_or(|count| *count <= 8), "{directions:?}");
        for ((is_outbound, group), count) in groups {
            let most = if is_outbound { 2 } else { 3 };
            assert!(group == Group::Local || count <= most, "{group:?} {count}");
        }
        assert!(peers.slots.dials.len() <= 4);
        assert!(peers.book.len() <= MAX_NODES);
        assert!(peers.book.iter().all(|(_, entry)| entry.count_addresses() <= MAX_ADDRESSES));
        assert!(peers.book.get(&OWN).is_none());
    }
}

fn run(seed: u64, steps: usize) -> Vec<String> {
    let mut peers = peers(config(), seed);
    let mut chance = Random::new(!seed);
    let mut driver = Driver::default();
    for _ in 0..steps {
        driver.step(&mut peers, &mut chance);
        driver.check(&peers);
    }
    driver.trace
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() })]

    #[test]
    fn the_bounds_hold(seed in any::<u64>()) {
        prop_assert!(!run(seed, 600).is_empty());
    }
}

#[test]
fn the_same_seed_does_the_same() {
    assert_eq!(run(42, 1_000), run(42, 1_000));
    assert_ne!(run(42, 1_000), run(43, 1_000));
}
