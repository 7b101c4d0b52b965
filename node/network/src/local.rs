//! What the network reads of its own node.

use blocktree_consensus::{ChainInfo, HeaderContext, Params, Work};
use blocktree_primitives::{BlockHash, Commitment, EventId, Header, Height};
use blocktree_state::Fault;

/// What is known of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// The header.
    pub header: Header,
    /// What it commits to.
    pub commitment: Commitment,
    /// Work of its branch up to and with it.
    pub total_work: Work,
    /// Whether it was judged and refused; else its body is stored.
    pub is_invalid: bool,
}

/// The chain and the pool as they are now. All reads are of one node and quick: a few reads of a
/// database each.
pub trait Local {
    /// The call of the chain's events.
    type Call;

    /// The rules of headers.
    fn params(&self) -> &Params;
    /// The hash of genesis.
    fn genesis(&self) -> BlockHash;
    /// A branch with less work than this is not stored, whatever the tip.
    fn minimum_work(&self) -> Work;
    /// The tip of the best chain.
    fn tip(&self) -> ChainInfo;
    /// What is known of a block.
    ///
    /// # Errors
    /// A [`Fault`] of the disk only; so for all reads below.
    fn block(&self, hash: &BlockHash) -> Result<Option<Known>, Fault>;
    /// The hash of the best chain's block at a height.
    ///
    /// # Errors
    /// A [`Fault`] only.
    fn canonical(&self, height: Height) -> Result<Option<BlockHash>, Fault>;
    /// The encoded events of a stored block.
    ///
    /// # Errors
    /// A [`Fault`] only.
    fn body(&self, hash: &BlockHash) -> Result<Option<Vec<u8>>, Fault>;
    /// What the header after a stored block is judged by.
    ///
    /// # Errors
    /// A [`Fault`] only.
    fn context(&self, hash: &BlockHash) -> Result<Option<HeaderContext>, Fault>;
    /// Whether an event waits in the pool or is in the best chain.
    ///
    /// # Errors
    /// A [`Fault`] only.
    fn has_event(&self, id: &EventId) -> Result<bool, Fault>;
    /// The encoding of an event that waits in the pool.
    fn waiting_event(&self, id: &EventId) -> Option<Vec<u8>>;
    /// Ids of events that wait in the pool, the best paying first, at most `limit`.
    fn waiting(&self, limit: usize) -> Vec<EventId>;
    /// Calls `visit` with the leaf (the RFC 6962 leaf hash of its encoding) and the encoding of every
    /// event that waits in the pool.
    fn visit_waiting(&self, visit: &mut dyn FnMut(&[u8; 32], &[u8]));
}
