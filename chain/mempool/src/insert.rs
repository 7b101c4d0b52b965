//! Taking an event in.

use crate::lane::Entry;
use crate::{Dropped, FeeRate, Pool, PoolRefusal, journal};
use blocktree_consensus::{Account, CheckedEvent};
use blocktree_primitives::{Amount, BlockHash, EventId, Height, Span};
use blocktree_state::Batch;
use std::sync::Arc;

/// What became of the pool when it took an event in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inserted {
    /// The event whose nonce the new one took over.
    pub replaced: Option<EventId>,
    /// Events that made room, the poorest first.
    pub evicted: Vec<EventId>,
}

impl<C> Pool<C> {
    /// Takes in an event whose signatures and bounds were checked, given its signer's `account`
    /// after the block `at`. Acknowledge it only when `batch` is on disk.
    ///
    /// # Errors
    /// The first rule that refuses it, see [`PoolRefusal`]; then neither pool nor batch has changed.
    pub fn insert(
        &mut self,
        event: Arc<CheckedEvent<C>>,
        account: Account,
        at: &BlockHash,
        batch: &mut Batch,
    ) -> Result<Inserted, PoolRefusal> {
        self.check_event(&event, at)?;
        // Of a signer who has events waiting the pool follows the nonce itself.
        let author = event.author();
        let known = self.index.lanes.get(&author).map(|lane| lane.account);
        let account =
            Account { nonce: known.map_or(account.nonce, |known| known.nonce), ..account };
        self.check_place(&event, &account)?;

        let (id, nonce) = (event.id(), event.event().nonce);
        let replaced = self.index.take(&author, nonce);
        let mut entry = self.entry(event, self.back, self.tip.height);
        // Else whoever raises a fee after each block would have a hopeless event tried in each.
        entry.refused = replaced.as_ref().and_then(|(_, old)| old.refused.clone());
        let mut staged = Batch::new();
        journal::put_waiting(&mut staged, &entry);
        self.index.place(author, account, [entry]);
        let evicted = match self.make_room(Some(&id)) {
            Ok(evicted) => evicted,
            Err(refusal) => {
                self.index.take(&author, nonce);
                if let Some(known) = known {
                    let old = replaced.map(|(_, old)| old);
                    self.index.place(author, known, old);
                }
                return Err(refusal);
            }
        };
        self.back = self.back.saturating_add(1);
        self.drops.forget(&id, batch);
        batch.append(staged);
        if let Some((_, old)) = &replaced {
            self.drop_entry(old, Dropped::Replaced { by: id }, batch);
        }
        for (_, entry) in &evicted {
            self.drop_entry(entry, Dropped::Evicted, batch);
        }
        Ok(Inserted {
            replaced: replaced.map(|(_, entry)| entry.event.id()),
            evicted: evicted.iter().map(|(_, entry)| entry.event.id()).collect(),
        })
    }

    /// What is asked of an event alone.
    fn check_event(&self, event: &CheckedEvent<C>, at: &BlockHash) -> Result<(), PoolRefusal> {
        let policy = &self.policy;
        if self.index.lists.by_id.contains_key(&event.id()) {
            return Err(PoolRefusal::AlreadyKnown);
        }
        if *at != self.tip.hash {
            return Err(PoolRefusal::TipMoved { read_at: *at, tip: self.tip.hash });
        }
        if event.weight() > policy.max_event_weight {
            return Err(PoolRefusal::TooHeavy {
                weight: event.weight(),
                max: policy.max_event_weight,
            });
        }
        let (given, needed) = (event.event().fee, policy.relay_floor.fee_for(event.weight()));
        if given < needed {
            return Err(PoolRefusal::FeeTooLow { given, needed });
        }
        let Some(valid_until) = event.event().valid_until else {
            return Ok(());
        };
        let next = self.tip.next();
        if valid_until < next {
            return Err(PoolRefusal::Expired { valid_until, next });
        }
        let needed = self.tip.plus(Span(policy.min_life.0.max(1)));
        if valid_until < needed {
            return Err(PoolRefusal::ExpiresTooSoon { valid_until, needed });
        }
        Ok(())
    }

