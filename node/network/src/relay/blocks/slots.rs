//! The events of a block that is told by short ids, as they are found.

use crate::local::Local;
use crate::message::{ShortId, short_ids};
use blocktree_consensus::Body;
use blocktree_primitives::block::MAX_BLOCK_LEN;
use blocktree_primitives::{BlockHash, Commitment};
use parity_scale_codec::{Compact, Decode, Encode};

/// Waiting events whose short ids are made at once: enough for the widest hashing to pay, few enough
/// for their copies to stay in a cache.
const BATCH: usize = 256;

/// The places of a block's events, some of them filled.
#[derive(Debug)]
pub(super) struct Slots {
    events: Vec<Option<Vec<u8>>>,
    /// Bytes of those that are there; no block has more than [`MAX_BLOCK_LEN`].
    len: usize,
}

impl Slots {
    /// Fills what it can from the events that wait in the pool.
    pub(super) fn from_pool(local: &impl Local, block: &BlockHash, ids: &[ShortId]) -> Self {
        let mut slots = Self { events: vec![None; ids.len()], len: 0 };
        if ids.is_empty() {
            return slots;
        }
        let sought = Sought::new(ids);
        let mut found = vec![Found::None; ids.len()];
        let mut batch = Batch::default();
        let mut look = |batch: &mut Batch| {
            let short = short_ids(block, &batch.leaves);
            for (id, event) in short.iter().zip(batch.events()) {
                if let Some(slot) = sought.slot(id).and_then(|slot| found.get_mut(slot)) {
                    slot.add(event);
                }
            }
            batch.clear();
        };
        local.visit_waiting(&mut |leaf, event| {
            batch.push(leaf, event);
            if batch.leaves.len() == BATCH {
                look(&mut batch);
            }
        });
        look(&mut batch);
        for (index, found) in found.into_iter().enumerate() {
            if let Found::One(event) = found {
                // Too much only if the ids lie; then the rest stays missing.
                slots.fill(index, event);
            }
        }
        slots
    }

    /// The places that are not filled, ascending.
    pub(super) fn missing(&self) -> Vec<u16> {
        let empty = self.events.iter().enumerate().filter(|(_, event)| event.is_none());
        empty.filter_map(|(index, _)| u16::try_from(index).ok()).collect()
    }

    /// Fills a place that is empty; false if no block has so many bytes.
    pub(super) fn fill(&mut self, index: usize, event: Vec<u8>) -> bool {
        let Some(slot @ None) = self.events.get_mut(index) else { return true };
        let len = self.len.saturating_add(event.len());
        if len > MAX_BLOCK_LEN {
            return false;
        }
        self.len = len;
        *slot = Some(event);
        true
    }

    /// The body, if all places are filled with the events that a block commits to.
    pub(super) fn body_of<C: Encode + Decode>(&self, commitment: &Commitment) -> Option<Body<C>> {
        let count = u32::try_from(self.events.len()).ok()?;
        let mut bytes = Compact(count).encode();
        for event in &self.events {
            bytes.extend_from_slice(event.as_ref()?);
        }
        let body = Body::decode(&bytes).ok()?;
        (body.event_root() == commitment.event_root).then_some(body)
    }
}

/// What the pool has for a place.
#[derive(Clone)]
enum Found {
    None,
    One(Vec<u8>),
    /// Several events: only whoever told the block knows which.
    Several,
}

impl Found {
    fn add(&mut self, event: &[u8]) {
        *self = match self {
            Self::None => Self::One(event.to_vec()),
            Self::One(_) | Self::Several => Self::Several,
        };
    }
}

/// Short ids by value. Nearly all events of a full pool are in no block, so a look at one bit of 64 Ki
/// comes first.
struct Sought {
    bits: Vec<u64>,
    sorted: Vec<(ShortId, usize)>,
}

/// Words of the filter: a bit for each value of the first two bytes.
const WORDS: usize = (1 << 16) / 64;

impl Sought {
    fn new(ids: &[ShortId]) -> Self {
        let mut sorted: Vec<(ShortId, usize)> =
            ids.iter().enumerate().map(|(index, id)| (*id, index)).collect();
        sorted.sort_unstable();
        let mut bits = vec![0; WORDS];
        for (id, _) in &sorted {
            let (word, bit) = place(id);
            if let Some(word) = bits.get_mut(word) {
                *word |= bit;
            }
        }
        Self { bits, sorted }
    }

    /// The place of the event with this short id; none if there are two such places.
    fn slot(&self, id: &ShortId) -> Option<usize> {
        let (word, bit) = place(id);
        if self.bits.get(word).is_none_or(|word| word & bit == 0) {
            return None;
        }
        let first = self.sorted.partition_point(|(other, _)| other < id);
        match self.sorted.get(first..)? {
            [(one, _), (two, _), ..] if one == id && two == id => None,
            [(one, index), ..] if one == id => Some(*index),
            _ => None,
        }
    }
}

/// The word and the bit in it that stand for a short id.
fn place(id: &ShortId) -> (usize, u64) {
    let value = usize::from(u16::from_be_bytes([id[0], id[1]]));
    (value / 64, 1 << (value % 64))
}

/// Events that are looked at together.
#[derive(Default)]
struct Batch {
    leaves: Vec<[u8; 32]>,
    bytes: Vec<u8>,
    /// Where each event ends.
    ends: Vec<usize>,
}

impl Batch {
    fn push(&mut self, leaf: &[u8; 32], event: &[u8]) {
        self.leaves.push(*leaf);
        self.bytes.extend_from_slice(event);
        self.ends.push(self.bytes.len());
    }

    fn events(&self) -> impl Iterator<Item = &[u8]> {
        let starts = core::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| self.bytes.get(start..*end).unwrap_or_default())
    }

    fn clear(&mut self) {
        self.leaves.clear();
        self.bytes.clear();
        self.ends.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_id_is_found_at_its_only_place() {
        let ids = [[1, 0, 0, 0, 0, 9], [1, 0, 0, 0, 0, 8], [2; 6], [255; 6], [2; 6]];
        let sought = Sought::new(&ids);
        assert_eq!(sought.slot(&ids[0]), Some(0));
        assert_eq!(sought.slot(&ids[1]), Some(1));
        assert_eq!(sought.slot(&ids[3]), Some(3));
        assert_eq!(sought.slot(&ids[2]), None, "two places");
        assert_eq!(sought.slot(&[1, 0, 0, 0, 0, 7]), None, "the same bit of the filter");
        assert_eq!(sought.slot(&[0; 6]), None);
        assert_eq!(Sought::new(&[]).slot(&[0; 6]), None);
    }

    #[test]
    fn no_more_bytes_are_held_than_a_block_has() {
        let mut slots = Slots { events: vec![None; 3], len: 0 };
        assert!(slots.fill(0, vec![0; MAX_BLOCK_LEN - 5]));
        assert!(!slots.fill(1, vec![0; 6]));
        assert!(slots.fill(1, vec![0; 5]));
        assert!(slots.fill(1, vec![0; 6]), "filled already, nothing is added");
        assert!(!slots.fill(2, vec![0]));
        assert_eq!(slots.missing(), [2]);
    }
}
