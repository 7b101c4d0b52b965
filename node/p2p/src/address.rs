//! From libp2p's names to the network's and back: [`NodeId`] and PeerId, [`Address`] and multiaddr; and
//! which addresses that others tell are taken.

use blocktree_network::address::MAX_ADDRESS_LEN;
use blocktree_network::{Address, Group, NodeId};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use libp2p::multiaddr::{Multiaddr, Protocol};
use libp2p::multihash::Multihash;
use libp2p::{PeerId, identity};

/// Bytes of the text of a multiaddr with its `/p2p/…` at most; more is not looked at. A PeerId of a
/// secp256k1 key takes 53 letters, and there are two with a relay.
pub const MAX_MULTIADDR_LEN: usize = MAX_ADDRESS_LEN + 128;
/// The multihash of a short value: the value itself.
const IDENTITY_CODE: u64 = 0;
/// How libp2p writes a secp256k1 key, before its 33 bytes: field 1 (type) is 2, field 2 has 33 bytes.
const KEY_PREFIX: [u8; 4] = [0x08, 0x02, 0x12, 0x21];

/// Why a text is not taken as an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Too long.
    #[error("an address of {0} bytes, at most {MAX_MULTIADDR_LEN} are allowed")]
    TooLong(usize),
    /// Not a multiaddr.
    #[error("not a multiaddr: {0}")]
    Malformed(String),
    /// None of the transports of this node.
    #[error(
        "not an address this node can dial: expected /ip4, /ip6 or /dns, then /tcp/<port> or \
         /udp/<port>/quic-v1, through a relay or not"
    )]
    Unsupported,
    /// The `/p2p/…` names a key of another kind.
    #[error("the peer {0} has no secp256k1 key, so it is no node of this network")]
    NotANode(String),
}

/// Reads a multiaddr as operators write it. With `/p2p/…` at its end it says who must answer there.
///
/// # Errors
/// See [`AddressError`].
pub fn parse_multiaddr(text: &str) -> Result<(Option<NodeId>, Address), AddressError> {
    if text.len() > MAX_MULTIADDR_LEN {
        return Err(AddressError::TooLong(text.len()));
    }
    let address: Multiaddr = text
        .parse()
        .map_err(|e: libp2p::multiaddr::Error| AddressError::Malformed(e.to_string()))?;
    let (bare, peer) = split_peer(address);
    let node = match peer {
        Some(peer) => Some(node_of(&peer).ok_or_else(|| AddressError::NotANode(peer.to_string()))?),
        None => None,
    };
    Ok((node, to_address(&bare).ok_or(AddressError::Unsupported)?))
}

/// The PeerId of a node as libp2p shows it: `16Uiu2HA…`.
#[must_use]
pub fn peer_id_text(node: &NodeId) -> String {
    peer_of(node).to_base58()
}

/// The PeerId of a node.
pub(crate) fn peer_of(node: &NodeId) -> PeerId {
    let mut bytes = [0; 37];
    bytes[..4].copy_from_slice(&KEY_PREFIX);
    bytes[4..].copy_from_slice(&node.0);
    let hash = Multihash::wrap(IDENTITY_CODE, &bytes).expect("37 bytes are below the 64 it holds");
    PeerId::from_multihash(hash).expect("an identity multihash of at most 42 bytes is a PeerId")
}

/// The node of a PeerId; `None` for keys of other kinds, and for bytes that are no point of the curve.
pub(crate) fn node_of(peer: &PeerId) -> Option<NodeId> {
    let hash: &Multihash<64> = peer.as_ref();
    if hash.code() != IDENTITY_CODE {
        return None;
    }
    let key = identity::PublicKey::try_decode_protobuf(hash.digest()).ok()?;
    let node = NodeId(key.try_into_secp256k1().ok()?.to_bytes());
    // Another writing of the same key would be another peer with the same node.
    (peer_of(&node) == *peer).then_some(node)
}

/// The multiaddr to dial.
pub(crate) fn to_multiaddr(address: &Address) -> Option<Multiaddr> {
    address.text.parse().ok().filter(|address| shape(address).is_some())
}

/// An address that a connection has or that an operator gave; `None` when it can't be dialled.
pub(crate) fn to_address(address: &Multiaddr) -> Option<Address> {
    let shape = shape(address)?;
    let text = address.to_string();
    let group = match shape {
        Shape { is_relayed: false, host: Host::Ip(ip) } => Group::of(ip),
        _ => Group::Other,
    };
    (text.len() <= MAX_ADDRESS_LEN).then_some(Address { text, group })
}

/// The address of an open connection, which need not be one that can be dialled.
pub(crate) fn of_connection(address: &Multiaddr) -> Address {
    let (bare, _) = split_peer(address.clone());
    let is_relayed = bare.iter().any(|part| part == Protocol::P2pCircuit);
    let group = match bare.iter().next() {
        Some(Protocol::Ip4(ip)) if !is_relayed => Group::of(IpAddr::V4(ip)),
        Some(Protocol::Ip6(ip)) if !is_relayed => Group::of(IpAddr::V6(ip)),
        _ => Group::Other,
    };
    let mut text = bare.to_string();
    if text.len() > MAX_ADDRESS_LEN {
        text.clear(); // nobody can dial it, but its group counts
    }
    Address { text, group }
}

