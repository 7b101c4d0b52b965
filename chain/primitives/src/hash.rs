//! 32-byte hashes, one type per meaning, and the two ways to make them: SHA-256d for headers,
//! tagged SHA-256 for nearly everything else (docs/protocol.md §2).

use core::fmt;
use core::str::FromStr;
use parity_scale_codec::{Decode, Encode, MaxEncodedLen};
use sha2::{Digest, Sha256};
use std::sync::OnceLock;

/// A text that is not 64 lower- or upper-case hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a hash: 64 hex digits expected")]
pub struct ParseHashError;

/// What every hash newtype can do; for code that is generic over the meaning.
pub trait Hash32: Copy + Eq + Ord + Encode + Decode {
    /// The 32 bytes, in the order in which they are hashed and stored.
    fn as_bytes(&self) -> &[u8; 32];
    /// From the 32 bytes, in the order in which they are hashed and stored.
    fn from_bytes(bytes: [u8; 32]) -> Self;
}

macro_rules! hashes {
    ($( $(#[$doc:meta])* $name:ident $order:ident; )*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, MaxEncodedLen)]
        pub struct $name(pub [u8; 32]);

        impl Hash32 for $name {
            fn as_bytes(&self) -> &[u8; 32] { &self.0 }
            fn from_bytes(bytes: [u8; 32]) -> Self { Self(bytes) }
        }
        impl $name {
            /// 32 zero bytes.
            pub const ZERO: Self = Self([0; 32]);
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode($order(self.0)))
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write!(f, "{self}") }
        }
        impl FromStr for $name {
            type Err = ParseHashError;
            fn from_str(text: &str) -> Result<Self, ParseHashError> {
                let mut bytes = [0u8; 32];
                hex::decode_to_slice(text, &mut bytes).map_err(|_| ParseHashError)?;
                Ok(Self($order(bytes)))
            }
        }
    )*};
}

fn as_stored(bytes: [u8; 32]) -> [u8; 32] {
    bytes
}

fn most_significant_first(mut bytes: [u8; 32]) -> [u8; 32] {
    bytes.reverse();
    bytes
}

hashes! {
    /// SHA-256d of a header's 80 bytes; shown most significant byte first, as Bitcoin does.
    BlockHash most_significant_first;
    /// SHA-256d of an encoded [`crate::Commitment`]: the header's commitment field.
    CommitmentHash as_stored;
    /// Root of the RFC 6962 tree over a block's encoded events.
    EventRoot as_stored;
    /// Root of the authenticated global state (docs/protocol.md §5).
    StateRoot as_stored;
    /// Root of the Merkle mountain range over earlier headers (docs/protocol.md §3).
    HistoryRoot as_stored;
    /// Identity of an event: the digest that its signer signs (docs/protocol.md §4).
    EventId as_stored;
    /// Identity of a storage offer: the id of the event that made it.
    OfferId as_stored;
    /// Identity of a placement (docs/protocol.md §8.3).
    PlacementId as_stored;
    /// RFC 6962 root over the 256-byte leaves of a stored fragment (docs/protocol.md §8).
    FragmentRoot as_stored;
    /// Hash of a tree block's header and encrypted payload (docs/protocol.md §9).
    ContentHash as_stored;
}

impl From<EventId> for OfferId {
    /// Offer id = event id (docs/protocol.md §8.2).
    fn from(id: EventId) -> Self {
        Self(id.0)
    }
}

/// SHA-256 of the parts, one after the other.
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// SHA-256 of the SHA-256, as Bitcoin hashes headers.
#[must_use]
pub fn sha256d(bytes: &[u8]) -> [u8; 32] {
    sha256(&[&sha256(&[bytes])])
}

/// The domain of a tagged hash: `tagged(tag, m) = SHA256(SHA256(tag) || SHA256(tag) || m)`.
///
/// Meant for `static`s (see [`crate::tags`]): the state after the tag's block is kept.
#[derive(Debug)]
pub struct Tag {
    name: &'static str,
    prefix: OnceLock<Sha256>,
}

impl Tag {
    /// The domain with this name.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name, prefix: OnceLock::new() }
    }

    /// The tag's text.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// A hasher that has taken the tag already.
    #[must_use]
    pub fn hasher(&self) -> Sha256 {
        self.prefix
            .get_or_init(|| {
                let tag = sha256(&[self.name.as_bytes()]);
                let mut hasher = Sha256::new();
                hasher.update(tag);
                hasher.update(tag);
                hasher
            })
            .clone()
    }

    /// The tagged hash of the parts, one after the other.
    #[must_use]
    pub fn hash(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut hasher = self.hasher();
        for part in parts {
            hasher.update(part);
        }
        hasher.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tagged_hash_is_bip340s() {
        // BIP-340 defines the same construction. Made with Python's hashlib:
        // t = sha256(b"BIP0340/challenge").digest(); sha256(t + t + b"abc").hexdigest()
        static TAG: Tag = Tag::new("BIP0340/challenge");
        let digest = "770a5b7e7c304bbcc3ea107343ff951dd404312ef418db0c3b94e2ebfbb50087";
        assert_eq!(hex::encode(TAG.hash(&[b"a", b"bc"])), digest);
        assert_eq!(hex::encode(TAG.hash(&[b"abc"])), digest, "the kept prefix is not used up");
    }

    #[test]
    fn block_hashes_are_shown_reversed() {
        let mut bytes = [0; 32];
        bytes[0] = 0xab;
        let text = BlockHash(bytes).to_string();
        assert!(text.starts_with("00") && text.ends_with("ab"));
        assert_eq!(text.parse(), Ok(BlockHash(bytes)));
        assert!(EventId(bytes).to_string().starts_with("ab"));
        assert_eq!("zz".parse::<EventId>(), Err(ParseHashError));
    }
}
