//! The order in which a template takes events.

use crate::Walk;
use crate::index::Index;
use blocktree_consensus::CheckedEvent;
use blocktree_primitives::Principal;
use std::sync::Arc;

/// Waiting events for a template: of each signer only the next by nonce stands for choice, and of
/// those the one with the highest fee per weight comes first, the earlier among equals. What waits
/// for a missing nonce, and what templates refused lately, does not come, nor what is behind it.
///
/// The order is made while it is walked: each step costs the logarithm of the number of signers,
/// however many events wait. [`Walk`] is the same for those who must not hold the pool for long.
///
/// When the event that came last is not taken, because it is refused or has no room, say so with
/// [`Best::skip_signer`]: those behind it would be refused as well.
#[derive(Debug)]
pub struct Best<'p, C> {
    index: &'p Index<C>,
    walk: Walk,
    came: Option<Principal>,
}

impl<'p, C> Best<'p, C> {
    pub(crate) const fn new(index: &'p Index<C>) -> Self {
        Self { index, walk: Walk::all(), came: None }
    }

    /// The event that came last is not taken: those behind it don't come.
    pub fn skip_signer(&mut self) {
        if let Some(author) = self.came.take() {
            self.walk.skip(author);
        }
    }
}

impl<'p, C> Iterator for Best<'p, C> {
    type Item = &'p Arc<CheckedEvent<C>>;

    fn next(&mut self) -> Option<Self::Item> {
        let event = self.walk.step(self.index)?;
        self.came = Some(event.author());
        Some(event)
    }
}
