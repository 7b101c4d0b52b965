//! What changes in the map: leaves put and removed, by path.

use super::bits::bit;
use crate::Fault;
use blocktree_hashing::Digest;
use core::ops::Range;

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

impl Update {
    /// Whether it leaves all leaves where they are.
    pub(super) fn in_place(&self) -> bool {
        self.expect == Expect::Present && self.value_hash.is_some()
    }
}

/// A delta that was not made on this state.
pub(super) fn out_of_step() -> Fault {
    Fault::Bug("the authenticated map is not at the state that is being changed".into())
}

/// Updates sorted by path, each path once.
pub(super) struct Updates {
    all: Vec<Update>,
    /// How many before each are not in place.
    moving: Vec<u32>,
}

impl Updates {
    /// Sorts them.
    pub(super) fn new(mut all: Vec<Update>) -> Self {
        // Paths differ early; their first eight bytes as a number save most of the comparing.
        all.sort_unstable_by(|a, b| head(a).cmp(&head(b)).then_with(|| a.path.cmp(&b.path)));
        let mut count = 0;
        let moving = all.iter().map(|update| {
            let before = count;
            count += u32::from(!update.in_place());
            before
        });
        let mut moving: Vec<u32> = moving.collect();
        moving.push(count);
        Self { all, moving }
    }

    pub(super) const fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn of(&self, range: &Range<usize>) -> &[Update] {
        &self.all[range.clone()]
    }

    pub(super) fn in_place(&self, range: &Range<usize>) -> bool {
        self.moving[range.start] == self.moving[range.end]
    }

    /// Those whose bit at `depth` is zero, and those whose is one.
    pub(super) fn divide(&self, range: &Range<usize>, depth: usize) -> [Range<usize>; 2] {
        let zeros = self.of(range).partition_point(|update| !bit(&update.path, depth));
        let ones = range.start + zeros;
        [range.start..ones, ones..range.end]
    }
}

#[inline]
fn head(update: &Update) -> u64 {
    update.path.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}
