//! Blocks that can't be looked into yet: their time is to come, or the block before is on its way.

use crate::address::NodeId;
use crate::message::Compact;
use blocktree_primitives::BlockHash;
use std::collections::BTreeMap;

/// So many blocks wait for their time: each has the proof of work that its branch requires. When one
/// more comes, the one that would wait longest is dropped.
pub(super) const MAX_EARLY: usize = 8;
/// So many blocks wait for the one before, of each peer one; the latest takes the place of its peer's
/// former one or, when all places are taken, of the one that came first. Their proof of work may be
/// worth little.
pub(super) const MAX_BEHIND: usize = 8;

/// A block and who told it.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) node: NodeId,
    pub(super) compact: Compact,
}

/// The blocks that wait.
#[derive(Debug, Default)]
pub(super) struct Later {
    early: BTreeMap<(u32, BlockHash), Told>,
    /// In the order in which they came.
    behind: Vec<Told>,
}

impl Later {
    /// Keeps a block until the local clock, in seconds since 1970, is at `until`.
    pub(super) fn wait_until(&mut self, until: u32, hash: BlockHash, told: Told) {
        self.early.entry((until, hash)).or_insert(told);
        if self.early.len() > MAX_EARLY {
            self.early.pop_last();
        }
    }

    /// Keeps a block until the one before is judged.
    pub(super) fn wait_behind(&mut self, told: Told) {
        self.behind.retain(|other| other.node != told.node);
        if self.behind.len() >= MAX_BEHIND {
            self.behind.remove(0);
        }
        self.behind.push(told);
    }

    /// Takes the blocks whose time has come.
    pub(super) fn take_due(&mut self, unix: u32) -> Vec<Told> {
        let mut due = Vec::new();
        while let Some(first) = self.early.first_entry()
            && first.key().0 <= unix
        {
            due.push(first.remove());
        }
        due
    }

    /// Takes the blocks for whose parents nothing is to be waited any more.
    pub(super) fn take_freed(&mut self, is_on_its_way: impl Fn(&BlockHash) -> bool) -> Vec<Told> {
        let (wait, freed) = core::mem::take(&mut self.behind)
            .into_iter()
            .partition(|told| is_on_its_way(&told.compact.header.parent));
        self.behind = wait;
        freed
    }

    /// How many wait for their time, and how many for the block before.
    pub(super) fn sizes(&self) -> [usize; 2] {
        [self.early.len(), self.behind.len()]
    }
}
