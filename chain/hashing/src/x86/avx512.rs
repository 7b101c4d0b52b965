//! SHA-256 compression by AVX-512, sixteen streams side by side.
//!
//! Each register holds one word of all sixteen streams, so that the algorithm is FIPS
//! 180-4 §6.2.2 with vectors for words. Rotations and functions of three operands are
//! single instructions here, and state and message schedule fit into the registers.

use core::arch::x86_64::{
    __m512i, _mm512_add_epi32, _mm512_castsi128_si512, _mm512_inserti32x4, _mm512_ror_epi32,
    _mm512_set1_epi32, _mm512_set4_epi32, _mm512_setzero_si512, _mm512_shuffle_epi8,
    _mm512_srli_epi32, _mm512_ternarylogic_epi32, _mm512_unpackhi_epi32, _mm512_unpackhi_epi64,
    _mm512_unpacklo_epi32, _mm512_unpacklo_epi64,
};

use super::memory::{load_quarter, load16, store16};
use crate::portable::{K, START};
use crate::{Block, State};

/// Streams side by side.
const LANES: usize = 16;

/// One word of each stream.
type Word = __m512i;

/// The proof that this processor has the features used here: only [`Detected::new`]
/// makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Detected(());

impl Detected {
    #[inline]
    pub(crate) fn new() -> Option<Self> {
        (is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw"))
            .then_some(Self(()))
    }

    /// Takes each state through its run of blocks, up to the shortest run.
    #[inline]
    pub(crate) fn compress(self, states: &mut [State; LANES], runs: &[&[Block]; LANES]) {
        // SAFETY: `self` exists only where `new` found the features avx512f and avx512bw.
        unsafe { compress_runs(states, runs) }
    }

    /// The last word of each hash of SHA-256d: the first hash goes on from `midstate`
    /// with the block `last`, in which each stream has a word 3 of its own.
    #[inline]
    pub(crate) fn twice(
        self,
        midstate: &State,
        last: &[u32; 16],
        third_words: &[u32; LANES],
    ) -> [u32; LANES] {
        // SAFETY: `self` exists only where `new` found the features avx512f and avx512bw.
        unsafe { last_words_of_twice(midstate, last, third_words) }
    }
}

#[target_feature(enable = "avx512f,avx512bw")]
fn compress_runs(states: &mut [State; LANES], runs: &[&[Block]; LANES]) {
    let count = runs.iter().map(|run| run.len()).min().unwrap_or(0);
    let mut columns = [[0; LANES]; 8];
    for lane in 0..LANES {
        for i in 0..8 {
            columns[i][lane] = states[lane][i];
        }
    }
    let mut state = [_mm512_setzero_si512(); 8];
    for i in 0..8 {
        state[i] = load16(&columns[i]);
    }
    for i in 0..count {
        let mut blocks = [&[0; 64]; LANES];
        for lane in 0..LANES {
            blocks[lane] = &runs[lane][i];
        }
        rounds(&mut state, words_of(&blocks));
    }
    for i in 0..8 {
        store16(&mut columns[i], state[i]);
    }
    for lane in 0..LANES {
        for i in 0..8 {
            states[lane][i] = columns[i][lane];
        }
    }
}

#[target_feature(enable = "avx512f,avx512bw")]
fn last_words_of_twice(
    midstate: &State,
    last: &[u32; 16],
    third_words: &[u32; LANES],
) -> [u32; LANES] {
    let mut state = [_mm512_setzero_si512(); 8];
    for i in 0..8 {
        state[i] = all(midstate[i]);
    }
    let mut words = [_mm512_setzero_si512(); 16];
    for i in 0..16 {
        words[i] = all(last[i]);
    }
    words[3] = load16(third_words);
    rounds(&mut state, words);

    let mut words = [_mm512_setzero_si512(); 16];
    words[..8].copy_from_slice(&state);
    words[8] = all(0x8000_0000);
    words[15] = all(256); // 32 bytes in bits
    for i in 0..8 {
        state[i] = all(START[i]);
    }
    rounds(&mut state, words);
    let mut out = [0; LANES];
    store16(&mut out, state[7]);
    out
}

/// The sixteen words of each block, by word instead of by block.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn words_of(blocks: &[&Block; LANES]) -> [Word; 16] {
    // Each word of a block is big-endian: reverse its four bytes.
    let reverse = _mm512_set4_epi32(0x0c0d_0e0f, 0x0809_0a0b, 0x0405_0607, 0x0001_0203);
    let mut words = [_mm512_setzero_si512(); 16];
    for quarter in 0..4 {
        // Row i has four words of each of the streams i, i + 4, i + 8 and i + 12, so
        // that a transposition within each 128 bits leaves the streams in order.
        let mut rows = [_mm512_setzero_si512(); 4];
        for i in 0..4 {
            let row = _mm512_castsi128_si512(load_quarter(blocks[i], quarter));
            let row = _mm512_inserti32x4::<1>(row, load_quarter(blocks[i + 4], quarter));
            let row = _mm512_inserti32x4::<2>(row, load_quarter(blocks[i + 8], quarter));
            let row = _mm512_inserti32x4::<3>(row, load_quarter(blocks[i + 12], quarter));
            rows[i] = _mm512_shuffle_epi8(row, reverse);
        }
        let [row0, row1, row2, row3] = rows;
        let (low01, high01) =
            (_mm512_unpacklo_epi32(row0, row1), _mm512_unpackhi_epi32(row0, row1));
        let (low23, high23) =
            (_mm512_unpacklo_epi32(row2, row3), _mm512_unpackhi_epi32(row2, row3));
        words[4 * quarter] = _mm512_unpacklo_epi64(low01, low23);
        words[4 * quarter + 1] = _mm512_unpackhi_epi64(low01, low23);
        words[4 * quarter + 2] = _mm512_unpacklo_epi64(high01, high23);
        words[4 * quarter + 3] = _mm512_unpackhi_epi64(high01, high23);
    }
    words
}

