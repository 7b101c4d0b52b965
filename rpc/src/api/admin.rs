//! `admin_*`: what only who can read the data folder may do.

use super::{Api, Peering, def};
use crate::error::{RpcError, interface};
use crate::registry::{AdminParams, Registry};
use crate::types::PrincipalText;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Threads that can be asked for.
const MOST_THREADS: u32 = 256;

/// Parameters of `admin_setMining`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct MiningParams {
    /// Threads that search, 0 to 256; 0 switches mining off.
    threads: u32,
    /// Who gets the rewards; who got them before if left out.
    #[serde(default)]
    coinbase: Option<PrincipalText>,
    /// The token of the data folder, unless the header `Authorization: Bearer` has it.
    #[serde(default)]
    token: Option<String>,
}

/// Parameters of `admin_setLogFilter`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LogParams {
    /// What is logged, in the syntax of `--log`: `info`, or `warn,blocktree_import=debug`.
    filter: String,
    /// The token of the data folder, unless the header `Authorization: Bearer` has it.
    #[serde(default)]
    token: Option<String>,
}

/// Parameters of `admin_addPeer`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AddPeerParams {
    /// Where it is and who it is: a multiaddr that ends in `/p2p/…`, as
    /// `system_localListenAddresses` of the other node answers it.
    address: String,
    /// The token of the data folder, unless the header `Authorization: Bearer` has it.
    #[serde(default)]
    token: Option<String>,
}

/// Parameters of `admin_removePeer`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RemovePeerParams {
    /// Its name in the network, as `system_peers` answers it.
    peer_id: String,
    /// The token of the data folder, unless the header `Authorization: Bearer` has it.
    #[serde(default)]
    token: Option<String>,
}

/// Parameters of `admin_stop`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct StopParams {
    /// The token of the data folder, unless the header `Authorization: Bearer` has it.
    #[serde(default)]
    token: Option<String>,
}

macro_rules! carries_token {
    ($($params:ty),*) => {$(
        impl AdminParams for $params {
            fn token(&self) -> Option<&str> {
                self.token.as_deref()
            }
        }
    )*};
}
carries_token!(MiningParams, LogParams, AddPeerParams, RemovePeerParams, StopParams);

pub(super) fn register(registry: &mut Registry<Api>) {
    registry.admin_method(
        def("admin_setMining", "Switches the built-in miner; true when it is done.", 10),
        set_mining,
    );
    registry.admin_method(
        def("admin_setLogFilter", "Sets what is logged; true when it is done.", 10),
        set_log_filter,
    );
    registry.admin_method(
        def("admin_addPeer", "Connects with a peer for good; true when it has begun to.", 10),
        add_peer,
    );
    registry.admin_method(
        def("admin_removePeer", "Ends the connection with a peer; true when it has begun to.", 10),
        remove_peer,
    );
    registry.admin_method(
        def("admin_stop", "Stops the node; true when it has begun to.", 10),
        |api, _: StopParams| {
            api.node().stop();
            Ok(true)
        },
    );
}

fn not_done(why: String) -> RpcError {
    RpcError::refused(&interface::NOT_DONE, why)
}

fn set_mining(api: &Api, params: MiningParams) -> Result<bool, RpcError> {
    if params.threads > MOST_THREADS {
        let why = format!("threads are 0 to {MOST_THREADS}, not {}", params.threads);
        return Err(RpcError::invalid_params(why));
    }
    let coinbase = params.coinbase.map(|text| api.principal(&text)).transpose()?;
    api.node().set_mining(params.threads, coinbase).map_err(not_done)?;
    Ok(true)
}

fn set_log_filter(api: &Api, params: LogParams) -> Result<bool, RpcError> {
    api.node().set_log_filter(&params.filter).map_err(not_done)?;
    Ok(true)
}

fn add_peer(api: &Api, params: AddPeerParams) -> Result<bool, RpcError> {
    peering(api)?.add_peer(&params.address).map_err(not_done)?;
    Ok(true)
}

fn remove_peer(api: &Api, params: RemovePeerParams) -> Result<bool, RpcError> {
    peering(api)?.remove_peer(&params.peer_id).map_err(not_done)?;
    Ok(true)
}

fn peering(api: &Api) -> Result<&dyn Peering, RpcError> {
    api.peering().ok_or_else(|| not_done("the node runs without a network".to_owned()))
}
