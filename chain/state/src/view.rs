//! Reading the flat global state.

pub use crate::ledger::Visit;
use crate::{Column, Fault, Reader};

/// The global state as pairs of logical key and value.
pub trait View {
    /// The value at a logical key; never empty.
    ///
    /// # Errors
    /// A [`Fault`] of the disk.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault>;

    /// Visits pairs from `from` (inclusive) on, in key order, until told to stop.
    ///
    /// # Errors
    /// A [`Fault`] of the disk.
    fn scan(&self, from: &[u8], visit: Visit<'_>) -> Result<(), Fault>;
}

/// The state column of a reader.
pub struct StateView<'r>(pub &'r dyn Reader);

impl View for StateView<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        self.0.get(Column::State, key)
    }
    fn scan(&self, from: &[u8], visit: Visit<'_>) -> Result<(), Fault> {
        self.0.scan(Column::State, from, visit)
    }
}

/// The state before genesis: nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct EmptyView;

impl View for EmptyView {
    fn get(&self, _key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        Ok(None)
    }
    fn scan(&self, _from: &[u8], _visit: Visit<'_>) -> Result<(), Fault> {
        Ok(())
    }
}
