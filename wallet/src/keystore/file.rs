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
    let header = parts.header.get();
    if write(header, &parts.sealed.0) != text {
        // Only the checksum's own digits and what is around the parts can differ here.
        let sealed = hex::encode(parts.sealed.0);
        return Err(if checksum(header, &sealed) == parts.checksum.0 {
            Damage::Layout { line: 1, column: 1 }.into()
        } else {
            Damage::Checksum.into()
        });
    }
    let (info, opening) = serde_json::from_str::<Header>(header).map_err(layout)?.check()?;
    Ok(KeyFile { info, opening, header: header.into(), sealed: parts.sealed.0 })
}

fn checksum(header: &str, sealed: &str) -> [u8; 32] {
    sha256(&[header.as_bytes(), sealed.as_bytes()])
}

fn layout(error: serde_json::Error) -> Damage {
    Damage::Layout { line: error.line(), column: error.column() }
}
