//! Who may connect: numbers in all and per address, how often an address opens connections, and
//! bans that expire. Pure: moments are given.

use crate::pace::Bucket;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

/// Points at which an address is banned. They fade, one a second.
pub const BAN_AT: u32 = 100;
/// Points of a line that is no request at all.
pub const MALFORMED: u32 = 20;
/// Addresses that are remembered without a connection, at most.
const REMEMBERED: usize = 8_192;

/// The bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Connections in all.
    pub connections: usize,
    /// Connections of one address (IPv6: of one /64).
    pub per_address: usize,
    /// Connections that an address opens per second, once it has opened `per_address` quickly.
    pub opens_per_second: u32,
    /// How long a ban lasts.
    pub ban: Duration,
}

/// Why a connection is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The server is full.
    #[error("all connections are in use")]
    Full,
    /// The address has its share.
    #[error("the address has as many connections as one may")]
    AddressFull,
    /// It comes and goes too often.
    #[error("the address opens connections too often")]
    TooOften,
    /// It misbehaved.
    #[error("the address is banned")]
    Banned,
}

/// The connections that there are, and what their addresses did.
#[derive(Debug)]
pub struct Guard {
    bounds: Bounds,
    connections: usize,
    addresses: HashMap<IpAddr, Address>,
}

#[derive(Debug)]
struct Address {
    connections: usize,
    opens: Bucket,
    points: u32,
    /// When `points` was counted.
    counted: Instant,
    banned_until: Option<Instant>,
}

impl Address {
    fn new(now: Instant, bounds: &Bounds) -> Self {
        let size = u32::try_from(bounds.per_address).unwrap_or(u32::MAX);
        let opens = Bucket::new(now, size, bounds.opens_per_second);
        Self { connections: 0, opens, points: 0, counted: now, banned_until: None }
    }

    fn fade(&mut self, now: Instant) {
        let seconds = now.saturating_duration_since(self.counted).as_secs();
        if seconds > 0 {
            self.points = self.points.saturating_sub(u32::try_from(seconds).unwrap_or(u32::MAX));
            self.counted = now;
        }
    }

    fn is_banned(&self, now: Instant) -> bool {
        self.banned_until.is_some_and(|until| now < until)
    }

    /// Whether nothing is lost by forgetting it.
    fn is_plain(&self, now: Instant) -> bool {
        self.connections == 0
            && !self.is_banned(now)
            && self.opens.is_full(now)
            && now.saturating_duration_since(self.counted).as_secs() >= self.points.into()
    }
}

impl Guard {
    /// Nobody connected, nobody banned.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, connections: 0, addresses: HashMap::new() }
    }

    /// Takes a connection in; every one taken is to be [`Guard::close`]d.
    ///
    /// # Errors
    /// See [`Denied`].
    pub fn open(&mut self, now: Instant, address: IpAddr) -> Result<(), Denied> {
        if self.connections >= self.bounds.connections {
            return Err(Denied::Full);
        }
        self.make_room(now);
        let bounds = self.bounds;
        let entry =
            self.addresses.entry(group(address)).or_insert_with(|| Address::new(now, &bounds));
        if entry.is_banned(now) {
            return Err(Denied::Banned);
        }
        if entry.connections >= bounds.per_address {
            return Err(Denied::AddressFull);
        }
        if !entry.opens.take(now) {
            return Err(Denied::TooOften);
        }
        entry.connections += 1;
        self.connections += 1;
        Ok(())
    }

    /// A connection is gone.
    pub fn close(&mut self, now: Instant, address: IpAddr) {
        let address = group(address);
        self.connections = self.connections.saturating_sub(1);
        if let Some(entry) = self.addresses.get_mut(&address) {
            entry.connections = entry.connections.saturating_sub(1);
            if entry.is_plain(now) {
                self.addresses.remove(&address);
            }
        }
    }

    /// Counts an offence; true if the address is banned, by this one or before. New connections
    /// are then denied; old ones end when they offend.
    pub fn offend(&mut self, now: Instant, address: IpAddr, points: u32) -> bool {
        let Some(entry) = self.addresses.get_mut(&group(address)) else { return false };
        entry.fade(now);
        entry.points = entry.points.saturating_add(points);
        if entry.points >= BAN_AT && !self.bounds.ban.is_zero() {
            entry.points = 0;
            entry.banned_until = now.checked_add(self.bounds.ban);
        }
        entry.is_banned(now)
    }

    /// Connections that there are.
    #[must_use]
    pub const fn connections(&self) -> usize {
        self.connections
    }

    /// Addresses that are banned.
    #[must_use]
    pub fn banned(&self, now: Instant) -> usize {
        self.addresses.values().filter(|entry| entry.is_banned(now)).count()
    }

    /// Keeps the memory bounded, whoever comes: forgets plain addresses, and then the ban that
    /// ends first.
    fn make_room(&mut self, now: Instant) {
        if self.addresses.len() < REMEMBERED.saturating_add(self.bounds.connections) {
            return;
        }
        self.addresses.retain(|_, entry| !entry.is_plain(now));
        if self.addresses.len() >= REMEMBERED.saturating_add(self.bounds.connections) {
            let idle = self.addresses.iter().filter(|(_, entry)| entry.connections == 0);
            let first = idle.min_by_key(|(_, entry)| entry.banned_until).map(|(at, _)| *at);
            first.and_then(|address| self.addresses.remove(&address));
        }
    }
}

