//! `blocktree chain export`.

use super::ExportArgs;
use super::folder::Folder;
use super::report::Tip;
use crate::interrupt::Interrupt;
use crate::output;
use crate::progress::{Progress, Unit};
use anyhow::{Context, Result, bail};
use blocktree_import::archive::export;
use blocktree_state::Ledger;
use serde::Serialize;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Exported {
    file: String,
    blocks: u64,
    bytes: u64,
    tip: Tip,
}

pub(super) fn run(args: ExportArgs) -> Result<()> {
    let interrupt = Interrupt::listen()?;
    let file = &args.file;
    if !args.force && file.symlink_metadata().is_ok() {
        bail!(
            "{} is there already: choose another name, or replace it with --force",
            file.display()
        );
    }
    let (chain, path) = args.folder.load()?;
    let network = chain.network();
    let folder = Folder::existing(chain, path)?;
    drop(folder.chain()?);
    let stored = folder.store.snapshot();
    let tip = Tip::read(&*stored, network)?;
    let mut progress = Progress::begin("exporting", tip.height(), Unit::Blocks);
    let part = Part::create(file)?;
    let mut out = BufWriter::new(Interruptible { file: &part.file, interrupt: &interrupt });
    let exported = export(&*stored, &mut out, |height| progress.at(height.0, None));
    drop(out);
    progress.end();
    if interrupt.asked() {
        bail!("interrupted: no file was written");
    }
    let blocks = exported.with_context(|| format!("writing {}", file.display()))?;
    let bytes = part.finish(file)?;
    let exported = Exported { file: file.display().to_string(), blocks, bytes, tip };
    output::result(args.json, &exported, |exported| {
        let size = output::bytes(exported.bytes);
        let mut rows = vec![
            ("file", format!("{} ({size})", exported.file)),
            ("blocks", exported.blocks.to_string()),
        ];
        rows.extend(exported.tip.rows());
        output::table(&rows)
    })
}

/// A file beside the one that is to be, which gets its name when it is whole.
struct Part {
    path: PathBuf,
    file: File,
    whole: bool,
}

impl Part {
    fn create(file: &Path) -> Result<Self> {
        let mut name = file.file_name().context("the export needs a file's name")?.to_owned();
        name.push(".part");
        let path = file.with_file_name(name);
        let file =
            File::create(&path).with_context(|| format!("can't write {}", path.display()))?;
        Ok(Self { path, file, whole: false })
    }

    /// Brings it to the disk under its name. Returns its length.
    fn finish(mut self, file: &Path) -> Result<u64> {
        let writing = || format!("can't write {}", file.display());
        self.file.sync_all().with_context(writing)?;
        let bytes = self.file.metadata().with_context(writing)?.len();
        fs::rename(&self.path, file).with_context(writing)?;
        self.whole = true;
        Ok(bytes)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.whole {
            // Nothing to tell: it is called `.part`.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Fails when someone pressed Ctrl-C.
struct Interruptible<'a> {
    file: &'a File,
    interrupt: &'a Interrupt,
}

impl Write for Interruptible<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.interrupt.asked() {
            return Err(io::Error::other("interrupted"));
        }
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
