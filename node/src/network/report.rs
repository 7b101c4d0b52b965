//! What an operator reads of the network in the log.

use blocktree_network::action::Note;
use blocktree_network::{Reason, SyncState};
use blocktree_p2p::peer_id_text;
use std::time::{Duration, Instant};

/// How often progress is told.
const EVERY: Duration = Duration::from_secs(5);
/// Fewer blocks are not worth a line.
const FEW: u64 = 64;

/// Tells a note.
pub(crate) fn note(note: &Note) {
    match note {
        Note::Banned { node, offence } => {
            tracing::warn!(peer = peer_id_text(node), why = %offence, "peer banned");
        }
        Note::SyncStarted { from, to } => tracing::info!(from, to, "syncing"),
        Note::SyncDone { height } => tracing::info!(height, "in sync with the network"),
        Note::SyncAbandoned { why } => tracing::warn!(%why, "a better branch came to nothing"),
    }
}

/// Tells why a peer is let go. What is its fault was told already.
pub(crate) fn let_go(peer: &str, reason: &Reason) {
    match reason {
        Reason::Banned(_) => {}
        Reason::NoRoom | Reason::Unsupported | Reason::Dismissed => {
            tracing::debug!(peer, %reason, "peer let go");
        }
        _ => tracing::info!(peer, %reason, "peer let go"),
    }
}

/// Progress of a sync, every few seconds.
#[derive(Default)]
pub(crate) struct Progress {
    last: Option<(Instant, u64, u64)>,
}

impl Progress {
    /// Tells how far a sync is, if it is time to. `events`: imported since the node began.
    pub(crate) fn tell(&mut self, state: &SyncState, height: u64, events: u64) {
        if state.left < FEW {
            self.last = None;
            return;
        }
        let now = Instant::now();
        let Some((at, height_then, events_then)) = self.last else {
            self.last = Some((now, height, events));
            return;
        };
        let passed = now.duration_since(at);
        if passed < EVERY {
            return;
        }
        self.last = Some((now, height, events));
        let millis = u64::try_from(passed.as_millis()).unwrap_or(u64::MAX).max(1);
        let rate = |now: u64, then: u64| now.saturating_sub(then).saturating_mul(1_000) / millis;
        let blocks = rate(height, height_then);
        let left = state.left.checked_div(blocks).map_or("unknown".into(), minutes);
        tracing::info!(
            height,
            target = state.target,
            percent = height.saturating_mul(100) / state.target.max(1),
            blocks_per_second = blocks,
            events_per_second = rate(events, events_then),
            left,
            "syncing"
        );
    }
}

/// Seconds for people.
fn minutes(seconds: u64) -> String {
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, seconds) => format!("{minutes}m{seconds:02}s"),
        (hours, minutes, _) => format!("{hours}h{minutes:02}m"),
    }
}

#[cfg(test)]
mod tests {
    use super::minutes;

    #[test]
    fn time_left_reads_well() {
        for (seconds, text) in
            [(0, "0s"), (59, "59s"), (61, "1m01s"), (3_599, "59m59s"), (7_260, "2h01m")]
        {
            assert_eq!(minutes(seconds), text);
        }
    }
}
