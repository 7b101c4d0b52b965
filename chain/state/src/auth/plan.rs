//! What has to be hashed of a drawing: of what is made anew all, of what keeps its leaves the way
//! down to each update.

use super::draft::{Cut, Draft, Part, short};
use super::page_plan::{News, Plan, Planner};
use super::schedule::{Place, Schedule, Target};
use super::top::{Child, Top};
use super::updates::{Updates, out_of_step};
use crate::Fault;
use blocktree_hashing::Digest;
use core::ops::Range;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// A subtree that keeps its leaves, of which some have updates.
#[derive(Debug)]
struct Visit {
    child: Child,
    range: Range<usize>,
    depth: usize,
    place: Place,
    target: Target,
}

/// Lists that were used and are empty again, for the work item that needs some next: they are
/// large, and to make and free them each time would take longer than much of the hashing.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    schedule: Schedule,
    here: Vec<Visit>,
    beneath: Vec<Visit>,
    pages: Vec<Visit>,
}

/// The [`Scratch`] that no work item has.
#[derive(Debug, Default)]
pub(super) struct Spare(Mutex<Vec<Scratch>>);

impl Spare {
    fn take(&self) -> Scratch {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    fn put(&self, scratch: Scratch) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
    }
}

/// How many hashes are stored for an update, about: its own and those above it in its page and in
/// the nodes that it does not share with many others.
const KEPT_PER_UPDATE: usize = 10;

/// How many pages are fetched at once.
const AHEAD: usize = 32;

/// Hashes what is new in a drawing of `cut`, all pages and nodes of it together. `replaced` are pages
/// of the map that are among those of the part.
pub(super) fn hash(
    top: &Top,
    updates: &Updates,
    part: &Part,
    replaced: &BTreeMap<u32, u32>,
    spare: &Spare,
    cut: &Cut,
) -> Result<Vec<(Target, Digest)>, Fault> {
    let mut scratch = spare.take();
    let Scratch { schedule, here, beneath, pages } = &mut scratch;
    schedule.expect(KEPT_PER_UPDATE * cut.updates.len());
    let planner = Planner::new(schedule);
    let mut planning = Planning { top, updates, part, replaced, planner, same: here };
    planning.plan_root(cut.depth)?;
    planning.plan_nodes(beneath, pages)?;
    planning.plan_pages(pages)?;
    let digests = schedule.run();
    spare.put(scratch);
    Ok(digests)
}

/// Schedules what has to be hashed of a drawing.
struct Planning<'a> {
    top: &'a Top,
    updates: &'a Updates,
    part: &'a Part,
    replaced: &'a BTreeMap<u32, u32>,
    planner: Planner<'a>,
    /// Subtrees that keep their leaves.
    same: &'a mut Vec<Visit>,
}

impl Planning<'_> {
    fn plan_root(&mut self, depth: usize) -> Result<(), Fault> {
        if let Draft::Old(link) = &self.part.root {
            self.planner.schedule.keep(Target::Root, link.hash);
        }
        self.plan(&self.part.root, depth, Place::NOWHERE, Target::Root);
        self.planner.fetch()
    }

    /// Plans what is made anew; what is not is left in `self.same`.
    fn plan(&mut self, draft: &Draft, depth: usize, place: Place, target: Target) {
        match draft {
            Draft::Old(link) => self.planner.schedule.give(place, &link.hash),
            Draft::Same(link, range) => {
                let (child, range) = (link.child, range.clone());
                self.same.push(Visit { child, range, depth, place, target });
            }
            Draft::Page(number) => {
                let page = &self.part.pages[*number].page;
                let (number, new, news) = (short(*number), true, News::All);
                self.planner.plan(Plan { page, number, new, news, depth, place, target });
            }
            Draft::Node(number) => {
                let places = self.planner.schedule.node(depth, place, Some(target));
                let node = short(*number);
                let children = &self.part.nodes[*number].children;
                for ((side, child), place) in (0..).zip(children).zip(places) {
                    self.plan(child, depth + 1, place, Target::NewLink { node, side });
                }
            }
        }
    }

    /// Plans the nodes of what keeps its leaves, all of a depth one after the other; leaves the
    /// pages.
    fn plan_nodes(
        &mut self,
        beneath: &mut Vec<Visit>,
        pages: &mut Vec<Visit>,
    ) -> Result<(), Fault> {
        let mut here = core::mem::take(self.same);
        while !here.is_empty() {
            for visit in here.drain(..) {
                match visit.child {
                    Child::Empty => return Err(out_of_step()),
                    Child::Page(_) => pages.push(visit),
                    Child::Node(node) => self.plan_node(node, &visit, beneath),
                }
                if self.planner.is_full() {
                    self.planner.fetch()?;
                }
            }
            core::mem::swap(&mut here, beneath);
        }
        *self.same = here;
        self.planner.fetch()
    }

    fn plan_node(&mut self, node: u32, visit: &Visit, beneath: &mut Vec<Visit>) {
        let places = self.planner.schedule.node(visit.depth, visit.place, Some(visit.target));
        let sides = self.updates.divide(&visit.range, visit.depth);
        self.planner.begin_as(self.top.message(node), places);
        let children = self.top.children(node).into_iter().zip(sides);
        for ((side, (child, range)), place) in (0..).zip(children).zip(places) {
            if !range.is_empty() {
                let (depth, target) = (visit.depth + 1, Target::Link { node, side });
                beneath.push(Visit { child, range, depth, place, target });
            }
        }
    }

    fn plan_pages(&mut self, pages: &mut Vec<Visit>) -> Result<(), Fault> {
        for visits in pages.chunks(AHEAD) {
            self.plan_some(visits)?;
        }
        pages.clear();
        Ok(())
    }

    fn plan_some(&mut self, visits: &[Visit]) -> Result<(), Fault> {
        let (top, part, updates) = (self.top, self.part, self.updates);
        top.fetch_pages(visits.iter().map(|visit| visit.child));
        for Visit { child, range, depth, place, target } in visits {
            let Child::Page(id) = *child else {
                continue;
            };
            let replaced = self.replaced.get(&id).copied();
            let page = match replaced {
                Some(number) => part.pages.get(number as usize).map(|draft| &draft.page),
                None => top.page(id).page(),
            };
            let plan = Plan {
                page: page.ok_or_else(|| Fault::Bug("a page was not read".into()))?,
                number: replaced.unwrap_or(id),
                new: replaced.is_some(),
                news: News::Of(updates.of(range)),
                depth: *depth,
                place: *place,
                target: *target,
            };
            self.planner.plan(plan);
        }
        self.planner.fetch()
    }
}
