//! A template as a Stratum job, and a share as the header that it stands for
//! (docs/protocol.md §3).

use crate::message::Share;
use crate::{Difficulty, Template};
use blocktree_primitives::{Commitment, Header};
use parity_scale_codec::Encode;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

/// The bits of a version that miners may roll (BIP 320).
pub const VERSION_MASK: u32 = 0x1fff_e000;
/// Bytes at the end of a commitment that are not in `coinb1`: both extranonces.
const EXTRA_NONCE: usize = 8;

/// A template as it was given to one connection.
#[derive(Debug)]
pub struct Job {
    /// Its number within the connection.
    pub id: u64,
    /// What is to be solved.
    pub template: Arc<Template>,
    /// What its shares must meet.
    pub difficulty: Difficulty,
    /// When it was given.
    pub made: Instant,
    /// The shares that came: extranonce2, time, nonce, version.
    pub seen: HashSet<([u8; 4], u32, u32, u32)>,
}

impl Job {
    /// The parameters of `mining.notify`. The coinbase is the commitment and nothing else: `coinb1`
    /// is all but the extra nonce, `coinb2` is empty, there are no branches.
    #[must_use]
    pub fn notify(&self, is_clean: bool) -> Value {
        let Template { header, commitment, .. } = &*self.template;
        let mut coinb1 = commitment.encode();
        coinb1.truncate(coinb1.len().saturating_sub(EXTRA_NONCE));
        json!([
            format!("{:x}", self.id),
            swapped(&header.parent.0),
            hex::encode(coinb1),
            "",
            [],
            format!("{:08x}", header.version),
            format!("{:08x}", header.bits),
            format!("{:08x}", header.time),
            is_clean,
        ])
    }

    /// The header that a share of this job stands for, and what it commits to. Of the version only
    /// the bits of `mask` are the share's.
    #[must_use]
    pub fn assemble(&self, extranonce1: [u8; 4], share: &Share, mask: u32) -> (Header, Commitment) {
        let mut commitment = self.template.commitment;
        let (first, last) = commitment.extra_nonce.split_at_mut(4);
        first.copy_from_slice(&extranonce1);
        last.copy_from_slice(&share.extranonce2);
        let mut header = self.template.header;
        if let Some(bits) = share.version_bits {
            header.version = (header.version & !mask) | (bits & mask);
        }
        header.commitment = commitment.hash();
        (header.time, header.nonce) = (share.time, share.nonce);
        (header, commitment)
    }
}

/// `prevhash` as Stratum has it: the bytes of each 4-byte word reversed.
fn swapped(hash: &[u8; 32]) -> String {
    let (words, _) = hash.as_chunks::<4>();
    words.iter().map(|[a, b, c, d]| hex::encode([*d, *c, *b, *a])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_prevhash_are_reversed() {
        let hash: [u8; 32] = std::array::from_fn(|i| u8::try_from(i).unwrap());
        let wanted = "03020100070605040b0a09080f0e0d0c13121110171615141b1a19181f1e1d1c";
        assert_eq!(swapped(&hash), wanted);
    }
}
