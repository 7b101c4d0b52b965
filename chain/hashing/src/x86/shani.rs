//! SHA-256 compression by the SHA extensions of x86-64, several streams interleaved.
//!
//! `sha256rnds2` does two rounds in four cycles or more, yet a new one can start every
//! second cycle: a single stream waits half its time. Here each group of four rounds is
//! done for every lane before the next group, so that lanes fill each other's waits.

use core::arch::x86_64::{
    __m128i, _mm_add_epi32, _mm_alignr_epi8, _mm_blend_epi16, _mm_extract_epi32, _mm_insert_epi32,
    _mm_set_epi64x, _mm_setzero_si128, _mm_sha256msg1_epu32, _mm_sha256msg2_epu32,
    _mm_sha256rnds2_epu32, _mm_shuffle_epi8, _mm_shuffle_epi32,
};

use super::memory::{load_quarter, load4, store4};
use crate::portable::{K, START};
use crate::{Block, State};

/// The proof that this processor has the features used here: only [`Detected::new`]
/// makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Detected(());

impl Detected {
    #[inline]
    pub(crate) fn new() -> Option<Self> {
        (is_x86_feature_detected!("sha")
            && is_x86_feature_detected!("sse4.1")
            && is_x86_feature_detected!("ssse3"))
        .then_some(Self(()))
    }

    /// Takes each state through its run of blocks, up to the shortest run.
    #[inline]
    pub(crate) fn compress<const L: usize>(self, states: &mut [State; L], runs: &[&[Block]; L]) {
        // SAFETY: `self` exists only where `new` found the features sha, sse4.1 and ssse3.
        unsafe { compress_runs(states, runs) }
    }

    /// The last word of each hash of SHA-256d: the first hash goes on from `midstate`
    /// with the block `last`, in which each stream has a word 3 of its own.
    #[inline]
    pub(crate) fn twice<const L: usize>(
        self,
        midstate: &State,
        last: &[u32; 16],
        third_words: &[u32; L],
    ) -> [u32; L] {
        // SAFETY: `self` exists only where `new` found the features sha, sse4.1 and ssse3.
        unsafe { last_words_of_twice(midstate, last, third_words) }
    }
}

/// The two halves of a state as the instructions want them.
#[derive(Clone, Copy)]
struct Halves {
    /// `a b e f`, most significant word first.
    abef: __m128i,
    /// `c d g h`, most significant word first.
    cdgh: __m128i,
}

impl Halves {
    #[inline]
    #[target_feature(enable = "sse2")]
    fn zero() -> Self {
        Self { abef: _mm_setzero_si128(), cdgh: _mm_setzero_si128() }
    }

    #[inline]
    #[target_feature(enable = "sse4.1,ssse3")]
    fn of(state: &State) -> Self {
        let (quarters, _) = state.as_chunks::<4>();
        let badc = _mm_shuffle_epi32::<0b10_11_00_01>(load4(&quarters[0]));
        let hgfe = _mm_shuffle_epi32::<0b00_01_10_11>(load4(&quarters[1]));
        Self {
            abef: _mm_alignr_epi8::<8>(badc, hgfe),
            cdgh: _mm_blend_epi16::<0b1111_0000>(hgfe, badc),
        }
    }

    /// The state's words: `a` to `d`, `e` to `h`.
    #[inline]
    #[target_feature(enable = "sse4.1,ssse3")]
    fn words(self) -> [__m128i; 2] {
        let abef = _mm_shuffle_epi32::<0b00_01_10_11>(self.abef);
        let ghcd = _mm_shuffle_epi32::<0b10_11_00_01>(self.cdgh);
        [_mm_blend_epi16::<0b1111_0000>(abef, ghcd), _mm_alignr_epi8::<8>(ghcd, abef)]
    }
}

