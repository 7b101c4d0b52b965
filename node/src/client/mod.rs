//! The commands that talk to a node: they ask it, sign events with a key of one's own, and show
//! what it says.
//!
//! What lives here: arguments, the questions to the node, and texts for people. What must not:
//! rules of the ledger (the node refuses by name what is wrong) and secrets beyond the moment of
//! signing.

mod answer;
mod coin;
mod event;
mod fragment;
mod hints;
mod input;
mod leaves;
mod link;
mod peers;
mod sending;
mod show;
mod signing;
mod storage;

pub(crate) use answer::Answer;

use anyhow::{Context, Result};
use clap::Subcommand;

/// The commands, by name; docs/cli.md has them by example.
#[derive(Debug, Subcommand)]
pub(crate) enum ClientCommand {
    Send(coin::SendArgs),
    Balance(coin::BalanceArgs),
    Bind(coin::BindArgs),
    Unbind(coin::UnbindArgs),
    Whois(coin::WhoisArgs),
    Event(event::EventArgs),
    Mine(event::MineArgs),
    Peers(peers::PeersArgs),
    #[command(subcommand)]
    Storage(storage::StorageCommand),
    #[command(subcommand)]
    Fragment(fragment::FragmentCommand),
}

impl ClientCommand {
    /// Does what was asked, and prints the result.
    ///
    /// # Errors
    /// Why it was not done: a [`crate::usage::UsageError`] for wrong usage, the node's refusal
    /// with the name of its rule, or what stood between here and the node.
    pub(crate) fn run(self) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("the async runtime can't be started")?;
        let (json, answer) = runtime.block_on(async {
            match self {
                Self::Send(args) => (args.link().json, args.run().await),
                Self::Balance(args) => (args.link.json, args.run().await),
                Self::Bind(args) => (args.link().json, args.run().await),
                Self::Unbind(args) => (args.link().json, args.run().await),
                Self::Whois(args) => (args.link.json, args.run().await),
                Self::Event(args) => (args.link.json, args.run().await),
                Self::Mine(args) => (args.link.json, args.run().await),
                Self::Peers(args) => (args.json(), args.run().await),
                Self::Storage(command) => command.run().await,
                Self::Fragment(command) => command.run(),
            }
        });
        answer.map_err(hints::explained)?.print(json)
    }
}
