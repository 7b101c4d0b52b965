//! Headers in JSON, with all that a verifier needs.

use super::{Binary, HashHex, PrincipalText};
use blocktree_primitives::{
    BlockHash, Commitment, CommitmentHash, EventRoot, Header, HistoryRoot, Network, StateRoot,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A header and what it commits to. `hash` is SHA-256d of `raw`, and bytes 36 to 67 of `raw` are SHA-256d
/// of `commitment`; every other field is read from these two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Header")]
pub struct HeaderJson {
    /// SHA-256d of `raw`.
    pub hash: HashHex<BlockHash>,
    /// Height of the block.
    pub height: u64,
    /// Any value: miners roll it.
    pub version: u32,
    /// Hash of the block before; of genesis, the identity of the chain's rules.
    pub parent: HashHex<BlockHash>,
    /// SHA-256d of `commitment`.
    pub commitment_hash: HashHex<CommitmentHash>,
    /// Seconds since 1970, by the miner's clock.
    pub time: u32,
    /// The target in Bitcoin's compact form.
    pub bits: u32,
    /// What the miner searched.
    pub nonce: u32,
    /// Who got the reward.
    pub miner: PrincipalText,
    /// Root over the block's encoded events.
    pub event_root: HashHex<EventRoot>,
    /// Root of the global state after the block.
    pub state_root: HashHex<StateRoot>,
    /// Root over all headers before this one.
    pub history_root: HashHex<HistoryRoot>,
    /// Eight bytes that are the miner's.
    pub extra_nonce: Binary,
    /// The 80 bytes of the header.
    pub raw: Binary,
    /// The 144 bytes that `raw` commits to.
    pub commitment: Binary,
}

impl HeaderJson {
    /// A header with its commitment; principals are shown for `network`.
    #[must_use]
    pub fn new(header: &Header, commitment: &Commitment, network: Network) -> Self {
        Self {
            hash: header.hash().into(),
            height: commitment.height.0,
            version: header.version,
            parent: header.parent.into(),
            commitment_hash: header.commitment.into(),
            time: header.time,
            bits: header.bits,
            nonce: header.nonce,
            miner: PrincipalText::new(&commitment.miner, network),
            event_root: commitment.event_root.into(),
            state_root: commitment.state_root.into(),
            history_root: commitment.history_root.into(),
            extra_nonce: Binary(commitment.extra_nonce.to_vec()),
            raw: Binary(header.to_bytes().to_vec()),
            commitment: Binary(parity_scale_codec::Encode::encode(commitment)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use blocktree_primitives::{Height, Principal};
    use serde_json::json;

    #[test]
    fn the_shape_is_the_documented_one() {
        let commitment = Commitment {
            height: Height(1),
            miner: Principal([2; 32]),
            event_root: EventRoot([3; 32]),
            state_root: StateRoot([4; 32]),
            history_root: HistoryRoot([5; 32]),
            extra_nonce: [6; 8],
        };
        let header = Header {
            version: 0x0102_0304,
            parent: BlockHash([7; 32]),
            commitment: commitment.hash(),
            time: 8,
            bits: 9,
            nonce: 10,
        };
        let shown = HeaderJson::new(&header, &commitment, Network::Dev);
        let commitment_hash = header.commitment.to_string();
        let shown_json = serde_json::to_value(&shown).unwrap();
        let expected = json!({
            "hash": header.hash().to_string(),
            "height": 1,
            "version": 16_909_060,
            "parent": "07".repeat(32),
            "commitmentHash": commitment_hash,
            "time": 8,
            "bits": 9,
            "nonce": 10,
            "miner": Principal([2; 32]).to_text(Network::Dev),
            "eventRoot": "03".repeat(32),
            "stateRoot": "04".repeat(32),
            "historyRoot": "05".repeat(32),
            "extraNonce": "06".repeat(8),
            // Little-endian integers around two hashes as they are hashed.
            "raw": format!("04030201{}{commitment_hash}08000000090000000a000000", "07".repeat(32)),
            "commitment": format!(
                "0100000000000000{}{}{}{}{}",
                "02".repeat(32), "03".repeat(32), "04".repeat(32), "05".repeat(32), "06".repeat(8)
            ),
        });
        assert_eq!(shown_json, expected);
        assert_eq!(shown.raw.0.len(), 80);
        assert_eq!(shown.commitment.0.len(), 144);
        let schema = schemars::schema_for!(HeaderJson).to_value();
        assert!(jsonschema::is_valid(&schema, &shown_json));
        assert_eq!(serde_json::from_value::<HeaderJson>(shown_json).unwrap(), shown);
    }
}
