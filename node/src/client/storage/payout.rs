//! Payment without a proof: `receipt`, `payout`.

use super::handed_over;
use crate::client::link::LinkArgs;
use crate::client::sending::EventArgs;
use crate::client::signing::KeyChoice;
use crate::client::{Answer, input};
use crate::usage::UsageError;
use anyhow::Result;
use blocktree_primitives::bounded::decode_exact;
use blocktree_primitives::{BoundedVec, Height, PlacementId};
use blocktree_runtime::Call as Runtime;
use clap::Args;
use pallet_storage::{Call, Claim, Evidence, Receipt};
use serde_json::json;
use std::path::PathBuf;

/// Bytes of a claim at most: the largest is a proof of 32 siblings.
const MAX_CLAIM: usize = 2048;

/// As an owner: sign that a placement may be paid through a height; the provider collects it
#[derive(Debug, Args)]
#[command(after_help = "\
Prints the claim as hex, for `blocktree storage payout`.

Example:
  blocktree storage receipt 9c01… --through 240 --out cat.r0")]
pub(crate) struct ReceiptArgs {
    /// Which placement
    placement: PlacementId,
    /// The height through which one is content; whole periods up to there are paid
    #[arg(long, value_name = "HEIGHT")]
    through: u64,
    /// Write the receipt to this file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    pub(super) link: LinkArgs,
    #[command(flatten)]
    key: KeyChoice,
}

/// As a provider: collect payment for receipts of owners
///
/// Anyone can hand receipts in; payments go to the placements' providers.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  blocktree storage payout cat.r0 --dev-key 1")]
pub(crate) struct PayoutArgs {
    /// What owners signed: hex, or files of `receipt --out`; at most 64, no two for one placement
    #[arg(value_name = "RECEIPT", required = true)]
    receipts: Vec<String>,
    #[command(flatten)]
    pub(super) event: EventArgs,
}

impl ReceiptArgs {
    pub(super) async fn run(self) -> Result<Answer> {
        let link = self.link.connect().await?;
        let signer = self.key.signer(&link)?;
        let receipt = Receipt { placement: self.placement, through: Height(self.through) };
        let evidence = Evidence::Receipt {
            owner_key: signer.public_key(),
            through: receipt.through,
            signature: signer.sign_digest(&receipt.digest(&link.genesis)),
        };
        let claim = Claim { placement: self.placement, evidence };
        let json = json!({ "placement": self.placement.to_string(), "through": self.through });
        handed_over("receipt", &claim, self.out.as_deref(), json)
    }
}

impl PayoutArgs {
    pub(super) async fn run(self) -> Result<Answer> {
        let mut claims: Vec<Claim> = Vec::new();
        for text in &self.receipts {
            let bytes = input::message(text, "receipt")?;
            claims.push(decode_exact(&bytes, MAX_CLAIM).map_err(|_| {
                UsageError::new(format!("{text}: no receipt; `receipt` prints one"))
            })?);
        }
        let placements: Vec<String> = claims.iter().map(|c| c.placement.to_string()).collect();
        let claims = BoundedVec::try_from(claims)
            .map_err(|_| UsageError::new("64 receipts at most fit one event"))?;
        let link = self.event.link.connect().await?;
        let signer = self.event.key.signer(&link)?;
        let call = Runtime::Storage(Call::Payout { claims });
        let sent = self.event.send(&link, &signer, call).await?;
        let what = format!("payout for {}", placements.join(" "));
        Ok(sent.answer(&what, json!({ "placements": placements })))
    }
}
