//! `blocktree-miner`: mines over Stratum, outside of a node.
//!
//! One thread talks to the node ([`client`]), the others search ([`search`]) what it says
//! ([`work`]). Nothing here knows a rule of the chain: it would mine for any Stratum v1 server.

mod bench;
mod client;
mod report;
mod search;
mod work;

use anyhow::{Context, bail};
use clap::Parser;
use client::{Client, Ended};
use report::Report;
use search::Searchers;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use work::Board;

/// The first pause before a node is tried again, and the longest.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(30)];
/// A session that lasted so long was a good one.
const GOOD: Duration = Duration::from_secs(60);

/// Mines blockcoin on this machine's processor, over Stratum.
#[derive(Debug, Parser)]
#[command(name = "blocktree-miner", version)]
#[command(after_help = "Examples:
  blocktree-miner --node 127.0.0.1:3333 --coinbase dblk1…
  blocktree-miner --node a.example:3333 --node b.example:3333 --coinbase blk1… --worker cellar
  blocktree-miner --bench

The first node that answers is mined for; when it is lost, the next one, and so on round.")]
struct Options {
    /// A node's Stratum address, HOST:PORT or stratum+tcp://HOST:PORT; several for failover
    #[arg(long = "node", value_name = "URL")]
    nodes: Vec<String>,
    /// Whom blocks pay: a principal of the node's network
    #[arg(long, value_name = "PRINCIPAL")]
    coinbase: Option<String>,
    /// A name for this machine
    #[arg(long, value_name = "NAME")]
    worker: Option<String>,
    /// Search threads; all cores if not given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Seconds between two reports
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    report: u64,
    /// Measures each way of searching on this machine, and mines nothing
    #[arg(long, conflicts_with_all = ["nodes", "coinbase", "worker"])]
    bench: bool,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let options = Options::parse();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = options.threads.map_or(cores, usize::from);
    if options.bench {
        return bench::run(threads);
    }
    let Some(coinbase) = &options.coinbase else {
        usage("--coinbase is needed: whom do blocks pay?");
    };
    if options.nodes.is_empty() {
        usage("--node is needed: where is a node's Stratum port?");
    }
    let user = match &options.worker {
        Some(worker) => format!("{coinbase}.{worker}"),
        None => coinbase.clone(),
    };
    let nodes: Vec<String> =
        options.nodes.iter().map(|node| address(node)).collect::<anyhow::Result<_>>()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(mine(&nodes, &user, threads, Duration::from_secs(options.report)))
}

/// Ends as wrong usage does.
fn usage(message: &str) -> ! {
    let mut command = <Options as clap::CommandFactory>::command();
    command.error(clap::error::ErrorKind::MissingRequiredArgument, message).exit()
}

/// `HOST:PORT` of what was given.
fn address(node: &str) -> anyhow::Result<String> {
    let rest = match node.split_once("://") {
        None => node,
        Some(("stratum+tcp" | "tcp", rest)) => rest.trim_end_matches('/'),
        Some((other, _)) => bail!("{node}: {other}:// is not spoken here, stratum+tcp:// is"),
    };
    let port = rest.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
    port.with_context(|| format!("{node}: a node is HOST:PORT"))?;
    Ok(rest.to_owned())
}

/// Mines until a signal comes.
async fn mine(nodes: &[String], user: &str, threads: usize, every: Duration) -> anyhow::Result<()> {
    let board = Arc::new(Board::default());
    let (searchers, mut found) = Searchers::start(&board, threads).context("no search threads")?;
    let report = Report::new(Arc::clone(&board));
    let mut terminate = signal(SignalKind::terminate())?;
    let ended = tokio::select! {
        ended = connect_for_ever(nodes, user, &board, &report, &mut found) => ended,
        () = report.run(every) => Ok(()),
        result = tokio::signal::ctrl_c() => result.map_err(Into::into),
        _ = terminate.recv() => Ok(()),
    };
    searchers.stop();
    report.last();
    ended
}

/// Mines for one node after the other; returns only when none of them will ever do.
async fn connect_for_ever(
    nodes: &[String],
    user: &str,
    board: &Board,
    report: &Report,
    found: &mut tokio::sync::mpsc::Receiver<work::Found>,
) -> anyhow::Result<()> {
    let [mut pause, longest] = PAUSES;
    let mut refused = 0;
    for node in nodes.iter().cycle() {
        let started = std::time::Instant::now();
        report.say(&format!("connecting to {node}"));
        let ended = match Client::connect(node).await {
            Ok(mut client) => client.mine(user, board, report, found).await,
            Err(error) => Ended::Lost(error.to_string()),
        };
        board.clear();
        match ended {
            Ended::Lost(reason) => {
                report.say(&format!("{node}: {reason}"));
                refused = 0;
            }
            Ended::Refused(reason) => {
                report.say(&format!("{node} refuses {user}: {reason}"));
                refused += 1;
                if refused >= nodes.len() {
                    bail!("no node mines for {user}");
                }
            }
        }
        if started.elapsed() >= GOOD {
            [pause, _] = PAUSES;
        }
        tokio::time::sleep(pause).await;
        pause = longest.min(pause.saturating_mul(2));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_hosts_and_ports() {
        assert_eq!(address("127.0.0.1:3333").unwrap(), "127.0.0.1:3333");
        assert_eq!(address("stratum+tcp://[::1]:3333/").unwrap(), "[::1]:3333");
        for wrong in ["", "host", "host:", "host:70000", "http://host:80"] {
            assert!(address(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_command_line_is_sound() {
        <Options as clap::CommandFactory>::command().debug_assert();
    }
}
