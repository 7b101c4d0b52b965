//! What these commands tell of a tip.

use anyhow::{Context, Result};
use blocktree_import::ChainReader;
use blocktree_primitives::Network;
use blocktree_rpc::types::HeaderJson;
use blocktree_state::Reader;
use serde::Serialize;

/// The tip and the roots that its commitment holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tip {
    height: u64,
    hash: String,
    /// Seconds since 1970.
    time: u32,
    event_root: String,
    state_root: String,
    history_root: String,
}

impl Tip {
    /// The tip of the best chain in a data folder.
    ///
    /// # Errors
    /// When the folder is damaged.
    pub(super) fn read(reader: &dyn Reader, network: Network) -> Result<Self> {
        let chain = ChainReader(reader);
        let hash = chain.tip()?.context("the data folder holds no chain")?;
        let record = chain.known_header(&hash)?;
        Ok(Self::of(&HeaderJson::new(&record.header, &record.commitment, network)))
    }

    /// The tip that a node told.
    pub(super) fn of(header: &HeaderJson) -> Self {
        Self {
            height: header.height,
            hash: header.hash.0.to_string(),
            time: header.time,
            event_root: header.event_root.0.to_string(),
            state_root: header.state_root.0.to_string(),
            history_root: header.history_root.0.to_string(),
        }
    }

    /// Its height.
    pub(super) const fn height(&self) -> u64 {
        self.height
    }

    /// Rows for people.
    pub(super) fn rows(&self) -> Vec<(&'static str, String)> {
        vec![
            ("height", self.height.to_string()),
            ("tip", self.hash.clone()),
            ("time", crate::output::utc(self.time)),
            ("event root", self.event_root.clone()),
            ("state root", self.state_root.clone()),
            ("history root", self.history_root.clone()),
        ]
    }
}

/// How much was done in which time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Work {
    /// Blocks that were folded.
    pub(super) blocks: u64,
    /// Their events.
    pub(super) events: u64,
    pub(super) milliseconds: u64,
    pub(super) events_per_second: u64,
}

impl Work {
    pub(super) fn new(blocks: u64, events: u64, time: std::time::Duration) -> Self {
        let milliseconds = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let events_per_second = crate::progress::per_second(events, time);
        Self { blocks, events, milliseconds, events_per_second }
    }

    /// A sentence for people, without its end.
    pub(super) fn in_words(&self) -> String {
        let time = std::time::Duration::from_millis(self.milliseconds);
        format!(
            "{} blocks with {} events in {} s, {} events/s",
            self.blocks,
            self.events,
            crate::progress::seconds(time),
            self.events_per_second
        )
    }
}
