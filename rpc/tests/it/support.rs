//! A server with a few methods, and clients that send what they like.

use blocktree_rpc::error::interface;
use blocktree_rpc::openrpc::Described;
use blocktree_rpc::params::NoParams;
use blocktree_rpc::registry::{AdminParams, Def, SubscriptionNames};
use blocktree_rpc::server::Limits;
use blocktree_rpc::subscriber::Subscriber;
use blocktree_rpc::{AdminToken, CallLimits, Registry, RpcError, Server, ServerConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What the methods work on.
#[derive(Default)]
pub(crate) struct Context {
    /// Messages that `test_subscribeFlood` made.
    pub(crate) sent: AtomicU64,
    /// Floods that ended.
    pub(crate) ended: AtomicU64,
}

/// Parameters of `test_echo`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct EchoParams {
    /// What to say.
    text: String,
    /// How often; once if not given.
    #[serde(default)]
    times: Option<u32>,
}

/// What `test_echo` answers.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Echo {
    /// What was said.
    pub(crate) said: Vec<String>,
    /// Bytes in all.
    pub(crate) total_len: u64,
}

/// Parameters of `admin_greet`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GreetParams {
    /// The admin token, unless it is in the header.
    #[serde(default)]
    token: Option<String>,
}

impl AdminParams for GreetParams {
    fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }
}

/// Parameters of methods that take a time.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Millis {
    /// Milliseconds.
    millis: u64,
}

/// A running server.
pub(crate) struct Fixture {
    pub(crate) server: Server,
    pub(crate) context: Arc<Context>,
    pub(crate) token: String,
    pub(crate) document: Value,
    _folder: tempfile::TempDir,
}

const fn def(name: &'static str, summary: &'static str, cost: u32) -> Def {
    Def { name, summary, cost }
}

fn echo(_: &Context, params: EchoParams) -> Result<Echo, RpcError> {
    let times = usize::try_from(params.times.unwrap_or(1)).unwrap_or(usize::MAX);
    let total_len = (params.text.len() * times) as u64;
    Ok(Echo { said: vec![params.text; times], total_len })
}

/// Counts when it is dropped, as a subscription is whose subscriber left.
struct Ending(Arc<Context>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::Relaxed);
    }
}

async fn flood(context: Arc<Context>, subscriber: Subscriber<String>) {
    let _ending = Ending(context.clone());
    let message = "x".repeat(64 << 10);
    while subscriber.send(&message).await.is_ok() {
        context.sent.fetch_add(1, Ordering::Relaxed);
    }
}

/// The methods that the tests call.
pub(crate) fn registry(
    token: AdminToken,
    context: Arc<Context>,
    limits: CallLimits,
) -> Registry<Context> {
    let mut registry = Registry::new(context, token, limits);
    registry.method(def("test_echo", "Says it again.", 1), echo);
    registry.method(def("test_dear", "Costs as much as a thousand lookups.", 1000), echo);
    registry.method(def("test_missing", "Finds nothing.", 1), |_, _: NoParams| {
        Err::<u64, _>(RpcError::refused(&interface::NOT_FOUND, "nothing here"))
    });
    registry.async_method(def("test_wait", "Waits.", 1), |_, params: Millis| async move {
        tokio::time::sleep(Duration::from_millis(params.millis)).await;
        Ok(params.millis)
    });
    registry.blocking_method(def("test_work", "Keeps a thread busy.", 1), |_, params: Millis| {
        std::thread::sleep(Duration::from_millis(params.millis));
        Ok(params.millis)
    });
    registry.blocking_method(
        def("test_panic", "Dies.", 1),
        |_, _: NoParams| -> Result<u64, RpcError> { panic!("on purpose") },
    );
    registry.admin_method(def("admin_greet", "Greets the admin.", 1), |_, _: GreetParams| {
        Ok("hello".to_owned())
    });
    registry.subscription(
        def("test_subscribeCount", "Counts up to a number.", 1),
        SubscriptionNames { notification: "test_count", unsubscribe: "test_unsubscribeCount" },
        |_, params: Millis| {
            if params.millis == 0 {
                return Err(RpcError::refused(&interface::NOT_FOUND, "nothing to count"));
            }
            Ok(move |subscriber: Subscriber<u64>| async move {
                for number in 1..=params.millis {
                    subscriber.send(&number).await?;
                }
                Err(RpcError::internal("counted to the end").into())
            })
        },
    );
    registry.subscription(
        def("test_subscribeFlood", "Sends without end.", 1),
        SubscriptionNames { notification: "test_flood", unsubscribe: "test_unsubscribeFlood" },
        |context: Arc<Context>, _: NoParams| {
            Ok(move |subscriber| async move {
                flood(context, subscriber).await;
                Ok(())
            })
        },
    );
    registry
}

