//! Keys of blocks: the random one that encrypts a payload, what readers need to get it
//! (docs/protocol.md §9.2), and the secret that fragments are sealed under (§9.5).

use blocktree_primitives::{BlockPath, ContentHash, Principal, PublicKey, SecretKey};
use chacha20poly1305::aead::inout::InOutBuf;
use chacha20poly1305::{AeadInOut, KeyInit, Tag, XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use parity_scale_codec::{Decode, Encode, MaxEncodedLen};
use sha2::Sha256;
use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// HKDF's salt where a block key is wrapped.
const READCAP_SALT: &[u8] = b"blocktree/readcap";

/// Below HKDF's limit of 255 hashes, all of them.
const SHORT: &str = "a few dozen bytes of output";

/// The key of one version of one tree block (B5). Erased when dropped, never shown.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct BlockKey([u8; 32]);

impl BlockKey {
    /// A key from 32 random bytes, which the caller draws.
    #[must_use]
    pub const fn new(random: [u8; 32]) -> Self {
        Self(random)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl core::fmt::Debug for BlockKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("BlockKey(redacted)")
    }
}

/// Why a block key could not be wrapped or unwrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ReadcapError {
    /// The reader's public key is no point of the curve.
    #[error("the reader's public key is not a point of the curve")]
    BadReader,
    /// The ephemeral key is none: zero, not below the curve's order, or no point. Random
    /// bytes are so once in 2^127 times.
    #[error("the ephemeral key is not a key")]
    BadEphemeral,
    /// For another principal.
    #[error("a readcap of another principal")]
    OtherReader,
    /// Changed, or of another block.
    #[error("the readcap does not open: it was changed, or is of another block")]
    NotAuthentic,
}

/// A block key for one reader (B6): ECIES over secp256k1.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen)]
pub struct Readcap {
    /// Who can unwrap it.
    pub reader: Principal,
    /// The x-only public key of a key pair that is used once.
    pub ephemeral: [u8; 32],
    /// The block key, encrypted, and the tag.
    pub wrapped: [u8; 48],
}

impl Readcap {
    /// Wraps `key`, of `version` of the block at `path`, for the reader with the public key
    /// `reader`. `ephemeral` are 32 random bytes that are used once.
    ///
    /// # Errors
    ///
    /// [`ReadcapError::BadReader`], [`ReadcapError::BadEphemeral`].
    pub fn wrap(
        key: &BlockKey,
        reader: &PublicKey,
        path: &BlockPath,
        version: u64,
        ephemeral: &[u8; 32],
    ) -> Result<Self, ReadcapError> {
        let secret = SecretKey::from_bytes(*ephemeral).map_err(|_| ReadcapError::BadEphemeral)?;
        let public = secret.public_key();
        let shared = shared_x(&secret, &reader.0).ok_or(ReadcapError::BadReader)?;
        let (cipher, nonce) = wrapping(&shared, &public.0, reader, path, version);
        let mut wrapped = [0; 48];
        let (text, end) = wrapped.split_at_mut(32);
        text.copy_from_slice(&key.0);
        let tag = cipher
            .encrypt_inout_detached(&nonce, b"", InOutBuf::from(text))
            .expect("32 bytes are far below the cipher's limit of 256 GiB");
        end.copy_from_slice(&tag);
        Ok(Self { reader: Principal::of(reader), ephemeral: public.0, wrapped })
    }

    /// The block key, with the reader's secret key.
    ///
    /// # Errors
    ///
    /// See [`ReadcapError`].
    pub fn unwrap_key(
        &self,
        reader: &SecretKey,
        path: &BlockPath,
        version: u64,
    ) -> Result<BlockKey, ReadcapError> {
        let public = reader.public_key();
        if Principal::of(&public) != self.reader {
            return Err(ReadcapError::OtherReader);
        }
        let shared = shared_x(reader, &self.ephemeral).ok_or(ReadcapError::BadEphemeral)?;
        let (cipher, nonce) = wrapping(&shared, &self.ephemeral, &public, path, version);
        let (text, tag) =
            self.wrapped.split_first_chunk::<32>().ok_or(ReadcapError::NotAuthentic)?;
        let tag = Tag::try_from(tag).map_err(|_| ReadcapError::NotAuthentic)?;
        let mut key = BlockKey(*text);
        cipher
            .decrypt_inout_detached(&nonce, b"", InOutBuf::from(key.0.as_mut_slice()), &tag)
            .map_err(|_| ReadcapError::NotAuthentic)?;
        Ok(key)
    }
}

