//! Ctrl-C for commands that work by themselves: they end at the next block, in order.

use crate::shutdown::Signals;
use anyhow::{Context, Result};
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::runtime::Runtime;

/// Whether someone pressed Ctrl-C. The second time ends the process at once.
pub(crate) struct Interrupt {
    asked: Arc<AtomicBool>,
    _listening: Runtime,
}

impl Interrupt {
    /// Listens from now on.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub(crate) fn listen() -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .context("can't listen for signals")?;
        let mut signals = {
            let _inside = runtime.enter();
            Signals::listen().context("can't listen for signals")?
        };
        let asked = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&asked);
        runtime.spawn(async move {
            signals.next().await;
            flag.store(true, Ordering::Relaxed);
            signals.next().await;
            process::exit(1);
        });
        Ok(Self { asked, _listening: runtime })
    }

    /// Whether to end.
    pub(crate) fn asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }
}
