//! A node, put together: what it is made of, in the order in which it starts, on one screen.

use crate::control::Switches;
use crate::folders;
use crate::logging::LogFilter;
use crate::mining::Mining;
use crate::network::{self, NetworkThread};
use crate::settings::Settings;
use crate::stratum;
use anyhow::{Context, Result};
use blocktree_import::Config;
use blocktree_mempool::Policy;
use blocktree_rpc::api::{self, Api, Peering};
use blocktree_rpc::{AdminToken, CallLimits, Server};
use blocktree_runtime::{BlocktreeRuntime, MAX_EVENT_LEN};
use blocktree_service::{Chain, Setup, WriterThread};
use blocktree_store::Store;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::runtime::Runtime;
use tokio::sync::Notify;

/// A node that runs.
pub(crate) struct Node {
    pub(crate) data_dir: PathBuf,
    pub(crate) store: Arc<Store>,
    pub(crate) chain: Chain<BlocktreeRuntime>,
    pub(crate) writer: WriterThread<BlocktreeRuntime>,
    pub(crate) mining: Arc<Mining>,
    pub(crate) rpc: Server,
    /// The network; none for a node that runs alone.
    pub(crate) network: Option<NetworkThread>,
    /// Its windows and switches.
    pub(crate) peering: Option<Arc<dyn Peering>>,
    /// The Stratum port.
    pub(crate) miners: Option<blocktree_stratum::Handle>,
    /// Told when an operator wants the node to stop.
    pub(crate) stop_asked: Arc<Notify>,
}

/// Starts everything.
///
/// # Errors
/// What did not start, and why; then nothing runs.
pub(crate) fn start(settings: &Settings, log: LogFilter, runtime: &Runtime) -> Result<Node> {
    let Settings { chain: chosen, data_dir, threads, coinbase, rpc, .. } = settings;
    let folder = || format!("the data folder {}", data_dir.display());
    let store = Arc::new(Store::open(data_dir, &chosen.identity()).with_context(folder)?);
    let token = AdminToken::load_or_create(data_dir)?;
    let import = Config::default();
    let (chain, writer) = Chain::start(Setup {
        runtime: Arc::clone(&chosen.runtime),
        params: chosen.params,
        rules: chosen.rules.clone(),
        ledger: store.clone(),
        import,
        policy: Policy::default(),
        max_event_len: MAX_EVENT_LEN,
        clock: unix_time,
    })
    .with_context(folder)?;
    let mining = Arc::new(Mining::new(chain.clone(), chosen.network(), *coinbase));
    let stop_asked = Arc::new(Notify::new());
    let control = Switches { mining: mining.clone(), log, stop: stop_asked.clone() };
    let parts = |settings| network::Parts {
        settings,
        chain: &chain,
        ledger: store.clone(),
        minimum_work: import.minimum_work,
        mining: &mining,
        data_dir,
        runtime: runtime.handle(),
    };
    let started = settings.network.as_ref().map(|settings| network::start(&parts(settings)));
    let (network, peering) = match started.transpose()? {
        Some((thread, swarm)) => (Some(thread), Some(swarm as Arc<dyn Peering>)),
        None => (None, None),
    };
    let spec = chosen.spec.clone();
    let api = Api::new(chain.clone(), spec, Arc::new(control), peering.clone());
    let (methods, _) = api::methods(api, token, CallLimits::default());
    let rpc =
        runtime.block_on(Server::start(rpc.clone(), methods)).context("JSON-RPC does not start")?;
    let miners = settings.stratum.map(|address| {
        stratum::start(address, chosen.network(), &chain, &mining, runtime.handle())
            .with_context(|| format!("the Stratum port {address} (--stratum-addr) can't be opened"))
    });
    let miners = miners.transpose()?;
    folders::write_rpc_url(data_dir, rpc.addr())?;
    mining.set(*threads, None)?;
    let data_dir = data_dir.clone();
    Ok(Node { data_dir, store, chain, writer, mining, rpc, network, peering, miners, stop_asked })
}

/// Seconds since 1970; 0 on a clock that is before.
pub(crate) fn unix_time() -> u32 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u32::try_from(since.as_secs()).unwrap_or(u32::MAX)
}
