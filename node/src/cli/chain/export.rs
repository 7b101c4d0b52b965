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
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use tempfile::NamedTempFile;

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
    check_target(file, args.force)?;
    let (chain, path) = args.folder.load()?;
    let network = chain.network();
    let folder = Folder::existing(chain, path)?;
    drop(folder.chain()?);
    let stored = folder.store.snapshot();
    let tip = Tip::read(&*stored, network)?;
    let mut progress = Progress::begin("exporting", tip.height(), Unit::Blocks);
    let part = Part::create(file)?;
    let mut out =
        BufWriter::new(Interruptible { file: part.file.as_file(), interrupt: &interrupt });
    let exported = export(&*stored, &mut out, |height| progress.at(height.0, None));
    drop(out);
    progress.end();
    if interrupt.asked() {
        bail!("interrupted: no file was written");
    }
    let blocks = exported.with_context(|| format!("writing {}", file.display()))?;
    let bytes = part.finish(file, args.force)?;
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

/// Refuses a name under which there is something that an export must not replace: without `force`
/// anything, with it all but a plain file.
fn check_target(file: &Path, force: bool) -> Result<()> {
    let name = file.display();
    match file.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).with_context(|| format!("can't write {name}")),
        Ok(found) if !found.is_file() => {
            bail!("{name} is there already and is not a plain file: choose another name")
        }
        Ok(_) if !force => {
            bail!("{name} is there already: choose another name, or replace it with --force")
        }
        Ok(_) => Ok(()),
    }
}

/// A file beside the one that is to be, which gets its name when it is whole, and is removed
/// otherwise. Its own name is nobody's: made at random, and never one that exists.
struct Part {
    file: NamedTempFile,
}

impl Part {
    fn create(file: &Path) -> Result<Self> {
        let mut prefix = file.file_name().context("the export needs a file's name")?.to_owned();
        prefix.push(".");
        let folder = match file.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix).suffix(".part");
        // As any new file of the user's: what an export holds is public.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let file = builder
            .tempfile_in(folder)
            .with_context(|| format!("can't write {}", file.display()))?;
        Ok(Self { file })
    }

    /// Brings it to the disk under its name. Returns its length.
    fn finish(self, file: &Path, force: bool) -> Result<u64> {
        let writing = || format!("can't write {}", file.display());
        self.file.as_file().sync_all().with_context(writing)?;
        let bytes = self.file.as_file().metadata().with_context(writing)?.len();
        // Somebody may have taken the name meanwhile.
        check_target(file, force)?;
        let named = match force {
            true => self.file.persist(file),
            false => self.file.persist_noclobber(file),
        };
        named.map_err(|error| error.error).with_context(writing)?;
        Ok(bytes)
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
