//! Chance that can be repeated: the same seed, the same choices. Nothing here is fit for secrets; the
//! driver seeds it from the system so that nobody outside foresees whom a node dials.

/// SplitMix64 (Steele, Lea and Flood 2014): passes BigCrush, has 8 bytes of state, and any seed will do.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// A sequence of its own for each seed.
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Another sequence, which does not change with how much is drawn from this one later.
    pub(crate) fn fork(&mut self) -> Self {
        Self(self.next())
    }

    /// 64 bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`, which is taken as 1 if it is 0. Each comes up equally often but for `n` in
    /// 2^64.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        let scaled = (u128::from(self.next()) * n.max(1) as u128) >> 64;
        usize::try_from(scaled).expect("below n, which is a usize")
    }

    /// Puts items into any order, each equally likely (Fisher and Yates).
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden() {
        // The published sequence of seed 1234567 (Vigna's splitmix64.c).
        let mut random = Random::new(1_234_567);
        let drawn = [random.next(), random.next(), random.next()];
        assert_eq!(
            drawn,
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }

    #[test]
    fn below_reaches_each_number_and_no_other() {
        let mut random = Random::new(1);
        let mut seen = [0_u32; 7];
        for _ in 0..7_000 {
            seen[random.below(7)] += 1;
        }
        // 1,000 each on average, standard deviation √(7,000 · 1/7 · 6/7) ≈ 29.3.
        assert!(seen.iter().all(|count| (850..1_150).contains(count)), "{seen:?}");
        assert_eq!(random.below(1), 0);
        assert_eq!(random.below(0), 0);
    }

    #[test]
    fn shuffle_keeps_the_items_and_moves_each_anywhere() {
        let mut random = Random::new(3);
        let mut first_places = [0_u32; 5];
        for _ in 0..5_000 {
            let mut items = [0, 1, 2, 3, 4];
            random.shuffle(&mut items);
            first_places[items[0]] += 1;
            items.sort_unstable();
            assert_eq!(items, [0, 1, 2, 3, 4]);
        }
        // 1,000 each on average, standard deviation √(5,000 · 1/5 · 4/5) ≈ 28.3.
        assert!(first_places.iter().all(|count| (850..1_150).contains(count)), "{first_places:?}");
    }

    #[test]
    fn a_fork_is_another_sequence() {
        let mut random = Random::new(4);
        let mut fork = random.fork();
        assert_ne!(random.next(), fork.next());
    }
}
