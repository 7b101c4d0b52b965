//! Lines from a socket, bounded before anything else looks at them.

use crate::message::MAX_LINE;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt};

/// Cuts what a socket brings into lines. Cancelling a read loses nothing.
pub(crate) struct Lines<R> {
    reader: R,
    buffer: Vec<u8>,
    /// Where the next line begins.
    start: usize,
}

/// What was cut off.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// A line, without its end.
    Line(Vec<u8>),
    /// More than a line may have.
    Overlong,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self { reader, buffer: Vec::new(), start: 0 }
    }

    /// The next line that is here already.
    pub(crate) fn ready(&mut self) -> Option<Cut> {
        let rest = self.buffer.get(self.start..).unwrap_or_default();
        match rest.iter().position(|byte| *byte == b'\n') {
            Some(length) if length <= MAX_LINE => {
                let line = rest.get(..length).unwrap_or_default().to_vec();
                self.start = self.start.saturating_add(length).saturating_add(1);
                Some(Cut::Line(line))
            }
            None if rest.len() <= MAX_LINE => None,
            _ => Some(Cut::Overlong),
        }
    }

    /// Reads more; false at the end.
    pub(crate) async fn fill(&mut self) -> io::Result<bool> {
        self.buffer.drain(..self.start.min(self.buffer.len()));
        self.start = 0;
        let mut piece = [0; 2_048];
        let count = self.reader.read(&mut piece).await?;
        self.buffer.extend_from_slice(piece.get(..count).unwrap_or_default());
        Ok(count > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cuts(bytes: &[u8]) -> Vec<Cut> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut lines = Lines::new(bytes);
            let mut cuts = Vec::new();
            loop {
                while let Some(cut) = lines.ready() {
                    let is_over = cut == Cut::Overlong;
                    cuts.push(cut);
                    if is_over {
                        return cuts;
                    }
                }
                if !lines.fill().await.unwrap() {
                    return cuts;
                }
            }
        })
    }

    #[test]
    fn cuts_lines_wherever_pieces_end() {
        let text = format!("one\n\n{}\nunfinished", "x".repeat(MAX_LINE));
        let line = |text: &str| Cut::Line(text.as_bytes().to_vec());
        assert_eq!(cuts(text.as_bytes()), [line("one"), line(""), line(&"x".repeat(MAX_LINE))]);
    }

    #[test]
    fn says_when_a_line_is_too_long_without_keeping_it() {
        let text = format!("one\n{}", "x".repeat(100 * MAX_LINE));
        assert_eq!(cuts(text.as_bytes()), [Cut::Line(b"one".to_vec()), Cut::Overlong]);
        let ended = format!("{}\n", "x".repeat(MAX_LINE + 1));
        assert_eq!(cuts(ended.as_bytes()), [Cut::Overlong]);
    }
}