#[target_feature(enable = "sha,sse4.1,ssse3")]
fn compress_runs<const L: usize>(states: &mut [State; L], runs: &[&[Block]; L]) {
    let count = runs.iter().map(|run| run.len()).min().unwrap_or(0);
    // Each word of a block is big-endian: reverse its four bytes.
    let reverse = _mm_set_epi64x(0x0c0d_0e0f_0809_0a0b, 0x0405_0607_0001_0203);
    let mut halves = [Halves::zero(); L];
    for lane in 0..L {
        halves[lane] = Halves::of(&states[lane]);
    }
    for i in 0..count {
        let mut words = [[_mm_setzero_si128(); 4]; L];
        for lane in 0..L {
            for j in 0..4 {
                words[lane][j] = _mm_shuffle_epi8(load_quarter(&runs[lane][i], j), reverse);
            }
        }
        rounds(&mut halves, words);
    }
    for lane in 0..L {
        let [abcd, efgh] = halves[lane].words();
        let (quarters, _) = states[lane].as_chunks_mut::<4>();
        store4(&mut quarters[0], abcd);
        store4(&mut quarters[1], efgh);
    }
}

#[target_feature(enable = "sha,sse4.1,ssse3")]
fn last_words_of_twice<const L: usize>(
    midstate: &State,
    last: &[u32; 16],
    third_words: &[u32; L],
) -> [u32; L] {
    let (quarters, _) = last.as_chunks::<4>();
    let mut words = [[_mm_setzero_si128(); 4]; L];
    for lane in 0..L {
        for j in 0..4 {
            words[lane][j] = load4(&quarters[j]);
        }
        words[lane][0] = _mm_insert_epi32::<3>(words[lane][0], third_words[lane].cast_signed());
    }
    let mut halves = [Halves::of(midstate); L];
    rounds(&mut halves, words);

    let mark = load4(&[0x8000_0000, 0, 0, 0]);
    let length = load4(&[0, 0, 0, 256]); // 32 bytes in bits
    for lane in 0..L {
        let [abcd, efgh] = halves[lane].words();
        words[lane] = [abcd, efgh, mark, length];
    }
    let mut halves = [Halves::of(&START); L];
    rounds(&mut halves, words);
    let mut out = [0; L];
    for lane in 0..L {
        let [_, efgh] = halves[lane].words();
        out[lane] = _mm_extract_epi32::<3>(efgh).cast_unsigned();
    }
    out
}

/// The 64 rounds of one block in every lane, and the addition at the end.
#[inline]
#[target_feature(enable = "sha,sse4.1,ssse3")]
fn rounds<const L: usize>(halves: &mut [Halves; L], mut words: [[__m128i; 4]; L]) {
    let start = *halves;
    macro_rules! groups {
        ($($group:literal)*) => { $( four_rounds::<$group, L>(halves, &mut words); )* };
    }
    groups!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
    for lane in 0..L {
        halves[lane].abef = _mm_add_epi32(halves[lane].abef, start[lane].abef);
        halves[lane].cdgh = _mm_add_epi32(halves[lane].cdgh, start[lane].cdgh);
    }
}

/// Rounds 4·G to 4·G + 3 in every lane. `words` holds sixteen words of each schedule;
/// the four used here give way to those needed sixteen rounds later.
#[inline]
#[target_feature(enable = "sha,sse4.1,ssse3")]
fn four_rounds<const G: usize, const L: usize>(
    halves: &mut [Halves; L],
    words: &mut [[__m128i; 4]; L],
) {
    let constants = load4(&K[G]);
    for lane in 0..L {
        let Halves { abef, cdgh } = halves[lane];
        let w = &mut words[lane];
        let first = _mm_add_epi32(w[G % 4], constants);
        let last = _mm_shuffle_epi32::<0b00_00_11_10>(first);
        // Two rounds turn the old `a b e f` into the new `c d g h`.
        let cdgh = _mm_sha256rnds2_epu32(cdgh, abef, first);
        let abef = _mm_sha256rnds2_epu32(abef, cdgh, last);
        halves[lane] = Halves { abef, cdgh };
        if G < 12 {
            let (w0, w1, w2, w3) = (w[G % 4], w[(G + 1) % 4], w[(G + 2) % 4], w[(G + 3) % 4]);
            let w9 = _mm_alignr_epi8::<4>(w3, w2);
            let sum = _mm_add_epi32(_mm_sha256msg1_epu32(w0, w1), w9);
            w[G % 4] = _mm_sha256msg2_epu32(sum, w3);
        }
    }
}