/// The x coordinate of `secret` times the point of `public`, which is the same whichever
/// of the two points of that x is taken. None: `public` is no x of the curve.
pub(crate) fn shared_x(secret: &SecretKey, public: &[u8; 32]) -> Option<Zeroizing<[u8; 32]>> {
    let public = secp256k1::XOnlyPublicKey::from_byte_array(*public).ok()?;
    let point = public.public_key(secp256k1::Parity::Even);
    let mut scalar = secp256k1::SecretKey::from_secret_bytes(*secret.expose()).ok()?;
    let xy = Zeroizing::new(secp256k1::ecdh::shared_secret_point(&point, &scalar));
    scalar.non_secure_erase();
    xy.first_chunk::<32>().copied().map(Zeroizing::new)
}

/// Cipher and nonce of a readcap. The nonce may follow from the secret: each is used once.
fn wrapping(
    shared: &[u8; 32],
    ephemeral: &[u8; 32],
    reader: &PublicKey,
    path: &BlockPath,
    version: u64,
) -> (XChaCha20Poly1305, XNonce) {
    let mut output = Zeroizing::new([0; 56]);
    let info: [&[u8]; 4] = [ephemeral, &reader.0, &path.encode(), &version.to_le_bytes()];
    Hkdf::<Sha256>::new(Some(READCAP_SALT), shared)
        .expand_multi_info(&info, output.as_mut_slice())
        .expect(SHORT);
    let (key, nonce) = output.split_at(32);
    let cipher = XChaCha20Poly1305::new_from_slice(key).expect("32 of 56 bytes");
    (cipher, XNonce::try_from(nonce).expect("24 of 56 bytes"))
}

/// What the fragments of a block are sealed under: the block key, or for a public block
/// its content hash, which is no secret. Erased when dropped, never shown.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SealSecret(pub(crate) [u8; 32]);

impl SealSecret {
    /// Of an encrypted block.
    #[must_use]
    pub const fn of_key(key: &BlockKey) -> Self {
        Self(key.0)
    }

    /// Of a public block: everybody can compute it.
    #[must_use]
    pub const fn of_public(content: ContentHash) -> Self {
        Self(content.0)
    }
}

impl core::fmt::Debug for SealSecret {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("SealSecret(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes<const N: usize>(hex: &str) -> [u8; N] {
        hex::decode(hex).unwrap().try_into().unwrap()
    }

    /// Project Wycheproof, testvectors_v1/ecdh_secp256k1_test.json: tcId 1 "normal case", and
    /// tcId 3 and 4, where the shared x is 1 and 2. The points' x alone: the shared x is the
    /// same for both signs.
    #[test]
    fn wycheproof_ecdh() {
        let cases = [
            (
                "f4b7ff7cccc98813a69fae3df222bfe3f4e28f764bf91b4a10d8096ce446b254",
                "d8096af8a11e0b80037e1ee68246b5dcbb0aeb1cf1244fd767db80f3fa27da2b",
                "544dfae22af6af939042b1d85b71a1e49e9a5614123c4d6ad0c8af65baf87d65",
            ),
            (
                "a2b6442a37f8a3764aeff4011a4c422b389a1e509669c43f279c8b7e32d80c3a",
                "965ff42d654e058ee7317cced7caf093fbb180d8d3a74b0dcd9d8cd47a39d5cb",
                "0000000000000000000000000000000000000000000000000000000000000001",
            ),
            (
                "a2b6442a37f8a3764aeff4011a4c422b389a1e509669c43f279c8b7e32d80c3a",
                "06c4b87ba76c6dcb101f54a050a086aa2cb0722f03137df5a922472f1bdc11b9",
                "0000000000000000000000000000000000000000000000000000000000000002",
            ),
        ];
        for (secret, public, shared) in cases {
            let secret = SecretKey::from_bytes(bytes(secret)).unwrap();
            assert_eq!(*shared_x(&secret, &bytes(public)).unwrap(), bytes(shared));
        }
        // The field's prime, 2^256 - 2^32 - 977, is no coordinate.
        let prime = "fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f";
        let secret = SecretKey::from_bytes([1; 32]).unwrap();
        assert!(shared_x(&secret, &bytes(prime)).is_none());
    }

