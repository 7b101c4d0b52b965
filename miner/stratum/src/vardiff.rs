//! Difficulty per connection: so hard that a share comes every few seconds, from a laptop and from
//! a hall of hardware alike.

use crate::Difficulty;
use std::time::{Duration, Instant};

/// One share of the present difficulty, in the units that are counted.
const SHARE: u64 = 1 << 8;
/// Shares after which the rate is known well enough, within a quarter of it.
const ENOUGH: u64 = 16 * SHARE;
/// Intervals after which it is judged by what came.
const PATIENCE: u32 = 16;
/// Intervals without any share after which the difficulty is certainly too high: by chance it
/// happens once in 400 times.
const SILENCE: u32 = 6;
/// What silence takes off: 2^2.
const SILENT_STEP: i16 = 2;
/// The shortest part of an interval that a rate is judged by: shares that came in one packet say
/// nothing about a miner's speed. So the difficulty goes up by 2^7 at a time, at most.
const SHORTEST: u32 = 8;

/// A connection's difficulty and what is known of its speed.
#[derive(Clone, Debug)]
pub struct Vardiff {
    /// The time between shares that is aimed at.
    every: Duration,
    floor: Difficulty,
    present: Difficulty,
    /// When counting began.
    since: Instant,
    /// The sum of the shares, in [`SHARE`]s: those of jobs with another difficulty count for their
    /// work.
    worth: u64,
}

impl Vardiff {
    /// Begins at `start` and never goes below `floor`.
    #[must_use]
    pub fn new(now: Instant, every: Duration, floor: Difficulty, start: Difficulty) -> Self {
        Self { every, floor, present: start.max(floor), since: now, worth: 0 }
    }

    /// The difficulty of new jobs.
    #[must_use]
    pub const fn present(&self) -> Difficulty {
        self.present
    }

    /// Sets the difficulty, as a miner asks for it or the chain bounds it.
    pub fn set(&mut self, now: Instant, difficulty: Difficulty) {
        let difficulty = difficulty.max(self.floor);
        if difficulty != self.present {
            self.present = difficulty;
            self.begin(now);
        }
    }

    /// Counts a share of a job of `difficulty`.
    pub fn share(&mut self, difficulty: Difficulty) {
        let shift = difficulty.exponent().saturating_sub(self.present.exponent());
        let worth = match u32::try_from(shift) {
            Ok(up) => SHARE << up.min(24),
            Err(_) => SHARE >> shift.unsigned_abs().min(63),
        };
        self.worth = self.worth.saturating_add(worth);
    }

    /// Judges the rate if enough is known of it, and says whether the difficulty changed. It does
    /// so only when the rate is out by twice or more: the noise of chance is less.
    pub fn judge(&mut self, now: Instant) -> bool {
        let elapsed = now.saturating_duration_since(self.since);
        let is_silent = self.worth == 0 && elapsed >= self.every.saturating_mul(SILENCE);
        if !is_silent && self.worth < ENOUGH && elapsed < self.every.saturating_mul(PATIENCE) {
            return false;
        }
        let shortest = self.every / SHORTEST;
        let step = if is_silent { -SILENT_STEP } else { self.step(elapsed.max(shortest)) };
        let next = Difficulty::power(self.present.exponent().saturating_add(step)).max(self.floor);
        let is_changed = next != self.present;
        self.present = next;
        self.begin(now);
        is_changed
    }

    /// By how many powers of two shares come too often (or too seldom, below zero).
    fn step(&self, elapsed: Duration) -> i16 {
        let every = self.every.as_micros().max(1);
        let came = u128::from(self.worth).saturating_mul(every).max(1);
        let wanted = u128::from(SHARE).saturating_mul(elapsed.as_micros()).max(1);
        let power = |ratio: u128| i16::try_from(ratio.checked_ilog2().unwrap_or(0)).unwrap_or(0);
        if came >= wanted { power(came / wanted) } else { -power(wanted / came) }
    }

