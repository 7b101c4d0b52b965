//! Which code compresses blocks, chosen at run time, and the one door to it.
//!
//! An [`Engine`] can only be had for code that this machine can run: holding one is the
//! proof that the kernels ask for, so that nothing safe can reach an instruction that
//! the processor lacks.

use crate::x86::{avx512, shani};
use crate::{Block, State, portable};

/// Streams that the narrow kernels run side by side: four fill the SHA unit of current
/// processors, more would only crowd the registers.
pub(crate) const NARROW: usize = 4;

/// Streams that the wide kernel runs side by side.
pub(crate) const WIDE: usize = 16;

/// What an [`Engine`] runs on; for reports and logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Backend {
    /// AVX-512 of x86-64: sixteen streams, one in each place of a vector. What is too
    /// little for sixteen goes the way of the next backend that the machine has.
    Avx512,
    /// The SHA extensions of x86-64: up to four streams interleaved.
    ShaNi,
    /// Portable code, one stream after the other.
    Portable,
}

/// A way of compressing SHA-256 blocks that this machine is known to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Engine {
    wide: Option<avx512::Detected>,
    narrow: Option<shani::Detected>,
}

impl Engine {
    /// The fastest engine of this machine. The processor is asked once per process
    /// (the standard library keeps the answer); later calls are a load and some tests.
    #[inline]
    #[must_use]
    pub fn detect() -> Self {
        Self { wide: avx512::Detected::new(), narrow: shani::Detected::new() }
    }

    /// The engine that runs anywhere.
    #[must_use]
    pub const fn portable() -> Self {
        Self { wide: None, narrow: None }
    }

    /// Every engine of this machine, fastest first, so that tests and benches can
    /// take each in turn.
    pub fn available() -> impl Iterator<Item = Self> {
        let best = Self::detect();
        let mut engines = vec![best, Self { wide: None, ..best }, Self::portable()];
        engines.dedup();
        engines.into_iter()
    }

    /// What this engine runs on.
    #[must_use]
    pub const fn backend(self) -> Backend {
        match self {
            Self { wide: Some(_), .. } => Backend::Avx512,
            Self { narrow: Some(_), .. } => Backend::ShaNi,
            Self { .. } => Backend::Portable,
        }
    }

    /// From how many streams on the wide kernel is the fastest, with some of its places
    /// idle; none without one.
    #[inline]
    pub(crate) const fn wide_from(self) -> usize {
        match self {
            // As measured: sixteen streams take as long as nine do in groups of four.
            Self { wide: Some(_), narrow: Some(_) } => 10,
            Self { wide: Some(_), narrow: None } => 2,
            Self { wide: None, .. } => usize::MAX,
        }
    }

    /// How many of `count` streams the wide kernel takes: all but a rest for which it is
    /// not the fastest.
    #[inline]
    pub(crate) const fn wide_share(self, count: usize) -> usize {
        let rest = count % WIDE;
        if self.wide.is_none() {
            0
        } else if rest < self.wide_from() {
            count - rest
        } else {
            count
        }
    }

    /// Takes each state through its run of blocks. There are as many runs as states,
    /// and all are of one length.
    #[inline(always)]
    pub(crate) fn compress<const L: usize>(self, states: &mut [State; L], runs: &[&[Block]; L]) {
        if let Some(wide) = self.wide
            && let Some(states) = states.as_mut_slice().as_mut_array::<WIDE>()
            && let Some(runs) = runs.as_slice().as_array::<WIDE>()
        {
            return wide.compress(states, runs);
        }
        self.compress_narrow(states, runs);
    }

    /// [`Engine::compress`] for a number of streams not known in advance.
    pub(crate) fn compress_some(self, states: &mut [State], runs: &[&[Block]]) {
        let count = states.len();
        let Some(wide) = self.wide.filter(|_| (self.wide_from()..=WIDE).contains(&count)) else {
            return self.compress_narrow(states, runs);
        };
        let mut all_states = [portable::START; WIDE];
        let mut all_runs = [runs[0]; WIDE];
        all_states[..count].copy_from_slice(states);
        all_runs[..count].copy_from_slice(runs);
        wide.compress(&mut all_states, &all_runs);
        states.copy_from_slice(&all_states[..count]);
    }

