//! Log lines on standard error, and the filter that a running node can change.

use std::io::IsTerminal;
use std::sync::Arc;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt, reload};

/// Libraries that warn of what any stranger can do to a connection.
const NOISE: &str = "yamux=error,libp2p_kad=error";
/// The default: what happens, without how.
pub(crate) const DEFAULT_FILTER: &str = "info";

/// A text that is no filter.
#[derive(Clone, Debug, thiserror::Error)]
#[error(
    "{text:?} is no log filter ({why}): a level (error, warn, info, debug, trace, off), or parts \
     such as info,blocktree_rpc=debug"
)]
pub(crate) struct BadFilter {
    text: String,
    why: String,
}

/// Changes the filter while the node runs.
#[derive(Clone)]
pub(crate) struct LogFilter(Arc<dyn Fn(EnvFilter) -> Result<(), String> + Send + Sync>);

impl LogFilter {
    /// Sets another filter.
    ///
    /// # Errors
    /// When it is none.
    pub(crate) fn set(&self, text: &str) -> Result<(), BadFilter> {
        let bad = |why| BadFilter { text: text.into(), why };
        (self.0)(parse(text)?).map_err(bad)
    }
}

/// Reads a filter. A bare level is for our own crates; others then say warnings only.
///
/// # Errors
/// When it is none.
pub(crate) fn parse(text: &str) -> Result<EnvFilter, BadFilter> {
    let whole = match text.trim().parse::<LevelFilter>() {
        Ok(LevelFilter::OFF) => "off".to_owned(),
        Ok(LevelFilter::ERROR) => "error".to_owned(),
        Ok(level) => format!("warn,{NOISE},blocktree={level}"),
        Err(_) => text.to_owned(),
    };
    let parsed = EnvFilter::builder().parse(whole);
    parsed.map_err(|error| BadFilter { text: text.into(), why: error.to_string() })
}

/// Begins to log.
///
/// # Errors
/// When the filter is none.
pub(crate) fn start(filter: &str) -> Result<LogFilter, BadFilter> {
    let (filter, handle) = reload::Layer::new(parse(filter)?);
    let lines = fmt::layer()
        .with_writer(std::io::stderr)
        // A reader that left is no reason to panic, which is what reporting it would do.
        .log_internal_errors(false)
        .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none());
    tracing_subscriber::registry().with(filter).with(lines).init();
    Ok(LogFilter(Arc::new(move |filter| handle.reload(filter).map_err(|e| e.to_string()))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_level_is_for_our_own_crates() {
        let read = |text| parse(text).unwrap().to_string();
        for part in ["blocktree=debug", "warn", "yamux=error", "libp2p_kad=error"] {
            assert!(read("debug").split(',').any(|found| found == part), "{part}");
        }
        assert_eq!(read("error"), "error");
        assert_eq!(read("off"), "off");
        assert_eq!(read("info,blocktree_rpc=debug"), "blocktree_rpc=debug,info");
        for bad in ["blocktree=loud", "=", "a=b=c"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
