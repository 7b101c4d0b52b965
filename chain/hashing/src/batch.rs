//! Many messages of one shape: arrays, nodes and leaves go four by four, in lockstep.

use crate::engine::LANES;
use crate::padding::{Tail, digest};
use crate::{Block, Digest, Engine, Midstate, State};

impl Engine {
    /// SHA-256 of one message.
    #[must_use]
    pub fn hash(self, message: &[u8]) -> Digest {
        self.hash_from(&Midstate::START, message)
    }

    /// SHA-256 of the beginning `start` followed by `message`.
    #[must_use]
    pub fn hash_from(self, start: &Midstate, message: &[u8]) -> Digest {
        let [digest] = self.finish([start.state], start.absorbed, [message]);
        digest
    }

    /// SHA-256 of each of `messages`, all of the same length `N`.
    ///
    /// # Panics
    ///
    /// If `out` is not as long as `messages`.
    pub fn hash_many<const N: usize>(self, messages: &[[u8; N]], out: &mut [Digest]) {
        self.by_lanes(&Whole, messages, out);
    }

    /// `SHA256(prefix || left || right)` of each pair.
    ///
    /// # Panics
    ///
    /// If `out` is not as long as `pairs`.
    pub fn hash_pairs(self, prefix: u8, pairs: &[[Digest; 2]], out: &mut [Digest]) {
        self.by_lanes(&Prefixed(prefix), pairs, out);
    }

    /// `SHA256(prefix || left || right)` of one pair.
    #[must_use]
    pub fn hash_pair(self, prefix: u8, left: &Digest, right: &Digest) -> Digest {
        let [digest] = Prefixed(prefix).digests(self, &[[*left, *right]]);
        digest
    }

    /// `SHA256(prefix || body)` of one body of any length.
    #[must_use]
    pub fn hash_prefixed(self, prefix: u8, body: &[u8]) -> Digest {
        let [digest] = self.prefixed(prefix, [body]);
        digest
    }

    /// `SHA256(prefix || leaf)` of each leaf of `data`, which is cut every `LEAF`
    /// bytes; the last leaf is what remains. No data, no leaves.
    ///
    /// # Panics
    ///
    /// If `out` is not as long as there are leaves: `data.len().div_ceil(LEAF)`.
    pub fn hash_leaves<const LEAF: usize>(self, prefix: u8, data: &[u8], out: &mut [Digest]) {
        let (leaves, last) = data.as_chunks::<LEAF>();
        let count = leaves.len() + usize::from(!last.is_empty());
        assert_eq!(count, out.len(), "one place for each digest");
        let (whole, rest) = out.split_at_mut(leaves.len());
        self.by_lanes(&Prefixed(prefix), leaves, whole);
        if let [place] = rest {
            *place = self.hash_prefixed(prefix, last);
        }
    }

    /// Hashes `items` in groups of as many as there are lanes, then what is left.
    pub(crate) fn by_lanes<T, S: Shape<T>>(self, shape: &S, items: &[T], out: &mut [Digest]) {
        assert_eq!(items.len(), out.len(), "one place for each digest");
        let (groups, items) = items.as_chunks::<LANES>();
        let (places, out) = out.as_chunks_mut::<LANES>();
        for (group, place) in groups.iter().zip(places) {
            *place = shape.digests(self, group);
        }
        if let (Some(group), Some(place)) = (items.as_array::<3>(), out.as_mut_array::<3>()) {
            *place = shape.digests(self, group);
        } else if let (Some(group), Some(place)) = (items.as_array::<2>(), out.as_mut_array::<2>())
        {
            *place = shape.digests(self, group);
        } else if let (Some(group), Some(place)) = (items.as_array::<1>(), out.as_mut_array::<1>())
        {
            *place = shape.digests(self, group);
        }
    }

    /// `SHA256(prefix || body)` of bodies of one length.
    #[inline(always)]
    fn prefixed<const L: usize>(self, prefix: u8, bodies: [&[u8]; L]) -> [Digest; L] {
        let mut states = [Midstate::START.state; L];
        let mut heads: [Block; L] = [[0; 64]; L];
        for (head, body) in heads.iter_mut().zip(bodies) {
            let taken = body.len().min(63);
            head[0] = prefix;
            head[1..=taken].copy_from_slice(&body[..taken]);
        }
        if bodies.iter().any(|body| body.len() < 63) {
            let shorts = core::array::from_fn(|lane| &heads[lane][..=bodies[lane].len().min(63)]);
            return self.finish(states, 0, shorts);
        }
        self.compress(&mut states, &heads.each_ref().map(core::slice::from_ref));
        self.finish(states, 64, bodies.map(|body| &body[63..]))
    }

    /// The digests of messages that have already had `absorbed` bytes and end with
    /// `rests`, which are of one length.
    #[inline(always)]
    fn finish<const L: usize>(
        self,
        mut states: [State; L],
        absorbed: u64,
        rests: [&[u8]; L],
    ) -> [Digest; L] {
        let split = rests.map(|rest| rest.as_chunks::<64>());
        if split.iter().any(|(blocks, _)| !blocks.is_empty()) {
            self.compress(&mut states, &split.map(|(blocks, _)| blocks));
        }
        let tails: [Tail; L] = core::array::from_fn(|lane| {
            Tail::new(split[lane].1, absorbed + rests[lane].len() as u64)
        });
        self.compress(&mut states, &tails.each_ref().map(Tail::blocks));
        states.each_ref().map(digest)
    }
}

/// How a group of items of one length becomes messages.
pub(crate) trait Shape<T> {
    fn digests<const L: usize>(&self, engine: Engine, group: &[T; L]) -> [Digest; L];
}

/// The message is the item.
struct Whole;

impl<const N: usize> Shape<[u8; N]> for Whole {
    #[inline]
    fn digests<const L: usize>(&self, engine: Engine, group: &[[u8; N]; L]) -> [Digest; L] {
        engine.finish(
            [Midstate::START.state; L],
            0,
            group.each_ref().map(<[u8; N]>::as_slice),
        )
    }
}

/// The message is one byte, then the item.
pub(crate) struct Prefixed(pub(crate) u8);

impl<const N: usize> Shape<[u8; N]> for Prefixed {
    #[inline]
    fn digests<const L: usize>(&self, engine: Engine, group: &[[u8; N]; L]) -> [Digest; L] {
        engine.prefixed(self.0, group.each_ref().map(<[u8; N]>::as_slice))
    }
}

impl Shape<[Digest; 2]> for Prefixed {
    #[inline]
    fn digests<const L: usize>(&self, engine: Engine, group: &[[Digest; 2]; L]) -> [Digest; L] {
        engine.prefixed(self.0, group.each_ref().map(|pair| pair.as_flattened()))
    }
}
