//! `send`, `balance`, `whois`, `bind`, `unbind`: coin and principals.

use super::link::{Link, LinkArgs, field};
use super::sending::EventArgs;
use super::signing::KeyChoice;
use super::{Answer, input, show};
use crate::usage::UsageError;
use anyhow::Result;
use blocktree_primitives::{Amount, BoundedBytes, Height};
use blocktree_runtime::Call;
use clap::Args;
use pallet_binding::Addresses;
use serde_json::{Value, json};

/// Send blockcoin
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  blocktree send dblk1… 12.5
      From development key 0 of a dev chain.
  blocktree send blk1… 0.75 --key alice --wait
      From a key of the keystore; returns when it is mined.")]
pub(crate) struct SendArgs {
    /// Who gets it
    #[arg(value_name = "TO")]
    to: String,
    /// How much, in blockcoin
    #[arg(value_parser = Amount::parse_coins)]
    amount: Amount,
    #[command(flatten)]
    event: EventArgs,
}

/// Show what a principal has: free, and held for pots, offers and deposits
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  blocktree balance
  blocktree balance dblk1… --json
  blocktree balance --key alice")]
pub(crate) struct BalanceArgs {
    /// Whose [default: the chosen key's]
    principal: Option<String>,
    #[command(flatten)]
    pub(crate) link: LinkArgs,
    #[command(flatten)]
    key: KeyChoice,
}

/// Show what the ledger knows of a principal: balance, public key, addresses, nonce
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  blocktree whois dblk1…")]
pub(crate) struct WhoisArgs {
    /// Who
    principal: String,
    #[command(flatten)]
    pub(crate) link: LinkArgs,
}

/// Bind one's principal to addresses at which it is reached, instead of those before
#[derive(Debug, Args)]
#[command(after_help = "\
A deposit is held while there is a binding; `unbind` returns it.

Example:
  blocktree bind /ip4/203.0.113.7/tcp/9945 --blocks 10000")]
pub(crate) struct BindArgs {
    /// Addresses, most preferred first; 8 at most
    #[arg(value_name = "MULTIADDR", required = true)]
    addresses: Vec<String>,
    /// For how many blocks from now on it counts
    #[arg(long, value_name = "N", default_value_t = 43_200)]
    blocks: u64,
    #[command(flatten)]
    event: EventArgs,
}

/// End one's binding; its deposit comes back
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  blocktree unbind --key alice")]
pub(crate) struct UnbindArgs {
    #[command(flatten)]
    event: EventArgs,
}

macro_rules! is_an_event {
    ($($args:ty),*) => {
        $(impl $args {
            /// Which node, and how to show what it says.
            pub(crate) const fn link(&self) -> &LinkArgs {
                &self.event.link
            }
        })*
    };
}
is_an_event!(SendArgs, BindArgs, UnbindArgs);

impl SendArgs {
    /// Sends.
    ///
    /// # Errors
    /// As [`EventArgs::send`].
    pub(crate) async fn run(self) -> Result<Answer> {
        let link = self.event.link.connect().await?;
        let to = input::principal(&self.to, link.network)?;
        let signer = self.event.key.signer(&link)?;
        let call = pallet_coin::Call::Transfer { to, amount: self.amount };
        let sent = self.event.send(&link, &signer, Call::Coin(call)).await?;
        let what = format!("sent   {} to {}", self.amount.to_coins(), self.to);
        Ok(sent.answer(&what, json!({})))
    }
}

impl BalanceArgs {
    /// Asks.
    ///
    /// # Errors
    /// When the principal is none, or the node does not answer.
    pub(crate) async fn run(self) -> Result<Answer> {
        let link = self.link.connect().await?;
        let principal = match &self.principal {
            Some(text) => input::principal(text, link.network)?,
            None => self.key.principal(&link)?,
        };
        let text = principal.to_text(link.network);
        let account = link.account(&principal).await?;
        let balance = |name: &str| match account.pointer("/account") {
            // No coin has ever come there.
            Some(Value::Null) => Ok("0".to_owned()),
            _ => field::<String>(&account, &format!("/account/{name}")),
        };
        let (free, held) = (balance("free")?, balance("held")?);
        Ok(Answer::new(
            format!("{text}\nfree  {}\nheld  {}", show::coins(&free), show::coins(&held)),
            json!({ "principal": text, "free": free, "held": held }),
        ))
    }
}

impl WhoisArgs {
    /// Asks.
    ///
    /// # Errors
    /// As [`BalanceArgs::run`].
    pub(crate) async fn run(self) -> Result<Answer> {
        let link = self.link.connect().await?;
        let principal = input::principal(&self.principal, link.network)?;
        let account = link.account(&principal).await?;
        Ok(Answer::new(show::fields(&account), account))
    }
}

impl BindArgs {
    /// Binds.
    ///
    /// # Errors
    /// As [`EventArgs::send`].
    pub(crate) async fn run(self) -> Result<Answer> {
        let addresses = addresses(&self.addresses)?;
        let link = self.event.link.connect().await?;
        let signer = self.event.key.signer(&link)?;
        let valid_until = after(&link, self.blocks).await?;
        let call = pallet_binding::Call::Bind { addresses, valid_until };
        let sent = self.event.send(&link, &signer, Call::Binding(call)).await?;
        let principal = signer.principal().to_text(link.network);
        let what = format!("bound  {principal} through block {valid_until}");
        Ok(sent.answer(&what, json!({ "validUntil": valid_until.0 })))
    }
}

/// The height so many blocks after the best one.
async fn after(link: &Link, blocks: u64) -> Result<Height> {
    let tip = link.height().await?;
    let height = tip.0.checked_add(blocks);
    Ok(Height(height.ok_or_else(|| UsageError::new("--blocks: more than there can ever be"))?))
}

fn addresses(texts: &[String]) -> Result<Addresses, UsageError> {
    let mut addresses = Addresses::default();
    for text in texts {
        let address = BoundedBytes::try_from(text.as_bytes().to_vec())
            .map_err(|_| UsageError::new(format!("{text}: an address has 256 bytes at most")))?;
        addresses
            .push(address)
            .map_err(|_| UsageError::new("a binding has 8 addresses at most"))?;
    }
    Ok(addresses)
}

impl UnbindArgs {
    /// Unbinds.
    ///
    /// # Errors
    /// As [`EventArgs::send`].
    pub(crate) async fn run(self) -> Result<Answer> {
        let link = self.event.link.connect().await?;
        let signer = self.event.key.signer(&link)?;
        let call = Call::Binding(pallet_binding::Call::Unbind);
        let sent = self.event.send(&link, &signer, call).await?;
        Ok(sent.answer("unbound", json!({})))
    }
}
