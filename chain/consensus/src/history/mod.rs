//! The history: a Merkle mountain range over all earlier headers, committed to by each block
//! (docs/protocol.md §3.3). It proves that a header is an ancestor, and its sums of work let a
//! light client sample (FlyClient). A single header's claim of work is never proof of work.
//!
//! The range is append-only: nodes are numbered in the order in which they come to be, so a
//! store keeps them by position and takes headers back by cutting off its end.

mod peaks;
mod proof;

pub use peaks::{MAX_LEAVES, Peaks, PeaksError, node_count, peaks_at};
pub use proof::{HistoryProof, HistoryProofError, MAX_SIBLINGS, prove};

use crate::header::CheckedHeader;
use crate::target::{Target, TargetError, Work};
use blocktree_primitives::{Header, Height, tags};
use parity_scale_codec::{Decode, Encode, MaxEncodedLen};

/// A header in the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaf {
    header: Header,
    height: Height,
    total_work: Work,
    work: Work,
}

impl Leaf {
    /// The leaf of a header. `total_work`: of all headers from genesis to this one, both
    /// included.
    ///
    /// # Errors
    /// [`TargetError`] if the header's bits are no target.
    pub fn new(header: Header, height: Height, total_work: Work) -> Result<Self, TargetError> {
        let work = Target::from_bits(header.bits)?.work();
        Ok(Self { header, height, total_work, work })
    }

    /// The leaf of a checked header.
    #[must_use]
    pub const fn of(checked: &CheckedHeader) -> Self {
        let info = checked.info();
        Self {
            header: *checked.header(),
            height: info.height,
            total_work: info.total_work,
            work: checked.work(),
        }
    }

    /// The header.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Its height, which is its place among the leaves.
    #[must_use]
    pub const fn height(&self) -> Height {
        self.height
    }

    /// The work from genesis to this header, both included.
    #[must_use]
    pub const fn total_work(&self) -> Work {
        self.total_work
    }

    /// `tagged("blocktree/mmr-leaf", header 80 || height u64 || total work u256)`; the node's
    /// work is the header's own.
    #[must_use]
    pub fn node(&self) -> Node {
        let hash = tags::MMR_LEAF.hash(&[
            &self.header.to_bytes(),
            &self.height.0.to_le_bytes(),
            &self.total_work.to_le_bytes(),
        ]);
        Node { hash, work: self.work }
    }
}

/// A node of the range: a leaf, a perfect tree of them, or trees bagged together. SCALE: 64
/// bytes. How many leaves it covers follows from its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen)]
pub struct Node {
    /// The node's hash.
    pub hash: [u8; 32],
    /// The work of the headers below, summed.
    pub work: Work,
}

/// A node with the leaves below it counted.
#[derive(Clone, Copy, Debug)]
struct Counted {
    node: Node,
    count: u64,
}

impl Counted {
    /// `tagged("blocktree/mmr-node", left || right || leaf count u64 || summed work u256)`, with
    /// the count and work of both sides; `None` if a sum does not fit.
    fn join(left: Self, right: Self) -> Option<Self> {
        let count = left.count.checked_add(right.count)?;
        let work = left.node.work.checked_add(right.node.work)?;
        let hash = tags::MMR_NODE.hash(&[
            &left.node.hash,
            &right.node.hash,
            &count.to_le_bytes(),
            &work.to_le_bytes(),
        ]);
        Some(Self { node: Node { hash, work }, count })
    }
}
