//! The specification as it stands in a JSON file. Every field is explained here and in
//! docs/chainspec.md; unknown fields are refused.

use crate::Coins;
use blocktree_consensus::params::{Difficulty, Params as ConsensusParams};
use blocktree_primitives::{Amount, Network, Principal, Span};
use blocktree_runtime::Params as RuntimeParams;
use parity_scale_codec::Encode;
use serde::{Deserialize, Serialize};

/// Bytes of a chainspec file at most.
pub const MAX_SPEC_LEN: usize = 1 << 20;

/// A chain.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ChainSpec {
    /// A short name for people and folders: 1 to 32 of `a-z 0-9 -`.
    pub name: String,
    /// `main`, `test` or `dev`: the prefix of principals, and on `dev` the well-known keys and
    /// mining on demand.
    pub network: NetworkName,
    /// BIP-44 coin type: the second step of the path by which keys follow from words.
    pub coin_type: u32,
    /// Header rules.
    pub consensus: Consensus,
    /// Coin rules.
    pub coin: Coin,
    /// Binding rules.
    pub binding: Binding,
    /// Storage rules.
    pub storage: Storage,
}

/// A network's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NetworkName {
    /// Real value.
    Main,
    /// Public testing.
    Test,
    /// One's own machine.
    Dev,
}

/// Header rules (docs/protocol.md §3).
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Consensus {
    /// Time of the genesis header, seconds since 1970.
    pub genesis_time: u32,
    /// Target of the genesis header in Bitcoin's compact form, as hex such as `0x1d00ffff`.
    pub genesis_bits: Bits,
    /// The easiest target that a block may have, likewise.
    pub limit_bits: Bits,
    /// Seconds between blocks that the difficulty aims at.
    pub spacing_seconds: u32,
    /// How the target is found.
    pub difficulty: DifficultyRule,
    /// Seconds by which a header's time may be ahead of the local clock.
    pub max_future_seconds: u32,
}

/// How the target is found.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum DifficultyRule {
    /// ASERT, `aserti3-2d`.
    Asert {
        /// The delay, in spacings, that halves the difficulty.
        half_life_spacings: u32,
    },
    /// Always that of genesis; the built-in miner keeps the pace.
    Constant,
}

/// A compact target, written as hex with `0x`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Bits(pub u32);

impl TryFrom<String> for Bits {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let digits = text.strip_prefix("0x").filter(|digits| digits.len() == 8);
        digits
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
            .map(Self)
            .ok_or_else(|| format!("{text:?} is not 0x and 8 hex digits"))
    }
}

impl From<Bits> for String {
    fn from(bits: Bits) -> Self {
        format!("0x{:08x}", bits.0)
    }
}

/// Coin rules (docs/protocol.md §6).
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Coin {
    /// Free balance that an event must leave its signer, and that a new account must get.
    pub floor: Coins,
    /// Base subsidy of block 1.
    pub subsidy: Coins,
    /// The most that the mint pool pays in block 1; halves with the subsidy.
    pub pool_cap: Coins,
    /// Blocks between halvings.
    pub halving_interval: u64,
    /// Balances of genesis: principal and blockcoin.
    pub genesis: Vec<(String, Coins)>,
}

/// Binding rules (docs/protocol.md §7).
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Binding {
    /// Held while a principal has a binding.
    pub deposit: Coins,
    /// Blocks that a binding can reach into the future.
    pub max_validity: u64,
}

/// Storage rules (docs/protocol.md §8; values explained in docs/economics.md).
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Storage {
    /// K: draws of a block at most.
    pub draws: u32,
    /// D: demands of a block at most.
    pub demands: u32,
    /// T: mean blocks between challenges of a placement while there are at most K · T.
    pub interval: u64,
    /// W: blocks that a provider has for its answer at least.
    pub window: u64,
    /// Seconds of median time that a provider has for its answer at least.
    pub window_seconds: u32,
    /// Blocks between misses that count, and between passes that count.
    pub strike_gap: u64,
    /// Blocks from a placement's end until anyone can close it.
    pub grace: u64,
    /// β: the share of a payment that is burned, in millionths.
    pub burn_ppm: u32,
    /// Burned by the owner for each placement.
    pub place_burn: Coins,
    /// Held for a provider's record.
    pub provider_deposit: Coins,
    /// Held for an offer.
    pub offer_deposit: Coins,
    /// Held for each placement, from the offer on.
    pub placement_deposit: Coins,
    /// Held for an owner's demand; a pass pays it to the provider.
    pub demand_deposit: Coins,
    /// The largest payment per fragment and period.
    pub max_payment: Coins,
    /// The largest collateral.
    pub max_collateral: Coins,
    /// Blocks that an acceptance is valid beyond its placing at most.
    pub acceptance_validity: u64,
    /// Blocks from a provider's first withdrawal to the pot's maturity.
    pub withdrawal_delay: u64,
}

