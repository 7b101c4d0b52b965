//! The text of a key file, and nothing else that could be in it.
//!
//! ```json
//! {
//!   "header": { … },
//!   "sealed": "632 hex digits",
//!   "checksum": "64 hex digits"
//! }
//! ```
//!
//! The seal covers the header as the bytes that stand in the file, so no way of writing JSON matters to
//! it. The checksum, SHA-256 of the header's bytes and the sealed digits, tells a damaged file from a wrong
//! password. Around them the layout is fixed to the byte: no bit of a file can change unnoticed.

use super::VERSION;
use super::error::Damage;
use super::header::{FORMAT, Header, Hex, KeyInfo, Opening};
use super::seal::SEALED_LEN;
use blocktree_primitives::hash::sha256;
use serde::Deserialize;
use serde_json::value::RawValue;

/// The largest key file, in bytes. Those that are written have some 1,500.
pub(super) const MAX_FILE_BYTES: usize = 4096;

/// A key file that is whole, but unopened: what it says is a claim still.
pub(super) struct KeyFile {
    pub(super) info: KeyInfo,
    pub(super) opening: Opening,
    /// The header's bytes, which the seal covers.
    pub(super) header: String,
    pub(super) sealed: [u8; SEALED_LEN],
}

/// Why a text is no key file of this version.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ReadError {
    Damaged(Damage),
    NewerVersion(u32),
}

impl From<Damage> for ReadError {
    fn from(damage: Damage) -> Self {
        Self::Damaged(damage)
    }
}

/// As much as every version has, to know a newer one from a damaged file.
#[derive(Deserialize)]
struct AnyVersion<'a> {
    #[serde(borrow)]
    header: AnyHeader<'a>,
}

#[derive(Deserialize)]
struct AnyHeader<'a> {
    format: &'a str,
    version: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text<'a> {
    #[serde(borrow)]
    header: &'a RawValue,
    sealed: Hex<SEALED_LEN>,
    checksum: Hex<32>,
}

/// The header's bytes as a new file has them.
pub(super) fn header_text(info: &KeyInfo, opening: &Opening) -> String {
    serde_json::to_string_pretty(&Header::new(info, opening))
        .expect("strings and numbers are always JSON")
        .replace('\n', "\n  ")
}

/// The text of a key file.
pub(super) fn write(header: &str, sealed: &[u8; SEALED_LEN]) -> String {
    let sealed = hex::encode(sealed);
    let checksum = hex::encode(checksum(header, &sealed));
    format!(
        "{{\n  \"header\": {header},\n  \"sealed\": \"{sealed}\",\n  \"checksum\": \"{checksum}\"\n}}\n"
    )
}

/// Reads the text of a key file, which must be bounded already.
pub(super) fn read(bytes: &[u8]) -> Result<KeyFile, ReadError> {
    let text = core::str::from_utf8(bytes).map_err(|_| Damage::Foreign)?;
    let any: AnyVersion<'_> = serde_json::from_str(text).map_err(|_| Damage::Foreign)?;
    if any.header.format != FORMAT || any.header.version == 0 {
        return Err(Damage::Foreign.into());
    }
    if any.header.version > VERSION {
        return Err(ReadError::NewerVersion(any.header.version));
    }
    let parts: Text<'_> = serde_json::from_str(text).map_err(layout)?;
    let header_text = parts.header.get();
    // The checksum before the layout: of a damaged file it says more.
    if checksum(header_text, &hex::encode(parts.sealed.0)) != parts.checksum.0 {
        return Err(Damage::Checksum.into());
    }
    let expected = write(header_text, &parts.sealed.0);
    if expected != text {
        return Err(first_difference(text, &expected).into());
    }
    let header: Header = serde_json::from_str(header_text).map_err(|e| {
        // The header begins in the file's second line.
        Damage::Layout { line: e.line().saturating_add(1), column: e.column() }
    })?;
    let (info, opening) = header.check()?;
    Ok(KeyFile { info, opening, header: header_text.into(), sealed: parts.sealed.0 })
}

fn checksum(header: &str, sealed: &str) -> [u8; 32] {
    sha256(&[header.as_bytes(), sealed.as_bytes()])
}

/// Where `text` departs from `expected`.
fn first_difference(text: &str, expected: &str) -> Damage {
    let same = text.bytes().zip(expected.bytes()).take_while(|(a, b)| a == b);
    let (mut line, mut column) = (1, 1);
    for (byte, _) in same {
        (line, column) = if byte == b'\n' { (line + 1, 1) } else { (line, column + 1) };
    }
    Damage::Layout { line, column }
}

fn layout(error: serde_json::Error) -> Damage {
    Damage::Layout { line: error.line(), column: error.column() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keystore::KdfCost;
    use blocktree_primitives::{Network, PublicKey};

    fn text() -> String {
        let info = KeyInfo {
            name: "a".parse().unwrap(),
            network: Network::Main,
            public_key: PublicKey([1; 32]),
            created: 2,
        };
        let opening = Opening { cost: KdfCost::STRONG, salt: [3; 16], nonce: [4; 24] };
        write(&header_text(&info, &opening), &[5; SEALED_LEN])
    }

    fn refused(text: &str) -> ReadError {
        read(text.as_bytes()).err().unwrap()
    }

    #[test]
    fn what_is_written_is_read() {
        let text = text();
        let file = read(text.as_bytes()).ok().unwrap();
        assert_eq!(write(&file.header, &file.sealed), text);
        assert_eq!(file.sealed, [5; SEALED_LEN]);
        assert_eq!(file.opening.cost, KdfCost::STRONG);
        assert!(text.len() < MAX_FILE_BYTES / 2, "{}", text.len());
    }

    #[test]
    fn other_layouts_are_refused_with_their_place() {
        use ReadError::Damaged;
        let text = text();
        let layout = |line, column| Damaged(Damage::Layout { line, column });
        // White space before, between and after the parts; a part too many; the parts' order.
        assert_eq!(refused(&format!(" {text}")), layout(1, 1));
        assert_eq!(refused(&text.replacen("{\n  ", "{\n ", 1)), layout(2, 2));
        assert_eq!(refused(&format!("{text}\n")), layout(25, 1), "24 lines");
        assert!(matches!(
            refused(&text.replacen('{', "{\"x\": 1,", 1)),
            Damaged(Damage::Layout { line: 1, .. })
        ));
        assert_eq!(refused(&text.replace("0505", "0506")), Damaged(Damage::Checksum));
        for foreign in ["", "{}", "[]", "null", "\u{feff}", "{\"header\": {}}"] {
            assert_eq!(refused(foreign), Damaged(Damage::Foreign), "{foreign}");
        }
        assert_eq!(read(&[0xff, 0xfe]).err(), Some(Damaged(Damage::Foreign)));
        // Deep nesting is the parser's to refuse.
        assert_eq!(refused(&"[".repeat(MAX_FILE_BYTES)), Damaged(Damage::Foreign));
    }
}
