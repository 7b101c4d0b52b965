//! Who a peer is and where it can be reached.

use core::fmt;
use core::net::IpAddr;

/// A node's public key: secp256k1, compressed, 33 bytes. The connection proves that the peer holds
/// its secret.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub [u8; 33]);

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in &self.0[..6] {
            write!(f, "{byte:02x}")?;
        }
        f.write_str("…")
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Bytes of an address at most.
pub const MAX_ADDRESS_LEN: usize = 256;

/// Where a node listens, as the driver writes it (a multiaddr without `/p2p/…`), and which group of
/// the network it belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// For the driver to dial; at most [`MAX_ADDRESS_LEN`] bytes, which the driver sees to.
    pub text: String,
    /// Who is likely to own it.
    pub group: Group,
}

/// Addresses that are cheap to have together: one who wants to surround a node owns many addresses
/// of few groups, so outbound peers are spread over groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// This machine or its own network: no limit, because whoever is there is trusted otherwise.
    Local,
    /// The first 16 bits of a public IPv4 address.
    V4([u8; 2]),
    /// The first 32 bits of a public IPv6 address.
    V6([u8; 4]),
    /// Through a relay, or a name that was not resolved: all of these together.
    Other,
}

impl Group {
    /// The group of an address.
    #[must_use]
    pub fn of(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(ip) if ip.is_loopback() || ip.is_private() || ip.is_link_local() => {
                Self::Local
            }
            IpAddr::V4(ip) => Self::V4([ip.octets()[0], ip.octets()[1]]),
            IpAddr::V6(ip) => match ip.to_ipv4_mapped() {
                Some(mapped) => Self::of(IpAddr::V4(mapped)),
                None if ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local() => {
                    Self::Local
                }
                None => {
                    let octets = ip.octets();
                    Self::V6([octets[0], octets[1], octets[2], octets[3]])
                }
            },
        }
    }
}
