//! Median time past: the clock of the chain (docs/protocol.md §3.6).

use core::fmt;
use parity_scale_codec::{Decode, Encode, EncodeLike, Error, Input, MaxEncodedLen, Output};

/// Headers that the median is taken over.
pub const MEDIAN_SPAN: usize = 11;

/// The times of the last headers of a branch, at most 11 and at least one, oldest first. SCALE:
/// as a `Vec<u32>`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RecentTimes {
    times: [u32; MEDIAN_SPAN],
    len: usize,
}

impl RecentTimes {
    /// The times of a chain that is only genesis.
    #[must_use]
    pub const fn genesis(time: u32) -> Self {
        let mut times = [0; MEDIAN_SPAN];
        times[0] = time;
        Self { times, len: 1 }
    }

    /// The times of the last headers, newest first: as they are met on the way back from a tip.
    /// Takes 11 at most; `None` if there are none.
    #[must_use]
    pub fn from_newest(newest_first: impl IntoIterator<Item = u32>) -> Option<Self> {
        let mut found = Self { times: [0; MEDIAN_SPAN], len: 0 };
        for (slot, time) in found.times.iter_mut().zip(newest_first) {
            *slot = time;
            found.len += 1;
        }
        found.times[..found.len].reverse();
        (found.len > 0).then_some(found)
    }

    /// The times after a header with time `time` more.
    #[must_use]
    pub fn then(mut self, time: u32) -> Self {
        if self.len == MEDIAN_SPAN {
            self.times.rotate_left(1);
            self.len -= 1;
        }
        self.times[self.len] = time;
        self.len += 1;
        self
    }

    /// The times, oldest first.
    #[must_use]
    pub fn as_slice(&self) -> &[u32] {
        &self.times[..self.len]
    }

    /// Median time past: element ⌊len / 2⌋ of the sorted times.
    #[must_use]
    pub fn median(&self) -> u32 {
        let mut sorted = *self;
        let times = &mut sorted.times[..self.len];
        times.sort_unstable();
        times[times.len() / 2]
    }
}

impl fmt::Debug for RecentTimes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_slice().fmt(f)
    }
}

impl Encode for RecentTimes {
    fn size_hint(&self) -> usize {
        1 + 4 * self.len
    }
    fn encode_to<O: Output + ?Sized>(&self, dest: &mut O) {
        self.as_slice().encode_to(dest);
    }
}

impl EncodeLike for RecentTimes {}

impl Decode for RecentTimes {
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        let times = blocktree_primitives::BoundedVec::<u32, MEDIAN_SPAN>::decode(input)?;
        Self::from_newest(times.iter().rev().copied()).ok_or_else(|| Error::from("no times"))
    }
}

impl MaxEncodedLen for RecentTimes {
    fn max_encoded_len() -> usize {
        1 + 4 * MEDIAN_SPAN
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use blocktree_primitives::decode_exact;
    use proptest::prelude::*;

    #[test]
    fn the_median_is_the_upper_one_while_the_chain_is_short() {
        let times = |list: &[u32]| RecentTimes::from_newest(list.iter().copied()).unwrap();
        for (list, median) in [
            (&[7][..], 7),
            (&[9, 5], 9),       // sorted 5 9, element 1
            (&[1, 9, 5], 5),    // sorted 1 5 9, element 1
            (&[1, 9, 5, 7], 7), // sorted 1 5 7 9, element 2
            (&[11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1], 6),
            // The twelfth, the oldest, does not count: sorted 1 to 11.
            (&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 99], 6),
        ] {
            assert_eq!(times(list).median(), median, "{list:?}");
        }
        assert_eq!(RecentTimes::from_newest([]), None);
    }

    #[test]
    fn bad_encodings_are_refused() {
        assert!(decode_exact::<RecentTimes>(&[0], 64).is_err(), "none");
        assert!(decode_exact::<RecentTimes>(&[1u32; 12].to_vec().encode(), 64).is_err(), "twelve");
    }

    proptest! {
        #[test]
        fn one_by_one_is_all_at_once(list in prop::collection::vec(any::<u32>(), 1..30)) {
            let mut times = RecentTimes::genesis(list[0]);
            for (n, time) in list.iter().enumerate().skip(1) {
                times = times.then(*time);
                let newest = list[..=n].iter().rev().copied();
                prop_assert_eq!(RecentTimes::from_newest(newest), Some(times));
            }
            // The plain rule, written differently.
            let mut last: Vec<u32> = list.iter().rev().take(11).copied().collect();
            last.sort_unstable();
            prop_assert_eq!(times.median(), last[last.len() / 2]);
            prop_assert_eq!(decode_exact::<RecentTimes>(&times.encode(), 64), Ok(times));
        }
    }
}
