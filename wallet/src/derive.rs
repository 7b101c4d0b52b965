//! From words to keys: BIP-32 along `m/44'/coin'/0'/0/i` (docs/protocol.md §2).

use crate::words::Words;
use bip32::ChildNumber;
use blocktree_primitives::SecretKey;
use zeroize::Zeroizing;

/// A key of BIP-32's tree, by the same C library that signs.
///
/// The library's type is a plain copy of 32 bytes and is not erased when dropped: see the crate's
/// documentation.
pub(crate) type Node = bip32::ExtendedPrivateKey<secp256k1::SecretKey>;

/// The purpose that BIP-44 gave itself.
const PURPOSE: u32 = 44;

/// Why no key was derived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeriveError {
    /// A coin type or index of 2^31 or more.
    #[error("{what} {number} is too large: BIP-32 has numbers below 2147483648")]
    NumberTooLarge {
        /// `coin type` or `index`.
        what: &'static str,
        /// What was asked for.
        number: u32,
    },
    /// BIP-32 has no key at this place of the tree; less likely than one in 2^127.
    #[error("there is no key at index {index}: use the next index")]
    NoSuchKey {
        /// What was asked for.
        index: u32,
    },
}

/// The key number `index` of `words` for a coin type of SLIP-44.
///
/// The secret is BIP-32's or its negation, whichever has a public key of even Y; both have the same
/// x-only public key.
///
/// # Errors
/// See [`DeriveError`].
pub fn derive(words: &Words, coin_type: u32, index: u32) -> Result<SecretKey, DeriveError> {
    derive_from_seed(&words.seed(), coin_type, index)
}

/// As [`derive`], from the words' seed, which takes longer to make than many keys.
pub(crate) fn derive_from_seed(
    seed: &Zeroizing<[u8; 64]>,
    coin_type: u32,
    index: u32,
) -> Result<SecretKey, DeriveError> {
    let child = |what, number, hardened| {
        ChildNumber::new(number, hardened).map_err(|_| DeriveError::NumberTooLarge { what, number })
    };
    let path = [
        child("purpose", PURPOSE, true)?,
        child("coin type", coin_type, true)?,
        child("account", 0, true)?,
        child("change", 0, false)?,
        child("index", index, false)?,
    ];
    let node = descend(seed.as_slice(), &path).map_err(|_| DeriveError::NoSuchKey { index })?;
    let bytes = Zeroizing::new(node.to_bytes());
    SecretKey::from_bytes(*bytes).map_err(|_| DeriveError::NoSuchKey { index })
}

fn descend(seed: &[u8], path: &[ChildNumber]) -> bip32::Result<Node> {
    path.iter().try_fold(Node::new(seed)?, |node, child| node.derive_child(*child))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dev::dev_words;
    use bip32::Prefix;
    use serde_json::Value;

    /// BIP-32's own vectors (tests/vectors/bip32), private and public.
    #[test]
    fn bip32_vectors() {
        let json = include_str!("../../tests/vectors/bip32/vectors.json");
        let vectors: Value = serde_json::from_str(json).unwrap();
        let mut checked = 0;
        for vector in vectors["valid"].as_array().unwrap() {
            let seed = hex::decode(vector["seed"].as_str().unwrap()).unwrap();
            for chain in vector["chains"].as_array().unwrap() {
                let path = chain["path"].as_str().unwrap();
                let children: Vec<ChildNumber> = path
                    .split('/')
                    .skip(1)
                    .map(|step| match step.strip_suffix('H') {
                        Some(number) => ChildNumber::new(number.parse().unwrap(), true).unwrap(),
                        None => ChildNumber::new(step.parse().unwrap(), false).unwrap(),
                    })
                    .collect();
                let node = descend(&seed, &children).unwrap();
                let private = node.to_string(Prefix::XPRV);
                let public = node.public_key().to_string(Prefix::XPUB);
                assert_eq!(private.as_str(), chain["xprv"].as_str().unwrap(), "{path}");
                assert_eq!(public, chain["xpub"].as_str().unwrap(), "{path}");
                checked += 1;
            }
        }
        // Vectors 1 and 2 have 6 chains each, 3 has 2, 4 has 3.
        assert_eq!(checked, 17);
    }

    /// The first keys that Ethereum's development tools print for the same words, coin type 60:
    /// known all over the world, made by other programs.
    #[test]
    fn the_path_is_bip44s() {
        let printed = [
            "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
            "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
            "5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
        ];
        for (index, secret) in (0..).zip(printed) {
            let bytes: [u8; 32] = hex::decode(secret).unwrap().try_into().unwrap();
            let expected = SecretKey::from_bytes(bytes).unwrap();
            let derived = derive(&dev_words(), 60, index).unwrap();
            assert_eq!(derived.expose(), expected.expose(), "index {index}");
        }
    }

    #[test]
    fn numbers_too_large_are_refused_by_name() {
        let words = dev_words();
        assert!(derive(&words, (1 << 31) - 1, (1 << 31) - 1).is_ok());
        assert_eq!(
            derive(&words, 1 << 31, 0).unwrap_err().to_string(),
            "coin type 2147483648 is too large: BIP-32 has numbers below 2147483648"
        );
        assert_eq!(
            derive(&words, 1, u32::MAX).unwrap_err(),
            DeriveError::NumberTooLarge { what: "index", number: u32::MAX }
        );
    }

    /// Every input of the path makes another key.
    #[test]
    fn keys_differ_by_words_passphrase_coin_and_index() {
        let plain = dev_words();
        let secret = dev_words().with_passphrase("x").unwrap();
        let keys: std::collections::BTreeSet<_> = [
            derive(&plain, 1, 0),
            derive(&plain, 1, 1),
            derive(&plain, 0, 0),
            derive(&secret, 1, 0),
        ]
        .into_iter()
        .map(|key| key.unwrap().public_key())
        .collect();
        assert_eq!(keys.len(), 4);
    }
}
