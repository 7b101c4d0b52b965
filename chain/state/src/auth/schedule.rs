//! Hashing many nodes of the tree at once.
//!
//! A node waits for its children, so one path alone keeps one SHA-256 stream busy and leaves the
//! processor's others idle. Nodes of one depth never wait for each other: they are collected by depth
//! over as many paths as there are, and hashed level by level from the deepest up.

use blocktree_hashing::{Digest, hash_pairs};

/// The hash of an empty subtree.
pub(super) const EMPTY: Digest = [0; 32];
/// First byte of a leaf's message: `0x00 || path || SHA256(value)`.
pub(super) const LEAF: u8 = 0x00;
/// First byte of a node's message: `0x01 || left || right`.
pub(super) const NODE: u8 = 0x01;

/// A child's place in its parent's message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    depth: u16,
    /// Twice the parent's number among those of its depth, plus one for the right child.
    slot: u32,
}

impl Place {
    /// Of a subtree whose parent is hashed elsewhere.
    pub(super) const NOWHERE: Self = Self { depth: u16::MAX, slot: 0 };
}

/// Who wants to know a digest, beside the node above.
#[derive(Clone, Copy, Debug)]
pub(super) enum Keep {
    /// No one.
    Nothing,
    /// A page, as what lies beneath its branch behind this leaf, taken at this depth.
    Branch {
        /// Which page.
        page: u32,
        /// Which leaf of it.
        leaf: u32,
        /// At which depth.
        at: u8,
    },
    /// A page that has one leaf, as its own hash.
    Page(u32),
    /// A node above the pages, as its own hash.
    Node(u32),
}

#[derive(Debug, Default)]
struct Jobs {
    messages: Vec<[Digest; 2]>,
    to: Vec<(Place, Keep)>,
}

impl Jobs {
    fn push(&mut self, message: [Digest; 2], place: Place, keep: Keep) -> u32 {
        // The numbers of a schedule's nodes fit 31 bits: a delta of 2^31 nodes has no memory.
        let number = u32::try_from(self.messages.len()).unwrap_or(u32::MAX);
        self.messages.push(message);
        self.to.push((place, keep));
        number
    }
}

/// Leaves and nodes that are to be hashed.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    leaves: Jobs,
    /// By depth.
    nodes: Vec<Jobs>,
}

impl Schedule {
    /// Has a leaf hashed.
    pub(super) fn leaf(&mut self, path: &Digest, value_hash: &Digest, place: Place, keep: Keep) {
        self.leaves.push([*path, *value_hash], place, keep);
    }

    /// Has a node at `depth` hashed; its children are empty until they are given or hashed into
    /// the places that are returned, left and right.
    pub(super) fn node(&mut self, depth: usize, place: Place, keep: Keep) -> [Place; 2] {
        if self.nodes.len() <= depth {
            self.nodes.resize_with(depth + 1, Jobs::default);
        }
        let number = self.nodes[depth].push([EMPTY; 2], place, keep);
        // Depths are below 256.
        let depth = u16::try_from(depth).unwrap_or(u16::MAX);
        [0, 1].map(|side| Place { depth, slot: 2 * number + side })
    }

    /// Puts a digest that is known already in its place.
    pub(super) fn give(&mut self, place: Place, digest: Digest) {
        deliver(&mut self.nodes, place, digest);
    }

    /// Hashes everything and tells what is to be kept.
    pub(super) fn run(mut self, mut keep: impl FnMut(Keep, Digest)) {
        let mut digests = Vec::new();
        let mut step = |prefix, jobs: &Jobs, above: &mut [Jobs]| {
            digests.clear();
            digests.resize(jobs.messages.len(), EMPTY);
            hash_pairs(prefix, &jobs.messages, &mut digests);
            for ((place, wanted), digest) in jobs.to.iter().zip(&digests) {
                deliver(above, *place, *digest);
                if !matches!(wanted, Keep::Nothing) {
                    keep(*wanted, *digest);
                }
            }
        };
        step(LEAF, &self.leaves, &mut self.nodes);
        while let Some(level) = self.nodes.pop() {
            step(NODE, &level, &mut self.nodes);
        }
    }
}

#[inline]
fn deliver(nodes: &mut [Jobs], place: Place, digest: Digest) {
    if let Some(level) = nodes.get_mut(usize::from(place.depth))
        && let Some(message) = level.messages.get_mut(place.slot as usize / 2)
    {
        message[place.slot as usize % 2] = digest;
    }
}
