//! The [`Local`] of a node: its data folder and its pool.

use crate::local::{Known, Local};
use blocktree_consensus::{ChainInfo, HeaderContext, Params, Work};
use blocktree_import::{BlockStatus, ChainReader, Published, header_context};
use blocktree_mempool::Pool;
use blocktree_primitives::{BlockHash, EventId, Height};
use blocktree_state::{Fault, Reader};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

/// A node's chain and pool at one moment.
pub struct NodeView<'a, C> {
    /// The rules of headers.
    pub params: &'a Params,
    /// The hash of genesis.
    pub genesis: BlockHash,
    /// A branch with less work is not stored.
    pub minimum_work: Work,
    /// The data folder as it is, side branches included.
    pub ledger: &'a dyn Reader,
    /// The best chain.
    pub best: &'a Published,
    /// The pool; locked only for each read.
    pub pool: &'a RwLock<Pool<C>>,
}

impl<C> NodeView<'_, C> {
    fn pool(&self) -> RwLockReadGuard<'_, Pool<C>> {
        self.pool.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C> Local for NodeView<'_, C> {
    type Call = C;

    fn params(&self) -> &Params {
        self.params
    }

    fn genesis(&self) -> BlockHash {
        self.genesis
    }

    fn minimum_work(&self) -> Work {
        self.minimum_work
    }

    fn tip(&self) -> ChainInfo {
        *self.best.tip()
    }

    fn block(&self, hash: &BlockHash) -> Result<Option<Known>, Fault> {
        let record = ChainReader(self.ledger).header(hash)?;
        Ok(record.map(|record| Known {
            header: record.header,
            commitment: record.commitment,
            total_work: record.total_work,
            is_invalid: record.status == BlockStatus::Invalid,
        }))
    }

    fn canonical(&self, height: Height) -> Result<Option<BlockHash>, Fault> {
        ChainReader(&*self.best.snapshot).canonical(height)
    }

    fn body(&self, hash: &BlockHash) -> Result<Option<Vec<u8>>, Fault> {
        ChainReader(self.ledger).body(hash)
    }

    fn context(&self, hash: &BlockHash) -> Result<Option<HeaderContext>, Fault> {
        if *hash == self.best.tip().hash {
            return Ok(Some(self.best.context));
        }
        header_context(self.ledger, hash)
    }

    fn has_event(&self, id: &EventId) -> Result<bool, Fault> {
        if self.pool().get(id).is_some() {
            return Ok(true);
        }
        Ok(ChainReader(&*self.best.snapshot).event(id)?.is_some())
    }

    fn waiting_event(&self, id: &EventId) -> Option<Vec<u8>> {
        self.pool().get(id).map(|event| event.encoded().to_vec())
    }

    fn waiting(&self, limit: usize) -> Vec<EventId> {
        self.pool().best().take(limit).map(|event| event.id()).collect()
    }

    fn visit_waiting(&self, visit: &mut dyn FnMut(&[u8; 32], &[u8])) {
        for event in self.pool().content(None, usize::MAX) {
            visit(&event.leaf(), event.encoded());
        }
    }
}
