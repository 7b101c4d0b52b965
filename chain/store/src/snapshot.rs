//! A snapshot that owns its share of the database it borrows from.

use crate::reads::Reads;
use crate::store::Shared;
use blocktree_state::{Column, Fault, Pair, Reader, Visit};
use self_cell::self_cell;
use std::sync::Arc;

self_cell!(
    /// The columns at one moment. Keeps the database open and the folder locked while it lives.
    pub(crate) struct StoreSnapshot {
        owner: Arc<Shared>,
        #[covariant]
        dependent: Reads,
    }
);

impl StoreSnapshot {
    pub(crate) fn take(shared: Arc<Shared>) -> Self {
        Self::new(shared, |shared| Reads::new(Some(shared.db.snapshot())))
    }
}

impl Reader for StoreSnapshot {
    fn get(&self, column: Column, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        self.with_dependent(|shared, reads| reads.get(&shared.db, column, key))
    }

    fn scan(&self, column: Column, from: &[u8], visit: Visit<'_>) -> Result<(), Fault> {
        self.with_dependent(|shared, reads| reads.scan(&shared.db, column, from, visit))
    }

    fn last(&self, column: Column) -> Result<Option<Pair>, Fault> {
        self.with_dependent(|shared, reads| reads.last(&shared.db, column))
    }

    fn get_many(&self, column: Column, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>, Fault> {
        self.with_dependent(|shared, reads| reads.get_many(&shared.db, column, keys))
    }
}
