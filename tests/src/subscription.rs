//! A JSON-RPC subscription over a WebSocket of some lines (RFC 6455), on purpose not the node's own.

use serde_json::{Value, json};
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

/// Longer messages are not read.
const MAX_LEN: u64 = 16 << 20;
/// What a frame is (RFC 6455 §5.2).
const TEXT: u8 = 1;
const PING: u8 = 9;
const PONG: u8 = 10;

/// Messages of a subscription, read as they come by a thread of its own.
#[derive(Debug)]
pub struct Subscription {
    stream: TcpStream,
    messages: Receiver<Value>,
}

fn send(mut stream: &TcpStream, opcode: u8, payload: &[u8]) -> io::Result<()> {
    let mut frame = vec![0x80 | opcode];
    match u8::try_from(payload.len()) {
        Ok(len) if len < 126 => frame.push(0x80 | len),
        _ => {
            let len = u16::try_from(payload.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
            frame.push(0x80 | 126);
            frame.extend(len.to_be_bytes());
        }
    }
    // A client must mask what it sends; under a mask of zeros it stays as it is.
    frame.extend([0; 4]);
    frame.extend(payload);
    stream.write_all(&frame)
}

/// The next frame: whether it ends a message, what it is, and what is in it.
fn receive(mut stream: &TcpStream) -> io::Result<(bool, u8, Vec<u8>)> {
    let mut head = [0; 2];
    stream.read_exact(&mut head)?;
    let len = match head[1] & 0x7f {
        126 => {
            let mut len = [0; 2];
            stream.read_exact(&mut len)?;
            u64::from(u16::from_be_bytes(len))
        }
        127 => {
            let mut len = [0; 8];
            stream.read_exact(&mut len)?;
            u64::from_be_bytes(len)
        }
        len => u64::from(len),
    };
    if len > MAX_LEN {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut payload = vec![0; usize::try_from(len).map_err(|_| io::ErrorKind::InvalidData)?];
    stream.read_exact(&mut payload)?;
    Ok((head[0] & 0x80 != 0, head[0] & 0x0f, payload))
}

/// The next message, pings answered on the way.
fn message(stream: &TcpStream) -> io::Result<Value> {
    let mut text = Vec::new();
    loop {
        let (is_last, opcode, payload) = receive(stream)?;
        match opcode {
            PING => send(stream, PONG, &payload)?,
            PONG => {}
            0 | TEXT => {
                text.extend(payload);
                if is_last {
                    return serde_json::from_slice(&text).map_err(io::Error::other);
                }
            }
            _ => return Err(io::ErrorKind::ConnectionAborted.into()),
        }
    }
}

fn upgrade(mut stream: &TcpStream, address: &str) -> io::Result<String> {
    // The key is RFC 6455's own example; it guards against caches, and there are none.
    let request = format!(
        "GET / HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    );
    stream.write_all(request.as_bytes())?;
    let (mut answer, mut byte) = (Vec::new(), [0]);
    while !answer.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        answer.extend(byte);
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

impl Subscription {
    /// Subscribes at the node whose JSON-RPC is at `address`.
    ///
    /// # Panics
    /// When the node refuses.
    #[must_use]
    pub fn open(address: &str, method: &str, params: &Value) -> Self {
        let stream = TcpStream::connect(address).expect("the node listens");
        let answer = upgrade(&stream, address).expect("the node answers");
        assert!(answer.starts_with("HTTP/1.1 101"), "no WebSocket: {answer}");
        let call = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        send(&stream, TEXT, call.to_string().as_bytes()).expect("the node reads");
        let opened = message(&stream).expect("the node answers");
        assert!(opened["result"].is_string() || opened["result"].is_number(), "{opened}");
        let (sender, messages) = mpsc::channel();
        let reader = stream.try_clone().expect("a handle for the reader");
        std::thread::spawn(move || {
            while let Ok(mut message) = message(&reader) {
                if sender.send(message["params"]["result"].take()).is_err() {
                    return;
                }
            }
        });
        Self { stream, messages }
    }

    /// The next message, or `None` if none comes in time or the node closed the connection.
    #[must_use]
    pub fn next(&self, within: Duration) -> Option<Value> {
        self.messages.recv_timeout(within).ok()
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}
