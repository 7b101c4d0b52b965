//! Vectors from and to memory, by reference.

use core::arch::x86_64::{
    __m128i, __m512i, _mm_loadu_si128, _mm_storeu_si128, _mm512_loadu_si512, _mm512_storeu_si512,
};

use crate::Block;

/// The words of one quarter of a block, as they stand in memory.
#[inline]
#[target_feature(enable = "sse2")]
pub(super) fn load_quarter(block: &Block, quarter: usize) -> __m128i {
    let (quarters, _) = block.as_chunks::<16>();
    let bytes: &[u8; 16] = &quarters[quarter];
    // SAFETY: the reference covers 16 readable bytes, and `loadu` asks for no alignment.
    unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "sse2")]
pub(super) fn load4(words: &[u32; 4]) -> __m128i {
    // SAFETY: the reference covers 16 readable bytes, and `loadu` asks for no alignment.
    unsafe { _mm_loadu_si128(words.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "sse2")]
pub(super) fn store4(words: &mut [u32; 4], value: __m128i) {
    // SAFETY: the reference covers 16 writable bytes, and `storeu` asks for no alignment.
    unsafe { _mm_storeu_si128(words.as_mut_ptr().cast(), value) }
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn load16(words: &[u32; 16]) -> __m512i {
    // SAFETY: the reference covers 64 readable bytes, and `loadu` asks for no alignment.
    unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn store16(words: &mut [u32; 16], value: __m512i) {
    // SAFETY: the reference covers 64 writable bytes, and `storeu` asks for no alignment.
    unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), value) }
}
