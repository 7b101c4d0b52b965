//! Fork choice: most work, the first seen on a tie (docs/protocol.md §3.8).

use crate::target::{Target, TargetError, Work};
use blocktree_primitives::{BlockHash, Header, Height};
use parity_scale_codec::{Decode, Encode, MaxEncodedLen};

/// Headers of a branch are stored only once its work is above that of the tip less so many
/// blocks at the tip's difficulty: cheap headers cost neither disk nor memory.
pub const HEADER_MARGIN: u64 = 144;

/// What a branch is known by at one of its blocks. SCALE: the fields in order, 80 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen)]
pub struct ChainInfo {
    /// The block's hash.
    pub hash: BlockHash,
    /// Its height.
    pub height: Height,
    /// Its header's time.
    pub time: u32,
    /// Its header's target, compact.
    pub bits: u32,
    /// The work of all headers from genesis to this one, both included.
    pub total_work: Work,
}

impl ChainInfo {
    /// A chain that is only this header.
    ///
    /// # Errors
    /// [`TargetError`] if its bits are no target.
    pub fn genesis(header: &Header) -> Result<Self, TargetError> {
        Ok(Self {
            hash: header.hash(),
            height: Height::GENESIS,
            time: header.time,
            bits: header.bits,
            total_work: Target::from_bits(header.bits)?.work(),
        })
    }
}

/// Whether a branch with the work `candidate` takes the place of a tip with the work `tip`: only
/// with more, so that of two equal ones the first seen stays.
#[must_use]
pub fn better(tip: Work, candidate: Work) -> bool {
    candidate > tip
}

/// The work that a branch must show, beyond which its headers are stored: at least `minimum`,
/// and more than the tip's less [`HEADER_MARGIN`] blocks.
#[must_use]
pub fn worth_storing(tip: &ChainInfo, minimum: Work, candidate: Work) -> bool {
    let block = Target::from_bits(tip.bits).map_or(Work::ZERO, Target::work);
    let margin = block.saturating_mul(HEADER_MARGIN);
    candidate >= minimum && candidate > tip.total_work.saturating_sub(margin)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(hashes: u64) -> Work {
        Work::from_hashes(hashes)
    }

    #[test]
    fn more_work_wins_and_a_tie_stays() {
        assert!(better(work(5), work(6)));
        assert!(!better(work(5), work(5)));
        assert!(!better(work(5), work(4)));
    }

    #[test]
    fn cheap_branches_are_not_stored() {
        // 0x207fffff takes 2 hashes a block, 144 blocks 288.
        let tip = ChainInfo {
            hash: BlockHash::ZERO,
            height: Height(1000),
            time: 0,
            bits: 0x207f_ffff,
            total_work: work(2000),
        };
        for (candidate, minimum, worth) in [
            (1712, 0, false), // 2000 − 288
            (1713, 0, true),
            (1713, 1713, true),
            (1713, 1714, false),
            (0, 0, false),
        ] {
            assert_eq!(
                worth_storing(&tip, work(minimum), work(candidate)),
                worth,
                "{candidate} {minimum}"
            );
        }
        let young = ChainInfo { total_work: work(10), ..tip };
        assert!(
            !worth_storing(&young, work(0), work(0)) && worth_storing(&young, work(0), work(1))
        );
    }

    #[test]
    fn the_encoding_has_80_bytes() {
        // 32 + 8 + 4 + 4 + 32
        assert_eq!(ChainInfo::max_encoded_len(), 80);
    }
}