/// An address that someone tells, if it is to be believed: names are not, because whoever owns a name
/// decides later where it leads; and one of a private network only from `is_local`, a teller who is on
/// such a network, so that no stranger makes this node knock at doors of its own network.
pub(crate) fn told(address: &Multiaddr, is_local: bool) -> Option<Address> {
    let (bare, _) = split_peer(address.clone());
    let Host::Ip(ip) = shape(&bare)?.host else { return None };
    let is_believed = is_public(ip) || (is_local && Group::of(ip) == Group::Local);
    if is_believed { to_address(&bare) } else { None }
}

/// Whether an address leads to a host of the public internet, or through one that is a relay.
pub(crate) fn is_public_multiaddr(address: &Multiaddr) -> bool {
    match address.iter().next() {
        Some(Protocol::Ip4(ip)) => is_public(IpAddr::V4(ip)),
        Some(Protocol::Ip6(ip)) => is_public(IpAddr::V6(ip)),
        _ => false,
    }
}

/// Without `/p2p/…` at its end, and that.
pub(crate) fn split_peer(mut address: Multiaddr) -> (Multiaddr, Option<PeerId>) {
    match address.iter().last() {
        Some(Protocol::P2p(peer)) => {
            address.pop();
            (address, Some(peer))
        }
        _ => (address, None),
    }
}

struct Shape {
    host: Host,
    is_relayed: bool,
}

enum Host {
    Ip(IpAddr),
    Name,
}

/// What kind of address this is, if this node has a transport for it.
fn shape(address: &Multiaddr) -> Option<Shape> {
    let mut parts = address.iter();
    let host = match parts.next()? {
        Protocol::Ip4(ip) => Host::Ip(IpAddr::V4(ip)),
        Protocol::Ip6(ip) => Host::Ip(IpAddr::V6(ip)),
        Protocol::Dns(_) | Protocol::Dns4(_) | Protocol::Dns6(_) => Host::Name,
        _ => return None,
    };
    match parts.next()? {
        Protocol::Tcp(1..) => {}
        Protocol::Udp(1..) => {
            if parts.next()? != Protocol::QuicV1 {
                return None;
            }
        }
        _ => return None,
    }
    match (parts.next(), parts.next(), parts.next()) {
        (None, None, None) => Some(Shape { host, is_relayed: false }),
        (Some(Protocol::P2p(_)), Some(Protocol::P2pCircuit), None) => {
            Some(Shape { host, is_relayed: true })
        }
        _ => None,
    }
}

/// Whether a host of the internet can have this address (the IANA registries of special addresses).
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        // Of IPv6 only 2000::/3 is given out; in it, these are not hosts.
        IpAddr::V6(ip) => {
            let [a, b, ..] = ip.segments();
            let is_given_out = a & 0xe000 == 0x2000;
            let is_documentation = (a == 0x2001 && b == 0x0db8) || a == 0x3fff;
            let is_special = a == 0x2001 && b < 0x0200;
            // 6to4 leads to the IPv4 address within.
            let is_6to4_to_private = a == 0x2002 && !is_public_v4(within_6to4(ip));
            is_given_out && !is_documentation && !is_special && !is_6to4_to_private
        }
    }
}

