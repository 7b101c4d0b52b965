//! How much of others' messages is held at once, and for how long.

use blocktree_network::message::MAX_RESPONSE_LEN;
use blocktree_network::{Hello, Request};
use core::time::Duration;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Semaphore;

/// Requests of one connection that are read, judged or answered at once. A node asks a peer a handful
/// of things at once; beyond this it is [`Offence::TooMany`](blocktree_network::Offence::TooMany).
pub(crate) const MAX_INBOUND_STREAMS: usize = 64;
/// Large answers of one connection that are made or written at once: one on the way, one being made.
pub(crate) const MAX_LARGE_ANSWERS_OF_ONE: usize = 2;
/// Large answers that are made or written at once in all: 16 · 4 MiB = 64 MiB at most.
pub(crate) const MAX_LARGE_ANSWERS: usize = 16;
/// Bytes of requests that are being read at most, over all peers.
pub(crate) const MAX_REQUEST_BYTES: usize = 16 << 20;
/// Bytes of answers that are being read at most, over all peers.
pub(crate) const MAX_ANSWER_BYTES: usize = 64 << 20;
/// Bytes of an answer to [`Request::Headers`]: kind 1, count 4, 2,000 headers of 80.
const MAX_HEADERS_LEN: usize = 160_005;
/// Bytes of the short answers: `Hello` has 1 + 32 + 32 + 8 + 32 = 105.
const MAX_SHORT_LEN: usize = 1 + size_of::<Hello>() + 32;

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// For a peer to send its whole request, from the stream's opening on.
    pub request: Duration,
    /// For this node's own driver to answer a request.
    pub answer: Duration,
    /// For a peer to take in 64 KiB of an answer.
    pub stall: Duration,
    /// For a peer to take in a whole answer.
    pub write: Duration,
    /// For a peer to answer a request, from the stream's opening on; above what the network itself
    /// waits for.
    pub ask: Duration,
    /// For a connection that nothing uses, such as one with a peer that is no node.
    pub idle: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            request: Duration::from_secs(20),
            answer: Duration::from_secs(30),
            stall: Duration::from_secs(15),
            write: Duration::from_secs(60),
            ask: Duration::from_secs(60),
            idle: Duration::from_secs(60),
        }
    }
}

/// Bytes that an answer to this may have: who is asked for little can't send much.
pub(crate) fn max_answer_len(request: &Request) -> usize {
    match request {
        Request::Hello(_) | Request::Compact(_) | Request::Have { .. } => MAX_SHORT_LEN,
        Request::Headers { .. } => MAX_HEADERS_LEN,
        Request::Bodies { .. } | Request::BlockEvents { .. } | Request::Events { .. } => {
            MAX_RESPONSE_LEN
        }
    }
}

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) times: Times,
    pub(crate) requests: Arc<Budget>,
    pub(crate) answers: Arc<Budget>,
    pub(crate) large: Arc<Semaphore>,
}

impl Shared {
    pub(crate) fn new(times: Times) -> Arc<Self> {
        Arc::new(Self {
            times,
            requests: Budget::new(MAX_REQUEST_BYTES),
            answers: Budget::new(MAX_ANSWER_BYTES),
            large: Arc::new(Semaphore::new(MAX_LARGE_ANSWERS)),
        })
    }
}

/// Bytes that may be held at once.
#[derive(Debug)]
pub(crate) struct Budget {
    used: AtomicUsize,
    limit: usize,
}

impl Budget {
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { used: AtomicUsize::new(0), limit })
    }

    /// A share that holds nothing yet.
    pub(crate) fn lease(self: &Arc<Self>) -> Lease {
        Lease { budget: Arc::clone(self), bytes: 0 }
    }

    #[cfg(test)]
    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }
}

/// Bytes taken from a [`Budget`]; given back when dropped.
#[derive(Debug)]
pub(crate) struct Lease {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Lease {
    /// Takes more; `false` when there is no more.
    pub(crate) fn grow(&mut self, bytes: usize) -> bool {
        let limit = self.budget.limit;
        let take = |used: usize| used.checked_add(bytes).filter(|used| *used <= limit);
        let taken = self.budget.used.try_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok();
        if taken {
            self.bytes += bytes;
        }
        taken
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use blocktree_network::Response;
    use blocktree_network::message::MAX_HEADERS;
    use parity_scale_codec::Encode;

    #[test]
    fn a_budget_is_never_overdrawn_and_comes_back() {
        let budget = Budget::new(10);
        let mut first = budget.lease();
        assert!(first.grow(4));
        assert!(first.grow(4));
        let mut second = budget.lease();
        assert!(!second.grow(3));
        assert!(second.grow(2));
        assert!(!second.grow(usize::MAX));
        drop(first);
        assert_eq!(budget.used(), 2);
        drop(second);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn the_bounds_of_answers_hold_the_largest_ones() {
        let hello = Hello {
            genesis: Default::default(),
            tip: Default::default(),
            height: blocktree_primitives::Height(u64::MAX),
            total_work: Default::default(),
        };
        assert!(Response::Hello(hello).encode().len() <= MAX_SHORT_LEN);
        assert!(max_answer_len(&Request::Hello(hello)) < 256);
        // Kind 1, a compact count of 2,000 in 2 bytes, 2,000 · 80.
        assert_eq!(MAX_HEADERS, 2_000);
        assert_eq!(MAX_HEADERS_LEN, 1 + 4 + 2_000 * 80);
        let locator = Default::default();
        assert_eq!(max_answer_len(&Request::Headers { locator }), MAX_HEADERS_LEN);
    }
}
