//! What a command answers: for people, and for scripts.

use crate::output;
use anyhow::Result;
use serde_json::Value;

/// A result in both forms.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    /// For people.
    pub(crate) text: String,
    /// For scripts: what `--json` prints.
    pub(crate) json: Value,
}

impl Answer {
    /// An answer in both forms.
    pub(crate) fn new(text: impl Into<String>, json: Value) -> Self {
        Self { text: text.into(), json }
    }

    /// Writes the answer to standard output.
    ///
    /// # Errors
    /// When it can't be written.
    pub(crate) fn print(&self, json: bool) -> Result<()> {
        output::result(json, &self.json, |_| self.text.trim_end().to_owned())
    }
}
