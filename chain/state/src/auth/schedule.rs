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

/// The message of a node or a leaf, where it lies in memory for long: in one line of the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(align(64))]
pub(super) struct Pair(pub(super) [Digest; 2]);

/// A child's place in its parent's message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    depth: u16,
    /// Twice the parent's number among those of its depth, plus one for the right child.
    slot: u32,
}

impl Place {
    /// Of a subtree whose parent is hashed elsewhere.
    pub(super) const NOWHERE: Self = Self { depth: u16::MAX, slot: u32::MAX };
}

/// Where a digest is stored, beside going into the message of the node above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// As the hash of the whole that was scheduled.
    Root,
    /// In a page of the map.
    Unit {
        /// Its number.
        page: u32,
        /// See [`super::page::Page::set`].
        unit: u8,
    },
    /// In a link of a node of the map.
    Link {
        /// Its number.
        node: u32,
        /// 1 for the right child.
        side: u8,
    },
    /// In a page that is being made.
    NewUnit {
        /// Its number among those.
        page: u32,
        /// See [`super::page::Page::set`].
        unit: u8,
    },
    /// As the hash of a page that is being made.
    NewPage(u32),
    /// In a link of a node that is being made.
    NewLink {
        /// Its number among those.
        node: u32,
        /// 1 for the right child.
        side: u8,
    },
}

/// Stands for a [`Target`] that was not asked for.
const NOT_KEPT: u32 = u32::MAX;

/// Leaves to be hashed; two lists of one length.
#[derive(Debug, Default)]
struct Leaves {
    messages: Vec<[Digest; 2]>,
    to: Vec<(Place, u32)>,
}

/// Nodes of one depth to be hashed; two lists of one length. Their parents are of the depth above.
#[derive(Debug, Default)]
struct Nodes {
    messages: Vec<[Digest; 2]>,
    to: Vec<(u32, u32)>,
}

/// Leaves and nodes that are to be hashed.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    leaves: Leaves,
    /// By depth.
    nodes: Vec<Nodes>,
    kept: Vec<(Target, Digest)>,
    digests: Vec<Digest>,
}

impl Schedule {
    /// Makes room for `kept` digests to be stored.
    pub(super) fn expect(&mut self, kept: usize) {
        self.kept.reserve(kept);
    }

    /// Has a leaf hashed: its path and value hash.
    pub(super) fn leaf(&mut self, message: [Digest; 2], place: Place, target: Option<Target>) {
        let keep = self.keep_later(target);
        self.leaves.messages.push(message);
        self.leaves.to.push((place, keep));
    }

    /// Has a node at `depth` hashed; its children are empty until they are given or hashed into
    /// the places that are returned, left and right.
    pub(super) fn node(
        &mut self,
        depth: usize,
        place: Place,
        target: Option<Target>,
    ) -> [Place; 2] {
        let keep = self.keep_later(target);
        if self.nodes.len() <= depth {
            self.nodes.resize_with(depth + 1, Nodes::default);
        }
        let nodes = &mut self.nodes[depth];
        let slot = 2 * short(nodes.messages.len());
        nodes.messages.push([EMPTY; 2]);
        nodes.to.push((place.slot, keep));
        // Depths are below 256.
        let depth = u16::try_from(depth).unwrap_or(u16::MAX);
        [Place { depth, slot }, Place { depth, slot: slot + 1 }]
    }

    /// Has the message of a node, of which `left` is the left place, begin as this.
    #[inline]
    pub(super) fn begin_as(&mut self, message: &[Digest; 2], left: Place) {
        if let Some(nodes) = self.nodes.get_mut(usize::from(left.depth))
            && let Some(place) = nodes.messages.get_mut(left.slot as usize / 2)
        {
            *place = *message;
        }
    }

    /// Puts a digest that is known already in its place.
    #[inline]
    pub(super) fn give(&mut self, place: Place, digest: &Digest) {
        if let Some(nodes) = self.nodes.get_mut(usize::from(place.depth)) {
            nodes.deliver(place.slot, digest);
        }
    }

    /// Has a digest that is known already stored.
    pub(super) fn keep(&mut self, target: Target, digest: Digest) {
        self.kept.push((target, digest));
    }

    fn keep_later(&mut self, target: Option<Target>) -> u32 {
        let Some(target) = target else {
            return NOT_KEPT;
        };
        self.kept.push((target, EMPTY));
        short(self.kept.len() - 1)
    }

    /// Hashes everything, and is empty again; returns what is to be stored, in the order in which
    /// it was asked for.
    pub(super) fn run(&mut self) -> Vec<(Target, Digest)> {
        let Self { leaves, nodes, kept, digests } = self;
        let mut kept = core::mem::take(kept);
        digests.clear();
        digests.resize(leaves.messages.len(), EMPTY);
        hash_pairs(LEAF, &leaves.messages, digests);
        for ((place, keep), digest) in leaves.to.iter().zip(&*digests) {
            if let Some(nodes) = nodes.get_mut(usize::from(place.depth)) {
                nodes.deliver(place.slot, digest);
            }
            store(&mut kept, *keep, digest);
        }
        leaves.messages.clear();
        leaves.to.clear();
        let mut rest = nodes.as_mut_slice();
        while let Some((level, above)) = rest.split_last_mut() {
            digests.clear();
            digests.resize(level.messages.len(), EMPTY);
            hash_pairs(NODE, &level.messages, digests);
            let mut parents = above.last_mut();
            for ((slot, keep), digest) in level.to.iter().zip(&*digests) {
                if let Some(parents) = &mut parents {
                    parents.deliver(*slot, digest);
                }
                store(&mut kept, *keep, digest);
            }
            level.messages.clear();
            level.to.clear();
            rest = above;
        }
        kept
    }
}

impl Nodes {
    #[inline]
    fn deliver(&mut self, slot: u32, digest: &Digest) {
        if let Some(place) = self.messages.as_flattened_mut().get_mut(slot as usize) {
            *place = *digest;
        }
    }
}

#[inline]
fn store(kept: &mut [(Target, Digest)], keep: u32, digest: &Digest) {
    if let Some((_, place)) = kept.get_mut(keep as usize) {
        *place = *digest;
    }
}

/// A count of what one schedule holds.
fn short(count: usize) -> u32 {
    u32::try_from(count).expect("2^32 nodes to be hashed would take 300 GB of memory")
}
