//! How a node takes part in the network: what flags and file say, and whether the addresses among
//! it have the right form. What connects to them must not live here.

use crate::config::NetworkConfig;
use crate::usage::UsageError;
use blocktree_p2p::address::MAX_MULTIADDR_LEN;
use blocktree_p2p::parse_multiaddr;
use blocktree_primitives::Network;
use std::net::{Ipv4Addr, Ipv6Addr};

/// What `--p2p-addr` says for a node without network.
const OFF: &str = "off";
/// The port that is listened on unless told otherwise.
const PORT: u16 = 30_333;
/// Connections of a kind that can be asked for: with those of JSON-RPC and the files of the
/// database they stay below a limit of 4,096 open files.
const MAX_CONNECTIONS: u32 = 1_000;

/// What was given on the command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct NetworkFlags {
    pub(crate) p2p_addrs: Vec<String>,
    pub(crate) bootnodes: Vec<String>,
    pub(crate) reserved_peers: Vec<String>,
    pub(crate) external_addrs: Vec<String>,
}

/// How a node takes part in the network. All addresses are multiaddrs whose form was checked;
/// whether someone is there was not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NetworkSettings {
    /// Where to listen, without `/p2p/…`; port 0 takes a free one. There is at least one.
    pub(crate) listen: Vec<String>,
    /// Whom to ask for peers first; each ends in `/p2p/…`.
    pub(crate) bootnodes: Vec<String>,
    /// Whom to stay connected with; each ends in `/p2p/…`.
    pub(crate) reserved: Vec<String>,
    /// Where others reach this node if it can't tell from where it listens; without `/p2p/…`.
    pub(crate) external: Vec<String>,
    /// Connections that others opened, at most; as the network sees fit if `None`.
    pub(crate) max_inbound: Option<u32>,
    /// Connections that this node opens, at most; as the network sees fit if `None`.
    pub(crate) max_outbound: Option<u32>,
}

impl NetworkSettings {
    /// Puts flags and file together; `None` for a node without network.
    ///
    /// # Errors
    /// A [`UsageError`] that says what to write instead.
    pub(crate) fn new(
        network: Network,
        flags: NetworkFlags,
        file: NetworkConfig,
    ) -> Result<Option<Self>, UsageError> {
        let NetworkFlags { p2p_addrs, bootnodes, reserved_peers, external_addrs } = flags;
        let asked = [&bootnodes, &reserved_peers, &external_addrs].iter().any(|l| !l.is_empty());
        let listen = or(p2p_addrs, file.p2p_addrs);
        let listen = if listen.is_empty() { usual(network) } else { listen };
        if listen.iter().any(|address| address == OFF) {
            return match (asked, listen.len()) {
                (false, 1) => Ok(None),
                (false, _) => Err(UsageError::new(
                    "--p2p-addr off is for no network at all: leave the other addresses out",
                )),
                (true, _) => Err(UsageError::new(
                    "--p2p-addr is off: give an address to listen on, such as \
                     /ip4/127.0.0.1/tcp/0, or leave --bootnode, --reserved-peer and \
                     --external-addr out",
                )),
            };
        }
        let settings = Self {
            listen,
            bootnodes: or(bootnodes, file.bootnodes),
            reserved: or(reserved_peers, file.reserved_peers),
            external: or(external_addrs, file.external_addrs),
            max_inbound: file.max_inbound,
            max_outbound: file.max_outbound,
        };
        settings.check()?;
        Ok(Some(settings))
    }

