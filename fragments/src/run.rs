//! Runs of leaves: a fragment that is fetched in parts is checked part by part, so a wrong
//! byte is found where it is, and a transfer continues where it stopped (L33).
//!
//! A run is 2^level leaves that begin at a multiple of as many: exactly what is under one
//! node of the tree, or under the last one of that level. The nodes of a level are
//! the leaves of an RFC 6962 tree of their own, with the same root.

use blocktree_hashing::{Digest, merkle};
use thiserror::Error;

use crate::inclusion::{InclusionError, verify_inclusion};
use crate::tree::LEAF_SIZE;

/// How long runs are: 2^level leaves, at most 2^16 of them (16 MiB).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunLevel(pub(crate) u8);

impl RunLevel {
    /// Runs of 4,096 leaves, 1 MiB.
    pub const DEFAULT: Self = Self(12);

    /// The highest level, 2^16 leaves.
    pub const MAX: Self = Self(16);

    /// Runs of 2^`level` leaves. None: above [`RunLevel::MAX`].
    #[must_use]
    pub const fn new(level: u8) -> Option<Self> {
        if level > Self::MAX.0 { None } else { Some(Self(level)) }
    }

    /// Bytes of every run but the last: 256 · 2^level.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        (LEAF_SIZE as u64) << self.0
    }

    /// Runs of a fragment of `size` bytes.
    #[must_use]
    pub const fn runs(self, size: u64) -> u64 {
        size.div_ceil(self.bytes())
    }

    /// Bytes of run `index` of a fragment of `size` bytes. None: there is no such run.
    #[must_use]
    pub fn length(self, size: u64, index: u64) -> Option<u64> {
        if index >= self.runs(size) {
            return None;
        }
        // No overflow: index · bytes < size.
        Some(self.bytes().min(size - index * self.bytes()))
    }
}

/// Why bytes with their path are not a run of a fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RunError {
    /// The run is not as long as its place requires.
    #[error("a run of {found} bytes where its place requires {expected}")]
    Length {
        /// Bytes that this run has.
        expected: u64,
        /// Bytes given.
        found: u64,
    },
    /// The path does not lead from the bytes to the root.
    #[error(transparent)]
    Inclusion(#[from] InclusionError),
}

/// Checks that `bytes` are run `index` of the fragment of `size` bytes under `root`.
/// `siblings` go from the run's node up.
///
/// # Errors
///
/// What is wrong with the run or its path; lengths are checked before anything is hashed.
pub fn verify_run(
    root: &Digest,
    size: u64,
    level: RunLevel,
    index: u64,
    bytes: &[u8],
    siblings: &[Digest],
) -> Result<(), RunError> {
    let count = level.runs(size);
    let expected =
        level.length(size, index).ok_or(InclusionError::IndexOutOfRange { index, count })?;
    let found = bytes.len() as u64;
    if found != expected {
        return Err(RunError::Length { expected, found });
    }
    let node = merkle::root::<LEAF_SIZE>(bytes).ok_or(RunError::Length { expected, found })?;
    Ok(verify_inclusion(root, &node, index, count, siblings)?)
}
