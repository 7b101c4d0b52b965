//! `event`, `mine`: how an event stands, and blocks on demand.

use super::link::{LinkArgs, field};
use super::{Answer, show};
use crate::usage::UsageError;
use anyhow::Result;
use blocktree_primitives::{EventId, Network};
use clap::Args;
use serde_json::{Value, json};

/// Show how an event stands: waiting, in a block and how deep, or why it was dropped
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  blocktree event 3f7a… --json")]
pub(crate) struct EventArgs {
    /// The event, as printed when it was sent
    id: EventId,
    #[command(flatten)]
    pub(crate) link: LinkArgs,
}

/// Mine blocks now; on a dev chain only
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  blocktree mine 10")]
pub(crate) struct MineArgs {
    /// How many
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    count: u64,
    #[command(flatten)]
    pub(crate) link: LinkArgs,
}

impl EventArgs {
    /// Asks.
    ///
    /// # Errors
    /// When the node does not answer.
    pub(crate) async fn run(self) -> Result<Answer> {
        let link = self.link.connect().await?;
        let status = link.event_status(&self.id).await?;
        Ok(Answer::new(show::fields(&status), status))
    }
}

/// Blocks that are asked for at a time, so that no answer takes long.
const AT_A_TIME: u64 = 100;

impl MineArgs {
    /// Mines.
    ///
    /// # Errors
    /// A [`UsageError`] off the dev chain; the node's refusal.
    pub(crate) async fn run(self) -> Result<Answer> {
        let link = self.link.connect().await?;
        if link.network != Network::Dev {
            let why = "blocks on demand are for dev chains only, this node's chain is none";
            return Err(UsageError::new(why).into());
        }
        let (mut hashes, mut left) = (Vec::<Value>::new(), self.count);
        while left > 0 {
            let now = left.min(AT_A_TIME);
            let made = link.ask("mining_generate", json!([now])).await?;
            hashes.extend(field::<Vec<Value>>(&made, "")?);
            left = left.saturating_sub(now);
        }
        let height = link.height().await?;
        Ok(Answer::new(
            format!("mined  {} blocks; the best one has height {height}", self.count),
            json!({ "hashes": hashes, "height": height.0 }),
        ))
    }
}
