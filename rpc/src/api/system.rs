//! `system_*`: the node and its chain.

use super::{Api, Peering, SyncProgress, def};
use crate::error::RpcError;
use crate::params::NoParams;
use crate::registry::Registry;
use crate::types::system::{
    BindingRules, ChainInfo, CoinRules, Health, PeerInfo, Properties, Rules, StorageRules,
    SyncState, Version,
};

/// Decimal places of a blockcoin.
const DECIMALS: u8 = 8;

pub(super) fn register(registry: &mut Registry<Api>) {
    registry.method(def("system_health", "Whether the node works.", 1), health);
    registry.method(def("system_version", "The program and its version.", 1), version);
    registry.method(def("system_chain", "Which chain this is.", 1), chain);
    registry.method(
        def("system_properties", "What a wallet must know of the chain, and its rules.", 2),
        properties,
    );
    registry.method(def("system_syncState", "How far the node has come.", 1), sync_state);
    registry.method(def("system_peers", "The peers that are connected.", 20), peers);
    registry.method(
        def("system_localPeerId", "The node's own name in the network; null without one.", 1),
        local_peer_id,
    );
    registry.method(
        def("system_localListenAddresses", "Where other nodes reach it, for --bootnode.", 2),
        local_listen_addresses,
    );
}

fn health(api: &Api, _: NoParams) -> Result<Health, RpcError> {
    let fault = api.chain().fault().borrow().as_ref().map(ToString::to_string);
    let tip = api.chain().published();
    Ok(Health {
        healthy: fault.is_none(),
        fault,
        tip_age_seconds: api.chain().now().saturating_sub(tip.tip().time),
        mining: api.node().miner().is_some(),
        peers: api.peering().map_or(0, |p| u64::try_from(p.peers().len()).unwrap_or(u64::MAX)),
        syncing: api.peering().is_some_and(|peering| peering.sync().syncing),
    })
}

fn version(api: &Api, _: NoParams) -> Result<Version, RpcError> {
    Ok(Version { name: "blocktree".to_owned(), version: api.node().version().to_owned() })
}

fn chain(api: &Api, _: NoParams) -> Result<ChainInfo, RpcError> {
    Ok(ChainInfo {
        name: api.spec().name.clone(),
        network: api.network().into(),
        genesis: api.chain().genesis().into(),
    })
}

/// A node without network knows no better blocks than its own.
fn sync_state(api: &Api, _: NoParams) -> Result<SyncState, RpcError> {
    let SyncProgress { syncing, target, left } =
        api.peering().map(Peering::sync).unwrap_or_default();
    let published = api.chain().published();
    let tip = published.tip();
    // The tip may have passed the target since that was noted.
    let target = target.max(tip.height.0);
    Ok(SyncState { height: tip.height.0, block_hash: tip.hash.into(), syncing, target, left })
}

fn peers(api: &Api, _: NoParams) -> Result<Vec<PeerInfo>, RpcError> {
    let peers = api.peering().map(Peering::peers).unwrap_or_default();
    Ok(peers.into_iter().map(PeerInfo::from).collect())
}

fn local_peer_id(api: &Api, _: NoParams) -> Result<Option<String>, RpcError> {
    Ok(api.peering().map(Peering::local_peer_id))
}

fn local_listen_addresses(api: &Api, _: NoParams) -> Result<Vec<String>, RpcError> {
    Ok(api.peering().map(Peering::listen_addresses).unwrap_or_default())
}

fn properties(api: &Api, _: NoParams) -> Result<Properties, RpcError> {
    Ok(Properties {
        chain: api.spec().name.clone(),
        network: api.network().into(),
        genesis: api.chain().genesis().into(),
        principal_prefix: api.network().prefix().to_owned(),
        coin_type: api.spec().coin_type,
        decimals: DECIMALS,
        spacing_seconds: api.chain().params().spacing,
        max_event_len: u64::try_from(api.chain().max_event_len()).unwrap_or(u64::MAX),
        rules: rules(api),
    })
}

fn rules(api: &Api) -> Rules {
    let params = api.chain().runtime().params();
    let (coin, binding, storage) = (&params.coin, &params.binding, &params.storage);
    Rules {
        coin: CoinRules {
            floor: coin.floor.into(),
            subsidy: coin.subsidy.into(),
            pool_cap: coin.pool_cap.into(),
            halving_interval: coin.halving_interval,
        },
        binding: BindingRules {
            deposit: binding.deposit.into(),
            max_validity: binding.max_validity,
        },
        storage: StorageRules {
            draws: storage.draws,
            demands: storage.demands,
            interval: storage.interval.0,
            window: storage.window.0,
            window_seconds: storage.window_seconds,
            strike_gap: storage.strike_gap.0,
            grace: storage.grace.0,
            burn_ppm: storage.burn_ppm,
            place_burn: storage.place_burn.into(),
            provider_deposit: storage.provider_deposit.into(),
            offer_deposit: storage.offer_deposit.into(),
            placement_deposit: storage.placement_deposit.into(),
            demand_deposit: storage.demand_deposit.into(),
            max_payment: storage.max_payment.into(),
            max_collateral: storage.max_collateral.into(),
            acceptance_validity: storage.acceptance_validity.0,
            withdrawal_delay: storage.withdrawal_delay.0,
        },
    }
}
