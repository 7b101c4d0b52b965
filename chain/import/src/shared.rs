//! What readers see: the tip with a snapshot of the data folder at it, and the authenticated map.

use blocktree_consensus::{ChainInfo, HeaderContext};
use blocktree_state::auth::AuthMap;
use blocktree_state::{Reader, StateView};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// The data folder at one tip.
pub struct Published {
    /// The tip, and what the next header is judged by.
    pub context: HeaderContext,
    /// Everything on disk, as it was when this became the tip.
    pub snapshot: Arc<dyn Reader>,
}

impl Published {
    /// The tip.
    #[must_use]
    pub const fn tip(&self) -> &ChainInfo {
        &self.context.parent
    }

    /// The global state after the tip.
    #[must_use]
    pub fn state(&self) -> StateView<'_> {
        StateView(&*self.snapshot)
    }
}

/// Shared between the one writer and all readers.
///
/// The map belongs to the published tip whenever its lock is held: the writer publishes before
/// it lets go.
pub struct Shared {
    map: RwLock<AuthMap>,
    published: RwLock<Arc<Published>>,
}

impl Shared {
    pub(crate) fn new(map: AuthMap, published: Published) -> Self {
        Self { map: RwLock::new(map), published: RwLock::new(Arc::new(published)) }
    }

    /// The data folder at the present tip. It stays as it is however long it is held.
    #[must_use]
    pub fn published(&self) -> Arc<Published> {
        self.published.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Runs `read` with the map and the data folder that belongs to it, for proofs.
    pub fn with_map<T>(&self, read: impl FnOnce(&AuthMap, &Published) -> T) -> T {
        let map = self.map();
        let published = self.published();
        read(&map, &published)
    }

    pub(crate) fn map(&self) -> RwLockReadGuard<'_, AuthMap> {
        self.map.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn map_mut(&self) -> RwLockWriteGuard<'_, AuthMap> {
        self.map.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// To be called while the map's lock is held for writing.
    pub(crate) fn publish(&self, published: Published) {
        *self.published.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(published);
    }
}
