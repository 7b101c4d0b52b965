//! Challenges: `demand`, `challenges`, `prove`.

use crate::client::link::{LinkArgs, field};
use crate::client::sending::EventArgs;
use crate::client::{Answer, leaves, show};
use anyhow::{Context, Result, bail};
use blocktree_primitives::{BoundedBytes, BoundedVec, PlacementId};
use blocktree_runtime::Call as Runtime;
use clap::Args;
use pallet_storage::{Call, Claim, Evidence};
use serde_json::{Value, json};
use std::path::PathBuf;

/// As owner or provider: have a placement challenged in the block after the event's
///
/// The owner's deposit goes to the provider if it passes, and comes back if it misses.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  blocktree storage demand 9c01…")]
pub(crate) struct DemandArgs {
    /// Which placement
    placement: PlacementId,
    #[command(flatten)]
    pub(super) event: EventArgs,
}

/// List challenges that wait for an answer: which leaf is asked, until when
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  blocktree storage challenges
  blocktree storage challenges 9c01…")]
pub(crate) struct ChallengesArgs {
    /// Only this placement's
    placement: Option<PlacementId>,
    #[command(flatten)]
    pub(super) link: LinkArgs,
}

/// As a provider: answer a placement's challenge from the fragment, and collect what is due
///
/// Anyone can hand in the proof; the payment goes to the placement's provider.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  blocktree storage prove 9c01… --file cat.f0 --dev-key 1")]
pub(crate) struct ProveArgs {
    /// Which placement
    placement: PlacementId,
    /// Its fragment
    #[arg(long, value_name = "FRAGMENT")]
    file: PathBuf,
    #[command(flatten)]
    pub(super) event: EventArgs,
}

impl DemandArgs {
    pub(super) async fn run(self) -> Result<Answer> {
        let link = self.event.link.connect().await?;
        let signer = self.event.key.signer(&link)?;
        let placement = self.placement;
        let call = Runtime::Storage(Call::Demand { placement });
        let sent = self.event.send(&link, &signer, call).await?;
        let what = format!("demand {placement}: the block after the event's asks");
        Ok(sent.answer(&what, json!({ "placement": placement.to_string() })))
    }
}

impl ChallengesArgs {
    pub(super) async fn run(self) -> Result<Answer> {
        let link = self.link.connect().await?;
        let items = match &self.placement {
            None => link.list("storage_listChallenges", json!({})).await?,
            Some(id) => {
                let placement = link.placement(id).await?;
                field::<Option<Value>>(&placement, "/challenge")?.into_iter().collect()
            }
        };
        Ok(Answer::new(show::list(&items, "nothing is asked"), Value::Array(items)))
    }
}

impl ProveArgs {
    pub(super) async fn run(self) -> Result<Answer> {
        let link = self.event.link.connect().await?;
        let placement = link.placement(&self.placement).await?;
        let Some(index) = placement.pointer("/challenge/leaf").and_then(Value::as_u64) else {
            bail!(
                "nothing is asked of placement {0}; `blocktree storage demand {0}` has the next \
                 block ask",
                self.placement
            );
        };
        let (root, size): (String, u64) =
            (field(&placement, "/root")?, field(&placement, "/size")?);
        let reading = || format!("the answer to the challenge of placement {}", self.placement);
        let leaf = leaves::leaf(&self.file, index).with_context(reading)?;
        if leaf.fragment.size != size || hex::encode(leaf.fragment.root) != root {
            bail!(
                "{} is not the fragment of placement {}: root {} and {} bytes instead of {root} and \
                 {size}",
                self.file.display(),
                self.placement,
                hex::encode(leaf.fragment.root),
                leaf.fragment.size
            );
        }
        let signer = self.event.key.signer(&link)?;
        let evidence = Evidence::Proof {
            leaf: BoundedBytes::try_from(leaf.bytes)
                .ok()
                .context("a leaf has 256 bytes at most")?,
            siblings: BoundedVec::try_from(leaf.siblings).ok().context("a path has 32 at most")?,
        };
        let mut claims = BoundedVec::default();
        claims
            .push(Claim { placement: self.placement, evidence })
            .ok()
            .context("one claim fits")?;
        let call = Runtime::Storage(Call::Payout { claims });
        let sent = self.event.send(&link, &signer, call).await?;
        let what = format!("proof  of leaf {index} of placement {}", self.placement);
        let extra = json!({ "placement": self.placement.to_string(), "leaf": index });
        Ok(sent.answer(&what, extra))
    }
}