    fn begin(&mut self, now: Instant) {
        (self.since, self.worth) = (now, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: Duration = Duration::from_secs(5);

    /// Mines for `for_seconds` of virtual time at 2^`speed` hashes a second, shares exactly as far
    /// apart as they are on average.
    fn mine(vardiff: &mut Vardiff, now: &mut Instant, speed: i32, for_seconds: u64) {
        let end = *now + Duration::from_secs(for_seconds);
        let mut tick = *now + Duration::from_secs(1);
        let mut work: u128 = 0;
        let step = Duration::from_millis(10);
        while *now < end {
            *now += step;
            work += (1_u128 << speed) / 100;
            let needed = 1_u128 << (32 + i32::from(vardiff.present().exponent()));
            if work >= needed {
                work -= needed;
                // One share per step at most: a slow line.
                work = work.min(needed);
                vardiff.share(vardiff.present());
                vardiff.judge(*now);
            }
            if *now >= tick {
                tick += Duration::from_secs(1);
                vardiff.judge(*now);
            }
        }
    }

    #[test]
    fn converges_for_a_laptop_and_a_hall() {
        // Difficulty 2^k is 2^(32+k) hashes; in five seconds of 2^s a second there are
        // 2^(s + 2.32), so k = s - 29.68: within one of it.
        for (speed, wanted) in [(16, -14), (24, -6), (27, -3), (47, 17), (55, 25)] {
            let mut now = Instant::now();
            let floor = Difficulty::power(-20);
            let mut vardiff = Vardiff::new(now, EVERY, floor, Difficulty::power(-8));
            mine(&mut vardiff, &mut now, speed, 300);
            let reached = vardiff.present().exponent();
            assert!((reached - wanted).abs() <= 1, "2^{speed}/s: {reached}, not {wanted}");
            // And stays.
            mine(&mut vardiff, &mut now, speed, 600);
            assert!((vardiff.present().exponent() - reached).abs() <= 1);
        }
    }

    #[test]
    fn follows_a_miner_that_loses_most_of_its_hardware() {
        let mut now = Instant::now();
        let floor = Difficulty::power(-20);
        let mut vardiff = Vardiff::new(now, EVERY, floor, Difficulty::power(-8));
        mine(&mut vardiff, &mut now, 40, 300);
        assert!((vardiff.present().exponent() - 10).abs() <= 1);
        mine(&mut vardiff, &mut now, 24, 600);
        assert!((vardiff.present().exponent() + 6).abs() <= 1);
    }

    #[test]
    fn late_shares_of_easier_jobs_count_for_their_work() {
        let now = Instant::now();
        let floor = Difficulty::LOWEST;
        let mut vardiff = Vardiff::new(now, EVERY, floor, Difficulty::power(4));
        // 256 shares in 80 s, each a sixteenth of one: sixteen in sixteen intervals is right.
        (0..256).for_each(|_| vardiff.share(Difficulty::power(0)));
        assert!(!vardiff.judge(now + EVERY * 16));
        assert_eq!(vardiff.present(), Difficulty::power(4));
        // The same at full worth: 16 times too often.
        (0..256).for_each(|_| vardiff.share(Difficulty::power(4)));
        assert!(vardiff.judge(now + EVERY * 32));
        assert_eq!(vardiff.present(), Difficulty::power(8));
        // Thousands that were under way when the difficulty rose by far say nothing.
        (0..5_000).for_each(|_| vardiff.share(Difficulty::power(-8)));
        assert!(!vardiff.judge(now + EVERY * 32));
        assert_eq!(vardiff.present(), Difficulty::power(8));
    }

    #[test]
    fn shares_in_one_packet_do_not_send_it_to_the_sky() {
        let now = Instant::now();
        let mut vardiff = Vardiff::new(now, EVERY, Difficulty::LOWEST, Difficulty::power(-8));
        (0..16).for_each(|_| vardiff.share(Difficulty::power(-8)));
        assert!(vardiff.judge(now));
        // Sixteen shares in an eighth of an interval: 128 times too often, 2^7.
        assert_eq!(vardiff.present(), Difficulty::power(-1));
    }

    #[test]
    fn keeps_its_floor() {
        let now = Instant::now();
        let floor = Difficulty::power(-10);
        let mut vardiff = Vardiff::new(now, EVERY, floor, Difficulty::power(-9));
        assert!(!vardiff.judge(now + EVERY * 5), "too early to tell");
        assert!(vardiff.judge(now + EVERY * 6));
        assert_eq!(vardiff.present(), floor);
        assert!(!vardiff.judge(now + EVERY * 60));
        vardiff.set(now, Difficulty::LOWEST);
        assert_eq!(vardiff.present(), floor);
    }
}
