//! The tree over one fragment's bytes, and its leaves' proofs.

use blocktree_hashing::{Digest, merkle};
use thiserror::Error;

use crate::inclusion::{InclusionError, verify_inclusion};
use crate::run::RunLevel;

/// Bytes of every leaf but the last, which has what remains.
pub const LEAF_SIZE: usize = 256;

/// [`LEAF_SIZE`] among sizes as the ledger has them.
const LEAF_BYTES: u64 = LEAF_SIZE as u64;

/// A fragment of no bytes has no leaves, no root and nothing to be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a fragment of no bytes has no Merkle tree")]
pub struct EmptyFragment;

/// Why a leaf with its path is no proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum LeafError {
    /// The leaf is not as long as its place in the fragment requires.
    #[error("a leaf of {found} bytes where its place requires {expected}")]
    LeafLength {
        /// Bytes that this leaf has.
        expected: usize,
        /// Bytes given.
        found: usize,
    },
    /// The path does not lead from the leaf to the root.
    #[error(transparent)]
    Inclusion(#[from] InclusionError),
}

/// Leaves of a fragment of `size` bytes: ⌈size/256⌉.
#[must_use]
pub const fn leaf_count(size: u64) -> u64 {
    size.div_ceil(LEAF_BYTES)
}

/// Bytes of leaf `index` of a fragment of `size` bytes, 1 to 256; none if there is no
/// such leaf.
#[must_use]
pub const fn leaf_length(size: u64, index: u64) -> Option<usize> {
    if index >= leaf_count(size) {
        return None;
    }
    // No overflow: index · 256 < size.
    let rest = size - index * LEAF_BYTES;
    if rest < LEAF_BYTES {
        #[expect(clippy::cast_possible_truncation, reason = "below 256")]
        let rest = rest as usize;
        Some(rest)
    } else {
        Some(LEAF_SIZE)
    }
}

/// Checks that `leaf` is leaf `index` of the fragment of `size` bytes under `root`.
/// `siblings` go from the leaf up.
///
/// # Errors
///
/// What is wrong with the leaf or its path; lengths are checked before anything is hashed.
pub fn verify_leaf(
    root: &Digest,
    size: u64,
    index: u64,
    leaf: &[u8],
    siblings: &[Digest],
) -> Result<(), LeafError> {
    let count = leaf_count(size);
    let expected =
        leaf_length(size, index).ok_or(InclusionError::IndexOutOfRange { index, count })?;
    if leaf.len() != expected {
        return Err(LeafError::LeafLength { expected, found: leaf.len() });
    }
    let hash = merkle::leaf_hash(leaf);
    Ok(verify_inclusion(root, &hash, index, count, siblings)?)
}

/// The root of a fragment, without keeping its tree.
///
/// # Errors
///
/// [`EmptyFragment`].
pub fn fragment_root(data: &[u8]) -> Result<Digest, EmptyFragment> {
    merkle::root::<LEAF_SIZE>(data).ok_or(EmptyFragment)
}

/// Leaves whose hashes are folded into one node while a root is built: a whole subtree.
const SUBTREE: usize = 512;

/// The root of a fragment that comes in parts: 16 KiB of memory, and 32 bytes for each
/// 128 KiB of the fragment.
#[derive(Clone, Debug, Default)]
pub struct RootBuilder {
    /// What does not make a leaf yet, below [`LEAF_SIZE`] bytes.
    rest: Vec<u8>,
    /// Hashes of leaves that do not make a subtree yet, below [`SUBTREE`].
    leaves: Vec<Digest>,
    subtrees: Vec<Digest>,
}

impl RootBuilder {
    /// Before the first byte.
    #[must_use]
    pub const fn new() -> Self {
        Self { rest: Vec::new(), leaves: Vec::new(), subtrees: Vec::new() }
    }

    /// Takes what comes next.
    pub fn update(&mut self, bytes: &[u8]) {
        let mut bytes = bytes;
        if !self.rest.is_empty() {
            let missing = LEAF_SIZE.saturating_sub(self.rest.len());
            let (now, later) = bytes.split_at(bytes.len().min(missing));
            self.rest.extend_from_slice(now);
            bytes = later;
            if self.rest.len() < LEAF_SIZE {
                return;
            }
            self.leaves.push(merkle::leaf_hash(&self.rest));
            self.rest.clear();
            self.fold();
        }
        let (mut whole, rest) = bytes.split_at(bytes.len() - bytes.len() % LEAF_SIZE);
        self.rest.extend_from_slice(rest);
        while !whole.is_empty() {
            let (have, room) = (self.leaves.len(), SUBTREE.saturating_sub(self.leaves.len()));
            let (now, later) = whole.split_at(whole.len().min(room * LEAF_SIZE));
            self.leaves.resize(have + now.len() / LEAF_SIZE, [0; 32]);
            let hashes = &mut self.leaves[have..];
            blocktree_hashing::hash_leaves::<LEAF_SIZE>(merkle::LEAF_PREFIX, now, hashes);
            whole = later;
            self.fold();
        }
    }

