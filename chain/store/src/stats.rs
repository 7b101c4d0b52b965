//! What the data folder holds and uses, for metrics and for people.

use blocktree_state::Column;

/// One column. All numbers are estimates that cost nothing to get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColumnStats {
    /// Which.
    pub column: Column,
    /// Keys, roughly: overwritten and removed ones count until they are compacted.
    pub keys: u64,
    /// Bytes in the column's files.
    pub disk_bytes: u64,
    /// Bytes in its write buffers.
    pub buffer_bytes: u64,
}

/// The whole folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stats {
    /// All columns, in the order of [`Column::ALL`].
    pub columns: Vec<ColumnStats>,
    /// Bytes of all files of the database: columns, write-ahead log, and what RocksDB keeps beside.
    pub disk_bytes: u64,
    /// Bytes of memory in the cache: blocks, indexes, filters and write buffers.
    pub memory_bytes: usize,
}
