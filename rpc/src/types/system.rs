//! The node, the chain's rules, the supply and mining, in JSON.

use super::{Binary, HashHex, PrincipalText, Units};
use crate::api::{Direction, PeerState};
use blocktree_primitives::{BlockHash, Network};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Answer of `system_version`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Version {
    /// The program.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// Answer of `system_health`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// Whether the node works: false once its writer has stopped for a fault.
    pub healthy: bool,
    /// The fault, if there is one.
    pub fault: Option<String>,
    /// Seconds between the tip's time and the node's clock; 0 if the tip is ahead.
    pub tip_age_seconds: u32,
    /// Whether the built-in miner works.
    pub mining: bool,
    /// Peers that are connected.
    pub peers: u64,
    /// Whether better blocks are known, or claimed by peers, and not yet applied.
    pub syncing: bool,
}

/// Answer of `system_syncState`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SyncState {
    /// Height of the tip.
    pub height: u64,
    /// Hash of the tip.
    pub block_hash: HashHex<BlockHash>,
    /// Whether better blocks are known, or claimed by peers, and not yet applied.
    pub syncing: bool,
    /// Height of the best branch whose headers were seen; that of the tip when none is better.
    pub target: u64,
    /// Blocks of that branch that are still to be applied.
    pub left: u64,
}

/// A peer that is connected: a row of `system_peers`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PeerInfo {
    /// Its name in the network.
    pub peer_id: String,
    /// Where it is: a multiaddr.
    pub address: String,
    /// Who opened the connection.
    pub direction: DirectionName,
    /// Seconds since then.
    pub connected_seconds: u64,
    /// Whether the operator wants it connected.
    pub reserved: bool,
    /// What it did wrong, summed up and forgotten slowly; 0 for nothing. At 100 it is banned.
    pub score: u32,
    /// Height of the tip that it told last; null before its greeting, and so the next two.
    pub height: Option<u64>,
    /// That tip.
    pub tip: Option<HashHex<BlockHash>>,
    /// The work that it says is in its chain, in hashes, a string of decimal digits.
    #[schemars(regex(pattern = r"^(0|[1-9][0-9]{0,77})$"))]
    pub total_work: Option<String>,
}

/// Who opened a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "Direction")]
pub enum DirectionName {
    /// The peer.
    Inbound,
    /// This node.
    Outbound,
}

impl From<Direction> for DirectionName {
    fn from(direction: Direction) -> Self {
        match direction {
            Direction::Inbound => Self::Inbound,
            Direction::Outbound => Self::Outbound,
        }
    }
}

impl From<PeerState> for PeerInfo {
    fn from(peer: PeerState) -> Self {
        Self {
            peer_id: peer.peer_id,
            address: peer.address,
            direction: peer.direction.into(),
            connected_seconds: peer.connected_seconds,
            reserved: peer.reserved,
            score: peer.score,
            height: peer.height,
            tip: peer.tip.map(HashHex),
            total_work: peer.total_work.map(|work| work.hashes().to_string()),
        }
    }
}

/// Answer of `system_chain`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChainInfo {
    /// The chain's name.
    pub name: String,
    /// The kind of network.
    pub network: NetworkName,
    /// Hash of genesis, which is in everything that is signed.
    pub genesis: HashHex<BlockHash>,
}

/// The kind of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NetworkName {
    /// Real value.
    Main,
    /// Public testing.
    Test,
    /// One's own machine.
    Dev,
}

impl From<Network> for NetworkName {
    fn from(network: Network) -> Self {
        match network {
            Network::Main => Self::Main,
            Network::Test => Self::Test,
            Network::Dev => Self::Dev,
        }
    }
}

/// Answer of `system_properties`: what a wallet must know of the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Properties {
    /// The chain's name.
    pub chain: String,
    /// The kind of network.
    pub network: NetworkName,
    /// Hash of genesis, which is in everything that is signed.
    pub genesis: HashHex<BlockHash>,
    /// What principals begin with.
    pub principal_prefix: String,
    /// BIP-44 coin type: part of the way from words to keys.
    pub coin_type: u32,
    /// Decimal places of a blockcoin: 10^8 base units.
    pub decimals: u8,
    /// Seconds between blocks that are aimed at.
    pub spacing_seconds: u32,
    /// Bytes of an event at most.
    pub max_event_len: u64,
    /// The chain's rules of coin, binding and storage.
    pub rules: Rules,
}

/// The chain's rules of coin, binding and storage (docs/protocol.md §6 to §8).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rules {
    /// Of the coin.
    pub coin: CoinRules,
    /// Of bindings.
    pub binding: BindingRules,
    /// Of storage.
    pub storage: StorageRules,
}

/// Rules of the coin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CoinRules {
    /// Free balance that an event must leave its signer, and that a new account must get.
    pub floor: Units,
    /// Base subsidy of block 1.
    pub subsidy: Units,
    /// Cap of the pool's payout of block 1.
    pub pool_cap: Units,
    /// Blocks between halvings.
    pub halving_interval: u64,
}

