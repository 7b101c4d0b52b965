//! That a header is one of the first `n` of a chain: made from the stored nodes, verified from
//! nothing but the root.

use super::peaks::{Nodes, bag, position, read_node, trees};
use super::{Counted, Leaf, MAX_LEAVES, Node};
use crate::target::Work;
use blocktree_primitives::{Height, HistoryRoot};
use blocktree_state::Fault;
use parity_scale_codec::{Decode, Encode, MaxEncodedLen};

/// Siblings of a proof at most: 62 within the largest tree, or fewer within a smaller one and
/// the trees to its left and right.
pub const MAX_SIBLINGS: usize = 64;

/// The siblings on the way from a leaf to the root: those within its tree, from the leaf up;
/// then, if there are trees to the right, these bagged into one; then the trees to the left,
/// the nearest first. SCALE: as a `Vec` of 64-byte nodes.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen)]
pub struct HistoryProof {
    /// The siblings, each with the work below it.
    pub siblings: Nodes<MAX_SIBLINGS>,
}

/// Why a proof does not show that a header is in a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HistoryProofError {
    /// The history does not reach the header's height.
    #[error("header {height} of a history of {leaf_count}")]
    OutOfRange {
        /// The height claimed.
        height: Height,
        /// Headers of the history.
        leaf_count: u64,
    },
    /// Height and leaf count decide how many siblings there are; these are more or fewer.
    #[error("{found} siblings instead of {expected}")]
    WrongLength {
        /// Siblings that a proof of this header has.
        expected: usize,
        /// Siblings given.
        found: usize,
    },
    /// The work before the header and its own do not add up to its total work.
    #[error("the work before the header does not add up to its total work")]
    WrongWork,
    /// The path leads to another root.
    #[error("the path leads to another root")]
    WrongRoot,
}

/// One step from a leaf to the root: on which side the sibling is and how many leaves it covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Left(u64),
    Right(u64),
}

/// Where a leaf is: its tree, and those beside.
struct Place {
    index: u64,
    first: u64,
    height: u32,
    /// Sizes of the trees to the left, the nearest first.
    left: Vec<u64>,
    /// Leaves of the trees to the right.
    right: u64,
}

impl Place {
    fn of(index: u64, leaf_count: u64) -> Option<Self> {
        if index >= leaf_count || leaf_count > MAX_LEAVES {
            return None;
        }
        let mut left = Vec::new();
        for (first, height) in trees(leaf_count) {
            let end = first + (1 << height);
            if index < end {
                left.reverse();
                return Some(Self { index, first, height, left, right: leaf_count - end });
            }
            left.push(1 << height);
        }
        None
    }

    fn steps(&self) -> Vec<Step> {
        let offset = self.index - self.first;
        let within = (0..self.height).map(|height| match offset >> height & 1 {
            1 => Step::Left(1 << height),
            _ => Step::Right(1 << height),
        });
        let right = (self.right > 0).then_some(Step::Right(self.right));
        let left = self.left.iter().map(|count| Step::Left(*count));
        within.chain(right).chain(left).collect()
    }
}

/// Proves that header `height` is among the first `leaf_count`; `None` if it is not. `read`
/// gives the node at a position.
///
/// # Errors
/// A [`Fault`] of `read`, or because a node is missing.
pub fn prove(
    height: Height,
    leaf_count: u64,
    mut read: impl FnMut(u64) -> Result<Option<Node>, Fault>,
) -> Result<Option<HistoryProof>, Fault> {
    let Some(place) = Place::of(height.0, leaf_count) else {
        return Ok(None);
    };
    let mut siblings = Vec::new();
    let offset = place.index - place.first;
    for level in 0..place.height {
        let sibling = place.first + (((offset >> level) ^ 1) << level);
        siblings.push(read_node(&mut read, position(sibling, level))?);
    }
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for (first, level) in trees(leaf_count).filter(|(first, _)| *first != place.first) {
        let node = read_node(&mut read, position(first, level))?;
        if first < place.first {
            left.push(node);
        } else {
            right.push(Counted { node, count: 1 << level });
        }
    }
    siblings.extend(bag(&right).map(|bagged| bagged.node));
    siblings.extend(left.into_iter().rev());
    let siblings = Nodes::try_from(siblings)
        .map_err(|error| Fault::Bug(format!("a proof of the history: {error}")))?;
    Ok(Some(HistoryProof { siblings }))
}

impl HistoryProof {
    /// Checks that `leaf` is among the `leaf_count` headers under `root`: the `history_root`
    /// that the block at height `leaf_count` commits to.
    ///
    /// What it shows is no more than that this root's miner put the header there: the work of
    /// the block that carries the root is what makes that worth something.
    ///
    /// # Errors
    /// See [`HistoryProofError`].
    pub fn verify(
        &self,
        leaf: &Leaf,
        leaf_count: u64,
        root: &HistoryRoot,
    ) -> Result<(), HistoryProofError> {
        let height = leaf.height;
        let place = Place::of(height.0, leaf_count)
            .ok_or(HistoryProofError::OutOfRange { height, leaf_count })?;
        let steps = place.steps();
        if self.siblings.len() != steps.len() {
            let (expected, found) = (steps.len(), self.siblings.len());
            return Err(HistoryProofError::WrongLength { expected, found });
        }
        let mut node = Counted { node: leaf.node(), count: 1 };
        // What comes before the leaf is what stands to its left, so the sums in the path and
        // the total in the leaf tell the same story or the header was put there by a liar.
        let mut before = Work::ZERO;
        for (step, sibling) in steps.into_iter().zip(self.siblings.iter()) {
            let joined = match step {
                Step::Left(count) => {
                    before = before.saturating_add(sibling.work);
                    Counted::join(Counted { node: *sibling, count }, node)
                }
                Step::Right(count) => Counted::join(node, Counted { node: *sibling, count }),
            };
            node = joined.ok_or(HistoryProofError::WrongWork)?;
        }
        if node.node.hash != root.0 {
            return Err(HistoryProofError::WrongRoot);
        }
        if before.checked_add(leaf.work) != Some(leaf.total_work) {
            return Err(HistoryProofError::WrongWork);
        }
        Ok(())
    }
}
