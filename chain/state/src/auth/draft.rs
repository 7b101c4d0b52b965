//! A changed subtree on paper: which pages and nodes it will have, before anything is changed.

use super::bits::{bit, page_key, with_bit};
use super::load::{self, Wanted};
use super::page::{JOIN_UP_TO, Leaf, MOST_LEAVES, Planner, Update, amend};
use super::schedule::{EMPTY, Keep, Place, Schedule};
use super::top::{Child, Node, Top};
use crate::{Fault, Reader};
use blocktree_hashing::Digest;
use core::ops::Range;
use std::collections::BTreeMap;

/// A subtree after the change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Draft {
    /// As it is.
    Old(Child),
    /// A changed page, by its place in [`Part::pages`].
    Page(usize),
    /// A changed node, by its place in [`Part::nodes`].
    Node(usize),
}

/// A page to be. It takes the place of the page `old`, which has the same prefix.
#[derive(Debug)]
struct DraftPage {
    old: Option<u32>,
    depth: u8,
    /// The updates beneath its prefix.
    updates: Range<usize>,
}

/// A node to be. It takes the place of the node `old`.
#[derive(Debug)]
struct DraftNode {
    old: Option<u32>,
    children: [Draft; 2],
}

/// A changed subtree and what it replaces.
#[derive(Debug)]
pub(super) struct Part {
    root: Draft,
    hash: Digest,
    pages: Vec<DraftPage>,
    /// The leaves of each page; none where pages were joined after all.
    leaves: Vec<Vec<Leaf>>,
    hashes: Vec<Digest>,
    /// Children stand before their parents.
    nodes: Vec<DraftNode>,
    node_hashes: Vec<Digest>,
    freed_nodes: Vec<u32>,
    freed_pages: Vec<(u32, Vec<u8>)>,
}

/// A subtree to be changed: where it hangs, how many bits its paths share, and which of the
/// (sorted) updates lie beneath it.
#[derive(Clone, Debug)]
pub(super) struct Cut {
    pub(super) child: Child,
    pub(super) depth: usize,
    pub(super) updates: Range<usize>,
}

impl Part {
    /// Applies updates to a subtree.
    pub(super) fn draw(
        top: &Top,
        reader: &dyn Reader,
        updates: &[Update],
        cut: Cut,
    ) -> Result<Self, Fault> {
        let mut drawing = Drawing {
            top,
            reader,
            updates,
            loaded: BTreeMap::new(),
            part: Self {
                root: Draft::Old(cut.child),
                hash: EMPTY,
                pages: Vec::new(),
                leaves: Vec::new(),
                hashes: Vec::new(),
                nodes: Vec::new(),
                node_hashes: Vec::new(),
                freed_nodes: Vec::new(),
                freed_pages: Vec::new(),
            },
        };
        drawing.load(&cut)?;
        drawing.part.root = drawing.visit(cut.child, cut.depth, cut.updates)?;
        Ok(drawing.hash(cut.depth))
    }

    /// The hash of the subtree.
    pub(super) const fn hash(&self) -> Digest {
        self.hash
    }

    /// How many leaves there are, if they are so few that they have one page or none.
    pub(super) fn leaves_of_page(&self, top: &Top) -> Option<usize> {
        leaves_of_page(top, &self.leaves, self.root)
    }

    /// Makes the change; returns what hangs there now.
    pub(super) fn install(self, top: &mut Top) -> Child {
        for id in self.freed_nodes {
            top.free_node(id);
        }
        for (id, key) in self.freed_pages {
            top.free_page(id, key);
        }
        let pages: Vec<Child> = self
            .pages
            .into_iter()
            .zip(self.leaves)
            .zip(self.hashes)
            .map(|((page, leaves), hash)| {
                if leaves.is_empty() {
                    Child::Empty
                } else {
                    Child::Page(top.put_page(page.old, page.depth, leaves, hash))
                }
            })
            .collect();
        let mut nodes: Vec<Child> = Vec::with_capacity(self.nodes.len());
        for (node, hash) in self.nodes.into_iter().zip(self.node_hashes) {
            let children = node.children.map(|draft| place(draft, &pages, &nodes));
            nodes.push(Child::Node(top.put_node(node.old, Node { hash, children })));
        }
        place(self.root, &pages, &nodes)
    }
}

fn place(draft: Draft, pages: &[Child], nodes: &[Child]) -> Child {
    match draft {
        Draft::Old(child) => child,
        Draft::Page(page) => pages[page],
        Draft::Node(node) => nodes[node],
    }
}

fn leaves_of_page(top: &Top, drafts: &[Vec<Leaf>], draft: Draft) -> Option<usize> {
    match draft {
        Draft::Old(Child::Empty) => Some(0),
        Draft::Old(Child::Page(id)) => Some(top.page(id).count as usize),
        Draft::Page(page) => Some(drafts[page].len()),
        Draft::Old(Child::Node(_)) | Draft::Node(_) => None,
    }
}