/// What counts as one address: of IPv6, the /64 that one subscriber has; an IPv4 address in IPv6
/// clothes is itself.
fn group(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds {
        connections: 5,
        per_address: 2,
        opens_per_second: 1,
        ban: Duration::from_secs(600),
    };

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn numbers_are_bounded_in_all_and_per_address() {
        let (now, mut guard) = (Instant::now(), Guard::new(BOUNDS));
        assert_eq!(guard.open(now, address(1)), Ok(()));
        assert_eq!(guard.open(now, address(1)), Ok(()));
        assert_eq!(guard.open(now, address(1)), Err(Denied::AddressFull));
        for last in 2..5 {
            assert_eq!(guard.open(now, address(last)), Ok(()));
        }
        assert_eq!(guard.open(now, address(9)), Err(Denied::Full));
        guard.close(now, address(2));
        assert_eq!(guard.open(now, address(9)), Ok(()));
    }

    #[test]
    fn one_address_cannot_come_and_go_all_the_time() {
        let (now, mut guard) = (Instant::now(), Guard::new(BOUNDS));
        for _ in 0..2 {
            assert_eq!(guard.open(now, address(1)), Ok(()));
            guard.close(now, address(1));
        }
        assert_eq!(guard.open(now, address(1)), Err(Denied::TooOften));
        assert_eq!(guard.open(now + Duration::from_secs(1), address(1)), Ok(()));
    }

    #[test]
    fn offences_ban_for_a_while_and_fade() {
        let (now, mut guard) = (Instant::now(), Guard::new(BOUNDS));
        guard.open(now, address(1)).unwrap();
        guard.open(now, address(2)).unwrap();
        assert!(!guard.offend(now, address(1), 99));
        // Ten seconds take ten points off.
        let later = now + Duration::from_secs(10);
        assert!(!guard.offend(later, address(1), 10));
        assert!(guard.offend(later, address(1), 1));
        assert_eq!(guard.banned(later), 1);
        guard.close(later, address(1));
        assert_eq!(guard.open(later + Duration::from_secs(599), address(1)), Err(Denied::Banned));
        assert_eq!(guard.open(later, address(2)), Ok(()), "others are not touched");
        assert_eq!(guard.open(later + Duration::from_secs(600), address(1)), Ok(()));
    }

    #[test]
    fn addresses_of_one_subscriber_are_one() {
        let (now, mut guard) = (Instant::now(), Guard::new(BOUNDS));
        let v6 = |text: &str| text.parse::<IpAddr>().unwrap();
        guard.open(now, v6("2001:db8::1")).unwrap();
        guard.open(now, v6("2001:db8::ffff:2")).unwrap();
        assert_eq!(guard.open(now, v6("2001:db8::3")), Err(Denied::AddressFull));
        guard.open(now, v6("2001:db8:0:1::1")).unwrap();
        guard.open(now, v6("::ffff:192.0.2.1")).unwrap();
        guard.open(now, v6("192.0.2.1")).unwrap();
        guard.close(now, v6("2001:db8::1"));
        assert_eq!(guard.open(now, v6("192.0.2.1")), Err(Denied::AddressFull));
    }

    #[test]
    fn forgets_those_who_did_nothing_and_keeps_its_size() {
        let (now, mut guard) = (Instant::now(), Guard::new(BOUNDS));
        let many = REMEMBERED + BOUNDS.connections;
        for n in 0..u32::try_from(many).unwrap() + 100 {
            let address = IpAddr::from(n.to_be_bytes());
            guard.open(now, address).unwrap();
            guard.offend(now, address, BAN_AT);
            guard.close(now, address);
        }
        assert_eq!(guard.addresses.len(), many);
        let later = now + BOUNDS.ban;
        guard.open(later, address(1)).unwrap();
        assert_eq!(guard.addresses.len(), 1);
    }
}
