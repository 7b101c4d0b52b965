//! The configuration file: TOML, in which every key is known. What it says, a flag overrides.
//! Nothing in it decides what is valid: that is the chainspec's.

use crate::usage::UsageError;
use anyhow::{Context, Result};
use serde::Deserialize;
use std::fs::File;
use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Bytes of a configuration file at most.
const MAX_LEN: u64 = 1 << 20;

/// A configuration file. An example with every key is in docs/operations.md.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct FileConfig {
    /// `dev`, `test`, `main`, or the path of a chainspec.
    pub(crate) chain: Option<String>,
    /// The data folder.
    pub(crate) data_dir: Option<PathBuf>,
    /// The log filter.
    pub(crate) log: Option<String>,
    /// The built-in miner.
    pub(crate) mining: MiningConfig,
    /// JSON-RPC.
    pub(crate) rpc: RpcConfig,
    /// The network.
    pub(crate) network: NetworkConfig,
}

/// The built-in miner.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct MiningConfig {
    /// Search threads; 0 for none.
    pub(crate) threads: Option<usize>,
    /// The principal that rewards go to.
    pub(crate) coinbase: Option<String>,
    /// Where external miners are served by Stratum.
    pub(crate) stratum_addr: Option<SocketAddr>,
}

/// JSON-RPC.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct RpcConfig {
    /// Where to listen.
    pub(crate) addr: Option<SocketAddr>,
    /// Allows an address that other machines can reach.
    pub(crate) unsafe_external: Option<bool>,
    /// Further values of `Host` that are answered.
    pub(crate) allow_hosts: Option<Vec<String>>,
    /// Further values of `Origin` that are answered.
    pub(crate) allow_origins: Option<Vec<String>>,
}

/// The network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct NetworkConfig {
    /// Where to listen for peers; `off` for no network.
    pub(crate) p2p_addrs: Option<Vec<String>>,
    /// Whom to ask for peers first.
    pub(crate) bootnodes: Option<Vec<String>>,
    /// Whom to stay connected with.
    pub(crate) reserved_peers: Option<Vec<String>>,
    /// Where others reach this node.
    pub(crate) external_addrs: Option<Vec<String>>,
    /// Connections that others opened, at most.
    pub(crate) max_inbound: Option<u32>,
    /// Connections that this node opens, at most.
    pub(crate) max_outbound: Option<u32>,
}

impl FileConfig {
    /// Reads a file.
    ///
    /// # Errors
    /// When it can't be read, or is not such a file.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let mut text = String::new();
        File::open(path)
            .and_then(|file| file.take(MAX_LEN).read_to_string(&mut text))
            .with_context(|| format!("can't read the configuration {}", path.display()))?;
        Ok(Self::parse(&text).map_err(|error| {
            UsageError::new(format!("the configuration {}: {error}", path.display()))
        })?)
    }

    fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example in docs/operations.md is read as it stands there, and has every key; that of whose
    /// value there can be no example behind a `#`.
    #[test]
    fn the_example_of_the_docs_is_read() {
        let page = include_str!("../../docs/operations.md");
        let example = page.split_once("```toml\n").unwrap().1.split_once("```").unwrap().0;
        assert_eq!(FileConfig::parse(example).unwrap().mining.coinbase, None);
        let config = FileConfig::parse(&example.replace("# coinbase", "coinbase")).unwrap();
        assert!(config.chain.is_some() && config.data_dir.is_some() && config.log.is_some());
        assert!(config.mining.threads.is_some() && config.mining.coinbase.is_some());
        assert!(config.mining.stratum_addr.is_some());
        let RpcConfig { addr, unsafe_external, allow_hosts, allow_origins } = config.rpc;
        assert!(addr.is_some() && unsafe_external.is_some());
        assert!(allow_hosts.is_some() && allow_origins.is_some());
        let network = config.network;
        assert!(network.p2p_addrs.is_some() && network.bootnodes.is_some());
        assert!(network.reserved_peers.is_some() && network.external_addrs.is_some());
        assert!(network.max_inbound.is_some() && network.max_outbound.is_some());
    }

    #[test]
    fn every_key_is_known() {
        assert_eq!(FileConfig::parse("").unwrap(), FileConfig::default());
        for (text, complaint) in [
            ("port = 1", "unknown field `port`"),
            ("[rpc]\nadress = \"127.0.0.1:1\"", "unknown field `adress`"),
            ("[mining]\nthread = 1", "unknown field `thread`"),
            ("[rpc]\naddr = \"localhost\"", "invalid socket address"),
            ("[mining]\nthreads = -1", "invalid value"),
            ("[network]\nbootnode = []", "unknown field `bootnode`"),
            ("[network]\nmax-inbound = -1", "invalid value"),
            ("chain = dev", "TOML parse error"),
        ] {
            let error = FileConfig::parse(text).unwrap_err().to_string();
            assert!(error.contains(complaint), "{text}: {error}");
        }
    }
}
