//! What a node runs with: flags before the file, the file before the defaults, and all of it
//! judged together.

use crate::chosen::{ChainName, Chosen};
use crate::config::FileConfig;
use crate::network_settings::{NetworkFlags, NetworkSettings};
use crate::usage::UsageError;
use crate::{folders, logging, mining};
use anyhow::Result;
use blocktree_primitives::Principal;
use blocktree_rpc::ServerConfig;
use blocktree_wallet::refuse_dev_principal;
use std::net::SocketAddr;
use std::path::PathBuf;

/// What was given on the command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags {
    pub(crate) chain: Option<ChainName>,
    pub(crate) data_dir: Option<PathBuf>,
    pub(crate) log: Option<String>,
    pub(crate) mine: Option<usize>,
    pub(crate) coinbase: Option<String>,
    pub(crate) stratum_addr: Option<SocketAddr>,
    pub(crate) rpc_addr: Option<SocketAddr>,
    pub(crate) rpc_unsafe_external: bool,
    pub(crate) rpc_allow_hosts: Vec<String>,
    pub(crate) rpc_allow_origins: Vec<String>,
    pub(crate) network: NetworkFlags,
}

/// What a node runs with.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The chain.
    pub(crate) chain: Chosen,
    /// Its folder.
    pub(crate) data_dir: PathBuf,
    /// The log filter.
    pub(crate) log: String,
    /// Search threads; 0 for none.
    pub(crate) threads: usize,
    /// Whom rewards go to; there is one whenever there are threads.
    pub(crate) coinbase: Option<Principal>,
    /// Where external miners are served by Stratum.
    pub(crate) stratum: Option<SocketAddr>,
    /// JSON-RPC.
    pub(crate) rpc: ServerConfig,
    /// The network; `None` for a node that runs alone.
    pub(crate) network: Option<NetworkSettings>,
}

impl Settings {
    /// Puts flags and file together.
    ///
    /// # Errors
    /// A [`UsageError`] for what does not fit together; others for files that can't be read.
    pub(crate) fn new(flags: Flags, file: FileConfig) -> Result<Self> {
        let name = match (flags.chain, &file.chain) {
            (Some(name), _) => name,
            (None, Some(text)) => {
                text.parse().map_err(|e| UsageError::new(format!("configuration: {e}")))?
            }
            (None, None) => ChainName::default(),
        };
        let chain = Chosen::load(&name)?;
        let data_dir = match flags.data_dir.or(file.data_dir) {
            Some(folder) => folder,
            None => folders::chain_data(&chain.spec.name)?,
        };
        let log = flags.log.or(file.log).unwrap_or_else(|| logging::DEFAULT_FILTER.into());
        logging::parse(&log).map_err(|error| UsageError::new(error.to_string()))?;
        let threads = threads(&chain, flags.mine.or(file.mining.threads))?;
        let coinbase = coinbase(&chain, flags.coinbase.or(file.mining.coinbase), threads)?;
        let default = ServerConfig::default();
        let list = |flag: Vec<String>, file: Option<Vec<String>>| match flag.is_empty() {
            true => file.unwrap_or_default(),
            false => flag,
        };
        let rpc = ServerConfig {
            addr: flags.rpc_addr.or(file.rpc.addr).unwrap_or(default.addr),
            unsafe_external: flags.rpc_unsafe_external
                || file.rpc.unsafe_external.unwrap_or(default.unsafe_external),
            allowed_hosts: list(flags.rpc_allow_hosts, file.rpc.allow_hosts),
            allowed_origins: list(flags.rpc_allow_origins, file.rpc.allow_origins),
            limits: default.limits,
        };
        let network = NetworkSettings::new(chain.network(), flags.network, file.network)?;
        let stratum = flags.stratum_addr.or(file.mining.stratum_addr);
        Ok(Self { chain, data_dir, log, threads, coinbase, stratum, rpc, network })
    }
}

/// One thread on a dev chain, none elsewhere, unless told otherwise.
fn threads(chain: &Chosen, asked: Option<usize>) -> Result<usize, UsageError> {
    match asked {
        Some(threads) if threads > mining::MAX_THREADS => Err(UsageError::new(format!(
            "{threads} mining threads asked for, at most {} possible",
            mining::MAX_THREADS
        ))),
        Some(threads) => Ok(threads),
        None => Ok(usize::from(chain.is_dev())),
    }
}

