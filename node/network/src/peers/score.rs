//! How much an offence counts, and for how long whom it cost (docs/protocol.md §12.6). What the
//! offences are is `offence.rs`; nothing that time can cure, [`NotYet`](blocktree_consensus::NotYet),
//! is one.

use crate::address::{Address, Group, NodeId};
use crate::offence::Offence;
use crate::time::Tick;
use blocktree_consensus::Violation;
use core::net::IpAddr;
use core::time::Duration;
use std::collections::BTreeMap;

/// Points at which a peer is let go. They fade by one a second.
pub(super) const LIMIT: u32 = 100;
/// How long a node stays banned.
pub(super) const BAN: Duration = Duration::from_secs(3_600);
/// How long whoever comes from the address of a banned node is refused: long enough that a new key does
/// not pay, short enough for others behind the same address.
pub(super) const HOST_BAN: Duration = Duration::from_secs(600);
/// How long a node stays away that was only slow: it may be overloaded, or its line, or ours.
pub(super) const REST: Duration = Duration::from_secs(15);
/// Bans remembered, of nodes and of addresses each; the one that ends first makes room.
pub(super) const MAX_BANS: usize = 1_024;
/// Nodes whose points are remembered; the one with the fewest makes room.
pub(super) const MAX_SCORES: usize = 1_024;

/// What an offence costs. `LIMIT` at once where no honest node does it by accident, however slow, old
/// or torn its view of the chain is; less where accidents can look alike.
pub(super) const fn points(offence: &Offence) -> u32 {
    match offence {
        // Only a program that lies, or another one altogether, sends these.
        Offence::Malformed(_)
        | Offence::TooLong(_)
        | Offence::Unsolicited(_)
        | Offence::Disjoint
        | Offence::Event(_)
        // Nodes tell and serve only blocks that they applied, on parents that they applied.
        | Offence::OnInvalid => LIMIT,
        Offence::Block(violation) => block_points(violation),
        // Each message has a stream of its own, so one may overtake the greeting.
        Offence::BadHello(_)
        // A peer may reorganise while its branch is read for the second time. That this reaches the
        // headers which are read just then is rare, and rarer twice within a minute.
        | Offence::ChangedHeaders => 50,
        // The network delays and bunches what was sent evenly.
        Offence::TooMany | Offence::TooSlow | Offence::Silent => 20,
    }
}

/// What a block or header that breaks a rule costs whoever sent it.
///
/// All of them are pure functions of the block and its ancestors: no clock, no pool and no luck
/// decides, so two honest nodes never differ. Since a node announces and serves only what it has itself
/// applied, each is a lie about having checked. A node that follows other rules after a split of the
/// chain is honest but of no use here; for it the ban ends by itself.
const fn block_points(violation: &Violation) -> u32 {
    match violation {
        // Seen without any context: the bytes, and the proof of work that the header claims.
        Violation::Malformed { .. }
        | Violation::BadTarget { .. }
        | Violation::TargetAboveLimit { .. }
        | Violation::InsufficientWork { .. } => LIMIT,
        // Follow from the headers before. The median is of the headers' own times, not of a clock: what
        // depends on the clock is `NotYet::Future`, which is no violation.
        Violation::WrongBits { .. }
        | Violation::TimeNotAfterMedian { .. }
        | Violation::WrongHeight { .. }
        | Violation::WrongHistoryRoot { .. } => LIMIT,
        // What was sent is not what the header stands for. A block put together from short ids is
        // never held against anyone for this: one may share a short id, so the block is fetched whole.
        Violation::WrongCommitment { .. } | Violation::WrongEventRoot { .. } => LIMIT,
        // Behind the event root: the block itself is invalid.
        Violation::TooHeavy { .. }
        | Violation::NormalTooHeavy { .. }
        | Violation::EventMalformed { .. }
        | Violation::EventSignature { .. }
        | Violation::CallSignature { .. }
        | Violation::EventRefused { .. }
        | Violation::WrongStateRoot { .. } => LIMIT,
    }
}

/// Whether a peer that passes the limit with this offence may have had bad luck only: it rests instead
/// of being banned.
const fn is_lapse(offence: &Offence) -> bool {
    matches!(offence, Offence::TooSlow | Offence::Silent)
}

/// What the limit's passing leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Penalty {
    /// Away for [`BAN`].
    Ban,
    /// Away for [`REST`].
    Rest,
}

/// Points of nodes, connected or not: who goes and comes back keeps them.
#[derive(Debug, Default)]
pub(super) struct Scores {
    /// Thousandths of points, and when they stood so.
    of: BTreeMap<NodeId, (u64, Tick)>,
}

