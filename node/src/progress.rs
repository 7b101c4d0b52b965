//! How far a long command is: a bar on standard error when that is a terminal, else nothing.

use indicatif::{ProgressBar, ProgressStyle};
use std::time::{Duration, Instant};

/// How often what stands beside the bar is renewed.
const BEAT: Duration = Duration::from_millis(200);

/// A bar, and the time since it began.
pub(crate) struct Progress {
    bar: ProgressBar,
    began: Instant,
    last_beat: Option<Instant>,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Blocks.
    Blocks,
    /// Bytes of a file.
    Bytes,
}

impl Progress {
    /// Begins: `doing` is one word, such as `verifying`.
    pub(crate) fn begin(doing: &'static str, total: u64, unit: Unit) -> Self {
        let counted = match unit {
            Unit::Blocks => "{human_pos}/{human_len} blocks",
            Unit::Bytes => "{bytes}/{total_bytes}",
        };
        let form = format!("{{prefix}} [{{bar:30}}] {counted}, {{eta}} left{{msg}}");
        let style = ProgressStyle::with_template(&form);
        // Draws nothing where standard error is no terminal.
        let bar = ProgressBar::new(total);
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
        bar.set_prefix(doing);
        Self { bar, began: Instant::now(), last_beat: None }
    }

    /// So far.
    pub(crate) fn at(&mut self, position: u64, events: Option<u64>) {
        self.bar.set_position(position);
        let now = Instant::now();
        let due = self.last_beat.is_none_or(|last| now.duration_since(last) >= BEAT);
        if let Some(events) = events
            && due
        {
            self.last_beat = Some(now);
            let rate = per_second(events, self.began.elapsed());
            self.bar.set_message(format!(", {rate} events/s"));
        }
    }

    /// The end: takes the bar away and tells the time that it took.
    pub(crate) fn end(self) -> Duration {
        self.bar.finish_and_clear();
        self.began.elapsed()
    }
}

/// How many in a second, rounded down.
pub(crate) fn per_second(count: u64, time: Duration) -> u64 {
    let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1);
    count.saturating_mul(1000) / millis
}

/// Seconds with one digit after the point.
pub(crate) fn seconds(time: Duration) -> String {
    format!("{}.{}", time.as_secs(), time.subsec_millis() / 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_per_second() {
        assert_eq!(per_second(1000, Duration::from_millis(500)), 2000);
        assert_eq!(per_second(1, Duration::from_secs(3)), 0);
        assert_eq!(per_second(5, Duration::ZERO), 5000);
        assert_eq!(seconds(Duration::from_millis(12_345)), "12.3");
    }
}
