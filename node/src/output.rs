//! Results on standard output. A reader who leaves early (`| head`) is no panic.

use anyhow::{Context, Result};
use serde::Serialize;
use std::io::{self, Write};

/// Writes a line for people who may or may not read it.
pub(crate) fn tell(text: &str) {
    let _ = write_line(text);
}

/// Writes a line for people on standard error, where someone may listen or not: `eprintln!`
/// would panic.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Writes a result: as JSON, or as people read it.
///
/// # Errors
/// When it can't be written.
pub(crate) fn result<T: Serialize>(
    json: bool,
    value: &T,
    in_words: impl FnOnce(&T) -> String,
) -> Result<()> {
    let text = match json {
        true => serde_json::to_string_pretty(value).context("the result can't be shown as JSON")?,
        false => in_words(value),
    };
    write_line(&text).context("the result can't be written to standard output")
}

fn write_line(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

/// Lines of a label and a value each, the values below each other.
pub(crate) fn table(rows: &[(&str, String)]) -> String {
    let width = rows.iter().map(|(label, _)| label.len()).max().unwrap_or(0);
    let lines: Vec<String> =
        rows.iter().map(|(label, value)| format!("{label:width$}  {value}")).collect();
    lines.join("\n")
}

/// Bytes for people: `1.5 MB`.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    for (size, unit) in UNITS {
        if count >= size {
            return format!("{}.{} {unit}", count / size, (count % size) / (size / 10));
        }
    }
    format!("{count} bytes")
}

/// Seconds since 1970 as date and time in UTC.
pub(crate) fn utc(seconds: u32) -> String {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (mut year, mut day) = (1970, days);
    loop {
        let length = if is_leap(year) { 366 } else { 365 };
        if day < length {
            break;
        }
        day -= length;
        year += 1;
    }
    let february = if is_leap(year) { 29 } else { 28 };
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if day < length {
            break;
        }
        day -= length;
        month += 1;
    }
    let (hour, minute) = (second / 3600, second % 3600 / 60);
    format!("{year}-{month:02}-{:02} {hour:02}:{minute:02}:{:02} UTC", day + 1, second % 60)
}

const fn is_leap(year: u32) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_below_each_other() {
        let rows = [("a", "1".to_owned()), ("long", "2".to_owned())];
        assert_eq!(table(&rows), "a     1\nlong  2");
    }

    /// By `date -u -d @SECONDS`.
    #[test]
    fn times_are_those_of_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_399, "2000-02-28 23:59:59 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (978_307_199, "2000-12-31 23:59:59 UTC"),
            (1_793_491_200, "2026-11-01 00:00:00 UTC"),
            (4_107_542_400, "2100-03-01 00:00:00 UTC"),
            (u32::MAX, "2106-02-07 06:28:15 UTC"),
        ] {
            assert_eq!(utc(seconds), text);
        }
    }

    #[test]
    fn bytes_are_rounded_down() {
        for (count, text) in [
            (999, "999 bytes"),
            (1_000, "1.0 kB"),
            (1_560_000, "1.5 MB"),
            (12_000_000_000, "12.0 GB"),
        ] {
            assert_eq!(bytes(count), text);
        }
    }
}
