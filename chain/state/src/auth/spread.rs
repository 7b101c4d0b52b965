//! The seam through which a caller that has threads lends them.

use std::sync::OnceLock;

/// Runs independent work items, in any order and possibly at once. This crate has no threads;
/// `chain/import` implements it by rayon: `(0..items).into_par_iter().for_each(work)`.
pub trait Spread: Sync {
    /// Calls `work` once with each number below `items`; returns when all calls have returned.
    fn run(&self, items: usize, work: &(dyn Fn(usize) + Sync));
}

/// Runs items one after the other, here.
#[derive(Clone, Copy, Debug, Default)]
pub struct Inline;

impl Spread for Inline {
    fn run(&self, items: usize, work: &(dyn Fn(usize) + Sync)) {
        (0..items).for_each(work);
    }
}

/// The results of `work` for each number below `items`, in order.
pub(super) fn collect<T: Send + Sync>(
    spread: &dyn Spread,
    items: usize,
    work: impl Fn(usize) -> T + Sync,
) -> Vec<T> {
    let results: Vec<OnceLock<T>> = (0..items).map(|_| OnceLock::new()).collect();
    spread.run(items, &|item| {
        if let Some(result) = results.get(item) {
            result.get_or_init(|| work(item));
        }
    });
    // An item that was left out is done now, so that no result depends on the implementation.
    let done = results.into_iter().map(OnceLock::into_inner).enumerate();
    done.map(|(item, result)| result.unwrap_or_else(|| work(item))).collect()
}