    fn check(&self) -> Result<(), UsageError> {
        let Self { listen, bootnodes, reserved, external, max_inbound, max_outbound } = self;
        let rows: [(&str, &[String], Check, &str); 4] = [
            ("--p2p-addr", listen, check_listen, LISTEN_LOOKS),
            ("--bootnode", bootnodes, check_peer, PEER_LOOKS),
            ("--reserved-peer", reserved, check_peer, PEER_LOOKS),
            ("--external-addr", external, check_external, EXTERNAL_LOOKS),
        ];
        for (name, addresses, check, looks) in rows {
            for text in addresses {
                check(text).map_err(|why| {
                    let shown: String = text.chars().take(MAX_MULTIADDR_LEN).collect();
                    UsageError::new(format!("{name} {shown}: {why}; {looks}"))
                })?;
            }
        }
        for (name, count) in [("max-inbound", max_inbound), ("max-outbound", max_outbound)] {
            if let Some(count) = count.filter(|count| *count > MAX_CONNECTIONS) {
                return Err(UsageError::new(format!(
                    "{name}: {count} connections asked for, at most {MAX_CONNECTIONS} possible"
                )));
            }
        }
        Ok(())
    }
}

/// Says what is wrong with an address, if anything is.
type Check = fn(&str) -> Result<(), String>;

const LISTEN_LOOKS: &str =
    "where to listen looks like /ip4/0.0.0.0/tcp/30333 or /ip4/0.0.0.0/udp/30333/quic-v1";
const PEER_LOOKS: &str = "a peer looks like /ip4/192.0.2.1/tcp/30333/p2p/16Uiu2…, with its name at \
                          the end, as that node prints it when it starts";
const EXTERNAL_LOOKS: &str = "where others reach this node looks like /ip4/192.0.2.1/tcp/30333, \
                              /dns/node.example/tcp/30333 or /ip4/192.0.2.1/udp/30333/quic-v1";

/// The flag's, else the file's.
fn or(flag: Vec<String>, file: Option<Vec<String>>) -> Vec<String> {
    if flag.is_empty() { file.unwrap_or_default() } else { flag }
}

/// Where a node listens that was told nothing. On a dev chain only this machine reaches it: everybody
/// knows the keys of all the coin there.
fn usual(network: Network) -> Vec<String> {
    match network {
        Network::Dev => vec![format!("/ip4/127.0.0.1/tcp/{PORT}")],
        Network::Main | Network::Test => {
            vec![format!("/ip4/0.0.0.0/tcp/{PORT}"), format!("/ip4/0.0.0.0/udp/{PORT}/quic-v1")]
        }
    }
}

/// An IP address of this machine, and a port or 0 for a free one.
fn check_listen(text: &str) -> Result<(), String> {
    let parts: Vec<&str> = text.split('/').collect();
    let (kind, ip, port) = match parts.as_slice() {
        ["", kind, ip, "tcp", port] | ["", kind, ip, "udp", port, "quic-v1"] => (*kind, ip, port),
        _ => return Err("not an address to listen on".to_owned()),
    };
    let is_ip = match kind {
        "ip4" => ip.parse::<Ipv4Addr>().is_ok(),
        "ip6" => ip.parse::<Ipv6Addr>().is_ok(),
        _ => return Err("not an address to listen on".to_owned()),
    };
    match (is_ip, port.parse::<u16>()) {
        (true, Ok(_)) => Ok(()),
        (false, _) => Err(format!("{ip} is no {kind} address")),
        (_, Err(_)) => Err(format!("{port} is no port")),
    }
}

