//! Reed-Solomon over GF(2^16): the originals, then points of the polynomial through them.
//!
//! The code works on each column of 64 bytes alone, so a symbol can be coded piece by
//! piece, and several stripes at once: the memory at work stays within [`WORK`] bytes for
//! any id. The library's cost per call is high in decoding (it looks at all 65,536
//! points) and low in encoding, hence long pieces there and one stripe at a time here.

use std::collections::BTreeMap;

use reed_solomon_simd::engine::DefaultEngine;
use reed_solomon_simd::rate::{LowRateDecoder, LowRateEncoder, RateDecoder, RateEncoder};

use super::{FragmentId, Layout};

/// Bytes that the library may hold while it works on one piece.
const WORK: usize = 8 << 20;

/// Why the library cannot refuse: everything that it checks follows from [`Layout`], and
/// from ids that were checked against `Code::end`.
const LAID_OUT: &str = "counts, ids and lengths were checked before";

/// How many bytes of `whole` to code at once, if `shards` are held: a multiple of 64.
fn piece(whole: usize, shards: usize) -> usize {
    (WORK / shards / 64).max(1).saturating_mul(64).min(whole)
}

pub(crate) struct ReedSolomon {
    layout: Layout,
    ids: Vec<usize>,
    parity: Option<Parity>,
}

struct Parity {
    encoder: LowRateEncoder<DefaultEngine>,
    /// How many points after the originals the highest id needs.
    count: usize,
    piece: usize,
}

impl ReedSolomon {
    pub(crate) fn new(layout: Layout, ids: &[FragmentId]) -> Self {
        let ids: Vec<usize> = ids.iter().map(|id| id.0 as usize).collect();
        let count = ids.iter().max().map_or(0, |max| (max + 1).saturating_sub(layout.k()));
        let parity = (count > 0).then(|| {
            let piece =
                piece(layout.symbol(), count.next_multiple_of(layout.k().next_power_of_two()));
            let engine = DefaultEngine::new();
            let encoder =
                LowRateEncoder::new(layout.k(), count, piece, engine, None).expect(LAID_OUT);
            Parity { encoder, count, piece }
        });
        Self { layout, ids, parity }
    }

    /// Codes one stripe; `out` has a symbol for each id, in their order.
    pub(crate) fn encode(&mut self, stripe: &[u8], out: &mut [u8]) {
        let (k, symbol) = (self.layout.k(), self.layout.symbol());
        let slots = self.ids.iter().zip(out.chunks_exact_mut(symbol));
        for (&id, slot) in slots.filter(|(id, _)| **id < k) {
            slot.copy_from_slice(&stripe[id * symbol..][..symbol]);
        }
        let Some(Parity { encoder, count, piece }) = &mut self.parity else { return };
        let mut from = 0;
        while from < symbol {
            let len = (*piece).min(symbol - from);
            encoder.reset(k, *count, len).expect(LAID_OUT);
            for original in stripe.chunks_exact(symbol) {
                encoder.add_original_shard(&original[from..from + len]).expect(LAID_OUT);
            }
            let result = encoder.encode().expect(LAID_OUT);
            let slots = self.ids.iter().zip(out.chunks_exact_mut(symbol));
            for (&id, slot) in slots.filter(|(id, _)| **id >= k) {
                slot[from..from + len].copy_from_slice(result.recovery(id - k).expect(LAID_OUT));
            }
            from += len;
        }
    }
}

