//! What people see of a miner at work.

use crate::work::Board;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Counts of a run.
pub(crate) struct Report {
    board: Arc<Board>,
    started: Instant,
    accepted: AtomicU64,
    stale: AtomicU64,
    rejected: AtomicU64,
}

impl Report {
    pub(crate) fn new(board: Arc<Board>) -> Self {
        let zero = || AtomicU64::new(0);
        let (accepted, stale, rejected) = (zero(), zero(), zero());
        Self { board, started: Instant::now(), accepted, stale, rejected }
    }

    pub(crate) fn accepted(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn stale(&self) {
        self.stale.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn rejected(&self, reason: &str) {
        self.rejected.fetch_add(1, Ordering::Relaxed);
        self.say(&format!("share rejected: {reason}"));
    }

    /// One line for people; results go elsewhere. Nobody needs to listen: mining goes on.
    pub(crate) fn say(&self, text: &str) {
        let _ = writeln!(std::io::stderr(), "{text}");
    }

    /// A line every now and then.
    pub(crate) async fn run(&self, every: Duration) {
        let (mut last, mut hashes) = (Instant::now(), 0);
        loop {
            tokio::time::sleep(every).await;
            let (now, total) = (Instant::now(), self.board.hashes.load(Ordering::Relaxed));
            self.line(total.saturating_sub(hashes), now.duration_since(last));
            (last, hashes) = (now, total);
        }
    }

    /// The line of the whole run.
    pub(crate) fn last(&self) {
        self.say("stopped; in all:");
        self.line(self.board.hashes.load(Ordering::Relaxed), self.started.elapsed());
    }

    fn line(&self, hashes: u64, time: Duration) {
        let [accepted, stale, rejected] = [&self.accepted, &self.stale, &self.rejected]
            .map(|count| count.load(Ordering::Relaxed));
        let rate = rate(hashes, time);
        let shares = format!("accepted {accepted}  stale {stale}  rejected {rejected}");
        let _ = writeln!(std::io::stdout(), "{rate}  {shares}");
    }
}

/// A hash rate for people.
pub(crate) fn rate(hashes: u64, time: Duration) -> String {
    let per_second = u128::from(hashes) * 1_000_000 / time.as_micros().max(1);
    let hundredths = per_second / 10_000;
    format!("{}.{:02} MH/s", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_per_second() {
        assert_eq!(rate(25_600_000, Duration::from_secs(1)), "25.60 MH/s");
        assert_eq!(rate(123_456_789, Duration::from_millis(500)), "246.91 MH/s");
        assert_eq!(rate(0, Duration::ZERO), "0.00 MH/s");
    }
}
