//! The authenticated map: what a caller sees of it.

use super::disk;
use super::spread::{Inline, Spread};
use super::stage::{self, Change};
use super::top::Top;
use super::updates::Updates;
use crate::{Batch, Delta, Fault, Ledger, Reader};
use blocktree_primitives::StateRoot;

/// How much memory and how much work after a crash the map may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of pages in memory, 128 a key, beside some 120 a page of about 20 keys that are
    /// always there.
    pub cache_bytes: usize,
    /// Bytes of changed pages in memory from which on a checkpoint is due; half as much again is
    /// taken by the checkpoint's batch. More than `cache_bytes` would have the cache hold changed
    /// pages alone.
    pub dirty_bytes: usize,
    /// Changed keys since the last checkpoint from which on one is due: what is read again after
    /// a crash, some 5 µs each.
    pub journal_keys: usize,
}

impl Default for Limits {
    /// 128 MiB of pages (a million keys), 96 MiB of them changed, and at most about a second
    /// to catch up after a crash.
    fn default() -> Self {
        Self { cache_bytes: 128 << 20, dirty_bytes: 96 << 20, journal_keys: 1 << 18 }
    }
}

/// What the map holds and what it takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Keys.
    pub keys: u64,
    /// Pages, in memory or not.
    pub pages: usize,
    /// Nodes above the pages.
    pub nodes: usize,
    /// Pages in memory.
    pub cached_pages: usize,
    /// Bytes of the pages in memory.
    pub cached_bytes: usize,
    /// Bytes of what waits for a checkpoint.
    pub dirty_bytes: usize,
    /// Changed keys since the last checkpoint.
    pub journal_keys: usize,
}

/// The authenticated map of docs/protocol.md §5.1: a function of the pairs in [`crate::Column::State`],
/// kept up to date block by block.
///
/// One writer owns it and goes, for each block:
///
/// 1. [`stage`](Self::stage): computes the root after the block's delta and changes nothing; dropped
///    if the root is not the one that the block commits to.
/// 2. [`journal`](Self::journal): adds to the block's batch, which is then written.
/// 3. [`commit`](Self::commit), after the write.
/// 4. [`checkpoint`](Self::checkpoint) when it is [due](Self::checkpoint_due), and on a clean shutdown.
///
/// To revert a block, the same with [`Delta::inverse`]. Readers that want proofs share the map behind
/// a lock which the writer holds for writing from before 2 to after 4.
#[derive(Debug)]
pub struct AuthMap {
    pub(super) top: Top,
    pub(super) limits: Limits,
    /// Counts commits and checkpoints: no change is made to another map than it was staged on.
    pub(super) generation: u64,
    /// The sequence number of the next journal entry.
    pub(super) next: u64,
    /// The sequence number of the first journal entry that no checkpoint covers.
    pub(super) covered: u64,
    pub(super) journal_keys: usize,
}

/// A change of an [`AuthMap`] that was computed and not made.
#[derive(Debug)]
#[must_use]
pub struct Staged {
    change: Change,
    generation: u64,
    keys: usize,
}

impl Staged {
    /// The root that the map would have.
    #[must_use]
    pub const fn root(&self) -> StateRoot {
        StateRoot(self.change.hash())
    }
}

impl AuthMap {
    pub(super) const fn new(limits: Limits) -> Self {
        Self { top: Top::new(), limits, generation: 0, next: 0, covered: 0, journal_keys: 0 }
    }

    /// The map as it was after the last [`journal`](Self::journal) that reached the disk; an empty
    /// one in an empty data folder. Reads the index of the pages, no page but those with keys that
    /// changed since the last checkpoint, and writes nothing.
    ///
    /// # Errors
    /// [`Fault::Corrupt`] if what is on disk is not one map: then [`AuthMap::rebuild`] makes a
    /// new one of the flat state. Or a fault of the disk.
    pub fn open(reader: &dyn Reader, limits: Limits) -> Result<Self, Fault> {
        disk::open(reader, limits)
    }

    /// A new map of all pairs of the flat state, in place of the one on disk, whatever that is.
    /// Takes some minutes for ten million keys.
    ///
    /// # Errors
    /// A [`Fault`] of the disk.
    pub fn rebuild(ledger: &dyn Ledger, limits: Limits) -> Result<Self, Fault> {
        disk::rebuild(ledger, limits)
    }

