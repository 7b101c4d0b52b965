//! The server's process: a node's chain, store and server, and beside it a server of plain jsonrpsee.

use crate::world;
use blocktree_chainspec::ChainSpec;
use blocktree_consensus::{genesis_block, genesis_state};
use blocktree_import::Config;
use blocktree_mempool::Policy;
use blocktree_primitives::Principal;
use blocktree_rpc::api::{self, MinerState, NodeControl};
use blocktree_rpc::{AdminToken, Api, CallLimits, Server, ServerConfig};
use blocktree_runtime::Call;
use blocktree_service::{Chain, Setup};
use blocktree_state::MemoryLedger;
use blocktree_state::auth::{AuthMap, Limits};
use blocktree_store::{Identity, Store};
use jsonrpsee::RpcModule;
use jsonrpsee::server::Methods;
use std::io::Read;
use std::sync::Arc;

/// A node that does nothing beside its chain.
struct Idle;

impl NodeControl for Idle {
    fn version(&self) -> &str {
        "0.0.0"
    }
    fn miner(&self) -> Option<MinerState> {
        None
    }
    fn coinbase(&self) -> Option<Principal> {
        None
    }
    fn set_mining(&self, _: u32, _: Option<Principal>) -> Result<(), String> {
        Err("there is no miner".into())
    }
    fn set_log_filter(&self, _: &str) -> Result<(), String> {
        Err("there is no log".into())
    }
    fn stop(&self) {}
}

fn empty_method() -> RpcModule<()> {
    let mut module = RpcModule::new(());
    module.register_method("empty", |_, (), _| ()).unwrap();
    module
}

/// Serves until its standard input ends. Says on its standard output where, and which chain.
pub(crate) fn run() {
    let spec = ChainSpec::dev();
    let (runtime, rules) = world::rules();
    let params = spec.consensus_params();
    let nothing = MemoryLedger::new();
    let mut map = AuthMap::open(&nothing, Limits::default()).unwrap();
    let root = map.apply(&nothing, &genesis_state(&*runtime).unwrap()).unwrap();
    let genesis = genesis_block::<Call>(&params, &rules, root).hash();

    let folder = tempfile::tempdir().unwrap();
    let identity = Identity { genesis, chain_name: "bench".into() };
    let store = Arc::new(Store::open(&folder.path().join("data"), &identity).unwrap());
    let (chain, writer) = Chain::start(Setup {
        runtime,
        params,
        rules,
        ledger: store,
        import: Config::default(),
        policy: Policy::default(),
        max_event_len: blocktree_runtime::MAX_EVENT_LEN,
        clock: || 1_793_491_300,
    })
    .unwrap();
    let token = AdminToken::load_or_create(folder.path()).unwrap();
    let api = Api::new(chain, spec, Arc::new(Idle), None);
    let (methods, _) = api::methods(api, token, CallLimits::default());
    let mut methods: Methods = methods;
    methods.merge(empty_method()).unwrap();

    let tokio = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let addr = "127.0.0.1:0".parse().unwrap();
    let config = ServerConfig { addr, ..ServerConfig::default() };
    let node = tokio.block_on(Server::start(config, methods)).unwrap();
    let plain = tokio.block_on(async {
        let server = jsonrpsee::server::Server::builder().build(addr).await.unwrap();
        let addr = server.local_addr().unwrap();
        (server.start(empty_method()), addr)
    });
    println!("{} {} {genesis}", node.addr(), plain.1);
    let _ = std::io::stdin().read(&mut [0]);
    tokio.block_on(node.stop());
    drop(plain.0);
    drop(tokio);
    writer.stop().unwrap();
}
