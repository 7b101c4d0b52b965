//! Opening a data folder: claim it, make its database if there is none, check whose it is, bring it to
//! the present format.

use crate::columns::{Create, Memory, RECORD_COLUMN};
use crate::error::fault;
use crate::folder::{Folder, Identity, Marker};
use crate::upgrade::Formats;
use crate::{OpenError, Store};
use blocktree_state::{Column, Durability};
use rocksdb::{ColumnFamily, DB, Options, WriteBatch};
use std::path::Path;

/// In the record column: the format of what the database holds, u32 little-endian.
const FORMAT_KEY: &[u8] = b"format";
/// In the record column: the genesis hash, 32 bytes.
const GENESIS_KEY: &[u8] = b"genesis";

pub(crate) fn open(path: &Path, chain: &Identity, formats: Formats) -> Result<Store, OpenError> {
    let (folder, mut marker) = Folder::claim(path, chain, formats.present)?;
    if marker.format < formats.present {
        // Refused before anything changes, if there is no way.
        formats.steps_from(marker.format)?;
        let upgrading_from = Some(marker.format);
        marker = folder.mark(Marker { format: formats.present, upgrading_from, ..marker })?;
    }
    let memory = Memory::new();
    let path = folder.database();
    if !path.exists() {
        folder.create_database(|path| create(path, &memory, chain, formats.present))?;
    }
    let upgrading = marker.upgrading_from.is_some();
    let db =
        open_database(&path, &memory, if upgrading { Create::Columns } else { Create::Nothing })?;
    let steps = formats.steps_from(read_record(&db, chain)?)?;
    let store = Store::new(db, memory, folder);
    for step in steps {
        let mut batch = store.encode((step.run)(&store)?)?;
        put_record(store.db(), &mut batch, step.from + 1, chain)?;
        store.commit(batch, Durability::Synced)?;
    }
    if upgrading {
        store.folder().mark(Marker { upgrading_from: None, ..marker })?;
    }
    Ok(store)
}

/// Makes an empty database that says whose it is, on the disk when this returns.
fn create(path: &Path, memory: &Memory, chain: &Identity, format: u32) -> Result<(), OpenError> {
    let db = open_database(path, memory, Create::Database)?;
    let mut batch = WriteBatch::new();
    put_record(&db, &mut batch, format, chain)?;
    let written = db.write(batch).and_then(|()| db.flush_wal(true));
    written.map_err(|e| fault(&e).into())
}

fn open_database(path: &Path, memory: &Memory, create: Create) -> Result<DB, OpenError> {
    if create != Create::Database {
        // RocksDB would only say that columns were not opened, not which.
        let names = DB::list_cf(&Options::default(), path).map_err(|e| OpenError::opening(&e))?;
        let known = |name: &String| {
            name == RECORD_COLUMN || Column::ALL.iter().any(|column| column.name() == name)
        };
        if let Some(name) = names.iter().find(|name| !known(name)) {
            return Err(OpenError::Damaged(format!("its database has an unknown column {name:?}")));
        }
    }
    DB::open_cf_descriptors(&memory.database(create), path, memory.columns())
        .map_err(|e| OpenError::opening(&e))
}

fn record_column(db: &DB) -> Result<&ColumnFamily, OpenError> {
    db.cf_handle(RECORD_COLUMN)
        .ok_or_else(|| OpenError::Damaged("its database has no record column".into()))
}

fn put_record(
    db: &DB,
    batch: &mut WriteBatch,
    format: u32,
    chain: &Identity,
) -> Result<(), OpenError> {
    let column = record_column(db)?;
    batch.put_cf(column, FORMAT_KEY, format.to_le_bytes());
    batch.put_cf(column, GENESIS_KEY, chain.genesis.0);
    Ok(())
}

/// The format of the database, after checking that it is the one that its marker speaks of.
fn read_record(db: &DB, chain: &Identity) -> Result<u32, OpenError> {
    let column = record_column(db)?;
    let read = |key| db.get_cf(column, key).map_err(|e| OpenError::from(fault(&e)));
    if read(GENESIS_KEY)?.as_deref() != Some(&chain.genesis.0) {
        let text = "its database is not of the chain that blocktree.json names";
        return Err(OpenError::Damaged(text.into()));
    }
    let format = read(FORMAT_KEY)?.and_then(|bytes| bytes.try_into().ok());
    format
        .map(u32::from_le_bytes)
        .ok_or_else(|| OpenError::Damaged("its database does not say its format".into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upgrade::Step;
    use blocktree_primitives::BlockHash;
    use blocktree_state::{Batch, Reader};

    fn chain() -> Identity {
        Identity { genesis: BlockHash([7; 32]), chain_name: "dev".into() }
    }

    /// A data folder whose database was changed behind its back.
    fn folder_with(change: impl FnOnce(&mut DB)) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        drop(Store::open(folder.path(), &chain()).unwrap());
        let path = folder.path().join("db");
        change(&mut open_database(&path, &Memory::new(), Create::Nothing).unwrap());
        folder
    }

    fn damage(folder: &tempfile::TempDir) -> String {
        match Store::open(folder.path(), &chain()).err() {
            Some(OpenError::Damaged(text)) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_lost_column_is_damage_but_an_upgrade_may_add_one() {
        let folder = folder_with(|db| db.drop_cf("pool_journal").unwrap());
        let text = damage(&folder);
        assert!(text.contains("pool_journal"), "{text}");
        const STEPS: &[Step] = &[Step { from: 1, run: |_| Ok(Batch::new()) }];
        let store = open(folder.path(), &chain(), Formats { present: 2, steps: STEPS }).unwrap();
        assert_eq!(store.last(Column::PoolJournal), Ok(None));
    }

    #[test]
    fn an_unknown_column_is_damage() {
        let folder = folder_with(|db| db.create_cf("of the future", &Options::default()).unwrap());
        assert_eq!(damage(&folder), "its database has an unknown column \"of the future\"");
    }

    #[test]
    fn a_record_that_is_lost_or_odd_is_damage() {
        let folder = folder_with(|db| db.delete(FORMAT_KEY).unwrap());
        assert_eq!(damage(&folder), "its database does not say its format");
        let folder = folder_with(|db| db.put(FORMAT_KEY, b"1").unwrap());
        assert_eq!(damage(&folder), "its database does not say its format");
        let folder = folder_with(|db| db.delete(GENESIS_KEY).unwrap());
        assert_eq!(damage(&folder), "its database is not of the chain that blocktree.json names");
    }

    #[test]
    fn a_database_in_use_by_another_program_is_locked() {
        let folder = folder_with(|_| ());
        let _tool = open_database(&folder.path().join("db"), &Memory::new(), Create::Nothing);
        let refused = Store::open(folder.path(), &chain()).err();
        assert_eq!(refused, Some(OpenError::Locked { pid: None }));
    }
}
