//! How long: `sign-extension`, `extend`, `exit`, `close`.

use super::handed_over;
use crate::client::link::{LinkArgs, field};
use crate::client::sending::EventArgs;
use crate::client::signing::KeyChoice;
use crate::client::{Answer, input};
use crate::usage::UsageError;
use anyhow::{Context, Result};
use blocktree_primitives::bounded::decode_exact;
use blocktree_primitives::{Height, PlacementId, Span};
use blocktree_runtime::Call as Runtime;
use clap::Args;
use pallet_storage::{Call, Extension, SignedExtension};
use serde_json::json;
use std::path::PathBuf;

/// Bytes of a signed extension at most.
const MAX_EXTENSION: usize = 256;

/// As a provider: sign that one stores a placement for more periods; the owner extends with it
#[derive(Debug, Args)]
#[command(after_help = "\
Prints the extension as hex, for `blocktree storage extend`.

Example:
  blocktree storage sign-extension 9c01… --periods 5 --dev-key 1 --out cat.e0")]
pub(crate) struct SignExtensionArgs {
    /// Which placement
    placement: PlacementId,
    /// For how many periods after its end
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    periods: u64,
    /// Write the extension to this file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    pub(super) link: LinkArgs,
    #[command(flatten)]
    key: KeyChoice,
}

/// As an owner: have a placement end later, and lock the payments until then
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  blocktree storage extend cat.e0")]
pub(crate) struct ExtendArgs {
    /// What the provider signed: hex, or a file of `sign-extension --out`
    extension: String,
    #[command(flatten)]
    pub(super) event: EventArgs,
}

/// As a provider: leave a placement before its end; at least half of the collateral burns
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  blocktree storage exit 9c01… --dev-key 1")]
pub(crate) struct ExitArgs {
    /// Which placement
    placement: PlacementId,
    #[command(flatten)]
    pub(super) event: EventArgs,
}

/// As a provider: settle a placement after its end, and get the collateral back; after the grace
/// anyone can
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  blocktree storage close 9c01… --dev-key 1")]
pub(crate) struct CloseArgs {
    /// Which placement
    placement: PlacementId,
    #[command(flatten)]
    pub(super) event: EventArgs,
}

impl SignExtensionArgs {
    pub(super) async fn run(self) -> Result<Answer> {
        let link = self.link.connect().await?;
        let placement = link.placement(&self.placement).await?;
        let (end, period): (u64, u64) = (field(&placement, "/end")?, field(&placement, "/period")?);
        let new_end = Span(period)
            .checked_mul(self.periods)
            .and_then(|span| Height(end).checked_add(span))
            .context("the new end is beyond all heights")?;
        let signer = self.key.signer(&link)?;
        let extension = Extension { placement: self.placement, old_end: Height(end), new_end };
        let signed = SignedExtension {
            placement: extension.placement,
            old_end: extension.old_end,
            new_end,
            provider_key: signer.public_key(),
            signature: signer.sign_digest(&extension.digest(&link.genesis)),
        };
        let json = json!({
            "placement": self.placement.to_string(),
            "oldEnd": end,
            "newEnd": new_end.0,
        });
        handed_over("extension", &signed, self.out.as_deref(), json)
    }
}

impl ExtendArgs {
    pub(super) async fn run(self) -> Result<Answer> {
        let bytes = input::message(&self.extension, "extension")?;
        let signed: SignedExtension = decode_exact(&bytes, MAX_EXTENSION).map_err(|_| {
            UsageError::new("no extension; `blocktree storage sign-extension` prints one")
        })?;
        let (placement, end) = (signed.placement, signed.new_end);
        let link = self.event.link.connect().await?;
        let signer = self.event.key.signer(&link)?;
        let sent = self.event.send(&link, &signer, Runtime::Storage(Call::Extend(signed))).await?;
        let what = format!("extend {placement} to block {end}");
        Ok(sent.answer(&what, json!({ "placement": placement.to_string(), "end": end.0 })))
    }
}

impl ExitArgs {
    pub(super) async fn run(self) -> Result<Answer> {
        let call = Call::Exit { placement: self.placement };
        end(&self.event, "exit", &self.placement, call).await
    }
}

impl CloseArgs {
    pub(super) async fn run(self) -> Result<Answer> {
        let call = Call::Close { placement: self.placement };
        end(&self.event, "close", &self.placement, call).await
    }
}

async fn end(event: &EventArgs, what: &str, placement: &PlacementId, call: Call) -> Result<Answer> {
    let link = event.link.connect().await?;
    let signer = event.key.signer(&link)?;
    let sent = event.send(&link, &signer, Runtime::Storage(call)).await?;
    Ok(sent.answer(&format!("{what}  {placement}"), json!({ "placement": placement.to_string() })))
}