/// A place that can be dialled, and who is there.
fn check_peer(text: &str) -> Result<(), String> {
    match parse_multiaddr(text) {
        Ok((Some(_), _)) => Ok(()),
        Ok((None, _)) => Err("it does not say who is there".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// A place that can be dialled.
fn check_external(text: &str) -> Result<(), String> {
    match parse_multiaddr(text) {
        Ok((None, _)) if !text.contains("/p2p-circuit") => Ok(()),
        Ok((None, _)) => Err("places at relays are found without being told".to_owned()),
        Ok((Some(_), _)) => Err("the name at its end is this node's own: leave it out".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "16Uiu2HAmLhLvBoYaoZfaMUKuibM6ac163GwKY74c5kiSLg5KvLpY";

    fn peer(place: &str) -> String {
        format!("{place}/p2p/{NAME}")
    }

    fn listening(addresses: &[&str]) -> NetworkFlags {
        let p2p_addrs = addresses.iter().map(ToString::to_string).collect();
        NetworkFlags { p2p_addrs, ..NetworkFlags::default() }
    }

    fn refused(flags: NetworkFlags) -> String {
        NetworkSettings::new(Network::Test, flags, NetworkConfig::default()).unwrap_err().0
    }

    #[test]
    fn a_dev_chain_is_not_shown_to_other_machines() {
        let of = |network| {
            let (flags, file) = (NetworkFlags::default(), NetworkConfig::default());
            NetworkSettings::new(network, flags, file).unwrap().unwrap().listen
        };
        assert_eq!(of(Network::Dev), ["/ip4/127.0.0.1/tcp/30333"]);
        for network in [Network::Test, Network::Main] {
            assert_eq!(of(network), ["/ip4/0.0.0.0/tcp/30333", "/ip4/0.0.0.0/udp/30333/quic-v1"]);
        }
    }

    #[test]
    fn flags_come_before_the_file() {
        let file = NetworkConfig {
            p2p_addrs: Some(vec!["/ip4/127.0.0.1/tcp/1".into()]),
            bootnodes: Some(vec![peer("/ip4/192.0.2.1/tcp/1")]),
            reserved_peers: Some(vec![peer("/ip4/192.0.2.2/tcp/1")]),
            external_addrs: Some(vec!["/ip4/192.0.2.3/tcp/1".into()]),
            max_inbound: Some(0),
            max_outbound: Some(1_000),
        };
        let none = NetworkFlags::default();
        let settings = NetworkSettings::new(Network::Dev, none, file.clone()).unwrap().unwrap();
        let expected = NetworkSettings {
            listen: vec!["/ip4/127.0.0.1/tcp/1".into()],
            bootnodes: vec![peer("/ip4/192.0.2.1/tcp/1")],
            reserved: vec![peer("/ip4/192.0.2.2/tcp/1")],
            external: vec!["/ip4/192.0.2.3/tcp/1".into()],
            max_inbound: Some(0),
            max_outbound: Some(1_000),
        };
        assert_eq!(settings, expected);
        let flags = NetworkFlags {
            p2p_addrs: vec!["/ip6/::1/tcp/2".into()],
            bootnodes: vec![peer("/dns/b.example/tcp/2")],
            reserved_peers: vec![peer("/dns/r.example/tcp/2")],
            external_addrs: vec!["/dns/e.example/tcp/2".into()],
        };
        let settings = NetworkSettings::new(Network::Dev, flags, file.clone()).unwrap().unwrap();
        let expected = NetworkSettings {
            listen: vec!["/ip6/::1/tcp/2".into()],
            bootnodes: vec![peer("/dns/b.example/tcp/2")],
            reserved: vec![peer("/dns/r.example/tcp/2")],
            external: vec!["/dns/e.example/tcp/2".into()],
            ..expected
        };
        assert_eq!(settings, expected);
        // Off by a flag, whatever the file says of peers.
        let off = NetworkSettings::new(Network::Dev, listening(&["off"]), file).unwrap();
        assert_eq!(off, None);
    }

    #[test]
    fn off_is_off() {
        let mixed = refused(listening(&["off", "/ip4/127.0.0.1/tcp/0"]));
        assert!(mixed.contains("leave the other addresses out"), "{mixed}");
        let with_bootnode =
            NetworkFlags { bootnodes: vec![peer("/ip4/192.0.2.1/tcp/1")], ..listening(&["off"]) };
        let text = refused(with_bootnode);
        assert!(text.contains("give an address to listen on"), "{text}");
        let file = NetworkConfig { p2p_addrs: Some(vec!["off".into()]), ..Default::default() };
        let settings = NetworkSettings::new(Network::Main, listening(&[]), file.clone());
        assert_eq!(settings.unwrap(), None);
        let on = listening(&["/ip4/127.0.0.1/tcp/0"]);
        assert!(NetworkSettings::new(Network::Main, on, file).unwrap().is_some());
    }

    #[test]
    fn addresses_have_the_form_of_their_use() {
        let rows: [(&str, [bool; 2]); 18] = [
            // To listen on; to be reached at, and with a name after it a peer.
            ("/ip4/0.0.0.0/tcp/30333", [true, true]),
            ("/ip4/127.0.0.1/tcp/0", [true, false]),
            ("/ip4/10.0.0.1/udp/65535/quic-v1", [true, true]),
            ("/ip6/::/tcp/1", [true, true]),
            ("/ip6/::1/udp/1/quic-v1", [true, true]),
            ("/dns/node.example/tcp/1", [false, true]),
            ("/dns4/node.example/udp/1/quic-v1", [false, true]),
            ("127.0.0.1:30333", [false, false]),
            ("/ip4/127.0.0.1:30333", [false, false]),
            ("/ip4/127.0.0.1", [false, false]),
            ("/ip4/1.2.3/tcp/1", [false, false]),
            ("/ip4/::1/tcp/1", [false, false]),
            ("/ip4/1.2.3.4/tcp/65536", [false, false]),
            ("/ip4/1.2.3.4/udp/1", [false, false]),
            ("/ip4/1.2.3.4/tcp/1/ws", [false, false]),
            ("x/ip4/1.2.3.4/tcp/1", [false, false]),
            ("", [false, false]),
            ("/", [false, false]),
        ];
        for (text, [listen, place]) in rows {
            let found = (check_listen(text).is_ok(), check_external(text).is_ok());
            assert_eq!(found, (listen, place), "{text}");
            assert!(check_peer(text).is_err(), "{text} does not say who is there");
            let named = peer(text);
            assert_eq!(check_peer(&named).is_ok(), place, "{named}");
            assert!(check_listen(&named).is_err() && check_external(&named).is_err(), "{named}");
        }
        let at_relay = format!("{}/p2p-circuit", peer("/ip4/192.0.2.1/tcp/1"));
        assert!(check_peer(&peer(&at_relay)).is_ok() && check_external(&at_relay).is_err());
        for name in ["", "me", "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"] {
            let text = format!("/ip4/192.0.2.1/tcp/1/p2p/{name}");
            assert!(check_peer(&text).is_err(), "{text} is no node's name");
        }
    }

    #[test]
    fn a_refusal_says_what_to_write() {
        let one = |text: &str| vec![text.to_owned()];
        let none = NetworkFlags::default;
        for (flags, words) in [
            (listening(&["0.0.0.0:1"]), ["--p2p-addr 0.0.0.0:1", "looks like /ip4/0.0.0.0/tcp/"]),
            (
                NetworkFlags { bootnodes: one("/ip4/192.0.2.1/tcp/1"), ..none() },
                ["--bootnode /ip4/192.0.2.1/tcp/1", "/p2p/16Uiu2…, with its name at the end"],
            ),
            (
                NetworkFlags { reserved_peers: one(NAME), ..none() },
                ["--reserved-peer 16Uiu2", "with its name at the end"],
            ),
            (
                NetworkFlags { external_addrs: one("node.example"), ..none() },
                ["--external-addr node.example", "/dns/node.example/tcp/30333"],
            ),
        ] {
            let text = refused(flags);
            assert!(words.iter().all(|words| text.contains(words)), "{text}");
        }
        let file = NetworkConfig { max_inbound: Some(1_001), ..NetworkConfig::default() };
        let error = NetworkSettings::new(Network::Dev, none(), file).unwrap_err().0;
        assert!(error.contains("max-inbound: 1001") && error.contains("at most 1000"), "{error}");
    }
}
