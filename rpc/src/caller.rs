//! What a method may know of the connection it was called on: its share of the node's time, and
//! how many of its calls are under way.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// The token that came in the header `Authorization: Bearer …`, not yet compared.
#[derive(Clone)]
pub(crate) struct BearerToken(pub(crate) Arc<Zeroizing<String>>);

/// A handle on a connection's state, in the extensions of every request.
///
/// jsonrpsee copies the extensions for each message that it handles, before it starts a task for it, and drops
/// the copies when the answer is made. So the number of copies tells how many calls wait or
/// run, which nothing else does: jsonrpsee itself would read on without a bound.
#[derive(Debug)]
pub(crate) struct Caller(Arc<Gate>);

impl Caller {
    /// The first handle on a connection.
    pub(crate) fn new(gate: Arc<Gate>) -> Self {
        gate.copies.fetch_add(1, Ordering::AcqRel);
        Self(gate)
    }

    /// The connection itself, which is not counted as a call under way.
    pub(crate) fn connection(&self) -> Connection {
        Connection(self.0.clone())
    }

    /// Takes `cost` calls from the connection's allowance; `false` if there is not enough left.
    pub(crate) fn charge(&self, cost: u32) -> bool {
        let mut allowance = self.0.allowance.lock().unwrap_or_else(PoisonError::into_inner);
        allowance.take(Instant::now(), cost)
    }
}

impl Clone for Caller {
    fn clone(&self) -> Self {
        Self::new(self.0.clone())
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        self.0.copies.fetch_sub(1, Ordering::AcqRel);
        self.0.wake_reader();
    }
}

/// A connection as a subscription sees it.
#[derive(Debug)]
pub(crate) struct Connection(Arc<Gate>);

impl Connection {
    /// Ends the connection.
    pub(crate) fn close(&self) {
        self.0.close();
    }
}

/// A connection's state, shared by its socket and its calls.
#[derive(Debug)]
pub(crate) struct Gate {
    copies: AtomicUsize,
    max_copies: usize,
    closed: AtomicBool,
    reader: Parked,
    writer: Parked,
    allowance: Mutex<Allowance>,
}

impl Gate {
    /// A connection with at most about `max_calls` calls under way and `per_second` calls a second.
    pub(crate) fn new(max_calls: usize, per_second: u32) -> Arc<Self> {
        Arc::new(Self {
            copies: AtomicUsize::new(0),
            max_copies: max_calls,
            closed: AtomicBool::new(false),
            reader: Parked::default(),
            writer: Parked::default(),
            allowance: Mutex::new(Allowance::new(Instant::now(), per_second)),
        })
    }

    /// Whether so many calls are under way that no more should be read.
    pub(crate) fn is_full(&self) -> bool {
        self.copies.load(Ordering::Acquire) > self.max_copies
    }

    /// Ends the connection: its socket fails from now on.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.reader.wake();
        self.writer.wake();
    }

    /// Whether [`Gate::close`] was called.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Remembers whom to wake when reading may go on.
    pub(crate) fn park_reader(&self, waker: &Waker) {
        self.reader.park(waker);
    }

    /// Remembers whom to wake when writing must end.
    pub(crate) fn park_writer(&self, waker: &Waker) {
        self.writer.park(waker);
    }

    /// Wakes who waits to read.
    pub(crate) fn wake_reader(&self) {
        self.reader.wake();
    }
}

/// A task that waits.
#[derive(Debug, Default)]
struct Parked(Mutex<Option<Waker>>);

impl Parked {
    fn park(&self, waker: &Waker) {
        let mut parked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*parked {
            Some(same) if same.will_wake(waker) => {}
            _ => *parked = Some(waker.clone()),
        }
    }

    fn wake(&self) {
        let parked = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waker) = parked {
            waker.wake();
        }
    }
}

/// How much a connection may still ask: `per_second` calls a second, as many at once.
///
/// The generic cell rate algorithm: one instant, up to which all allowance is spent.
#[derive(Debug)]
struct Allowance {
    spent_until: Instant,
    per_call: Duration,
}

/// What an unused connection can save up.
const BURST: Duration = Duration::from_secs(1);

impl Allowance {
    fn new(now: Instant, per_second: u32) -> Self {
        Self { spent_until: now, per_call: BURST / per_second.max(1) }
    }

    fn take(&mut self, now: Instant, cost: u32) -> bool {
        let spent = self.spent_until.max(now) + self.per_call * cost;
        let allowed = spent.saturating_duration_since(now) <= BURST;
        if allowed {
            self.spent_until = spent;
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_allowance_is_spent_and_comes_back() {
        let start = Instant::now();
        let mut allowance = Allowance::new(start, 10);
        assert!((0..10).all(|_| allowance.take(start, 1)), "a second's worth at once");
        assert!(!allowance.take(start, 1));
        // A tenth of a second later there is one more.
        let later = start + Duration::from_millis(100);
        assert!(allowance.take(later, 1) && !allowance.take(later, 1));
        // However long it rests, it saves no more than a second's worth.
        let much_later = start + Duration::from_secs(100);
        assert!(allowance.take(much_later, 10) && !allowance.take(much_later, 1));
        assert!(!Allowance::new(start, 10).take(start, 11), "never more than a second's worth");
    }

    #[test]
    fn copies_are_counted() {
        let gate = Gate::new(2, 10);
        let caller = Caller::new(gate.clone());
        let copies = [caller.clone(), caller.clone()];
        assert!(gate.is_full());
        drop(copies);
        assert!(!gate.is_full());
        drop(caller);
        assert_eq!(gate.copies.load(Ordering::Acquire), 0);
    }
}