struct Drawing<'a> {
    top: &'a Top,
    reader: &'a dyn Reader,
    updates: &'a [Update],
    loaded: BTreeMap<u32, Vec<Leaf>>,
    part: Part,
}

impl Drawing<'_> {
    /// Reads what is not in memory of the pages that have updates beneath them, all at once.
    fn load(&mut self, cut: &Cut) -> Result<(), Fault> {
        if self.top.cached_pages() == self.top.pages() {
            return Ok(());
        }
        let mut wanted = Vec::new();
        self.want(cut.child, cut.depth, cut.updates.clone(), &mut wanted);
        let pages = load::load(self.top, self.reader, &wanted)?;
        self.loaded = wanted.iter().map(|w| w.page).zip(pages).collect();
        Ok(())
    }

    fn want(&self, child: Child, depth: usize, updates: Range<usize>, wanted: &mut Vec<Wanted>) {
        let Some(first) = self.updates[updates.clone()].first() else {
            return;
        };
        match child {
            Child::Empty => {}
            Child::Page(page) => {
                if self.top.page(page).leaves().is_none() {
                    let path = first.path;
                    wanted.push(Wanted { page, path });
                }
            }
            Child::Node(id) => {
                let [left, right] = self.top.node(id).children;
                let [left_updates, right_updates] = divide(self.updates, updates, depth);
                self.want(left, depth + 1, left_updates, wanted);
                self.want(right, depth + 1, right_updates, wanted);
            }
        }
    }

    /// The leaves of a page that has `path` beneath its prefix.
    fn leaves(&self, page: u32, path: &Digest) -> Result<Vec<Leaf>, Fault> {
        if let Some(leaves) = self.in_memory(page) {
            return Ok(leaves.to_vec());
        }
        let path = *path;
        let mut pages = load::load(self.top, self.reader, &[Wanted { page, path }])?;
        Ok(pages.pop().unwrap_or_default())
    }

    fn in_memory(&self, page: u32) -> Option<&[Leaf]> {
        let loaded = || self.loaded.get(&page).map(Vec::as_slice);
        self.top.page(page).leaves().or_else(loaded)
    }

    fn visit(&mut self, child: Child, depth: usize, range: Range<usize>) -> Result<Draft, Fault> {
        let updates = &self.updates[range.clone()];
        let Some(first) = updates.first() else {
            return Ok(Draft::Old(child));
        };
        match child {
            Child::Empty => {
                let leaves = amend(&[], updates)?;
                Ok(self.grow(None, leaves, depth, range))
            }
            Child::Page(id) => {
                let leaves = match self.in_memory(id) {
                    Some(leaves) => amend(leaves, updates)?,
                    None => amend(&self.leaves(id, &first.path)?, updates)?,
                };
                if leaves.is_empty() || leaves.len() > MOST_LEAVES {
                    let key = page_key(&first.path, self.top.page(id).depth);
                    self.part.freed_pages.push((id, key));
                    return Ok(self.grow(None, leaves, depth, range));
                }
                Ok(self.page(Some(id), leaves, depth, range))
            }
            Child::Node(id) => {
                let [left, right] = self.top.node(id).children;
                let [left_updates, right_updates] = divide(self.updates, range.clone(), depth);
                let left = self.visit(left, depth + 1, left_updates)?;
                let right = self.visit(right, depth + 1, right_updates)?;
                self.join(id, [left, right], depth, range)
            }
        }
    }

    /// The node above two subtrees that were visited, or, if they have few leaves, one page of all.
    fn join(
        &mut self,
        node: u32,
        children: [Draft; 2],
        depth: usize,
        range: Range<usize>,
    ) -> Result<Draft, Fault> {
        let few = |draft| leaves_of_page(self.top, &self.part.leaves, draft);
        let joins = match children.map(few) {
            [Some(left), Some(right)] => left + right <= JOIN_UP_TO,
            _ => false,
        };
        if !joins {
            return Ok(self.node(Some(node), children));
        }
        let path = self.updates[range.start].path;
        let [left, right] = children;
        let mut leaves = self.take(left, &with_bit(path, depth, false), depth + 1)?;
        leaves.append(&mut self.take(right, &with_bit(path, depth, true), depth + 1)?);
        self.part.freed_nodes.push(node);
        Ok(self.grow(None, leaves, depth, range))
    }

    /// Takes the leaves out of a page at `depth`, over `path`, which will not be.
    fn take(&mut self, draft: Draft, path: &Digest, depth: usize) -> Result<Vec<Leaf>, Fault> {
        let (old, leaves) = match draft {
            Draft::Old(Child::Page(id)) => (Some(id), self.leaves(id, path)?),
            Draft::Page(page) => {
                (self.part.pages[page].old, core::mem::take(&mut self.part.leaves[page]))
            }
            Draft::Old(_) | Draft::Node(_) => (None, Vec::new()),
        };
        if let Some(id) = old {
            let key = page_key(path, stored(depth));
            self.part.freed_pages.push((id, key));
        }
        Ok(leaves)
    }

    /// A subtree with these leaves.
    fn grow(
        &mut self,
        old: Option<u32>,
        leaves: Vec<Leaf>,
        depth: usize,
        range: Range<usize>,
    ) -> Draft {
        if leaves.is_empty() {
            return Draft::Old(Child::Empty);
        }
        if leaves.len() <= MOST_LEAVES {
            return self.page(old, leaves, depth, range);
        }
        self.divide_page(&leaves, depth, range)
    }

    /// More leaves than a page holds: nodes down to where each side has few enough. Paths that
    /// share many bits (someone ground them) make a chain of nodes, of at most 256.
    fn divide_page(&mut self, leaves: &[Leaf], depth: usize, range: Range<usize>) -> Draft {
        if leaves.len() <= MOST_LEAVES {
            return self.grow(None, leaves.to_vec(), depth, range);
        }
        let (left, right) = leaves.split_at(leaves.partition_point(|l| !bit(&l.path, depth)));
        let [left_updates, right_updates] = divide(self.updates, range, depth);
        let left = self.divide_page(left, depth + 1, left_updates);
        let right = self.divide_page(right, depth + 1, right_updates);
        self.node(None, [left, right])
    }

    fn page(
        &mut self,
        old: Option<u32>,
        leaves: Vec<Leaf>,
        depth: usize,
        updates: Range<usize>,
    ) -> Draft {
        let depth = stored(depth);
        self.part.pages.push(DraftPage { old, depth, updates });
        self.part.leaves.push(leaves);
        Draft::Page(self.part.pages.len() - 1)
    }

    fn node(&mut self, old: Option<u32>, children: [Draft; 2]) -> Draft {
        self.part.nodes.push(DraftNode { old, children });
        Draft::Node(self.part.nodes.len() - 1)
    }

    /// Hashes what is new, all pages together.
    fn hash(self, depth: usize) -> Part {
        let mut part = self.part;
        let mut schedule = Schedule::default();
        let mut topmost = vec![None; part.pages.len()];
        let mut planning = Planning {
            top: self.top,
            updates: self.updates,
            part: &part,
            schedule: &mut schedule,
            topmost: &mut topmost,
        };
        planning.plan(part.root, depth, Place::NOWHERE);
        part.node_hashes = vec![EMPTY; part.nodes.len()];
        part.hashes = load::run(schedule, &mut part.leaves, &topmost, &mut part.node_hashes);
        part.hash = match part.root {
            Draft::Old(child) => self.top.hash(child),
            Draft::Page(page) => part.hashes[page],
            Draft::Node(node) => part.node_hashes[node],
        };
        part
    }
}