    /// Makes a node of a whole subtree.
    fn fold(&mut self) {
        if self.leaves.len() >= SUBTREE {
            self.subtrees.extend(merkle::root_of_leaves(&self.leaves));
            self.leaves.clear();
        }
    }

    /// The root of all that came.
    ///
    /// # Errors
    ///
    /// [`EmptyFragment`].
    pub fn finish(mut self) -> Result<Digest, EmptyFragment> {
        if !self.rest.is_empty() {
            self.leaves.push(merkle::leaf_hash(&self.rest));
        }
        self.subtrees.extend(merkle::root_of_leaves(&self.leaves));
        // All but the last are full, so their roots are a level of the tree.
        merkle::root_of_leaves(&self.subtrees).ok_or(EmptyFragment)
    }
}

/// Where stored bytes are not what the tree was built over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Damage {
    /// Not as many bytes.
    #[error("{found} bytes where the tree has {expected}")]
    Length {
        /// Bytes that the tree was built over.
        expected: u64,
        /// Bytes given.
        found: u64,
    },
    /// A leaf that has changed; the first one of them.
    #[error("leaf {0} has changed")]
    Leaf(u64),
}

/// Where a leaf stands, and its path to the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The leaf's index.
    pub index: u64,
    /// Leaves of the tree.
    pub count: u64,
    /// The siblings from the leaf up; levels at which the node is carried up
    /// unchanged have none.
    pub siblings: Vec<Digest>,
}

/// The whole tree of one fragment: 64 bytes of memory per leaf, a quarter of the data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FragmentTree {
    size: u64,
    root: Digest,
    /// The leaf hashes first, the root alone last.
    levels: Vec<Vec<Digest>>,
}

impl FragmentTree {
    /// Builds the tree over a fragment's bytes.
    ///
    /// # Errors
    ///
    /// [`EmptyFragment`].
    pub fn build(data: &[u8]) -> Result<Self, EmptyFragment> {
        let levels = merkle::levels::<LEAF_SIZE>(data);
        let root = levels.last().and_then(|top| top.first()).copied().ok_or(EmptyFragment)?;
        Ok(Self { size: data.len() as u64, root, levels })
    }

    /// The fragment's bytes.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Leaves of the tree, at least one.
    #[must_use]
    pub const fn count(&self) -> u64 {
        leaf_count(self.size)
    }

    /// The root that the ledger knows.
    #[must_use]
    pub const fn root(&self) -> Digest {
        self.root
    }

    /// The path of leaf `index`.
    ///
    /// # Errors
    ///
    /// [`InclusionError::IndexOutOfRange`].
    pub fn prove(&self, index: u64) -> Result<Proof, InclusionError> {
        let count = self.count();
        let outside = InclusionError::IndexOutOfRange { index, count };
        let mut at = usize::try_from(index).map_err(|_| outside)?;
        if index >= count {
            return Err(outside);
        }
        let mut siblings = Vec::with_capacity(self.levels.len());
        for level in &self.levels {
            // The other one of the pair; missing beside an odd last node and at the root.
            siblings.extend(level.get(at ^ 1));
            at /= 2;
        }
        Ok(Proof { index, count, siblings })
    }

    /// Checks stored bytes against the tree, and names the first leaf that has changed.
    ///
    /// # Errors
    ///
    /// See [`Damage`].
    pub fn check(&self, data: &[u8]) -> Result<(), Damage> {
        let found = data.len() as u64;
        if found != self.size {
            return Err(Damage::Length { expected: self.size, found });
        }
        let leaves = self.levels.first().map_or(&[][..], Vec::as_slice);
        let mut hashes = [[0; 32]; SUBTREE];
        let mut first = 0;
        for (part, expected) in data.chunks(SUBTREE * LEAF_SIZE).zip(leaves.chunks(hashes.len())) {
            let hashes = &mut hashes[..expected.len()];
            blocktree_hashing::hash_leaves::<LEAF_SIZE>(merkle::LEAF_PREFIX, part, hashes);
            if let Some(at) = hashes.iter().zip(expected).position(|(is, was)| is != was) {
                return Err(Damage::Leaf(first + at as u64));
            }
            first += expected.len() as u64;
        }
        Ok(())
    }

    /// The path of a run of leaves, for [`verify_run`](crate::verify_run).
    ///
    /// # Errors
    ///
    /// [`InclusionError::IndexOutOfRange`], in runs.
    pub fn prove_run(&self, level: RunLevel, index: u64) -> Result<Proof, InclusionError> {
        let count = level.runs(self.size);
        let outside = InclusionError::IndexOutOfRange { index, count };
        let mut at = usize::try_from(index).map_err(|_| outside)?;
        if index >= count {
            return Err(outside);
        }
        let mut siblings = Vec::new();
        for above in self.levels.iter().skip(usize::from(level.0)) {
            siblings.extend(above.get(at ^ 1));
            at /= 2;
        }
        Ok(Proof { index, count, siblings })
    }
}
