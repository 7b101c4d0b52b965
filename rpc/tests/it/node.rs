//! A node of a development chain in memory, with a wallet of its well-known keys.

use blocktree_chainspec::ChainSpec;
use blocktree_fragments::{LEAF_SIZE, leaf_count};
use blocktree_import::Config;
use blocktree_mempool::Policy;
use blocktree_primitives::{Amount, EventId, Network, Principal, SecretKey};
use blocktree_rpc::api::{self, MinerState, NodeControl, Peering};
use blocktree_rpc::server::Limits;
use blocktree_rpc::{
    AdminToken, Api, CallLimits, Client, ClientError, Server, ServerConfig, client,
};
use blocktree_runtime::{BlocktreeRuntime, Call, Event};
use blocktree_service::{Chain, Setup, WriterThread};
use blocktree_state::MemoryLedger;
use blocktree_wallet::DevKeys;
use parity_scale_codec::Encode;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

/// Who gets the rewards of blocks on demand.
pub(crate) const COINBASE: Principal = Principal([7; 32]);
/// The network of the tests' chain.
pub(crate) const NETWORK: Network = Network::Dev;

/// Notes what an admin asked for.
#[derive(Default)]
pub(crate) struct Control {
    pub(crate) threads: AtomicU32,
    pub(crate) filter: Mutex<String>,
    pub(crate) stopped: AtomicBool,
}

impl NodeControl for Control {
    fn version(&self) -> &str {
        "1.2.3"
    }
    fn miner(&self) -> Option<MinerState> {
        match self.threads.load(Ordering::Relaxed) {
            0 => None,
            threads => Some(MinerState { threads, coinbase: COINBASE, hashes_per_second: 10 }),
        }
    }
    fn coinbase(&self) -> Option<Principal> {
        Some(COINBASE)
    }
    fn set_mining(&self, threads: u32, _: Option<Principal>) -> Result<(), String> {
        self.threads.store(threads, Ordering::Relaxed);
        Ok(())
    }
    fn set_log_filter(&self, filter: &str) -> Result<(), String> {
        if filter == "nonsense" {
            return Err("nonsense is no filter".to_owned());
        }
        *self.filter.lock().unwrap() = filter.to_owned();
        Ok(())
    }
    fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }
}

/// A node and a client of it.
pub(crate) struct Node {
    pub(crate) chain: Chain<BlocktreeRuntime>,
    pub(crate) server: Server,
    pub(crate) client: Client,
    pub(crate) control: Arc<Control>,
    pub(crate) token: String,
    pub(crate) document: Value,
    writer: WriterThread<BlocktreeRuntime>,
}

impl Node {
    /// Starts a node at genesis, without network.
    pub(crate) async fn start() -> Self {
        Self::start_with(None).await
    }

    /// Starts a node at genesis, with this for a network.
    pub(crate) async fn start_with(peering: Option<Arc<dyn Peering>>) -> Self {
        let spec = ChainSpec::dev();
        let (chain, writer) = Chain::start(Setup {
            runtime: Arc::new(BlocktreeRuntime::new(spec.runtime_params().unwrap()).unwrap()),
            params: spec.consensus_params(),
            rules: spec.rules().unwrap(),
            ledger: Arc::new(MemoryLedger::new()),
            import: Config::default(),
            policy: Policy::default(),
            max_event_len: blocktree_runtime::MAX_EVENT_LEN,
            clock: || 1_793_491_300,
        })
        .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let admin = AdminToken::load_or_create(folder.path()).unwrap();
        let token = admin.to_hex().to_string();
        let control = Arc::new(Control::default());
        let api = Api::new(chain.clone(), spec, control.clone(), peering);
        let (methods, document) = api::methods(api, admin, CallLimits::default());
        let addr = "127.0.0.1:0".parse().unwrap();
        let config = ServerConfig { addr, limits: Limits::default(), ..ServerConfig::default() };
        let server = Server::start(config, methods).await.unwrap();
        let client = Client::connect(&format!("ws://{}", server.addr())).await.unwrap();
        Self { chain, server, client, control, token, document, writer }
    }

    /// Stops it all.
    pub(crate) async fn stop(self) {
        self.server.stop().await;
        let writer = self.writer;
        tokio::task::spawn_blocking(move || writer.stop().unwrap()).await.unwrap();
    }

    /// Calls a method that answers.
    pub(crate) async fn ask(&self, method: &str, params: Value) -> Value {
        self.typed(method, params).await
    }

    /// Calls a method that answers so.
    pub(crate) async fn typed<R: DeserializeOwned>(&self, method: &str, params: Value) -> R {
        let answer = self.client.call(method, params.clone()).await;
        answer.unwrap_or_else(|error| panic!("{method} {params}: {error}"))
    }

    /// Calls a method that refuses, and tells the rule, or the code where there is none.
    pub(crate) async fn refused(&self, method: &str, params: Value) -> String {
        match self.client.call::<_, Value>(method, params.clone()).await {
            Err(ClientError::Refused(client::Refused { code, rule, .. })) => {
                rule.unwrap_or_else(|| code.to_string())
            }
            other => panic!("{method} {params}: {other:?}"),
        }
    }

    /// A signed event, encoded, and its id.
    pub(crate) fn event(
        &self,
        key: &SecretKey,
        nonce: u64,
        fee: u64,
        call: Call,
    ) -> (String, EventId) {
        let fee = Amount::from_units(fee);
        let event = Event::signed(key, &self.chain.genesis(), nonce, fee, None, call);
        (hex::encode(event.encode()), event.id(&self.chain.genesis()))
    }

    /// Signs a call with the next nonce and hands it in.
    pub(crate) async fn send(&self, key: &SecretKey, call: Call) -> EventId {
        let nonce = self.typed("event_nextNonce", json!([text(key)])).await;
        let (scale, id) = self.event(key, nonce, 10_000, call);
        assert_eq!(self.ask("event_submit", json!([scale])).await, json!(id.to_string()));
        id
    }

    /// Mines blocks.
    pub(crate) async fn mine(&self, count: u64) {
        let made = self.ask("mining_generate", json!([count])).await;
        assert_eq!(made.as_array().map(Vec::len), usize::try_from(count).ok());
    }
}

/// A well-known key.
pub(crate) fn key(index: u32) -> SecretKey {
    DevKeys::new(ChainSpec::dev().coin_type).secret(index).unwrap()
}

/// The principal of a key.
pub(crate) fn principal(key: &SecretKey) -> Principal {
    Principal::of(&key.public_key())
}

/// The principal of a key, as text.
pub(crate) fn text(key: &SecretKey) -> String {
    principal(key).to_text(NETWORK)
}

/// A transfer.
pub(crate) fn transfer(to: Principal, units: u64) -> Call {
    Call::Coin(pallet_coin::Call::Transfer { to, amount: Amount::from_units(units) })
}

/// The leaves of a fragment, for proofs by hand.
pub(crate) fn leaves(fragment: &[u8]) -> Vec<[u8; 32]> {
    let leaves: Vec<[u8; 32]> =
        fragment.chunks(LEAF_SIZE).map(blocktree_consensus::merkle::hash_leaf).collect();
    assert_eq!(leaves.len() as u64, leaf_count(fragment.len() as u64));
    leaves
}
