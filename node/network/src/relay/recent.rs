//! A set that forgets.

use std::collections::{BTreeSet, VecDeque};

/// The last items that were put in, so many at most; then the oldest is forgotten.
#[derive(Clone, Debug)]
pub(super) struct Recent<T> {
    max: usize,
    order: VecDeque<T>,
    items: BTreeSet<T>,
}

impl<T: Copy + Ord> Recent<T> {
    /// An empty set of at most `max` items.
    pub(super) const fn new(max: usize) -> Self {
        Self { max, order: VecDeque::new(), items: BTreeSet::new() }
    }

    /// Puts an item in; whether it was not there. An item that was there does not become younger.
    pub(super) fn insert(&mut self, item: T) -> bool {
        if !self.items.insert(item) {
            return false;
        }
        self.order.push_back(item);
        if self.order.len() > self.max
            && let Some(oldest) = self.order.pop_front()
        {
            self.items.remove(&oldest);
        }
        true
    }

    /// Whether an item is there.
    pub(super) fn contains(&self, item: &T) -> bool {
        self.items.contains(item)
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.order.clear();
        self.items.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_forgotten_first() {
        let mut recent = Recent::new(3);
        for item in [1, 2, 3] {
            assert!(recent.insert(item));
        }
        assert!(!recent.insert(1), "known, and no younger for it");
        assert!(recent.insert(4));
        let known: Vec<u8> = (0..6).filter(|item| recent.contains(item)).collect();
        assert_eq!(known, [2, 3, 4]);
        assert_eq!(recent.order.len(), recent.items.len());
        recent.clear();
        assert!(!recent.contains(&4) && recent.insert(4));
    }

    #[test]
    fn a_set_of_none_stays_empty() {
        let mut recent = Recent::new(0);
        assert!(recent.insert(1));
        assert!(!recent.contains(&1));
    }
}
