//! Names of keys, which are names of files too.

use core::fmt;
use core::str::FromStr;

/// The longest name.
const MAX_NAME_LEN: usize = 64;

/// A key's name: 1 to 64 characters of `a-z`, `0-9`, `-` and `_`. Every one is a harmless file name on
/// every file system, and no two differ only in case.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(String);

/// A text that is no name of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a name for a key: 1 to {MAX_NAME_LEN} characters of a-z, 0-9, - and _")]
pub struct BadKeyName;

impl KeyName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyName {
    type Err = BadKeyName;

    fn from_str(text: &str) -> Result<Self, BadKeyName> {
        let allowed = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
        if text.is_empty() || text.len() > MAX_NAME_LEN || !text.bytes().all(allowed) {
            return Err(BadKeyName);
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain() {
        let longest = "x".repeat(64);
        for good in ["a", "0", "-", "_", "cold-wallet_2", &longest] {
            assert_eq!(good.parse::<KeyName>().unwrap().as_str(), good);
        }
        let too_long = "x".repeat(65);
        for bad in
            ["", "A", "a b", "a.json", ".", "..", "../a", "a/b", "a\0", "é", "a\n", &too_long]
        {
            assert_eq!(bad.parse::<KeyName>(), Err(BadKeyName), "{bad:?}");
        }
    }
}
