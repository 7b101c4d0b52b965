//! Clients that cost little: requests are bytes made beforehand, answers are only searched for
//! `"result"`.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

/// A way to send calls and count answers.
pub(crate) trait Transport: Send {
    fn connect(addr: SocketAddr) -> Self;
    /// A call's bytes on the wire.
    fn frame(addr: SocketAddr, call: &str) -> Vec<u8>;
    fn send(&mut self, bytes: &[u8]);
    /// Waits for one answer, which has to be a result.
    fn receive(&mut self);
}

/// A connection and what was read of it beyond the last answer.
struct Reader {
    stream: TcpStream,
    bytes: Vec<u8>,
    start: usize,
}

impl Reader {
    fn connect(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, bytes: Vec::new(), start: 0 }
    }

    fn unread(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    fn more(&mut self) {
        self.bytes.drain(..self.start);
        self.start = 0;
        let before = self.bytes.len();
        self.bytes.resize(before + 65_536, 0);
        let read = self.stream.read(&mut self.bytes[before..]).unwrap();
        assert!(read > 0, "the server closed a connection");
        self.bytes.truncate(before + read);
    }

    /// The headers of an answer of HTTP, without the empty line.
    fn head(&mut self) -> String {
        loop {
            if let Some(end) = find(self.unread(), b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&self.unread()[..end]).to_lowercase();
                self.start += end + 4;
                return head;
            }
            self.more();
        }
    }

    fn skip_result(&mut self, len: usize) {
        while self.unread().len() < len {
            self.more();
        }
        let answer = &self.unread()[..len];
        let found = find(answer, b"\"result\"").is_some();
        assert!(found, "no result: {}", String::from_utf8_lossy(answer));
        self.start += len;
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// HTTP/1.1 with connections kept alive.
pub(crate) struct Http(Reader);

impl Transport for Http {
    fn connect(addr: SocketAddr) -> Self {
        Self(Reader::connect(addr))
    }

    fn frame(addr: SocketAddr, call: &str) -> Vec<u8> {
        let len = call.len();
        format!(
            "POST / HTTP/1.1\r\nhost: {addr}\r\ncontent-type: application/json\r\n\
             content-length: {len}\r\n\r\n{call}"
        )
        .into_bytes()
    }

    fn send(&mut self, bytes: &[u8]) {
        self.0.stream.write_all(bytes).unwrap();
    }

    fn receive(&mut self) {
        let head = self.0.head();
        let len = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        let len = len.and_then(|len| len.trim().parse().ok());
        self.0.skip_result(len.unwrap_or_else(|| panic!("no length: {head}")));
    }
}

/// WebSocket.
pub(crate) struct WebSocket(Reader);

impl Transport for WebSocket {
    fn connect(addr: SocketAddr) -> Self {
        let mut reader = Reader::connect(addr);
        let upgrade = format!(
            "GET / HTTP/1.1\r\nhost: {addr}\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\
             sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\r\n"
        );
        reader.stream.write_all(upgrade.as_bytes()).unwrap();
        let head = reader.head();
        assert!(head.starts_with("http/1.1 101"), "{head}");
        Self(reader)
    }

    /// RFC 6455 §5.2: final, text, masked with zeros.
    fn frame(_: SocketAddr, call: &str) -> Vec<u8> {
        let mut frame = vec![0x81];
        match u16::try_from(call.len()).unwrap() {
            len @ 0..126 => frame.push(0x80 | u8::try_from(len).unwrap()),
            len => {
                frame.push(0x80 | 126);
                frame.extend(len.to_be_bytes());
            }
        }
        frame.extend([0; 4]);
        frame.extend(call.as_bytes());
        frame
    }

    fn send(&mut self, bytes: &[u8]) {
        self.0.stream.write_all(bytes).unwrap();
    }

    fn receive(&mut self) {
        loop {
            while self.0.unread().len() < 4 {
                self.0.more();
            }
            let head: [u8; 4] = self.0.unread()[..4].try_into().unwrap();
            let (skipped, len) = match head[1] {
                len @ 0..126 => (2, usize::from(len)),
                126 => (4, usize::from(u16::from_be_bytes([head[2], head[3]]))),
                other => panic!("a frame of length {other}"),
            };
            self.0.start += skipped;
            if head[0] == 0x81 {
                return self.0.skip_result(len);
            }
            // A ping, which the server does not miss an answer to within a measurement.
            while self.0.unread().len() < len {
                self.0.more();
            }
            self.0.start += len;
        }
    }
}
