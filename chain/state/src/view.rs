//! Reading the flat global state.

pub use crate::ledger::Visit;
use crate::{Column, Delta, Fault, Overlay, Reader};

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

/// A view with a delta on top: the state after a block that is not written yet.
pub struct DeltaView<'a> {
    /// What the delta was made on.
    pub base: &'a dyn View,
    /// What changed.
    pub delta: &'a Delta,
}

impl View for DeltaView<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        match self.delta.get(key) {
            Some(change) => Ok(change.new.clone()),
            None => self.base.get(key),
        }
    }
    fn scan(&self, from: &[u8], visit: Visit<'_>) -> Result<(), Fault> {
        let mut overlay = Overlay::new(self.base);
        for (key, change) in self.delta.iter() {
            match &change.new {
                Some(value) => overlay.put(key.to_vec(), value.clone())?,
                None => overlay.remove(key.to_vec())?,
            }
        }
        overlay.scan(from, visit)
    }
}
