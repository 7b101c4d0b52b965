//! What is always in memory: the nodes above the pages, a small entry for every page, and the
//! leaves of as many pages as the limits allow.

use super::bits::page_key;
use super::page::Leaf;
use super::schedule::EMPTY;
use blocktree_hashing::Digest;
use std::collections::BTreeSet;

/// What hangs beneath a node, or at the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Child {
    /// No leaf.
    Empty,
    /// More leaves than [`super::page::JOIN_UP_TO`].
    Node(u32),
    /// At least one leaf.
    Page(u32),
}

/// A node above the pages.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub(super) hash: Digest,
    pub(super) children: [Child; 2],
}

/// What is known of a page while its leaves are on disk.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Hash of its subtree.
    pub(super) hash: Digest,
    /// Number of its leaves; 0 in an entry that waits to be used again.
    pub(super) count: u32,
    /// Length of its prefix in bits.
    pub(super) depth: u8,
    leaves: Option<Box<[Leaf]>>,
    /// Not yet on disk as it is.
    dirty: bool,
    /// Used since the cache's hand came by.
    used: bool,
    /// In `Top::ring`.
    in_ring: bool,
    /// In `Top::dirty`.
    in_dirty: bool,
}

impl Entry {
    const FREE: Self = Self {
        hash: EMPTY,
        count: 0,
        depth: 0,
        leaves: None,
        dirty: false,
        used: false,
        in_ring: false,
        in_dirty: false,
    };

    /// Its leaves, if they are in memory.
    pub(super) fn leaves(&self) -> Option<&[Leaf]> {
        self.leaves.as_deref()
    }
}

/// The tree above the pages.
#[derive(Debug)]
pub(super) struct Top {
    pub(super) root: Child,
    nodes: Vec<Node>,
    free_nodes: Vec<u32>,
    pages: Vec<Entry>,
    free_pages: Vec<u32>,
    /// The pages in memory (and some that were freed), in the order in which the hand visits them.
    ring: Vec<u32>,
    hand: usize,
    /// The pages to be written (and some that were freed).
    dirty: Vec<u32>,
    /// Keys on disk under which there is no page any more.
    stale: BTreeSet<Vec<u8>>,
    leaves: u64,
    cached_pages: usize,
    cached_bytes: usize,
    dirty_bytes: usize,
}

/// Memory that a page's leaves take.
const fn bytes_of(leaves: usize) -> usize {
    // Beside the leaves what the allocator and our lists take.
    leaves * size_of::<Leaf>() + 32
}

impl Top {
    pub(super) const fn new() -> Self {
        Self {
            root: Child::Empty,
            nodes: Vec::new(),
            free_nodes: Vec::new(),
            pages: Vec::new(),
            free_pages: Vec::new(),
            ring: Vec::new(),
            hand: 0,
            dirty: Vec::new(),
            stale: BTreeSet::new(),
            leaves: 0,
            cached_pages: 0,
            cached_bytes: 0,
            dirty_bytes: 0,
        }
    }

    /// The node with this number, which some child or the root names.
    pub(super) fn node(&self, id: u32) -> &Node {
        &self.nodes[id as usize]
    }

    /// The page with this number, which some child or the root names.
    pub(super) fn page(&self, id: u32) -> &Entry {
        &self.pages[id as usize]
    }

    /// The hash of a subtree.
    pub(super) fn hash(&self, child: Child) -> Digest {
        match child {
            Child::Empty => EMPTY,
            Child::Node(id) => self.node(id).hash,
            Child::Page(id) => self.page(id).hash,
        }
    }

    /// Number of leaves of the whole map.
    pub(super) const fn leaves(&self) -> u64 {
        self.leaves
    }

    pub(super) fn pages(&self) -> usize {
        self.pages.len() - self.free_pages.len()
    }

    pub(super) fn nodes(&self) -> usize {
        self.nodes.len() - self.free_nodes.len()
    }

    pub(super) const fn cached_pages(&self) -> usize {
        self.cached_pages
    }

    pub(super) const fn cached_bytes(&self) -> usize {
        self.cached_bytes
    }

    /// Memory of what waits for a checkpoint.
    pub(super) fn dirty_bytes(&self) -> usize {
        // A stale key: its bytes, its vector and its share of the set.
        self.dirty_bytes + self.stale.len() * 64
    }

    /// Adds a node, or changes the one with the number `at`.
    pub(super) fn put_node(&mut self, at: Option<u32>, node: Node) -> u32 {
        if let Some(id) = at.or_else(|| self.free_nodes.pop()) {
            self.nodes[id as usize] = node;
            return id;
        }
        self.nodes.push(node);
        number(self.nodes.len() - 1)
    }

