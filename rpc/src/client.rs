//! A small client: what the command line uses to talk to a node.

use core::fmt;
use jsonrpsee::core::client::{ClientT, Error, Subscription, SubscriptionClientT};
use jsonrpsee::core::traits::ToRpcParams;
use jsonrpsee::types::ErrorObjectOwned;
use jsonrpsee_http_client::{HttpClient, HttpClientBuilder};
use jsonrpsee_ws_client::{PingConfig, WsClient, WsClientBuilder};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;
use std::time::Duration;

/// Where a node listens unless told otherwise.
pub const DEFAULT_URL: &str = "ws://127.0.0.1:9944";
/// Bytes of an answer at most: more than a node sends.
const MAX_ANSWER: u32 = 32 << 20;
/// Bytes of a request at most.
const MAX_REQUEST: u32 = 4 << 20;
/// How long a call may take: longer than a node lets it.
const TIMEOUT: Duration = Duration::from_secs(65);
/// How long it may take to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Messages of a subscription that may wait to be read here.
const UNREAD_MESSAGES: usize = 1024;

/// A connection to a node, by WebSocket or HTTP.
pub struct Client {
    url: String,
    transport: Transport,
}

enum Transport {
    Http(HttpClient),
    Ws(WsClient),
}

/// Why a call did not give an answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Not a URL that a node can have.
    #[error("{url:?} is no node's address: {why}; it looks like {DEFAULT_URL}")]
    BadUrl {
        /// What was given.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// Nobody answers there.
    #[error(
        "no node answers at {url} ({why}); start one with `blocktree run`, or name another with --rpc URL"
    )]
    Unreachable {
        /// Where.
        url: String,
        /// What the attempt ended with.
        why: String,
    },
    /// The node refuses.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The node does not answer in time.
    #[error("the node at {0} did not answer in time")]
    Timeout(String),
    /// The answer is not what this version of the program understands.
    #[error("unexpected answer of the node at {url} to {method}: {why}")]
    Unexpected {
        /// Which node.
        url: String,
        /// Which method.
        method: String,
        /// What is wrong.
        why: String,
    },
    /// Subscriptions need a WebSocket.
    #[error("{0} is an HTTP address, but subscriptions need a WebSocket: ws://…")]
    NeedsWebSocket(String),
}

/// A node's refusal.
#[derive(Clone, Debug, PartialEq)]
pub struct Refused {
    /// The JSON-RPC error code.
    pub code: i32,
    /// The text for people.
    pub message: String,
    /// The name of the rule that refuses, if it is one of the node's own.
    pub rule: Option<String>,
    /// Everything under `data`.
    pub data: Option<Value>,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.rule {
            Some(rule) => write!(f, "refused: {} ({rule}, code {})", self.message, self.code),
            None => write!(f, "refused: {} (code {})", self.message, self.code),
        }
    }
}

impl std::error::Error for Refused {}

impl From<ErrorObjectOwned> for Refused {
    fn from(error: ErrorObjectOwned) -> Self {
        let data = error.data().and_then(|data| serde_json::from_str::<Value>(data.get()).ok());
        let rule = data.as_ref().and_then(|data| data.get("rule")?.as_str().map(str::to_owned));
        Self { code: error.code(), message: error.message().to_owned(), rule, data }
    }
}

/// Anything that serializes to an object or an array.
struct Raw(Box<RawValue>);

impl ToRpcParams for Raw {
    fn to_rpc_params(self) -> Result<Option<Box<RawValue>>, serde_json::Error> {
        Ok(Some(self.0))
    }
}

impl Client {
    /// Connects to the node at `url`: `ws://…` or `http://…`.
    ///
    /// # Errors
    /// [`ClientError::BadUrl`], or [`ClientError::Unreachable`] for a WebSocket; HTTP connects with
    /// the first call.
    pub async fn connect(url: &str) -> Result<Self, ClientError> {
        let bad = |why: String| ClientError::BadUrl { url: url.to_owned(), why };
        let unreachable =
            |why: Error| ClientError::Unreachable { url: url.to_owned(), why: why.to_string() };
        let transport = match url.split_once("://") {
            Some(("ws", rest)) if !rest.is_empty() => Transport::Ws(
                WsClientBuilder::new()
                    .max_request_size(MAX_REQUEST)
                    .max_response_size(MAX_ANSWER)
                    .max_frame_size(MAX_ANSWER)
                    .request_timeout(TIMEOUT)
                    .connection_timeout(CONNECT_TIMEOUT)
                    .max_buffer_capacity_per_subscription(UNREAD_MESSAGES)
                    .enable_ws_ping(PingConfig::new())
                    .build(url)
                    .await
                    .map_err(unreachable)?,
            ),
            Some(("http", rest)) if !rest.is_empty() => Transport::Http(
                HttpClientBuilder::new()
                    .max_request_size(MAX_REQUEST)
                    .max_response_size(MAX_ANSWER)
                    .request_timeout(TIMEOUT)
                    .build(url)
                    .map_err(|error| bad(error.to_string()))?,
            ),
            Some(("wss" | "https", _)) => {
                let why = "encrypted connections are not built in; use a tunnel".to_owned();
                return Err(bad(why));
            }
            _ => return Err(bad("it begins with neither ws:// nor http://".to_owned())),
        };
        Ok(Self { url: url.to_owned(), transport })
    }

    /// Where the node is.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Calls a method with parameters that serialize to an object or an array.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn call<P: Serialize, R: DeserializeOwned>(
        &self,
        method: &str,
        params: P,
    ) -> Result<R, ClientError> {
        let params = self.params(method, &params)?;
        let answer = match &self.transport {
            Transport::Http(client) => client.request(method, params).await,
            Transport::Ws(client) => client.request(method, params).await,
        };
        answer.map_err(|error| self.explain(method, error))
    }

    /// Opens a subscription; [`Subscription::next`] gives its messages.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn subscribe<P: Serialize, R: DeserializeOwned>(
        &self,
        method: &str,
        params: P,
        unsubscribe: &str,
    ) -> Result<Subscription<R>, ClientError> {
        let Transport::Ws(client) = &self.transport else {
            return Err(ClientError::NeedsWebSocket(self.url.clone()));
        };
        let params = self.params(method, &params)?;
        let opened = client.subscribe(method, params, unsubscribe).await;
        opened.map_err(|error| self.explain(method, error))
    }

    fn params<P: Serialize>(&self, method: &str, params: &P) -> Result<Raw, ClientError> {
        let raw = serde_json::value::to_raw_value(params);
        raw.map(Raw).map_err(|error| self.unexpected(method, error.to_string()))
    }

    fn unexpected(&self, method: &str, why: String) -> ClientError {
        ClientError::Unexpected { url: self.url.clone(), method: method.to_owned(), why }
    }

    fn explain(&self, method: &str, error: Error) -> ClientError {
        match error {
            Error::Call(error) => ClientError::Refused(error.into()),
            Error::RequestTimeout => ClientError::Timeout(self.url.clone()),
            Error::Transport(why) => {
                ClientError::Unreachable { url: self.url.clone(), why: innermost(&*why) }
            }
            Error::RestartNeeded(why) => {
                ClientError::Unreachable { url: self.url.clone(), why: why.to_string() }
            }
            other => self.unexpected(method, other.to_string()),
        }
    }
}

/// The cause at the bottom, which is what helps: `Connection refused` rather than `client error`.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
