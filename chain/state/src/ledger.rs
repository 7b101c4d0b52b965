//! The seam to the disk: ordered byte columns, atomic batches, snapshots.

use crate::Fault;
use core::ops::ControlFlow;
use std::sync::Arc;

/// The columns of the data folder. What each holds is said where it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Column {
    /// Tip, a reorganisation under way, cursors of derived indexes: a few fixed keys.
    Meta,
    /// Block hash → header, commitment, total work and what is known of it.
    Headers,
    /// Block hash → encoded events.
    Bodies,
    /// Height (big-endian) → hash of the block of the best chain.
    Canonical,
    /// Logical key → value: the flat global state.
    State,
    /// Height (big-endian) || block hash → what to put back to undo the block.
    Undo,
    /// Block hash → effects that can't be read from its events.
    Effects,
    /// Authenticated map: prefix → leaves. Derived from `State`.
    Pages,
    /// Authenticated map: prefix → hash and count of its page. Derived from `State`.
    PageIndex,
    /// Sequence number (big-endian) → logical keys changed since the map's last checkpoint.
    MapJournal,
    /// Event id → height and index in the best chain.
    Events,
    /// Position (big-endian) → node of the history mountain range of the best chain.
    History,
    /// Event id → waiting event, so that what was acknowledged survives a kill.
    PoolJournal,
}

impl Column {
    /// All columns.
    pub const ALL: [Self; 13] = [
        Self::Meta,
        Self::Headers,
        Self::Bodies,
        Self::Canonical,
        Self::State,
        Self::Undo,
        Self::Effects,
        Self::Pages,
        Self::PageIndex,
        Self::MapJournal,
        Self::Events,
        Self::History,
        Self::PoolJournal,
    ];

    /// The column's name on disk.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Headers => "headers",
            Self::Bodies => "bodies",
            Self::Canonical => "canonical",
            Self::State => "state",
            Self::Undo => "undo",
            Self::Effects => "effects",
            Self::Pages => "pages",
            Self::PageIndex => "page_index",
            Self::MapJournal => "map_journal",
            Self::Events => "events",
            Self::History => "history",
            Self::PoolJournal => "pool_journal",
        }
    }
}

/// One change of a [`Batch`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Writes a value.
    Put(Vec<u8>, Vec<u8>),
    /// Removes a key, present or not.
    Delete(Vec<u8>),
    /// Removes all keys from the first to before the second.
    DeleteRange(Vec<u8>, Vec<u8>),
}

/// Changes that reach the disk together or not at all, in the order in which they were added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    ops: Vec<(Column, Op)>,
}

impl Batch {
    /// No changes.
    #[must_use]
    pub const fn new() -> Self {
        Self { ops: Vec::new() }
    }

    /// Writes `value` at `key`.
    pub fn put(&mut self, column: Column, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.ops.push((column, Op::Put(key.into(), value.into())));
    }

    /// Removes `key`.
    pub fn delete(&mut self, column: Column, key: impl Into<Vec<u8>>) {
        self.ops.push((column, Op::Delete(key.into())));
    }

    /// Removes all keys from `from` to before `to`.
    pub fn delete_range(
        &mut self,
        column: Column,
        from: impl Into<Vec<u8>>,
        to: impl Into<Vec<u8>>,
    ) {
        self.ops.push((column, Op::DeleteRange(from.into(), to.into())));
    }

    /// Adds all changes of `other` after these.
    pub fn append(&mut self, other: Self) {
        self.ops.extend(other.ops);
    }

    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ops.is_empty()
    }

    /// The changes, in order.
    #[must_use]
    pub fn into_ops(self) -> Vec<(Column, Op)> {
        self.ops
    }
}

/// How sure a write must be before it returns. Either way it is atomic, keeps its place among
/// other writes, and survives the death of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Survives a killed process; a power cut may lose the last writes (in order).
    Process,
    /// Survives a power cut.
    Synced,
}

/// What a scan calls for each key and value; `Break` ends the scan.
pub type Visit<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>;

/// A key with its value.
pub type Pair = (Vec<u8>, Vec<u8>);

/// Reads columns, at one moment (a snapshot) or at the present (a [`Ledger`]).
pub trait Reader: Send + Sync {
    /// The value at `key`.
    ///
    /// # Errors
    /// A [`Fault`] of the disk.
    fn get(&self, column: Column, key: &[u8]) -> Result<Option<Vec<u8>>, Fault>;

    /// Visits keys from `from` (inclusive) on in ascending order, until told to stop.
    ///
    /// # Errors
    /// A [`Fault`] of the disk.
    fn scan(&self, column: Column, from: &[u8], visit: Visit<'_>) -> Result<(), Fault>;

    /// The greatest key of a column, with its value.
    ///
    /// # Errors
    /// A [`Fault`] of the disk.
    fn last(&self, column: Column) -> Result<Option<Pair>, Fault>;

    /// The values at `keys`, in their order.
    ///
    /// # Errors
    /// A [`Fault`] of the disk.
    fn get_many(&self, column: Column, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>, Fault> {
        keys.iter().map(|key| self.get(column, key)).collect()
    }
}

/// The data folder.
pub trait Ledger: Reader {
    /// Writes a batch: all of it or nothing.
    ///
    /// # Errors
    /// A [`Fault`]; then nothing of the batch is visible and every later write fails, too. After
    /// a restart the batch is there as a whole or not at all.
    fn write(&self, batch: Batch, durability: Durability) -> Result<(), Fault>;

    /// The columns as they are now, whatever is written later.
    fn snapshot(&self) -> Arc<dyn Reader>;
}
