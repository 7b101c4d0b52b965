//! Offers: `offer`, `offers`, `cancel`.

use crate::client::link::{Link, LinkArgs, field};
use crate::client::sending::EventArgs;
use crate::client::{Answer, input, leaves, show};
use crate::usage::UsageError;
use anyhow::Result;
use blocktree_primitives::{Amount, BlockPath, BoundedBytes, ContentHash, Height, OfferId, Span};
use blocktree_runtime::Call as Runtime;
use clap::{Args, ValueEnum};
use pallet_storage::{Authority, Call, Code, Codec, NewOffer, Terms};
use serde_json::{Value, json};
use std::path::PathBuf;

/// As an owner: ask for storage below one's own path, and lock all that it can cost
#[derive(Debug, Args)]
#[command(after_help = "\
Locked are all payments of all n fragments and the deposits; `cancel` gives back what is not placed.
The offer's id is the event's.

Example:
  blocktree storage offer /dblk1…/cat.jpg --file cat.f0 --k 1 --n 3 \\
    --payment 0.001 --period 12 --payments 10 --collateral 0.1")]
pub(crate) struct OfferArgs {
    /// The path of what is stored; begins with the signer's principal
    path: String,
    #[command(flatten)]
    size: FragmentSize,
    /// Fragments that are kept at a time
    #[arg(long)]
    n: u16,
    /// Fragments that are enough to get the content back
    #[arg(long)]
    k: u16,
    /// What a provider gets per fragment and period, in blockcoin
    #[arg(long, value_name = "AMOUNT", value_parser = Amount::parse_coins)]
    payment: Amount,
    /// Blocks from payment to payment
    #[arg(long, value_name = "BLOCKS")]
    period: u64,
    /// How many payments
    #[arg(long, value_name = "COUNT")]
    payments: u32,
    /// What a provider stakes per fragment, in blockcoin
    #[arg(long, value_name = "AMOUNT", value_parser = Amount::parse_coins)]
    collateral: Amount,
    /// For how many blocks from now on fragments may be placed
    #[arg(long, value_name = "BLOCKS", default_value_t = 240)]
    expires_in: u64,
    /// Which version of the path's content [default: one more than the newest that is offered]
    #[arg(long, value_name = "N")]
    tree_version: Option<u64>,
    /// The hash of the content, 64 hex digits [default: zeros, which name no content]
    #[arg(long, value_name = "HEX")]
    content_hash: Option<ContentHash>,
    /// The erasure code; the ledger only notes it
    #[arg(long, value_enum, default_value_t = CodecName::ReedSolomon)]
    codec: CodecName,
    #[command(flatten)]
    pub(super) event: EventArgs,
}

/// How large the fragments are.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct FragmentSize {
    /// One of the fragments: all have its size
    #[arg(long, value_name = "FRAGMENT")]
    file: Option<PathBuf>,
    /// Bytes of each fragment, such as 256KiB
    #[arg(long, value_name = "BYTES", value_parser = input::size)]
    size: Option<u64>,
}

/// An erasure code by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum CodecName {
    #[value(name = "raptorq")]
    RaptorQ,
    ReedSolomon,
}

/// List live offers of a path, or of an owner
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  blocktree storage offers /dblk1…/cat.jpg
  blocktree storage offers dblk1…")]
pub(crate) struct OffersArgs {
    /// A path, or an owner's principal
    #[arg(value_name = "PATH|OWNER")]
    of: String,
    #[command(flatten)]
    pub(super) link: LinkArgs,
}

/// As an owner: take back what an offer locks for fragments that are not placed; once it has
/// expired anyone can
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  blocktree storage cancel 3f7a…")]
pub(crate) struct CancelArgs {
    /// Which offer
    offer: OfferId,
    #[command(flatten)]
    pub(super) event: EventArgs,
}

impl OfferArgs {
    pub(super) async fn run(self) -> Result<Answer> {
        let fragment_size = match (&self.size.file, self.size.size) {
            (Some(file), _) => leaves::fragment(file)?.size,
            (None, Some(size)) => size,
            (None, None) => return Err(UsageError::new("give --file or --size").into()),
        };
        let link = self.event.link.connect().await?;
        let path = input::path(&self.path, link.network)?;
        let signer = self.event.key.signer(&link)?;
        let version = match self.tree_version {
            Some(version) => version,
            None => next_version(&link, &path).await?,
        };
        let expires_at = link.height().await?.checked_add(Span(self.expires_in));
        let offer = NewOffer {
            authority: Authority::Root,
            path,
            version,
            code: Code {
                codec: match self.codec {
                    CodecName::RaptorQ => Codec::RaptorQ,
                    CodecName::ReedSolomon => Codec::ReedSolomon,
                },
                k: self.k,
                n: self.n,
                fragment_size,
                params: BoundedBytes::default(),
            },
            content_hash: self.content_hash.unwrap_or(ContentHash([0; 32])),
            terms: Terms {
                payment: self.payment,
                period: Span(self.period),
                payments: self.payments,
                collateral: self.collateral,
            },
            expires_at: expires_at.unwrap_or(Height(u64::MAX)),
        };
        let expires_at = offer.expires_at;
        let call = Runtime::Storage(Call::Offer(offer));
        let sent = self.event.send(&link, &signer, call).await?;
        let what = format!("offer  {}, open through block {expires_at}", sent.id);
        let extra = json!({
            "offer": sent.id.to_string(),
            "version": version,
            "fragmentSize": fragment_size,
            "expiresAt": expires_at.0,
        });
        Ok(sent.answer(&what, extra))
    }
}

/// One more than the newest version that is offered for a path; 1 for the first.
async fn next_version(link: &Link, path: &BlockPath) -> Result<u64> {
    let offers = offers_of(link, &path.to_text(link.network)).await?;
    let newest =
        offers.iter().map(|offer| field(offer, "/version")).collect::<Result<Vec<u64>>>()?;
    Ok(newest.into_iter().max().unwrap_or(0).saturating_add(1))
}

async fn offers_of(link: &Link, path: &str) -> Result<Vec<Value>> {
    link.list("storage_listOffers", json!({ "path": path })).await
}

impl OffersArgs {
    pub(super) async fn run(self) -> Result<Answer> {
        let link = self.link.connect().await?;
        let items = if self.of.starts_with('/') {
            let path = input::path(&self.of, link.network)?;
            offers_of(&link, &path.to_text(link.network)).await?
        } else {
            let owner = input::principal(&self.of, link.network).map_err(|_| {
                let prefix = link.network.prefix();
                UsageError::new(format!(
                    "{}: neither a path (/{prefix}1…/name) nor a principal of the node's network",
                    self.of
                ))
            })?;
            let owner = owner.to_text(link.network);
            link.list("storage_listOffers", json!({ "owner": owner })).await?
        };
        Ok(Answer::new(show::list(&items, "no live offer"), Value::Array(items)))
    }
}

impl CancelArgs {
    pub(super) async fn run(self) -> Result<Answer> {
        let link = self.event.link.connect().await?;
        let signer = self.event.key.signer(&link)?;
        let call = Runtime::Storage(Call::Cancel { offer: self.offer });
        let sent = self.event.send(&link, &signer, call).await?;
        Ok(sent
            .answer(&format!("cancel {}", self.offer), json!({ "offer": self.offer.to_string() })))
    }
}
