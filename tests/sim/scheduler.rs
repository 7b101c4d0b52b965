//! Virtual time: what is to happen, in order.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// Milliseconds since a run began.
pub(crate) type Time = u64;

/// What is to happen and when; of two things at one moment the one that was planned first comes
/// first.
#[derive(Debug)]
pub(crate) struct Scheduler<T> {
    now: Time,
    next: u64,
    order: BinaryHeap<Reverse<(Time, u64)>>,
    planned: BTreeMap<u64, T>,
}

impl<T> Scheduler<T> {
    pub(crate) const fn new() -> Self {
        Self { now: 0, next: 0, order: BinaryHeap::new(), planned: BTreeMap::new() }
    }

    /// The present moment.
    pub(crate) const fn now(&self) -> Time {
        self.now
    }

    /// Plans something for so many milliseconds from now.
    pub(crate) fn after(&mut self, delay: Time, what: T) {
        let number = self.next;
        self.next += 1;
        self.order.push(Reverse((self.now + delay, number)));
        self.planned.insert(number, what);
    }

    /// Moves on to the next thing, if there is one up to and with `until`; else to `until`.
    pub(crate) fn next(&mut self, until: Time) -> Option<T> {
        match self.order.peek() {
            Some(&Reverse((at, number))) if at <= until => {
                self.order.pop();
                self.now = at;
                self.planned.remove(&number)
            }
            _ => {
                self.now = self.now.max(until);
                None
            }
        }
    }
}

#[test]
fn things_happen_by_time_and_then_in_the_order_of_planning() {
    let mut scheduler = Scheduler::new();
    for (delay, name) in [(30, "c"), (10, "a"), (30, "d"), (20, "b"), (99, "late")] {
        scheduler.after(delay, name);
    }
    let mut seen = Vec::new();
    while let Some(name) = scheduler.next(50) {
        seen.push((scheduler.now(), name));
        if name == "a" {
            scheduler.after(20, "e");
        }
    }
    assert_eq!(seen, [(10, "a"), (20, "b"), (30, "c"), (30, "d"), (30, "e")]);
    assert_eq!(scheduler.now(), 50);
    assert_eq!(scheduler.next(100), Some("late"));
}
