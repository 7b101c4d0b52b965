//! Why events left the pool without being mined; the latest are remembered.

// The derived codec casts the explicit index.
#![allow(clippy::cast_possible_truncation)]

use crate::journal;
use blocktree_primitives::{EventId, Height};
use blocktree_state::Batch;
use parity_scale_codec::{Decode, Encode};
use std::collections::BTreeMap;

/// Bytes of a template's words that are kept.
const MAX_REASON: usize = 200;

/// Why a waiting event was dropped. SCALE: the index, then the fields.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, thiserror::Error)]
pub enum Dropped {
    /// Its signer sent another event with the same nonce and a higher fee.
    #[codec(index = 0)]
    #[error("replaced by event {by}")]
    Replaced {
        /// The other event.
        by: EventId,
    },
    /// The last block that may hold it has passed.
    #[codec(index = 1)]
    #[error("expired after height {valid_until}")]
    Expired {
        /// Its last height.
        valid_until: Height,
    },
    /// It waited longer than this node lets events wait.
    #[codec(index = 2)]
    #[error("waited from height {since} on, too long for this node")]
    WaitedTooLong {
        /// The tip when it came.
        since: Height,
    },
    /// Its nonce was used by another event of the ledger, or by itself while the pool was not told.
    #[codec(index = 3)]
    #[error("nonce {nonce} was used on the ledger{}", other(.by))]
    NonceUsed {
        /// Its nonce.
        nonce: u64,
        /// The event that used it, if the pool was told.
        by: Option<EventId>,
    },
    /// The pool was full and its rate the lowest.
    #[codec(index = 4)]
    #[error("the pool was full and this event paid least")]
    Evicted,
    /// Templates refused it as often as this node tries.
    #[codec(index = 5)]
    #[error("refused by {attempts} templates: {reason}")]
    Refused {
        /// How often.
        attempts: u32,
        /// Why, at the last attempt.
        reason: String,
    },
    /// This version of the program does not find it valid; seen when the node started.
    #[codec(index = 6)]
    #[error("not valid by this version's rules: {reason}")]
    Invalid {
        /// Why.
        reason: String,
    },
}

fn other(by: &Option<EventId>) -> String {
    by.map_or_else(String::new, |id| format!(" by event {id}"))
}

/// The first [`MAX_REASON`] bytes of a reason, whole characters.
pub(crate) fn bounded(reason: &str) -> String {
    reason[..reason.floor_char_boundary(MAX_REASON)].to_owned()
}

/// The reasons of the latest drops, by event id and in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Drops {
    pub(crate) limit: usize,
    pub(crate) by_id: BTreeMap<EventId, (u64, Dropped)>,
    pub(crate) in_order: BTreeMap<u64, EventId>,
    next: u64,
}

impl Drops {
    pub(crate) const fn new(limit: usize) -> Self {
        Self { limit, by_id: BTreeMap::new(), in_order: BTreeMap::new(), next: 0 }
    }

    pub(crate) fn get(&self, id: &EventId) -> Option<&Dropped> {
        self.by_id.get(id).map(|(_, dropped)| dropped)
    }

    /// Remembers a reason in place of an older one for the same event and, if there are too many,
    /// of the oldest.
    pub(crate) fn record(&mut self, id: EventId, dropped: Dropped, batch: &mut Batch) {
        let number = self.next;
        journal::put_drop(batch, number, &id, &dropped);
        self.restore(number, id, dropped, batch);
    }

    /// Takes a reason back from the journal.
    pub(crate) fn restore(&mut self, number: u64, id: EventId, reason: Dropped, batch: &mut Batch) {
        self.forget(&id, batch);
        self.in_order.insert(number, id);
        self.by_id.insert(id, (number, reason));
        self.next = self.next.max(number.saturating_add(1));
        while self.in_order.len() > self.limit
            && let Some((oldest, id)) = self.in_order.pop_first()
        {
            self.by_id.remove(&id);
            journal::delete_drop(batch, oldest);
        }
    }

    /// Forgets the reason for an event that waits again or was mined after all.
    pub(crate) fn forget(&mut self, id: &EventId, batch: &mut Batch) {
        if let Some((number, _)) = self.by_id.remove(id) {
            self.in_order.remove(&number);
            journal::delete_drop(batch, number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_frozen_and_bounded() {
        let golden = [
            (Dropped::Replaced { by: EventId([9; 32]) }, {
                let mut bytes = vec![0];
                bytes.extend([9; 32]);
                bytes
            }),
            (Dropped::Expired { valid_until: Height(258) }, vec![1, 2, 1, 0, 0, 0, 0, 0, 0]),
            (Dropped::WaitedTooLong { since: Height(3) }, vec![2, 3, 0, 0, 0, 0, 0, 0, 0]),
            (Dropped::NonceUsed { nonce: 4, by: None }, vec![3, 4, 0, 0, 0, 0, 0, 0, 0, 0]),
            (Dropped::Evicted, vec![4]),
            (
                Dropped::Refused { attempts: 8, reason: "no".into() },
                // The compact length of 2 bytes is 2 << 2 = 8.
                vec![5, 8, 0, 0, 0, 8, b'n', b'o'],
            ),
        ];
        for (dropped, bytes) in golden {
            assert_eq!(dropped.encode(), bytes);
            assert_eq!(Dropped::decode(&mut &bytes[..]), Ok(dropped));
        }
        // 199 bytes and one character of two: that character goes.
        let long = format!("{}é", "x".repeat(199));
        assert_eq!(bounded(&long), "x".repeat(199));
        assert_eq!(bounded("short"), "short");
    }

    #[test]
    fn the_oldest_reason_goes_first_and_a_new_one_takes_the_old_ones_place() {
        let id = |byte| EventId([byte; 32]);
        let mut drops = Drops::new(2);
        let mut batch = Batch::new();
        drops.record(id(1), Dropped::Evicted, &mut batch);
        drops.record(id(2), Dropped::Evicted, &mut batch);
        drops.record(id(1), Dropped::WaitedTooLong { since: Height(1) }, &mut batch);
        assert_eq!(drops.in_order.len(), 2);
        drops.record(id(3), Dropped::Evicted, &mut batch);
        assert_eq!(drops.get(&id(2)), None);
        assert_eq!(drops.get(&id(1)), Some(&Dropped::WaitedTooLong { since: Height(1) }));
        drops.forget(&id(1), &mut batch);
        assert_eq!(drops.get(&id(1)), None);
        assert_eq!(drops.in_order.values().collect::<Vec<_>>(), [&id(3)]);
        // A damaged journal may name one twice.
        drops.restore(77, id(3), Dropped::Evicted, &mut batch);
        assert_eq!(drops.in_order.keys().collect::<Vec<_>>(), [&77]);
    }
}
