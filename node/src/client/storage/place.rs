//! Placing: `accept`, `place`, `placements`.

use super::handed_over;
use crate::client::link::{LinkArgs, field};
use crate::client::sending::EventArgs;
use crate::client::signing::KeyChoice;
use crate::client::{Answer, input, leaves, show};
use crate::usage::UsageError;
use anyhow::{Result, bail};
use blocktree_primitives::bounded::decode_exact;
use blocktree_primitives::{BoundedVec, FragmentRoot, Height, OfferId, Principal, Span};
use blocktree_runtime::Call as Runtime;
use clap::Args;
use pallet_storage::{Acceptance, Call, SignedAcceptance, placement_id};
use serde_json::{Value, json};
use std::path::PathBuf;

/// Bytes of a signed acceptance at most: two keys' worth, numbers and a signature.
const MAX_ACCEPTANCE: usize = 256;

/// As a provider: sign that one stores a fragment of an offer; the owner puts it on the ledger
#[derive(Debug, Args)]
#[command(after_help = "\
Prints the acceptance as hex, for `blocktree storage place`.

Example:
  blocktree storage accept 3f7a… --file cat.f0 --fragment-id 0 --dev-key 1 --out cat.a0")]
pub(crate) struct AcceptArgs {
    /// Which offer
    offer: OfferId,
    /// The fragment, of which the root is signed
    #[arg(long, value_name = "FRAGMENT")]
    file: PathBuf,
    /// The fragment's number in the erasure code
    #[arg(long, value_name = "I")]
    fragment_id: u32,
    /// For how many blocks from now on the owner can place it
    #[arg(long, value_name = "BLOCKS", default_value_t = 120)]
    valid_for: u64,
    /// Write the acceptance to this file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    pub(super) link: LinkArgs,
    #[command(flatten)]
    key: KeyChoice,
}

/// As an owner: put accepted fragments of an offer on the ledger
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  blocktree storage place 3f7a… cat.a0 cat.a1 cat.a2 --wait")]
pub(crate) struct PlaceArgs {
    /// Which offer
    offer: OfferId,
    /// What providers signed: hex, or files of `accept --out`; at most 256
    #[arg(value_name = "ACCEPTANCE", required = true)]
    acceptances: Vec<String>,
    #[command(flatten)]
    pub(super) event: EventArgs,
}

/// List live placements of an offer, or of a provider
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  blocktree storage placements 3f7a…
  blocktree storage placements dblk1…")]
pub(crate) struct PlacementsArgs {
    /// An offer, or a provider's principal
    #[arg(value_name = "OFFER|PROVIDER")]
    of: String,
    #[command(flatten)]
    pub(super) link: LinkArgs,
}

impl AcceptArgs {
    pub(super) async fn run(self) -> Result<Answer> {
        let fragment = leaves::fragment(&self.file)?;
        let link = self.link.connect().await?;
        let offer = link.offer(&self.offer).await?;
        let offered: u64 = field(&offer, "/code/fragmentSize")?;
        if fragment.size != offered {
            bail!(
                "{} has {} bytes, fragments of this offer have {offered}: is it another's?",
                self.file.display(),
                fragment.size
            );
        }
        let signer = self.key.signer(&link)?;
        let valid_until = link.height().await?.checked_add(Span(self.valid_for));
        let acceptance = Acceptance {
            offer: self.offer,
            fragment_id: self.fragment_id,
            provider: signer.principal(),
            root: FragmentRoot(fragment.root),
            size: fragment.size,
            valid_until: valid_until.unwrap_or(Height(u64::MAX)),
        };
        let signed = SignedAcceptance {
            provider_key: signer.public_key(),
            fragment_id: acceptance.fragment_id,
            root: acceptance.root,
            size: acceptance.size,
            valid_until: acceptance.valid_until,
            signature: signer.sign_digest(&acceptance.digest(&link.genesis)),
        };
        let json = json!({
            "offer": self.offer.to_string(),
            "fragmentId": acceptance.fragment_id,
            "provider": acceptance.provider.to_text(link.network),
            "root": acceptance.root.to_string(),
            "size": acceptance.size,
            "validUntil": acceptance.valid_until.0,
        });
        handed_over("acceptance", &signed, self.out.as_deref(), json)
    }
}

impl PlaceArgs {
    pub(super) async fn run(self) -> Result<Answer> {
        let mut signed: Vec<SignedAcceptance> = Vec::new();
        for text in &self.acceptances {
            let bytes = input::message(text, "acceptance")?;
            signed.push(decode_exact(&bytes, MAX_ACCEPTANCE).map_err(|_| {
                UsageError::new(format!("{text}: no acceptance; `accept` prints one"))
            })?);
        }
        // The ledger wants them so; in which order they came does not matter.
        signed.sort_by_key(|acceptance| acceptance.fragment_id);
        let link = self.event.link.connect().await?;
        let signer = self.event.key.signer(&link)?;
        let placed: Vec<Value> = signed
            .iter()
            .map(|acceptance| {
                json!({
                    "placement": placement_id(&self.offer, acceptance.fragment_id).to_string(),
                    "fragmentId": acceptance.fragment_id,
                    "provider": Principal::of(&acceptance.provider_key).to_text(link.network),
                })
            })
            .collect();
        let acceptances = BoundedVec::try_from(signed)
            .map_err(|_| UsageError::new("256 acceptances at most fit one event"))?;
        let call = Runtime::Storage(Call::Place { offer: self.offer, acceptances });
        let sent = self.event.send(&link, &signer, call).await?;
        let what = show::list(&placed, "");
        Ok(sent.answer(&what, json!({ "offer": self.offer.to_string(), "placements": placed })))
    }
}

impl PlacementsArgs {
    pub(super) async fn run(self) -> Result<Answer> {
        let link = self.link.connect().await?;
        let params = match self.of.parse::<OfferId>() {
            Ok(offer) => json!({ "offer": offer.to_string() }),
            Err(_) => {
                let provider = input::principal(&self.of, link.network).map_err(|_| {
                    UsageError::new(format!(
                        "{}: neither an offer's id nor a principal of the node's network",
                        self.of
                    ))
                })?;
                json!({ "provider": provider.to_text(link.network) })
            }
        };
        let items = link.list("storage_listPlacements", params).await?;
        Ok(Answer::new(show::list(&items, "no live placement"), Value::Array(items)))
    }
}
