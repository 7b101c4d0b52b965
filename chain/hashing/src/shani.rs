//! SHA-256 compression by the SHA extensions of x86-64, several streams interleaved.
//!
//! `sha256rnds2` does two rounds in four cycles or more, and can start every second
//! one: a single stream waits half its time. Here each group of four rounds is done
//! for every lane before the next group, so that the lanes fill each other's waits.
//!
//! All `unsafe` of the project is in this file: unaligned loads and stores through
//! references, and entering a function whose processor features were detected.

use core::arch::x86_64::{
    __m128i, _mm_add_epi32, _mm_alignr_epi8, _mm_blend_epi16, _mm_loadu_si128, _mm_set_epi64x,
    _mm_setzero_si128, _mm_sha256msg1_epu32, _mm_sha256msg2_epu32, _mm_sha256rnds2_epu32,
    _mm_shuffle_epi8, _mm_shuffle_epi32, _mm_storeu_si128,
};

use crate::portable::K;
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

    /// Takes each state through one block of sixteen words.
    #[inline]
    pub(crate) fn compress_words<const L: usize>(
        self,
        states: &mut [State; L],
        blocks: &[[u32; 16]; L],
    ) {
        // SAFETY: `self` exists only where `new` found the features sha, sse4.1 and ssse3.
        unsafe { compress_word_blocks(states, blocks) }
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
    #[target_feature(enable = "sse4.1")]
    fn zero() -> Self {
        Self {
            abef: _mm_setzero_si128(),
            cdgh: _mm_setzero_si128(),
        }
    }
}

// Lanes are walked by index throughout: the loops have a constant count and unroll,
// and closures would stand between the intrinsics and their target features.

#[expect(clippy::needless_range_loop, reason = "the runs advance together")]
#[target_feature(enable = "sha,sse4.1,ssse3")]
fn compress_runs<const L: usize>(states: &mut [State; L], runs: &[&[Block]; L]) {
    let count = runs.iter().map(|run| run.len()).min().unwrap_or(0);
    // Each word of a block is big-endian: reverse its four bytes.
    let reverse = _mm_set_epi64x(0x0c0d_0e0f_0809_0a0b, 0x0405_0607_0001_0203);
    let mut halves = unpack_all(states);
    for i in 0..count {
        let mut words = [[_mm_setzero_si128(); 4]; L];
        for lane in 0..L {
            let (quarters, _) = runs[lane][i].as_chunks::<16>();
            for j in 0..4 {
                words[lane][j] = _mm_shuffle_epi8(load_bytes(&quarters[j]), reverse);
            }
        }
        rounds(&mut halves, words);
    }
    pack_all(&halves, states);
}

#[target_feature(enable = "sha,sse4.1,ssse3")]
fn compress_word_blocks<const L: usize>(states: &mut [State; L], blocks: &[[u32; 16]; L]) {
    let mut halves = unpack_all(states);
    let mut words = [[_mm_setzero_si128(); 4]; L];
    for lane in 0..L {
        let (quarters, _) = blocks[lane].as_chunks::<4>();
        for j in 0..4 {
            words[lane][j] = load_words(&quarters[j]);
        }
    }
    rounds(&mut halves, words);
    pack_all(&halves, states);
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
    let constants = load_words(&K[G]);
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

#[inline]
#[target_feature(enable = "sse4.1,ssse3")]
fn unpack_all<const L: usize>(states: &[State; L]) -> [Halves; L] {
    let mut halves = [Halves::zero(); L];
    for lane in 0..L {
        let (quarters, _) = states[lane].as_chunks::<4>();
        let abcd = _mm_shuffle_epi32::<0b10_11_00_01>(load_words(&quarters[0]));
        let efgh = _mm_shuffle_epi32::<0b00_01_10_11>(load_words(&quarters[1]));
        halves[lane] = Halves {
            abef: _mm_alignr_epi8::<8>(abcd, efgh),
            cdgh: _mm_blend_epi16::<0b1111_0000>(efgh, abcd),
        };
    }
    halves
}

#[inline]
#[target_feature(enable = "sse4.1,ssse3")]
fn pack_all<const L: usize>(halves: &[Halves; L], states: &mut [State; L]) {
    for lane in 0..L {
        let feba = _mm_shuffle_epi32::<0b00_01_10_11>(halves[lane].abef);
        let dchg = _mm_shuffle_epi32::<0b10_11_00_01>(halves[lane].cdgh);
        let (quarters, _) = states[lane].as_chunks_mut::<4>();
        store_words(&mut quarters[0], _mm_blend_epi16::<0b1111_0000>(feba, dchg));
        store_words(&mut quarters[1], _mm_alignr_epi8::<8>(dchg, feba));
    }
}

#[inline]
#[target_feature(enable = "sse2")]
fn load_bytes(bytes: &[u8; 16]) -> __m128i {
    // SAFETY: the reference covers sixteen readable bytes, and `loadu` asks for no alignment.
    unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "sse2")]
fn load_words(words: &[u32; 4]) -> __m128i {
    // SAFETY: the reference covers sixteen readable bytes, and `loadu` asks for no alignment.
    unsafe { _mm_loadu_si128(words.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "sse2")]
fn store_words(words: &mut [u32; 4], value: __m128i) {
    // SAFETY: the reference covers sixteen writable bytes, and `storeu` asks for no alignment.
    unsafe { _mm_storeu_si128(words.as_mut_ptr().cast(), value) }
}
