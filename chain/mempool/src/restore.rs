//! The pool as it was before the node stopped, however it stopped.

use crate::drops::bounded;
use crate::lane::Entry;
use crate::{Dropped, Policy, Pool, Tip, journal};
use blocktree_consensus::{Account, CheckedEvent};
use blocktree_primitives::Principal;
use blocktree_state::{Batch, Fault, Reader};
use std::collections::BTreeMap;
use std::sync::Arc;

impl<C> Pool<C> {
    /// Rebuilds the pool from its journal, in the order in which the events came.
    ///
    /// `check` gets the encoded events, which are independent of each other, and returns in their
    /// order what [`check_event`](blocktree_consensus::check_event) makes of them. They are ours and
    /// were checked before, but perhaps by an older version: one that is refused now leaves as
    /// [`Invalid`](Dropped::Invalid).
    ///
    /// `account` gives an account as the chain has it now. An event whose nonce is used leaves as
    /// [`NonceUsed`](Dropped::NonceUsed); if it was itself mined, the chain knows it, and who asks
    /// for an event's status asks the chain first.
    ///
    /// The pool is at the tip that its journal names, else at `tip`. If that is not `tip`, the node
    /// stopped between a block and the pool: tell the pool the blocks between, by
    /// [`on_block_reverted`](Pool::on_block_reverted) and [`on_block_applied`](Pool::on_block_applied).
    ///
    /// # Errors
    /// A [`Fault`]: of the disk, or `Corrupt` when the journal is not one.
    pub fn restore(
        policy: Policy,
        tip: Tip,
        reader: &dyn Reader,
        check: impl FnOnce(Vec<Vec<u8>>) -> Vec<Result<CheckedEvent<C>, String>>,
        mut account: impl FnMut(&Principal) -> Result<Account, Fault>,
        batch: &mut Batch,
    ) -> Result<Self, Fault> {
        let mut found = journal::read(reader)?;
        let mut pool = Self::new(policy, found.tip.unwrap_or(tip));
        for (number, id, reason) in found.drops {
            pool.drops.restore(number, id, reason, batch);
        }
        found.waiting.sort_unstable_by_key(|waiting| waiting.sequence);
        if let (Some(first), Some(last)) = (found.waiting.first(), found.waiting.last()) {
            // Nobody has the first number, the last, or that of another.
            let twice = found.waiting.windows(2).any(|two| match two {
                [one, other] => one.sequence == other.sequence,
                _ => false,
            });
            let (Some(before), Some(after), false) =
                (first.sequence.checked_sub(1), last.sequence.checked_add(1), twice)
            else {
                return Err(Fault::Corrupt("the pool's journal has a foreign sequence".into()));
            };
            pool.front = pool.front.min(before);
            pool.back = pool.back.max(after);
        }
        let encoded = found.waiting.iter_mut().map(|w| core::mem::take(&mut w.encoded)).collect();
        let checked = check(encoded);
        if checked.len() != found.waiting.len() {
            return Err(Fault::Bug("not every event of the pool's journal was checked".into()));
        }
        let mut lanes: BTreeMap<Principal, Vec<Entry<C>>> = BTreeMap::new();
        for (waiting, checked) in found.waiting.into_iter().zip(checked) {
            let event = match checked {
                Ok(event) if event.id() == waiting.id => Arc::new(event),
                Ok(event) => {
                    let (key, id) = (waiting.id, event.id());
                    let what = format!("the pool's journal has event {id} as {key}");
                    return Err(Fault::Corrupt(what));
                }
                Err(reason) => {
                    let reason = bounded(&reason);
                    pool.note_drop(&waiting.id, Dropped::Invalid { reason }, batch);
                    continue;
                }
            };
            let entry = pool.entry(event, waiting.sequence, waiting.since);
            lanes.entry(entry.event.author()).or_default().push(entry);
        }
        for (author, entries) in lanes {
            let account = account(&author)?;
            pool.settle(author, account, entries, batch);
        }
        pool.expire(batch);
        pool.evict(batch);
        Ok(pool)
    }
}
