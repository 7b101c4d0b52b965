//! Providers: `announce`, `withdraw`, `providers`, `audit`.

use crate::client::link::LinkArgs;
use crate::client::sending::EventArgs;
use crate::client::{Answer, input, show};
use anyhow::Result;
use blocktree_primitives::Amount;
use blocktree_runtime::Call as Runtime;
use clap::Args;
use pallet_storage::Call;
use serde_json::{Value, json};

/// As a provider: set the terms and lock the pot that collateral comes out of
///
/// Again: replaces the terms; the pot can only be raised.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  blocktree storage announce --capacity 10GiB --min-payment 0.001 --pot 2 --dev-key 1")]
pub(crate) struct AnnounceArgs {
    /// Room for fragments, such as 500MiB or 10GiB; advisory
    #[arg(long, value_name = "SIZE", value_parser = input::size)]
    capacity: u64,
    /// The least payment per fragment and period, in blockcoin
    #[arg(long, value_name = "AMOUNT", value_parser = Amount::parse_coins)]
    min_payment: Amount,
    /// What the pot is to hold unused after this, in blockcoin
    #[arg(long, value_name = "AMOUNT", value_parser = Amount::parse_coins)]
    pot: Amount,
    #[command(flatten)]
    pub(super) event: EventArgs,
}

/// As a provider: the first sets when the pot can leave, the second from then on frees it
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  blocktree storage withdraw --dev-key 1")]
pub(crate) struct WithdrawArgs {
    #[command(flatten)]
    pub(super) event: EventArgs,
}

/// List providers: terms, pot and record
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  blocktree storage providers --json")]
pub(crate) struct ProvidersArgs {
    #[command(flatten)]
    pub(super) link: LinkArgs,
}

/// Show what the ledger has on record of a provider: passed, missed, bytes, strikes, since when
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  blocktree storage audit dblk1…")]
pub(crate) struct AuditArgs {
    /// Which
    #[arg(value_name = "PROVIDER")]
    provider: String,
    #[command(flatten)]
    pub(super) link: LinkArgs,
}

impl AnnounceArgs {
    pub(super) async fn run(self) -> Result<Answer> {
        let link = self.event.link.connect().await?;
        let signer = self.event.key.signer(&link)?;
        let (capacity, min_payment, pot) = (self.capacity, self.min_payment, self.pot);
        let call = Call::Announce { capacity, min_payment, pot };
        let sent = self.event.send(&link, &signer, Runtime::Storage(call)).await?;
        let provider = signer.principal().to_text(link.network);
        let what = format!("announced {provider}, pot {}", pot.to_coins());
        Ok(sent.answer(&what, json!({ "provider": provider })))
    }
}

impl WithdrawArgs {
    pub(super) async fn run(self) -> Result<Answer> {
        let link = self.event.link.connect().await?;
        let signer = self.event.key.signer(&link)?;
        let sent = self.event.send(&link, &signer, Runtime::Storage(Call::Withdraw)).await?;
        let provider = signer.principal().to_text(link.network);
        Ok(sent.answer("withdrawing", json!({ "provider": provider })))
    }
}

impl ProvidersArgs {
    pub(super) async fn run(self) -> Result<Answer> {
        let link = self.link.connect().await?;
        let items = link.list("storage_listProviders", json!({})).await?;
        Ok(Answer::new(show::list(&items, "no provider has announced"), Value::Array(items)))
    }
}

impl AuditArgs {
    pub(super) async fn run(self) -> Result<Answer> {
        let link = self.link.connect().await?;
        let provider = input::principal(&self.provider, link.network)?;
        let text = provider.to_text(link.network);
        let record = link.ask("storage_getAudit", json!([text])).await?;
        Ok(Answer::new(show::fields(&record), record))
    }
}
