//! Data folders and exports, made by the chain's own service in this process.

use blocktree_chainspec::{ChainSpec, Coins};
use blocktree_consensus::{CheckedEvent, EncodedEvent, check_event};
use blocktree_import::{Config, Importer, archive};
use blocktree_mempool::Policy;
use blocktree_primitives::{Amount, BlockHash, Principal, SecretKey};
use blocktree_runtime::{BlocktreeRuntime, Call, Event};
use blocktree_service::{Chain, Setup, WriterThread};
use blocktree_state::{Ledger, MemoryLedger};
use blocktree_store::{Identity, Store};
use rayon::prelude::*;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Who signs: as many as a chainspec's file has room for.
const SIGNERS: usize = 10_000;
/// Who is paid.
const RECEIVERS: usize = 100_000;
/// Events that wait at once: a bit less than the pool takes.
const WAITING: usize = 80_000;
/// Blocks made between two looks at the whole.
const AT_ONCE: usize = 5_000;

/// A chain of transfers.
pub(crate) struct Made {
    pub(crate) spec: PathBuf,
    pub(crate) export: PathBuf,
    /// The data folder that it was exported from.
    pub(crate) folder: PathBuf,
}

type Started = (Arc<Store>, Chain<BlocktreeRuntime>, WriterThread<BlocktreeRuntime>);

fn start(spec: &ChainSpec, data: &Path) -> Started {
    let runtime = Arc::new(BlocktreeRuntime::new(spec.runtime_params().unwrap()).unwrap());
    let (params, rules) = (spec.consensus_params(), spec.rules().unwrap());
    let nothing = Arc::new(MemoryLedger::new());
    let config = Config::default();
    let opened = Importer::open(runtime.clone(), params, rules.clone(), nothing, config).unwrap();
    let identity = Identity { genesis: opened.genesis(), chain_name: spec.name.clone() };
    let store = Arc::new(Store::open(data, &identity).unwrap());
    let (chain, writer) = Chain::start(Setup {
        runtime,
        params,
        rules,
        ledger: store.clone(),
        import: config,
        policy: Policy::default(),
        max_event_len: blocktree_runtime::MAX_EVENT_LEN,
        clock: || ChainSpec::dev().consensus.genesis_time + 1,
    })
    .unwrap();
    (store, chain, writer)
}

fn stop((store, chain, writer): Started) {
    drop(chain);
    writer.stop().unwrap();
    store.flush().unwrap();
}

/// Brings the dev chain in `data` to `blocks` empty blocks.
pub(crate) fn empty_blocks(data: &Path, blocks: usize) -> u64 {
    let started = start(&ChainSpec::dev(), data);
    let chain = &started.1;
    let height = || usize::try_from(chain.published().tip().height.0).unwrap();
    let before = height();
    while height() < blocks {
        let count = AT_ONCE.min(blocks - height());
        chain.generate(u32::try_from(count).unwrap(), &Principal([1; 32])).unwrap();
    }
    let made = height() - before;
    stop(started);
    made as u64
}

fn secret(index: usize) -> SecretKey {
    let mut bytes = [1; 32];
    bytes[..8].copy_from_slice(&(index as u64).to_le_bytes());
    SecretKey::from_bytes(bytes).unwrap()
}

/// A receiver: nobody has the key of it, so it costs nothing to make.
fn receiver(index: usize) -> Principal {
    let mut bytes = [0xee; 32];
    bytes[..8].copy_from_slice(
        &((index % RECEIVERS) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes(),
    );
    Principal(bytes)
}

fn transfer(secrets: &[SecretKey], genesis: &BlockHash, index: usize) -> Event {
    let (from, nonce) = (index % SIGNERS, index / SIGNERS);
    // 0.01 blockcoin: what a new account must get, ten times.
    let amount = Amount::from_units(1_000_000);
    let call = Call::Coin(pallet_coin::Call::Transfer { to: receiver(index), amount });
    let fee = Amount::from_units(1000);
    Event::signed(&secrets[from], genesis, nonce as u64, fee, None, call)
}

/// A chain with `transfers` transfers from 10,000 principals to 100,000 others, as an export.
pub(crate) fn transfers(folder: &Path, transfers: usize) -> Made {
    let secrets: Vec<SecretKey> = (0..SIGNERS).into_par_iter().map(secret).collect();
    let mut spec = ChainSpec::dev();
    let balance = Coins(Amount::parse_coins("10000").unwrap());
    let name = |secret: &SecretKey| Principal::of(&secret.public_key()).to_text(spec.network());
    spec.coin.genesis = secrets.par_iter().map(|secret| (name(secret), balance)).collect();
    let made = Made {
        spec: folder.join("spec.json"),
        export: folder.join("export"),
        folder: folder.join("made"),
    };
    std::fs::write(&made.spec, serde_json::to_string(&spec).unwrap()).unwrap();

    let started = start(&spec, &made.folder);
    let (store, chain) = (&started.0, &started.1);
    let tokio = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let all: Vec<usize> = (0..transfers).collect();
    for indexes in all.chunks(WAITING) {
        let genesis = chain.genesis();
        let checked: Vec<_> = indexes
            .par_iter()
            .map(|index| EncodedEvent::from(transfer(&secrets, &genesis, *index)))
            .map(|event| Arc::new(check_event(&**chain.runtime(), &genesis, event).unwrap()))
            .collect();
        tokio.block_on(async {
            // Many at a time, so that they share a write to the disk.
            for events in checked.chunks(1000) {
                let submit = |event: &Arc<CheckedEvent<Call>>| {
                    let (chain, event) = (chain.clone(), event.clone());
                    tokio::spawn(async move { chain.submit_checked(event).await.unwrap() })
                };
                let waiting: Vec<_> = events.iter().map(submit).collect();
                for submitted in waiting {
                    submitted.await.unwrap();
                }
            }
        });
        while chain.pool().info().events > 0 {
            chain.generate(1, &Principal([1; 32])).unwrap();
        }
    }
    let mut out = BufWriter::new(File::create(&made.export).unwrap());
    archive::export(&*store.snapshot(), &mut out, |_| ()).unwrap();
    drop(out);
    stop(started);
    made
}
