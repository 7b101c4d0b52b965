//! One signer's waiting events.

use crate::FeeRate;
use blocktree_consensus::{Account, CheckedEvent};
use blocktree_primitives::{Height, Principal};
use core::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A waiting event and what the pool notes with it.
#[derive(Clone, Debug)]
pub(crate) struct Entry<C> {
    pub(crate) event: Arc<CheckedEvent<C>>,
    /// Order of arrival; among equals the earlier is mined first and evicted last.
    pub(crate) sequence: u64,
    /// The tip's height when the event came.
    pub(crate) since: Height,
    /// The last block that may hold the event, by its own word or by policy.
    pub(crate) last: Height,
    /// What templates said of it, or of the event whose nonce it took over.
    pub(crate) refused: Option<Box<Refused>>,
}

/// What templates said of a waiting event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) attempts: u32,
    pub(crate) reason: String,
    /// The tip from which on the event is offered again.
    pub(crate) retry_from: Height,
    /// Whether it is still to be kept back.
    pub(crate) parked: bool,
}

impl<C> Entry<C> {
    pub(crate) fn is_parked(&self) -> bool {
        self.refused.as_ref().is_some_and(|refused| refused.parked)
    }
}

/// How much a lane's tail deserves its room: the lowest is evicted first.
///
/// The tail can be mined only after all the events before it, so it is worth no more than the
/// poorest of them: a rich tail does not protect a poor head, nor itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Standing {
    /// Whether every event of the lane could be mined in turn: no nonce is missing, no template
    /// refused one, and the signer can pay all fees. Others take room that they may never pay for.
    pub(crate) sound: bool,
    /// The lowest rate in the lane.
    pub(crate) rate: FeeRate,
    /// The sequence of the tail.
    pub(crate) age: Reverse<u64>,
}

/// The next event of a lane: the greatest is mined first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Head {
    pub(crate) rate: FeeRate,
    /// The sequence; no other event has the same.
    pub(crate) age: Reverse<u64>,
    pub(crate) author: Principal,
    pub(crate) nonce: u64,
    /// Whether it may answer challenges.
    pub(crate) answers: bool,
}

/// One signer's waiting events by nonce; those that wait for a missing one are among them.
#[derive(Clone, Debug)]
pub(crate) struct Lane<C> {
    pub(crate) account: Account,
    pub(crate) entries: BTreeMap<u64, Entry<C>>,
    /// The sum of all fees.
    pub(crate) fees: u128,
    /// How many entries templates refused.
    pub(crate) refused: usize,
    /// As the pool's indexes have it.
    pub(crate) standing: Option<Standing>,
    /// As the pool's indexes have it.
    pub(crate) head: Option<Head>,
}

impl<C> Lane<C> {
    pub(crate) const fn new(account: Account) -> Self {
        Self { account, entries: BTreeMap::new(), fees: 0, refused: 0, standing: None, head: None }
    }

    /// The lane's standing as it is now; none without entries.
    pub(crate) fn find_standing(&self) -> Option<Standing> {
        let (last, tail) = self.entries.last_key_value()?;
        let rate = self.entries.values().map(|e| FeeRate::of(&e.event)).min()?;
        let span = last.checked_sub(self.account.nonce);
        let gapless = span == u64::try_from(self.entries.len() - 1).ok();
        let paid = self.fees <= u128::from(self.account.free.units());
        Some(Standing {
            sound: gapless && paid && self.refused == 0,
            rate,
            age: Reverse(tail.sequence),
        })
    }

    /// The event that a template may take next, as it is now.
    pub(crate) fn find_head(&self) -> Option<Head> {
        self.offer(self.account.nonce).map(head_of)
    }

    /// The entry with this nonce unless it is kept back.
    pub(crate) fn offer(&self, nonce: u64) -> Option<&Entry<C>> {
        self.entries.get(&nonce).filter(|entry| !entry.is_parked())
    }

    /// The first nonce from `from` on that no waiting event has.
    pub(crate) fn free_nonce(&self, from: u64) -> u64 {
        self.entries.range(from..).fold(from, |free, (&nonce, _)| {
            if nonce == free { free.saturating_add(1) } else { free }
        })
    }
}

/// The place of an entry in the order of mining.
pub(crate) fn head_of<C>(entry: &Entry<C>) -> Head {
    Head {
        rate: FeeRate::of(&entry.event),
        age: Reverse(entry.sequence),
        author: entry.event.author(),
        nonce: entry.event.event().nonce,
        answers: entry.event.may_answer(),
    }
}
