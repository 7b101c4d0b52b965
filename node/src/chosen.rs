//! The chain that was chosen: its specification, ready for use.

use crate::usage::UsageError;
use anyhow::{Context, Result};
use blocktree_chainspec::spec::MAX_SPEC_LEN;
use blocktree_chainspec::{ChainSpec, SpecError};
use blocktree_consensus::Params;
use blocktree_import::{Config, Importer};
use blocktree_primitives::{BlockHash, Network, Principal};
use blocktree_runtime::BlocktreeRuntime;
use blocktree_state::MemoryLedger;
use blocktree_store::Identity;
use blocktree_wallet::DevKeys;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

/// `--chain`: one of the three built-in chains, or a chainspec.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum ChainName {
    /// One's own machine.
    #[default]
    Dev,
    /// Public testing.
    Test,
    /// Real value.
    Main,
    /// A chainspec in a file.
    Spec(PathBuf),
}

/// Neither a name nor a path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no chain is called {0:?}: dev, test, main, or the path of a chainspec that ends in .json")]
pub(crate) struct NoSuchChain(String);

impl FromStr for ChainName {
    type Err = NoSuchChain;

    fn from_str(text: &str) -> Result<Self, NoSuchChain> {
        match text {
            "dev" => Ok(Self::Dev),
            "test" => Ok(Self::Test),
            "main" => Ok(Self::Main),
            _ if text.ends_with(".json") => Ok(Self::Spec(text.into())),
            _ => Err(NoSuchChain(text.into())),
        }
    }
}

impl ChainName {
    /// The specification.
    ///
    /// # Errors
    /// When a chainspec can't be read or is refused.
    pub(crate) fn spec(&self) -> Result<ChainSpec> {
        let path = match self {
            Self::Dev => return Ok(ChainSpec::dev()),
            Self::Test => return Ok(ChainSpec::test()),
            Self::Main => return Ok(ChainSpec::main()),
            Self::Spec(path) => path,
        };
        let mut text = String::new();
        let limit = u64::try_from(MAX_SPEC_LEN).unwrap_or(u64::MAX).saturating_add(1);
        File::open(path)
            .and_then(|file| file.take(limit).read_to_string(&mut text))
            .with_context(|| format!("can't read the chainspec {}", path.display()))?;
        Ok(ChainSpec::from_json(&text).map_err(|error| {
            UsageError::new(format!("{}: {error}; see docs/chainspec.md", path.display()))
        })?)
    }
}

impl fmt::Display for ChainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dev => f.write_str("dev"),
            Self::Test => f.write_str("test"),
            Self::Main => f.write_str("main"),
            Self::Spec(path) => write!(f, "{}", path.display()),
        }
    }
}

/// A chain with everything that follows from its specification.
#[derive(Clone)]
pub(crate) struct Chosen {
    /// The specification.
    pub(crate) spec: ChainSpec,
    /// The rules of events.
    pub(crate) runtime: Arc<BlocktreeRuntime>,
    /// The rules of headers.
    pub(crate) params: Params,
    /// The encoding of all rules beyond `params`, for genesis.
    pub(crate) rules: Vec<u8>,
    /// The hash of genesis.
    pub(crate) genesis: BlockHash,
}

impl Chosen {
    /// Loads the specification and works out genesis.
    ///
    /// # Errors
    /// When a chainspec can't be read or is refused.
    pub(crate) fn load(name: &ChainName) -> Result<Self> {
        Self::of(name.spec()?)
    }

    fn of(spec: ChainSpec) -> Result<Self> {
        let (runtime_params, rules) = Self::parts(&spec)?;
        let (params, runtime) = (spec.consensus_params(), BlocktreeRuntime::new(runtime_params)?);
        let runtime = Arc::new(runtime);
        let opened = Importer::open(
            Arc::clone(&runtime),
            params,
            rules.clone(),
            Arc::new(MemoryLedger::new()),
            Config::default(),
        );
        let genesis = opened.context("the chain's genesis can't be made")?.genesis();
        Ok(Self { spec, runtime, params, rules, genesis })
    }

