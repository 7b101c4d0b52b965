//! What a block changed, and how to take it back.

use crate::{Batch, Column, Fault, View};
use parity_scale_codec::{Decode, Encode};
use std::collections::BTreeMap;

/// A value before and after; `None` where there is none.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Change {
    /// What was there before.
    pub old: Option<Vec<u8>>,
    /// What is there now.
    pub new: Option<Vec<u8>>,
}

/// The changes of a block (or of several), by logical key. Only real changes: `old != new`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delta {
    changes: BTreeMap<Vec<u8>, Change>,
}

impl Delta {
    /// A delta from changes; those that change nothing are left out.
    #[must_use]
    pub fn new(changes: impl IntoIterator<Item = (Vec<u8>, Change)>) -> Self {
        Self { changes: changes.into_iter().filter(|(_, c)| c.old != c.new).collect() }
    }

    /// The changes in key order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &Change)> {
        self.changes.iter().map(|(key, change)| (key.as_slice(), change))
    }

    /// What became of a key; `None` if it did not change.
    #[must_use]
    pub fn get(&self, key: &[u8]) -> Option<&Change> {
        self.changes.get(key)
    }

    /// How many keys changed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// Whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The changes that take this delta back.
    #[must_use]
    pub fn inverse(&self) -> Self {
        let swap = |c: &Change| Change { old: c.new.clone(), new: c.old.clone() };
        Self { changes: self.changes.iter().map(|(key, c)| (key.clone(), swap(c))).collect() }
    }

    /// Adds the new values to a batch.
    pub fn write_to(&self, batch: &mut Batch) {
        for (key, change) in &self.changes {
            match &change.new {
                Some(value) => batch.put(Column::State, key.clone(), value.clone()),
                None => batch.delete(Column::State, key.clone()),
            }
        }
    }

    /// The delta that takes a block back, from its undo record and the values of now.
    ///
    /// # Errors
    /// [`Fault::Corrupt`] if the record is not one, or a fault of the disk.
    pub fn from_undo_record(record: &[u8], now: &dyn View) -> Result<Self, Fault> {
        let mut rest = record;
        let records = Vec::<(Vec<u8>, Option<Vec<u8>>)>::decode(&mut rest)
            .ok()
            .filter(|_| rest.is_empty())
            .ok_or_else(|| Fault::Corrupt("an undo record can't be read".into()))?;
        let mut changes = BTreeMap::new();
        for (key, before) in records {
            let change = Change { old: now.get(&key)?, new: before };
            changes.insert(key, change);
        }
        Ok(Self::new(changes))
    }

    /// The undo record: every changed key and its old value. SCALE:
    /// `Vec<(Vec<u8>, Option<Vec<u8>>)>` in key order.
    #[must_use]
    pub fn undo_record(&self) -> Vec<u8> {
        let records: Vec<(&Vec<u8>, &Option<Vec<u8>>)> =
            self.changes.iter().map(|(key, change)| (key, &change.old)).collect();
        records.encode()
    }
}
