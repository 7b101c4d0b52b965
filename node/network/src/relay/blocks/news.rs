//! When the tip is told, and how.

use crate::time::{Now, Tick};
use blocktree_consensus::ChainInfo;
use blocktree_primitives::Height;
use core::time::Duration;
use std::collections::VecDeque;

/// A step of the tip by more blocks than this is no news but a catching up: the peers have the blocks,
/// or must ask for headers anyway.
const FEW: u64 = 3;
/// So many blocks are told as such ...
const MAX_TOLD: usize = 25;
/// ... in this time. A chain that grows faster catches up or is a test; its peers sync.
const TOLD_TIME: Duration = Duration::from_secs(5);
/// A tip whose block was not told is announced at most this often.
const ANNOUNCE_EVERY: Duration = Duration::from_secs(2);

/// What of the tip the peers don't know.
#[derive(Debug, Default)]
pub(super) struct News {
    height: Height,
    /// When blocks were told lately.
    told: VecDeque<Tick>,
    /// Whether the tip moved since it was told.
    is_stale: bool,
    next: Tick,
}

impl News {
    /// The tip moved. Whether its block is to be told.
    pub(super) fn moved(&mut self, now: Now, tip: &ChainInfo, reverted: u64) -> bool {
        let from = self.height.0.saturating_sub(reverted);
        self.height = tip.height;
        self.is_stale = true;
        while let Some(first) = self.told.front()
            && now.tick.since(*first) >= TOLD_TIME
        {
            self.told.pop_front();
        }
        tip.height.0.saturating_sub(from) <= FEW && self.told.len() < MAX_TOLD
    }

    /// The tip's block is told.
    pub(super) fn told(&mut self, now: Now) {
        self.told.push_back(now.tick);
        self.is_stale = false;
    }

    /// Whether the tip is to be announced now.
    pub(super) fn announce(&mut self, now: Now) -> bool {
        if !self.is_stale || now.tick < self.next {
            return false;
        }
        self.is_stale = false;
        self.next = now.tick.after(ANNOUNCE_EVERY);
        true
    }
}
