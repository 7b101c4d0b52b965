//! What is always in memory: the nodes above the pages, a small entry for every page, and the
//! leaves of as many pages as the limits allow.

use super::page::{Page, bytes_of};
use super::schedule::{EMPTY, Pair};
use blocktree_hashing::Digest;
use core::hint::black_box;
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

/// A subtree and its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) child: Child,
    pub(super) hash: Digest,
}

impl Link {
    /// No leaf.
    pub(super) const EMPTY: Self = Self { child: Child::Empty, hash: EMPTY };
}

/// The children of a node in eight bytes, so that the shape of the whole top stays in the nearer
/// caches.
#[derive(Clone, Copy, Debug)]
struct Packed([u32; 2]);

impl Packed {
    const EMPTY: u32 = u32::MAX;

    fn new(children: [Child; 2]) -> Self {
        Self(children.map(|child| match child {
            Child::Empty => Self::EMPTY,
            Child::Node(id) => 2 * id,
            Child::Page(id) => 2 * id + 1,
        }))
    }

    fn children(self) -> [Child; 2] {
        self.0.map(|packed| match packed {
            Self::EMPTY => Child::Empty,
            page if page % 2 == 1 => Child::Page(page / 2),
            node => Child::Node(node / 2),
        })
    }
}

/// What is known of a page while its leaves are on disk, beside its hash.
#[derive(Debug)]
pub(super) struct Entry {
    page: Option<Page>,
    /// Number of its leaves; 0 in an entry that waits to be used again.
    pub(super) count: u32,
    /// Length of its prefix in bits.
    pub(super) depth: u8,
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
        page: None,
        count: 0,
        depth: 0,
        dirty: false,
        used: false,
        in_ring: false,
        in_dirty: false,
    };

    /// Its leaves, if they are in memory.
    pub(super) const fn page(&self) -> Option<&Page> {
        self.page.as_ref()
    }
}

/// The tree above the pages.
#[derive(Debug)]
pub(super) struct Top {
    pub(super) root: Link,
    /// Of each node its children, and apart from them their hashes: its message.
    nodes: Vec<Packed>,
    messages: Vec<Pair>,
    free_nodes: Vec<u32>,
    pages: Vec<Entry>,
    free_pages: Vec<u32>,
    /// The pages in memory (and some that were freed), in the order in which the hand visits them.
    ring: Vec<u32>,
    hand: usize,
    /// The pages to be written (and some that were freed).
    dirty: Vec<u32>,
    /// Keys on disk under which there was a page that is no more; one that came after it is dirty.
    stale: BTreeSet<Vec<u8>>,
    leaves: u64,
    cached_pages: usize,
    cached_bytes: usize,
    dirty_bytes: usize,
}