    #[inline(always)]
    fn compress_narrow(self, states: &mut [State], runs: &[&[Block]]) {
        let Some(shani) = self.narrow else {
            return portable::compress(states, runs);
        };
        let (groups, states) = states.as_chunks_mut::<NARROW>();
        let (group_runs, runs) = runs.as_chunks::<NARROW>();
        for (states, runs) in groups.iter_mut().zip(group_runs) {
            shani.compress(states, runs);
        }
        if let (Some(states), Some(runs)) = (states.as_mut_array::<3>(), runs.as_array::<3>()) {
            shani.compress(states, runs);
        }
        if let (Some(states), Some(runs)) = (states.as_mut_array::<2>(), runs.as_array::<2>()) {
            shani.compress(states, runs);
        }
        if let (Some(states), Some(runs)) = (states.as_mut_array::<1>(), runs.as_array::<1>()) {
            shani.compress(states, runs);
        }
    }

    /// The last word of each hash of SHA-256d: the first hash goes on from `midstate`
    /// with the block `last`, in which each stream has a word 3 of its own.
    #[inline]
    pub(crate) fn twice(
        self,
        midstate: &State,
        last: &[u32; 16],
        third_words: &[u32; WIDE],
    ) -> [u32; WIDE] {
        if let Some(wide) = self.wide {
            return wide.twice(midstate, last, third_words);
        }
        let Some(shani) = self.narrow else {
            return third_words.map(|word| portable::twice(midstate, last, word));
        };
        let mut out = [0; WIDE];
        let (groups, _) = third_words.as_chunks::<NARROW>();
        let (places, _) = out.as_chunks_mut::<NARROW>();
        for (group, place) in groups.iter().zip(places) {
            *place = shani.twice(midstate, last, group);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;
    use crate::{HeaderSearch, Midstate};

    fn oracle(parts: &[&[u8]]) -> [u8; 32] {
        parts.iter().fold(Sha256::new(), |hasher, part| hasher.chain_update(part)).finalize().into()
    }

    /// Machines with AVX-512 and without SHA extensions exist: their engine, too, is
    /// checked wherever it can run. Elsewhere this is the portable engine once more.
    #[test]
    fn wide_without_narrow() {
        let engine = Engine { narrow: None, ..Engine::detect() };
        let bytes: Vec<u8> = (0u32..1_000).flat_map(u32::to_le_bytes).collect();
        let (pairs, _) = bytes.as_chunks::<32>().0.as_chunks::<2>();
        for count in 0..=50 {
            let mut out = vec![[0; 32]; count];
            engine.hash_pairs(7, &pairs[..count], &mut out);
            for (pair, digest) in pairs.iter().zip(&out) {
                assert_eq!(*digest, oracle(&[&[7], pair.as_flattened()]), "of {count}");
            }
            let slices: Vec<&[u8]> = (0..count).map(|i| &bytes[i..7 * i]).collect();
            engine.hash_slices_from(&Midstate::START, &slices, &mut out);
            for (slice, digest) in slices.iter().zip(&out) {
                assert_eq!(*digest, oracle(&[slice]), "of {count}");
            }
        }
        let header: [u8; 80] = core::array::from_fn(|i| bytes[4 * i]);
        let hash = oracle(&[&oracle(&[&header[..76], &19u32.to_le_bytes()])]);
        let search = HeaderSearch::with_engine(engine, &header);
        assert_eq!(search.hash(19), hash);
        assert_eq!(search.search(19..=19, &hash), Some(19));
    }

    #[test]
    fn rests_go_where_they_are_fastest() {
        let portable = Engine::portable();
        assert_eq!([0, 1, 16, 100].map(|count| portable.wide_share(count)), [0; 4]);
        let best = Engine::detect();
        if best.wide.is_some() && best.narrow.is_some() {
            let shares = [0, 9, 10, 15, 16, 25, 26, 32].map(|count| best.wide_share(count));
            assert_eq!(shares, [0, 0, 10, 15, 16, 16, 26, 32]);
        }
    }
}
