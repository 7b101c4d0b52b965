//! A data folder without a node.

use crate::chosen::Chosen;
use anyhow::{Context, Result, bail};
use blocktree_import::{Config, Detached, Importer, Opened};
use blocktree_runtime::BlocktreeRuntime;
use blocktree_store::{OpenError, Store};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A data folder that is locked for this command.
pub(super) struct Folder {
    pub(super) chain: Chosen,
    pub(super) path: PathBuf,
    pub(super) store: Arc<Store>,
}

impl Folder {
    /// Opens a folder that is there.
    ///
    /// # Errors
    /// When it is not, is another chain's, or a node works on it.
    pub(super) fn existing(chain: Chosen, path: PathBuf) -> Result<Self> {
        refuse_empty(&path)?;
        Self::open(chain, path)
    }

    /// Opens a folder, or makes one.
    ///
    /// # Errors
    /// When it is another chain's, or a node works on it.
    pub(super) fn open(chain: Chosen, path: PathBuf) -> Result<Self> {
        let opening = || format!("the data folder {}", path.display());
        let store = match Store::open(&path, &chain.identity()) {
            Err(OpenError::Locked { pid }) => bail!(
                "a node{} works on the data folder {}: stop it first",
                pid.map_or_else(String::new, |pid| format!(" (process {pid})")),
                path.display()
            ),
            opened => opened.with_context(opening)?,
        };
        Ok(Self { chain, path, store: Arc::new(store) })
    }

    /// The chain in it, opened and not yet in motion. Begins the chain in an empty folder.
    ///
    /// # Errors
    /// When the folder is damaged.
    pub(super) fn chain(&self) -> Result<Opened<BlocktreeRuntime>> {
        open_chain(&self.chain, &self.store)
            .with_context(|| format!("the data folder {}", self.path.display()))
    }

    /// The chain in it, for writing. What waits for blocks follows when a node starts.
    ///
    /// # Errors
    /// As [`Folder::chain`].
    pub(super) fn importer(&self) -> Result<Importer<BlocktreeRuntime>> {
        Ok(self.chain()?.attach(Box::new(Detached))?)
    }

    /// Writes everything to the disk, so that the next start has nothing to catch up with.
    ///
    /// # Errors
    /// When the disk fails.
    pub(super) fn close(self, mut importer: Importer<BlocktreeRuntime>) -> Result<()> {
        importer.close()?;
        drop(importer);
        Ok(self.store.flush()?)
    }
}

/// The chain in a store.
///
/// # Errors
/// When it is damaged.
pub(super) fn open_chain(
    chain: &Chosen,
    store: &Arc<Store>,
) -> Result<Opened<BlocktreeRuntime>, blocktree_import::OpenError> {
    Importer::open(
        Arc::clone(&chain.runtime),
        chain.params,
        chain.rules.clone(),
        store.clone(),
        Config::default(),
    )
}

/// Refuses a folder with nothing in it: to open it would begin a new chain.
///
/// # Errors
/// When it is empty or absent.
pub(super) fn refuse_empty(path: &Path) -> Result<()> {
    let empty = match fs::read_dir(path) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == ErrorKind::NotFound,
    };
    if empty {
        bail!(
            "there is no data in {}: `blocktree run` or `blocktree chain import FILE` puts some \
             there, or name another folder with --data-dir",
            path.display(),
        );
    }
    Ok(())
}
