//! Ledgers in memory that crash, fill up or forget.

use blocktree_state::{
    Batch, Column, Durability, Fault, Ledger, MemoryLedger, Op, Pair, Reader, Visit,
};
use std::sync::{Arc, Mutex};

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Nothing.
    None,
    /// The write of this number, from 0, fails, and so do all after it.
    FullAt(usize),
    /// From the write of this number on, nothing is put into a column. A bug to be noticed.
    Forgets(usize, Column),
}

/// A ledger that keeps what a crash after each of its writes would leave.
#[derive(Clone)]
pub(crate) struct Faulty {
    inner: MemoryLedger,
    trouble: Trouble,
    /// What is there before the first write, and after each.
    forks: Arc<Mutex<Vec<MemoryLedger>>>,
}

impl Faulty {
    pub(crate) fn new(trouble: Trouble) -> Self {
        Self::on(MemoryLedger::new(), trouble)
    }

    /// On top of what `inner` holds; its writes are counted from now on.
    pub(crate) fn on(inner: MemoryLedger, trouble: Trouble) -> Self {
        let forks = Arc::new(Mutex::new(vec![inner.fork()]));
        Self { inner, trouble, forks }
    }

    /// How many writes there were.
    pub(crate) fn writes(&self) -> usize {
        self.forks.lock().unwrap().len() - 1
    }

    /// What a crash after `writes` writes leaves.
    pub(crate) fn after(&self, writes: usize) -> MemoryLedger {
        self.forks.lock().unwrap()[writes].fork()
    }
}

impl Reader for Faulty {
    fn get(&self, column: Column, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        self.inner.get(column, key)
    }
    fn scan(&self, column: Column, from: &[u8], visit: Visit<'_>) -> Result<(), Fault> {
        self.inner.scan(column, from, visit)
    }
    fn last(&self, column: Column) -> Result<Option<Pair>, Fault> {
        self.inner.last(column)
    }
}

impl Ledger for Faulty {
    fn write(&self, batch: Batch, durability: Durability) -> Result<(), Fault> {
        let mut forks = self.forks.lock().unwrap();
        let number = forks.len() - 1;
        let batch = match self.trouble {
            Trouble::FullAt(full) if number >= full => {
                return Err(Fault::DiskFull("planted".into()));
            }
            Trouble::Forgets(from, column) if number >= from => without(batch, column),
            _ => batch,
        };
        self.inner.write(batch, durability)?;
        forks.push(self.inner.fork());
        Ok(())
    }

    fn snapshot(&self) -> Arc<dyn Reader> {
        self.inner.snapshot()
    }
}

fn without(batch: Batch, forgotten: Column) -> Batch {
    let mut kept = Batch::new();
    for (column, op) in batch.into_ops() {
        match op {
            Op::Put(..) if column == forgotten => {}
            Op::Put(key, value) => kept.put(column, key, value),
            Op::Delete(key) => kept.delete(column, key),
            Op::DeleteRange(from, to) => kept.delete_range(column, from, to),
        }
    }
    kept
}
