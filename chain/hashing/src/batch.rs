//! Many short messages of one length: arrays, nodes and leaves, side by side.
//!
//! Every stream has a frame, a message already padded, into which the next item is
//! copied: prefix, padding and length are written once per batch.

use crate::engine::{NARROW, WIDE};
use crate::padding::{Tail, digest};
use crate::portable::START;
use crate::{Block, Digest, Engine};

/// Blocks of a node's frame: 65 bytes and the padding.
const NODE: usize = 2;

/// Blocks of any other frame: a leaf of 256 bytes with its prefix fits.
const LONG: usize = 5;

/// Bytes of a frame that are never the item's: a prefix, the mark 0x80, the length.
const OVERHEAD: usize = 10;

impl Engine {
    /// SHA-256 of each of `messages`, all of the same length `N`: at most 310 bytes,
    /// which the compiler checks. Longer ones are [`Engine::hash_slices`]'.
    ///
    /// # Panics
    ///
    /// If `out` is not as long as `messages`.
    pub fn hash_many<const N: usize>(self, messages: &[[u8; N]], out: &mut [Digest]) {
        self.hash_items::<N, LONG>(&[], messages, out);
    }

    /// `SHA256(prefix || left || right)` of each pair.
    ///
    /// # Panics
    ///
    /// If `out` is not as long as `pairs`.
    pub fn hash_pairs(self, prefix: u8, pairs: &[[Digest; 2]], out: &mut [Digest]) {
        let (items, _) = pairs.as_flattened().as_flattened().as_chunks::<64>();
        self.hash_items::<64, NODE>(&[prefix], items, out);
    }

    /// `SHA256(prefix || left || right)` of one pair.
    #[must_use]
    pub fn hash_pair(self, prefix: u8, left: &Digest, right: &Digest) -> Digest {
        let mut blocks = [[0; 64]; 2];
        let bytes = blocks.as_flattened_mut();
        bytes[0] = prefix;
        bytes[1..33].copy_from_slice(left);
        bytes[33..65].copy_from_slice(right);
        bytes[65] = 0x80;
        bytes[126..].copy_from_slice(&520u16.to_be_bytes()); // 65 bytes in bits
        let mut state = [START];
        self.compress(&mut state, &[&blocks]);
        digest(&state[0])
    }

    /// `SHA256(prefix || leaf)` of each leaf of `data`, which is cut every `LEAF`
    /// bytes; the last leaf is what remains. No data, no leaves. `LEAF` is 1 to 310,
    /// which the compiler checks.
    ///
    /// # Panics
    ///
    /// If `out` is not as long as there are leaves: `data.len().div_ceil(LEAF)`.
    pub fn hash_leaves<const LEAF: usize>(self, prefix: u8, data: &[u8], out: &mut [Digest]) {
        let (leaves, last) = data.as_chunks::<LEAF>();
        let count = leaves.len() + usize::from(!last.is_empty());
        assert_eq!(count, out.len(), "one place for each digest");
        let (places, rest) = out.split_at_mut(leaves.len());
        self.hash_items::<LEAF, LONG>(&[prefix], leaves, places);
        if let [place] = rest {
            *place = self.hash_prefixed(prefix, last);
        }
    }

    /// `SHA256(prefix || body)` of one body of any length.
    #[must_use]
    pub fn hash_prefixed(self, prefix: u8, body: &[u8]) -> Digest {
        let mut head = [0; 64];
        head[0] = prefix;
        let taken = body.len().min(63);
        let (first, rest) = body.split_at(taken);
        head[1..=taken].copy_from_slice(first);
        if taken < 63 {
            return self.finish(&START, 0, &head[..=taken]);
        }
        let mut state = [START];
        self.compress(&mut state, &[&[head]]);
        self.finish(&state[0], 64, rest)
    }

    /// The digest of a message that came to `state` after `absorbed` bytes and ends
    /// with `rest`.
    pub(crate) fn finish(self, state: &[u32; 8], absorbed: u64, rest: &[u8]) -> Digest {
        let (blocks, last) = rest.as_chunks::<64>();
        let tail = Tail::new(last, absorbed + rest.len() as u64);
        let mut state = [*state];
        if !blocks.is_empty() {
            self.compress(&mut state, &[blocks]);
        }
        self.compress(&mut state, &[tail.blocks()]);
        digest(&state[0])
    }

    /// The digest of `prefix || item` for each item, in frames of `B` blocks; the prefix
    /// is a byte at most.
    fn hash_items<const N: usize, const B: usize>(
        self,
        prefix: &[u8],
        items: &[[u8; N]],
        out: &mut [Digest],
    ) {
        const { assert!(N + OVERHEAD <= 64 * B, "longer messages are hash_slices'") };
        assert_eq!(items.len(), out.len(), "one place for each digest");
        let frame = Frame::new(prefix, N);
        let (items, narrow_items) = items.split_at(self.wide_share(items.len()));
        let (out, narrow_out) = out.split_at_mut(items.len());
        self.hash_framed::<WIDE, N, B>(&frame, items, out);

        let (items, rest) = narrow_items.split_at(narrow_items.len() / NARROW * NARROW);
        let (out, rest_out) = narrow_out.split_at_mut(items.len());
        self.hash_framed::<NARROW, N, B>(&frame, items, out);
        match rest.len() {
            0 => {}
            1 => self.hash_framed::<1, N, B>(&frame, rest, rest_out),
            2 => self.hash_framed::<2, N, B>(&frame, rest, rest_out),
            _ => self.hash_framed::<3, N, B>(&frame, rest, rest_out),
        }
    }

    /// [`Engine::hash_items`] in groups of `L`. In a last group of fewer the other
    /// streams run idle.
    fn hash_framed<const L: usize, const N: usize, const B: usize>(
        self,
        frame: &Frame<B>,
        items: &[[u8; N]],
        out: &mut [Digest],
    ) {
        if items.is_empty() {
            return;
        }
        let mut frames = [frame.blocks; L];
        for (items, out) in items.chunks(L).zip(out.chunks_mut(L)) {
            for (blocks, item) in frames.iter_mut().zip(items) {
                blocks.as_flattened_mut()[frame.start..frame.start + N].copy_from_slice(item);
            }
            let mut runs: [&[Block]; L] = [&[]; L];
            for (run, blocks) in runs.iter_mut().zip(&frames) {
                *run = &blocks[..frame.used];
            }
            let mut states = [START; L];
            self.compress(&mut states, &runs);
            for (place, state) in out.iter_mut().zip(&states) {
                *place = digest(state);
            }
        }
    }
}

/// A padded message without its item.
struct Frame<const B: usize> {
    blocks: [Block; B],
    /// Where the item begins.
    start: usize,
    /// Blocks of the whole message.
    used: usize,
}

impl<const B: usize> Frame<B> {
    /// For items of `len` bytes after a prefix of a byte at most.
    fn new(prefix: &[u8], len: usize) -> Self {
        let total = prefix.len() + len;
        let used = (total + 9).div_ceil(64);
        let mut blocks = [[0; 64]; B];
        let bytes = blocks.as_flattened_mut();
        bytes[..prefix.len()].copy_from_slice(prefix);
        bytes[total] = 0x80;
        let bits = (8 * total as u64).to_be_bytes();
        bytes[64 * used - 8..64 * used].copy_from_slice(&bits);
        Self { blocks, start: prefix.len(), used }
    }
}
