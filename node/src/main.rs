//! The blocktree node and its command line.
//!
//! What lives here: arguments, configuration, wiring, shutdown, and what people see. What must
//! not: any rule of the ledger, and anything that another program could want to use.

mod banner;
mod chosen;
mod cli;
mod client;
mod config;
mod control;
mod folders;
mod interrupt;
mod logging;
mod mining;
mod network;
mod network_settings;
mod output;
mod progress;
mod settings;
mod shutdown;
mod stratum;
mod usage;
mod wire;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::complain(&format!("error: {error:#}"));
            ExitCode::from(if error.is::<usage::UsageError>() { 2 } else { 1 })
        }
    }
}
