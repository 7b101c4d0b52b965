//! Proofs of presence and absence, and their verification (docs/protocol.md §5.1).
//!
//! Nothing here knows pages or disks: this file and a hash function are all that a light client
//! needs. A proof that is accepted by [`verify`] is the only one of its statement: no field can be
//! changed, added or left out.

use super::bits::{BITS, bit, common};
use super::schedule::{EMPTY, LEAF, NODE};
use super::stage::KEY;
use blocktree_hashing::{Digest, hash, hash_pair};
use blocktree_primitives::{BoundedBytes, BoundedVec, DecodeError, StateRoot, decode_exact};
use parity_scale_codec::{Decode, Encode};

/// The most bytes of a logical key in a proof.
pub const MAX_KEY_BYTES: usize = 1_024;
/// The most bytes of a value in a proof.
pub const MAX_VALUE_BYTES: usize = 65_536;
/// The most siblings of a proof: one for each bit of a path.
pub const MAX_SIBLINGS: usize = BITS;
/// The most bytes of an encoded proof: three lengths (2, 4, 2 bytes), three tags, and the rest.
const MAX_PROOF_BYTES: usize = MAX_KEY_BYTES + MAX_VALUE_BYTES + MAX_SIBLINGS * 33 + 64 + 11;

/// The leaf of another key, which stands where a key would.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct OtherLeaf {
    /// The path of the other key.
    pub path: [u8; 32],
    /// SHA-256 of its value.
    pub value_hash: [u8; 32],
}

/// That a logical key has a value in the state with a certain root, or has none.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Proof {
    /// The logical key.
    pub key: BoundedBytes<MAX_KEY_BYTES>,
    /// Its value; none if it is absent.
    pub value: Option<BoundedBytes<MAX_VALUE_BYTES>>,
    /// The hashes of the subtrees beside the way, from where it ends up to the root; none for
    /// empty ones.
    pub siblings: BoundedVec<Option<[u8; 32]>, MAX_SIBLINGS>,
    /// Where the way of an absent key ends: at another leaf, or (none) at an empty subtree.
    pub other: Option<OtherLeaf>,
}

impl Proof {
    /// Decodes a proof from outside: bounded before anything is decoded, and nothing left over.
    ///
    /// # Errors
    /// [`ProofError::Malformed`].
    pub fn decode_strict(bytes: &[u8]) -> Result<Self, ProofError> {
        Ok(decode_exact(bytes, MAX_PROOF_BYTES)?)
    }
}

/// What a valid proof says of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict<'p> {
    /// The key has this value.
    Present(&'p [u8]),
    /// The key has no value.
    Absent,
}

/// Why a proof proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The bytes are not a proof.
    #[error("not a proof: {0}")]
    Malformed(#[from] DecodeError),
    /// It is about another key than was asked for.
    #[error("the proof is about another key")]
    WrongKey,
    /// It has a value of no bytes, which the state never has.
    #[error("the value is empty")]
    EmptyValue,
    /// It has a value and another key's leaf.
    #[error("both a value and another leaf")]
    ValueAndOther,
    /// The other leaf is the key's own.
    #[error("the other leaf is the key's own")]
    OtherIsSame,
    /// The other leaf does not lie on the key's way.
    #[error("the other leaf does not share the first {walked} bits of the key's path")]
    OtherElsewhere {
        /// The number of siblings.
        walked: usize,
    },
    /// The lowest sibling is empty: then the way would have ended above it.
    #[error("the lowest sibling is empty")]
    LowestEmpty,
    /// A sibling is 32 zero bytes, which has to be marked as empty instead.
    #[error("a sibling is zero instead of empty")]
    ZeroSibling,
    /// It leads to another root.
    #[error("the proof leads to another root")]
    WrongRoot,
}

/// What a proof says of `key` in the state with this root.
///
/// # Errors
/// The first reason why it proves nothing, the cheap ones first.
pub fn verify<'p>(
    root: StateRoot,
    key: &[u8],
    proof: &'p Proof,
) -> Result<Verdict<'p>, ProofError> {
    if *proof.key != *key {
        return Err(ProofError::WrongKey);
    }
    let walked = proof.siblings.len();
    if walked > 0 && proof.siblings.first() == Some(&None) {
        return Err(ProofError::LowestEmpty);
    }
    if proof.siblings.contains(&Some(EMPTY)) {
        return Err(ProofError::ZeroSibling);
    }
    let path = KEY.hash(key);
    let (end, verdict) = match (&proof.value, &proof.other) {
        (Some(_), Some(_)) => return Err(ProofError::ValueAndOther),
        (Some(value), None) if value.is_empty() => return Err(ProofError::EmptyValue),
        (Some(value), None) => (leaf(&path, &hash(value)), Verdict::Present(value)),
        (None, None) => (EMPTY, Verdict::Absent),
        (None, Some(other)) => {
            let shared = common(&path, &other.path);
            if shared == BITS {
                return Err(ProofError::OtherIsSame);
            }
            if shared < walked {
                return Err(ProofError::OtherElsewhere { walked });
            }
            (leaf(&other.path, &other.value_hash), Verdict::Absent)
        }
    };
    let above = proof.siblings.iter().zip((0..walked).rev());
    let found = above.fold(end, |below, (sibling, depth)| {
        let sibling = sibling.unwrap_or(EMPTY);
        if bit(&path, depth) {
            hash_pair(NODE, &sibling, &below)
        } else {
            hash_pair(NODE, &below, &sibling)
        }
    });
    if found == root.0 { Ok(verdict) } else { Err(ProofError::WrongRoot) }
}

fn leaf(path: &Digest, value_hash: &Digest) -> Digest {
    hash_pair(LEAF, path, value_hash)
}
