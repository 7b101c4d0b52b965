//! What people write on the command line: sizes, principals, hex that stands there or in a file.

use crate::usage::UsageError;
use anyhow::{Context, Result};
use blocktree_primitives::{BlockPath, Network, Principal};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Bytes of a file with a signed message at most.
const MAX_MESSAGE_FILE: u64 = 1 << 20;

/// A text that is no size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a size: bytes such as 4096, or 64KiB, 1.5GiB, 10GB")]
pub(crate) struct BadSize;

/// Reads a number of bytes: `4096`, `64KiB`, `1.5GiB`, `10GB`. Powers of 1024 have the `i`.
///
/// # Errors
/// [`BadSize`]; also where it is no whole number of bytes or does not fit 64 bits.
pub(crate) fn size(text: &str) -> Result<u64, BadSize> {
    const UNITS: [(&str, u64); 9] = [
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
        ("TiB", 1 << 40),
        ("kB", 1_000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("TB", 1_000_000_000_000),
        ("B", 1),
    ];
    let text = text.trim();
    let (number, unit) = UNITS
        .iter()
        .find_map(|(name, unit)| Some((text.strip_suffix(name)?.trim_end(), *unit)))
        .unwrap_or((text, 1));
    let (whole, fraction) = match number.split_once('.') {
        Some((_, "")) => return Err(BadSize),
        Some((whole, fraction)) => (whole, fraction),
        None => (number, ""),
    };
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > 9 {
        return Err(BadSize);
    }
    let whole = whole.parse::<u64>().ok().and_then(|n| n.checked_mul(unit)).ok_or(BadSize)?;
    let padded: u128 = format!("{fraction:0<9}").parse().map_err(|_| BadSize)?;
    let part = padded.checked_mul(u128::from(unit)).ok_or(BadSize)?;
    if part.checked_rem(1_000_000_000) != Some(0) {
        return Err(BadSize);
    }
    let part = u64::try_from(part / 1_000_000_000).map_err(|_| BadSize)?;
    whole.checked_add(part).ok_or(BadSize)
}

/// Bytes for people, in the largest unit that leaves no more than two decimals.
pub(crate) fn size_text(bytes: u64) -> String {
    for (name, unit) in [("TiB", 1u64 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)]
    {
        let hundredths = u128::from(bytes) * 100 / u128::from(unit);
        if bytes >= unit && hundredths * u128::from(unit) == u128::from(bytes) * 100 {
            let (whole, part) = (hundredths / 100, hundredths % 100);
            let text = format!("{whole}.{part:02}");
            return format!("{} {name}", text.trim_end_matches('0').trim_end_matches('.'));
        }
    }
    format!("{bytes} bytes")
}

/// A principal of the node's network.
///
/// # Errors
/// A [`UsageError`].
pub(crate) fn principal(text: &str, network: Network) -> Result<Principal, UsageError> {
    Principal::from_text(text, network).map_err(|e| UsageError::new(format!("{text}: {e}")))
}

/// A path on the node's network.
///
/// # Errors
/// A [`UsageError`].
pub(crate) fn path(text: &str, network: Network) -> Result<BlockPath, UsageError> {
    BlockPath::from_text(text, network).map_err(|e| {
        let prefix = network.prefix();
        UsageError::new(format!("{text}: {e}; a path looks like /{prefix}1…/photos/cat.jpg"))
    })
}

/// A signed message: hex on the command line, or a file that holds the hex, as `--out` writes it,
/// or the command's JSON.
///
/// # Errors
/// A [`UsageError`] if it is neither, others if the file can't be read.
pub(crate) fn message(text: &str, field: &str) -> Result<Vec<u8>> {
    if let Ok(bytes) = hex::decode(text) {
        return Ok(bytes);
    }
    let path = Path::new(text);
    if !path.exists() {
        let why = format!("{text}: neither hex nor a file; give the {field} as it was printed");
        return Err(UsageError::new(why).into());
    }
    let mut content = String::new();
    File::open(path)
        .and_then(|file| file.take(MAX_MESSAGE_FILE).read_to_string(&mut content))
        .with_context(|| format!("can't read {text}"))?;
    let json = serde_json::from_str::<serde_json::Value>(&content).ok();
    let named = json.as_ref().and_then(|json| json.get(field)?.as_str());
    hex::decode(named.unwrap_or(content.trim())).map_err(|_| {
        UsageError::new(format!("{text}: holds no {field}; `--out FILE` writes one")).into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_exact() {
        for (text, bytes) in [
            ("0", 0),
            ("4096", 4096),
            ("7B", 7),
            ("64KiB", 65_536),
            ("64 KiB", 65_536),
            // 1.5 · 2^30
            ("1.5GiB", 1_610_612_736),
            ("10GB", 10_000_000_000),
            ("1.000000001GB", 1_000_000_001),
            ("18446744073709551615", u64::MAX),
            // 2^24 − 1 times 2^40
            ("16777215TiB", 18_446_742_974_197_923_840),
        ] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for text in
            ["", "-1", "+1", "1.", ".5KiB", "1.5", "1.1KiB", "1 K", "KiB", "16777216TiB", "1e3"]
        {
            assert_eq!(size(text), Err(BadSize), "{text}");
        }
    }

    #[test]
    fn sizes_read_well() {
        for (bytes, text) in [
            (0, "0 bytes"),
            (1023, "1023 bytes"),
            (1024, "1 KiB"),
            (1536, "1.5 KiB"),
            (1_610_612_736, "1.5 GiB"),
            (1_048_577, "1048577 bytes"),
        ] {
            assert_eq!(size_text(bytes), text);
        }
    }

    #[test]
    fn messages_are_hex_or_files_of_hex() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("message");
        let name = path.to_str().unwrap();
        assert_eq!(message("00ff", "receipt").unwrap(), [0, 255]);
        assert!(message(name, "receipt").unwrap_err().is::<UsageError>());
        std::fs::write(&path, "00ff\n").unwrap();
        assert_eq!(message(name, "receipt").unwrap(), [0, 255]);
        std::fs::write(&path, "{\"receipt\":\"01\"}").unwrap();
        assert_eq!(message(name, "receipt").unwrap(), [1]);
        std::fs::write(&path, "{\"other\":\"01\"}").unwrap();
        assert!(message(name, "receipt").unwrap_err().is::<UsageError>());
    }
}
