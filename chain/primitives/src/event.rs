//! Events: the ledger's signed entries (B40).

use crate::key::SignatureError;
use crate::{Amount, BlockHash, EventId, Height, Principal, PublicKey, SecretKey, Signature, tags};
use parity_scale_codec::{Decode, Encode};

/// A signed entry of the ledger. SCALE: the fields in order; fixed-width integers.
///
/// Generic over the call, because which calls there are is the runtime's matter.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Event<C> {
    /// Who signs, pays the fee and is the call's author.
    pub signer: PublicKey,
    /// Strictly sequential per signer, from 0.
    pub nonce: u64,
    /// To the miner (B42).
    pub fee: Amount,
    /// The last block that may hold the event.
    pub valid_until: Option<Height>,
    /// What the event does.
    pub call: C,
    /// The signer's, over the event's id.
    pub signature: Signature,
}

impl<C: Encode> Event<C> {
    /// An event signed by `secret` for the chain that begins with `genesis`.
    #[must_use]
    pub fn signed(
        secret: &SecretKey,
        genesis: &BlockHash,
        nonce: u64,
        fee: Amount,
        valid_until: Option<Height>,
        call: C,
    ) -> Self {
        let signer = secret.public_key();
        let mut event =
            Self { signer, nonce, fee, valid_until, call, signature: Signature([0; 64]) };
        event.signature = secret.sign(&event.id(genesis).0);
        event
    }

    /// `tagged("blocktree/event", genesis hash || SCALE of all but the signature)`: the event's
    /// identity and what its signer signs.
    #[must_use]
    pub fn id(&self, genesis: &BlockHash) -> EventId {
        Self::id_of_encoded(&self.encode(), genesis)
    }

    /// The id of an event from its encoding, so that bytes at hand are not encoded again.
    #[must_use]
    pub fn id_of_encoded(encoded: &[u8], genesis: &BlockHash) -> EventId {
        let unsigned = encoded.len().saturating_sub(64);
        EventId(tags::EVENT.hash(&[&genesis.0, &encoded[..unsigned]]))
    }

    /// The principal of the signer.
    #[must_use]
    pub fn author(&self) -> Principal {
        Principal::of(&self.signer)
    }

    /// Checks the signature alone, given the event's id.
    ///
    /// # Errors
    /// See [`SignatureError`].
    pub fn verify(&self, id: &EventId) -> Result<(), SignatureError> {
        self.signer.verify(&id.0, &self.signature)
    }
}
