//! The reads that a store and a snapshot of it share.

use crate::columns::keeps_in_cache;
use crate::error::fault;
use blocktree_state::{Column, Fault, Pair, Visit};
use rocksdb::{ColumnFamily, DB, DBRawIterator, ReadOptions, Snapshot};

/// Settings for reading: the present, or what a snapshot holds.
pub(crate) struct Reads<'db> {
    snapshot: Option<Snapshot<'db>>,
    /// For columns that the cache serves, and for the others.
    cached: ReadOptions,
    uncached: ReadOptions,
}

impl<'db> Reads<'db> {
    pub(crate) fn new(snapshot: Option<Snapshot<'db>>) -> Self {
        let cached = options(snapshot.as_ref(), true);
        let uncached = options(snapshot.as_ref(), false);
        Self { snapshot, cached, uncached }
    }

    fn of(&self, column: Column) -> &ReadOptions {
        if keeps_in_cache(column) { &self.cached } else { &self.uncached }
    }

    pub(crate) fn get(
        &self,
        db: &DB,
        column: Column,
        key: &[u8],
    ) -> Result<Option<Vec<u8>>, Fault> {
        let value = db.get_pinned_cf_opt(handle(db, column)?, key, self.of(column));
        Ok(value.map_err(|e| fault(&e))?.map(|value| value.to_vec()))
    }

    pub(crate) fn get_many(
        &self,
        db: &DB,
        column: Column,
        keys: &[&[u8]],
    ) -> Result<Vec<Option<Vec<u8>>>, Fault> {
        let keys = keys.iter().copied();
        db.batched_multi_get_cf_opt(handle(db, column)?, keys, false, self.of(column))
            .into_iter()
            .map(|value| Ok(value.map_err(|e| fault(&e))?.map(|value| value.to_vec())))
            .collect()
    }

    /// Reads from one moment, even of the present: what is written meanwhile, by the visitor too, is
    /// not visited.
    pub(crate) fn scan(
        &self,
        db: &DB,
        column: Column,
        from: &[u8],
        visit: Visit<'_>,
    ) -> Result<(), Fault> {
        let mut entries = self.entries(db, column)?;
        entries.seek(from);
        while let Some((key, value)) = entries.item() {
            if visit(key, value).is_break() {
                return Ok(());
            }
            entries.next();
        }
        entries.status().map_err(|e| fault(&e))
    }

    pub(crate) fn last(&self, db: &DB, column: Column) -> Result<Option<Pair>, Fault> {
        let mut entries = self.entries(db, column)?;
        entries.seek_to_last();
        let last = entries.item().map(|(key, value)| (key.to_vec(), value.to_vec()));
        entries.status().map_err(|e| fault(&e))?;
        Ok(last)
    }

    fn entries<'a>(&self, db: &'a DB, column: Column) -> Result<DBRawIterator<'a>, Fault> {
        let options = options(self.snapshot.as_ref(), keeps_in_cache(column));
        Ok(db.raw_iterator_cf_opt(handle(db, column)?, options))
    }
}

fn options(snapshot: Option<&Snapshot<'_>>, fill_cache: bool) -> ReadOptions {
    let mut options = ReadOptions::default();
    options.fill_cache(fill_cache);
    if let Some(snapshot) = snapshot {
        options.set_snapshot(snapshot);
    }
    options
}

/// The column in the database.
pub(crate) fn handle(db: &DB, column: Column) -> Result<&ColumnFamily, Fault> {
    db.cf_handle(column.name())
        .ok_or_else(|| Fault::Bug(format!("the column {} was not opened", column.name())))
}