/// What the document says of these methods.
pub(crate) const DESCRIBED: Described<'static> =
    Described { title: "Test", version: "0.0.0", description: "Methods for tests." };

/// Starts a server on a free port.
pub(crate) async fn start(limits: Limits, calls: CallLimits) -> Fixture {
    start_with(ServerConfig { limits, ..ServerConfig::default() }, calls).await
}

/// Starts a server with this configuration, on a free port.
pub(crate) async fn start_with(mut config: ServerConfig, calls: CallLimits) -> Fixture {
    config.addr.set_port(0);
    let folder = tempfile::tempdir().unwrap();
    let token = AdminToken::load_or_create(folder.path()).unwrap();
    let text = token.to_hex().to_string();
    let context = Arc::new(Context::default());
    let (methods, document) = registry(token, context.clone(), calls).finish(&DESCRIBED);
    let server = Server::start(config, methods).await.unwrap();
    Fixture { server, context, token: text, document, _folder: folder }
}

/// An answer of HTTP.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    pub(crate) fn error_code(&self) -> i64 {
        self.json()["error"]["code"].as_i64().unwrap_or_else(|| panic!("no error: {self:?}"))
    }
}

/// One connection, raw.
pub(crate) struct Raw(pub(crate) TcpStream);

impl Raw {
    pub(crate) async fn connect(addr: SocketAddr) -> Self {
        Self(TcpStream::connect(addr).await.unwrap())
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Reads one answer; `None` when the connection is closed first.
    pub(crate) async fn reply(&mut self) -> Option<Reply> {
        let mut bytes = Vec::new();
        let (mut head_len, mut len) = (None, 0);
        while head_len.is_none_or(|head| bytes.len() < head + len) {
            let mut chunk = [0; 65536];
            let read = match self.0.read(&mut chunk).await {
                Ok(0) | Err(_) => return None,
                Ok(read) => read,
            };
            bytes.extend_from_slice(&chunk[..read]);
            if head_len.is_none()
                && let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n")
            {
                head_len = Some(end + 4);
                let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
                let line = head.lines().find_map(|l| l.strip_prefix("content-length:"));
                len = line.map_or(0, |l| l.trim().parse().unwrap());
            }
        }
        let head = String::from_utf8(bytes[..head_len?].to_vec()).unwrap();
        let body = String::from_utf8_lossy(&bytes[head_len?..]).into_owned();
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some(Reply { status, head: head.to_lowercase(), body })
    }

    /// Whether the other side closes within `limit`; what it sends until then is thrown away.
    pub(crate) async fn closes_within(&mut self, limit: Duration) -> bool {
        let drain = async {
            let mut chunk = [0; 65536];
            while self.0.read(&mut chunk).await.is_ok_and(|read| read > 0) {}
        };
        tokio::time::timeout(limit, drain).await.is_ok()
    }
}

/// A POST with these headers and body.
pub(crate) fn post_with(headers: &str, body: &str) -> String {
    format!(
        "POST / HTTP/1.1\r\n{headers}content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A POST as a good client sends it.
pub(crate) fn post(addr: SocketAddr, body: &str) -> String {
    post_with(&format!("host: {addr}\r\n"), body)
}

/// A request as JSON.
pub(crate) fn request(method: &str, params: Value) -> String {
    json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string()
}

/// Posts a body on a connection of its own.
pub(crate) async fn post_once(addr: SocketAddr, body: &str) -> Reply {
    let mut raw = Raw::connect(addr).await;
    raw.send(post(addr, body)).await;
    raw.reply().await.expect("an answer")
}

/// Calls a method on a connection of its own.
pub(crate) async fn call(addr: SocketAddr, method: &str, params: Value) -> Value {
    post_once(addr, &request(method, params)).await.json()
}

/// A request to become a WebSocket, with these headers.
pub(crate) fn upgrade_with(headers: &str) -> String {
    format!(
        "GET / HTTP/1.1\r\n{headers}upgrade: websocket\r\nconnection: Upgrade\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\r\n"
    )
}

/// A raw WebSocket.
pub(crate) async fn websocket(addr: SocketAddr) -> Raw {
    let mut raw = Raw::connect(addr).await;
    raw.send(upgrade_with(&format!("host: {addr}\r\n"))).await;
    assert_eq!(raw.reply().await.unwrap().status, 101);
    raw
}

/// A text frame as clients send it: masked, here with zeros.
pub(crate) fn frame(text: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x81];
    match u16::try_from(text.len()) {
        Ok(len) if len < 126 => frame.push(0x80 | u8::try_from(len).unwrap()),
        Ok(len) => {
            frame.push(0x80 | 126);
            frame.extend(len.to_be_bytes());
        }
        Err(_) => {
            frame.push(0x80 | 127);
            frame.extend((text.len() as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(text);
    frame
}

/// Resident memory of this process, in bytes.
pub(crate) fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}
