//! `event`, `mine`: how an event stands, and blocks on demand.

use super::link::{Link, LinkArgs, field};
use super::{Answer, show};
use crate::usage::UsageError;
use anyhow::{Context, Result};
use blocktree_primitives::{EventId, Network};
use blocktree_rpc::ClientError;
use clap::Args;
use serde_json::{Value, json};
use std::time::Duration;

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
    #[arg(value_parser = at_least_one)]
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
        Ok(Answer::new(show::fields(&in_words(&status)), status))
    }
}

/// A status for people: an event that waits for nothing in particular waits for a block.
fn in_words(status: &Value) -> Value {
    let mut shown = status.clone();
    if let Some(waits_for) = shown.get_mut("waitsFor").filter(|what| what.is_null()) {
        *waits_for = json!("a block with room");
    }
    shown
}

/// Blocks that are asked for at a time, so that no answer takes long.
const AT_A_TIME: u64 = 100;
/// Pause before the same is asked again of a node that limits how much a connection asks.
const PAUSE: Duration = Duration::from_millis(100);
/// How often it is asked again in a row: for ten seconds. An allowance comes back in one.
const AGAIN: u32 = 100;

fn at_least_one(text: &str) -> Result<u64, String> {
    match text.parse::<u64>() {
        Ok(0) => Err("at least 1".to_owned()),
        Ok(count) => Ok(count),
        Err(error) => Err(error.to_string()),
    }
}

/// Whether a node refused only because of how much was asked before.
fn is_rate_limit(error: &anyhow::Error) -> bool {
    let rule = match error.downcast_ref::<ClientError>() {
        Some(ClientError::Refused(refused)) => refused.rule.as_deref(),
        _ => None,
    };
    rule == Some("rpc.RateLimited")
}

/// Has the node mine some blocks, as soon as it does. Returns their hashes.
async fn some(link: &Link, count: u64) -> Result<Vec<Value>> {
    let mut again = 0;
    loop {
        match link.ask("mining_generate", json!([count])).await {
            Err(error) if again < AGAIN && is_rate_limit(&error) => {
                again += 1;
                tokio::time::sleep(PAUSE).await;
            }
            made => return field(&made?, ""),
        }
    }
}

impl MineArgs {
    /// Mines.
    ///
    /// # Errors
    /// A [`UsageError`] off the dev chain; the node's refusal, with how many blocks were mined
    /// before it.
    pub(crate) async fn run(self) -> Result<Answer> {
        let link = self.link.connect().await?;
        if link.network != Network::Dev {
            let why = "blocks on demand are for dev chains only, and this node's chain is not one";
            return Err(UsageError::new(why).into());
        }
        let (mut hashes, mut left) = (Vec::<Value>::new(), self.count);
        while left > 0 {
            let now = left.min(AT_A_TIME);
            let made = some(&link, now)
                .await
                .with_context(|| format!("{} of {} blocks were mined", hashes.len(), self.count))?;
            hashes.extend(made);
            left = left.saturating_sub(now);
        }
        let height = link.height().await?;
        Ok(Answer::new(
            format!("mined  {} blocks; the best one has height {height}", self.count),
            json!({ "hashes": hashes, "height": height.0 }),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use blocktree_rpc::client::Refused;

    #[test]
    fn only_a_rate_limit_is_waited_for() {
        let refused = |rule: Option<&str>| {
            let rule = rule.map(str::to_owned);
            let refused = Refused { code: 1000, message: "no".into(), rule, data: None };
            anyhow::Error::from(ClientError::from(refused))
        };
        assert!(is_rate_limit(&refused(Some("rpc.RateLimited"))));
        assert!(!is_rate_limit(&refused(Some("rpc.NotAccepted"))));
        assert!(!is_rate_limit(&refused(None)));
        assert!(!is_rate_limit(&anyhow::anyhow!("rpc.RateLimited")));
    }

    #[test]
    fn what_waits_for_nothing_waits_for_a_block() {
        let shown = in_words(&json!({ "status": "waiting", "waitsFor": null }));
        assert_eq!(shown, json!({ "status": "waiting", "waitsFor": "a block with room" }));
        for status in [json!({ "status": "unknown" }), json!({ "waitsFor": "nonce 3" })] {
            assert_eq!(in_words(&status), status);
        }
    }

    #[test]
    fn a_count_is_at_least_one() {
        assert_eq!(at_least_one("1"), Ok(1));
        assert_eq!(at_least_one("0"), Err("at least 1".to_owned()));
        assert!(at_least_one("-1").is_err() && at_least_one("x").is_err());
    }
}