/// Why a chainspec is refused.
#[derive(Debug, thiserror::Error)]
pub enum SpecError {
    /// Larger than any chainspec.
    #[error("the chainspec has {0} bytes, at most {MAX_SPEC_LEN} allowed")]
    TooLong(usize),
    /// Not JSON of this form.
    #[error("the chainspec can't be read: {0}")]
    Json(#[from] serde_json::Error),
    /// A name that can't be a folder's.
    #[error("the chain's name {0:?} is not 1 to 32 of a-z, 0-9 and -")]
    BadName(String),
    /// A balance of genesis for something that is no principal of the network.
    #[error("genesis balance {index}: {error}")]
    BadPrincipal {
        /// Place in the list, from 0.
        index: usize,
        /// What is wrong.
        error: blocktree_primitives::principal::ParsePrincipalError,
    },
    /// Header rules that make no sense.
    #[error("consensus: {0}")]
    Consensus(#[from] blocktree_consensus::ParamsError),
    /// Event rules that make no sense.
    #[error(transparent)]
    Runtime(#[from] blocktree_runtime::ParamsError),
}

impl ChainSpec {
    /// The development chain: constant easy bits, a block a second, well-known funded keys.
    #[must_use]
    pub fn dev() -> Self {
        Self::built_in(include_str!("../dev.json"))
    }

    /// The public test chain.
    #[must_use]
    pub fn test() -> Self {
        Self::built_in(include_str!("../test.json"))
    }

    /// The chain of real value.
    #[must_use]
    pub fn main() -> Self {
        Self::built_in(include_str!("../main.json"))
    }

    fn built_in(text: &str) -> Self {
        Self::from_json(text).expect("a test reads all three built-in chainspecs")
    }

    /// Reads and checks a chainspec.
    ///
    /// # Errors
    /// See [`SpecError`].
    pub fn from_json(text: &str) -> Result<Self, SpecError> {
        if text.len() > MAX_SPEC_LEN {
            return Err(SpecError::TooLong(text.len()));
        }
        let spec: Self = serde_json::from_str(text)?;
        let named = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if spec.name.is_empty() || spec.name.len() > 32 || !spec.name.bytes().all(named) {
            return Err(SpecError::BadName(spec.name));
        }
        spec.consensus_params().check()?;
        spec.runtime_params()?.check()?;
        Ok(spec)
    }

    /// The network.
    #[must_use]
    pub const fn network(&self) -> Network {
        match self.network {
            NetworkName::Main => Network::Main,
            NetworkName::Test => Network::Test,
            NetworkName::Dev => Network::Dev,
        }
    }

    /// The header rules.
    #[must_use]
    pub const fn consensus_params(&self) -> ConsensusParams {
        let rules = &self.consensus;
        ConsensusParams {
            genesis_time: rules.genesis_time,
            genesis_bits: rules.genesis_bits.0,
            limit_bits: rules.limit_bits.0,
            spacing: rules.spacing_seconds,
            difficulty: match rules.difficulty {
                DifficultyRule::Asert { half_life_spacings } => {
                    Difficulty::Asert { half_life_spacings }
                }
                DifficultyRule::Constant => Difficulty::Constant,
            },
            max_future: rules.max_future_seconds,
        }
    }

    /// The event rules.
    ///
    /// # Errors
    /// When a genesis balance is for no principal of the network.
    pub fn runtime_params(&self) -> Result<RuntimeParams, SpecError> {
        let genesis = self.coin.genesis.iter().enumerate().map(|(index, (text, coins))| {
            Principal::from_text(text, self.network())
                .map(|principal| (principal, coins.0))
                .map_err(|error| SpecError::BadPrincipal { index, error })
        });
        let genesis: Vec<(Principal, Amount)> = genesis.collect::<Result<_, _>>()?;
        let storage = &self.storage;
        Ok(RuntimeParams {
            coin: pallet_coin::Params {
                floor: self.coin.floor.0,
                subsidy: self.coin.subsidy.0,
                pool_cap: self.coin.pool_cap.0,
                halving_interval: self.coin.halving_interval,
                genesis,
            },
            binding: pallet_binding::Params {
                deposit: self.binding.deposit.0,
                max_validity: self.binding.max_validity,
            },
            storage: pallet_storage::Params {
                draws: storage.draws,
                demands: storage.demands,
                interval: Span(storage.interval),
                window: Span(storage.window),
                window_seconds: storage.window_seconds,
                strike_gap: Span(storage.strike_gap),
                grace: Span(storage.grace),
                burn_ppm: storage.burn_ppm,
                place_burn: storage.place_burn.0,
                provider_deposit: storage.provider_deposit.0,
                offer_deposit: storage.offer_deposit.0,
                placement_deposit: storage.placement_deposit.0,
                demand_deposit: storage.demand_deposit.0,
                max_payment: storage.max_payment.0,
                max_collateral: storage.max_collateral.0,
                acceptance_validity: Span(storage.acceptance_validity),
                withdrawal_delay: Span(storage.withdrawal_delay),
            },
        })
    }

    /// The bytes that genesis commits to beside the header rules: every parameter that a block's
    /// validity depends on (docs/protocol.md §3.9). Name and coin type are not among them.
    ///
    /// # Errors
    /// As [`ChainSpec::runtime_params`].
    pub fn rules(&self) -> Result<Vec<u8>, SpecError> {
        Ok((self.network(), self.runtime_params()?).encode())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_specs_are_valid_and_use_the_values_of_docs_economics() {
        for spec in [ChainSpec::dev(), ChainSpec::test(), ChainSpec::main()] {
            let params = spec.runtime_params().unwrap();
            assert_eq!(params.storage, pallet_storage::Params::recommended(spec.network()));
        }
    }

    #[test]
    fn the_development_chain_funds_the_first_ten_well_known_keys() {
        let spec = ChainSpec::dev();
        let genesis = spec.runtime_params().unwrap().coin.genesis;
        let keys = blocktree_wallet::DevKeys::new(spec.coin_type);
        assert_eq!(genesis.len(), 10);
        for (index, (principal, amount)) in genesis.iter().enumerate() {
            let index = u32::try_from(index).unwrap();
            let key = keys.secret(index).unwrap().public_key();
            assert_eq!(*principal, Principal::of(&key), "key {index}");
            assert_eq!(*amount, Amount::parse_coins("1000000").unwrap());
        }
    }

    #[test]
    fn bad_specs_are_refused_by_name() {
        let text = include_str!("../dev.json");
        let with = |from: &str, to: &str| {
            assert!(text.contains(from), "{from}");
            ChainSpec::from_json(&text.replacen(from, to, 1))
        };
        use SpecError::*;
        assert!(matches!(with("\"dev\"", "\"Dev!\""), Err(BadName(_))));
        assert!(matches!(with("\"name\"", "\"port\": 1, \"name\""), Err(Json(_))));
        assert!(matches!(with("\"0x207fffff\"", "\"207fffff\""), Err(Json(_))));
        assert!(matches!(with("\"0x207fffff\"", "\"0x00000000\""), Err(Consensus(_))));
        assert!(matches!(with("dblk1", "blk1"), Err(BadPrincipal { index: 0, .. })));
        assert!(matches!(with("\"window\": 10", "\"window\": 0"), Err(Runtime(_))));
        assert!(matches!(with("\"1000000\"", "\"1000000000000\""), Err(Json(_))));
        assert!(matches!(with("\"1000000\"", "\"99000000000\""), Err(Runtime(_))));
        assert!(matches!(ChainSpec::from_json(&" ".repeat(MAX_SPEC_LEN + 1)), Err(TooLong(_))));
    }

    #[test]
    fn rules_differ_where_blocks_would_be_judged_differently() {
        let dev = ChainSpec::dev();
        let mut other = dev.clone();
        other.name = "dev-2".into();
        assert_eq!(dev.rules().unwrap(), other.rules().unwrap());
        other.storage.window -= 1;
        assert_ne!(dev.rules().unwrap(), other.rules().unwrap());
    }
}
