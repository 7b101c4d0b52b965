//! `blocktree chain revert`.

use super::RevertArgs;
use super::folder::Folder;
use super::report::Tip;
use crate::output;
use anyhow::{Result, bail};
use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Reverted {
    reverted: u64,
    tip: Tip,
}

pub(super) fn run(args: RevertArgs) -> Result<()> {
    let (chain, path) = args.folder.load()?;
    let network = chain.network();
    let folder = Folder::existing(chain, path)?;
    let mut importer = folder.importer()?;
    let reverted = importer.revert(args.count)?;
    let tip = Tip::read(&*folder.store, network)?;
    folder.close(importer)?;
    let (asked, height) = (args.count, tip.height());
    let shown = Reverted { reverted, tip };
    output::result(args.json, &shown, |shown| {
        let mut rows = vec![("reverted", format!("{} blocks", shown.reverted))];
        rows.extend(shown.tip.rows());
        output::table(&rows)
    })?;
    if reverted < asked {
        let why = match height {
            0 => "that is genesis",
            _ => "deeper there are no records to take blocks back with",
        };
        bail!("{reverted} of {asked} blocks were taken back: {why}");
    }
    Ok(())
}
