//! A changed subtree on paper: which pages and nodes it will have, and their hashes, before anything
//! is changed.
//!
//! Most updates change values and leave all leaves where they are. Where a subtree has only such
//! updates, nodes and pages are planned as they stand and a list of new hashes is all that is drawn.
//! Where leaves come or go, the nodes above are drawn anew and the page is made anew.

use super::bits::{bit, page_key, with_bit};
use super::load::{self, Wanted};
use super::page::{JOIN_UP_TO, Leaf, MOST_LEAVES, Page, amend};
use super::plan::{self, Spare};
use super::schedule::{EMPTY, Target};
use super::top::{Child, Link, Top};
use super::updates::Updates;
use crate::{Fault, Reader};
use blocktree_hashing::Digest;
use core::ops::Range;
use std::collections::BTreeMap;

/// A subtree after the change.
#[derive(Clone, Debug)]
pub(super) enum Draft {
    /// As it is.
    Old(Link),
    /// With the same leaves, of which these updates change the values.
    Same(Link, Range<usize>),
    /// A page that is made anew, by its place in [`Part::pages`].
    Page(usize),
    /// A node that is made anew, by its place in [`Part::nodes`].
    Node(usize),
}

/// A page to be. It takes the place of the page `old`, which has the same prefix.
#[derive(Debug)]
pub(super) struct DraftPage {
    old: Option<u32>,
    depth: u8,
    /// Without leaves if it was joined with another after all.
    pub(super) page: Page,
}

/// A node to be. It takes the place of the node `old`.
#[derive(Debug)]
pub(super) struct DraftNode {
    old: Option<u32>,
    pub(super) children: [Draft; 2],
    hashes: [Digest; 2],
}

/// A changed subtree and what it replaces.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) root: Draft,
    hash: Digest,
    pub(super) pages: Vec<DraftPage>,
    /// Children stand before their parents.
    pub(super) nodes: Vec<DraftNode>,
    freed_nodes: Vec<u32>,
    freed_pages: Vec<(u32, Vec<u8>)>,
    /// What changes in nodes and pages that stay.
    kept: Vec<(Target, Digest)>,
}

/// A subtree to be changed: where it hangs, how many bits its paths share, and which of the
/// (sorted) updates lie beneath it.
#[derive(Clone, Debug)]
pub(super) struct Cut {
    pub(super) link: Link,
    pub(super) depth: usize,
    pub(super) updates: Range<usize>,
}

impl Part {
    /// Applies updates to a subtree.
    pub(super) fn draw(
        top: &Top,
        reader: &dyn Reader,
        updates: &Updates,
        spare: &Spare,
        cut: Cut,
    ) -> Result<Self, Fault> {
        let part = Self {
            root: Draft::Old(cut.link),
            hash: EMPTY,
            pages: Vec::new(),
            nodes: Vec::new(),
            freed_nodes: Vec::new(),
            freed_pages: Vec::new(),
            kept: Vec::new(),
        };
        let mut drawing = Drawing { top, reader, updates, loaded: BTreeMap::new(), part };
        drawing.load(&cut)?;
        let root = drawing.visit(cut.link, cut.depth, cut.updates.clone())?;
        let replaced = drawing.replace_loaded();
        let mut part = drawing.part;
        part.root = root;
        let digests = plan::hash(top, updates, &part, &replaced, spare, &cut)?;
        part.store(digests);
        Ok(part)
    }

    /// Takes note of the hashes of what is made anew; the others wait until the change is made.
    fn store(&mut self, digests: Vec<(Target, Digest)>) {
        self.kept = digests;
        self.kept.retain(|(target, digest)| {
            match *target {
                Target::Root => self.hash = *digest,
                Target::NewUnit { page, unit } => self.pages[page as usize].page.set(unit, *digest),
                Target::NewLink { node, side } => {
                    self.nodes[node as usize].hashes[usize::from(side)] = *digest;
                }
                Target::Unit { .. } | Target::Link { .. } => return true,
                Target::NewPage(_) => {}
            }
            false
        });
    }

    /// The hash of the subtree.
    pub(super) const fn hash(&self) -> Digest {
        self.hash
    }

    /// How many leaves there are, if they are so few that they have one page or none.
    pub(super) fn leaves_of_page(&self, top: &Top) -> Option<usize> {
        leaves_of_page(top, &self.pages, &self.root)
    }

