//! `blocktree run`: a node.

use crate::chosen::ChainName;
use crate::config::FileConfig;
use crate::network_settings::NetworkFlags;
use crate::settings::{Flags, Settings};
use crate::shutdown::{self, Signals};
use crate::{banner, logging, wire};
use anyhow::{Context, Result};
use clap::Args;
use std::net::SocketAddr;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  blocktree run
      A dev chain: mines with one thread, a block a second, and serves JSON-RPC on
      http://127.0.0.1:9944.
  blocktree run --mine=0
      The same without mining.
  blocktree run --chain test --mine=2 --coinbase tblk1…
      A miner of the test chain.
  blocktree run --data-dir /tmp/second --rpc-addr 127.0.0.1:9945 --mine=0 \\
      --p2p-addr /ip4/127.0.0.1/tcp/0 --bootnode /ip4/127.0.0.1/tcp/30333/p2p/16Uiu2…
      A second node of the dev chain on this machine: another folder, other ports, and as
      bootnode what the first printed under \"peers\". A third takes its own folder and
      --rpc-addr 127.0.0.1:0, and the same bootnode.
  blocktree run --config /etc/blocktree.toml --log debug
      What the file says, with more to read (docs/operations.md has an example of a file).

Exit code: 0 when it was stopped by Ctrl-C or SIGTERM, 1 when it failed, 2 for wrong usage.";

/// Run a node: keep the chain, take in events, mine, and answer JSON-RPC.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RunArgs {
    /// The chain: dev, test, main, or the path of a chainspec (.json) [default: dev]
    #[arg(long, value_name = "CHAIN")]
    chain: Option<ChainName>,
    /// Where the chain's data is [default: a folder per chain in ~/.local/share/blocktree]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// A configuration file in TOML; flags override what it says
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Mine, with so many threads; 0 for not [default: 1 on the dev chain, 0 elsewhere]
    #[arg(long, value_name = "THREADS", num_args = 0..=1, require_equals = true, default_missing_value = "1")]
    mine: Option<usize>,
    /// The principal whom mining rewards go to [default on the dev chain: development key 0]
    #[arg(long, value_name = "PRINCIPAL")]
    coinbase: Option<String>,
    /// Serve external miners by Stratum here: existing SHA-256 programs, with a principal as their
    /// user name (docs/mining.md) [default: not]
    #[arg(long, value_name = "ADDR")]
    stratum_addr: Option<SocketAddr>,
    /// Where JSON-RPC listens; port 0 takes a free one [default: 127.0.0.1:9944]
    #[arg(long, value_name = "ADDR")]
    rpc_addr: Option<SocketAddr>,
    /// Allow --rpc-addr to be one that other machines can reach: they can then use the node as
    /// you do, admin methods excepted
    #[arg(long)]
    rpc_unsafe_external: bool,
    /// Answer requests with this Host header, too (may be repeated)
    #[arg(long = "rpc-allow-host", value_name = "HOST")]
    rpc_allow_hosts: Vec<String>,
    /// Answer web pages of this origin, scheme and host (may be repeated)
    #[arg(long = "rpc-allow-origin", value_name = "ORIGIN")]
    rpc_allow_origins: Vec<String>,
    /// Where to listen for peers: a multiaddr, /ip4/ADDRESS/tcp/PORT or
    /// /ip4/ADDRESS/udp/PORT/quic-v1, port 0 for a free one (may be repeated); off for no network
    /// [default: /ip4/127.0.0.1/tcp/30333 on the dev chain, port 30333 of TCP and of UDP on all
    /// addresses elsewhere]
    #[arg(long = "p2p-addr", value_name = "MULTIADDR")]
    p2p_addrs: Vec<String>,
    /// Ask this node for peers: a multiaddr that ends in /p2p/…, as a node prints it when it
    /// starts (may be repeated)
    #[arg(long = "bootnode", value_name = "MULTIADDR")]
    bootnodes: Vec<String>,
    /// Stay connected with this node, whatever it does: a multiaddr that ends in /p2p/… (may be
    /// repeated)
    #[arg(long = "reserved-peer", value_name = "MULTIADDR")]
    reserved_peers: Vec<String>,
    /// Tell other nodes to reach this one here, where it can't find out by itself: a multiaddr
    /// without /p2p/… (may be repeated)
    #[arg(long = "external-addr", value_name = "MULTIADDR")]
    external_addrs: Vec<String>,
    /// What to log on standard error: error, warn, info, debug, trace, off, or parts such as
    /// info,blocktree_rpc=debug [default: info]
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
}

impl RunArgs {
    /// Runs until a signal or a fault.
    ///
    /// # Errors
    /// Why it did not start, or what stopped it.
    pub(crate) fn run(self) -> Result<()> {
        let file = match &self.config {
            Some(path) => FileConfig::read(path)?,
            None => FileConfig::default(),
        };
        let settings = Settings::new(self.flags(), file)?;
        let log = logging::start(&settings.log)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .thread_name("tokio")
            .build()
            .context("the async runtime can't be started")?;
        let mut signals = {
            let _inside = runtime.enter();
            Signals::listen().context("can't listen for signals")?
        };
        let node = wire::start(&settings, log, &runtime)?;
        banner::show(&settings, &node);
        let reason = runtime.block_on(shutdown::reason(&node, &mut signals));
        shutdown::stop(node, reason, signals, runtime)
    }

    fn flags(self) -> Flags {
        let Self { chain, data_dir, config: _, mine, coinbase, stratum_addr, .. } = self;
        let Self { rpc_addr, rpc_unsafe_external, rpc_allow_hosts, rpc_allow_origins, log, .. } =
            self;
        let network = NetworkFlags {
            p2p_addrs: self.p2p_addrs,
            bootnodes: self.bootnodes,
            reserved_peers: self.reserved_peers,
            external_addrs: self.external_addrs,
        };
        Flags {
            chain,
            data_dir,
            log,
            mine,
            coinbase,
            stratum_addr,
            rpc_addr,
            rpc_unsafe_external,
            rpc_allow_hosts,
            rpc_allow_origins,
            network,
        }
    }
}