/// Rules of bindings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BindingRules {
    /// Held while a principal has a binding.
    pub deposit: Units,
    /// Blocks that a binding can reach into the future.
    pub max_validity: u64,
}

/// Rules of storage; symbols as in docs/protocol.md §8.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StorageRules {
    /// K: draws of a block at most.
    pub draws: u32,
    /// D: demands of a block at most.
    pub demands: u32,
    /// T: mean blocks between challenges of a placement.
    pub interval: u64,
    /// W: blocks that a provider has for its answer at least.
    pub window: u64,
    /// Seconds of median time that a provider has at least.
    pub window_seconds: u32,
    /// Blocks between misses that count, and between passes that count.
    pub strike_gap: u64,
    /// Blocks from a placement's end until anyone can close it.
    pub grace: u64,
    /// β: the share of a payment that is burned, in millionths.
    pub burn_ppm: u32,
    /// Burned by the owner for each placement.
    pub place_burn: Units,
    /// Held for a provider's record.
    pub provider_deposit: Units,
    /// Held for an offer.
    pub offer_deposit: Units,
    /// Held for each placement.
    pub placement_deposit: Units,
    /// Held for an owner's demand.
    pub demand_deposit: Units,
    /// The largest payment per fragment and period.
    pub max_payment: Units,
    /// The largest collateral.
    pub max_collateral: Units,
    /// Blocks that an acceptance is valid beyond its placing at most.
    pub acceptance_validity: u64,
    /// Blocks from a provider's first withdrawal to the pot's maturity.
    pub withdrawal_delay: u64,
}

/// Answer of `supply_get`: supply = genesis + subsidies + pool payouts − burned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SupplyInfo {
    /// What there is.
    pub total: Units,
    /// Credited at genesis.
    pub genesis: Units,
    /// Base subsidies since.
    pub subsidies: Units,
    /// Pool payouts since.
    pub pool_payouts: Units,
    /// Burned since.
    pub burned: Units,
    /// The mint pool: what may still be minted for storage that was paid. Not part of the supply.
    pub pool: Units,
}

/// Answer of `mempool_info`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MempoolInfo {
    /// Events that wait.
    pub events: u64,
    /// Their encoded bytes.
    pub bytes: u64,
    /// Signers of whom an event waits.
    pub signers: u64,
    /// Events that templates refused lately and that are kept back.
    pub parked: u64,
    /// Below this fee for this weight nothing is taken in.
    pub floor: FeeRateJson,
    /// Events that may wait.
    pub max_events: u64,
    /// Bytes that may wait.
    pub max_bytes: u64,
}

/// A fee for a weight; compared as a fraction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "FeeRate")]
pub struct FeeRateJson {
    /// The fee.
    pub fee: Units,
    /// The weight.
    pub weight: u64,
}

/// Answer of `mining_getInfo`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MiningInfo {
    /// Height of the next block.
    pub height: u64,
    /// The target of the tip, compact.
    pub bits: u32,
    /// The target of the tip, 32 bytes, most significant first.
    pub target: Binary,
    /// Hashes that a block of this target takes on average, a string of decimal digits.
    #[schemars(regex(pattern = r"^(0|[1-9][0-9]{0,77})$"))]
    pub work: String,
    /// Work of the best chain, in hashes, a string of decimal digits.
    #[schemars(regex(pattern = r"^(0|[1-9][0-9]{0,77})$"))]
    pub total_work: String,
    /// What the built-in miner does; null while it is off.
    pub miner: Option<MinerInfo>,
}

/// What the built-in miner does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MinerInfo {
    /// Threads that search.
    pub threads: u32,
    /// Who gets the rewards.
    pub coinbase: PrincipalText,
    /// Hashes tried a second.
    pub hashes_per_second: u64,
}

/// Answer of `mining_getTemplate`: a block without its proof of work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TemplateInfo {
    /// To be given back with the solution.
    pub template: u64,
    /// Height of the block.
    pub height: u64,
    /// The header's 80 bytes; version, time and nonce may be changed, and the commitment hash
    /// follows the extra nonce.
    pub raw: Binary,
    /// The 144 bytes that the header commits to; the last 8 may be changed.
    pub commitment: Binary,
    /// What the hash must not exceed, 32 bytes, most significant first.
    pub target: Binary,
    /// The earliest time that is valid.
    pub min_time: u32,
    /// Events in it.
    pub events: u64,
    /// Their fees.
    pub fees: Units,
    /// Their weight.
    pub weight: u64,
}

/// Answer of `mining_submit`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MinedBlock {
    /// The block.
    pub block_hash: HashHex<BlockHash>,
    /// Whether it is the tip now; else it stands beside the best chain.
    pub tip: bool,
}
