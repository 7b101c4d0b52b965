//! What a key is made from, and secrets as text for import and export.

use crate::derive::{DeriveError, derive};
use crate::words::Words;
use blocktree_primitives::SecretKey;
use zeroize::Zeroizing;

/// What a key is made from. Shows no secret by `Debug`.
#[derive(Clone, Debug)]
pub enum KeyMaterial {
    /// A place in the tree of keys that grows from words.
    Words {
        /// The words.
        words: Words,
        /// The chain's, of SLIP-44.
        coin_type: u32,
        /// Which of the words' keys.
        index: u32,
    },
    /// A bare secret.
    Secret(SecretKey),
}

impl KeyMaterial {
    /// The key.
    ///
    /// # Errors
    /// When the coin type or the index is 2^31 or more.
    pub fn secret_key(&self) -> Result<SecretKey, DeriveError> {
        match self {
            Self::Words { words, coin_type, index } => derive(words, *coin_type, *index),
            Self::Secret(secret) => Ok(secret.clone()),
        }
    }
}

/// A text that is no secret key. Repeats nothing of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretTextError {
    /// Not 64 hex digits.
    #[error("a secret key is 64 hex digits")]
    NotHex,
    /// Zero, or not below the order of the curve.
    #[error("these 64 hex digits are no secret key: zero, or not below the order of the curve")]
    OutOfRange,
}

/// Reads a secret key from 64 hex digits; white space around them is ignored.
///
/// # Errors
/// See [`SecretTextError`].
pub fn secret_from_hex(text: &str) -> Result<SecretKey, SecretTextError> {
    let mut bytes = Zeroizing::new([0; 32]);
    hex::decode_to_slice(text.trim(), bytes.as_mut_slice()).map_err(|_| SecretTextError::NotHex)?;
    SecretKey::from_bytes(*bytes).map_err(|_| SecretTextError::OutOfRange)
}

/// The 64 hex digits of a secret key. For the owner's eyes.
#[must_use]
pub fn secret_to_hex(secret: &SecretKey) -> Zeroizing<String> {
    Zeroizing::new(hex::encode(secret.expose()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dev::{DEV_WORDS, dev_words};

    #[test]
    fn secrets_round_trip_as_hex() {
        let secret = derive(&dev_words(), 1, 0).unwrap();
        let text = secret_to_hex(&secret);
        assert_eq!(text.len(), 64);
        let spaced = format!(" {}\n", text.to_uppercase());
        assert_eq!(secret_from_hex(&spaced).unwrap().expose(), secret.expose());
    }

    #[test]
    fn other_texts_are_refused_by_name() {
        use SecretTextError::*;
        // The order of the curve itself, and one less, which is a key.
        let order = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
        let below = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140";
        for (text, error) in [
            ("", NotHex),
            ("0x01", NotHex),
            (&order[1..], NotHex),
            (&format!("{order}00"), NotHex),
            (&"g".repeat(64), NotHex),
            (&"0".repeat(64), OutOfRange),
            (order, OutOfRange),
        ] {
            assert_eq!(secret_from_hex(text).unwrap_err(), error, "{text}");
        }
        assert!(secret_from_hex(below).is_ok());
    }

    #[test]
    fn material_shows_no_secret() {
        let secret = derive(&dev_words(), 1, 0).unwrap();
        let hex = secret_to_hex(&secret);
        let words = KeyMaterial::Words {
            words: dev_words().with_passphrase("hush").unwrap(),
            coin_type: 1,
            index: 0,
        };
        assert_eq!(
            format!("{words:?}"),
            "Words { words: Words(redacted), coin_type: 1, index: 0 }"
        );
        let shown = format!("{:?}", KeyMaterial::Secret(secret));
        assert_eq!(shown, "Secret(SecretKey(redacted))");
        assert!(!shown.contains(hex.as_str()) && !shown.contains(DEV_WORDS));
    }
}
