//! Paths of tree blocks: `/<root principal>/name/…` (B1, B2).

use crate::principal::ParsePrincipalError;
use crate::{Network, Principal};
use core::fmt;
use parity_scale_codec::{Decode, Encode, EncodeLike, Error, Input, MaxEncodedLen, Output};

/// Bytes of a path on the ledger at most, the principal and the length bytes included.
pub const MAX_PATH_LEN: usize = 512;
/// Bytes of one name at most.
pub const MAX_NAME_LEN: usize = 255;

/// One name of a path: UTF-8, 1–255 bytes, no `/`, no control characters, not `.` or `..`;
/// compared as bytes (docs/protocol.md §2).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Box<str>);

/// Why a text is not a path or a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// A path does not begin with `/`.
    #[error("a path begins with /, then the root principal")]
    NotAbsolute,
    /// The first component is not a principal of this network.
    #[error("the first component of a path is a principal: {0}")]
    Root(#[from] ParsePrincipalError),
    /// Two slashes in a row, or one at the end.
    #[error("a name is empty")]
    EmptyName,
    /// A name over 255 bytes.
    #[error("a name has {0} bytes, at most 255 allowed")]
    NameTooLong(usize),
    /// `.` or `..`.
    #[error("`.` and `..` are not names")]
    DotName,
    /// A slash or a control character within a name.
    #[error("a name holds a slash or a control character")]
    ForbiddenCharacter,
    /// Not UTF-8.
    #[error("a name is not UTF-8")]
    NotUtf8,
    /// Over 512 bytes in all.
    #[error("the path takes {0} bytes, at most 512 allowed")]
    TooLong(usize),
}

impl Name {
    /// Checks a name.
    ///
    /// # Errors
    /// See [`PathError`].
    pub fn new(text: &str) -> Result<Self, PathError> {
        match text.len() {
            0 => return Err(PathError::EmptyName),
            1..=MAX_NAME_LEN => {}
            len => return Err(PathError::NameTooLong(len)),
        }
        if text == "." || text == ".." {
            return Err(PathError::DotName);
        }
        if text.chars().any(|c| c == '/' || c.is_control()) {
            return Err(PathError::ForbiddenCharacter);
        }
        Ok(Self(text.into()))
    }

    /// The name's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where a tree block is: a root principal and names below it (B2).
///
/// SCALE: `principal 32 || (length u8 ≥ 1 || bytes)* || 0u8`, at most 512 bytes; so all paths
/// below a directory share its bytes but the last, and lie together in key order.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockPath {
    root: Principal,
    names: Vec<Name>,
}

impl BlockPath {
    /// A path from its parts; no names is the root itself.
    ///
    /// # Errors
    /// [`PathError::TooLong`] over 512 encoded bytes.
    pub fn new(root: Principal, names: Vec<Name>) -> Result<Self, PathError> {
        let path = Self { root, names };
        match path.encoded_len() {
            len if len > MAX_PATH_LEN => Err(PathError::TooLong(len)),
            _ => Ok(path),
        }
    }

    /// Reads `/<principal>/name/…` on `network`.
    ///
    /// # Errors
    /// See [`PathError`].
    pub fn from_text(text: &str, network: Network) -> Result<Self, PathError> {
        let mut parts = text.strip_prefix('/').ok_or(PathError::NotAbsolute)?.split('/');
        let root = parts.next().ok_or(PathError::NotAbsolute)?;
        let root = Principal::from_text(root, network)?;
        let names = parts.map(Name::new).collect::<Result<Vec<_>, _>>()?;
        Self::new(root, names)
    }

    /// The text form on `network`.
    #[must_use]
    pub fn to_text(&self, network: Network) -> String {
        let mut text = format!("/{}", self.root.to_text(network));
        for name in &self.names {
            text.push('/');
            text.push_str(name.as_str());
        }
        text
    }

    /// The root principal.
    #[must_use]
    pub fn root(&self) -> Principal {
        self.root
    }

    /// The names below the root.
    #[must_use]
    pub fn names(&self) -> &[Name] {
        &self.names
    }

    /// The bytes that the encodings of this path and of all paths below it begin with.
    #[must_use]
    pub fn prefix_bytes(&self) -> Vec<u8> {
        let mut bytes = self.encode();
        bytes.pop();
        bytes
    }

