//! Rayon's threads, lent to the authenticated map.

use blocktree_state::auth::Spread;
use rayon::prelude::*;

/// Runs work items on all cores.
pub(crate) struct AllCores;

impl Spread for AllCores {
    fn run(&self, items: usize, work: &(dyn Fn(usize) + Sync)) {
        (0..items).into_par_iter().for_each(work);
    }
}
