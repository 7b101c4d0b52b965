//! One request and its answer over one stream: the asker writes the request and closes its side, the
//! other writes the answer and closes its own (docs/protocol.md §12). No length is sent: a message ends
//! where its side of the stream ends.

use super::limits::{Lease, max_answer_len};
use blocktree_network::message::MAX_REQUEST_LEN;
use blocktree_network::{Failure, Offence, Request, Response};
use core::time::Duration;
use libp2p::futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use parity_scale_codec::Encode;
use std::io;
use tokio::time::timeout;

/// Bytes written at once.
const CHUNK: usize = 64 << 10;
/// Bytes that there is room for before any came: most requests take less.
const FIRST: usize = 1 << 10;

/// Why a message did not come or go.
#[derive(Debug)]
pub(crate) enum Broken {
    /// The other side broke the protocol.
    Offence(Offence),
    /// The stream ended early. Nobody is to blame.
    Gone,
    /// It did not end in time.
    Late,
    /// This node holds as much as it may.
    Full,
}

/// Reads until the end of the stream, at most `limit` bytes, which are taken from `lease`.
async fn read_to_end(
    stream: &mut (impl AsyncRead + Unpin),
    limit: usize,
    lease: &mut Lease,
) -> Result<Vec<u8>, Broken> {
    let mut bytes = Vec::new();
    let mut filled = 0;
    loop {
        if filled == bytes.len() {
            // As much again as came, so that copying stays linear and a short message holds little.
            // One byte beyond the limit tells an end from an excess.
            let more = filled.max(FIRST).min(limit + 1 - filled);
            if !lease.grow(more) {
                return Err(Broken::Full);
            }
            bytes.resize(filled + more, 0);
        }
        let rest = bytes.get_mut(filled..).unwrap_or_default();
        let read = stream.read(rest).await.map_err(|_| Broken::Gone)?;
        filled += read;
        if read == 0 {
            bytes.truncate(filled);
            return Ok(bytes);
        }
        if filled > limit {
            return Err(Broken::Offence(Offence::TooLong(limit)));
        }
    }
}

/// Writes all and closes this side; each 64 KiB in at most `stall`.
async fn write_to_end(
    stream: &mut (impl AsyncWrite + Unpin),
    bytes: &[u8],
    stall: Duration,
) -> io::Result<()> {
    for chunk in bytes.chunks(CHUNK) {
        timeout(stall, stream.write_all(chunk)).await??;
    }
    timeout(stall, stream.close()).await??;
    Ok(())
}

/// Reads a request that someone opened a stream for.
pub(crate) async fn read_request(
    stream: &mut (impl AsyncRead + Unpin),
    lease: &mut Lease,
    time: Duration,
) -> Result<Request, Broken> {
    let read = read_to_end(stream, MAX_REQUEST_LEN, lease);
    let bytes = match timeout(time, read).await {
        Ok(bytes) => bytes?,
        Err(_) => return Err(Broken::Offence(Offence::TooSlow)),
    };
    Request::from_bytes(&bytes)
        .map_err(|e| Broken::Offence(Offence::Malformed(format!("request: {e}"))))
}

/// Writes an answer. A side that does not take it in is as slow as one that does not send.
pub(crate) async fn write_answer(
    stream: &mut (impl AsyncWrite + Unpin),
    response: Response,
    stall: Duration,
    time: Duration,
) -> Result<(), Broken> {
    let bytes = response.encode();
    drop(response);
    match timeout(time, write_to_end(stream, &bytes, stall)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(e)) if e.kind() != io::ErrorKind::TimedOut => Err(Broken::Gone),
        Ok(Err(_)) | Err(_) => Err(Broken::Offence(Offence::TooSlow)),
    }
}

/// Asks over a new stream and reads the answer.
pub(crate) async fn ask(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    request: Request,
    lease: &mut Lease,
    time: Duration,
) -> Result<Response, Broken> {
    let limit = max_answer_len(&request);
    let exchange = async {
        let bytes = request.encode();
        drop(request);
        write_to_end(stream, &bytes, time).await.map_err(|_| Broken::Gone)?;
        read_to_end(stream, limit, lease).await
    };
    let bytes = timeout(time, exchange).await.map_err(|_| Broken::Late)??;
    if bytes.is_empty() {
        return Err(Broken::Gone); // a node that is busy or stopping closes without a word
    }
    Response::from_bytes(&bytes)
        .map_err(|e| Broken::Offence(Offence::Malformed(format!("answer: {e}"))))
}

impl Broken {
    /// What the asker learns of it.
    pub(crate) const fn failure(&self) -> Failure {
        match self {
            Self::Late => Failure::Timeout,
            Self::Offence(_) | Self::Gone | Self::Full => Failure::Gone,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::limits::Budget;
    use super::*;
    use libp2p::futures::executor::block_on;
    use libp2p::futures::io::Cursor;

    fn read(len: usize, limit: usize, budget: usize) -> (Result<usize, Broken>, usize) {
        let budget = Budget::new(budget);
        let mut lease = budget.lease();
        let mut stream = Cursor::new(vec![7; len]);
        let read = block_on(read_to_end(&mut stream, limit, &mut lease));
        let used = budget.used();
        (read.map(|bytes| bytes.iter().filter(|b| **b == 7).count()), used)
    }

    #[test]
    fn messages_are_read_whole_up_to_the_limit_and_no_further() {
        for limit in [0, 1, 10, FIRST - 1, FIRST, FIRST + 1, 300_000] {
            for len in [0, 1, limit.saturating_sub(1), limit] {
                if len <= limit {
                    let (got, used) = read(len, limit, usize::MAX);
                    assert_eq!(got.unwrap(), len);
                    assert!(used <= limit + 1, "{used} for a limit of {limit}");
                    assert!(used <= FIRST.max(2 * len), "{used} for {len}");
                }
            }
            for len in [limit + 1, limit + 2, limit * 10 + 100_000] {
                let (got, used) = read(len, limit, usize::MAX);
                let is_named =
                    matches!(got, Err(Broken::Offence(Offence::TooLong(l))) if l == limit);
                assert!(is_named, "{got:?}");
                assert!(used <= limit + 1, "{used} for a limit of {limit}");
            }
        }
    }

    #[test]
    fn a_message_beyond_the_budget_is_given_up() {
        let (got, _) = read(300_000, 400_000, 250_000);
        assert!(matches!(got, Err(Broken::Full)), "{got:?}");
    }
}