/// The padded payload from `bodies`, of which there are at least k, each whole.
pub(crate) fn decode(layout: Layout, bodies: &BTreeMap<FragmentId, &[u8]>) -> Vec<u8> {
    let (k, symbol) = (layout.k(), layout.symbol());
    let mut payload = vec![0; layout.padded()];
    let body =
        |id: usize| u32::try_from(id).ok().and_then(|id| bodies.get(&FragmentId(id))).copied();
    for id in 0..k {
        if let Some(body) = body(id) {
            for (stripe, part) in
                payload.chunks_exact_mut(layout.stripe()).zip(body.chunks_exact(symbol))
            {
                stripe[id * symbol..][..symbol].copy_from_slice(part);
            }
        }
    }
    let lost: Vec<usize> = (0..k).filter(|id| body(*id).is_none()).collect();
    if lost.is_empty() {
        return payload;
    }
    // The lowest ids: the higher the highest one, the more points the library looks at.
    let parity: Vec<(usize, &[u8])> = bodies
        .iter()
        .map(|(id, body)| (id.0 as usize, *body))
        .filter(|(id, _)| *id >= k)
        .take(lost.len())
        .collect();
    let count = parity.last().map_or(1, |(id, _)| id + 1 - k);
    let shards = (k.next_power_of_two() + count).next_power_of_two();
    let piece = piece(layout.body(), shards);
    let mut decoder =
        LowRateDecoder::new(k, count, piece, DefaultEngine::new(), None).expect(LAID_OUT);
    let mut from = 0;
    while from < layout.body() {
        let len = piece.min(layout.body() - from);
        decoder.reset(k, count, len).expect(LAID_OUT);
        for id in 0..k {
            if let Some(body) = body(id) {
                decoder.add_original_shard(id, &body[from..from + len]).expect(LAID_OUT);
            }
        }
        for (id, body) in &parity {
            decoder.add_recovery_shard(id - k, &body[from..from + len]).expect(LAID_OUT);
        }
        let result = decoder.decode().expect(LAID_OUT);
        for &id in &lost {
            let restored = result.restored_original(id).expect(LAID_OUT);
            scatter(layout, &mut payload, id, from, restored);
        }
        from += len;
    }
    payload
}

