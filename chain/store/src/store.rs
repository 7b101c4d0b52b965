//! The data folder, open.

use crate::columns::Memory;
use crate::error::fault;
use crate::folder::Folder;
use crate::reads::{Reads, handle};
use crate::snapshot::StoreSnapshot;
use crate::upgrade::Formats;
use crate::{ColumnStats, Identity, OpenError, Stats, open};
use blocktree_state::{Batch, Column, Durability, Fault, Ledger, Op, Pair, Reader, Visit};
use rocksdb::properties::{CUR_SIZE_ALL_MEM_TABLES, ESTIMATE_NUM_KEYS, LIVE_SST_FILES_SIZE};
use rocksdb::{
    BottommostLevelCompaction, CompactOptions, DB, FlushOptions, WriteBatch, WriteOptions,
};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// A data folder on disk, locked for this process until the store and its last snapshot are gone.
///
/// - **Atomic and in order**: a batch is in all its columns or in none, and what a crash leaves is
///   a prefix of what was written.
/// - **No gap**: after the first write that fails, every later one fails with the same fault. Reads
///   go on. To write again, open the folder again.
pub struct Store {
    shared: Arc<Shared>,
}

/// What a store and its snapshots own together. Fields drop in their order: the database closes before
/// the folder is unlocked.
pub(crate) struct Shared {
    pub(crate) db: DB,
    present: Reads<'static>,
    memory: Memory,
    /// The first fault of a write. A writer holds the lock, so that none passes one that fails.
    failed: Mutex<Option<Fault>>,
    folder: Folder,
}

impl Store {
    /// Opens the data folder of a chain, or makes one of a folder that is empty or does not exist.
    ///
    /// # Errors
    /// [`OpenError`], which says why not, and what to do.
    pub fn open(path: &Path, chain: &Identity) -> Result<Self, OpenError> {
        open::open(path, chain, Formats::PRESENT)
    }

    pub(crate) fn new(db: DB, memory: Memory, folder: Folder) -> Self {
        let (present, failed) = (Reads::new(None), Mutex::new(None));
        Self { shared: Arc::new(Shared { db, present, memory, failed, folder }) }
    }

    pub(crate) fn db(&self) -> &DB {
        &self.shared.db
    }

    pub(crate) fn folder(&self) -> &Folder {
        &self.shared.folder
    }

    /// Writes out what is in memory and cuts the log, so that the next start has nothing to replay.
    /// For a clean end: call this, then drop the store. Not needed for safety.
    ///
    /// # Errors
    /// A [`Fault`] of the disk; then later writes fail too.
    pub fn flush(&self) -> Result<(), Fault> {
        let db = self.db();
        let columns = Column::ALL.iter().map(|column| handle(db, *column));
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        self.unless_failed(|| {
            db.flush_wal(true)?;
            db.flush_cfs_opt(&columns, &FlushOptions::default())
        })
    }

    /// Rewrites all columns into their smallest form. Reads and writes everything: for benches and for
    /// people, not for a running node.
    ///
    /// # Errors
    /// A [`Fault`] of the disk; then later writes fail too.
    pub fn compact(&self) -> Result<(), Fault> {
        self.flush()?;
        let mut options = CompactOptions::default();
        options.set_bottommost_level_compaction(BottommostLevelCompaction::ForceOptimized);
        for column in Column::ALL {
            let column = handle(self.db(), column)?;
            self.db().compact_range_cf_opt(column, None::<&[u8]>, None::<&[u8]>, &options);
        }
        Ok(())
    }

    /// What the folder holds and uses now.
    ///
    /// # Errors
    /// A [`Fault`] of the disk.
    pub fn stats(&self) -> Result<Stats, Fault> {
        let columns = Column::ALL.into_iter().map(|column| {
            let handle = handle(self.db(), column)?;
            let read = |name| {
                let number = self.db().property_int_value_cf(handle, name);
                Ok(number.map_err(|e| fault(&e))?.unwrap_or(0))
            };
            Ok(ColumnStats {
                column,
                keys: read(ESTIMATE_NUM_KEYS)?,
                disk_bytes: read(LIVE_SST_FILES_SIZE)?,
                buffer_bytes: read(CUR_SIZE_ALL_MEM_TABLES)?,
            })
        });
        Ok(Stats {
            columns: columns.collect::<Result<_, Fault>>()?,
            disk_bytes: self.folder().database_bytes()?,
            memory_bytes: self.shared.memory.used(),
        })
    }

    /// The changes in RocksDB's form.
    pub(crate) fn encode(&self, batch: Batch) -> Result<WriteBatch, Fault> {
        let mut encoded = WriteBatch::new();
        for (column, op) in batch.into_ops() {
            let column = handle(self.db(), column)?;
            match op {
                Op::Put(key, value) => encoded.put_cf(column, key, value),
                Op::Delete(key) => encoded.delete_cf(column, key),
                // RocksDB refuses a range that runs backwards when the batch is in its log already.
                Op::DeleteRange(from, to) if from < to => {
                    encoded.delete_range_cf(column, from, to);
                }
                Op::DeleteRange(..) => {}
            }
        }
        Ok(encoded)
    }

    pub(crate) fn commit(&self, batch: WriteBatch, durability: Durability) -> Result<(), Fault> {
        let mut options = WriteOptions::default();
        options.set_sync(durability == Durability::Synced);
        self.unless_failed(|| self.db().write_opt(batch, &options))
    }

    /// Writes, unless a write failed before. RocksDB, too, stops after a failed write, but takes
    /// writes again by itself when there is space again: what came between would be missing.
    fn unless_failed(
        &self,
        write: impl FnOnce() -> Result<(), rocksdb::Error>,
    ) -> Result<(), Fault> {
        let mut failed = self.shared.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(fault) = &*failed {
            return Err(fault.clone());
        }
        write().map_err(|e| failed.insert(fault(&e)).clone())
    }
}

impl Reader for Store {
    fn get(&self, column: Column, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        self.shared.present.get(self.db(), column, key)
    }

    fn scan(&self, column: Column, from: &[u8], visit: Visit<'_>) -> Result<(), Fault> {
        self.shared.present.scan(self.db(), column, from, visit)
    }

    fn last(&self, column: Column) -> Result<Option<Pair>, Fault> {
        self.shared.present.last(self.db(), column)
    }

    fn get_many(&self, column: Column, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>, Fault> {
        self.shared.present.get_many(self.db(), column, keys)
    }
}

impl Ledger for Store {
    fn write(&self, batch: Batch, durability: Durability) -> Result<(), Fault> {
        let batch = self.encode(batch)?;
        self.commit(batch, durability)
    }

    fn snapshot(&self) -> Arc<dyn Reader> {
        Arc::new(StoreSnapshot::take(self.shared.clone()))
    }
}
