//! The part of the state that was written lately, in memory: a block mostly reads what the blocks
//! before it wrote, and a lookup on disk costs more than the rest of an event's fold.

use blocktree_state::{Delta, Fault, StateView, View, Visit};
use std::collections::HashMap;

/// Bytes of one generation; there are two.
const LIMIT: usize = 16 << 20;
/// What a pair takes beside its bytes, roughly.
const OVERHEAD: usize = 96;

/// Values that the last blocks wrote; `None` of what they removed.
#[derive(Debug, Default)]
pub(crate) struct RecentState {
    young: Generation,
    old: Generation,
}

#[derive(Debug, Default)]
struct Generation {
    pairs: HashMap<Vec<u8>, Option<Vec<u8>>>,
    bytes: usize,
}

impl RecentState {
    /// Notes what a step of the tip changed. To be told every step, or nothing is right any more.
    pub(crate) fn apply(&mut self, delta: &Delta) {
        for (key, change) in delta.iter() {
            let len = key.len() + change.new.as_ref().map_or(0, Vec::len) + OVERHEAD;
            if let Some(value) = self.young.pairs.get_mut(key) {
                // A list may grow by much: what it takes now is what counts.
                let before = value.as_ref().map_or(0, Vec::len);
                let now = change.new.as_ref().map_or(0, Vec::len);
                value.clone_from(&change.new);
                self.young.bytes = self.young.bytes.saturating_sub(before) + now;
                if self.young.bytes > LIMIT {
                    self.old = core::mem::take(&mut self.young);
                }
                continue;
            }
            if self.young.bytes + len > LIMIT {
                self.old = core::mem::take(&mut self.young);
            }
            self.young.bytes += len;
            self.young.pairs.insert(key.to_vec(), change.new.clone());
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    fn get(&self, key: &[u8]) -> Option<&Option<Vec<u8>>> {
        self.young.pairs.get(key).or_else(|| self.old.pairs.get(key))
    }
}

/// The state at the tip, what was written lately from memory.
pub(crate) struct RecentView<'a> {
    pub(crate) recent: &'a RecentState,
    pub(crate) base: StateView<'a>,
}

impl View for RecentView<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        match self.recent.get(key) {
            Some(value) => Ok(value.clone()),
            None => self.base.get(key),
        }
    }
    fn scan(&self, from: &[u8], visit: Visit<'_>) -> Result<(), Fault> {
        self.base.scan(from, visit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use blocktree_state::{Change, MemoryLedger};

    fn delta(key: u32, new: Option<Vec<u8>>) -> Delta {
        let old = Some(vec![0xff]);
        Delta::new([(key.to_be_bytes().to_vec(), Change { old, new })])
    }

    #[test]
    fn the_latest_word_counts_and_memory_is_bounded() {
        let ledger = MemoryLedger::new();
        let mut recent = RecentState::default();
        let get = |recent: &RecentState, key: u32| {
            let base = StateView(&ledger);
            RecentView { recent, base }.get(&key.to_be_bytes()).unwrap()
        };
        recent.apply(&delta(1, Some(vec![1])));
        recent.apply(&delta(2, Some(vec![2])));
        recent.apply(&delta(2, None));
        assert_eq!((get(&recent, 1), get(&recent, 2)), (Some(vec![1]), None));
        assert_eq!(recent.get(&2u32.to_be_bytes()), Some(&None), "known to be absent");
        // 1,000 bytes each, 4 of key and 96 of overhead: 15,252 fill a generation of 2^24.
        for key in 10..15_300 {
            recent.apply(&delta(key, Some(vec![3; 1000])));
        }
        assert_eq!(get(&recent, 1), Some(vec![1]), "in the old generation");
        recent.apply(&delta(1, Some(vec![4])));
        assert_eq!(get(&recent, 1), Some(vec![4]), "the young one goes first");
        for key in 20_000..60_000 {
            recent.apply(&delta(key, Some(vec![3; 1000])));
        }
        assert_eq!(recent.get(&1u32.to_be_bytes()), None);
        assert!(recent.young.bytes <= LIMIT && recent.old.bytes <= LIMIT);
        assert_eq!(get(&recent, 59_999), Some(vec![3; 1000]));
        // Values that grow in place count, too: 20 of 2^20 bytes are more than a generation.
        recent.clear();
        for len in [1, 1 << 20] {
            for key in 0..20 {
                recent.apply(&delta(key, Some(vec![5; len])));
            }
        }
        assert!(!recent.old.pairs.is_empty(), "a generation was full");
        assert!(recent.young.bytes <= LIMIT);
        recent.clear();
        assert_eq!(recent.get(&59_999u32.to_be_bytes()), None);
    }
}
