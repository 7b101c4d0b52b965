//! Wrong usage that clap can't see, because it depends on the chain or on a file.

/// Leads to exit code 2. The text says what to change.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct UsageError(pub(crate) String);

impl UsageError {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}