    /// What is asked of an event beside its signer's account and other waiting events.
    fn check_place(&self, event: &CheckedEvent<C>, account: &Account) -> Result<(), PoolRefusal> {
        let (given, next) = (event.event().nonce, account.nonce);
        let window = self.policy.signer_window;
        let ahead = given.checked_sub(next).ok_or(PoolRefusal::NonceUsed { given, next })?;
        let lane = self.index.lanes.get(&event.author());
        // Nonces differ, so within the window no more than that many can wait.
        if ahead >= window {
            let waiting = lane.map_or(0, |lane| lane.entries.len());
            return Err(match u64::try_from(waiting) {
                Ok(count) if count < window => PoolRefusal::NonceTooFar { given, next, window },
                _ => PoolRefusal::TooManyFromSigner { waiting, max: window },
            });
        }
        let occupant = lane.and_then(|lane| lane.entries.get(&given));
        if let Some(old) = occupant {
            let needed = self.policy.replacement_fee(FeeRate::of(&old.event), event.weight());
            let (replaces, given) = (old.event.id(), event.event().fee);
            if given < needed {
                return Err(PoolRefusal::ReplacementFeeTooLow { replaces, given, needed });
            }
        }
        let units = |amount: Amount| u128::from(amount.units());
        let others = lane
            .map_or(0, |lane| lane.fees)
            .saturating_sub(occupant.map_or(0, |entry| units(entry.event.event().fee)));
        let needed = others + units(event.event().fee);
        if needed > units(account.free) {
            return Err(PoolRefusal::Overdraft {
                free: account.free,
                needed: Amount::from_units(u64::try_from(needed).unwrap_or(u64::MAX)),
            });
        }
        Ok(())
    }

    /// Takes out tails, always of the lane that stands lowest, until what waits is within its
    /// bounds. Never makes a gap.
    ///
    /// # Errors
    /// [`PoolRefusal::PoolFull`] when `newcomer` would have to go, in which case nothing has
    /// changed.
    pub(crate) fn make_room(
        &mut self,
        newcomer: Option<&EventId>,
    ) -> Result<Vec<(Account, Entry<C>)>, PoolRefusal> {
        let mut taken: Vec<(Account, Entry<C>)> = Vec::new();
        while self.is_over()
            && let Some(&(standing, author)) = self.index.lists.standings.first()
            && let Some(lane) = self.index.lanes.get(&author)
            && let Some((&nonce, tail)) = lane.entries.last_key_value()
        {
            if newcomer == Some(&tail.event.id()) {
                let lowest = self.index.lists.standings.iter().nth(1);
                let refusal = PoolRefusal::PoolFull {
                    given: standing.rate,
                    lowest: lowest.map_or(standing.rate, |(other, _)| other.rate),
                };
                for (account, entry) in taken {
                    self.index.place(entry.event.author(), account, [entry]);
                }
                return Err(refusal);
            }
            taken.extend(self.index.take(&author, nonce));
        }
        Ok(taken)
    }

    /// Drops tails until what waits is within its bounds.
    pub(crate) fn evict(&mut self, batch: &mut Batch) {
        let evicted = self.make_room(None).unwrap_or_default();
        for (_, entry) in &evicted {
            self.drop_entry(entry, Dropped::Evicted, batch);
        }
    }

    /// Drops what no later block may hold.
    pub(crate) fn expire(&mut self, batch: &mut Batch) {
        while let Some(&(last, id)) = self.index.lists.ends.first()
            && last <= self.tip.height
            && let Some(event) = self.index.lists.by_id.get(&id).cloned()
            && let Some((_, entry)) = self.index.take(&event.author(), event.event().nonce)
        {
            let own: Option<Height> =
                event.event().valid_until.filter(|own| *own <= self.tip.height);
            let why = match own {
                Some(valid_until) => Dropped::Expired { valid_until },
                None => Dropped::WaitedTooLong { since: entry.since },
            };
            self.drop_entry(&entry, why, batch);
        }
    }
}
