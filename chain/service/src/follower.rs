//! The pool goes along with the chain: its journal is written with each block.

use blocktree_consensus::{ChainInfo, CheckedEvent, EncodedEvent, Runtime};
use blocktree_import::{Attached, Published, Step};
use blocktree_mempool::{Mined, Pool, Tip};
use blocktree_primitives::{BlockHash, Event, EventId, Principal};
use blocktree_state::{Batch, Fault, View};
use rayon::prelude::*;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use tokio::sync::watch;

/// Tells a pool every step of the chain; to be [attached](blocktree_import::Opened::attach) to the
/// importer of the same data folder.
pub struct PoolFollower<R: Runtime> {
    /// The rules of events.
    pub runtime: Arc<R>,
    /// The pool.
    pub pool: Arc<RwLock<Pool<R::Call>>>,
    /// Told of every step of the tip.
    pub tip: watch::Sender<ChainInfo>,
    /// Counts changes of the tip, for miners.
    pub generation: Arc<AtomicU64>,
}

impl<R: Runtime> PoolFollower<R> {
    fn pool(&self) -> RwLockWriteGuard<'_, Pool<R::Call>> {
        self.pool.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self) -> RwLockReadGuard<'_, Pool<R::Call>> {
        self.pool.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The accounts of these authors, as far as the pool cares.
    fn accounts(
        &self,
        pool: &Pool<R::Call>,
        authors: impl Iterator<Item = Principal>,
        state: &dyn View,
    ) -> Result<Vec<(Principal, blocktree_consensus::Account)>, Fault> {
        let authors: BTreeSet<Principal> =
            authors.filter(|author| pool.has_signer(author)).collect();
        authors.into_iter().map(|p| Ok((p, self.runtime.account(state, &p)?))).collect()
    }
}

const fn tip_after(step: &Step) -> Tip {
    Tip { height: step.tip_height, hash: step.tip }
}

impl<R: Runtime> Attached<R> for PoolFollower<R> {
    fn known(
        &self,
        genesis: &BlockHash,
        events: &[EncodedEvent<R::Call>],
    ) -> Vec<Option<Arc<CheckedEvent<R::Call>>>> {
        let id = |e: &EncodedEvent<_>| Event::<R::Call>::id_of_encoded(e.encoded(), genesis);
        if self.read().info().events == 0 {
            return Vec::new();
        }
        let ids: Vec<EventId> = events.par_iter().map(id).collect();
        let pool = self.read();
        ids.iter().map(|id| pool.get(id).cloned()).collect()
    }

    fn applying(
        &mut self,
        step: &Step,
        events: &[CheckedEvent<R::Call>],
        state: &dyn View,
        batch: &mut Batch,
    ) -> Result<(), Fault> {
        let mut pool = self.pool();
        let authors = events.iter().map(CheckedEvent::author);
        let accounts = self.accounts(&pool, authors, state)?;
        let mined: Vec<Mined> = events
            .iter()
            .map(|e| Mined { id: e.id(), author: e.author(), nonce: e.event().nonce })
            .collect();
        pool.on_block_applied(tip_after(step), &mined, &accounts, batch);
        Ok(())
    }

    fn reverting(
        &mut self,
        step: &Step,
        events: &[CheckedEvent<R::Call>],
        state: Option<&dyn View>,
        batch: &mut Batch,
    ) -> Result<(), Fault> {
        let mut pool = self.pool();
        let accounts = match state {
            // Also of those of whom nothing waits yet: their events are about to.
            Some(state) => {
                let authors: BTreeSet<_> = events.iter().map(CheckedEvent::author).collect();
                let account = |p| Ok((p, self.runtime.account(state, &p)?));
                authors.into_iter().map(account).collect::<Result<Vec<_>, Fault>>()?
            }
            None => Vec::new(),
        };
        let events = events.iter().cloned().map(Arc::new).collect();
        pool.on_block_reverted(tip_after(step), events, &accounts, batch);
        Ok(())
    }

    fn published(&mut self, now: &Published) {
        self.generation.fetch_add(1, Ordering::Relaxed);
        self.tip.send_replace(*now.tip());
    }
}
