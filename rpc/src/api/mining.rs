//! `supply_get` and `mining_*`: how much coin there is, and making more.

use super::{Api, def};
use crate::error::{RpcError, interface};
use crate::params::NoParams;
use crate::registry::Registry;
use crate::types::system::{MinedBlock, MinerInfo, MiningInfo, SupplyInfo, TemplateInfo};
use crate::types::{AtTip, Binary, HashHex, PrincipalText};
use blocktree_consensus::{Candidate, Target};
use blocktree_import::Imported;
use blocktree_primitives::header::{COMMITMENT_LEN, HEADER_LEN};
use blocktree_primitives::{BlockHash, Commitment, Header, decode_exact};
use blocktree_runtime::Call;
use blocktree_state::Fault;
use pallet_coin::supply::Supply;
use parity_scale_codec::{Decode, Encode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Blocks of one `mining_generate` at most, so that its answer comes in time.
const MOST_BLOCKS: u32 = 1_000;

/// Parameters of `mining_getTemplate`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TemplateParams {
    /// Who gets the reward.
    principal: PrincipalText,
}

/// Parameters of `mining_submit`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SolutionParams {
    /// The number of the template.
    template: u64,
    /// The header's 80 bytes, whose hash meets the target.
    raw: Binary,
    /// The 144 bytes that it commits to: the template's, the last 8 perhaps changed.
    commitment: Binary,
}

/// Parameters of `mining_submitBlock`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct BlockParams {
    /// The whole encoded block: header, commitment, events.
    block_scale: Binary,
}

/// Parameters of `mining_generate`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct GenerateParams {
    /// How many blocks, 1 to 1000.
    count: u32,
    /// Who gets the rewards; the node's coinbase if left out.
    #[serde(default)]
    principal: Option<PrincipalText>,
}

pub(super) fn register(registry: &mut Registry<Api>) {
    registry.method(def("supply_get", "How much blockcoin there is, and where from.", 1), supply);
    registry.method(
        def("mining_getInfo", "The difficulty, and what the built-in miner does.", 2),
        info,
    );
    registry.blocking_method(
        def("mining_getTemplate", "A block without its proof of work.", 100),
        template,
    );
    registry.async_method(
        def("mining_submit", "Takes a template's proof of work.", 100),
        |api: Arc<Api>, params: SolutionParams| async move { submit(&api, params).await },
    );
    registry.async_method(
        def("mining_submitBlock", "Takes a whole block, wherever it was made.", 100),
        |api: Arc<Api>, params: BlockParams| async move {
            accept(&api, Candidate::<Call>::decode(&params.block_scale.0)?).await
        },
    );
    registry.blocking_method(
        def("mining_generate", "Mines blocks at once; on development chains only.", 1_000),
        generate,
    );
}

fn supply(api: &Api, _: NoParams) -> Result<AtTip<SupplyInfo>, RpcError> {
    let at = api.at_tip();
    let supply = Supply::get(&at.state())?;
    let total = supply.total().ok_or_else(|| Fault::Bug("the supply does not add up".into()))?;
    Ok(at.answer(SupplyInfo {
        total: total.into(),
        genesis: supply.genesis.into(),
        subsidies: supply.subsidies.into(),
        pool_payouts: supply.pool_payouts.into(),
        burned: supply.burned.into(),
        pool: supply.pool.into(),
    }))
}

/// Targets are shown as block hashes are, so that the two compare as text.
fn show_target(target: Target) -> Binary {
    let mut bytes = target.to_le_bytes();
    bytes.reverse();
    Binary::from(bytes)
}

fn info(api: &Api, _: NoParams) -> Result<MiningInfo, RpcError> {
    let published = api.chain().published();
    let tip = published.tip();
    let target = Target::from_bits(tip.bits)
        .map_err(|error| Fault::Corrupt(format!("the tip's target: {error}")))?;
    Ok(MiningInfo {
        height: tip.height.0.saturating_add(1),
        bits: tip.bits,
        target: show_target(target),
        work: target.work().hashes().to_string(),
        total_work: tip.total_work.hashes().to_string(),
        miner: api.node().miner().map(|miner| MinerInfo {
            threads: miner.threads,
            coinbase: api.show(&miner.coinbase),
            hashes_per_second: miner.hashes_per_second,
        }),
    })
}

fn template(api: &Api, params: TemplateParams) -> Result<TemplateInfo, RpcError> {
    let template = api.chain().template(&api.principal(&params.principal)?)?;
    Ok(TemplateInfo {
        template: template.id,
        height: template.commitment.height.0,
        raw: Binary(template.header.to_bytes().to_vec()),
        commitment: Binary(template.commitment.encode()),
        target: show_target(template.target),
        min_time: template.min_time,
        events: u64::try_from(template.events.len()).unwrap_or(u64::MAX),
        fees: template.fees.into(),
        weight: template.weight,
    })
}

fn fixed<T: Decode>(bytes: &Binary, len: usize, what: &str) -> Result<T, RpcError> {
    let wrong = |_| RpcError::invalid_params(format!("{what} is {len} bytes in hex"));
    decode_exact(&bytes.0, len).map_err(wrong)
}

async fn submit(api: &Api, params: SolutionParams) -> Result<MinedBlock, RpcError> {
    let header: Header = fixed(&params.raw, HEADER_LEN, "raw")?;
    let commitment: Commitment = fixed(&params.commitment, COMMITMENT_LEN, "commitment")?;
    accept(api, api.chain().solved(params.template, header, commitment)?).await
}

/// Gives a block to the importer.
async fn accept(api: &Api, block: Candidate<Call>) -> Result<MinedBlock, RpcError> {
    match api.chain().import(block).await? {
        Imported::NewTip { hash, .. } => Ok(MinedBlock { block_hash: hash.into(), tip: true }),
        Imported::Side(hash) => Ok(MinedBlock { block_hash: hash.into(), tip: false }),
        Imported::Known(hash) => Err(not_accepted(&hash, "is known already")),
        Imported::KnownInvalid(hash) => Err(not_accepted(&hash, "is known to be invalid")),
        Imported::TooLittleWork(hash) => Err(not_accepted(&hash, "has too little work behind it")),
        Imported::NotYet(reason) => Err(reason.into()),
        Imported::Refused(violation) => Err(violation.into()),
    }
}

fn not_accepted(hash: &BlockHash, why: &str) -> RpcError {
    RpcError::refused(&interface::NOT_ACCEPTED, format!("block {hash} {why}"))
}

fn generate(api: &Api, params: GenerateParams) -> Result<Vec<HashHex<BlockHash>>, RpcError> {
    if !(1..=MOST_BLOCKS).contains(&params.count) {
        let why = format!("count is 1 to {MOST_BLOCKS}, not {}", params.count);
        return Err(RpcError::invalid_params(why));
    }
    let miner = match &params.principal {
        Some(text) => api.principal(text)?,
        None => api.node().coinbase().ok_or_else(|| {
            RpcError::invalid_params(
                "the node has no coinbase, so say which principal is to get the rewards",
            )
        })?,
    };
    let made = api.chain().generate(params.count, &miner)?;
    Ok(made.into_iter().map(HashHex).collect())
}
