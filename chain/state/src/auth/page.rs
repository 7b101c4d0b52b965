//! A page: the leaves beneath one prefix, and the hashes of the branches between them.
//!
//! Sorted leaves need no pointers to be a tree: the subtree of a run of leaves splits at the first
//! bit in which its first and last path differ, and each of the n - 1 branches belongs to one of the
//! n - 1 gaps. So every leaf carries the hash of the branch in the gap behind it. The tree of the
//! definition has a node for *every* bit, also where all paths agree; a branch's hash is therefore
//! kept as it stands directly beneath the branch above it (or at the page's own depth), with the
//! nodes between included.

use super::bits::{bit, common, compare_prefix};
use super::schedule::{Keep, Place, Schedule};
use crate::Fault;
use blocktree_hashing::{Digest, hash_pair};
use core::cmp::Ordering;

/// The most leaves of a page; one more splits it.
pub(super) const MOST_LEAVES: usize = 32;
/// Pages that stand side by side become one when they have no more leaves than this together.
pub(super) const JOIN_UP_TO: usize = 16;

/// A key's leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Leaf {
    /// `tagged("blocktree/key", logical key)`.
    pub(super) path: Digest,
    /// `SHA256(value)`.
    pub(super) value_hash: Digest,
    /// Hash of the subtree of the branch between this leaf and the next, at depth `at`.
    branch: Digest,
    at: u8,
}

/// In [`Leaf::at`]: the branch's hash is not known. (At depth 255 it is known to no one, and
/// computed each time; two paths that share 255 bits are not to be expected.)
const UNKNOWN: u8 = u8::MAX;

impl Leaf {
    /// A leaf whose branch is not known yet.
    pub(super) const fn new(path: Digest, value_hash: Digest) -> Self {
        Self { path, value_hash, branch: [0; 32], at: UNKNOWN }
    }

    /// Takes note of the hash of the branch behind this leaf.
    pub(super) const fn set_branch(&mut self, at: u8, hash: Digest) {
        self.branch = hash;
        self.at = at;
    }

    /// The hash of the branch behind this leaf.
    pub(super) const fn branch(&self) -> Digest {
        self.branch
    }

    fn known_at(&self) -> Option<usize> {
        (self.at != UNKNOWN).then_some(usize::from(self.at))
    }

    fn hash(&self) -> Digest {
        hash_pair(super::schedule::LEAF, &self.path, &self.value_hash)
    }
}

/// What is asked of a key's leaf before it is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expect {
    /// It is there.
    Present,
    /// It is not there.
    Absent,
    /// Nothing: the change may have been made already.
    Anything,
}

/// A change of one leaf.
#[derive(Clone, Copy, Debug)]
pub(super) struct Update {
    /// Whose.
    pub(super) path: Digest,
    /// The hash of its new value; none to remove it.
    pub(super) value_hash: Option<Digest>,
    /// What must be so before.
    pub(super) expect: Expect,
}

/// The leaves with the updates (both sorted) applied. What was known of branches stays beside
/// the leaves, though it no longer holds for those that have an update beneath them.
pub(super) fn amend(old: &[Leaf], updates: &[Update]) -> Result<Vec<Leaf>, Fault> {
    let added =
        updates.iter().filter(|u| u.expect != Expect::Present && u.value_hash.is_some()).count();
    let mut new = Vec::with_capacity(old.len() + added);
    let mut rest = old;
    for update in updates {
        let before = rest.partition_point(|leaf| leaf.path < update.path);
        let (kept, from) = rest.split_at(before);
        new.extend_from_slice(kept);
        let found = from.first().filter(|leaf| leaf.path == update.path);
        match (update.expect, found) {
            (Expect::Present, None) | (Expect::Absent, Some(_)) => {
                return Err(Fault::Bug(
                    "the authenticated map is not at the state that is being changed".into(),
                ));
            }
            _ => {}
        }
        rest = from.get(usize::from(found.is_some())..).unwrap_or_default();
        if let Some(value_hash) = update.value_hash {
            let leaf = found.copied().unwrap_or(Leaf::new(update.path, value_hash));
            new.push(Leaf { value_hash, ..leaf });
        }
    }
    new.extend_from_slice(rest);
    Ok(new)
}

