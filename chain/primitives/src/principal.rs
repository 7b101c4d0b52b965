//! Principals: hashes of public keys (B41), shown in bech32m.

use crate::{PublicKey, tags};
use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Bech32m, Hrp};
use core::fmt;
use parity_scale_codec::{Decode, Encode, MaxEncodedLen};

/// `tagged("blocktree/principal", public key)` (B41). SCALE: 32 bytes.
///
/// Its text form depends on the network, so there is no `Display`: see [`Principal::to_text`].
#[derive(
    Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, MaxEncodedLen,
)]
pub struct Principal(pub [u8; 32]);

/// The kind of network a text belongs to; an address of one is refused on another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
pub enum Network {
    /// Real value: prefix `blk`.
    #[codec(index = 0)]
    Main,
    /// Public testing: prefix `tblk`.
    #[codec(index = 1)]
    Test,
    /// One's own machine: prefix `dblk`.
    #[codec(index = 2)]
    Dev,
}

impl Network {
    /// The human-readable part of principals on this network.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Main => "blk",
            Self::Test => "tblk",
            Self::Dev => "dblk",
        }
    }

    /// The network whose principals begin with this prefix.
    #[must_use]
    pub fn from_prefix(prefix: &str) -> Option<Self> {
        [Self::Main, Self::Test, Self::Dev].into_iter().find(|n| n.prefix() == prefix)
    }
}

/// Why a text is not a principal of this network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParsePrincipalError {
    /// Not bech32m, or its checksum fails.
    #[error("not a principal: {0}")]
    NotBech32m(String),
    /// Of another network.
    #[error("a principal of this network begins with {expected}1, this one with {found}1")]
    WrongNetwork {
        /// The prefix of this network.
        expected: &'static str,
        /// The prefix in the text.
        found: String,
    },
    /// Not 32 bytes.
    #[error("a principal has 32 bytes, this text has {0}")]
    WrongLength(usize),
}

impl Principal {
    /// The principal of a public key.
    #[must_use]
    pub fn of(key: &PublicKey) -> Self {
        Self(tags::PRINCIPAL.hash(&[&key.0]))
    }

    /// The text form on `network`, bech32m, lower case.
    #[must_use]
    pub fn to_text(&self, network: Network) -> String {
        let hrp = Hrp::parse(network.prefix()).expect("the three prefixes are valid");
        bech32::encode::<Bech32m>(hrp, &self.0).expect("32 bytes are below bech32's limit")
    }

    /// Reads the text form on `network`.
    ///
    /// # Errors
    /// See [`ParsePrincipalError`].
    pub fn from_text(text: &str, network: Network) -> Result<Self, ParsePrincipalError> {
        let parsed = CheckedHrpstring::new::<Bech32m>(text)
            .map_err(|e| ParsePrincipalError::NotBech32m(e.to_string()))?;
        let found = parsed.hrp().to_lowercase();
        if found != network.prefix() {
            return Err(ParsePrincipalError::WrongNetwork { expected: network.prefix(), found });
        }
        let bytes: Vec<u8> = parsed.byte_iter().collect();
        let len = bytes.len();
        bytes.try_into().map(Self).map_err(|_| ParsePrincipalError::WrongLength(len))
    }
}

/// Hex of the bytes; for logs and tests, where the network is not at hand.
impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "principal:{}", hex::encode(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_round_trips_and_keeps_networks_apart() {
        let principal = Principal::of(&PublicKey([3; 32]));
        for network in [Network::Main, Network::Test, Network::Dev] {
            let text = principal.to_text(network);
            assert!(text.starts_with(&format!("{}1", network.prefix())));
            assert_eq!(Principal::from_text(&text, network), Ok(principal));
        }
        let dev = principal.to_text(Network::Dev);
        assert!(matches!(
            Principal::from_text(&dev, Network::Main),
            Err(ParsePrincipalError::WrongNetwork { expected: "blk", .. })
        ));
        let mut typo = dev.clone();
        typo.replace_range(10..11, if &dev[10..11] == "q" { "p" } else { "q" });
        assert!(matches!(
            Principal::from_text(&typo, Network::Dev),
            Err(ParsePrincipalError::NotBech32m(_))
        ));
    }

    /// The texts that BIP-350 lists as valid or invalid bech32m (tests/vectors/bech32m).
    #[test]
    fn bip350_strings() {
        let valid = [
            "A1LQFN3A",
            "a1lqfn3a",
            "?1v759aa",
            "split1checkupstagehandshakeupstreamerranterredcaperredlc445v",
        ];
        for text in valid {
            assert!(CheckedHrpstring::new::<Bech32m>(text).is_ok(), "{text}");
        }
        // The last is BIP-173's, of the older checksum.
        let invalid = ["1xj0phk", "1g6xzxy", "y1b0jsk6g", "lt1igcx5c0", "16plkw9", "a12uel5l"];
        for text in invalid {
            assert!(CheckedHrpstring::new::<Bech32m>(text).is_err(), "{text}");
        }
    }
}
