//! A page: the leaves beneath one prefix, and the hashes of the branches between them.
//!
//! Sorted leaves need no pointers to be a tree: each of the n - 1 branches belongs to one of the
//! n - 1 gaps between neighbours, and stands at the depth of the first bit in which the two differ.
//! The topmost branch of a run of leaves is in the gap of the least depth, of which there is only
//! one. What is kept of a branch is its message: the hashes of what is left and right of it. The tree
//! of the definition has a node for *every* bit, also where all paths agree; so these are the hashes
//! directly beneath the branch, with the nodes included that are between it and the next branch. The
//! page's own hash stands in the message of the node above.

use super::bits::{BITS, bit, common};
use super::schedule::{EMPTY, LEAF, NODE};
use super::updates::{Expect, Update, out_of_step};
use crate::Fault;
use blocktree_hashing::{Digest, hash_pair};

/// The most leaves of a page; one more splits it. The depths of its gaps take one unit.
pub(super) const MOST_LEAVES: usize = 32;
/// Pages that stand side by side become one when they have no more leaves than this together.
pub(super) const JOIN_UP_TO: usize = 16;

/// A key's leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Leaf {
    /// `tagged("blocktree/key", logical key)`.
    pub(super) path: Digest,
    /// `SHA256(value)`.
    pub(super) value_hash: Digest,
}

/// The leaves with the updates (both sorted) applied.
pub(super) fn amend(old: &[Leaf], updates: &[Update]) -> Result<Vec<Leaf>, Fault> {
    let mut new = Vec::with_capacity(old.len() + updates.len());
    let mut rest = old;
    for update in updates {
        let before = rest.partition_point(|leaf| leaf.path < update.path);
        let (kept, from) = rest.split_at(before);
        new.extend_from_slice(kept);
        let found = from.first().is_some_and(|leaf| leaf.path == update.path);
        if found && update.expect == Expect::Absent || !found && update.expect == Expect::Present {
            return Err(out_of_step());
        }
        rest = from.get(usize::from(found)..).unwrap_or_default();
        new.extend(update.value_hash.map(|value_hash| Leaf { path: update.path, value_hash }));
    }
    new.extend_from_slice(rest);
    Ok(new)
}

/// Leaves and branches of a page of n leaves, in one piece of memory, as 2n pairs of 32 bytes.
///
/// | Pairs | |
/// |---|---|
/// | 1 | the depth of each gap, one byte each, in the first 32 bytes |
/// | n − 1 | the message of the branch in each gap: the hashes left and right of it |
/// | n | the message of each leaf: path and value hash |
#[derive(Debug, Default)]
pub(super) struct Page {
    /// The pairs, and room to have each in one line of the cache. (A type that is aligned would do
    /// that too, but has the usual allocator leave holes of all sizes, and search them.)
    bytes: Box<[u8]>,
    /// Where the pairs begin.
    start: u8,
    count: u8,
}

/// Bytes of a pair, and of a line of the cache.
const PAIR: usize = 64;
/// Bytes before the first pair at most: memory comes in multiples of 16 bytes.
const ROOM: usize = PAIR - 16;
/// The unit of [`Page::set`] from which on the value hashes are. Before: of each gap left and right.
pub(super) const VALUES: usize = 2 * MOST_LEAVES;

/// Memory that a page's leaves take, with what the allocator and our lists add.
pub(super) const fn bytes_of(leaves: usize) -> usize {
    2 * leaves * PAIR + ROOM + 16
}

impl Page {
    /// A page of at least one and at most [`MOST_LEAVES`] leaves, in order, whose branches are not
    /// known yet.
    pub(super) fn new(leaves: &[Leaf]) -> Self {
        let bytes = vec![0; 2 * leaves.len() * PAIR + ROOM].into_boxed_slice();
        let start = u8::try_from(bytes.as_ptr().align_offset(PAIR).min(ROOM)).unwrap_or(0);
        // No page is made of more than MOST_LEAVES.
        let count = u8::try_from(leaves.len()).unwrap_or(u8::MAX);
        let mut page = Self { bytes, start, count };
        let (first, rest) = page.pairs_mut().split_at_mut(leaves.len());
        if let Some([depths, _]) = first.first_mut() {
            for (depth, pair) in depths.iter_mut().zip(leaves.windows(2)) {
                // Two different paths share at most 255 bits.
                *depth = u8::try_from(common(&pair[0].path, &pair[1].path)).unwrap_or(u8::MAX);
            }
        }
        for (message, leaf) in rest.iter_mut().zip(leaves) {
            *message = [leaf.path, leaf.value_hash];
        }
        page
    }

    #[inline]
    fn pairs(&self) -> &[[Digest; 2]] {
        let (digests, _) = self.bytes[usize::from(self.start)..].as_chunks();
        digests.as_chunks().0
    }

    fn pairs_mut(&mut self) -> &mut [[Digest; 2]] {
        let (digests, _) = self.bytes[usize::from(self.start)..].as_chunks_mut();
        digests.as_chunks_mut().0
    }

    /// The number of leaves.
    pub(super) const fn len(&self) -> usize {
        self.count as usize
    }

    /// The leaf with this number.
    pub(super) fn leaf(&self, number: usize) -> Leaf {
        let [path, value_hash] = *self.leaf_message(number);
        Leaf { path, value_hash }
    }

    /// All leaves, in order.
    pub(super) fn leaves(&self) -> impl ExactSizeIterator<Item = Leaf> {
        (0..self.len()).map(|number| self.leaf(number))
    }