    /// RFC 5869, test case 1.
    #[test]
    fn rfc5869_hkdf() {
        let salt: [u8; 13] = bytes("000102030405060708090a0b0c");
        let mut output = [0; 42];
        Hkdf::<Sha256>::new(Some(&salt), &[0x0b; 22])
            .expand_multi_info(&[&bytes::<4>("f0f1f2f3"), &bytes::<6>("f4f5f6f7f8f9")], &mut output)
            .unwrap();
        let expected = "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf\
                        34007208d5b887185865";
        assert_eq!(hex::encode(output), expected);
    }

    fn place() -> (SecretKey, BlockPath) {
        let reader = SecretKey::from_bytes([7; 32]).unwrap();
        let root = Principal::of(&reader.public_key());
        (reader, BlockPath::new(root, Vec::new()).unwrap())
    }

    #[test]
    fn a_wrapped_key_opens_for_its_reader_alone() {
        let (reader, path) = place();
        let key = BlockKey::new([0x42; 32]);
        let cap = Readcap::wrap(&key, &reader.public_key(), &path, 3, &[9; 32]).unwrap();
        assert_eq!(cap.unwrap_key(&reader, &path, 3), Ok(key));
        // Another version, another reader, another reader who says to be this one.
        assert_eq!(cap.unwrap_key(&reader, &path, 4), Err(ReadcapError::NotAuthentic));
        let other = SecretKey::from_bytes([8; 32]).unwrap();
        assert_eq!(cap.unwrap_key(&other, &path, 3), Err(ReadcapError::OtherReader));
        let posing = Readcap { reader: Principal::of(&other.public_key()), ..cap.clone() };
        assert_eq!(posing.unwrap_key(&other, &path, 3), Err(ReadcapError::NotAuthentic));
        for byte in 0..48 {
            for bit in 0..8 {
                let mut cap = cap.clone();
                cap.wrapped[byte] ^= 1 << bit;
                assert_eq!(cap.unwrap_key(&reader, &path, 3), Err(ReadcapError::NotAuthentic));
            }
        }
        let ephemeral = Readcap { ephemeral: [0xff; 32], ..cap };
        assert_eq!(ephemeral.unwrap_key(&reader, &path, 3), Err(ReadcapError::BadEphemeral));
    }

    #[test]
    fn keys_that_are_none_are_refused() {
        let (reader, path) = place();
        let key = BlockKey::new([0x42; 32]);
        let wrap = |reader: &PublicKey, ephemeral| {
            Readcap::wrap(&key, reader, &path, 0, ephemeral).map(|_| ())
        };
        assert_eq!(wrap(&reader.public_key(), &[0; 32]), Err(ReadcapError::BadEphemeral));
        assert_eq!(wrap(&reader.public_key(), &[0xff; 32]), Err(ReadcapError::BadEphemeral));
        assert_eq!(wrap(&PublicKey([0xff; 32]), &[9; 32]), Err(ReadcapError::BadReader));
    }

    #[test]
    fn secrets_are_never_shown() {
        let key = BlockKey::new([0x42; 32]);
        assert_eq!(format!("{key:?}"), "BlockKey(redacted)");
        assert_eq!(format!("{:?}", SealSecret::of_key(&key)), "SealSecret(redacted)");
    }
}
