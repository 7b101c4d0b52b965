//! Sealing: what one provider stores of a fragment agrees with no other's bytes
//! (docs/protocol.md §9.5; L11, L17, L18).
//!
//! The seal is ChaCha20 under a key for one block, version, fragment and provider. Whoever
//! lacks the block key cannot make one provider's bytes from another's, so each has to
//! keep its own. It hides nothing that is not encrypted already, and authenticates
//! nothing: the fragment's root does.

use blocktree_primitives::{BlockPath, Principal};
use chacha20::ChaCha20;
use chacha20::cipher::{KeyIvInit, StreamCipher};
use hkdf::Hkdf;
use parity_scale_codec::Encode;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::code::FragmentId;
use crate::key::SealSecret;

/// HKDF's salt.
const SALT: &[u8] = b"blocktree/seal";

/// The key stream over the body of one fragment, from its first byte on.
pub(crate) struct Seal(ChaCha20);

impl Seal {
    pub(crate) fn new(
        secret: &SealSecret,
        path: &BlockPath,
        version: u64,
        id: FragmentId,
        provider: &Principal,
    ) -> Self {
        let mut key = Zeroizing::new([0; 32]);
        let info: [&[u8]; 4] =
            [&path.encode(), &version.to_le_bytes(), &id.0.to_le_bytes(), &provider.0];
        Hkdf::<Sha256>::new(Some(SALT), &secret.0)
            .expand_multi_info(&info, key.as_mut_slice())
            .expect("one hash of output, below HKDF's limit of 255");
        Self::with_key(&key)
    }

    fn with_key(key: &[u8; 32]) -> Self {
        Self(ChaCha20::new(key.into(), &[0; 12].into()))
    }

    /// Seals or unseals what comes next.
    pub(crate) fn apply(&mut self, bytes: &mut [u8]) {
        // A body has at most 512 MiB and a bit, the key stream 256 GiB.
        self.0.apply_keystream(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8439, appendix A.1, test vectors 1 and 2: key and nonce of zeros, blocks 0 and 1.
    #[test]
    fn rfc8439_key_stream() {
        let mut bytes = [0; 128];
        let mut seal = Seal::with_key(&[0; 32]);
        let (first, second) = bytes.split_at_mut(50);
        seal.apply(first);
        seal.apply(second);
        let expected = "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7\
                        da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586\
                        9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed\
                        29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f";
        assert_eq!(hex::encode(bytes), expected);
    }

    #[test]
    fn every_input_makes_another_seal() {
        let stream = |secret: u8, root: u8, version, id, provider: u8| {
            let path = BlockPath::new(Principal([root; 32]), Vec::new()).unwrap();
            let secret = SealSecret([secret; 32]);
            let mut bytes = [0; 32];
            let provider = Principal([provider; 32]);
            Seal::new(&secret, &path, version, FragmentId(id), &provider).apply(&mut bytes);
            bytes
        };
        let all = [
            stream(1, 1, 1, 1, 1),
            stream(2, 1, 1, 1, 1),
            stream(1, 2, 1, 1, 1),
            stream(1, 1, 2, 1, 1),
            stream(1, 1, 1, 2, 1),
            stream(1, 1, 1, 1, 2),
        ];
        for (i, one) in all.iter().enumerate() {
            assert!(all[..i].iter().all(|other| other != one));
        }
    }
}
