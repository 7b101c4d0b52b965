//! Writes on top of a view, kept apart until a block is known to be valid.

use crate::view::Visit;
use crate::{Change, Delta, Fault, View};
use core::cell::RefCell;
use core::ops::ControlFlow;
use std::collections::BTreeMap;

/// A key that was read or written: what the base holds, and what it holds now.
#[derive(Clone, Debug)]
struct Entry {
    base: Option<Vec<u8>>,
    now: Option<Vec<u8>>,
}

/// A place to which [`Overlay::rollback`] returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Checkpoint(usize);

/// Reads through to a base view and keeps writes to itself.
///
/// An event is applied between a [`checkpoint`](Overlay::checkpoint) and, if it is refused, a
/// [`rollback`](Overlay::rollback): a refusal leaves no trace.
pub struct Overlay<'v> {
    base: &'v dyn View,
    // Reads are kept too: a fold reads its accounts many times, and an undo record needs the
    // old value of every key that is written.
    entries: RefCell<BTreeMap<Vec<u8>, Entry>>,
    log: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

impl<'v> Overlay<'v> {
    /// No writes yet, on top of `base`.
    #[must_use]
    pub fn new(base: &'v dyn View) -> Self {
        Self { base, entries: RefCell::new(BTreeMap::new()), log: Vec::new() }
    }

    /// Writes `value`, which must not be empty (docs/protocol.md §5), at `key`.
    ///
    /// # Errors
    /// A [`Fault`] of the disk while the old value is read, or [`Fault::Bug`] for an empty value.
    pub fn put(&mut self, key: Vec<u8>, value: Vec<u8>) -> Result<(), Fault> {
        if value.is_empty() {
            return Err(Fault::Bug("an empty value was put into the state".into()));
        }
        self.set(key, Some(value))
    }

    /// Removes `key`, present or not.
    ///
    /// # Errors
    /// A [`Fault`] of the disk while the old value is read.
    pub fn remove(&mut self, key: Vec<u8>) -> Result<(), Fault> {
        self.set(key, None)
    }

    fn set(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) -> Result<(), Fault> {
        let base = self.base;
        let entries = self.entries.get_mut();
        let before = match entries.get_mut(&key) {
            Some(entry) => core::mem::replace(&mut entry.now, value),
            None => {
                let old = base.get(&key)?;
                entries.insert(key.clone(), Entry { base: old.clone(), now: value });
                old
            }
        };
        self.log.push((key, before));
        Ok(())
    }

    /// The present place.
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint(self.log.len())
    }

    /// Takes back all writes since `to`.
    pub fn rollback(&mut self, to: Checkpoint) {
        let entries = self.entries.get_mut();
        while self.log.len() > to.0 {
            if let Some((key, before)) = self.log.pop()
                && let Some(entry) = entries.get_mut(&key)
            {
                entry.now = before;
            }
        }
    }

    /// Everything that differs from the base.
    #[must_use]
    pub fn into_delta(self) -> Delta {
        let entries = self.entries.into_inner();
        Delta::new(entries.into_iter().map(|(key, e)| (key, Change { old: e.base, new: e.now })))
    }

    /// Everything that differs from the base, without ending the overlay.
    #[must_use]
    pub fn delta(&self) -> Delta {
        let entries = self.entries.borrow();
        Delta::new(
            entries
                .iter()
                .map(|(key, e)| (key.clone(), Change { old: e.base.clone(), new: e.now.clone() })),
        )
    }
}

