//! What has to be hashed of a page.

use super::bits::bit;
use super::page::{MOST_LEAVES, Page, Run, VALUES};
use super::schedule::{Place, Schedule, Target};
use super::updates::{Update, out_of_step};
use crate::Fault;
use blocktree_hashing::Digest;

/// What is new in a page.
#[derive(Clone, Copy, Debug)]
pub(super) enum News<'u> {
    /// Everything.
    All,
    /// The value hashes of these leaves; see [`Update::in_place`].
    Of(&'u [Update]),
}

impl<'u> News<'u> {
    /// A path that has news.
    fn first(self) -> Option<&'u Digest> {
        match self {
            Self::All => None,
            Self::Of(updates) => updates.first().map(|update| &update.path),
        }
    }

    /// What is new on each side of a branch; nothing where nothing is.
    fn divide(self, depth: usize) -> [Option<Self>; 2] {
        match self {
            Self::All => [Some(self); 2],
            Self::Of(updates) => {
                let ones = updates.partition_point(|u| !bit(&u.path, depth));
                let (left, right) = updates.split_at(ones);
                [left, right].map(|side| (!side.is_empty()).then_some(Self::Of(side)))
            }
        }
    }
}

/// How many messages are copied in one go.
const WAITING: usize = 256;

/// A leaf to be hashed.
struct LeafJob<'a> {
    message: &'a [Digest; 2],
    place: Place,
    target: Target,
    /// Its new value hash, and where it is stored.
    update: Option<(&'a Update, Target)>,
}

/// Schedules what has to be hashed of pages and nodes.
///
/// A page that was not used lately has to come from main memory, line by line, and waiting for each
/// line in turn would take longer than all the hashing. So the way through a page is planned from
/// its first unit alone, and what is to be copied out of it is copied later, from many pages in one
/// go: there the processor does the waiting for all of them at once.
pub(super) struct Planner<'a> {
    /// Where to.
    pub(super) schedule: &'a mut Schedule,
    /// Messages that are partly as they were, and where they go.
    old: Vec<(&'a [Digest; 2], Place)>,
    leaves: Vec<LeafJob<'a>>,
}

/// Which page is planned, and what is new in it.
#[derive(Clone, Copy)]
pub(super) struct Plan<'a> {
    /// The page, as it is before the updates.
    pub(super) page: &'a Page,
    /// Its number.
    pub(super) number: u32,
    /// Whether it is being made, and the number is one among those.
    pub(super) new: bool,
    /// What to hash.
    pub(super) news: News<'a>,
    /// The length of its prefix.
    pub(super) depth: usize,
    /// Where its hash goes.
    pub(super) place: Place,
    /// And where it is stored.
    pub(super) target: Target,
}

impl<'a> Planner<'a> {
    /// Into an empty schedule.
    pub(super) fn new(schedule: &'a mut Schedule) -> Self {
        Self { schedule, old: Vec::with_capacity(WAITING), leaves: Vec::with_capacity(WAITING) }
    }

    /// Whether so much waits to be copied that it should be.
    pub(super) const fn is_full(&self) -> bool {
        self.old.len() + self.leaves.len() >= WAITING - MOST_LEAVES
    }

    /// Plans a page; its branches and value hashes are stored in itself.
    pub(super) fn plan(&mut self, plan: Plan<'a>) {
        let Plan { page, news, depth, place, target, .. } = plan;
        self.run(&plan, page.all(), news, depth, place, target);
    }

    /// Has the message of a node that is scheduled begin as it was.
    pub(super) fn begin_as(&mut self, message: &'a [Digest; 2], places: [Place; 2]) {
        self.old.push((message, places[0]));
    }

    /// Plans a run of leaves.
    fn run(
        &mut self,
        plan: &Plan<'a>,
        run: Run,
        news: News<'a>,
        depth: usize,
        mut place: Place,
        target: Target,
    ) {
        let page = plan.page;
        let Some((gap, split)) = page.split(run) else {
            return self.leaf(plan, run.from, news, place, target);
        };
        let mut target = Some(target);
        if depth < split {
            // All paths agree here; that of an update is at hand.
            let path = news.first().unwrap_or_else(|| page.path(run.from));
            for level in depth..split {
                let places = self.schedule.node(level, place, target.take());
                place = places[usize::from(bit(path, level))];
            }
        }
        let places = self.schedule.node(split, place, target);
        let news = news.divide(split);
        if news.iter().any(Option::is_none) {
            self.begin_as(page.branch_message(gap), places);
        }
        for (side, ((run, news), place)) in
            run.divide(gap).into_iter().zip(news).zip(places).enumerate()
        {
            if let Some(news) = news {
                self.run(plan, run, news, split + 1, place, plan.unit(2 * gap + side));
            }
        }
    }

    fn leaf(
        &mut self,
        plan: &Plan<'a>,
        number: usize,
        news: News<'a>,
        place: Place,
        target: Target,
    ) {
        let message = plan.page.leaf_message(number);
        let updates = match news {
            News::All => &[],
            News::Of(updates) => updates,
        };
        if updates.is_empty() {
            self.leaves.push(LeafJob { message, place, target, update: None });
        }
        // Of two updates that end at one leaf, one at least is not its own.
        for update in updates {
            let update = Some((update, plan.unit(VALUES + number)));
            self.leaves.push(LeafJob { message, place, target, update });
        }
    }

    /// Copies what the plans so far need.
    pub(super) fn fetch(&mut self) -> Result<(), Fault> {
        for (message, place) in self.old.drain(..) {
            self.schedule.begin_as(message, place);
        }
        for LeafJob { message: [path, value_hash], place, target, update } in self.leaves.drain(..)
        {
            let mut message = [*path, *value_hash];
            if let Some((update, unit)) = update {
                let value_hash = update.value_hash.filter(|_| update.path == *path);
                message[1] = value_hash.ok_or_else(out_of_step)?;
                self.schedule.keep(unit, message[1]);
            }
            self.schedule.leaf(message, place, Some(target));
        }
        Ok(())
    }
}

impl Plan<'_> {
    fn unit(&self, unit: usize) -> Target {
        // Units are below 3 * MOST_LEAVES = 96; no page has one with the number 255.
        let (page, unit) = (self.number, u8::try_from(unit).unwrap_or(u8::MAX));
        if self.new { Target::NewUnit { page, unit } } else { Target::Unit { page, unit } }
    }
}
