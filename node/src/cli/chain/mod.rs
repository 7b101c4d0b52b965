//! `blocktree chain`: what is in a data folder, and chains in files.

mod export;
mod folder;
mod import;
mod info;
mod report;
mod revert;
mod verify;

use super::shared::FolderArgs;
use anyhow::Result;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Look at a chain, check it, and move it in files.
#[derive(Debug, Args)]
pub(crate) struct ChainArgs {
    #[command(subcommand)]
    command: ChainCommand,
}

#[derive(Debug, Subcommand)]
enum ChainCommand {
    Info(InfoArgs),
    Verify(VerifyArgs),
    Export(ExportArgs),
    Import(ImportArgs),
    Revert(RevertArgs),
}

/// Show the chain, its tip and its roots; asks the node that works on the folder, if one does.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  blocktree chain info
  blocktree chain info --chain test --json
  blocktree chain info --rpc http://127.0.0.1:9944")]
struct InfoArgs {
    #[command(flatten)]
    folder: FolderArgs,
    /// Ask the node at this address instead of looking at a data folder
    #[arg(long, value_name = "URL", conflicts_with = "data_dir")]
    rpc: Option<String>,
    /// Show JSON
    #[arg(long)]
    json: bool,
}

/// Replay the chain from genesis, every rule applied again, and compare with what is stored.
#[derive(Debug, Args)]
#[command(after_help = "\
The replay needs as much space as the data folder, in the data folder; it is removed when done.
No node may run on the folder. Ctrl-C ends it; what was checked until then is not kept.

Examples:
  blocktree chain verify
  blocktree chain verify --chain test --data-dir /var/lib/blocktree/test --json")]
struct VerifyArgs {
    #[command(flatten)]
    folder: FolderArgs,
    /// Show JSON
    #[arg(long)]
    json: bool,
}

/// Write the chain into a file: every block from height 1 to the tip.
#[derive(Debug, Args)]
#[command(after_help = "\
The file appears when it is whole. No node may run on the folder.

Examples:
  blocktree chain export dev.blocks
  blocktree chain export --chain test /backup/test.blocks --json")]
struct ExportArgs {
    /// The file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    folder: FolderArgs,
    /// Replace the file if there is one
    #[arg(long)]
    force: bool,
    /// Show JSON
    #[arg(long)]
    json: bool,
}

/// Read a chain from a file, every block judged as if it came from the network.
#[derive(Debug, Args)]
#[command(after_help = "\
The data folder is made if there is none. No node may run on it. Ctrl-C stops after the present
block; the same command goes on from there.

Examples:
  blocktree chain import dev.blocks
  blocktree chain import --chain test --data-dir /new/folder /backup/test.blocks --json")]
struct ImportArgs {
    /// The file, as `chain export` writes it
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    folder: FolderArgs,
    /// Show JSON
    #[arg(long)]
    json: bool,
}

/// Take back the newest blocks; their events wait again.
#[derive(Debug, Args)]
#[command(after_help = "\
The blocks stay stored: the chain moves on to them again only through a block with more work than
they have. No node may run on the folder.

Examples:
  blocktree chain revert 10")]
struct RevertArgs {
    /// How many
    #[arg(value_name = "N")]
    count: u64,
    #[command(flatten)]
    folder: FolderArgs,
    /// Show JSON
    #[arg(long)]
    json: bool,
}

impl ChainArgs {
    /// Does what was asked.
    ///
    /// # Errors
    /// Why it was not done.
    pub(crate) fn run(self) -> Result<()> {
        // Only what is out of the ordinary: these commands print their results.
        crate::logging::start("warn")?;
        match self.command {
            ChainCommand::Info(args) => info::run(args),
            ChainCommand::Verify(args) => verify::run(args),
            ChainCommand::Export(args) => export::run(args),
            ChainCommand::Import(args) => import::run(args),
            ChainCommand::Revert(args) => revert::run(args),
        }
    }
}
