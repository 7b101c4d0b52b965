//! Verifying that a leaf stands at an index of an RFC 6962 tree.
//!
//! Strict: index and count alone say how many siblings there are and on which side each
//! stands, so there is exactly one acceptable path for each leaf. Libraries that
//! take paths as they come accept trailing hashes and wrong counts.

use blocktree_hashing::{Digest, merkle};
use thiserror::Error;

/// Why a path does not show a leaf to be in a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InclusionError {
    /// The tree has no leaf of this index; an empty tree has none at all.
    #[error("leaf {index} of a tree of {count} leaves")]
    IndexOutOfRange {
        /// The claimed index.
        index: u64,
        /// The leaves of the tree.
        count: u64,
    },
    /// The path is not as long as index and count require.
    #[error("{found} siblings where the leaf's place requires {expected}")]
    PathLength {
        /// Siblings from this leaf up to the root.
        expected: u32,
        /// Siblings given.
        found: usize,
    },
    /// The path leads to another root.
    #[error("the path leads to another root")]
    WrongRoot,
}

/// How many siblings stand between a leaf and the root: at most 64.
///
/// # Errors
///
/// [`InclusionError::IndexOutOfRange`].
pub fn path_length(index: u64, count: u64) -> Result<u32, InclusionError> {
    let steps = Steps::new(index, count)?;
    Ok(steps.map(|step| u32::from(step != Step::Carried)).sum())
}

/// Checks that the leaf whose hash is `leaf_hash` stands at `index` of the tree of
/// `count` leaves under `root`. `siblings` go from the leaf up.
///
/// `leaf_hash` must have been computed from the leaf by the verifier
/// ([`merkle::leaf_hash`]): taken from the prover, it could be an inner node.
///
/// # Errors
///
/// What is wrong with the path; its length is checked before anything is hashed.
pub fn verify_inclusion(
    root: &Digest,
    leaf_hash: &Digest,
    index: u64,
    count: u64,
    siblings: &[Digest],
) -> Result<(), InclusionError> {
    let expected = path_length(index, count)?;
    if usize::try_from(expected) != Ok(siblings.len()) {
        return Err(InclusionError::PathLength { expected, found: siblings.len() });
    }
    let sided = Steps::new(index, count)?.filter(|step| *step != Step::Carried).zip(siblings);
    let top = sided.fold(*leaf_hash, |node, (step, sibling)| match step {
        Step::SiblingLeft => merkle::node_hash(sibling, &node),
        Step::SiblingRight | Step::Carried => merkle::node_hash(&node, sibling),
    });
    if top == *root { Ok(()) } else { Err(InclusionError::WrongRoot) }
}

/// One level of the way up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    SiblingLeft,
    SiblingRight,
    /// An odd last node goes up unchanged.
    Carried,
}

/// The way from a leaf to the root, level by level.
struct Steps {
    at: u64,
    width: u64,
}

impl Steps {
    fn new(index: u64, count: u64) -> Result<Self, InclusionError> {
        if index < count {
            Ok(Self { at: index, width: count })
        } else {
            Err(InclusionError::IndexOutOfRange { index, count })
        }
    }
}

impl Iterator for Steps {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        if self.width <= 1 {
            return None;
        }
        let step = if self.at % 2 == 1 {
            Step::SiblingLeft
        } else if self.at == self.width - 1 {
            Step::Carried
        } else {
            Step::SiblingRight
        };
        self.at /= 2;
        self.width = self.width.div_ceil(2);
        Some(step)
    }
}