/// Where the tree over a run of at least two leaves splits: the depth of the first bit in which
/// they differ, and the number of leaves left of it.
fn split(leaves: &[Leaf]) -> Option<(usize, usize)> {
    let [first, .., last] = leaves else {
        return None;
    };
    let depth = common(&first.path, &last.path);
    Some((depth, leaves.partition_point(|leaf| !bit(&leaf.path, depth))))
}

/// The updates that lie beneath the first `bits` bits of `path`.
fn beneath<'u>(updates: &'u [Update], path: &Digest, bits: usize) -> &'u [Update] {
    let from = updates.partition_point(|u| compare_prefix(&u.path, path, bits) == Ordering::Less);
    let updates = updates.get(from..).unwrap_or_default();
    let to = updates.partition_point(|u| compare_prefix(&u.path, path, bits) == Ordering::Equal);
    updates.get(..to).unwrap_or_default()
}

/// Schedules what has to be hashed of a page after `updates` were applied to its leaves.
pub(super) struct Planner<'a> {
    /// Where to.
    pub(super) schedule: &'a mut Schedule,
    /// What the schedule shall call the page.
    pub(super) page: u32,
    /// The page's leaves.
    pub(super) leaves: &'a [Leaf],
}

impl Planner<'_> {
    /// Has the page's hash at `depth` put in `place`. Returns the leaf behind which the page's
    /// topmost branch is; a page of one leaf has none, its hash is kept by [`Keep::Page`].
    pub(super) fn plan(&mut self, updates: &[Update], depth: u8, place: Place) -> Option<usize> {
        if let [only] = self.leaves {
            self.schedule.leaf(&only.path, &only.value_hash, place, Keep::Page(self.page));
            return None;
        }
        self.run(0, self.leaves.len(), updates, depth.into(), place)
    }

    /// The same for the leaves from `from` to before `to`, which share the first `depth` bits, as
    /// do the updates.
    fn run(
        &mut self,
        from: usize,
        to: usize,
        updates: &[Update],
        depth: usize,
        mut place: Place,
    ) -> Option<usize> {
        let leaves = self.leaves.get(from..to)?;
        let Some((split, left)) = split(leaves) else {
            if let [only] = leaves {
                self.schedule.leaf(&only.path, &only.value_hash, place, Keep::Nothing);
            }
            return None;
        };
        let gap = from + left - 1;
        let (path, branch) = (&leaves[0].path, &self.leaves[gap]);
        let known =
            branch.known_at().filter(|at| updates.is_empty() && (depth..=split).contains(at));

        // The top of what is hashed here is the branch's hash at this depth, from now on.
        let mut keep = Keep::Branch {
            page: self.page,
            leaf: u32::try_from(gap).unwrap_or(u32::MAX),
            at: u8::try_from(depth).unwrap_or(UNKNOWN),
        };
        for level in depth..known.unwrap_or(split) {
            let places = self.schedule.node(level, place, keep);
            place = places[usize::from(bit(path, level))];
            keep = Keep::Nothing;
        }
        if known.is_some() {
            self.schedule.give(place, branch.branch);
            return Some(gap);
        }
        let updates = beneath(updates, path, split);
        let (left_updates, right_updates) =
            updates.split_at(updates.partition_point(|u| !bit(&u.path, split)));
        let [left, right] = self.schedule.node(split, place, keep);
        self.run(from, gap + 1, left_updates, split + 1, left);
        self.run(gap + 1, to, right_updates, split + 1, right);
        Some(gap)
    }
}

