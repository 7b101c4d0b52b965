//! The file of peers that were good, so that a node that starts again finds others without help, and of
//! bans. Text, a line for each:
//!
//! ```text
//! peer <node id, 66 hex digits> <last reached, seconds since 1970> <group> <address>
//! ban <node id> <until, seconds since 1970>
//! ```
//!
//! The group is `local`, `other`, `v4:` and 4 hex digits, or `v6:` and 8. A line that is none of these is
//! skipped: a damaged file costs what is damaged, never the start. Reading and writing are the
//! driver's.

use crate::address::{Address, Group, MAX_ADDRESS_LEN, NodeId};
use core::fmt::Write as _;

/// Bytes of the file that are looked at: far above 1,024 peers and 1,024 bans with the longest
/// addresses, 1,024 · (5 + 67 + 11 + 12 + 257) + 1,024 · (4 + 67 + 11) = 444,416.
pub const MAX_FILE_LEN: usize = 1_048_576;
/// Peers kept, those reached last; and bans.
pub(super) const MAX_LINES: usize = 1_024;

/// A node that was good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownPeer {
    /// Who.
    pub node: NodeId,
    /// Where it was reached.
    pub address: Address,
    /// When it was reached last, seconds since 1970.
    pub last_good: u32,
}

/// A node that is banned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownBan {
    /// Who.
    pub node: NodeId,
    /// Until when, seconds since 1970.
    pub until: u32,
}

/// What a node remembers of others from one run to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownPeers {
    /// Nodes that were good.
    pub peers: Vec<KnownPeer>,
    /// Nodes that are banned.
    pub bans: Vec<KnownBan>,
}

impl KnownPeers {
    /// The file's text. An address that does not fit a line is left out.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut text = String::new();
        for peer in self.peers.iter().filter(|peer| is_plain(&peer.address.text)).take(MAX_LINES) {
            let (node, group) = (hex(&peer.node.0), group_text(peer.address.group));
            let _ = writeln!(text, "peer {node} {} {group} {}", peer.last_good, peer.address.text);
        }
        for ban in self.bans.iter().take(MAX_LINES) {
            let _ = writeln!(text, "ban {} {}", hex(&ban.node.0), ban.until);
        }
        text
    }

    /// Reads the file's text, and counts the lines that were skipped: those that are not understood,
    /// those above 1,024 of a kind, and what is beyond [`MAX_FILE_LEN`], as one.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> (Self, usize) {
        let mut known = Self::default();
        let mut skipped = usize::from(bytes.len() > MAX_FILE_LEN);
        let bytes = bytes.get(..MAX_FILE_LEN).unwrap_or(bytes);
        for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            match line_of(line) {
                Some(Line::Peer(peer)) if known.peers.len() < MAX_LINES => known.peers.push(peer),
                Some(Line::Ban(ban)) if known.bans.len() < MAX_LINES => known.bans.push(ban),
                _ => skipped += 1,
            }
        }
        (known, skipped)
    }
}

enum Line {
    Peer(KnownPeer),
    Ban(KnownBan),
}

fn line_of(line: &[u8]) -> Option<Line> {
    let mut words = core::str::from_utf8(line).ok()?.split(' ');
    let line = match words.next()? {
        "peer" => {
            let node = node_of(words.next()?)?;
            let last_good = words.next()?.parse().ok()?;
            let group = group_of(words.next()?)?;
            let text = words.next().filter(|text| is_plain(text))?.to_owned();
            Line::Peer(KnownPeer { node, address: Address { text, group }, last_good })
        }
        "ban" => {
            let node = node_of(words.next()?)?;
            Line::Ban(KnownBan { node, until: words.next()?.parse().ok()? })
        }
        _ => return None,
    };
    words.next().is_none().then_some(line)
}

/// Whether an address is one word of bounded length.
fn is_plain(text: &str) -> bool {
    let is_odd = |c: char| c.is_whitespace() || c.is_control();
    !text.is_empty() && text.len() <= MAX_ADDRESS_LEN && !text.contains(is_odd)
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn bytes_of<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::from_str_radix(core::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

/// A compressed point begins with its parity, 2 or 3; whether it is on the curve shows when it is dialled.
fn node_of(text: &str) -> Option<NodeId> {
    bytes_of(text).filter(|bytes: &[u8; 33]| matches!(bytes[0], 2 | 3)).map(NodeId)
}

fn group_text(group: Group) -> String {
    match group {
        Group::Local => "local".to_owned(),
        Group::Other => "other".to_owned(),
        Group::V4(bytes) => format!("v4:{}", hex(&bytes)),
        Group::V6(bytes) => format!("v6:{}", hex(&bytes)),
    }
}

fn group_of(text: &str) -> Option<Group> {
    match text.split_once(':') {
        None if text == "local" => Some(Group::Local),
        None if text == "other" => Some(Group::Other),
        Some(("v4", hex)) => bytes_of(hex).map(Group::V4),
        Some(("v6", hex)) => bytes_of(hex).map(Group::V6),
        _ => None,
    }
}