    pub(super) fn free_node(&mut self, id: u32) {
        self.free_nodes.push(id);
    }

    /// Adds a page, or changes the one with the number `at`, whose prefix it has.
    pub(super) fn put_page(
        &mut self,
        at: Option<u32>,
        depth: u8,
        leaves: Vec<Leaf>,
        hash: Digest,
    ) -> u32 {
        let id = at.unwrap_or_else(|| {
            if let Some(first) = leaves.first() {
                self.stale.remove(&page_key(&first.path, depth));
            }
            self.new_page()
        });
        self.forget(id);
        self.leaves += leaves.len() as u64;
        self.cached_pages += 1;
        self.cached_bytes += bytes_of(leaves.len());
        self.dirty_bytes += bytes_of(leaves.len());
        let entry = &mut self.pages[id as usize];
        entry.hash = hash;
        entry.depth = depth;
        entry.count = number(leaves.len());
        entry.leaves = Some(leaves.into_boxed_slice());
        entry.dirty = true;
        entry.used = true;
        if !core::mem::replace(&mut entry.in_dirty, true) {
            self.dirty.push(id);
        }
        if !core::mem::replace(&mut entry.in_ring, true) {
            self.ring.push(id);
        }
        id
    }

    /// Adds a page whose leaves are on disk.
    pub(super) fn put_stored_page(&mut self, depth: u8, count: u32, hash: Digest) -> u32 {
        let id = self.new_page();
        let entry = &mut self.pages[id as usize];
        (entry.hash, entry.depth, entry.count) = (hash, depth, count);
        self.leaves += u64::from(count);
        id
    }

    /// Removes the page that was kept under `key`.
    pub(super) fn free_page(&mut self, id: u32, key: Vec<u8>) {
        self.forget(id);
        self.free_pages.push(id);
        self.stale.insert(key);
    }

    fn new_page(&mut self) -> u32 {
        self.free_pages.pop().unwrap_or_else(|| {
            self.pages.push(Entry::FREE);
            number(self.pages.len() - 1)
        })
    }

    /// Takes the leaves of a page out of the counts and out of memory.
    fn forget(&mut self, id: u32) {
        let entry = &mut self.pages[id as usize];
        self.leaves -= u64::from(entry.count);
        entry.count = 0;
        self.drop_leaves(id);
    }

    fn drop_leaves(&mut self, id: u32) {
        let entry = &mut self.pages[id as usize];
        let dirty = core::mem::take(&mut entry.dirty);
        if let Some(leaves) = entry.leaves.take() {
            self.cached_pages -= 1;
            self.cached_bytes -= bytes_of(leaves.len());
            if dirty {
                self.dirty_bytes -= bytes_of(leaves.len());
            }
        }
    }

    /// The pages that are to be written, in the order of their paths.
    pub(super) fn dirty(&self) -> Vec<&Entry> {
        let mut dirty: Vec<&Entry> =
            self.dirty.iter().map(|id| self.page(*id)).filter(|entry| entry.dirty).collect();
        dirty.sort_unstable_by_key(|entry| entry.leaves().and_then(<[_]>::first).map(|l| l.path));
        dirty
    }

    /// The keys on disk that are to be removed.
    pub(super) fn stale(&self) -> impl Iterator<Item = &Vec<u8>> {
        self.stale.iter()
    }

    /// Takes note that [`Top::dirty`] was written and [`Top::stale`] removed.
    pub(super) fn set_clean(&mut self) {
        for id in core::mem::take(&mut self.dirty) {
            let entry = &mut self.pages[id as usize];
            entry.dirty = false;
            entry.in_dirty = false;
        }
        self.stale.clear();
        self.dirty_bytes = 0;
    }

    /// Drops pages that are on disk and were not used lately, until no more than `limit` bytes of
    /// them are left beside those that wait to be written.
    pub(super) fn evict(&mut self, limit: usize) {
        let limit = limit.max(self.dirty_bytes);
        // Twice round: the first may only take away what keeps a page.
        let mut looks = self.ring.len().saturating_mul(2);
        while self.cached_bytes > limit && looks > 0 {
            looks -= 1;
            if self.hand >= self.ring.len() {
                self.hand = 0;
            }
            let Some(id) = self.ring.get(self.hand).copied() else {
                return;
            };
            let entry = &mut self.pages[id as usize];
            let keep = entry.leaves.is_some()
                && (entry.dirty || core::mem::replace(&mut entry.used, false));
            if keep {
                self.hand += 1;
            } else {
                entry.in_ring = false;
                self.ring.swap_remove(self.hand);
                self.drop_leaves(id);
            }
        }
    }
}

fn number(index: usize) -> u32 {
    u32::try_from(index).expect("2^32 pages would take 400 GB of memory: the machine ends first")
}
