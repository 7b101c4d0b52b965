//! What is always true of a pool, checked by counting anew.

use crate::Pool;
use crate::lane::Lane;
use blocktree_primitives::{EventId, Height, Principal};
use std::collections::BTreeSet;

/// Something that should always be true of a pool is not: a bug of ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the pool is inconsistent: {0}")]
pub struct InvariantBroken(pub String);

fn ensure(holds: bool, what: impl FnOnce() -> String) -> Result<(), InvariantBroken> {
    if holds { Ok(()) } else { Err(InvariantBroken(what())) }
}

/// What the indexes must hold, gathered from the lanes alone.
#[derive(Default)]
struct Gathered {
    ids: BTreeSet<EventId>,
    sequences: BTreeSet<u64>,
    ends: BTreeSet<(Height, EventId)>,
    parked: BTreeSet<(Height, EventId)>,
    bytes: usize,
}

impl<C> Pool<C> {
    /// Counts everything anew and compares it with the indexes. For tests and simulations: it
    /// walks the whole pool.
    ///
    /// # Errors
    /// What is not as it should be.
    pub fn check_invariants(&self) -> Result<(), InvariantBroken> {
        let index = &self.index;
        let mut all = Gathered::default();
        for (author, lane) in &index.lanes {
            self.check_lane(author, lane, &mut all)?;
        }
        let same = |holds, what: &str| ensure(holds, || format!("{what} differ from the lanes"));
        same(index.lists.by_id.keys().eq(&all.ids), "ids")?;
        same(index.lists.ends == all.ends, "ends")?;
        same(index.lists.parked == all.parked, "pauses")?;
        same(index.lists.bytes == all.bytes, "bytes")?;
        same(index.lists.standings.len() == index.lanes.len(), "standings")?;
        let heads = index.lanes.values().filter(|lane| lane.head.is_some());
        same(index.lists.heads.len() == heads.count(), "heads")?;
        let answers = index.lists.heads.iter().filter(|head| head.answers);
        same(index.lists.answers.iter().eq(answers), "answers")?;
        same(all.sequences.len() == all.ids.len(), "sequences")?;
        let within = |sequence: &u64| self.front < *sequence && *sequence < self.back;
        same(all.sequences.iter().all(within), "ends of the sequences")?;
        ensure(!self.is_over(), || {
            let (events, bytes) = (index.lists.by_id.len(), index.lists.bytes);
            format!("{events} events and {bytes} bytes are more than allowed")
        })?;
        self.check_drops()
    }

    fn check_lane(
        &self,
        author: &Principal,
        lane: &Lane<C>,
        all: &mut Gathered,
    ) -> Result<(), InvariantBroken> {
        let wrong = |what: &str| format!("{what} of {author:?}");
        let (mut fees, mut refused) = (0, 0);
        for (nonce, entry) in &lane.entries {
            let event = &entry.event;
            let placed = event.author() == *author && event.event().nonce == *nonce;
            ensure(placed, || wrong("a misplaced event"))?;
            let known = self.index.lists.by_id.get(&event.id());
            let same = known.is_some_and(|known| std::sync::Arc::ptr_eq(known, event));
            ensure(same, || wrong("an event not found by id"))?;
            ensure(*nonce >= lane.account.nonce, || wrong("a used nonce"))?;
            ensure(entry.last > self.tip.height, || wrong("an expired event"))?;
            fees += u128::from(event.event().fee.units());
            all.ids.insert(event.id());
            all.sequences.insert(entry.sequence);
            all.ends.insert((entry.last, event.id()));
            all.bytes += event.encoded().len();
            let Some(said) = &entry.refused else {
                continue;
            };
            refused += 1;
            let parked = said.retry_from > self.tip.height;
            ensure(parked || !said.parked, || wrong("a pause too long"))?;
            if said.parked {
                all.parked.insert((said.retry_from, event.id()));
            }
        }
        ensure(lane.fees == fees, || wrong("the fees"))?;
        ensure(lane.refused == refused, || wrong("the refusals"))?;
        let listed =
            lane.standing.is_some_and(|s| self.index.lists.standings.contains(&(s, *author)));
        let standing = lane.find_standing() == lane.standing;
        ensure(listed && standing, || wrong("the standing"))?;
        let listed = lane.head.is_none_or(|head| self.index.lists.heads.contains(&head));
        let head = lane.find_head() == lane.head;
        ensure(listed && head, || wrong("the head"))
    }

