//! Results on standard output. A reader who leaves early (`| head`) is no panic.

use std::io::{self, Write};

/// Writes a line for people who may or may not read it.
pub(crate) fn tell(text: &str) {
    let _ = line(text);
}

/// Writes a result.
///
/// # Errors
/// When it can't be written: then what was asked for was not done.
pub(crate) fn line(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}
