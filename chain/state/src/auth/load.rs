//! Pages from disk, checked against the hash by which the top knows them.

use super::bits::page_key;
use super::page::{Leaf, Planner, decode};
use super::schedule::{Keep, Place, Schedule};
use super::top::{Entry, Top};
use crate::{Column, Fault, Reader};
use blocktree_hashing::Digest;

/// A page that is wanted: its number, and a path beneath its prefix.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub(super) page: u32,
    pub(super) path: Digest,
}

/// Reads pages, with all their hashes.
pub(super) fn load(
    top: &Top,
    reader: &dyn Reader,
    wanted: &[Wanted],
) -> Result<Vec<Vec<Leaf>>, Fault> {
    let keys: Vec<Vec<u8>> =
        wanted.iter().map(|w| page_key(&w.path, top.page(w.page).depth)).collect();
    let borrowed: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
    let stored = reader.get_many(Column::Pages, &borrowed)?;

    let mut schedule = Schedule::default();
    let mut pages = Vec::with_capacity(wanted.len());
    let mut branches = Vec::with_capacity(wanted.len());
    for (number, (w, bytes)) in (0..).zip(wanted.iter().zip(stored)) {
        let entry = top.page(w.page);
        let leaves = bytes
            .and_then(|bytes| decode(&bytes, &w.path, entry.depth))
            .filter(|leaves| leaves.len() == entry.count as usize)
            .ok_or_else(|| damaged(entry, &w.path))?;
        let mut planner = Planner { schedule: &mut schedule, page: number, leaves: &leaves };
        branches.push(planner.plan(&[], entry.depth, Place::NOWHERE));
        pages.push(leaves);
    }
    let hashes = run(schedule, &mut pages, &branches, &mut []);
    for ((w, leaves), hash) in wanted.iter().zip(&pages).zip(hashes) {
        let entry = top.page(w.page);
        if hash != entry.hash || leaves.is_empty() {
            return Err(damaged(entry, &w.path));
        }
    }
    Ok(pages)
}

fn damaged(entry: &Entry, path: &Digest) -> Fault {
    let bits = entry.depth;
    Fault::Corrupt(format!(
        "the page of the authenticated map at the first {bits} bits of {} is not what was written",
        path.map(|byte| format!("{byte:02x}")).concat()
    ))
}

/// Runs a schedule over pages: their branches learn their hashes, `nodes` theirs. Returns the
/// pages' own; `topmost` is what [`Planner::plan`] returned for each.
pub(super) fn run(
    schedule: Schedule,
    pages: &mut [Vec<Leaf>],
    topmost: &[Option<usize>],
    nodes: &mut [Digest],
) -> Vec<Digest> {
    let mut hashes = vec![super::schedule::EMPTY; pages.len()];
    schedule.run(|keep, digest| match keep {
        Keep::Nothing => {}
        Keep::Branch { page, leaf, at } => {
            if let Some(leaf) =
                pages.get_mut(page as usize).and_then(|leaves| leaves.get_mut(leaf as usize))
            {
                leaf.set_branch(at, digest);
            }
        }
        Keep::Page(page) => {
            if let Some(hash) = hashes.get_mut(page as usize) {
                *hash = digest;
            }
        }
        Keep::Node(node) => {
            if let Some(hash) = nodes.get_mut(node as usize) {
                *hash = digest;
            }
        }
    });
    for ((hash, leaves), leaf) in hashes.iter_mut().zip(pages).zip(topmost) {
        if let Some(leaf) = leaf.and_then(|leaf| leaves.get(leaf)) {
            *hash = leaf.branch();
        }
    }
    hashes
}
