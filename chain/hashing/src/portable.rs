//! SHA-256 compression in plain Rust: the fallback, and what the compiler runs to
//! make constant midstates. Written after FIPS 180-4 §4.1.2 and §6.2.2, and
//! `const` throughout; hence the `while` loops.

use crate::{Block, State};

/// FIPS 180-4 §5.3.3: the initial hash value.
pub(crate) const START: State = [
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
];

/// FIPS 180-4 §4.2.2: the round constants, in groups of four rounds.
pub(crate) const K: [[u32; 4]; 16] = [
    [0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5],
    [0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5],
    [0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3],
    [0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174],
    [0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc],
    [0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da],
    [0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7],
    [0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967],
    [0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13],
    [0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85],
    [0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3],
    [0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070],
    [0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5],
    [0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3],
    [0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208],
    [0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2],
];

/// Takes each state through its run of blocks.
pub(crate) fn compress(states: &mut [State], runs: &[&[Block]]) {
    for (state, run) in states.iter_mut().zip(runs) {
        for block in *run {
            *state = compress_block(*state, &words_of(block));
        }
    }
}

/// The last word of SHA-256d: the first hash goes on from `midstate` with the block
/// `last`, in which word 3 is replaced by `third_word`.
pub(crate) fn twice(midstate: &State, last: &[u32; 16], third_word: u32) -> u32 {
    let mut block = *last;
    block[3] = third_word;
    let first = compress_block(*midstate, &block);
    let mut block = [0; 16];
    block[..8].copy_from_slice(&first);
    block[8] = 0x8000_0000;
    block[15] = 256; // 32 bytes in bits
    compress_block(START, &block)[7]
}

/// The sixteen big-endian words of a block.
pub(crate) const fn words_of(block: &Block) -> [u32; 16] {
    let mut words = [0; 16];
    let mut i = 0;
    while i < 16 {
        let at = 4 * i;
        words[i] = u32::from_be_bytes([block[at], block[at + 1], block[at + 2], block[at + 3]]);
        i += 1;
    }
    words
}

/// One compression.
pub(crate) const fn compress_block(state: State, block: &[u32; 16]) -> State {
    let mut words = *block;
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = state;
    macro_rules! rounds {
        ($constants:expr, $($t:literal)*) => {$(
            let choice = g ^ (e & (f ^ g));
            let t1 = h
                .wrapping_add($constants[$t / 4][$t % 4])
                .wrapping_add(words[$t])
                .wrapping_add(choice)
                .wrapping_add(e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25));
            let majority = (a & b) ^ (c & (a ^ b));
            let t2 = (a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22))
                .wrapping_add(majority);
            (h, g, f, e) = (g, f, e, d.wrapping_add(t1));
            (d, c, b, a) = (c, b, a, t1.wrapping_add(t2));
        )*};
    }
    let (constants, _) = K.as_chunks::<4>();
    let mut sixteen = 0;
    loop {
        // Literals, because a loop would not be unrolled.
        rounds!(constants[sixteen], 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
        sixteen += 1;
        if sixteen == 4 {
            break;
        }
        words = next_words(words);
    }
    let end = [a, b, c, d, e, f, g, h];
    let mut sum = state;
    let mut i = 0;
    while i < 8 {
        sum[i] = sum[i].wrapping_add(end[i]);
        i += 1;
    }
    sum
}

/// The sixteen words of the message schedule that follow these.
const fn next_words(mut words: [u32; 16]) -> [u32; 16] {
    let mut t = 0;
    while t < 16 {
        let (w1, w14) = (words[(t + 1) % 16], words[(t + 14) % 16]);
        words[t] = words[t]
            .wrapping_add(w1.rotate_right(7) ^ w1.rotate_right(18) ^ (w1 >> 3))
            .wrapping_add(words[(t + 9) % 16])
            .wrapping_add(w14.rotate_right(17) ^ w14.rotate_right(19) ^ (w14 >> 10));
        t += 1;
    }
    words
}
