//! How much a peer may ask: requests are paid from a budget that refills, and wait while it is empty.

use crate::message::Request;
use crate::time::Tick;

/// What may be asked at once, after a rest.
const FULL: u64 = 400_000;
/// What comes back in a millisecond: the budget is full again after 4 seconds.
const REFILL: u64 = 100;

/// A peer's budget, in about microseconds of our work.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    left: u64,
    at: Tick,
}

impl Budget {
    pub(crate) const fn new(now: Tick) -> Self {
        Self { left: FULL, at: now }
    }

    /// Pays for a request. False if there is not enough left.
    pub(crate) fn spend(&mut self, now: Tick, request: &Request) -> bool {
        let passed = now.0.saturating_sub(self.at.0);
        self.left = self.left.saturating_add(passed.saturating_mul(REFILL)).min(FULL);
        self.at = now;
        match self.left.checked_sub(price(request)) {
            Some(left) => {
                self.left = left;
                true
            }
            None => false,
        }
    }
}

/// What a request costs us, at about.
fn price(request: &Request) -> u64 {
    let count = |len: usize| u64::try_from(len).unwrap_or(u64::MAX);
    match request {
        Request::Hello(_) => 50,
        // A read of the database for each header.
        Request::Headers { .. } => 4_000,
        Request::Bodies { hashes } => count(hashes.len()).saturating_mul(10).saturating_add(500),
        Request::Compact(compact) => count(compact.ids.len()).saturating_add(200),
        Request::BlockEvents { .. } => 2_000,
        Request::Have { ids } => count(ids.len()).saturating_mul(5).saturating_add(50),
        Request::Events { ids } => count(ids.len()).saturating_mul(5).saturating_add(50),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use blocktree_primitives::BoundedVec;

    #[test]
    fn a_flood_is_cut_off_and_a_rest_makes_good() {
        let headers = Request::Headers { locator: BoundedVec::new() };
        let mut budget = Budget::new(Tick(0));
        // 400,000 / 4,000
        let paid = (0..200).filter(|_| budget.spend(Tick(0), &headers)).count();
        assert_eq!(paid, 100);
        // 1,000 ms · 100 / 4,000
        let paid = (0..200).filter(|_| budget.spend(Tick(1_000), &headers)).count();
        assert_eq!(paid, 25);
        // Never more than full, and the clock never goes back.
        let paid = (0..200).filter(|_| budget.spend(Tick(1_000_000), &headers)).count();
        assert_eq!(paid, 100);
        assert!(!budget.spend(Tick(5), &headers));
    }
}