    /// Makes the change; returns what hangs there now.
    pub(super) fn install(self, top: &mut Top) -> Link {
        for id in self.freed_nodes {
            top.free_node(id);
        }
        for (id, key) in self.freed_pages {
            top.free_page(id, key);
        }
        let put = |page: DraftPage| {
            if page.page.len() == 0 {
                return Child::Empty;
            }
            Child::Page(top.put_page(page.old, page.depth, page.page))
        };
        let pages: Vec<Child> = self.pages.into_iter().map(put).collect();
        let mut nodes: Vec<Child> = Vec::with_capacity(self.nodes.len());
        for DraftNode { old, children: [left, right], hashes } in self.nodes {
            let [left_hash, right_hash] = hashes;
            let links =
                [link(&left, left_hash, &pages, &nodes), link(&right, right_hash, &pages, &nodes)];
            nodes.push(Child::Node(top.put_node(old, links)));
        }
        for (target, digest) in self.kept {
            match target {
                Target::Unit { page, unit } => top.set_unit(page, unit, digest),
                Target::Link { node, side } => top.set_hash(node, side, digest),
                _ => {}
            }
        }
        link(&self.root, self.hash, &pages, &nodes)
    }
}

fn link(draft: &Draft, hash: Digest, pages: &[Child], nodes: &[Child]) -> Link {
    let child = match draft {
        Draft::Old(link) | Draft::Same(link, _) => link.child,
        Draft::Page(page) => pages[*page],
        Draft::Node(node) => nodes[*node],
    };
    Link { child, hash }
}

fn leaves_of_page(top: &Top, pages: &[DraftPage], draft: &Draft) -> Option<usize> {
    match draft {
        Draft::Old(link) | Draft::Same(link, _) => match link.child {
            Child::Empty => Some(0),
            Child::Page(id) => Some(top.page(id).count as usize),
            Child::Node(_) => None,
        },
        Draft::Page(page) => Some(pages[*page].page.len()),
        Draft::Node(_) => None,
    }
}

/// Draws which nodes and pages there will be.
struct Drawing<'a> {
    top: &'a Top,
    reader: &'a dyn Reader,
    updates: &'a Updates,
    /// Pages that have updates beneath them and were not in memory.
    loaded: BTreeMap<u32, Page>,
    part: Part,
}

