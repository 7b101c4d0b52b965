//! What can be asked of storage.

// The derived codec casts the explicit index.
#![allow(clippy::cast_possible_truncation)]

use blocktree_primitives::{
    Amount, BlockPath, BoundedBytes, BoundedVec, ContentHash, FragmentRoot, Height, OfferId,
    PlacementId, PublicKey, Signature, Span,
};
use parity_scale_codec::{Decode, Encode};

/// Fragments of one tree block at most, and so live placements of one offer.
pub const MAX_FRAGMENTS: usize = 256;
/// Claims of one payout at most.
pub const MAX_CLAIMS: usize = 64;
/// Bytes of a raw leaf at most.
pub const MAX_LEAF_LEN: usize = blocktree_fragments::LEAF_SIZE;
/// Siblings of a leaf's path at most: enough for 2^32 leaves, 2^40 bytes.
pub const MAX_SIBLINGS: usize = 32;
/// Bytes of a fragment at most: 2^40, so that every path has at most [`MAX_SIBLINGS`].
pub const MAX_FRAGMENT_SIZE: u64 = 1 << 40;
/// Bytes of a codec's own parameters at most.
pub const MAX_CODE_PARAMS: usize = 64;

/// Calls of storage, index 2 of the runtime's (docs/protocol.md §8).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Call {
    /// A provider's standing terms and its locked pot (docs/protocol.md §8.1). Again: replaces
    /// the terms, may only raise the pot, does not clear a withdrawal.
    #[codec(index = 0)]
    Announce {
        /// Bytes that the provider has room for. Advisory.
        capacity: u64,
        /// The least payment per fragment and period at which `place` counts.
        min_payment: Amount,
        /// What the pot is to hold, unused, after this call; collateral comes out of it.
        pot: Amount,
    },
    /// The first sets when the pot matures, the second from then on frees the unused pot.
    #[codec(index = 1)]
    Withdraw,
    /// Asks for storage and locks everything that it can cost (B45).
    #[codec(index = 2)]
    Offer(NewOffer),
    /// Puts accepted fragments on the ledger (B46). By the owner.
    #[codec(index = 3)]
    Place {
        /// The offer.
        offer: OfferId,
        /// The providers' words, 1 to 256, by rising fragment id.
        acceptances: BoundedVec<SignedAcceptance, MAX_FRAGMENTS>,
    },
    /// Has the next block draw the placement. By its owner or its provider (B60).
    #[codec(index = 4)]
    Demand {
        /// The placement.
        placement: PlacementId,
    },
    /// Answers challenges and collects payments. By anyone, always to the placements'
    /// providers (B47).
    #[codec(index = 5)]
    Payout {
        /// 1 to 64 claims, no two for one placement.
        claims: BoundedVec<Claim, MAX_CLAIMS>,
    },
    /// Moves a placement's end. By the owner, with the provider's signature.
    #[codec(index = 6)]
    Extend(SignedExtension),
    /// Ends a placement before its end, for part of the collateral. By the provider.
    #[codec(index = 7)]
    Exit {
        /// The placement.
        placement: PlacementId,
    },
    /// Settles a matured placement. By the provider; after the grace by anyone.
    #[codec(index = 8)]
    Close {
        /// The placement.
        placement: PlacementId,
    },
    /// Takes back an offer's reserve. By the owner; once the offer has expired by anyone.
    #[codec(index = 9)]
    Cancel {
        /// The offer.
        offer: OfferId,
    },
}

/// What is offered (docs/protocol.md §8.2). The offer's id is the id of the event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct NewOffer {
    /// By which right the signer disposes of the path.
    pub authority: Authority,
    /// Where the tree block is.
    pub path: BlockPath,
    /// Above the version of every live offer of the path.
    pub version: u64,
    /// How the tree block becomes fragments.
    pub code: Code,
    /// Over the tree block's header and encrypted payload (docs/protocol.md §9).
    pub content_hash: ContentHash,
    /// What each fragment's provider gets and stakes.
    pub terms: Terms,
    /// The last block in which fragments may be placed.
    pub expires_at: Height,
}

/// By which right an offer disposes of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Authority {
    /// The signer is the path's root principal. Writecaps will be another.
    #[codec(index = 0)]
    Root,
}

/// The erasure code of a tree block.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Code {
    /// Which code.
    pub codec: Codec,
    /// Fragments that are enough to decode, at least 1.
    pub k: u16,
    /// Fragments that are kept at a time, `k` to 256.
    pub n: u16,
    /// Bytes of each fragment as stored, header included: 1 to 2^40.
    pub fragment_size: u64,
    /// The codec's own parameters; the ledger does not read them.
    pub params: BoundedBytes<MAX_CODE_PARAMS>,
}

/// Erasure codes (B58, L26).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Codec {
    /// RaptorQ.
    #[codec(index = 0)]
    RaptorQ,
    /// Reed-Solomon over GF(2^16).
    #[codec(index = 1)]
    ReedSolomon,
}

/// What each fragment's provider gets and stakes; every number at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Terms {
    /// Per fragment and period, at most the chain's cap.
    pub payment: Amount,
    /// Blocks from payment to payment, at least the chain's target interval.
    pub period: Span,
    /// How many payments.
    pub payments: u32,
    /// What the provider loses if it fails, at most the chain's cap.
    pub collateral: Amount,
}

/// A provider's word to store a fragment, as it travels: the offer stands in the call.
/// What is signed is [`Acceptance`](crate::Acceptance).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SignedAcceptance {
    /// The provider's key.
    pub provider_key: PublicKey,
    /// The fragment's number in the erasure code (B46).
    pub fragment_id: u32,
    /// The fragment's Merkle root.
    pub root: FragmentRoot,
    /// Bytes of the fragment; the offer's `fragment_size`.
    pub size: u64,
    /// The last block in which it may be placed.
    pub valid_until: Height,
    /// The provider's signature.
    pub signature: Signature,
}

/// A provider's word to store longer, as it travels; it says all that is signed
/// ([`Extension`](crate::Extension)).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SignedExtension {
    /// The placement.
    pub placement: PlacementId,
    /// Its end so far.
    pub old_end: Height,
    /// Its new end, a multiple of its period later.
    pub new_end: Height,
    /// The provider's key.
    pub provider_key: PublicKey,
    /// The provider's signature.
    pub signature: Signature,
}

/// A claim to payment for one placement.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Claim {
    /// The placement.
    pub placement: PlacementId,
    /// Why it is to be paid.
    pub evidence: Evidence,
}

/// Why a placement is to be paid (docs/protocol.md §8.6).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Evidence {
    /// Answers the pending challenge with exactly its leaf.
    #[codec(index = 0)]
    Proof {
        /// The raw bytes of the leaf.
        leaf: BoundedBytes<MAX_LEAF_LEN>,
        /// The path from the leaf up to the placement's root.
        siblings: BoundedVec<[u8; 32], MAX_SIBLINGS>,
    },
    /// The owner is content through a height (B47). What is signed is
    /// [`Receipt`](crate::Receipt).
    #[codec(index = 1)]
    Receipt {
        /// The owner's key.
        owner_key: PublicKey,
        /// The height through which the owner is content.
        through: Height,
        /// The owner's signature.
        signature: Signature,
    },
}
