//! A block that was told and is not whole.

use super::slots::Slots;
use crate::address::NodeId;
use crate::message::ShortId;
use crate::time::Tick;
use blocktree_consensus::Work;
use blocktree_primitives::block::MAX_EVENTS;
use blocktree_primitives::{BlockHash, BoundedVec, Commitment, Header, Height};

/// So many peers that told a block are remembered: the next is asked when one fails.
const MAX_TELLERS: usize = 8;

/// Who told a block, in this order.
#[derive(Clone, Debug)]
pub(super) struct Tellers(Vec<NodeId>);

impl Tellers {
    pub(super) fn new(node: NodeId) -> Self {
        Self(vec![node])
    }

    /// One more peer told it; whether that is news. Beyond [`MAX_TELLERS`] it is not remembered.
    pub(super) fn add(&mut self, node: NodeId) -> bool {
        let is_new = self.0.len() < MAX_TELLERS && !self.0.contains(&node);
        if is_new {
            self.0.push(node);
        }
        is_new
    }

    pub(super) fn all(&self) -> &[NodeId] {
        &self.0
    }
}

/// A block of which the header and the commitment are right, and the events are being fetched.
#[derive(Debug)]
pub(super) struct Partial {
    pub(super) header: Header,
    pub(super) hash: BlockHash,
    pub(super) commitment: Commitment,
    /// As the first told them.
    pub(super) ids: BoundedVec<ShortId, MAX_EVENTS>,
    pub(super) height: Height,
    /// The work of its branch.
    pub(super) total_work: Work,
    pub(super) tellers: Tellers,
    /// The place of the one who is asked among those who told it.
    pub(super) turn: usize,
    /// What is there; `None` once the whole block is asked for.
    pub(super) slots: Option<Slots>,
    /// When the next is asked.
    pub(super) until: Tick,
    /// Tells which came first.
    pub(super) number: u64,
}

impl Partial {
    /// Who is asked, if anyone is left.
    pub(super) fn source(&self) -> Option<NodeId> {
        self.tellers.all().get(self.turn).copied()
    }
}
