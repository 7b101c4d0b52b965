//! The 80-byte header, Bitcoin's bit for bit, and what it commits to (docs/protocol.md §3).

use crate::hash::sha256d;
use crate::{BlockHash, CommitmentHash, EventRoot, Height, HistoryRoot, Principal, StateRoot};
use parity_scale_codec::{Decode, Encode, MaxEncodedLen};

/// The proof-of-work header. SCALE: 80 bytes, little-endian, the very bytes that are hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen)]
pub struct Header {
    /// Any value: miners roll it (BIP 320).
    pub version: u32,
    /// Hash of the block before; of genesis, the identity of the chain's rules.
    pub parent: BlockHash,
    /// `SHA256d(SCALE(Commitment))`.
    pub commitment: CommitmentHash,
    /// Seconds since 1970, by the miner's clock.
    pub time: u32,
    /// The target in Bitcoin's compact form.
    pub bits: u32,
    /// What miners search.
    pub nonce: u32,
}

/// Bytes of a header.
pub const HEADER_LEN: usize = 80;
/// Bytes of an encoded commitment.
pub const COMMITMENT_LEN: usize = 144;

/// What a header stands for. SCALE: 144 bytes, fixed width, `extra_nonce` last, so that a
/// Stratum job can vary it behind a constant prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen)]
pub struct Commitment {
    /// The block's height.
    pub height: Height,
    /// Who gets the reward.
    pub miner: Principal,
    /// RFC 6962 root over the encoded events.
    pub event_root: EventRoot,
    /// Root of the global state after this block.
    pub state_root: StateRoot,
    /// Root of the mountain range over headers 0 to height − 1.
    pub history_root: HistoryRoot,
    /// Free for the miner.
    pub extra_nonce: [u8; 8],
}

impl Header {
    /// The 80 bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; HEADER_LEN] {
        let mut bytes = [0; HEADER_LEN];
        bytes[0..4].copy_from_slice(&self.version.to_le_bytes());
        bytes[4..36].copy_from_slice(&self.parent.0);
        bytes[36..68].copy_from_slice(&self.commitment.0);
        bytes[68..72].copy_from_slice(&self.time.to_le_bytes());
        bytes[72..76].copy_from_slice(&self.bits.to_le_bytes());
        bytes[76..80].copy_from_slice(&self.nonce.to_le_bytes());
        bytes
    }

    /// SHA-256d of the 80 bytes.
    #[must_use]
    pub fn hash(&self) -> BlockHash {
        BlockHash(sha256d(&self.to_bytes()))
    }
}

impl Commitment {
    /// SHA-256d of the 144 bytes: the header's commitment field.
    #[must_use]
    pub fn hash(&self) -> CommitmentHash {
        CommitmentHash(sha256d(&self.encode()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_bitcoins() {
        // Bitcoin's genesis block, a public constant.
        let mut merkle: [u8; 32] =
            hex::decode("4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b")
                .unwrap()
                .try_into()
                .unwrap();
        merkle.reverse();
        let header = Header {
            version: 1,
            parent: BlockHash::ZERO,
            commitment: CommitmentHash(merkle),
            time: 1_231_006_505,
            bits: 0x1d00_ffff,
            nonce: 2_083_236_893,
        };
        assert_eq!(
            header.hash().to_string(),
            "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"
        );
        assert_eq!(header.encode(), header.to_bytes());
        assert_eq!(Header::max_encoded_len(), HEADER_LEN);
    }

    #[test]
    fn the_commitment_has_144_bytes_and_ends_with_the_extra_nonce() {
        let commitment = Commitment {
            height: Height(1),
            miner: Principal([2; 32]),
            event_root: EventRoot([3; 32]),
            state_root: StateRoot([4; 32]),
            history_root: HistoryRoot([5; 32]),
            extra_nonce: [6; 8],
        };
        let bytes = commitment.encode();
        assert_eq!(bytes.len(), COMMITMENT_LEN);
        assert_eq!(Commitment::max_encoded_len(), COMMITMENT_LEN);
        assert_eq!(&bytes[136..], &[6; 8]);
    }
}