/// The hash at `depth` of a run of leaves whose branches are known.
pub(super) fn hash_at(leaves: &[Leaf], depth: usize) -> Digest {
    let Some((split, left)) = split(leaves) else {
        return leaves.first().map_or(super::schedule::EMPTY, Leaf::hash);
    };
    let branch = &leaves[left - 1];
    if branch.known_at() == Some(depth) {
        return branch.branch;
    }
    let (left, right) = leaves.split_at(left);
    let node =
        hash_pair(super::schedule::NODE, &hash_at(left, split + 1), &hash_at(right, split + 1));
    let path = &leaves[0].path;
    (depth..split).rev().fold(node, |hash, level| one_sided(path, level, &hash))
}

/// The node at `level` that has `hash` on the side of `path` and nothing on the other.
fn one_sided(path: &Digest, level: usize, hash: &Digest) -> Digest {
    let empty = &super::schedule::EMPTY;
    if bit(path, level) {
        hash_pair(super::schedule::NODE, empty, hash)
    } else {
        hash_pair(super::schedule::NODE, hash, empty)
    }
}

/// Walks from `depth` down to where `path` is or would be, beneath leaves that share its first
/// `depth` bits. Adds the siblings met, from above, and returns the leaf at the end, if any.
pub(super) fn walk<'l>(
    mut leaves: &'l [Leaf],
    path: &Digest,
    mut depth: usize,
    siblings: &mut Vec<Option<Digest>>,
) -> Option<&'l Leaf> {
    while let Some((split, left)) = split(leaves) {
        let shared = common(path, &leaves[0].path);
        if shared < split {
            siblings.resize(siblings.len() + (shared - depth), None);
            siblings.push(Some(hash_at(leaves, shared + 1)));
            return None;
        }
        siblings.resize(siblings.len() + (split - depth), None);
        let (left, right) = leaves.split_at(left);
        let (next, other) = if bit(path, split) { (right, left) } else { (left, right) };
        siblings.push(Some(hash_at(other, split + 1)));
        (leaves, depth) = (next, split + 1);
    }
    leaves.first()
}

/// Panics unless every branch of a page is known, where the next one above it wants it, and right.
#[cfg(test)]
pub(super) fn check_branches(leaves: &[Leaf], depth: usize) {
    let Some((split, left)) = split(leaves) else {
        return;
    };
    let forgotten: Vec<Leaf> = leaves.iter().map(|l| Leaf::new(l.path, l.value_hash)).collect();
    let branch = &leaves[left - 1];
    assert!(branch.known_at() == Some(depth) || depth == 255);
    assert_eq!(branch.branch, hash_at(&forgotten, depth));
    check_branches(&leaves[..left], split + 1);
    check_branches(&leaves[left..], split + 1);
}

/// Bytes of a leaf on disk: path, value hash.
const STORED_LEAF: usize = 64;

/// A page on disk: path and value hash of each leaf, in order.
pub(super) fn encode(leaves: &[Leaf]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(leaves.len() * STORED_LEAF);
    for leaf in leaves {
        bytes.extend_from_slice(&leaf.path);
        bytes.extend_from_slice(&leaf.value_hash);
    }
    bytes
}

/// The leaves of a page on disk; nothing unless they are sorted and share the first `depth` bits
/// of `prefix`.
pub(super) fn decode(bytes: &[u8], prefix: &Digest, depth: u8) -> Option<Vec<Leaf>> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    let (pairs, odd) = hashes.as_chunks::<2>();
    let leaves: Vec<Leaf> = pairs.iter().map(|[path, hash]| Leaf::new(*path, *hash)).collect();
    let sorted = leaves.is_sorted_by(|a, b| a.path < b.path);
    let at_home = |leaf: &Leaf| common(&leaf.path, prefix) >= usize::from(depth);
    (rest.is_empty()
        && odd.is_empty()
        && !leaves.is_empty()
        && sorted
        && leaves.iter().all(at_home))
    .then_some(leaves)
}