/// The 64 rounds of one block, and the addition at the end.
#[inline]
#[target_feature(enable = "avx512f")]
fn rounds(state: &mut [Word; 8], mut words: [Word; 16]) {
    let start = *state;
    let (constants, _) = K.as_chunks::<4>();
    for sixteen in &constants[..3] {
        sixteen_rounds::<true>(sixteen, state, &mut words);
    }
    sixteen_rounds::<false>(&constants[3], state, &mut words);
    for i in 0..8 {
        state[i] = _mm512_add_epi32(start[i], state[i]);
    }
}

/// Sixteen rounds, and with `MORE` the sixteen words for those that follow.
#[inline]
#[target_feature(enable = "avx512f")]
fn sixteen_rounds<const MORE: bool>(
    constants: &[[u32; 4]; 4],
    state: &mut [Word; 8],
    words: &mut [Word; 16],
) {
    macro_rules! rounds {
        ($($t:literal)*) => {$(
            let [a, b, c, d, e, f, g, h] = *state;
            let word = _mm512_add_epi32(words[$t], all(constants[$t / 4][$t % 4]));
            let t1 = sum4(h, word, big_sigma1(e), choice(e, f, g));
            let t2 = _mm512_add_epi32(big_sigma0(a), majority(a, b, c));
            *state = [_mm512_add_epi32(t1, t2), a, b, c, _mm512_add_epi32(d, t1), e, f, g];
            if MORE {
                let (w1, w9, w14) =
                    (words[($t + 1) % 16], words[($t + 9) % 16], words[($t + 14) % 16]);
                words[$t] = sum4(words[$t], small_sigma0(w1), w9, small_sigma1(w14));
            }
        )*};
    }
    // Literals, because a loop of this size would not be unrolled, and words picked at
    // run time would leave the registers.
    rounds!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
}

#[inline]
#[target_feature(enable = "avx512f")]
fn all(word: u32) -> Word {
    _mm512_set1_epi32(word.cast_signed())
}

#[inline]
#[target_feature(enable = "avx512f")]
fn sum4(a: Word, b: Word, c: Word, d: Word) -> Word {
    _mm512_add_epi32(_mm512_add_epi32(a, b), _mm512_add_epi32(c, d))
}

#[inline]
#[target_feature(enable = "avx512f")]
fn xor3(a: Word, b: Word, c: Word) -> Word {
    _mm512_ternarylogic_epi32::<0b1001_0110>(a, b, c)
}

/// `Ch` of FIPS 180-4 §4.1.2: `f` where `e` has ones, else `g`.
#[inline]
#[target_feature(enable = "avx512f")]
fn choice(e: Word, f: Word, g: Word) -> Word {
    _mm512_ternarylogic_epi32::<0b1100_1010>(e, f, g)
}

/// `Maj` of FIPS 180-4 §4.1.2.
#[inline]
#[target_feature(enable = "avx512f")]
fn majority(a: Word, b: Word, c: Word) -> Word {
    _mm512_ternarylogic_epi32::<0b1110_1000>(a, b, c)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn big_sigma0(x: Word) -> Word {
    xor3(_mm512_ror_epi32::<2>(x), _mm512_ror_epi32::<13>(x), _mm512_ror_epi32::<22>(x))
}

#[inline]
#[target_feature(enable = "avx512f")]
fn big_sigma1(x: Word) -> Word {
    xor3(_mm512_ror_epi32::<6>(x), _mm512_ror_epi32::<11>(x), _mm512_ror_epi32::<25>(x))
}

#[inline]
#[target_feature(enable = "avx512f")]
fn small_sigma0(x: Word) -> Word {
    xor3(_mm512_ror_epi32::<7>(x), _mm512_ror_epi32::<18>(x), _mm512_srli_epi32::<3>(x))
}

#[inline]
#[target_feature(enable = "avx512f")]
fn small_sigma1(x: Word) -> Word {
    xor3(_mm512_ror_epi32::<17>(x), _mm512_ror_epi32::<19>(x), _mm512_srli_epi32::<10>(x))
}
