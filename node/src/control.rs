//! What an operator can turn while the node runs: the switches behind the `admin_*` methods.

use crate::logging::LogFilter;
use crate::mining::Mining;
use blocktree_primitives::Principal;
use blocktree_rpc::api::{MinerState, NodeControl};
use std::sync::Arc;
use tokio::sync::Notify;

/// The switches.
pub(crate) struct Switches {
    pub(crate) mining: Arc<Mining>,
    pub(crate) log: LogFilter,
    /// Told when the node is to stop.
    pub(crate) stop: Arc<Notify>,
}

impl NodeControl for Switches {
    fn version(&self) -> &str {
        env!("CARGO_PKG_VERSION")
    }

    fn miner(&self) -> Option<MinerState> {
        self.mining.miner()
    }

    fn coinbase(&self) -> Option<Principal> {
        self.mining.coinbase()
    }

    fn set_mining(&self, threads: u32, coinbase: Option<Principal>) -> Result<(), String> {
        let threads = usize::try_from(threads).unwrap_or(usize::MAX);
        self.mining.set(threads, coinbase).map_err(|error| error.to_string())
    }

    fn set_log_filter(&self, filter: &str) -> Result<(), String> {
        self.log.set(filter).map_err(|error| error.to_string())?;
        tracing::info!(filter, "log filter changed");
        Ok(())
    }

    fn stop(&self) {
        // Kept until someone waits for it.
        self.stop.notify_one();
    }
}