    /// The root now.
    #[must_use]
    pub fn root(&self) -> StateRoot {
        StateRoot(self.top.root.hash)
    }

    /// What the map holds and what it takes.
    #[must_use]
    pub fn usage(&self) -> Usage {
        Usage {
            keys: self.top.leaves(),
            pages: self.top.pages(),
            nodes: self.top.nodes(),
            cached_pages: self.top.cached_pages(),
            cached_bytes: self.top.cached_bytes(),
            dirty_bytes: self.top.dirty_bytes(),
            journal_keys: self.journal_keys,
        }
    }

    /// Computes what `delta` would make of the map, and changes nothing. `reader` is the ledger or
    /// a snapshot taken since the last checkpoint; pages that are not in memory are read from it.
    /// What is staged can be committed until there is another commit or a checkpoint.
    /// The work is in items that `spread` may run at once.
    ///
    /// # Errors
    /// [`Fault::Bug`] if `delta` adds a key that is there or changes one that is not;
    /// [`Fault::Corrupt`] if a page is not what was written; or a fault of the disk.
    pub fn stage(
        &self,
        reader: &dyn Reader,
        delta: &Delta,
        spread: &dyn Spread,
    ) -> Result<Staged, Fault> {
        let updates = stage::updates_of(delta, spread);
        self.stage_updates(reader, &updates, spread)
    }

    pub(super) fn stage_updates(
        &self,
        reader: &dyn Reader,
        updates: &Updates,
        spread: &dyn Spread,
    ) -> Result<Staged, Fault> {
        Ok(Staged {
            change: Change::draw(&self.top, reader, updates, spread)?,
            generation: self.generation,
            keys: updates.len(),
        })
    }

    /// The root that `delta` would make, for a template: [`stage`](Self::stage), and nothing kept.
    ///
    /// # Errors
    /// See [`stage`](Self::stage).
    pub fn preview(&self, reader: &dyn Reader, delta: &Delta) -> Result<StateRoot, Fault> {
        Ok(self.stage(reader, delta, &Inline)?.root())
    }

    /// Adds the keys that `delta` changes to the batch of the block that is about to be committed.
    pub fn journal(&self, delta: &Delta, batch: &mut Batch) {
        disk::journal(self.next, delta, batch);
    }

    /// Makes a staged change, after the batch with its [`journal`](Self::journal) entry was written.
    ///
    /// # Errors
    /// [`Fault::Bug`] if there was another commit or a checkpoint since it was staged; then nothing
    /// changes.
    pub fn commit(&mut self, staged: Staged) -> Result<StateRoot, Fault> {
        if staged.generation != self.generation {
            return Err(Fault::Bug(
                "a change of the authenticated map was staged before another commit or checkpoint"
                    .into(),
            ));
        }
        staged.change.install(&mut self.top);
        self.top.evict(self.limits.cache_bytes);
        self.generation += 1;
        self.next += 1;
        // An entry without keys takes its place too.
        self.journal_keys += staged.keys.max(1);
        Ok(self.root())
    }

    /// [`stage`](Self::stage) and [`commit`](Self::commit), for a caller that need not compare the
    /// root in between.
    ///
    /// # Errors
    /// See [`stage`](Self::stage).
    pub fn apply(&mut self, reader: &dyn Reader, delta: &Delta) -> Result<StateRoot, Fault> {
        let staged = self.stage(reader, delta, &Inline)?;
        self.commit(staged)
    }

    /// Whether so much changed since the last checkpoint that one is due.
    #[must_use]
    pub fn checkpoint_due(&self) -> bool {
        self.top.dirty_bytes() >= self.limits.dirty_bytes
            || self.journal_keys >= self.limits.journal_keys
    }

    /// Writes the changed pages and their index, and drops the journal, in one batch. Nothing is
    /// written if nothing changed. Proofs need a snapshot that was taken afterwards.
    ///
    /// # Errors
    /// [`Fault::Bug`] if the last [`journal`](Self::journal) entry is not on disk: the pages would
    /// run ahead of the flat state. Or a fault of the disk; either way the map stays as it was.
    pub fn checkpoint(&mut self, ledger: &dyn Ledger) -> Result<(), Fault> {
        disk::checkpoint(self, ledger)
    }
}
