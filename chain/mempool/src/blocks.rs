//! What blocks do to the pool: they mine events, use nonces, let events expire; taken back, they
//! return their events.

use crate::lane::Entry;
use crate::{Dropped, Pool, Tip, journal};
use blocktree_consensus::{Account, CheckedEvent};
use blocktree_primitives::{Amount, EventId, Principal};
use blocktree_state::Batch;
use std::collections::BTreeMap;
use std::sync::Arc;

/// An event of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mined {
    /// Its id.
    pub id: EventId,
    /// The principal of its signer.
    pub author: Principal,
    /// Its nonce.
    pub nonce: u64,
}

impl<C> Pool<C> {
    /// A block became the tip. Its events leave, and with them all events whose nonces they used
    /// and those that the next block may not hold any more. Pauses of refused events end.
    ///
    /// `mined` are all events of the block, in order. `accounts` are those that the block changed, as
    /// they are after it; the pool asks only for those with [`has_signer`](Pool::has_signer). Of an
    /// account that is left out the nonce follows from `mined`, and the balance counts as unchanged.
    pub fn on_block_applied(
        &mut self,
        tip: Tip,
        mined: &[Mined],
        accounts: &[(Principal, Account)],
        batch: &mut Batch,
    ) {
        self.move_tip(tip, batch);
        let mut used: BTreeMap<Principal, BTreeMap<u64, EventId>> = BTreeMap::new();
        for event in mined {
            self.drops.forget(&event.id, batch);
            if self.has_signer(&event.author) {
                let nonces = used.entry(event.author).or_default();
                nonces.insert(event.nonce, event.id);
            }
        }
        for (author, nonces) in used {
            let Some(lane) = self.index.lanes.get(&author) else {
                continue;
            };
            let after = nonces.last_key_value().map_or(0, |(last, _)| last.saturating_add(1));
            let account = Account { nonce: after.max(lane.account.nonce), ..lane.account };
            for entry in self.index.learn(&author, account) {
                self.leave(&entry, nonces.get(&entry.event.event().nonce), batch);
            }
        }
        self.learn_all(accounts, batch);
        self.expire(batch);
        while let Some(&(retry_from, id)) = self.index.lists.parked.first()
            && retry_from <= tip.height
        {
            self.index.lists.parked.pop_first();
            self.index.unpark(&id);
        }
    }

    /// The tip was taken back and `tip`, its parent, is the tip again. Its events wait again, in
    /// front of all that wait and in their order, whatever their fees: the relay floor and the
    /// limit of events per signer don't count for them, the bounds of the pool do. All refused
    /// events are offered again.
    ///
    /// `events` are all events of the block, in order. `accounts` as for
    /// [`on_block_applied`](Pool::on_block_applied), after the parent; of one that is left out the
    /// nonce follows from `events`, and an unknown balance does not limit.
    pub fn on_block_reverted(
        &mut self,
        tip: Tip,
        events: Vec<Arc<CheckedEvent<C>>>,
        accounts: &[(Principal, Account)],
        batch: &mut Batch,
    ) {
        self.move_tip(tip, batch);
        let mut back: BTreeMap<Principal, Vec<Entry<C>>> = BTreeMap::new();
        for event in events.into_iter().rev() {
            let entry = self.entry(event, self.front, tip.height);
            self.front = self.front.saturating_sub(1);
            back.entry(entry.event.author()).or_default().push(entry);
        }
        let given: BTreeMap<_, _> = accounts.iter().copied().collect();
        for (author, entries) in back {
            let lowest = entries.iter().map(|entry| entry.event.event().nonce).min();
            let account = given.get(&author).copied().unwrap_or_else(|| {
                let known = self.index.lanes.get(&author).map(|lane| lane.account);
                let nonce = lowest.unwrap_or(0);
                Account {
                    nonce: known.map_or(nonce, |known| known.nonce.min(nonce)),
                    free: known.map_or(Amount::MAX, |known| known.free),
                }
            });
            for entry in &entries {
                journal::put_waiting(batch, entry);
            }
            self.settle(author, account, entries, batch);
        }
        self.learn_all(accounts, batch);
        self.expire(batch);
        while let Some((_, id)) = self.index.lists.parked.pop_first() {
            self.index.unpark(&id);
        }
        self.evict(batch);
    }

    /// Places entries of one signer that are in the journal, whatever waits already: of two with
    /// the same nonce the one with the higher fee stays, and the earlier among equals.
    pub(crate) fn settle(
        &mut self,
        author: Principal,
        account: Account,
        entries: Vec<Entry<C>>,
        batch: &mut Batch,
    ) {
        for old in self.index.learn(&author, account) {
            self.leave(&old, None, batch);
        }
        let mut placed: BTreeMap<u64, Entry<C>> = BTreeMap::new();
        for entry in entries {
            let (id, nonce) = (entry.event.id(), entry.event.event().nonce);
            if nonce < account.nonce {
                self.leave(&entry, None, batch);
                continue;
            }
            let other = match placed.remove(&nonce) {
                Some(other) => Some(other),
                None => self.index.take(&author, nonce).map(|(_, other)| other),
            };
            let Some(other) = other.filter(|other| other.event.id() != id) else {
                self.drops.forget(&id, batch);
                placed.insert(nonce, entry);
                continue;
            };
            let precedence = |e: &Entry<C>| (e.event.event().fee, core::cmp::Reverse(e.sequence));
            let (stays, goes) = match precedence(&entry) > precedence(&other) {
                true => (entry, other),
                false => (other, entry),
            };
            let by = stays.event.id();
            self.drops.forget(&by, batch);
            self.drop_entry(&goes, Dropped::Replaced { by }, batch);
            placed.insert(nonce, stays);
        }
        if !placed.is_empty() {
            self.index.place(author, account, placed.into_values());
        }
    }

    fn move_tip(&mut self, tip: Tip, batch: &mut Batch) {
        self.tip = tip;
        journal::put_tip(batch, &tip);
    }

    fn learn_all(&mut self, accounts: &[(Principal, Account)], batch: &mut Batch) {
        for (author, account) in accounts {
            for entry in self.index.learn(author, *account) {
                self.leave(&entry, None, batch);
            }
        }
    }

    /// Lets go of an entry whose nonce is used, by itself or by another event.
    fn leave(&mut self, entry: &Entry<C>, by: Option<&EventId>, batch: &mut Batch) {
        let id = entry.event.id();
        if by == Some(&id) {
            return journal::delete_waiting(batch, &id);
        }
        let (nonce, by) = (entry.event.event().nonce, by.copied());
        self.drop_entry(entry, Dropped::NonceUsed { nonce, by }, batch);
    }
}
