//! The end of a node: why, and in which order.

use crate::folders;
use crate::network::NetworkThread;
use crate::wire::Node;
use anyhow::{Context, Result};
use blocktree_state::Fault;
use std::io;
use std::process;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// How long the threads that serve requests may go on when all else is over.
const LAST_REQUESTS: Duration = Duration::from_secs(1);

/// Why a node ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// Someone pressed Ctrl-C or sent a signal.
    Signal(&'static str),
    /// The operator asked by JSON-RPC.
    Asked,
    /// The disk, or a mistake of ours.
    Fault(Fault),
}

/// The signals that stop a node. From the moment this exists they no longer end the process.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Listens. Needs a tokio runtime.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for one.
    pub(crate) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}

/// Waits until the node must end.
pub(crate) async fn reason(node: &Node, signals: &mut Signals) -> Reason {
    let (mut writer, mut miner) = (node.chain.fault(), node.mining.fault());
    let mut network = node.network.as_ref().map(NetworkThread::fault);
    let network = async move {
        match &mut network {
            Some(network) => faulted(network).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        name = signals.next() => Reason::Signal(name),
        () = node.stop_asked.notified() => Reason::Asked,
        fault = faulted(&mut writer) => Reason::Fault(fault),
        fault = faulted(&mut miner) => Reason::Fault(fault),
        fault = network => Reason::Fault(fault),
    }
}

async fn faulted(watch: &mut watch::Receiver<Option<Fault>>) -> Fault {
    match watch.wait_for(Option::is_some).await.map(|fault| fault.clone()) {
        Ok(Some(fault)) => fault,
        // The sender is gone without a word: the writer's thread died.
        _ => Fault::Bug("a part of the node ended by itself".into()),
    }
}

/// Stops everything in order: no new work, no new requests, the writer last. A second signal ends
/// the process at once, which loses nothing that was acknowledged.
///
/// # Errors
/// The fault that was the reason, or that came meanwhile.
pub(crate) fn stop(
    node: Node,
    reason: Reason,
    mut signals: Signals,
    runtime: Runtime,
) -> Result<()> {
    match &reason {
        Reason::Signal(signal) => tracing::info!(signal, "stopping"),
        Reason::Asked => tracing::info!("stopping, as asked by admin_stop"),
        Reason::Fault(fault) => tracing::error!(%fault, "stopping"),
    }
    runtime.spawn(async move {
        let signal = signals.next().await;
        tracing::warn!(signal, "a second signal: ending at once");
        process::exit(1);
    });
    let Node { data_dir, store, chain, writer, mining, rpc, network, miners, .. } = node;
    mining.stop();
    if let Some(miners) = miners {
        runtime.block_on(miners.stop());
    }
    if let Some(network) = network {
        network.stop(&runtime);
    }
    folders::remove_rpc_url(&data_dir);
    runtime.block_on(rpc.stop());
    let stopped = writer.stop();
    let tip = *chain.published().tip();
    drop((mining, chain));
    let flushed = stopped.and_then(|()| store.flush());
    // Calls that are still under way hold the chain; the lock on the folder goes with the last.
    runtime.shutdown_timeout(LAST_REQUESTS);
    drop(store);
    let fault = match (reason, flushed) {
        (Reason::Fault(fault), _) | (_, Err(fault)) => fault,
        (_, Ok(())) => {
            tracing::info!(height = tip.height.0, hash = %tip.hash, "stopped");
            return Ok(());
        }
    };
    let advice = advice(&fault);
    let stopped =
        || format!("the node has stopped, its data is in {}; {advice}", data_dir.display());
    Err(fault).with_context(stopped)
}

/// What to do about a fault.
const fn advice(fault: &Fault) -> &'static str {
    match fault {
        Fault::DiskFull(_) => "make room and start it again, nothing that was acknowledged is lost",
        Fault::Disk(_) => {
            "see to the disk and start it again, nothing that was acknowledged is lost"
        }
        Fault::Corrupt(_) => {
            "`blocktree chain verify` says more; a damaged folder is begun anew from an export"
        }
        Fault::Bug(_) => "keep the folder and report this",
    }
}
