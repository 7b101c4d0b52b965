//! Why a request is refused, with the codes that mining programs know.

use serde_json::{Value, json};
use std::borrow::Cow;

/// A refused request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// None of the others: malformed, not agreed on, out of bounds.
    #[error("{0}")]
    Other(Cow<'static, str>),
    /// The job's block was found by somebody else, or the job was replaced long ago.
    #[error("stale: the job was replaced")]
    Stale,
    /// A job that this connection was never given.
    #[error("job not found")]
    UnknownJob,
    /// The same share twice.
    #[error("duplicate share")]
    Duplicate,
    /// The hash does not meet the share difficulty.
    #[error("low difficulty share")]
    LowDifficulty,
    /// More shares of one job than are remembered.
    #[error("too many shares of one job; a harder one is on its way")]
    TooMany,
    /// The user is not one whom this connection mines for.
    #[error("unauthorized: {0}")]
    Unauthorized(Cow<'static, str>),
    /// Work without `mining.subscribe`.
    #[error("not subscribed")]
    NotSubscribed,
}

impl Refusal {
    /// The code on the wire.
    #[must_use]
    pub const fn code(&self) -> u32 {
        match self {
            Self::Other(_) | Self::TooMany => 20,
            Self::Stale | Self::UnknownJob => 21,
            Self::Duplicate => 22,
            Self::LowDifficulty => 23,
            Self::Unauthorized(_) => 24,
            Self::NotSubscribed => 25,
        }
    }

    /// Points that it costs (see [`crate::guard`]). To be late is nobody's fault, and hardware that
    /// is faster than the difficulty it begins with is no offender.
    #[must_use]
    pub const fn points(&self) -> u32 {
        match self {
            Self::Stale | Self::TooMany => 0,
            _ => 1,
        }
    }

    pub(crate) fn other(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Other(reason.into())
    }

    /// `[code, text, null]`.
    pub(crate) fn to_json(&self) -> Value {
        json!([self.code(), self.to_string(), null])
    }
}