/// Writes a piece of original `id`'s body, `from` its byte `from`, to its places in the payload.
fn scatter(layout: Layout, payload: &mut [u8], id: usize, from: usize, mut piece: &[u8]) {
    let symbol = layout.symbol();
    let mut at = from;
    while !piece.is_empty() {
        let (stripe, offset) = (at / symbol, at % symbol);
        let (part, rest) = piece.split_at(piece.len().min(symbol - offset));
        payload[stripe * layout.stripe() + id * symbol + offset..][..part.len()]
            .copy_from_slice(part);
        at += part.len();
        piece = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Code, Codec};

    /// GF(2^16) and the code as docs/protocol.md §9.4 defines them, by the definition: no
    /// tables, no transforms, Lagrange's formula.
    struct Oracle {
        /// From a stored value to its element, and back.
        element: Vec<u16>,
        value: Vec<u16>,
    }

    impl Oracle {
        const BASIS: [u16; 16] = [
            0x0001, 0xacca, 0x3c0e, 0x163e, 0xc582, 0xed2e, 0x914c, 0x4012, 0x6c98, 0x10d8, 0x6a72,
            0xb900, 0xfdb8, 0xfb34, 0xff38, 0x991e,
        ];

        fn new() -> Self {
            let element: Vec<u16> = (0..=u16::MAX)
                .map(|v| (0..16).filter(|b| v >> b & 1 == 1).fold(0, |e, b| e ^ Self::BASIS[b]))
                .collect();
            let mut value = vec![0; 65_536];
            for (v, e) in (0..=u16::MAX).zip(&element) {
                value[usize::from(*e)] = v;
            }
            Self { element, value }
        }

        /// Carry-less, modulo x^16 + x^5 + x^3 + x^2 + 1.
        fn mul(a: u16, b: u16) -> u16 {
            let mut product = 0u32;
            for bit in (0..16).rev() {
                product <<= 1;
                if product & 0x1_0000 != 0 {
                    product ^= 0x1_002d;
                }
                if b >> bit & 1 == 1 {
                    product ^= u32::from(a);
                }
            }
            u16::try_from(product).unwrap()
        }

        /// a^(2^16 - 2).
        fn invert(a: u16) -> u16 {
            let (mut result, mut square) = (1, a);
            for _ in 1..16 {
                square = Self::mul(square, square);
                result = Self::mul(result, square);
            }
            result
        }

        /// The stored value at point `at` of the polynomial with `originals` at the points
        /// from 0 on, and 0 at the others below the next power of two.
        fn evaluate(&self, originals: &[u16], at: usize) -> u16 {
            let width = originals.len().next_power_of_two();
            let x = self.element[at];
            let mut sum = 0;
            for (i, original) in originals.iter().enumerate() {
                let xi = self.element[i];
                let (mut above, mut below) = (self.element[usize::from(*original)], 1);
                for l in (0..width).filter(|l| *l != i) {
                    above = Self::mul(above, x ^ self.element[l]);
                    below = Self::mul(below, xi ^ self.element[l]);
                }
                sum ^= Self::mul(above, Self::invert(below));
            }
            self.value[usize::from(sum)]
        }
    }

    /// Element j of a chunk of 64 bytes has its low byte at j and its high one at 32 + j.
    fn elements(symbol: &[u8]) -> Vec<u16> {
        let chunk = |c: &[u8]| -> Vec<u16> {
            (0..32).map(|j| u16::from_le_bytes([c[j], c[32 + j]])).collect()
        };
        symbol.chunks_exact(64).flat_map(chunk).collect()
    }

    fn noise(len: usize) -> Vec<u8> {
        (1u32..).flat_map(|i| i.wrapping_mul(0x9e37_79b9).to_be_bytes()).take(len).collect()
    }

    #[test]
    fn symbols_are_points_of_the_polynomial() {
        let oracle = Oracle::new();
        for k in [1u16, 2, 3, 5, 8, 10] {
            let code = Code::new(Codec::ReedSolomon, k).unwrap();
            let layout = Layout::new(code, u64::from(k) * 128).unwrap();
            assert_eq!((layout.symbol(), layout.stripes()), (128, 1));
            let stripe = noise(layout.stripe());
            let k = usize::from(k);
            // Originals, the first points after them, far ones, the last one.
            let last = code.end() - 1;
            let ids = [0, k as u32 - 1, k as u32, k as u32 + 1, 40, 255, 3_000, last];
            let ids: Vec<_> = ids.into_iter().map(FragmentId).collect();
            let mut out = vec![0; ids.len() * 128];
            ReedSolomon::new(layout, &ids).encode(&stripe, &mut out);
            let originals: Vec<Vec<u16>> = stripe.chunks_exact(128).map(elements).collect();
            for (id, symbol) in ids.iter().zip(out.chunks_exact(128)) {
                let id = id.0 as usize;
                let at = if id < k { id } else { k.next_power_of_two() + id - k };
                for (j, found) in elements(symbol).into_iter().enumerate().step_by(7) {
                    let column: Vec<u16> = originals.iter().map(|o| o[j]).collect();
                    assert_eq!(found, oracle.evaluate(&column, at), "k {k} id {id} element {j}");
                }
            }
        }
    }

    #[test]
    fn pieces_make_the_same_symbols() {
        // An id of 5,000 is coded in pieces of 8,388,608 / 4,992 / 64 = 26.3 -> 26 units, 1,664
        // bytes, 19.7 of them.
        let code = Code::new(Codec::ReedSolomon, 10).unwrap();
        let layout = Layout::new(code, 10 * 32_768).unwrap();
        let stripe = noise(layout.stripe());
        let mut far = vec![0; 2 * 32_768];
        ReedSolomon::new(layout, &[FragmentId(20), FragmentId(5_000)]).encode(&stripe, &mut far);
        let mut near = vec![0; 32_768];
        ReedSolomon::new(layout, &[FragmentId(20)]).encode(&stripe, &mut near);
        assert!(far.starts_with(&near));
        // The far one with all originals but one gives that one back.
        let mut bodies: BTreeMap<FragmentId, &[u8]> =
            (0..).map(FragmentId).zip(stripe.chunks(32_768)).collect();
        bodies.remove(&FragmentId(3));
        bodies.insert(FragmentId(5_000), &far[32_768..]);
        assert!(decode(layout, &bodies) == stripe);
    }
}