    fn check_drops(&self) -> Result<(), InvariantBroken> {
        let drops = &self.drops;
        ensure(drops.in_order.len() <= drops.limit, || "too many drops".into())?;
        ensure(drops.in_order.len() == drops.by_id.len(), || "drops twice".into())?;
        for (number, id) in &drops.in_order {
            let found = drops.by_id.get(id).is_some_and(|(n, _)| n == number);
            ensure(found, || format!("drop {number} is not found by id"))?;
            let waits = self.index.lists.by_id.contains_key(id);
            ensure(!waits, || format!("{id} waits and is dropped"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::common::{Dummy, Spec, account};
    use crate::lane::Lane;
    use crate::{Dropped, Policy, Pool, Tip};
    use blocktree_primitives::{Amount, BlockHash, EventId, Height};
    use blocktree_state::Batch;

    /// Two signers with two events each, one of which a template refused, and a third with one that
    /// may answer challenges and replaced another.
    fn pool() -> Pool<Dummy> {
        let tip = Tip { height: Height(10), hash: BlockHash([1; 32]) };
        let mut pool = Pool::new(Policy::default(), tip);
        let mut batch = Batch::new();
        let specs = [(1, 0), (1, 1), (2, 0), (2, 1), (3, 0)].map(|(s, n)| Spec::new(s, n, 400));
        for spec in &specs {
            pool.insert(spec.make(), account(0, 10_000), &tip.hash, &mut batch).unwrap();
        }
        pool.refused(&specs[3].make().id(), &tip.hash, "no", &mut batch);
        let answer = Spec::new(3, 0, 1_800).weighing(777);
        pool.insert(answer.make(), account(0, 10_000), &tip.hash, &mut batch).unwrap();
        pool
    }

    fn lane(pool: &mut Pool<Dummy>) -> &mut Lane<Dummy> {
        pool.index.lanes.values_mut().max_by_key(|lane| lane.refused).unwrap()
    }

    /// Each bug that is planted is found; so what the tests check after every step says something.
    #[test]
    fn planted_bugs_are_found() {
        assert_eq!(pool().check_invariants(), Ok(()));
        type Bug = fn(&mut Pool<Dummy>);
        let bugs: Vec<(&str, Bug)> = vec![
            ("an id too few", |p| {
                p.index.lists.by_id.pop_first();
            }),
            ("an id too many", |p| {
                let (_, event) = p.index.lists.by_id.pop_first().unwrap();
                p.index.lists.by_id.insert(event.id(), event.clone());
                p.index.lists.by_id.insert(EventId([0; 32]), event);
            }),
            ("a copy by id", |p| {
                let (id, event) = p.index.lists.by_id.pop_first().unwrap();
                p.index.lists.by_id.insert(id, (*event).clone().into());
            }),
            ("a standing too few", |p| {
                p.index.lists.standings.pop_first();
            }),
            ("a standing too many", |p| {
                let (standing, _) = p.index.lists.standings.pop_first().unwrap();
                let authors: Vec<_> = p.index.lanes.keys().copied().collect();
                p.index.lists.standings.extend(authors.iter().map(|author| (standing, *author)));
            }),
            ("an old standing", |p| {
                p.index.lanes.values_mut().for_each(|lane| lane.account.free = Amount::ZERO);
            }),
            ("a head too few", |p| {
                p.index.lists.heads.pop_first();
            }),
            ("a head too many", |p| {
                let mut head = *p.index.lists.heads.first().unwrap();
                head.age.0 += 1;
                p.index.lists.heads.insert(head);
            }),
            ("an old head", |p| lane(p).head = None),
            ("an answer too few", |p| {
                p.index.lists.answers.pop_first();
            }),
            ("an answer too many", |p| {
                p.index.lists.answers.extend(p.index.lists.heads.first());
            }),
            ("an end too few", |p| {
                p.index.lists.ends.pop_first();
            }),
            ("an end too many", |p| {
                p.index.lists.ends.insert((Height(99), EventId([0; 32])));
            }),
            ("a pause too few", |p| {
                p.index.lists.parked.pop_first();
            }),
            ("a pause too many", |p| {
                p.index.lists.parked.insert((Height(99), EventId([0; 32])));
            }),
            ("a pause that is over", |p| p.tip.height = Height(11)),
            ("bytes miscounted", |p| p.index.lists.bytes += 1),
            ("fees miscounted", |p| lane(p).fees += 1),
            ("refusals miscounted", |p| lane(p).refused += 1),
            ("an empty lane", |p| {
                let lane = Lane::new(account(0, 0));
                p.index.lanes.insert(crate::common::principal(9), lane);
            }),
            ("an event with another nonce", |p| {
                let lane = lane(p);
                let (nonce, entry) = lane.entries.pop_last().unwrap();
                lane.entries.insert(nonce + 1, entry);
            }),
            ("a used nonce", |p| lane(p).account.nonce = 1),
            ("an expired event", |p| {
                let entry = lane(p).entries.values_mut().next().unwrap();
                let (old, id) = (entry.last, entry.event.id());
                entry.last = Height(10);
                p.index.lists.ends.remove(&(old, id));
                p.index.lists.ends.insert((Height(10), id));
            }),
            ("a sequence given twice", |p| {
                let lane = lane(p);
                let first = lane.entries.values().next().unwrap().sequence;
                lane.entries.values_mut().for_each(|entry| entry.sequence = first);
            }),
            ("a sequence to come", |p| p.back -= 1),
            ("a sequence gone by", |p| p.front += 1),
            ("too many events", |p| p.policy.max_events = 4),
            ("too many bytes", |p| p.policy.max_bytes = 5 * 122 - 1),
            ("too many drops", |p| p.drops.limit = 0),
            ("a drop too few", |p| {
                p.drops.in_order.pop_first();
            }),
            ("a drop without a number", |p| {
                let id = *p.drops.by_id.keys().next().unwrap();
                p.drops.by_id.insert(id, (99, Dropped::Evicted));
            }),
            ("a drop that waits", |p| {
                let id = *p.index.lists.by_id.keys().next().unwrap();
                p.drops.record(id, Dropped::Evicted, &mut Batch::new());
            }),
        ];
        for (what, plant) in bugs {
            let mut pool = pool();
            plant(&mut pool);
            assert!(pool.check_invariants().is_err(), "{what} is not found");
        }
    }
}
