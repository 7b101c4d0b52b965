//! What a delta would make of the map.

use super::draft::{Cut, Part};
use super::page::JOIN_UP_TO;
use super::plan::Spare;
use super::schedule::NODE;
use super::spread::{Inline, Spread, collect};
use super::top::{Child, Link, Top};
use super::updates::{Expect, Update, Updates};
use crate::{Delta, Fault, Reader};
use blocktree_hashing::{Digest, Midstate, hash_pair, hash_slices};
use core::ops::Range;

/// `tagged("blocktree/key", …)`.
pub(super) const KEY: Midstate = Midstate::tagged("blocktree/key");

/// Fewer updates than this are one work item.
const SPREAD_FROM: usize = 256;
/// The depth at which the tree is cut into work items: 16 of them.
const CUT_DEPTH: usize = 4;
/// Keys and values hashed by one work item.
const CHUNK: usize = 512;

/// A changed subtree above the cuts.
#[derive(Clone, Copy, Debug)]
enum Upper {
    Part(usize),
    Old(Link),
    Node(usize),
}

/// A changed node above the cuts.
#[derive(Clone, Copy, Debug)]
struct UpperNode {
    id: u32,
    children: [Upper; 2],
    hash: Digest,
}

/// A change of the whole map.
#[derive(Debug)]
pub(super) struct Change {
    parts: Vec<Part>,
    /// Children stand before their parents.
    upper: Vec<UpperNode>,
    root: Upper,
    hash: Digest,
}

impl Change {
    /// Applies `updates` to the whole map.
    pub(super) fn draw(
        top: &Top,
        reader: &dyn Reader,
        updates: &Updates,
        spread: &dyn Spread,
    ) -> Result<Self, Fault> {
        if updates.len() >= SPREAD_FROM
            && let Some(change) = Self::cut(top, reader, updates, CUT_DEPTH, spread)?
        {
            return Ok(change);
        }
        // Cut at the root there is nothing to join above the cut.
        Self::cut(top, reader, updates, 0, &Inline)?
            .ok_or_else(|| Fault::Bug("a change of the map in one piece was not drawn".into()))
    }

    /// The hash of the root.
    pub(super) const fn hash(&self) -> Digest {
        self.hash
    }

    /// Draws the subtrees at `depth`, then what is above. Nothing if so many leaves went that
    /// pages have to be joined above the cut.
    fn cut(
        top: &Top,
        reader: &dyn Reader,
        updates: &Updates,
        depth: usize,
        spread: &dyn Spread,
    ) -> Result<Option<Self>, Fault> {
        let mut cutting = Cutting { top, updates, cuts: Vec::new(), upper: Vec::new() };
        let root = cutting.visit(top.root, 0, 0..updates.len(), depth);
        let (cuts, upper) = (cutting.cuts, cutting.upper);
        let spare = Spare::default();
        let draw = |item: usize| Part::draw(top, reader, updates, &spare, cuts[item].clone());
        let parts: Vec<Part> =
            collect(spread, cuts.len(), draw).into_iter().collect::<Result<_, _>>()?;

        let mut change =
            Self { parts, upper: Vec::with_capacity(upper.len()), root, hash: top.root.hash };
        for (id, children) in upper {
            let leaves = children.map(|child| change.leaves_of_page(top, child));
            if let [Some(left), Some(right)] = leaves
                && left + right <= JOIN_UP_TO
            {
                return Ok(None);
            }
            let [left, right] = children.map(|child| change.hash_of(child));
            let hash = hash_pair(NODE, &left, &right);
            change.upper.push(UpperNode { id, children, hash });
        }
        change.hash = change.hash_of(root);
        Ok(Some(change))
    }

    fn leaves_of_page(&self, top: &Top, upper: Upper) -> Option<usize> {
        match upper {
            Upper::Part(part) => self.parts[part].leaves_of_page(top),
            Upper::Old(Link { child: Child::Empty, .. }) => Some(0),
            Upper::Old(Link { child: Child::Page(id), .. }) => Some(top.page(id).count as usize),
            Upper::Old(Link { child: Child::Node(_), .. }) | Upper::Node(_) => None,
        }
    }

    fn hash_of(&self, upper: Upper) -> Digest {
        match upper {
            Upper::Part(part) => self.parts[part].hash(),
            Upper::Old(link) => link.hash,
            Upper::Node(number) => self.upper[number].hash,
        }
    }

    /// Makes the change.
    pub(super) fn install(self, top: &mut Top) {
        let parts: Vec<Link> = self.parts.into_iter().map(|part| part.install(top)).collect();
        let place = |upper| match upper {
            Upper::Part(part) => parts[part],
            Upper::Old(link) => link,
            Upper::Node(number) => {
                let UpperNode { id, hash, .. } = self.upper[number];
                Link { child: Child::Node(id), hash }
            }
        };
        for node in &self.upper {
            top.put_node(Some(node.id), node.children.map(place));
        }
        top.root = place(self.root);
    }
}

struct Cutting<'a> {
    top: &'a Top,
    updates: &'a Updates,
    cuts: Vec<Cut>,
    upper: Vec<(u32, [Upper; 2])>,
}

impl Cutting<'_> {
    fn visit(&mut self, link: Link, depth: usize, updates: Range<usize>, to: usize) -> Upper {
        if updates.is_empty() {
            return Upper::Old(link);
        }
        if depth < to
            && let Child::Node(id) = link.child
        {
            let [left, right] = self.top.node(id);
            let [left_updates, right_updates] = self.updates.divide(&updates, depth);
            let left = self.visit(left, depth + 1, left_updates, to);
            let right = self.visit(right, depth + 1, right_updates, to);
            self.upper.push((id, [left, right]));
            return Upper::Node(self.upper.len() - 1);
        }
        let cut = Cut { link, depth, updates };
        self.cuts.push(cut);
        Upper::Part(self.cuts.len() - 1)
    }
}

/// The updates that a delta makes, sorted by path.
pub(super) fn updates_of(delta: &Delta, spread: &dyn Spread) -> Updates {
    let changes: Vec<(&[u8], &crate::Change)> = delta.iter().collect();
    let chunks: Vec<&[(&[u8], &crate::Change)]> = changes.chunks(CHUNK).collect();
    let hash = |item: usize| {
        let chunk = chunks[item].iter();
        pairs_to_updates(chunk.map(|(key, change)| {
            let expect = if change.old.is_some() { Expect::Present } else { Expect::Absent };
            (*key, change.new.as_deref(), expect)
        }))
    };
    Updates::new(collect(spread, chunks.len(), hash).concat())
}

/// Hashes logical keys and values (none for those removed), many at once.
pub(super) fn pairs_to_updates<'k>(
    pairs: impl Iterator<Item = (&'k [u8], Option<&'k [u8]>, Expect)>,
) -> Vec<Update> {
    let (mut keys, mut values, mut updates) = (Vec::new(), Vec::new(), Vec::new());
    for (key, value, expect) in pairs {
        keys.push(key);
        values.extend(value);
        updates.push(Update { path: [0; 32], value_hash: value.map(|_| [0; 32]), expect });
    }
    let mut paths = vec![[0; 32]; keys.len()];
    KEY.hash_slices(&keys, &mut paths);
    let mut hashes = vec![[0; 32]; values.len()];
    hash_slices(&values, &mut hashes);
    for (update, path) in updates.iter_mut().zip(paths) {
        update.path = path;
    }
    for (place, hash) in updates.iter_mut().filter_map(|u| u.value_hash.as_mut()).zip(hashes) {
        *place = hash;
    }
    updates
}
