//! The way to a node, and every question that the commands ask it. The only place that knows
//! names of methods and shapes of answers (docs/rpc.md).

use crate::usage::UsageError;
use anyhow::{Context, Result, anyhow};
use blocktree_primitives::{
    Amount, BlockHash, EventId, Height, Network, OfferId, PlacementId, Principal,
};
use blocktree_rpc::client::DEFAULT_URL;
use blocktree_rpc::types::{HashHex, Units};
use blocktree_rpc::{Client, ClientError};
use blocktree_runtime::Call;
use clap::Args;
use parity_scale_codec::Encode;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Rows of a list that are asked for at a time.
const PAGE: u64 = 100;

/// Which node, and how to show what it says.
#[derive(Clone, Debug, Args)]
pub(crate) struct LinkArgs {
    /// The node to talk to
    #[arg(long = "rpc", value_name = "URL", default_value = DEFAULT_URL, env = "BLOCKTREE_RPC")]
    url: String,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// A node that answers.
pub(crate) struct Link {
    client: Client,
    /// The network of its chain.
    pub(crate) network: Network,
    /// The hash of its chain's genesis, for which events are signed.
    pub(crate) genesis: BlockHash,
    /// The second step of the path by which its chain's keys follow from words.
    pub(crate) coin_type: u32,
}

impl LinkArgs {
    /// This node.
    pub(crate) const fn to(url: String, json: bool) -> Self {
        Self { url, json }
    }

    /// Connects, and asks which chain it is.
    ///
    /// # Errors
    /// When there is no node, or none that this program understands.
    pub(crate) async fn connect(&self) -> Result<Link> {
        let client = Client::connect(&self.url).await.map_err(|error| match error {
            ClientError::BadUrl { .. } => UsageError::new(error.to_string()).into(),
            other => anyhow!(other),
        })?;
        let properties: Value = client.call("system_properties", json!([])).await?;
        let prefix = field::<String>(&properties, "/principalPrefix")?;
        let network = Network::from_prefix(&prefix)
            .with_context(|| format!("principals of the node's chain begin with {prefix:?}"))?;
        let genesis = field::<HashHex<BlockHash>>(&properties, "/genesis")?.0;
        let coin_type = field(&properties, "/coinType")?;
        Ok(Link { client, network, genesis, coin_type })
    }
}

/// A part of an answer, by JSON pointer.
///
/// # Errors
/// When it is not there or is something else: then the node speaks another version.
pub(crate) fn field<T: DeserializeOwned>(answer: &Value, pointer: &str) -> Result<T> {
    let part = answer.pointer(pointer).unwrap_or(&Value::Null);
    T::deserialize(part).with_context(|| {
        let name = pointer.trim_start_matches('/');
        format!("the node's answer has no {name} that this program understands")
    })
}

impl Link {
    /// Any question.
    ///
    /// # Errors
    /// [`ClientError`].
    pub(crate) async fn ask(&self, method: &str, params: Value) -> Result<Value> {
        Ok(self.client.call(method, params).await?)
    }

    /// The height of the best block.
    ///
    /// # Errors
    /// As [`Link::ask`].
    pub(crate) async fn height(&self) -> Result<Height> {
        let tip = self.ask("chain_getTip", json!([])).await?;
        Ok(Height(field(&tip, "/height")?))
    }

    /// What the ledger knows of a principal: balances, nonces, key.
    ///
    /// # Errors
    /// As [`Link::ask`].
    pub(crate) async fn account(&self, principal: &Principal) -> Result<Value> {
        self.ask("global_getPrincipal", json!([principal.to_text(self.network)])).await
    }

    /// The nonce of the next event of a principal, those that wait in the pool counted.
    ///
    /// # Errors
    /// As [`Link::ask`].
    pub(crate) async fn next_nonce(&self, principal: &Principal) -> Result<u64> {
        field(&self.account(principal).await?, "/nextNonce")
    }

    /// The fee with which an event with this call is mined soon.
    ///
    /// # Errors
    /// As [`Link::ask`].
    pub(crate) async fn fee(&self, call: &Call) -> Result<Amount> {
        let answer = self.ask("event_estimateFee", json!([hex::encode(call.encode())])).await?;
        Ok(field::<Units>(&answer, "/fee")?.0)
    }

    /// Hands in an event. When this returns, the node has it on its disk.
    ///
    /// # Errors
    /// As [`Link::ask`]; the node's refusal by the name of its rule.
    pub(crate) async fn submit(&self, encoded: &[u8], id: &EventId) -> Result<()> {
        let answer = self.ask("event_submit", json!([hex::encode(encoded)])).await?;
        let given: HashHex<EventId> = field(&answer, "")?;
        if given.0 != *id {
            return Err(anyhow!(
                "the node took the event {id} as {}: is it another chain?",
                given.0
            ));
        }
        Ok(())
    }

    /// Where an event is.
    ///
    /// # Errors
    /// As [`Link::ask`].
    pub(crate) async fn event_status(&self, id: &EventId) -> Result<Value> {
        self.ask("event_status", json!([id.to_string()])).await
    }

    /// An offer.
    ///
    /// # Errors
    /// As [`Link::ask`]; refused if there is none.
    pub(crate) async fn offer(&self, id: &OfferId) -> Result<Value> {
        self.ask("storage_getOffer", json!([id.to_string()])).await
    }

    /// A placement.
    ///
    /// # Errors
    /// As [`Link::ask`]; refused if there is none.
    pub(crate) async fn placement(&self, id: &PlacementId) -> Result<Value> {
        self.ask("storage_getPlacement", json!([id.to_string()])).await
    }

    /// All rows of a list, page by page.
    ///
    /// # Errors
    /// As [`Link::ask`].
    pub(crate) async fn list(&self, method: &str, mut params: Value) -> Result<Vec<Value>> {
        let mut rows = Vec::new();
        loop {
            if let Value::Object(params) = &mut params {
                params.insert("limit".to_owned(), json!(PAGE));
            }
            let page = self.ask(method, params.clone()).await?;
            rows.extend(field::<Vec<Value>>(&page, "/items")?);
            let cursor = page.get("cursor").cloned().unwrap_or_default();
            match &mut params {
                Value::Object(params) if !cursor.is_null() => {
                    params.insert("cursor".to_owned(), cursor)
                }
                _ => return Ok(rows),
            };
        }
    }
}