struct Planning<'a> {
    top: &'a Top,
    updates: &'a [Update],
    part: &'a Part,
    schedule: &'a mut Schedule,
    topmost: &'a mut [Option<usize>],
}

impl Planning<'_> {
    fn plan(&mut self, draft: Draft, depth: usize, place: Place) {
        match draft {
            Draft::Old(child) => self.schedule.give(place, self.top.hash(child)),
            Draft::Page(number) => {
                let page = &self.part.pages[number];
                let mut planner = Planner {
                    schedule: self.schedule,
                    page: u32::try_from(number).unwrap_or(u32::MAX),
                    leaves: &self.part.leaves[number],
                };
                self.topmost[number] =
                    planner.plan(&self.updates[page.updates.clone()], page.depth, place);
            }
            Draft::Node(number) => {
                let keep = Keep::Node(u32::try_from(number).unwrap_or(u32::MAX));
                let places = self.schedule.node(depth, place, keep);
                for (child, place) in self.part.nodes[number].children.into_iter().zip(places) {
                    self.plan(child, depth + 1, place);
                }
            }
        }
    }
}

/// The updates whose bit at `depth` is zero, and those whose is one.
pub(super) fn divide(updates: &[Update], range: Range<usize>, depth: usize) -> [Range<usize>; 2] {
    let ones = range.start + updates[range.clone()].partition_point(|u| !bit(&u.path, depth));
    [range.start..ones, ones..range.end]
}

/// The depth of a page as it is stored. More than 32 different paths can't share more than 250
/// bits, so no page lies deeper than 251.
fn stored(depth: usize) -> u8 {
    u8::try_from(depth).expect("no page lies deeper than 251")
}
