//! The command line. Each command has its own file; what is not built is absent.

mod chain;
mod key;
mod run;
pub(crate) mod shared;

use clap::{Parser, Subcommand};

/// A node of a proof-of-work chain for storage, and its tools.
#[derive(Debug, Parser)]
#[command(name = "blocktree", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::RunArgs),
    Key(key::KeyArgs),
    Chain(chain::ChainArgs),
    #[command(flatten)]
    Client(crate::client::ClientCommand),
}

impl Cli {
    /// Does what was asked.
    ///
    /// # Errors
    /// Why it was not done; a [`crate::usage::UsageError`] for wrong usage.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        match self.command {
            Command::Run(args) => args.run(),
            Command::Key(args) => args.run(),
            Command::Chain(args) => args.run(),
            Command::Client(command) => command.run(),
        }
    }
}
