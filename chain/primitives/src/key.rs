//! secp256k1 keys and BIP-340 Schnorr signatures.

use core::fmt;
use parity_scale_codec::{Decode, Encode, MaxEncodedLen};
use secp256k1::{Keypair, XOnlyPublicKey, schnorr};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// An x-only public key (BIP-340), 32 bytes. Any bytes can be held; only a point of the curve
/// ever verifies a signature.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, MaxEncodedLen)]
pub struct PublicKey(pub [u8; 32]);

/// A BIP-340 signature, 64 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Encode, Decode, MaxEncodedLen)]
pub struct Signature(pub [u8; 64]);

/// Why a signature was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The public key is no point of the curve.
    #[error("the public key is not a point of the curve")]
    BadKey,
    /// The signature is not this key's over this message.
    #[error("the signature does not verify")]
    BadSignature,
}

impl PublicKey {
    /// Checks `signature` over `message`.
    ///
    /// # Errors
    /// See [`SignatureError`].
    pub fn verify(&self, message: &[u8; 32], signature: &Signature) -> Result<(), SignatureError> {
        let key = XOnlyPublicKey::from_byte_array(self.0).map_err(|_| SignatureError::BadKey)?;
        schnorr::verify(&schnorr::Signature::from_byte_array(signature.0), message, &key)
            .map_err(|_| SignatureError::BadSignature)
    }
}

/// A secret key whose public key has even Y, so that the x-only key tells the whole point
/// (docs/protocol.md §2). Erased when dropped, never shown.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SecretKey([u8; 32]);

/// Bytes that are no secret key: zero, or not below the curve's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a secret key: zero or not below the order of the curve")]
pub struct BadSecretKey;

impl SecretKey {
    /// A secret key from its 32 bytes, negated if its public key has odd Y.
    ///
    /// # Errors
    /// When the bytes are zero or not below the curve's order.
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, BadSecretKey> {
        let mut secret =
            secp256k1::SecretKey::from_secret_bytes(bytes).map_err(|_| BadSecretKey)?;
        let (_, parity) = secret.x_only_public_key();
        let mut even = if parity == secp256k1::Parity::Odd { secret.negate() } else { secret };
        let key = Self(even.to_secret_bytes());
        even.non_secure_erase();
        secret.non_secure_erase();
        Ok(key)
    }

    /// The 32 bytes. The caller erases its copy.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    fn keypair(&self) -> Keypair {
        Keypair::from_secret_bytes(self.0).expect("checked when the key was made")
    }

    /// The public key.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        let mut pair = self.keypair();
        let (key, _) = pair.x_only_public_key();
        pair.non_secure_erase();
        PublicKey(key.to_byte_array())
    }

    /// Signs a 32-byte digest. Deterministic: no auxiliary randomness, so that the pure crates
    /// need no entropy.
    #[must_use]
    pub fn sign(&self, digest: &[u8; 32]) -> Signature {
        let mut pair = self.keypair();
        let signature = schnorr::sign_no_aux_rand(digest, &pair);
        pair.non_secure_erase();
        Signature(signature.to_byte_array())
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(redacted)")
    }
}

macro_rules! shown_as_hex {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write!(f, "{self}") }
        }
    )*};
}
shown_as_hex!(PublicKey, Signature);

#[cfg(test)]
mod tests {
    use super::*;

    /// BIP-340's own vectors (tests/vectors/bip340), those with 32-byte messages.
    #[test]
    fn bip340_vectors() {
        let rows = include_str!("../../../tests/vectors/bip340/test-vectors.csv");
        let mut seen = (0, 0);
        for row in rows.lines().skip(1) {
            let fields: Vec<&str> = row.split(',').collect();
            let Ok(message) = <[u8; 32]>::try_from(hex::decode(fields[4]).unwrap()) else {
                continue;
            };
            let key = PublicKey(hex::decode(fields[2]).unwrap().try_into().unwrap());
            let signature = Signature(hex::decode(fields[5]).unwrap().try_into().unwrap());
            let valid = key.verify(&message, &signature).is_ok();
            assert_eq!(valid, fields[6] == "TRUE", "vector {}", fields[0]);
            if valid {
                seen.0 += 1
            } else {
                seen.1 += 1
            }
            if !fields[1].is_empty() {
                let secret =
                    SecretKey::from_bytes(hex::decode(fields[1]).unwrap().try_into().unwrap());
                assert_eq!(secret.unwrap().public_key(), key, "vector {}", fields[0]);
            }
        }
        assert_eq!(seen, (5, 10), "vectors 0-4 pass, 5-14 fail");
    }

    #[test]
    fn secret_keys_are_even_and_never_shown() {
        for byte in 1..20 {
            let secret = SecretKey::from_bytes([byte; 32]).unwrap();
            let normal = secp256k1::SecretKey::from_secret_bytes(*secret.expose()).unwrap();
            assert_eq!(normal.x_only_public_key().1, secp256k1::Parity::Even);
            assert!(secret.public_key().verify(&[7; 32], &secret.sign(&[7; 32])).is_ok());
            assert_eq!(format!("{secret:?}"), "SecretKey(redacted)");
        }
        assert!(SecretKey::from_bytes([0; 32]).is_err());
        assert!(SecretKey::from_bytes([0xff; 32]).is_err());
    }
}
