//! A node, put together: what it is made of, in the order in which it starts, on one screen.

use crate::control::Switches;
use crate::folders;
use crate::logging::LogFilter;
use crate::mining::Mining;
use crate::network::{self, NetworkThread};
use crate::settings::Settings;
use crate::stratum;
use anyhow::{Context, Result, anyhow};
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
    let Settings { chain: chosen, data_dir, .. } = settings;
    let folder = || format!("the data folder {}", data_dir.display());
    let store = Arc::new(Store::open(data_dir, &chosen.identity()).with_context(folder)?);
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
    let mut doors = Doors::default();
    let opened = open(settings, log, runtime, (&store, &chain, import), &mut doors);
    match (opened, doors.rpc) {
        (Ok((mining, stop_asked)), Some(rpc)) => {
            let Doors { network, peering, miners, .. } = doors;
            let data_dir = data_dir.clone();
            Ok(Node {
                data_dir,
                store,
                chain,
                writer,
                mining,
                rpc,
                network,
                peering,
                miners,
                stop_asked,
            })
        }
        (opened, rpc) => {
            // In order, as at any end: no thread may hold the data folder while the process ends.
            if let Some(miners) = doors.miners {
                runtime.block_on(miners.stop());
            }
            if let Some(network) = doors.network {
                network.stop(runtime);
            }
            if let Some(rpc) = rpc {
                runtime.block_on(rpc.stop());
            }
            drop(chain);
            // What came first is what matters.
            drop(writer.stop());
            Err(opened.err().unwrap_or_else(|| anyhow!("JSON-RPC does not start")))
        }
    }
}

/// What listens so far.
#[derive(Default)]
struct Doors {
    network: Option<NetworkThread>,
    peering: Option<Arc<dyn Peering>>,
    rpc: Option<Server>,
    miners: Option<blocktree_stratum::Handle>,
}

/// Opens all doors, and begins to mine.
fn open(
    settings: &Settings,
    log: LogFilter,
    runtime: &Runtime,
    (store, chain, import): (&Arc<Store>, &Chain<BlocktreeRuntime>, Config),
    doors: &mut Doors,
) -> Result<(Arc<Mining>, Arc<Notify>)> {
    let Settings { chain: chosen, data_dir, threads, coinbase, rpc, .. } = settings;
    let token = AdminToken::load_or_create(data_dir)?;
    let mining = Arc::new(Mining::new(chain.clone(), chosen.network(), *coinbase));
    let stop_asked = Arc::new(Notify::new());
    let control = Switches { mining: mining.clone(), log, stop: stop_asked.clone() };
    if let Some(settings) = &settings.network {
        let (thread, swarm) = network::start(&network::Parts {
            settings,
            chain,
            ledger: store.clone(),
            minimum_work: import.minimum_work,
            mining: &mining,
            data_dir,
            runtime: runtime.handle(),
        })?;
        doors.network = Some(thread);
        doors.peering = Some(swarm);
    }
    let spec = chosen.spec.clone();
    let api = Api::new(chain.clone(), spec, Arc::new(control), doors.peering.clone());
    let (methods, _) = api::methods(api, token, CallLimits::default());
    let rpc =
        runtime.block_on(Server::start(rpc.clone(), methods)).context("JSON-RPC does not start")?;
    let addr = rpc.addr();
    doors.rpc = Some(rpc);
    if let Some(address) = settings.stratum {
        let network = chosen.network();
        let started = stratum::start(address, network, chain, &mining, runtime.handle());
        doors.miners = Some(started.with_context(|| {
            format!(
                "Stratum can't listen on {address}: stop what listens there, or choose another \
                 with --stratum-addr"
            )
        })?);
    }
    folders::write_rpc_url(data_dir, addr)?;
    mining.set(*threads, None)?;
    Ok((mining, stop_asked))
}

/// Seconds since 1970; 0 on a clock that is before.
pub(crate) fn unix_time() -> u32 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u32::try_from(since.as_secs()).unwrap_or(u32::MAX)
}
