//! The service on a ledger in memory: blocks on demand, events through the pool, restarts.
// All of it is tests, which clippy only sees in `#[test]` functions.
#![allow(clippy::unwrap_used)]

use blocktree_chainspec::ChainSpec;
use blocktree_import::Config;
use blocktree_mempool::Policy;
use blocktree_primitives::{Amount, Principal};
use blocktree_runtime::{BlocktreeRuntime, Call, Event};
use blocktree_service::{Chain, EventStatus, Setup, WriterThread};
use blocktree_state::{Ledger, MemoryLedger};
use blocktree_wallet::DevKeys;
use parity_scale_codec::Encode;
use std::sync::Arc;

type DevChain = Chain<BlocktreeRuntime>;

fn start(ledger: Arc<dyn Ledger>) -> (DevChain, WriterThread<BlocktreeRuntime>) {
    let spec = ChainSpec::dev();
    Chain::start(Setup {
        runtime: Arc::new(BlocktreeRuntime::new(spec.runtime_params().unwrap()).unwrap()),
        params: spec.consensus_params(),
        rules: spec.rules().unwrap(),
        ledger,
        import: Config::default(),
        policy: Policy::default(),
        max_event_len: blocktree_runtime::MAX_EVENT_LEN,
        clock: || 1_793_491_300,
    })
    .unwrap()
}

fn transfer(chain: &DevChain, from: u32, to: Principal, nonce: u64, units: u64) -> Vec<u8> {
    let key = DevKeys::new(1).secret(from).unwrap();
    let call = Call::Coin(pallet_coin::Call::Transfer { to, amount: Amount::from_units(units) });
    let fee = Amount::from_units(1000);
    Event::signed(&key, &chain.genesis(), nonce, fee, None, call).encode()
}

fn free(chain: &DevChain, principal: &Principal) -> u64 {
    let published = chain.published();
    let account = pallet_coin::accounts::get(&published.state(), principal).unwrap();
    account.free.units()
}

#[tokio::test]
async fn an_event_goes_through_pool_and_block_and_back() {
    let ledger = MemoryLedger::new();
    let (chain, writer) = start(Arc::new(ledger.clone()));
    let miner = Principal([7; 32]);
    let to = Principal([8; 32]);
    let id = chain.submit(transfer(&chain, 1, to, 0, 500_000)).await.unwrap().id;
    assert!(matches!(
        chain.event_status(&id).unwrap(),
        EventStatus::Waiting { waits_for: None, .. }
    ));
    let handle = chain.clone();
    let made = tokio::task::spawn_blocking(move || handle.generate(3, &miner).unwrap());
    assert_eq!(made.await.unwrap().len(), 3);
    assert!(matches!(
        chain.event_status(&id).unwrap(),
        EventStatus::InBlock { depth: 3, index: 0, .. }
    ));
    assert_eq!(free(&chain, &to), 500_000);
    // Three subsidies of 50 coins and one fee.
    assert_eq!(free(&chain, &miner), 15_000_001_000);

    assert_eq!(chain.revert(3).await.unwrap(), 3);
    assert_eq!(free(&chain, &to), 0);
    assert!(matches!(chain.event_status(&id).unwrap(), EventStatus::Waiting { .. }));

    // A killed node (nothing is closed) starts again with the event.
    let (again, writer_again) = start(Arc::new(ledger.fork()));
    assert!(matches!(again.event_status(&id).unwrap(), EventStatus::Waiting { .. }));
    let handle = again.clone();
    tokio::task::spawn_blocking(move || handle.generate(1, &miner).unwrap()).await.unwrap();
    assert_eq!(free(&again, &to), 500_000);
    for thread in [writer, writer_again] {
        tokio::task::spawn_blocking(move || thread.stop().unwrap()).await.unwrap();
    }
}
