//! Events: nonce and fee asked from the node, signed here, handed in, waited for.

use super::Answer;
use super::link::{Link, LinkArgs, field};
use super::signing::KeyChoice;
use anyhow::{Result, bail};
use blocktree_primitives::{Amount, EventId, Height};
use blocktree_runtime::Call;
use blocktree_wallet::Signer;
use clap::Args;
use parity_scale_codec::Encode;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// How often the node is asked whether an event is mined.
const POLL: Duration = Duration::from_millis(250);

/// What all commands that hand in an event take.
#[derive(Clone, Debug, Args)]
pub(crate) struct EventArgs {
    #[command(flatten)]
    pub(crate) link: LinkArgs,
    #[command(flatten)]
    pub(crate) key: KeyChoice,
    #[command(flatten)]
    how: How,
}

/// How an event is sent.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Event")]
struct How {
    /// What the miner gets, in blockcoin [default: what the node estimates]
    #[arg(long, value_name = "AMOUNT", value_parser = Amount::parse_coins)]
    fee: Option<Amount>,
    /// The event's number among the signer's [default: the next one, those that wait counted];
    /// the number of a waiting event replaces it, for a higher fee
    #[arg(long, value_name = "N")]
    nonce: Option<u64>,
    /// The last height at which the event may be mined [default: no such height]
    #[arg(long, value_name = "HEIGHT")]
    valid_until: Option<u64>,
    /// Wait until the event is in a block; without this, until the node has it on its disk
    #[arg(long)]
    wait: bool,
}

/// An event that the node has.
pub(crate) struct Sent {
    /// Its identity.
    pub(crate) id: EventId,
    nonce: u64,
    fee: Amount,
    status: Value,
}

impl EventArgs {
    /// Sends a call.
    ///
    /// # Errors
    /// The node's refusal; with `--wait`, also why the event was dropped later.
    pub(crate) async fn send(&self, link: &Link, signer: &Signer, call: Call) -> Result<Sent> {
        let fee = match self.how.fee {
            Some(fee) => fee,
            None => link.fee(&call).await?,
        };
        let nonce = match self.how.nonce {
            Some(nonce) => nonce,
            None => link.next_nonce(&signer.principal()).await?,
        };
        let until = self.how.valid_until.map(Height);
        let event = signer.sign_event(&link.genesis, nonce, fee, until, call);
        let id = event.id(&link.genesis);
        link.submit(&event.encode(), &id).await?;
        let status = match self.how.wait {
            true => mined(link, &id).await?,
            false => json!({ "status": "waiting" }),
        };
        Ok(Sent { id, nonce, fee, status })
    }
}

impl Sent {
    /// The answer: what was done, and what is known of the event.
    pub(crate) fn answer(&self, what: &str, extra: Value) -> Answer {
        let mut json = Map::new();
        json.insert("id".into(), json!(self.id.to_string()));
        json.insert("nonce".into(), json!(self.nonce));
        json.insert("fee".into(), json!(self.fee.to_string()));
        for more in [&self.status, &extra] {
            json.extend(more.as_object().cloned().unwrap_or_default());
        }
        let place = match self.status.get("height").and_then(Value::as_u64) {
            Some(height) => format!("in block {height}"),
            None => "waiting for a block".to_owned(),
        };
        let text = format!("{what}\nevent  {}, fee {}, {place}", self.id, self.fee.to_coins());
        Answer::new(text, Value::Object(json))
    }
}

/// Waits until an event is in a block. What it waits for besides is told on standard error: a rule
/// of the ledger that refuses it now, or an event that is missing before it.
async fn mined(link: &Link, id: &EventId) -> Result<Value> {
    let mut told = Some(String::new());
    loop {
        let status = link.event_status(id).await?;
        match field::<String>(&status, "/status")?.as_str() {
            "inBlock" => return Ok(status),
            "waiting" => {
                let waits_for: Option<String> = field(&status, "/waitsFor")?;
                if waits_for != told {
                    let what = waits_for.as_deref().unwrap_or("a block");
                    eprintln!("event {id} waits for {what}");
                    told = waits_for;
                }
                tokio::time::sleep(POLL).await;
            }
            _ => {
                let reason = status.get("reason").and_then(Value::as_str).unwrap_or("unknown");
                bail!("the event {id} was taken in and then dropped: {reason}");
            }
        }
    }
}