/// The one that was given, or the well-known key on a dev chain.
fn coinbase(chain: &Chosen, text: Option<String>, threads: usize) -> Result<Option<Principal>> {
    let Some(text) = text else {
        if chain.is_dev() {
            return Ok(Some(chain.dev_principal()?));
        }
        if threads > 0 {
            let why = "mining on this chain needs --coinbase PRINCIPAL, whom rewards go to; \
                       `blocktree key new NAME --chain …` makes a principal of your own";
            return Err(UsageError::new(why).into());
        }
        return Ok(None);
    };
    let usage = |error: String| UsageError::new(format!("the coinbase {text}: {error}"));
    let principal =
        Principal::from_text(&text, chain.network()).map_err(|e| usage(e.to_string()))?;
    refuse_dev_principal(chain.network(), &principal).map_err(|e| usage(e.to_string()))?;
    Ok(Some(principal))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{MiningConfig, NetworkConfig, RpcConfig};
    use blocktree_primitives::{Network, PublicKey};
    use blocktree_wallet::DevKeys;

    /// Whatever is not asked about: the folder, so that the environment does not matter.
    fn flags() -> Flags {
        Flags { data_dir: Some("flag-data".into()), ..Flags::default() }
    }

    fn on(chain: ChainName) -> Flags {
        Flags { chain: Some(chain), ..flags() }
    }

    fn refused(flags: Flags, file: FileConfig) -> String {
        let error = Settings::new(flags, file).unwrap_err();
        assert!(error.is::<UsageError>(), "{error}");
        error.to_string()
    }

    fn own(network: Network) -> String {
        Principal::of(&PublicKey([7; 32])).to_text(network)
    }

    #[test]
    fn without_anything_it_is_the_dev_chain_with_one_thread() {
        let settings = Settings::new(flags(), FileConfig::default()).unwrap();
        assert_eq!((settings.chain.spec.name.as_str(), settings.threads), ("dev", 1));
        assert_eq!((settings.log.as_str(), settings.rpc.unsafe_external), ("info", false));
        assert_eq!(settings.rpc.addr.to_string(), "127.0.0.1:9944");
        assert_eq!(settings.network.unwrap().listen, ["/ip4/127.0.0.1/tcp/30333"]);
        // Development key 0, as wallet/src/dev.rs pins it.
        assert_eq!(
            settings.coinbase.unwrap().to_text(Network::Dev),
            "dblk15nqv2mwx9ur43gsvjqx3rmxamg6fdlu78aq28y6mp7yqtdhnec2q0hmvhw"
        );
    }

    #[test]
    fn flags_come_before_the_file_and_the_file_before_defaults() {
        let file = FileConfig {
            chain: Some("test".into()),
            data_dir: Some("file-data".into()),
            log: Some("warn".into()),
            mining: MiningConfig {
                threads: Some(2),
                coinbase: Some(own(Network::Test)),
                stratum_addr: Some("127.0.0.1:3".parse().unwrap()),
            },
            rpc: RpcConfig {
                addr: Some("127.0.0.1:1".parse().unwrap()),
                unsafe_external: Some(true),
                allow_hosts: Some(vec!["file.example".into()]),
                allow_origins: Some(vec!["https://file.example".into()]),
            },
            network: NetworkConfig {
                p2p_addrs: Some(vec!["/ip4/127.0.0.1/tcp/1".into()]),
                ..NetworkConfig::default()
            },
        };
        let settings = Settings::new(Flags::default(), file.clone()).unwrap();
        assert_eq!((settings.chain.spec.name.as_str(), settings.threads), ("test", 2));
        assert_eq!(settings.data_dir, PathBuf::from("file-data"));
        assert_eq!((settings.log.as_str(), settings.rpc.addr.port()), ("warn", 1));
        assert!(settings.rpc.unsafe_external);
        assert_eq!(settings.rpc.allowed_hosts, ["file.example"]);
        assert_eq!(settings.rpc.allowed_origins, ["https://file.example"]);
        assert_eq!(settings.network.unwrap().listen, ["/ip4/127.0.0.1/tcp/1"]);

        let other = Principal::of(&PublicKey([8; 32]));
        let flags = Flags {
            chain: Some(ChainName::Main),
            data_dir: Some("flag-data".into()),
            log: Some("debug".into()),
            mine: Some(3),
            coinbase: Some(other.to_text(Network::Main)),
            stratum_addr: Some("127.0.0.1:4".parse().unwrap()),
            rpc_addr: Some("127.0.0.1:2".parse().unwrap()),
            rpc_unsafe_external: false,
            rpc_allow_hosts: vec!["flag.example".into()],
            rpc_allow_origins: vec!["https://flag.example".into()],
            network: NetworkFlags { p2p_addrs: vec!["off".into()], ..NetworkFlags::default() },
        };
        let settings = Settings::new(flags, file).unwrap();
        assert_eq!((settings.chain.spec.name.as_str(), settings.threads), ("main", 3));
        assert_eq!(settings.data_dir, PathBuf::from("flag-data"));
        assert_eq!((settings.log.as_str(), settings.rpc.addr.port()), ("debug", 2));
        assert_eq!(settings.coinbase, Some(other));
        assert_eq!(settings.stratum.unwrap().port(), 4);
        assert_eq!(settings.rpc.allowed_hosts, ["flag.example"]);
        assert_eq!(settings.rpc.allowed_origins, ["https://flag.example"]);
        assert_eq!(settings.network, None);
    }

    #[test]
    fn off_the_dev_chain_mining_needs_a_coinbase_of_ones_own() {
        let idle = Settings::new(on(ChainName::Test), FileConfig::default()).unwrap();
        assert_eq!((idle.threads, idle.coinbase), (0, None));

        let mine = Flags { mine: Some(1), ..on(ChainName::Test) };
        assert!(refused(mine.clone(), FileConfig::default()).contains("--coinbase"));

        let with = |principal: String| Flags { coinbase: Some(principal), ..mine.clone() };
        let key = DevKeys::new(1).secret(3).unwrap().public_key();
        let known = Principal::of(&key).to_text(Network::Test);
        let text = refused(with(known), FileConfig::default());
        assert!(text.contains("development key 3"), "{text}");

        let text = refused(with(own(Network::Main)), FileConfig::default());
        assert!(text.contains("begins with tblk1"), "{text}");

        let settings = Settings::new(with(own(Network::Test)), FileConfig::default()).unwrap();
        assert_eq!((settings.threads, settings.coinbase.is_some()), (1, true));
    }

    #[test]
    fn what_makes_no_sense_is_wrong_usage() {
        let mine = |threads| Flags { mine: Some(threads), ..flags() };
        assert_eq!(Settings::new(mine(0), FileConfig::default()).unwrap().threads, 0);
        assert!(refused(mine(257), FileConfig::default()).contains("at most 256"));
        let log = Flags { log: Some("blocktree=loud".into()), ..flags() };
        assert!(refused(log, FileConfig::default()).contains("is no log filter"));
        let file = FileConfig { chain: Some("mainnet".into()), ..FileConfig::default() };
        assert!(refused(flags(), file).contains("no chain is called \"mainnet\""));
    }
}