fn within_6to4(ip: Ipv6Addr) -> Ipv4Addr {
    let octets = ip.octets();
    Ipv4Addr::new(octets[2], octets[3], octets[4], octets[5])
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let is_shared = a == 100 && (64..128).contains(&b);
    let is_protocol = a == 192 && b == 0 && c == 0;
    let is_benchmark = a == 198 && (18..20).contains(&b);
    !(a == 0
        || a >= 240
        || ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_documentation()
        || is_shared
        || is_protocol
        || is_benchmark)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secp256k1 vector of the libp2p specification, peer-ids/peer-ids.md: the public key in its
    /// protobuf form is 08021221 and these 33 bytes.
    const SPEC_KEY: &str = "037777e994e452c21604f91de093ce415f5432f701dd8cd1a7a6fea0e630bfca99";
    /// Base 58 of 00 25 08021221 and [`SPEC_KEY`], computed with a separate program.
    const SPEC_PEER: &str = "16Uiu2HAmLhLvBoYaoZfaMUKuibM6ac163GwKY74c5kiSLg5KvLpY";

    fn spec_node() -> NodeId {
        NodeId(hex::decode(SPEC_KEY).unwrap().try_into().unwrap())
    }

    #[test]
    fn a_node_and_its_peer_id_follow_from_each_other() {
        assert_eq!(peer_id_text(&spec_node()), SPEC_PEER);
        let peer: PeerId = SPEC_PEER.parse().unwrap();
        assert_eq!(node_of(&peer), Some(spec_node()));
    }

    #[test]
    fn peers_with_other_keys_are_no_nodes() {
        // Ed25519, written whole; RSA, hashed with SHA-256: both from the same specification.
        for text in [
            "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA",
            "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N",
        ] {
            assert_eq!(node_of(&text.parse().unwrap()), None);
            let whole = format!("/ip4/1.2.3.4/tcp/1/p2p/{text}");
            assert_eq!(parse_multiaddr(&whole), Err(AddressError::NotANode(text.into())));
        }
        // x = 2^256 − 1 is not below the field's prime: no point.
        let mut bytes = [0xff; 33];
        bytes[0] = 2;
        assert_eq!(node_of(&peer_of(&NodeId(bytes))), None);
    }

    #[test]
    fn multiaddrs_are_read_with_their_group() {
        let relayed = format!("/ip4/8.8.8.8/tcp/1/p2p/{SPEC_PEER}/p2p-circuit");
        let rows: [(&str, Group); 8] = [
            ("/ip4/127.0.0.1/tcp/9000", Group::Local),
            ("/ip4/10.1.2.3/udp/9/quic-v1", Group::Local),
            ("/ip4/8.9.1.2/tcp/1", Group::V4([8, 9])),
            ("/ip6/::1/tcp/1", Group::Local),
            ("/ip6/2a00:1450:4001::5/udp/443/quic-v1", Group::V6([0x2a, 0, 0x14, 0x50])),
            ("/dns/node.example/tcp/1", Group::Other),
            ("/dns4/node.example/udp/1/quic-v1", Group::Other),
            (&relayed, Group::Other),
        ];
        for (text, group) in rows {
            let address = Address { text: text.into(), group };
            assert_eq!(parse_multiaddr(text), Ok((None, address.clone())));
            let whole = format!("{text}/p2p/{SPEC_PEER}");
            assert_eq!(parse_multiaddr(&whole), Ok((Some(spec_node()), address)));
        }
    }

    #[test]
    fn what_this_node_can_not_dial_is_refused() {
        for text in [
            "/ip4/1.2.3.4",
            "/ip4/1.2.3.4/tcp/0",
            "/ip4/1.2.3.4/udp/1",
            "/ip4/1.2.3.4/udp/1/quic",
            "/ip4/1.2.3.4/tcp/1/ws",
            "/ip4/1.2.3.4/tcp/1/tcp/1",
            "/ip4/1.2.3.4/tcp/1/p2p-circuit",
            "/dnsaddr/node.example",
            "/memory/1",
        ] {
            assert_eq!(parse_multiaddr(text), Err(AddressError::Unsupported), "{text}");
        }
        for text in ["", "1.2.3.4:5", "/ip4/1.2.3/tcp/1", "/ip4/1.2.3.4/tcp/x"] {
            let refused = parse_multiaddr(text);
            let is_named =
                matches!(refused, Err(AddressError::Malformed(_) | AddressError::Unsupported));
            assert!(is_named, "{text}: {refused:?}");
        }
        let long = "/dns/".to_owned() + &"a".repeat(MAX_MULTIADDR_LEN) + "/tcp/1";
        assert_eq!(parse_multiaddr(&long), Err(AddressError::TooLong(long.len())));
        let long = "/dns/".to_owned() + &"a".repeat(MAX_ADDRESS_LEN) + "/tcp/1";
        assert_eq!(parse_multiaddr(&long), Err(AddressError::Unsupported));
    }

    #[test]
    fn strangers_do_not_tell_of_private_networks() {
        let is_told = |text: &str, is_local| told(&text.parse().unwrap(), is_local).is_some();
        for text in [
            "/ip4/127.0.0.1/tcp/1",
            "/ip4/192.168.1.1/tcp/80",
            "/ip4/10.0.0.1/udp/1/quic-v1",
            "/ip4/169.254.1.1/tcp/1",
            "/ip6/::1/tcp/1",
            "/ip6/fd00::1/tcp/1",
            "/ip6/fe80::1/tcp/1",
            "/ip6/::ffff:10.0.0.1/tcp/1",
        ] {
            assert!(!is_told(text, false), "{text}");
            assert!(is_told(text, true), "{text}");
            let relayed = format!("{text}/p2p/{SPEC_PEER}/p2p-circuit");
            assert!(!is_told(&relayed, false), "{relayed}");
        }
        for text in [
            "/ip4/0.0.0.0/tcp/1",
            "/ip4/100.64.0.1/tcp/1",
            "/ip4/224.0.0.1/tcp/1",
            "/ip4/255.255.255.255/tcp/1",
            "/ip4/198.18.0.1/tcp/1",
            "/ip4/203.0.113.1/tcp/1",
            "/ip6/::/tcp/1",
            "/ip6/ff02::1/tcp/1",
            "/ip6/2001:db8::1/tcp/1",
            "/ip6/2002:a00:1::1/tcp/1",
            "/dns/localhost/tcp/1",
        ] {
            assert!(!is_told(text, false), "{text}");
            assert!(!is_told(text, true), "{text}");
        }
        for text in ["/ip4/8.8.8.8/tcp/1", "/ip6/2a00:1450::1/tcp/1", "/ip6/2002:808:808::1/tcp/1"]
        {
            assert!(is_told(text, false), "{text}");
            assert!(is_told(text, true), "{text}");
        }
    }
}
