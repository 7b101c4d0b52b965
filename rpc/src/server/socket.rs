//! A connection's socket, which gives up on clients that don't read, and stops reading from
//! clients that ask faster than they are answered.

use crate::caller::Gate;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::convert::Infallible;
use std::io::{self, ErrorKind, IoSlice};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::Sleep;

/// What a client must read of a longer answer within the time for reading it all, so that
/// a byte now and then does not keep a connection.
const PROGRESS: usize = 64 << 10;

/// A TCP socket with four rules of its own:
/// while the client leaves unread what we write, nothing more is read from it;
/// what it leaves unread for `unread` ends the connection;
/// while its calls under way are at their bound, nothing more is read either;
/// and a WebSocket ends whose unfinished message no longer fits what all connections may hold.
pub(crate) struct Socket {
    stream: TcpStream,
    gate: Arc<Gate>,
    unread: Duration,
    /// The client has not taken the last write.
    blocked: bool,
    /// Runs from the first write that was not taken until all is written or [`PROGRESS`] made.
    patience: Option<(Pin<Box<Sleep>>, usize)>,
    _dropped: oneshot::Sender<Infallible>,
}

impl Socket {
    /// The socket, and a receiver that ends when the socket is dropped, by HTTP or by WebSocket.
    pub(crate) fn new(
        stream: TcpStream,
        gate: Arc<Gate>,
        unread: Duration,
    ) -> (Self, oneshot::Receiver<Infallible>) {
        let (dropped, closed) = oneshot::channel();
        let socket =
            Self { stream, gate, unread, blocked: false, patience: None, _dropped: dropped };
        (socket, closed)
    }

    fn write(
        &mut self,
        cx: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut TcpStream>, &mut Context<'_>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        self.gate.park_writer(cx.waker());
        if self.gate.is_closed() {
            return Poll::Ready(Err(ErrorKind::ConnectionAborted.into()));
        }
        let written = write(Pin::new(&mut self.stream), cx);
        match &written {
            Poll::Pending => {
                self.blocked = true;
                let (sleep, _) = self
                    .patience
                    .get_or_insert_with(|| (Box::pin(tokio::time::sleep(self.unread)), 0));
                ready!(sleep.as_mut().poll(cx));
                // The reading half must end too, though nothing more is read from the client.
                self.gate.close();
                return Poll::Ready(Err(ErrorKind::TimedOut.into()));
            }
            Poll::Ready(Ok(bytes)) => {
                if let Some((_, progress)) = &mut self.patience {
                    *progress = progress.saturating_add(*bytes);
                    if *progress >= PROGRESS {
                        self.patience = None;
                    }
                }
                self.unblock();
            }
            Poll::Ready(Err(_)) => {}
        }
        written
    }

    fn unblock(&mut self) {
        if self.blocked {
            self.blocked = false;
            self.gate.wake_reader();
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // Parked before the conditions are looked at, so that no change of them is missed.
        self.gate.park_reader(cx.waker());
        if self.gate.is_closed() {
            return Poll::Ready(Err(ErrorKind::ConnectionAborted.into()));
        }
        if self.blocked || self.gate.is_full() {
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if !self.gate.read(buffer.filled().len().saturating_sub(before)) {
            tracing::debug!("ended a WebSocket: too many bytes of unfinished messages");
            self.gate.close();
            return Poll::Ready(Err(ErrorKind::ConnectionAborted.into()));
        }
        read
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.write(cx, |stream, cx| stream.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.write(cx, |stream, cx| stream.poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// Callers flush when they have written all: the client has kept up.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.patience = None;
        self.unblock();
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
