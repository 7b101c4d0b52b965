//! The peaks of the range: all that is needed to append a header and to know the root.

use super::{Counted, Leaf, Node};
use crate::target::Work;
use blocktree_primitives::{BoundedVec, HistoryRoot};
use blocktree_state::Fault;
use parity_scale_codec::{Decode, Encode, EncodeLike, Error, Input, MaxEncodedLen, Output};

/// Headers that a range can hold, so that every position fits 64 bits.
pub const MAX_LEAVES: u64 = 1 << 62;

/// Why a header was not appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeaksError {
    /// The leaf's height is not the number of leaves before it.
    #[error("header {found} appended where header {expected} comes next")]
    NotNext {
        /// The height that comes next.
        expected: u64,
        /// The leaf's.
        found: u64,
    },
    /// More headers, or more work, than a range can hold.
    #[error("the history is full")]
    Full,
}

/// The roots of the perfect trees whose sizes are the bits of the leaf count, largest first.
/// SCALE: leaf count u64, then one 64-byte node per set bit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peaks {
    leaf_count: u64,
    nodes: Vec<Node>,
}

/// The nodes of a range of `leaf_count` headers: positions 0 to one less are in use.
#[must_use]
pub const fn node_count(leaf_count: u64) -> u64 {
    // A perfect tree of 2^h leaves has 2 · 2^h − 1 nodes. No overflow up to MAX_LEAVES.
    leaf_count.saturating_mul(2).saturating_sub(leaf_count.count_ones() as u64)
}

/// The position of the root of the perfect tree of 2^`height` leaves from `first` on.
pub(super) const fn position(first: u64, height: u32) -> u64 {
    // It comes right after its last leaf and the trees that this leaf completed on the way.
    let last = first + (1 << height) - 1;
    node_count(last) + height as u64
}

/// The trees of a range: first leaf and height of each, largest first.
pub(super) fn trees(leaf_count: u64) -> impl Iterator<Item = (u64, u32)> {
    let mut first = 0;
    (0..u64::BITS).rev().filter(move |height| leaf_count >> height & 1 == 1).map(move |height| {
        let tree = (first, height);
        first += 1 << height;
        tree
    })
}

/// Reads a node that must be there.
pub(super) fn read_node(
    read: &mut dyn FnMut(u64) -> Result<Option<Node>, Fault>,
    position: u64,
) -> Result<Node, Fault> {
    read(position)?
        .ok_or_else(|| Fault::Corrupt(format!("node {position} of the history is missing")))
}

/// The peaks of the range of the first `leaf_count` headers, which is how headers are taken
/// back. `read` gives the node at a position.
///
/// # Errors
/// A [`Fault`] of `read`, or because a node is missing.
pub fn peaks_at(
    leaf_count: u64,
    mut read: impl FnMut(u64) -> Result<Option<Node>, Fault>,
) -> Result<Peaks, Fault> {
    if leaf_count > MAX_LEAVES {
        return Err(Fault::Bug(format!("a history of {leaf_count} headers")));
    }
    let nodes = trees(leaf_count)
        .map(|(first, height)| read_node(&mut read, position(first, height)))
        .collect::<Result<_, _>>()?;
    Ok(Peaks { leaf_count, nodes })
}

impl Peaks {
    /// The range of no headers.
    #[must_use]
    pub const fn new() -> Self {
        Self { leaf_count: 0, nodes: Vec::new() }
    }

    /// How many headers there are.
    #[must_use]
    pub const fn leaf_count(&self) -> u64 {
        self.leaf_count
    }

    /// The work of all headers.
    #[must_use]
    pub fn total_work(&self) -> Work {
        // Seen to fit when the last header was appended.
        self.nodes.iter().fold(Work::ZERO, |sum, node| sum.saturating_add(node.work))
    }

    /// Appends the next header. Returns the new nodes, each with its position, in order: the
    /// leaf, then the trees that it completes.
    ///
    /// # Errors
    /// See [`PeaksError`]; then nothing changed.
    pub fn append(&mut self, leaf: &Leaf) -> Result<Vec<(u64, Node)>, PeaksError> {
        if leaf.height.0 != self.leaf_count {
            let (expected, found) = (self.leaf_count, leaf.height.0);
            return Err(PeaksError::NotNext { expected, found });
        }
        let total_work = self.total_work().checked_add(leaf.work);
        if self.leaf_count >= MAX_LEAVES || total_work.is_none() {
            return Err(PeaksError::Full);
        }
        let mut node = Counted { node: leaf.node(), count: 1 };
        let mut position = node_count(self.leaf_count);
        let mut new = vec![(position, node.node)];
        // Adding one to the count carries through its low set bits: each is a tree as large as
        // the one at hand.
        let carried = usize::try_from(self.leaf_count.trailing_ones()).unwrap_or(usize::MAX);
        for left in self.nodes.iter().rev().take(carried) {
            let left = Counted { node: *left, count: node.count };
            node = Counted::join(left, node).ok_or(PeaksError::Full)?;
            position += 1;
            new.push((position, node.node));
        }
        self.nodes.truncate(self.nodes.len().saturating_sub(carried));
        self.nodes.push(node.node);
        self.leaf_count += 1;
        Ok(new)
    }

    /// The peaks bagged right to left: the last two become one, which joins the one before,
    /// until one is left. Of no headers, 32 zero bytes.
    #[must_use]
    pub fn root(&self) -> HistoryRoot {
        bag(&self.counted()).map_or(HistoryRoot::ZERO, |bagged| HistoryRoot(bagged.node.hash))
    }

    fn counted(&self) -> Vec<Counted> {
        let counts = trees(self.leaf_count).map(|(_, height)| 1 << height);
        self.nodes.iter().zip(counts).map(|(node, count)| Counted { node: *node, count }).collect()
    }
}

/// Bags peaks right to left; `None` if there are none.
pub(super) fn bag(peaks: &[Counted]) -> Option<Counted> {
    let (last, before) = peaks.split_last()?;
    // The sum of the work of all headers was seen to fit when the last one was appended.
    before.iter().rev().try_fold(*last, |bagged, peak| Counted::join(*peak, bagged))
}

impl Encode for Peaks {
    fn size_hint(&self) -> usize {
        8 + 64 * self.nodes.len()
    }
    fn encode_to<O: Output + ?Sized>(&self, dest: &mut O) {
        self.leaf_count.encode_to(dest);
        for node in &self.nodes {
            node.encode_to(dest);
        }
    }
}

impl EncodeLike for Peaks {}

impl Decode for Peaks {
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        let leaf_count = u64::decode(input)?;
        if leaf_count > MAX_LEAVES {
            return Err(Error::from("a longer history than there can be"));
        }
        let nodes = (0..leaf_count.count_ones())
            .map(|_| Node::decode(input))
            .collect::<Result<Vec<_>, _>>()?;
        let sum = nodes.iter().try_fold(Work::ZERO, |sum, node| sum.checked_add(node.work));
        sum.map(|_| Self { leaf_count, nodes }).ok_or_else(|| Error::from("work does not fit"))
    }
}

impl MaxEncodedLen for Peaks {
    fn max_encoded_len() -> usize {
        8 + 64 * 63
    }
}

/// Nodes given and taken as a list, for proofs.
pub(super) type Nodes<const MAX: usize> = BoundedVec<Node, MAX>;
