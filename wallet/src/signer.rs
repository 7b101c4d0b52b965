//! Signing events and other digests.

use crate::entropy;
use blocktree_primitives::{
    Amount, BlockHash, Event, Height, Principal, PublicKey, SecretKey, Signature,
};
use core::fmt;
use parity_scale_codec::Encode;
use secp256k1::{Keypair, schnorr};

/// A secret key that signs. The key is erased when this is dropped, never shown by `Debug`.
///
/// BIP-340 recommends fresh auxiliary randomness for each signature, against leaks through side channels
/// and faults; [`SecretKey::sign`] of the pure crates has none. Where the operating system gives none either, zeros
/// stand in, which BIP-340 allows: a signature is as valid and as safe from those who only see it.
pub struct Signer {
    secret: SecretKey,
    public_key: PublicKey,
}

impl Signer {
    /// A signer with this key.
    #[must_use]
    pub fn new(secret: SecretKey) -> Self {
        let public_key = secret.public_key();
        Self { secret, public_key }
    }

    /// The public key of every signature.
    #[must_use]
    pub const fn public_key(&self) -> PublicKey {
        self.public_key
    }

    /// The principal that signs.
    #[must_use]
    pub fn principal(&self) -> Principal {
        Principal::of(&self.public_key)
    }

    /// The event with these fields, signed for the chain that begins with `genesis`
    /// (docs/protocol.md §4).
    #[must_use]
    pub fn sign_event<C: Encode>(
        &self,
        genesis: &BlockHash,
        nonce: u64,
        fee: Amount,
        valid_until: Option<Height>,
        call: C,
    ) -> Event<C> {
        let mut event = Event {
            signer: self.public_key,
            nonce,
            fee,
            valid_until,
            call,
            signature: Signature([0; 64]),
        };
        event.signature = self.sign_digest(&event.id(genesis).0);
        event
    }

    /// A BIP-340 signature over a 32-byte digest, which must be a tagged hash that contains the genesis
    /// hash (docs/protocol.md §2): a bare digest would mean something else elsewhere.
    #[must_use]
    pub fn sign_digest(&self, digest: &[u8; 32]) -> Signature {
        let aux = entropy::random::<32>().unwrap_or_default();
        self.sign_with(digest, &aux)
    }

    fn sign_with(&self, digest: &[u8; 32], aux: &[u8; 32]) -> Signature {
        let mut pair = Keypair::from_secret_bytes(*self.secret.expose())
            .expect("a SecretKey was checked when it was made");
        let signature = schnorr::sign_with_aux_rand(digest, &pair, aux);
        pair.non_secure_erase();
        Signature(signature.to_byte_array())
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("public_key", &self.public_key).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dev::DevKeys;

    fn signer() -> Signer {
        Signer::new(DevKeys::new(1).secret(0).unwrap())
    }

    /// BIP-340's own signatures with their auxiliary randomness (tests/vectors/bip340).
    #[test]
    fn bip340_vectors() {
        let rows = include_str!("../../tests/vectors/bip340/test-vectors.csv");
        let mut checked = 0;
        for row in rows.lines().skip(1) {
            let fields: Vec<&str> = row.split(',').collect();
            let bytes = |i: usize| <[u8; 32]>::try_from(hex::decode(fields[i]).unwrap());
            let (Ok(secret), Ok(aux), Ok(digest)) = (bytes(1), bytes(3), bytes(4)) else {
                continue;
            };
            let signer = Signer::new(SecretKey::from_bytes(secret).unwrap());
            let signature = signer.sign_with(&digest, &aux).to_string();
            assert_eq!(signature, fields[5].to_lowercase(), "vector {}", fields[0]);
            checked += 1;
        }
        assert_eq!(checked, 4, "vectors 0 to 3 sign 32-byte messages");
    }

    #[test]
    fn events_are_the_ones_the_ledger_checks() {
        let (signer, genesis) = (signer(), BlockHash([7; 32]));
        let fee = Amount::from_units(5);
        let call = (3u8, 4u64);
        let event = signer.sign_event(&genesis, 9, fee, Some(Height(11)), call);
        assert_eq!((event.nonce, event.fee, event.call), (9, fee, call));
        assert_eq!(event.valid_until, Some(Height(11)));
        assert_eq!(event.author(), signer.principal());
        assert_eq!(event.verify(&event.id(&genesis)), Ok(()));
        let other_chain = event.id(&BlockHash([8; 32]));
        assert!(event.verify(&other_chain).is_err());
        // The id is that of the same event by another way of signing.
        let plain = Event::signed(&signer.secret, &genesis, 9, fee, Some(Height(11)), call);
        assert_eq!(event.id(&genesis), plain.id(&genesis));
    }

    #[test]
    fn signatures_take_fresh_randomness() {
        let signer = signer();
        let (one, two) = (signer.sign_digest(&[1; 32]), signer.sign_digest(&[1; 32]));
        assert_ne!(one, two);
        for signature in [one, two] {
            assert_eq!(signer.public_key().verify(&[1; 32], &signature), Ok(()));
            assert!(signer.public_key().verify(&[2; 32], &signature).is_err());
        }
    }

    #[test]
    fn a_signer_shows_no_secret() {
        let signer = signer();
        let shown = format!("{signer:?}");
        assert_eq!(shown, format!("Signer {{ public_key: {}, .. }}", signer.public_key()));
        assert!(!shown.contains(&hex::encode(signer.secret.expose())));
    }
}
