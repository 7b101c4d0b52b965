//! The development keys: words that everybody knows, for chains on which nothing has a value, and the
//! refusal of their keys everywhere else.

use crate::derive::{DeriveError, derive_from_seed};
use crate::words::Words;
use blocktree_primitives::{Network, Principal, PublicKey, SecretKey};
use core::fmt;
use zeroize::Zeroizing;

/// The well-known words.
pub const DEV_WORDS: &str = "test test test test test test test test test test test junk";

/// SLIP-44's coin type of every coin's test networks; the dev chain's.
pub const DEV_COIN_TYPE: u32 = 1;

/// How many of the words' keys are refused on other networks.
pub const DEV_KEY_COUNT: u32 = 20;

/// Coin types under which the words' keys are known: the dev chain's, and that of Ethereum, whose
/// tools made the words well known and print the secrets of the first keys at every start.
const KNOWN_COIN_TYPES: [u32; 2] = [DEV_COIN_TYPE, 60];

/// A development key, or its words, met on a network where it must not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DevKeyRefused {
    /// One of the first [`DEV_KEY_COUNT`] keys.
    #[error(
        "this is development key {index}, whose secret everybody knows: anyone could spend what it holds; make a key of your own"
    )]
    Key {
        /// Which one, from 0.
        index: u32,
    },
    /// The words themselves, at whatever index and with whatever passphrase.
    #[error(
        "these are the development words, which everybody knows: anyone could spend what their keys hold; make words of your own"
    )]
    Words,
}

/// The well-known words, without a passphrase.
#[must_use]
pub fn dev_words() -> Words {
    Words::parse(DEV_WORDS).expect("the words are in the list and their checksum is right")
}

/// The keys of the well-known words under one coin type: the accounts of a dev chain's genesis.
#[derive(Clone)]
pub struct DevKeys {
    seed: Zeroizing<[u8; 64]>,
    coin_type: u32,
}

impl DevKeys {
    /// The keys under the coin type of the chainspec.
    #[must_use]
    pub fn new(coin_type: u32) -> Self {
        Self { seed: dev_words().seed(), coin_type }
    }

    /// Key number `index`; 0 is the default coinbase and owner.
    ///
    /// # Errors
    /// When the index or the coin type is 2^31 or more.
    pub fn secret(&self, index: u32) -> Result<SecretKey, DeriveError> {
        derive_from_seed(&self.seed, self.coin_type, index)
    }
}

impl fmt::Debug for DevKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DevKeys").field("coin_type", &self.coin_type).finish_non_exhaustive()
    }
}

/// Refuses the first [`DEV_KEY_COUNT`] development keys on every network but the dev one. Takes a few
/// milliseconds.
///
/// # Errors
/// Says which key it is.
pub fn refuse_dev_key(network: Network, key: &PublicKey) -> Result<(), DevKeyRefused> {
    refuse(network, |known| known == *key)
}

/// As [`refuse_dev_key`], where only the principal is known: of a coinbase, for one.
///
/// # Errors
/// Says which key's principal it is.
pub fn refuse_dev_principal(network: Network, principal: &Principal) -> Result<(), DevKeyRefused> {
    refuse(network, |known| Principal::of(&known) == *principal)
}

/// Refuses the development words on every network but the dev one.
///
/// # Errors
/// When they are the words.
pub fn refuse_dev_words(network: Network, words: &Words) -> Result<(), DevKeyRefused> {
    if network != Network::Dev && words.same_words(&dev_words()) {
        return Err(DevKeyRefused::Words);
    }
    Ok(())
}

fn refuse(network: Network, is: impl Fn(PublicKey) -> bool) -> Result<(), DevKeyRefused> {
    if network == Network::Dev {
        return Ok(());
    }
    let seed = dev_words().seed();
    for coin_type in KNOWN_COIN_TYPES {
        for index in 0..DEV_KEY_COUNT {
            let known = derive_from_seed(&seed, coin_type, index);
            if known.is_ok_and(|secret| is(secret.public_key())) {
                return Err(DevKeyRefused::Key { index });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The dev chain's accounts, by wallet/tests/data/golden.py.
    #[test]
    fn the_dev_chains_keys_are_pinned() {
        let keys = DevKeys::new(DEV_COIN_TYPE);
        for (index, key) in [
            (0, "244b42a9df73401473dff8ec9c7f85a080952c342494214d99a5ab13d6a71864"),
            (1, "9202399bff168fe5992ce30c15573dfc1d5691d32bdb72d32bbd939f9fc7495e"),
            (19, "c83cf5c92a84cd959d31244b2b58642cbd780588f09b6df1382353941683b4eb"),
        ] {
            assert_eq!(keys.secret(index).unwrap().public_key().to_string(), key);
        }
        let first = Principal::of(&keys.secret(0).unwrap().public_key());
        assert_eq!(
            first.to_text(Network::Dev),
            "dblk15nqv2mwx9ur43gsvjqx3rmxamg6fdlu78aq28y6mp7yqtdhnec2q0hmvhw"
        );
    }

    #[test]
    fn the_first_twenty_are_refused_off_the_dev_network() {
        for coin_type in [1, 60] {
            let keys = DevKeys::new(coin_type);
            for index in [0, 1, 19] {
                let key = keys.secret(index).unwrap().public_key();
                let principal = Principal::of(&key);
                for network in [Network::Main, Network::Test] {
                    let refused = Err(DevKeyRefused::Key { index });
                    assert_eq!(refuse_dev_key(network, &key), refused);
                    assert_eq!(refuse_dev_principal(network, &principal), refused);
                }
                assert_eq!(refuse_dev_key(Network::Dev, &key), Ok(()));
                assert_eq!(refuse_dev_principal(Network::Dev, &principal), Ok(()));
            }
            let twentieth = keys.secret(20).unwrap().public_key();
            assert_eq!(refuse_dev_key(Network::Main, &twentieth), Ok(()));
        }
    }

    #[test]
    fn the_words_are_refused_whatever_the_passphrase() {
        let other = Words::generate(crate::WordCount::Twelve).unwrap();
        let hidden = dev_words().with_passphrase("mine").unwrap();
        for network in [Network::Main, Network::Test] {
            for words in [&dev_words(), &hidden] {
                assert_eq!(refuse_dev_words(network, words), Err(DevKeyRefused::Words));
            }
            assert_eq!(refuse_dev_words(network, &other), Ok(()));
        }
        assert_eq!(refuse_dev_words(Network::Dev, &dev_words()), Ok(()));
    }

    #[test]
    fn dev_keys_show_no_secret() {
        assert_eq!(format!("{:?}", DevKeys::new(1)), "DevKeys { coin_type: 1, .. }");
    }
}
