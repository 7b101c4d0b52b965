//! `blocktree chain verify`.

use super::VerifyArgs;
use super::folder::{Folder, open_chain};
use super::report::{Tip, Work};
use crate::interrupt::Interrupt;
use crate::output;
use crate::progress::{Progress, Unit};
use anyhow::{Context, Result, anyhow};
use blocktree_import::verify::{VerifyError, verify};
use blocktree_import::{ChainReport, Detached, Stopped};
use blocktree_state::{Fault, Ledger, Reader};
use blocktree_store::Store;
use serde::Serialize;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The replay's own folder within the data folder.
const SCRATCH: &str = "verify.scratch";

#[derive(Serialize)]
struct Verified {
    tip: Tip,
    #[serde(flatten)]
    work: Work,
}

pub(super) fn run(args: VerifyArgs) -> Result<()> {
    let interrupt = Interrupt::listen()?;
    let (chain, path) = args.folder.load()?;
    let network = chain.network();
    let folder = Folder::existing(chain, path)?;
    // The map on disk must give the tip's state root, or it is made anew and judged by that.
    drop(folder.chain()?);
    let stored = folder.store.snapshot();
    let tip = Tip::read(&*stored, network)?;
    let mut progress = Progress::begin("verifying", tip.height(), Unit::Blocks);
    let replayed = replay(&folder, &*stored, |report, height| {
        progress.at(height, Some(report.events));
        !interrupt.asked()
    });
    let time = progress.end();
    let report = replayed.map_err(|error| explain(error, &folder.path))?;
    let verified = Verified { tip, work: Work::new(report.blocks, report.events, time) };
    output::result(args.json, &verified, |verified| {
        let mut rows = vec![("verified", verified.work.in_words())];
        rows.extend(verified.tip.rows());
        output::table(&rows)
    })
}

fn replay(
    folder: &Folder,
    stored: &dyn Reader,
    mut progress: impl FnMut(&ChainReport, u64) -> bool,
) -> Result<ChainReport> {
    let scratch = Scratch::make(&folder.path)?;
    let store = Store::open(&scratch.0, &folder.chain.identity())
        .with_context(|| format!("the replay's folder {}", scratch.0.display()))?;
    let mut importer = open_chain(&folder.chain, &Arc::new(store))?.attach(Box::new(Detached))?;
    Ok(verify(stored, &mut importer, |report, height| progress(report, height.0))?)
}

/// Says what to do about it.
fn explain(error: anyhow::Error, path: &Path) -> anyhow::Error {
    let wrong = || {
        format!(
            "the chain in {} is not what it should be: remove the folder and begin it anew, with \
             `blocktree chain import` if there is an export",
            path.display()
        )
    };
    match error.downcast_ref::<VerifyError>() {
        Some(VerifyError::Ended(height)) => {
            anyhow!("interrupted: up to height {height} nothing was found wrong")
        }
        Some(VerifyError::Replay(Stopped::Fault(Fault::DiskFull(_) | Fault::Disk(_)))) => {
            error.context("the chain could not be replayed")
        }
        Some(_) => error.context(wrong()),
        None => error,
    }
}

/// A folder that is removed when this is dropped, or by the next verify after a kill: whoever has
/// the data folder's lock owns it.
struct Scratch(PathBuf);

impl Scratch {
    fn make(data_dir: &Path) -> Result<Self> {
        let path = data_dir.join(SCRATCH);
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).with_context(|| format!("can't remove {}", path.display()))
            }
            _ => Ok(Self(path)),
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0)
            && error.kind() != ErrorKind::NotFound
        {
            tracing::warn!(folder = %self.0.display(), %error, "the replay's folder stays; remove it");
        }
    }
}
