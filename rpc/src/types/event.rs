//! Events in JSON: what they say, where they are, and that they are there.

use super::{Binary, CallJson, HashHex, HeaderJson, PrincipalText, Units};
use blocktree_primitives::{BlockHash, EventId, Network};
use blocktree_runtime::Event;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Event")]
pub struct EventJson {
    /// Its identity: what its signer signs.
    pub id: HashHex<EventId>,
    /// The principal of its signer.
    pub author: PrincipalText,
    /// The signer's public key.
    pub signer: Binary,
    /// Strictly sequential for each signer.
    pub nonce: u64,
    /// To the miner.
    pub fee: Units,
    /// The last block that may hold it; null if any may.
    pub valid_until: Option<u64>,
    /// What it asks for.
    pub call: CallJson,
    /// The signature over the id.
    pub signature: Binary,
    /// What it takes of a block.
    pub weight: u64,
    /// The whole event, encoded.
    pub event_scale: Binary,
}

/// An event and where it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventInfo {
    /// The event.
    #[serde(flatten)]
    pub event: EventJson,
    /// Where it is.
    pub place: EventStatusJson,
}

/// Where an event is, as this node knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "status", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[schemars(rename = "EventStatus")]
pub enum EventStatusJson {
    /// In a block of the best chain.
    InBlock {
        /// The block.
        block_hash: HashHex<BlockHash>,
        /// Its height.
        height: u64,
        /// The event's place in the block, from 0.
        index: u32,
        /// Blocks from there to the tip, both counted: 1 in the tip itself.
        depth: u64,
    },
    /// In the pool.
    Waiting {
        /// What for beyond a block with room, in words; null if for nothing else.
        waits_for: Option<String>,
    },
    /// It was in the pool and left it without being mined.
    Dropped {
        /// The name of the reason.
        rule: String,
        /// The reason in words.
        reason: String,
    },
    /// Never seen, or dropped so long ago that the reason is forgotten.
    Unknown {},
}

/// What an event costs at least.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FeeEstimate {
    /// What the event would weigh.
    pub weight: u64,
    /// The least fee at which the pool takes it in now.
    pub fee: Units,
}

/// Proof that an event is in a block: an RFC 6962 inclusion proof under the header's
/// `eventRoot`, beside the raw leaf.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EventProof {
    /// The block.
    pub header: HeaderJson,
    /// The leaf: the whole encoded event.
    pub event_scale: Binary,
    /// Its position, from 0.
    pub index: u64,
    /// Events of the block.
    pub count: u64,
    /// The siblings from the leaf up, 32 bytes each.
    pub siblings: Vec<Binary>,
}

impl EventJson {
    /// An event; principals are shown for `network`.
    #[must_use]
    pub fn new(id: EventId, event: &Event, encoded: &[u8], weight: u64, network: Network) -> Self {
        Self {
            id: id.into(),
            author: PrincipalText::new(&event.author(), network),
            signer: event.signer.into(),
            nonce: event.nonce,
            fee: event.fee.into(),
            valid_until: event.valid_until.map(|height| height.0),
            call: CallJson::new(&event.call, network),
            signature: event.signature.into(),
            weight,
            event_scale: Binary(encoded.to_vec()),
        }
    }
}
