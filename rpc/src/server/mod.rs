//! The server: one port for HTTP and WebSocket, with everything bounded: connections, sizes, batches, calls
//! under way, calls per second, time, and what waits for a client that does not read.
//!
//! jsonrpsee speaks JSON-RPC; the accept loop, the socket and the door are ours, because jsonrpsee bounds
//! neither slow clients nor calls under way, and knows nothing of origins.

mod config;
mod connection;
mod door;
mod socket;

pub use config::{Limits, ServerConfig};
pub use door::{BadAllowance, Refusal};

use connection::{Shared, serve};
use jsonrpsee::MethodCallback;
use jsonrpsee::server::{
    BatchRequestConfig, Extensions, Methods, PingConfig, RpcModule, ServerConfig as JsonRpcConfig,
    ServerHandle, StopHandle, stop_channel,
};
use jsonrpsee::types::error::METHOD_NOT_FOUND_CODE;
use jsonrpsee::types::{ErrorObjectOwned, Params};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};

/// How long to wait after a failed accept: out of file descriptors, usually.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// What a client gets that comes when all connections are taken.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\n\
    content-type: text/plain\r\ncontent-length: 21\r\n\r\nToo many connections\n";

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Other machines could reach the address, and that was not asked for.
    #[error(
        "{0} can be reached by other machines, who could use this node as you do; \
         listen on 127.0.0.1, or say that you mean it (--rpc-unsafe-external)"
    )]
    External(SocketAddr),
    /// The address can't be listened on.
    #[error("can't listen on {addr}: {error}{}", remedy(.error))]
    Bind {
        /// The address.
        addr: SocketAddr,
        /// What the operating system says.
        error: io::Error,
    },
    /// A configured host or origin that can't be one.
    #[error(transparent)]
    Allowance(#[from] BadAllowance),
}

fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "; stop what listens there, or choose another with --rpc-addr (port 0 takes a free one)"
        }
        _ => "",
    }
}

/// A server that runs. Dropped, it stops at once; [`Server::stop`] lets calls under way finish.
pub struct Server {
    addr: SocketAddr,
    stop: ServerHandle,
    kill: watch::Sender<bool>,
    grace: Duration,
    accepting: JoinHandle<()>,
}

impl Server {
    /// Binds the address and serves `methods` from now on. Needs a tokio runtime.
    ///
    /// # Errors
    /// See [`ServerError`].
    pub async fn start(
        config: ServerConfig,
        methods: impl Into<Methods>,
    ) -> Result<Self, ServerError> {
        if !config.addr.ip().is_loopback() && !config.unsafe_external {
            return Err(ServerError::External(config.addr));
        }
        let bind = |error| ServerError::Bind { addr: config.addr, error };
        let listener = TcpListener::bind(config.addr).await.map_err(bind)?;
        let addr = listener.local_addr().map_err(bind)?;
        let door = door::Door::new(addr, &config.allowed_hosts, &config.allowed_origins)?;
        let limits = config.limits;
        let methods = methods.into();
        let (stop_handle, stop) = stop_channel();
        let (kill, killed) = watch::channel(false);
        let shared = Arc::new(Shared {
            door,
            limits,
            service: jsonrpsee::server::Server::builder()
                .set_config(json_rpc_config(&limits))
                .to_service_builder(),
            http_methods: without_subscriptions(&methods),
            methods,
            bodies: Arc::new(Semaphore::new(
                usize::try_from(limits.bodies_len).unwrap_or(Semaphore::MAX_PERMITS),
            )),
            stop: stop_handle.clone(),
            killed,
        });
        let accepting = tokio::spawn(accept(listener, shared, stop_handle));
        Ok(Self { addr, stop, kill, grace: limits.stop_time, accepting })
    }

    /// The address that is listened on, with the port that was given for port 0.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Stops: no new connections, calls under way may finish, all is over after [`Limits::stop_time`].
    pub async fn stop(mut self) {
        // An error says that all is over already.
        let _ = self.stop.stop();
        if tokio::time::timeout(self.grace, &mut self.accepting).await.is_err() {
            let _ = self.kill.send(true);
            if tokio::time::timeout(self.grace, &mut self.accepting).await.is_err() {
                tracing::error!("a connection did not end");
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.stop.stop();
        let _ = self.kill.send(true);
    }
}

fn json_rpc_config(limits: &Limits) -> JsonRpcConfig {
    JsonRpcConfig::builder()
        .max_request_body_size(limits.request_len)
        .max_response_body_size(limits.response_len)
        // The accept loop counts connections; each has one request at a time or is a WebSocket.
        .max_connections(u32::try_from(limits.connections).unwrap_or(u32::MAX))
        .max_subscriptions_per_connection(limits.subscriptions)
        .set_batch_request_config(BatchRequestConfig::Limit(limits.batch))
        .set_message_buffer_capacity(limits.buffered_messages.max(1))
        .enable_ws_ping(
            PingConfig::new().ping_interval(limits.ping).inactive_limit(limits.ping * 2),
        )
        .build()
}

/// The same methods for HTTP, where a subscription has no way to send its messages: it says so.
fn without_subscriptions(methods: &Methods) -> Methods {
    let mut refusals = RpcModule::new(());
    let mut all = Methods::new();
    for name in methods.method_names() {
        let added = match methods.method(name) {
            Some(MethodCallback::Subscription(_) | MethodCallback::Unsubscription(_)) => {
                let refuse = move |_: Params<'_>, &(): &(), _: &Extensions| {
                    let why = format!("Method not found: {name} needs a WebSocket");
                    Err::<(), _>(ErrorObjectOwned::owned(METHOD_NOT_FOUND_CODE, why, None::<()>))
                };
                refusals.register_method(name, refuse).map(|_| ())
            }
            Some(other) => all.verify_and_insert(name, other.clone()).map(|_| ()),
            None => Ok(()),
        };
        added.expect("names of one set differ");
    }
    all.merge(refusals).expect("names of one set differ");
    all
}

/// Accepts connections until told to stop, then waits for them to end.
async fn accept(listener: TcpListener, shared: Arc<Shared>, stop: StopHandle) {
    let places = Arc::new(Semaphore::new(shared.limits.connections));
    let mut connections = JoinSet::new();
    let stopped = stop.shutdown();
    tokio::pin!(stopped);
    loop {
        let accepted = tokio::select! {
            () = &mut stopped => break,
            accepted = listener.accept() => accepted,
        };
        while connections.try_join_next().is_some() {}
        match (accepted, places.clone().try_acquire_owned()) {
            (Ok((stream, _)), Ok(place)) => {
                let shared = shared.clone();
                connections.spawn(async move {
                    serve(stream, shared).await;
                    drop(place);
                });
            }
            (Ok((stream, peer)), Err(_)) => {
                tracing::debug!(%peer, "refused a connection: all are taken");
                turn_away(stream);
            }
            (Err(error), _) => {
                tracing::warn!(%error, "could not accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Says why, if that fits the empty send buffer, and closes.
fn turn_away(stream: TcpStream) {
    if let Ok(mut stream) = stream.into_std() {
        let _ = stream.write(FULL);
    }
}
