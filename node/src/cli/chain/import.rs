//! `blocktree chain import`.

use super::ImportArgs;
use super::folder::Folder;
use super::report::{Tip, Work};
use crate::interrupt::Interrupt;
use crate::output;
use crate::progress::{Progress, Unit};
use crate::wire::unix_time;
use anyhow::{Context, Result, bail};
use blocktree_import::archive::Archive;
use blocktree_runtime::Call;
use serde::Serialize;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes that are read ahead.
const BUFFER: usize = 1 << 20;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ImportedChain {
    tip: Tip,
    #[serde(flatten)]
    work: Work,
    /// Blocks of the file that the folder had before.
    known: u64,
}

pub(super) fn run(args: ImportArgs) -> Result<()> {
    let interrupt = Interrupt::listen()?;
    let name = args.file.display();
    let file = File::open(&args.file).with_context(|| format!("can't read {name}"))?;
    let len = file.metadata().with_context(|| format!("can't read {name}"))?.len();
    let read = Arc::new(AtomicU64::new(0));
    let input = BufReader::with_capacity(BUFFER, Counted { file, read: Arc::clone(&read) });
    let (chain, path) = args.folder.load()?;
    let network = chain.network();
    // Before a folder is made for it.
    let archive =
        Archive::<_, Call>::open(input, &chain.genesis).with_context(|| name.to_string())?;
    let folder = Folder::open(chain, path)?;
    let mut importer = folder.importer()?;
    let mut progress = Progress::begin("importing", len, Unit::Bytes);
    let report = importer.import_chain(archive, unix_time(), |report, _| {
        progress.at(read.load(Ordering::Relaxed), Some(report.events));
        !interrupt.asked()
    });
    let time = progress.end();
    let tip = Tip::read(&*folder.store, network)?;
    let stored = folder.close(importer);
    let report = report.with_context(|| {
        format!("{name} was imported up to height {}, which stays", tip.height())
    })?;
    stored?;
    if interrupt.asked() {
        bail!("interrupted at height {}: the same command goes on from there", tip.height());
    }
    let work = Work::new(report.blocks, report.events, time);
    let imported = ImportedChain { tip, work, known: report.known };
    output::result(args.json, &imported, |imported| {
        let mut rows = vec![
            ("imported", imported.work.in_words()),
            ("known before", format!("{} blocks", imported.known)),
        ];
        rows.extend(imported.tip.rows());
        output::table(&rows)
    })
}

/// A file, and how much of it was read.
struct Counted {
    file: File,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.read.fetch_add(u64::try_from(read).unwrap_or(u64::MAX), Ordering::Relaxed);
        Ok(read)
    }
}