impl Drawing<'_> {
    /// Reads what is not in memory of the pages that have updates beneath them, all at once.
    fn load(&mut self, cut: &Cut) -> Result<(), Fault> {
        if self.top.cached_pages() == self.top.pages() {
            return Ok(());
        }
        let mut wanted = Vec::new();
        self.want(cut.link, cut.depth, &cut.updates, &mut wanted);
        let pages = load::load(self.top, self.reader, &wanted)?;
        self.loaded = wanted.iter().map(|w| w.page).zip(pages).collect();
        Ok(())
    }

    /// Pages that were read and keep their leaves will be put where they belong, to be in memory
    /// from then on; by their numbers.
    fn replace_loaded(&mut self) -> BTreeMap<u32, u32> {
        let mut replaced = BTreeMap::new();
        for (id, page) in core::mem::take(&mut self.loaded) {
            replaced.insert(id, short(self.part.pages.len()));
            let depth = self.top.page(id).depth;
            self.part.pages.push(DraftPage { old: Some(id), depth, page });
        }
        replaced
    }

    fn want(&self, link: Link, depth: usize, updates: &Range<usize>, wanted: &mut Vec<Wanted>) {
        let Some(first) = self.updates.of(updates).first() else {
            return;
        };
        match link.child {
            Child::Empty => {}
            Child::Page(page) => {
                if self.top.page(page).page().is_none() {
                    wanted.push(Wanted { page, hash: link.hash, path: first.path });
                }
            }
            Child::Node(id) => {
                let sides = self.updates.divide(updates, depth);
                for (link, updates) in self.top.node(id).into_iter().zip(&sides) {
                    self.want(link, depth + 1, updates, wanted);
                }
            }
        }
    }

    /// The leaves of the page `id`, which has `path` beneath its prefix and `hash`.
    fn leaves(&mut self, id: u32, hash: Digest, path: &Digest) -> Result<Vec<Leaf>, Fault> {
        if let Some(page) = self.top.page(id).page() {
            return Ok(page.leaves().collect());
        }
        if let Some(page) = self.loaded.remove(&id) {
            return Ok(page.leaves().collect());
        }
        // The neighbour of a page that had updates.
        let wanted = Wanted { page: id, hash, path: *path };
        let pages = load::load(self.top, self.reader, &[wanted])?;
        Ok(pages.iter().flat_map(Page::leaves).collect())
    }

    fn visit(&mut self, link: Link, depth: usize, range: Range<usize>) -> Result<Draft, Fault> {
        let updates = self.updates;
        let Some(first) = updates.of(&range).first() else {
            return Ok(Draft::Old(link));
        };
        if updates.in_place(&range) {
            return Ok(Draft::Same(link, range));
        }
        match link.child {
            Child::Empty => {
                let leaves = amend(&[], updates.of(&range))?;
                Ok(self.grow(None, &leaves, depth))
            }
            Child::Page(id) => {
                let old = self.leaves(id, link.hash, &first.path)?;
                let leaves = amend(&old, updates.of(&range))?;
                if leaves.is_empty() || leaves.len() > MOST_LEAVES {
                    let key = page_key(&first.path, stored(depth));
                    self.part.freed_pages.push((id, key));
                    return Ok(self.grow(None, &leaves, depth));
                }
                Ok(self.grow(Some(id), &leaves, depth))
            }
            Child::Node(id) => {
                let [left, right] = self.top.node(id);
                let [left_updates, right_updates] = updates.divide(&range, depth);
                let left = self.visit(left, depth + 1, left_updates)?;
                let right = self.visit(right, depth + 1, right_updates)?;
                self.join(id, [left, right], depth, &first.path)
            }
        }
    }

    /// The node above two subtrees that were visited, over `path`; or, if they have few leaves, one
    /// page of all.
    fn join(
        &mut self,
        node: u32,
        children: [Draft; 2],
        depth: usize,
        path: &Digest,
    ) -> Result<Draft, Fault> {
        let few = |draft| leaves_of_page(self.top, &self.part.pages, draft);
        let joins = match children.each_ref().map(few) {
            [Some(left), Some(right)] => left + right <= JOIN_UP_TO,
            _ => false,
        };
        if !joins {
            return Ok(self.node(Some(node), children));
        }
        let [left, right] = children;
        let mut leaves = self.take(left, &with_bit(*path, depth, false), depth + 1)?;
        leaves.append(&mut self.take(right, &with_bit(*path, depth, true), depth + 1)?);
        self.part.freed_nodes.push(node);
        Ok(self.grow(None, &leaves, depth))
    }

    /// Takes the leaves out of a page at `depth`, over `path`, which will not be.
    fn take(&mut self, draft: Draft, path: &Digest, depth: usize) -> Result<Vec<Leaf>, Fault> {
        let (old, leaves) = match draft {
            Draft::Old(Link { child: Child::Page(id), hash }) => {
                (Some(id), self.leaves(id, hash, path)?)
            }
            Draft::Same(Link { child: Child::Page(id), hash }, range) => {
                let old = self.leaves(id, hash, path)?;
                (Some(id), amend(&old, self.updates.of(&range))?)
            }
            Draft::Page(number) => {
                let draft = &mut self.part.pages[number];
                (draft.old.take(), core::mem::take(&mut draft.page).leaves().collect())
            }
            Draft::Old(_) | Draft::Same(..) | Draft::Node(_) => (None, Vec::new()),
        };
        if let Some(id) = old {
            self.part.freed_pages.push((id, page_key(path, stored(depth))));
        }
        Ok(leaves)
    }

    /// A subtree with these leaves. Where they are more than a page holds there are nodes down to
    /// where each side has few enough; paths that share many bits (someone ground them) make a
    /// chain of nodes, of at most 256.
    fn grow(&mut self, old: Option<u32>, leaves: &[Leaf], depth: usize) -> Draft {
        if leaves.is_empty() {
            return Draft::Old(Link::EMPTY);
        }
        if leaves.len() <= MOST_LEAVES {
            let page = Page::new(leaves);
            self.part.pages.push(DraftPage { old, depth: stored(depth), page });
            return Draft::Page(self.part.pages.len() - 1);
        }
        let (left, right) = leaves.split_at(leaves.partition_point(|leaf| !bit(&leaf.path, depth)));
        let left = self.grow(None, left, depth + 1);
        let right = self.grow(None, right, depth + 1);
        self.node(None, [left, right])
    }

    fn node(&mut self, old: Option<u32>, children: [Draft; 2]) -> Draft {
        let hashes = children.each_ref().map(|child| match child {
            Draft::Old(link) => link.hash,
            Draft::Same(..) | Draft::Page(_) | Draft::Node(_) => EMPTY,
        });
        self.part.nodes.push(DraftNode { old, children, hashes });
        Draft::Node(self.part.nodes.len() - 1)
    }
}

/// The number of a page or node of a part.
pub(super) fn short(number: usize) -> u32 {
    u32::try_from(number).expect("2^32 changed pages would take 400 GB of memory")
}

/// The depth of a page as it is stored. More than 32 different paths can't share more than 250
/// bits, so no page lies deeper than 251.
pub(super) fn stored(depth: usize) -> u8 {
    u8::try_from(depth).expect("no page lies deeper than 251")
}