impl View for Overlay<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        if let Some(entry) = self.entries.borrow().get(key) {
            return Ok(entry.now.clone());
        }
        let value = self.base.get(key)?;
        let entry = Entry { base: value.clone(), now: value.clone() };
        self.entries.borrow_mut().insert(key.to_vec(), entry);
        Ok(value)
    }

    fn scan(&self, from: &[u8], visit: Visit<'_>) -> Result<(), Fault> {
        // A copy of what was touched from `from` on: the visitor may read through this overlay.
        let touched: BTreeMap<Vec<u8>, Option<Vec<u8>>> = {
            let entries = self.entries.borrow();
            entries.range(from.to_vec()..).map(|(key, e)| (key.clone(), e.now.clone())).collect()
        };
        let mut ours = touched.iter().peekable();
        let mut stopped = false;
        let mut step = |key: &[u8], value: &[u8]| {
            let flow = visit(key, value);
            stopped = flow.is_break();
            flow
        };
        self.base.scan(from, &mut |key, value| {
            while let Some((our_key, our_value)) = ours.peek().copied() {
                if our_key.as_slice() > key {
                    break;
                }
                ours.next();
                if let Some(our_value) = our_value {
                    step(our_key, our_value)?;
                }
                if our_key.as_slice() == key {
                    return ControlFlow::Continue(());
                }
            }
            step(key, value)
        })?;
        for (key, value) in ours {
            if stopped {
                break;
            }
            if let Some(value) = value {
                stopped = visit(key, value).is_break();
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Batch, Column, Durability, Ledger, MemoryLedger, StateView};
    use proptest::prelude::*;

    fn pairs(view: &dyn View) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut found = Vec::new();
        view.scan(&[], &mut |k, v| {
            found.push((k.to_vec(), v.to_vec()));
            ControlFlow::Continue(())
        })
        .unwrap();
        found
    }

    #[test]
    fn a_rollback_leaves_no_trace() {
        let ledger = MemoryLedger::new();
        let view = StateView(&ledger);
        let mut overlay = Overlay::new(&view);
        overlay.put(vec![1], vec![1]).unwrap();
        let before = overlay.checkpoint();
        overlay.put(vec![1], vec![2]).unwrap();
        overlay.remove(vec![1]).unwrap();
        overlay.put(vec![2], vec![3]).unwrap();
        overlay.rollback(before);
        assert_eq!(pairs(&overlay), [(vec![1], vec![1])]);
        assert_eq!(overlay.into_delta().len(), 1);
    }

    #[test]
    fn a_scan_stops_when_told() {
        let ledger = MemoryLedger::new();
        let view = StateView(&ledger);
        let mut overlay = Overlay::new(&view);
        for key in 0..5 {
            overlay.put(vec![key], vec![1]).unwrap();
        }
        let mut seen = 0;
        overlay
            .scan(&[1], &mut |_, _| {
                seen += 1;
                if seen == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })
            .unwrap();
        assert_eq!(seen, 2);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// Against a plain map: reads, scans, and that the inverse delta restores the base.
        #[test]
        fn behaves_as_a_map_and_reverts(
            base in prop::collection::btree_map(any::<u8>(), 1u8..4, 0..20),
            writes in prop::collection::vec((any::<u8>(), prop::option::of(1u8..4)), 0..40),
        ) {
            let ledger = MemoryLedger::new();
            let mut batch = Batch::new();
            for (k, v) in &base {
                batch.put(Column::State, vec![*k], vec![*v]);
            }
            ledger.write(batch, Durability::Process).unwrap();
            let at_start = pairs(&StateView(&ledger));

            let mut expected = base.clone();
            let delta = {
                let view = StateView(&ledger);
                let mut overlay = Overlay::new(&view);
                for (k, v) in &writes {
                    match v {
                        Some(v) => {
                            expected.insert(*k, *v);
                            overlay.put(vec![*k], vec![*v]).unwrap();
                        }
                        None => {
                            expected.remove(k);
                            overlay.remove(vec![*k]).unwrap();
                        }
                    }
                    prop_assert_eq!(overlay.get(&[*k]).unwrap(), v.map(|v| vec![v]));
                }
                let expected: Vec<_> = expected.iter().map(|(k, v)| (vec![*k], vec![*v])).collect();
                prop_assert_eq!(pairs(&overlay), expected);
                overlay.into_delta()
            };
            let (undo, inverse) = (delta.undo_record(), delta.inverse());
            let view = StateView(&ledger);
            let after = crate::DeltaView { base: &view, delta: &delta };
            let scanned = pairs(&after);
            let mut batch = Batch::new();
            delta.write_to(&mut batch);
            ledger.write(batch, Durability::Process).unwrap();
            prop_assert_eq!(pairs(&StateView(&ledger)), scanned);
            let from_undo = crate::Delta::from_undo_record(&undo, &StateView(&ledger)).unwrap();
            prop_assert_eq!(&from_undo, &inverse);
            let mut batch = Batch::new();
            from_undo.write_to(&mut batch);
            ledger.write(batch, Durability::Process).unwrap();
            prop_assert_eq!(pairs(&StateView(&ledger)), at_start);
        }
    }
}
