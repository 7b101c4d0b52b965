//! Pages from disk, checked against the hash by which the top knows them.

use super::bits::page_key;
use super::page::Page;
use super::page_plan::{News, Plan, Planner};
use super::schedule::{Place, Schedule, Target};
use super::top::{Entry, Top};
use crate::{Column, Fault, Reader};
use blocktree_hashing::Digest;

/// Pages that are hashed together: enough to fill the streams of the hasher, and no more than stay
/// in the nearer caches.
const AT_ONCE: usize = 32;

/// A page that is wanted: its number, its hash, and a path beneath its prefix.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub(super) page: u32,
    pub(super) hash: Digest,
    pub(super) path: Digest,
}

/// Reads pages, with all their branches.
pub(super) fn load(top: &Top, reader: &dyn Reader, wanted: &[Wanted]) -> Result<Vec<Page>, Fault> {
    let keys: Vec<Vec<u8>> =
        wanted.iter().map(|w| page_key(&w.path, top.page(w.page).depth)).collect();
    let borrowed: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
    let stored = reader.get_many(Column::Pages, &borrowed)?;

    let mut pages = Vec::with_capacity(wanted.len());
    for (w, bytes) in wanted.iter().zip(stored) {
        let entry = top.page(w.page);
        let page = bytes
            .and_then(|bytes| Page::decode(&bytes, &w.path, entry.depth))
            .filter(|page| page.len() == entry.count as usize)
            .ok_or_else(|| damaged(entry, &w.path))?;
        pages.push(page);
    }
    let mut schedule = Schedule::default();
    for (wanted, pages) in wanted.chunks(AT_ONCE).zip(pages.chunks_mut(AT_ONCE)) {
        check(top, wanted, pages, &mut schedule)?;
    }
    Ok(pages)
}

/// Computes the branches of pages, and compares the pages' hashes.
fn check(
    top: &Top,
    wanted: &[Wanted],
    pages: &mut [Page],
    schedule: &mut Schedule,
) -> Result<(), Fault> {
    let mut planner = Planner::new(schedule);
    for (number, (w, page)) in (0..).zip(wanted.iter().zip(&*pages)) {
        planner.plan(Plan {
            page,
            number,
            new: true,
            news: News::All,
            depth: top.page(w.page).depth.into(),
            place: Place::NOWHERE,
            target: Target::NewPage(number),
        });
    }
    planner.fetch()?;
    for (target, digest) in schedule.run() {
        match target {
            Target::NewUnit { page, unit } => pages[page as usize].set(unit, digest),
            Target::NewPage(page) => {
                let w = &wanted[page as usize];
                if digest != w.hash {
                    return Err(damaged(top.page(w.page), &w.path));
                }
            }
            Target::Root | Target::Link { .. } | Target::Unit { .. } | Target::NewLink { .. } => {}
        }
    }
    Ok(())
}

fn damaged(entry: &Entry, path: &Digest) -> Fault {
    let bits = entry.depth;
    Fault::Corrupt(format!(
        "the page of the authenticated map at the first {bits} bits of {} is not what was written",
        path.map(|byte| format!("{byte:02x}")).concat()
    ))
}
