//! A [`Ledger`] in memory, for tests and simulations.

use crate::ledger::{Pair, Visit};
use crate::{Batch, Column, Durability, Fault, Ledger, Op, Reader};
use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};

type Columns = BTreeMap<Column, BTreeMap<Vec<u8>, Vec<u8>>>;

/// Columns in memory. A clone shares them; [`MemoryLedger::fork`] copies them.
#[derive(Clone, Debug, Default)]
pub struct MemoryLedger {
    columns: Arc<RwLock<Arc<Columns>>>,
}

struct MemorySnapshot(Arc<Columns>);

impl MemoryLedger {
    /// Empty columns.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An independent copy of what is there now: what a crash at this moment would leave.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self { columns: Arc::new(RwLock::new(self.now())) }
    }

    fn now(&self) -> Arc<Columns> {
        self.columns.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }
}

fn get(columns: &Columns, column: Column, key: &[u8]) -> Option<Vec<u8>> {
    columns.get(&column)?.get(key).cloned()
}

fn scan(columns: &Columns, column: Column, from: &[u8], visit: Visit<'_>) {
    let Some(entries) = columns.get(&column) else {
        return;
    };
    for (key, value) in entries.range(from.to_vec()..) {
        if visit(key, value).is_break() {
            return;
        }
    }
}

fn last(columns: &Columns, column: Column) -> Option<Pair> {
    let (key, value) = columns.get(&column)?.last_key_value()?;
    Some((key.clone(), value.clone()))
}

macro_rules! reads_columns {
    ($name:ty, $columns:expr) => {
        impl Reader for $name {
            fn get(&self, column: Column, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
                Ok(get(&$columns(self), column, key))
            }
            fn scan(&self, column: Column, from: &[u8], visit: Visit<'_>) -> Result<(), Fault> {
                scan(&$columns(self), column, from, visit);
                Ok(())
            }
            fn last(&self, column: Column) -> Result<Option<Pair>, Fault> {
                Ok(last(&$columns(self), column))
            }
        }
    };
}
reads_columns!(MemoryLedger, |this: &MemoryLedger| this.now());
reads_columns!(MemorySnapshot, |this: &MemorySnapshot| this.0.clone());

impl Ledger for MemoryLedger {
    fn write(&self, batch: Batch, _durability: Durability) -> Result<(), Fault> {
        let mut guard = self.columns.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        let columns = Arc::make_mut(&mut guard);
        for (column, op) in batch.into_ops() {
            let entries = columns.entry(column).or_default();
            match op {
                Op::Put(key, value) => {
                    entries.insert(key, value);
                }
                Op::Delete(key) => {
                    entries.remove(&key);
                }
                Op::DeleteRange(from, to) => entries.retain(|key, _| *key < from || *key >= to),
            }
        }
        Ok(())
    }

    fn snapshot(&self) -> Arc<dyn Reader> {
        Arc::new(MemorySnapshot(self.now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snapshots_and_forks_do_not_move() {
        let ledger = MemoryLedger::new();
        let mut batch = Batch::new();
        batch.put(Column::Meta, b"a", b"1");
        batch.put(Column::Meta, b"b", b"2");
        ledger.write(batch, Durability::Process).unwrap();
        let (snapshot, fork) = (ledger.snapshot(), ledger.fork());
        let mut batch = Batch::new();
        batch.delete_range(Column::Meta, b"a", b"b");
        ledger.write(batch, Durability::Process).unwrap();
        assert_eq!(ledger.get(Column::Meta, b"a"), Ok(None));
        assert_eq!(ledger.get(Column::Meta, b"b"), Ok(Some(b"2".to_vec())));
        assert_eq!(snapshot.get(Column::Meta, b"a"), Ok(Some(b"1".to_vec())));
        assert_eq!(fork.get(Column::Meta, b"a"), Ok(Some(b"1".to_vec())));
        assert_eq!(ledger.last(Column::Meta), Ok(Some((b"b".to_vec(), b"2".to_vec()))));
    }
}