    fn encoded_len(&self) -> usize {
        33 + self.names.iter().map(|name| 1 + name.0.len()).sum::<usize>()
    }
}

impl Encode for BlockPath {
    fn size_hint(&self) -> usize {
        self.encoded_len()
    }
    fn encode_to<O: Output + ?Sized>(&self, dest: &mut O) {
        dest.write(&self.root.0);
        for name in &self.names {
            let len = u8::try_from(name.0.len()).expect("a name has at most 255 bytes");
            dest.push_byte(len);
            dest.write(name.0.as_bytes());
        }
        dest.push_byte(0);
    }
}

impl EncodeLike for BlockPath {}

impl Decode for BlockPath {
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        let root = Principal::decode(input)?;
        let mut names = Vec::new();
        let mut len = 33usize;
        loop {
            let name_len = usize::from(input.read_byte()?);
            if name_len == 0 {
                return Ok(Self { root, names });
            }
            len = len.saturating_add(name_len).saturating_add(1);
            if len > MAX_PATH_LEN {
                return Err(Error::from("path longer than 512 bytes"));
            }
            let mut bytes = vec![0; name_len];
            input.read(&mut bytes)?;
            let text = core::str::from_utf8(&bytes).map_err(|_| Error::from("name not UTF-8"))?;
            names.push(Name::new(text).map_err(|_| Error::from("forbidden name"))?);
        }
    }
}

impl MaxEncodedLen for BlockPath {
    fn max_encoded_len() -> usize {
        MAX_PATH_LEN
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

/// For logs and tests, where the network is not at hand.
impl fmt::Debug for BlockPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}", hex::encode(self.root.0))?;
        self.names.iter().try_for_each(|name| write!(f, "/{}", name.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DecodeError, decode_exact};
    use proptest::prelude::*;

    #[test]
    fn bad_names_are_refused_by_name() {
        assert_eq!(Name::new(""), Err(PathError::EmptyName));
        assert_eq!(Name::new("."), Err(PathError::DotName));
        assert_eq!(Name::new(".."), Err(PathError::DotName));
        assert_eq!(Name::new("a/b"), Err(PathError::ForbiddenCharacter));
        assert_eq!(Name::new("a\nb"), Err(PathError::ForbiddenCharacter));
        assert_eq!(Name::new("\u{85}"), Err(PathError::ForbiddenCharacter));
        assert_eq!(Name::new(&"x".repeat(256)), Err(PathError::NameTooLong(256)));
        assert!(Name::new("...").is_ok() && Name::new(&"x".repeat(255)).is_ok());
    }

    #[test]
    fn a_path_has_at_most_512_bytes() {
        let name = |len| Name::new(&"x".repeat(len)).unwrap();
        // 32 + (1 + 255) + (1 + 222) + 1 = 512
        assert!(BlockPath::new(Principal([1; 32]), vec![name(255), name(222)]).is_ok());
        assert_eq!(
            BlockPath::new(Principal([1; 32]), vec![name(255), name(223)]),
            Err(PathError::TooLong(513))
        );
    }

    #[test]
    fn hostile_bytes_are_refused() {
        let mut dot = vec![0; 32];
        dot.extend([1, b'.', 0]);
        let mut unfinished = vec![0; 32];
        unfinished.extend([5, b'a']);
        let mut not_utf8 = vec![0; 32];
        not_utf8.extend([1, 0xff, 0]);
        for bytes in [dot, unfinished, not_utf8, vec![0; 31]] {
            assert!(matches!(
                decode_exact::<BlockPath>(&bytes, MAX_PATH_LEN),
                Err(DecodeError::Malformed(_))
            ));
        }
    }

    proptest! {
        #[test]
        fn encodings_and_texts_round_trip(root: [u8; 32], names in prop::collection::vec("[^/\\p{Cc}]{1,20}", 0..6)) {
            let names: Vec<Name> = names.iter().filter_map(|n| Name::new(n).ok()).collect();
            let path = BlockPath::new(Principal(root), names).unwrap();
            prop_assert_eq!(decode_exact::<BlockPath>(&path.encode(), MAX_PATH_LEN), Ok(path.clone()));
            let text = path.to_text(Network::Test);
            prop_assert_eq!(BlockPath::from_text(&text, Network::Test), Ok(path));
        }
    }
}
