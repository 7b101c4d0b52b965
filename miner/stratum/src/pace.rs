//! A bucket of tokens: so many at once, so many a second.

use std::time::{Duration, Instant};

/// Tokens that come at a steady rate up to a full bucket.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    /// When it is full, or was.
    full_at: Instant,
    /// The time in which one token comes.
    each: Duration,
    size: u32,
}

impl Bucket {
    /// A full bucket of `size` tokens, refilled by `per_second`.
    pub(crate) fn new(now: Instant, size: u32, per_second: u32) -> Self {
        let each = Duration::from_secs(1) / per_second.max(1);
        Self { full_at: now, each, size: size.max(1) }
    }

    /// Takes a token if there is one.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        let is_there = self.wait(now).is_zero();
        if is_there {
            self.full_at = self.full_at.max(now) + self.each;
        }
        is_there
    }

    /// The time until there is a token.
    pub(crate) fn wait(&self, now: Instant) -> Duration {
        let missing = self.full_at.saturating_duration_since(now);
        missing.saturating_sub(self.each.saturating_mul(self.size - 1))
    }

    pub(crate) fn is_full(&self, now: Instant) -> bool {
        self.full_at <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_its_size_at_once_and_then_its_rate() {
        let start = Instant::now();
        let mut bucket = Bucket::new(start, 3, 10);
        assert_eq!([0; 4].map(|_| bucket.take(start)), [true, true, true, false]);
        assert_eq!(bucket.wait(start), Duration::from_millis(100));
        assert!(!bucket.take(start + Duration::from_millis(99)));
        assert!(bucket.take(start + Duration::from_millis(100)));
        assert!(!bucket.is_full(start + Duration::from_millis(399)));
        let later = start + Duration::from_millis(400);
        assert!(bucket.is_full(later));
        assert_eq!([0; 4].map(|_| bucket.take(later)), [true, true, true, false]);
    }
}