    pub(super) fn leaf_message(&self, number: usize) -> &[Digest; 2] {
        &self.pairs()[self.len() + number]
    }

    pub(super) fn path(&self, number: usize) -> &Digest {
        &self.leaf_message(number)[0]
    }

    pub(super) fn branch_message(&self, gap: usize) -> &[Digest; 2] {
        &self.pairs()[1 + gap]
    }

    /// Stores a digest that a [`Planner`](super::page_plan::Planner) asked for.
    pub(super) fn set(&mut self, unit: u8, digest: Digest) {
        let unit = usize::from(unit);
        let (pair, side) = match unit.checked_sub(VALUES) {
            None => (1 + unit / 2, unit % 2),
            Some(number) => (self.len() + number, 1),
        };
        if let Some(pair) = self.pairs_mut().get_mut(pair) {
            pair[side] = digest;
        }
    }

    /// The gap of the topmost branch of a run of leaves, and its depth; none of a single leaf.
    pub(super) fn split(&self, run: Run) -> Option<(usize, usize)> {
        let [depths, _] = self.pairs().first()?;
        let depths = depths.get(run.from..run.to - 1)?;
        // Depth and gap in one number, whose least is found without branches.
        let numbers = (0..).zip(depths).map(|(gap, depth)| u16::from(*depth) << 8 | gap);
        let [depth, gap] = numbers.min()?.to_be_bytes();
        Some((run.from + usize::from(gap), depth.into()))
    }

    pub(super) fn all(&self) -> Run {
        Run { from: 0, to: self.len() }
    }

    /// The first byte of its first pair, which is all that a plan begins with.
    pub(super) fn first(&self) -> u8 {
        self.pairs().first().map_or(0, |pair| pair[0][0])
    }

    /// The hash of a run of leaves at any `depth` at or above its topmost branch.
    fn hash_at(&self, run: Run, depth: usize) -> Digest {
        let Some((gap, split)) = self.split(run) else {
            let [path, value_hash] = self.leaf_message(run.from);
            return hash_pair(LEAF, path, value_hash);
        };
        let [left, right] = self.branch_message(gap);
        let path = self.path(run.from);
        (depth..split).rev().fold(hash_pair(NODE, left, right), |hash, level| {
            let [left, right] = if bit(path, level) { [EMPTY, hash] } else { [hash, EMPTY] };
            hash_pair(NODE, &left, &right)
        })
    }

    /// Walks from `depth`, the page's, down to where `path` is or would be. Adds the siblings met,
    /// from above, and returns the leaf at the end, if any.
    pub(super) fn walk(
        &self,
        path: &Digest,
        mut depth: usize,
        siblings: &mut Vec<Option<Digest>>,
    ) -> Option<Leaf> {
        let mut run = self.all();
        while let Some((gap, split)) = self.split(run) {
            let shared = common(path, self.path(run.from));
            siblings.resize(siblings.len() + (shared.min(split) - depth), None);
            if shared < split {
                siblings.push(Some(self.hash_at(run, shared + 1)));
                return None;
            }
            let [left, right] = run.divide(gap);
            let [left_hash, right_hash] = *self.branch_message(gap);
            let (next, other) =
                if bit(path, split) { (right, left_hash) } else { (left, right_hash) };
            siblings.push(Some(other));
            (run, depth) = (next, split + 1);
        }
        (run.from < run.to).then(|| self.leaf(run.from))
    }

    /// Bytes on disk: path and value hash of each leaf, in order.
    pub(super) fn encode(&self) -> Vec<u8> {
        self.leaves().flat_map(|leaf| [leaf.path, leaf.value_hash]).flatten().collect()
    }

    /// The page in `bytes`, its branches not known yet; nothing unless its leaves are in order, not
    /// too many, and share the first `depth` bits of `prefix`.
    pub(super) fn decode(bytes: &[u8], prefix: &Digest, depth: u8) -> Option<Self> {
        let (hashes, rest) = bytes.as_chunks::<32>();
        let (pairs, odd) = hashes.as_chunks::<2>();
        let leaves: Vec<Leaf> =
            pairs.iter().map(|[path, hash]| Leaf { path: *path, value_hash: *hash }).collect();
        let sound = rest.is_empty()
            && odd.is_empty()
            && (1..=MOST_LEAVES).contains(&leaves.len())
            && leaves.is_sorted_by(|a, b| a.path < b.path)
            && leaves.iter().all(|leaf| common(&leaf.path, prefix) >= usize::from(depth));
        sound.then(|| Self::new(&leaves))
    }

    /// Panics unless every branch is right.
    #[cfg(test)]
    pub(super) fn check_branches(&self) {
        fn check(page: &Page, run: Run) {
            if let Some((gap, split)) = page.split(run) {
                let runs = run.divide(gap);
                // From the bottom up, so that what is beneath is right.
                for run in runs {
                    check(page, run);
                }
                assert_eq!(*page.branch_message(gap), runs.map(|run| page.hash_at(run, split + 1)));
            }
        }
        check(self, self.all());
    }
}

/// Some neighbours: the leaves from `from` to before `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) from: usize,
    pub(super) to: usize,
}

impl Run {
    /// What is left and right of a gap.
    pub(super) const fn divide(self, gap: usize) -> [Self; 2] {
        [Self { from: self.from, to: gap + 1 }, Self { from: gap + 1, to: self.to }]
    }
}

const _: () = assert!(MOST_LEAVES <= 32 && BITS <= 256);