impl Scores {
    /// The points now, those of a fraction of a second rounded up.
    pub(super) fn get(&self, now: Tick, node: &NodeId) -> u32 {
        let milli = self.of.get(node).map_or(0, |score| faded(*score, now));
        u32::try_from(milli.div_ceil(1_000)).unwrap_or(u32::MAX)
    }

    /// Counts an offence. At the limit the points begin anew and the penalty is due.
    pub(super) fn add(&mut self, now: Tick, node: NodeId, offence: &Offence) -> Option<Penalty> {
        let before = self.of.get(&node).map_or(0, |score| faded(*score, now));
        let milli = before.saturating_add(u64::from(points(offence)) * 1_000);
        if milli >= u64::from(LIMIT) * 1_000 {
            self.of.remove(&node);
            return Some(if is_lapse(offence) { Penalty::Rest } else { Penalty::Ban });
        }
        if self.of.len() >= MAX_SCORES && !self.of.contains_key(&node) {
            let least = self.of.iter().min_by_key(|(_, score)| faded(**score, now));
            if let Some(least) = least.map(|(node, _)| *node) {
                self.of.remove(&least);
            }
        }
        self.of.insert(node, (milli, now));
        None
    }

    /// Nodes with points.
    pub(super) fn len(&self) -> usize {
        self.of.len()
    }

    /// Forgets points that have faded.
    pub(super) fn prune(&mut self, now: Tick) {
        self.of.retain(|_, score| faded(*score, now) > 0);
    }
}

/// Thousandths of points now: one fades each millisecond.
fn faded((milli, at): (u64, Tick), now: Tick) -> u64 {
    milli.saturating_sub(now.0.saturating_sub(at.0))
}

/// A public address as such, without port: the last 64 bits of IPv6 are for whoever has the first ones
/// to choose, so they don't count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Host(IpAddr);

impl Host {
    /// The host of an address, if it is a public IP address: never one of the local network, which many
    /// nodes may share, nor that of a relay, which is not the peer.
    pub(super) fn of(address: &Address) -> Option<Self> {
        match address.group {
            Group::V4(_) | Group::V6(_) => {}
            Group::Local | Group::Other => return None,
        }
        let mut parts = address.text.split('/').skip(1);
        let ip = match (parts.next()?, parts.next()?) {
            ("ip4", text) => IpAddr::V4(text.parse().ok()?),
            ("ip6", text) => IpAddr::V6(text.parse().ok()?),
            _ => return None,
        };
        Some(Self(match ip {
            IpAddr::V6(ip) if ip.to_ipv4_mapped().is_none() => {
                IpAddr::V6((ip.to_bits() >> 64 << 64).into())
            }
            ip => ip.to_canonical(),
        }))
    }
}

/// Who must stay away until when.
#[derive(Debug)]
pub(super) struct Bans<K> {
    until: BTreeMap<K, Tick>,
}

impl<K> Default for Bans<K> {
    fn default() -> Self {
        Self { until: BTreeMap::new() }
    }
}

impl<K: Copy + Ord> Bans<K> {
    /// Bans until a moment, or longer if it already is.
    pub(super) fn add(&mut self, who: K, until: Tick) {
        let until = self.until.get(&who).map_or(until, |before| until.max(*before));
        if self.until.len() >= MAX_BANS && !self.until.contains_key(&who) {
            let first = self.until.iter().min_by_key(|(_, until)| **until);
            if let Some(first) = first.map(|(who, _)| *who) {
                self.until.remove(&first);
            }
        }
        self.until.insert(who, until);
    }

    /// Whether somebody is banned: up to the end, not at it.
    pub(super) fn holds(&self, now: Tick, who: &K) -> bool {
        self.until.get(who).is_some_and(|until| now < *until)
    }

    /// How many are remembered.
    pub(super) fn len(&self) -> usize {
        self.until.len()
    }

    /// Lifts a ban.
    pub(super) fn lift(&mut self, who: &K) {
        self.until.remove(who);
    }

    /// Forgets bans that have ended.
    pub(super) fn prune(&mut self, now: Tick) {
        self.until.retain(|_, until| now < *until);
    }

    /// The bans that hold, and until when.
    pub(super) fn iter(&self, now: Tick) -> impl Iterator<Item = (K, Tick)> {
        self.until.iter().map(|(who, until)| (*who, *until)).filter(move |(_, until)| now < *until)
    }
}
