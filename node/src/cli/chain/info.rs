//! `blocktree chain info`.

use super::InfoArgs;
use super::folder::{Folder, refuse_empty};
use super::report::Tip;
use crate::chosen::Chosen;
use crate::{folders, output};
use anyhow::{Context, Result};
use blocktree_rpc::types::HeaderJson;
use blocktree_rpc::types::system::{Health, SyncState};
use blocktree_rpc::{Client, ClientError};
use blocktree_store::{OpenError, Store};
use serde::Serialize;
use serde_json::json;
use std::fs;
use std::path::Path;
use std::sync::Arc;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Info {
    #[serde(skip_serializing_if = "Option::is_none")]
    chain: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    genesis: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_dir: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disk_bytes: Option<u64>,
    /// The node that was asked; none when the folder was.
    node: Option<String>,
    /// Its network; none when the folder was asked.
    #[serde(flatten)]
    network: Option<NetworkState>,
    tip: Tip,
}

/// What a node says of its network.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NetworkState {
    /// Peers that are connected.
    peers: u64,
    /// Whether better blocks are known, or claimed by peers.
    syncing: bool,
    /// Height of the best branch that is known.
    target: u64,
    /// Blocks of it that are still to be applied.
    left: u64,
}

pub(super) fn run(args: InfoArgs) -> Result<()> {
    let info = match args.rpc {
        Some(url) => {
            let (tip, network) = ask(&url)?;
            let (chain, genesis, data_dir, disk_bytes) = (None, None, None, None);
            let network = Some(network);
            Info { chain, genesis, data_dir, disk_bytes, node: Some(url), network, tip }
        }
        None => {
            let (chain, path) = args.folder.load()?;
            of_folder(chain, &path)?
        }
    };
    output::result(args.json, &info, in_words)
}

fn of_folder(chain: Chosen, path: &Path) -> Result<Info> {
    refuse_empty(path)?;
    let (name, genesis, prefix) = (chain.spec.name.clone(), chain.genesis, chain.network());
    let (node, network, tip) = match Store::open(path, &chain.identity()) {
        Err(OpenError::Locked { .. }) => {
            let url = folders::read_rpc_url(path)?;
            let (tip, network) = ask(&url)?;
            (Some(url), Some(network), tip)
        }
        opened => {
            let store = opened.with_context(|| format!("the data folder {}", path.display()))?;
            let folder = Folder { chain, path: path.to_owned(), store: Arc::new(store) };
            // Begins the chain where a first start was cut short.
            drop(folder.chain()?);
            (None, None, Tip::read(&*folder.store, prefix)?)
        }
    };
    Ok(Info {
        chain: Some(name),
        genesis: Some(genesis.to_string()),
        data_dir: Some(path.display().to_string()),
        disk_bytes: Some(size(path)),
        node,
        network,
        tip,
    })
}

/// The tip and the network of a node.
fn ask(url: &str) -> Result<(Tip, NetworkState)> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("the async runtime can't be started")?;
    let asked: Result<_, ClientError> = runtime.block_on(async {
        let client = Client::connect(url).await?;
        let header: HeaderJson = client.call("chain_getHeader", json!([])).await?;
        let sync: SyncState = client.call("system_syncState", json!([])).await?;
        let health: Health = client.call("system_health", json!([])).await?;
        Ok((header, sync, health))
    });
    let (header, SyncState { syncing, target, left, .. }, health) = asked?;
    Ok((Tip::of(&header), NetworkState { peers: health.peers, syncing, target, left }))
}

/// Bytes of all files in a folder, as far as they can be read: some come and go.
fn size(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let sizes = entries.flatten().map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => size(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    });
    sizes.fold(0, u64::saturating_add)
}

fn in_words(info: &Info) -> String {
    let mut rows = Vec::new();
    let mut add = |label, value: &Option<String>| {
        rows.extend(value.clone().map(|value| (label, value)));
    };
    add("chain", &info.chain);
    add("genesis", &info.genesis);
    add("data folder", &info.data_dir);
    add("on disk", &info.disk_bytes.map(output::bytes));
    add("node", &Some(info.node.clone().unwrap_or_else(|| "none runs on this folder".into())));
    if let Some(NetworkState { peers, syncing, target, left }) = &info.network {
        rows.push(("peers", peers.to_string()));
        let sync = match (syncing, left) {
            (false, _) => "no better block is known".to_owned(),
            (true, 0) => "looking for better blocks".to_owned(),
            (true, left) => format!("{left} blocks up to height {target} are to be applied"),
        };
        rows.push(("sync", sync));
    }
    rows.extend(info.tip.rows());
    output::table(&rows)
}