    fn parts(spec: &ChainSpec) -> Result<(blocktree_runtime::Params, Vec<u8>), SpecError> {
        Ok((spec.runtime_params()?, spec.rules()?))
    }

    /// The network.
    pub(crate) const fn network(&self) -> Network {
        self.spec.network()
    }

    /// Whether this is a chain of one's own, with well-known keys and mining on demand.
    pub(crate) fn is_dev(&self) -> bool {
        self.network() == Network::Dev
    }

    /// Whose data a folder holds.
    pub(crate) fn identity(&self) -> Identity {
        Identity { genesis: self.genesis, chain_name: self.spec.name.clone() }
    }

    /// The first well-known key's principal: the default coinbase of a dev chain.
    ///
    /// # Errors
    /// When the specification's coin type is none.
    pub(crate) fn dev_principal(&self) -> Result<Principal> {
        let keys = DevKeys::new(self.spec.coin_type);
        let key = keys.secret(0).context("the chainspec's coin_type")?;
        Ok(Principal::of(&key.public_key()))
    }
}

impl fmt::Debug for Chosen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, genesis) = (&self.spec.name, self.genesis);
        f.debug_struct("Chosen").field("name", name).field("genesis", &genesis).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_paths_are_told_apart() {
        for name in ["dev", "test", "main", "my.json", "/etc/blocktree/my.json"] {
            assert_eq!(name.parse::<ChainName>().unwrap().to_string(), name);
        }
        for other in ["", "Dev", "mainnet", "./dev", "dev.toml"] {
            assert_eq!(other.parse::<ChainName>(), Err(NoSuchChain(other.into())));
        }
    }

    #[test]
    fn the_three_chains_are_three() {
        let chains = [ChainName::Dev, ChainName::Test, ChainName::Main];
        let mut genesis = chains.map(|name| Chosen::load(&name).unwrap().genesis);
        genesis.sort_unstable();
        assert!(genesis[0] != genesis[1] && genesis[1] != genesis[2]);
    }

    #[test]
    fn every_key_of_a_chainspec_is_explained() {
        fn keys(value: &serde_json::Value, found: &mut Vec<String>) {
            if let Some(map) = value.as_object() {
                for (key, value) in map {
                    found.push(key.clone());
                    keys(value, found);
                }
            }
        }
        let page = include_str!("../../docs/chainspec.md");
        let mut found = Vec::new();
        keys(&serde_json::to_value(ChainSpec::main()).unwrap(), &mut found);
        // 4 sections, name, network, coin_type; 6 + 2 of consensus with ASERT inside; 5; 2; 17.
        assert_eq!(found.len(), 4 + 3 + 8 + 5 + 2 + 17);
        for key in found {
            let explained =
                page.contains(&format!("`{key}`")) || page.contains(&format!("\"{key}\""));
            assert!(explained, "{key}");
        }
    }

    #[test]
    fn a_chainspec_file_gives_the_chain_that_it_describes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.json");
        let load = || Chosen::load(&ChainName::Spec(path.clone()));
        let text = |error: anyhow::Error| format!("{error:#}");

        let missing = load().unwrap_err();
        assert!(!missing.is::<UsageError>());
        assert!(text(missing).starts_with("can't read the chainspec"));

        let dev = include_str!("../../chainspec/dev.json");
        std::fs::write(&path, dev).unwrap();
        assert_eq!(load().unwrap().genesis, Chosen::load(&ChainName::Dev).unwrap().genesis);

        std::fs::write(&path, dev.replacen("\"name\"", "\"port\": 1, \"name\"", 1)).unwrap();
        let refused = load().unwrap_err();
        assert!(refused.is::<UsageError>());
        assert!(text(refused).contains("unknown field `port`"));
    }
}