impl Top {
    pub(super) const fn new() -> Self {
        Self {
            root: Link::EMPTY,
            nodes: Vec::new(),
            messages: Vec::new(),
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

    /// What is beneath the node with this number, which some link or the root names.
    pub(super) fn node(&self, id: u32) -> [Link; 2] {
        let [left, right] = self.children(id);
        let [left_hash, right_hash] = *self.message(id);
        [Link { child: left, hash: left_hash }, Link { child: right, hash: right_hash }]
    }

    /// What is beneath a node, without its hashes.
    pub(super) fn children(&self, id: u32) -> [Child; 2] {
        self.nodes[id as usize].children()
    }

    /// The hashes of what is beneath a node.
    pub(super) fn message(&self, id: u32) -> &[Digest; 2] {
        &self.messages[id as usize].0
    }

    /// The page with this number, which some child or the root names.
    pub(super) fn page(&self, id: u32) -> &Entry {
        &self.pages[id as usize]
    }

    /// Has the beginnings of pages brought from main memory, all at once, before they are read one
    /// after the other.
    pub(super) fn fetch_pages(&self, children: impl Iterator<Item = Child>) {
        let mut seen = 0;
        for child in children {
            if let Child::Page(id) = child {
                seen ^= self.page(id).page().map_or(0, Page::first);
            }
        }
        black_box(seen);
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
    pub(super) fn put_node(&mut self, at: Option<u32>, links: [Link; 2]) -> u32 {
        let children = Packed::new(links.map(|link| link.child));
        let message = Pair(links.map(|link| link.hash));
        if let Some(id) = at.or_else(|| self.free_nodes.pop()) {
            self.nodes[id as usize] = children;
            self.messages[id as usize] = message;
            return id;
        }
        self.nodes.push(children);
        self.messages.push(message);
        number(self.nodes.len() - 1)
    }

    pub(super) fn free_node(&mut self, id: u32) {
        self.free_nodes.push(id);
    }

    /// Stores the hash of what is beneath a node.
    pub(super) fn set_hash(&mut self, node: u32, side: u8, hash: Digest) {
        self.messages[node as usize].0[usize::from(side)] = hash;
    }

    /// Adds a page, or changes the one with the number `at`, whose prefix it has.
    pub(super) fn put_page(&mut self, at: Option<u32>, depth: u8, page: Page) -> u32 {
        let id = at.unwrap_or_else(|| self.new_page());
        self.forget(id);
        self.leaves += page.len() as u64;
        self.cached_pages += 1;
        self.cached_bytes += bytes_of(page.len());
        let entry = &mut self.pages[id as usize];
        entry.depth = depth;
        entry.count = number(page.len());
        entry.page = Some(page);
        if !core::mem::replace(&mut entry.in_ring, true) {
            self.ring.push(id);
        }
        self.touch(id);
        id
    }

    /// Takes note that a page in memory changes.
    fn touch(&mut self, id: u32) {
        let entry = &mut self.pages[id as usize];
        entry.used = true;
        if !core::mem::replace(&mut entry.dirty, true) {
            self.dirty_bytes += bytes_of(entry.count as usize);
        }
        if !core::mem::replace(&mut entry.in_dirty, true) {
            self.dirty.push(id);
        }
    }

    /// Changes a unit of a page in memory.
    pub(super) fn set_unit(&mut self, id: u32, unit: u8, digest: Digest) {
        if !self.pages[id as usize].dirty || !self.pages[id as usize].used {
            self.touch(id);
        }
        if let Some(page) = &mut self.pages[id as usize].page {
            page.set(unit, digest);
        }
    }

    /// Adds a page whose leaves are on disk.
    pub(super) fn put_stored_page(&mut self, depth: u8, count: u32) -> u32 {
        let id = self.new_page();
        let entry = &mut self.pages[id as usize];
        (entry.depth, entry.count) = (depth, count);
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

    /// Takes a page out of the counts and out of memory.
    fn forget(&mut self, id: u32) {
        let entry = &mut self.pages[id as usize];
        self.leaves -= u64::from(entry.count);
        self.drop_page(id);
        self.pages[id as usize].count = 0;
    }

    fn drop_page(&mut self, id: u32) {
        let entry = &mut self.pages[id as usize];
        let dirty = core::mem::take(&mut entry.dirty);
        if let Some(page) = entry.page.take() {
            self.cached_pages -= 1;
            self.cached_bytes -= bytes_of(page.len());
            if dirty {
                self.dirty_bytes -= bytes_of(page.len());
            }
        }
    }

    /// The pages that are to be written, each with its hash, in the order of their paths.
    pub(super) fn dirty(&self) -> Vec<(&Entry, Digest)> {
        let mut found = Vec::with_capacity(self.dirty.len());
        self.dirty_beneath(self.root, &mut found);
        found
    }

    fn dirty_beneath<'t>(&'t self, link: Link, found: &mut Vec<(&'t Entry, Digest)>) {
        match link.child {
            Child::Empty => {}
            Child::Page(id) => {
                let entry = self.page(id);
                found.extend(entry.dirty.then_some((entry, link.hash)));
            }
            Child::Node(id) => {
                for link in self.node(id) {
                    self.dirty_beneath(link, found);
                }
            }
        }
    }

    /// The keys on disk that are to be removed, before what is dirty is written.
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
            let keep =
                entry.page.is_some() && (entry.dirty || core::mem::replace(&mut entry.used, false));
            if keep {
                self.hand += 1;
            } else {
                entry.in_ring = false;
                self.ring.swap_remove(self.hand);
                self.drop_page(id);
            }
        }
    }
}

fn number(index: usize) -> u32 {
    let number = u32::try_from(index).ok().filter(|number| *number < u32::MAX / 2);
    number.expect("2^31 pages would take 200 GB of memory: the machine ends first")
}
