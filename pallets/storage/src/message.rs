//! What providers and owners sign outside of events. Every digest has a tag of its own and
//! begins with the genesis hash, so that no signature counts for another message or on another
//! chain (docs/protocol.md §2, §8).

use crate::call::{Evidence, SignedAcceptance, SignedExtension};
use blocktree_primitives::hash::Tag;
use blocktree_primitives::{
    BlockHash, FragmentRoot, Height, OfferId, PlacementId, Principal, SecretKey, tags,
};
use parity_scale_codec::{Decode, Encode};

/// A provider's word to store a fragment of an offer. SCALE: the fields in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Acceptance {
    /// The offer, and with it all terms.
    pub offer: OfferId,
    /// The fragment's number in the erasure code.
    pub fragment_id: u32,
    /// Who accepts.
    pub provider: Principal,
    /// The fragment's Merkle root.
    pub root: FragmentRoot,
    /// Bytes of the fragment.
    pub size: u64,
    /// The last block in which it may be placed.
    pub valid_until: Height,
}

/// An owner's word that a placement may be paid through a height. SCALE: the fields in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Receipt {
    /// The placement.
    pub placement: PlacementId,
    /// The height through which the owner is content.
    pub through: Height,
}

/// A provider's word to store a placement until a new end. SCALE: the fields in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Extension {
    /// The placement.
    pub placement: PlacementId,
    /// Its end so far.
    pub old_end: Height,
    /// Its new end.
    pub new_end: Height,
}

/// `tagged(tag, genesis hash || SCALE(message))`.
fn digest(tag: &Tag, genesis: &BlockHash, message: &impl Encode) -> [u8; 32] {
    tag.hash(&[&genesis.0, &message.encode()])
}

impl Acceptance {
    /// What the provider signs: `tagged("blocktree/acceptance", genesis hash || SCALE(self))`.
    #[must_use]
    pub fn digest(&self, genesis: &BlockHash) -> [u8; 32] {
        digest(&tags::ACCEPTANCE, genesis, self)
    }

    /// The acceptance that `signed` stands for in a `place` on `offer`.
    #[must_use]
    pub fn of(offer: OfferId, signed: &SignedAcceptance) -> Self {
        Self {
            offer,
            fragment_id: signed.fragment_id,
            provider: Principal::of(&signed.provider_key),
            root: signed.root,
            size: signed.size,
            valid_until: signed.valid_until,
        }
    }

    /// Accepts with the key of the provider; [`Acceptance::provider`] is set to its principal.
    #[must_use]
    pub fn sign(mut self, genesis: &BlockHash, provider: &SecretKey) -> SignedAcceptance {
        let provider_key = provider.public_key();
        self.provider = Principal::of(&provider_key);
        SignedAcceptance {
            provider_key,
            fragment_id: self.fragment_id,
            root: self.root,
            size: self.size,
            valid_until: self.valid_until,
            signature: provider.sign(&self.digest(genesis)),
        }
    }
}

impl Receipt {
    /// What the owner signs: `tagged("blocktree/receipt", genesis hash || SCALE(self))`.
    #[must_use]
    pub fn digest(&self, genesis: &BlockHash) -> [u8; 32] {
        digest(&tags::RECEIPT, genesis, self)
    }

    /// Evidence for a payout, signed with the key of the owner.
    #[must_use]
    pub fn sign(&self, genesis: &BlockHash, owner: &SecretKey) -> Evidence {
        Evidence::Receipt {
            owner_key: owner.public_key(),
            through: self.through,
            signature: owner.sign(&self.digest(genesis)),
        }
    }
}

impl Extension {
    /// What the provider signs: `tagged("blocktree/extension", genesis hash || SCALE(self))`.
    #[must_use]
    pub fn digest(&self, genesis: &BlockHash) -> [u8; 32] {
        digest(&tags::EXTENSION, genesis, self)
    }

    /// The extension that `signed` stands for.
    #[must_use]
    pub fn of(signed: &SignedExtension) -> Self {
        Self { placement: signed.placement, old_end: signed.old_end, new_end: signed.new_end }
    }

    /// Extends with the key of the provider.
    #[must_use]
    pub fn sign(&self, genesis: &BlockHash, provider: &SecretKey) -> SignedExtension {
        SignedExtension {
            placement: self.placement,
            old_end: self.old_end,
            new_end: self.new_end,
            provider_key: provider.public_key(),
            signature: provider.sign(&self.digest(genesis)),
        }
    }
}

/// Placement id = `tagged("blocktree/placement", offer id || fragment id as u32 LE)`.
#[must_use]
pub fn placement_id(offer: &OfferId, fragment_id: u32) -> PlacementId {
    PlacementId(tags::PLACEMENT.hash(&[&offer.0, &fragment_id.to_le_bytes()]))
}
