//! What a method may know of the connection it was called on: its share of the node's time, and
//! how many of its calls are under way.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant};
use tokio::sync::{MutexGuard, OwnedSemaphorePermit, Semaphore};
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
        gate.heard();
        Self(gate)
    }

    /// The connection becomes a WebSocket, whose messages nobody but its socket counts.
    pub(crate) fn is_websocket(&self) {
        self.0.is_websocket.store(true, Ordering::Release);
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

    /// Waits for the turn to make and send a long message: one at a time.
    pub(crate) async fn turn(&self) -> MutexGuard<'_, ()> {
        self.0.turn.lock().await
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
    turn: tokio::sync::Mutex<()>,
    is_websocket: AtomicBool,
    unfinished: Mutex<Unfinished>,
    bodies: Arc<Semaphore>,
}

/// Bytes of a message that need no share of what all connections may hold, so that short ones are
/// always read.
pub(crate) const SHORT: usize = 64 << 10;

/// A WebSocket's message that has not come whole.
#[derive(Debug, Default)]
struct Unfinished {
    len: usize,
    share: Option<OwnedSemaphorePermit>,
}

impl Gate {
    /// A connection with at most about `max_calls` calls under way and `per_second` calls a second.
    /// `bodies` are the bytes of unfinished messages that all connections may still hold.
    pub(crate) fn new(max_calls: usize, per_second: u32, bodies: Arc<Semaphore>) -> Arc<Self> {
        Arc::new(Self {
            copies: AtomicUsize::new(0),
            max_copies: max_calls,
            closed: AtomicBool::new(false),
            reader: Parked::default(),
            writer: Parked::default(),
            allowance: Mutex::new(Allowance::new(Instant::now(), per_second)),
            turn: tokio::sync::Mutex::default(),
            is_websocket: AtomicBool::new(false),
            unfinished: Mutex::default(),
            bodies,
        })
    }

    /// Whether so many calls are under way that no more should be read.
    pub(crate) fn is_full(&self) -> bool {
        self.copies.load(Ordering::Acquire) > self.max_copies
    }

    /// Counts bytes of a WebSocket that were read. `false` if all connections together hold as many
    /// bytes of unfinished messages as they may.
    pub(crate) fn read(&self, bytes: usize) -> bool {
        if !self.is_websocket.load(Ordering::Acquire) {
            return true;
        }
        let mut unfinished = self.unfinished.lock().unwrap_or_else(PoisonError::into_inner);
        unfinished.len = unfinished.len.saturating_add(bytes);
        let held = unfinished.share.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let more = unfinished.len.saturating_sub(SHORT).saturating_sub(held);
        let more = u32::try_from(more).unwrap_or(u32::MAX);
        match (self.bodies.clone().try_acquire_many_owned(more), &mut unfinished.share) {
            (Err(_), _) => return false,
            (Ok(more), Some(share)) => share.merge(more),
            (Ok(more), share) => *share = Some(more),
        }
        true
    }

    /// A message has come whole: what is read from now on belongs to the next.
    fn heard(&self) {
        *self.unfinished.lock().unwrap_or_else(PoisonError::into_inner) = Unfinished::default();
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
    fn bytes_of_unfinished_messages_are_counted() {
        let bodies = Arc::new(Semaphore::new(1_000));
        let gate = Gate::new(2, 10, bodies.clone());
        assert!(gate.read(1 << 30), "over HTTP whoever reads the body counts");
        let caller = Caller::new(gate.clone());
        caller.is_websocket();
        // 64 KiB are free.
        assert!(gate.read(65_536) && bodies.available_permits() == 1_000);
        assert!(gate.read(400) && bodies.available_permits() == 600);
        assert!(gate.read(600) && bodies.available_permits() == 0);
        assert!(!gate.read(1));
        drop(caller.clone());
        assert_eq!(bodies.available_permits(), 1_000, "a message that became a call is whole");
        assert!(gate.read(66_000) && bodies.available_permits() == 536);
        drop((gate, caller));
        assert_eq!(bodies.available_permits(), 1_000);
    }

    #[test]
    fn copies_are_counted() {
        let gate = Gate::new(2, 10, Arc::new(Semaphore::new(0)));
        let caller = Caller::new(gate.clone());
        let copies = [caller.clone(), caller.clone()];
        assert!(gate.is_full());
        drop(copies);
        assert!(!gate.is_full());
        drop(caller);
        assert_eq!(gate.copies.load(Ordering::Acquire), 0);
    }
}
