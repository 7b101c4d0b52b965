//! One connection, from its first byte to its last.

use super::config::Limits;
use super::door::Door;
use super::socket::Socket;
use crate::caller::{BearerToken, Caller, Gate, SHORT};
use crate::error::{RpcError, interface};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use jsonrpsee::server::{
    HttpBody, HttpResponse, Methods, StopHandle, TowerService, TowerServiceBuilder, http, ws,
};
use jsonrpsee::types::{Id, Response, ResponsePayload};
use std::convert::Infallible;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tower::Service;
use tower::layer::util::Identity;
use zeroize::Zeroizing;

/// Bytes of a request's headers together.
const HEADERS_LEN: usize = 16 << 10;
/// Headers of a request.
const HEADERS: usize = 64;
/// Bytes that hyper reads ahead.
const READ_AHEAD: usize = 64 << 10;
/// How long a closed connection's tasks may take to notice.
const AFTERMATH: Duration = Duration::from_secs(1);

/// jsonrpsee's part of a connection.
type JsonRpc = TowerService<Identity, Identity>;

/// What all connections of a server share.
pub(super) struct Shared {
    pub(super) door: Door,
    pub(super) limits: Limits,
    pub(super) service: TowerServiceBuilder<Identity, Identity>,
    /// What is called over a WebSocket.
    pub(super) methods: Methods,
    /// What is called over HTTP.
    pub(super) http_methods: Methods,
    /// The bytes that unfinished requests may still take.
    pub(super) bodies: Arc<Semaphore>,
    pub(super) stop: StopHandle,
    /// Turns true when connections must end at once.
    pub(super) killed: watch::Receiver<bool>,
}

/// Serves a connection until its socket is closed, as HTTP or, after an upgrade, as WebSocket.
pub(super) async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection was closed before it began");
        return;
    }
    let limits = &shared.limits;
    let bodies = shared.bodies.clone();
    let gate = Gate::new(limits.calls_under_way, limits.calls_per_second, bodies);
    let (socket, dropped) = Socket::new(stream, gate.clone(), shared.limits.unread_time);
    let mut killed = shared.killed.clone();
    let served = async {
        serve_http(socket, Caller::new(gate.clone()), &shared).await;
        // A WebSocket lives on after its HTTP request.
        let _ = dropped.await;
    };
    tokio::pin!(served);
    tokio::select! {
        () = &mut served => return,
        _ = killed.wait_for(|killed| *killed) => gate.close(),
    }
    let _ = tokio::time::timeout(AFTERMATH, served).await;
}

async fn serve_http(socket: Socket, caller: Caller, shared: &Arc<Shared>) {
    let serve =
        |methods: &Methods| shared.service.clone().build(methods.clone(), shared.stop.clone());
    let (websocket, http) = (serve(&shared.methods), serve(&shared.http_methods));
    let service = service_fn(|request| {
        let json_rpc = if ws::is_upgrade_request(&request) { &websocket } else { &http };
        let (caller, json_rpc, shared) = (caller.clone(), json_rpc.clone(), shared.clone());
        async move { Ok::<_, Infallible>(answer(request, caller, json_rpc, &shared).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(shared.limits.header_time)
        .max_headers(HEADERS)
        .max_header_size(HEADERS_LEN)
        .max_buf_size(READ_AHEAD)
        .serve_connection(TokioIo::new(socket), service)
        .with_upgrades();
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = shared.stop.clone().shutdown() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended badly");
    }
}

/// Answers one HTTP request; a WebSocket is one to begin with.
async fn answer(
    request: Request<Incoming>,
    caller: Caller,
    json_rpc: JsonRpc,
    shared: &Shared,
) -> HttpResponse {
    if let Err(refusal) = shared.door.check(&request) {
        tracing::debug!(%refusal, "refused a request");
        return text(StatusCode::FORBIDDEN, refusal);
    }
    // The door has let this origin in, so its pages may read the answer.
    let origin = request.headers().get(header::ORIGIN).cloned();
    let mut response = if request.method() == Method::OPTIONS && origin.is_some() {
        preflight()
    } else {
        let limit = shared.limits.request_time;
        let called = call(request, caller, json_rpc, shared);
        tokio::time::timeout(limit, called).await.unwrap_or_else(|_| too_slow(limit))
    };
    if let Some(origin) = origin {
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.append(header::VARY, HeaderValue::from_static("origin"));
    }
    response
}

async fn call(
    request: Request<Incoming>,
    caller: Caller,
    mut json_rpc: JsonRpc,
    shared: &Shared,
) -> HttpResponse {
    let max_len = shared.limits.request_len;
    let upgrade = ws::is_upgrade_request(&request);
    if upgrade {
        caller.is_websocket();
    }
    let (mut parts, body) = request.into_parts();
    parts.extensions.insert(caller);
    if let Some(token) = bearer_token(&parts.headers) {
        parts.extensions.insert(token);
    }
    // The share of all bodies goes back when the request is answered.
    let (body, _share) = if upgrade || parts.method != Method::POST {
        (HttpBody::empty(), None)
    } else {
        match read(body, max_len, &shared.bodies).await {
            Ok((bytes, share)) => (HttpBody::from(bytes), share),
            Err(Unreadable::TooLarge) => return http::response::too_large(max_len),
            Err(Unreadable::Broken) => return http::response::malformed(),
            Err(Unreadable::NoRoom) => return no_room(),
        }
    };
    match json_rpc.call(Request::from_parts(parts, body)).await {
        Ok(response) => response,
        Err(error) => {
            tracing::error!(%error, "the JSON-RPC service failed");
            http::response::internal_error()
        }
    }
}

/// Why a body is not taken.
enum Unreadable {
    TooLarge,
    Broken,
    /// All connections together hold as much as they may.
    NoRoom,
}

/// The body, of which no more than `max_len` bytes are ever held, and what of `bodies` it takes.
async fn read(
    mut body: Incoming,
    max_len: u32,
    bodies: &Arc<Semaphore>,
) -> Result<(Vec<u8>, Option<OwnedSemaphorePermit>), Unreadable> {
    let max_len = usize::try_from(max_len).unwrap_or(usize::MAX);
    let announced = body.size_hint().lower();
    if usize::try_from(announced).unwrap_or(usize::MAX) > max_len {
        return Err(Unreadable::TooLarge);
    }
    let mut bytes = Vec::new();
    let mut share: Option<OwnedSemaphorePermit> = None;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Unreadable::Broken)?;
        let Some(data) = frame.data_ref() else { continue };
        if data.len() > max_len.saturating_sub(bytes.len()) {
            return Err(Unreadable::TooLarge);
        }
        let (had, needed) = (bytes.capacity(), bytes.len().saturating_add(data.len()));
        if needed > had {
            // What is taken is what is allocated, not what has come.
            let capacity = needed.next_power_of_two().min(max_len);
            let more = capacity.saturating_sub(had.max(SHORT));
            let more = u32::try_from(more).map_err(|_| Unreadable::TooLarge)?;
            let more = bodies.clone().try_acquire_many_owned(more);
            let more = more.map_err(|_| Unreadable::NoRoom)?;
            match &mut share {
                Some(share) => share.merge(more),
                None => share = Some(more),
            }
            bytes.reserve_exact(capacity.saturating_sub(bytes.len()));
        }
        bytes.extend_from_slice(data);
    }
    Ok((bytes, share))
}

fn bearer_token(headers: &HeaderMap) -> Option<BearerToken> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = Zeroizing::new(token.trim().to_owned());
    scheme.eq_ignore_ascii_case("bearer").then(|| BearerToken(Arc::new(token)))
}

/// What a browser asks before it lets a page of another origin send JSON.
fn preflight() -> HttpResponse {
    let mut response = HttpResponse::new(HttpBody::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    let mut set = |name, value| headers.insert(name, HeaderValue::from_static(value));
    set(header::ACCESS_CONTROL_ALLOW_METHODS, "POST");
    set(header::ACCESS_CONTROL_ALLOW_HEADERS, "content-type");
    set(header::ACCESS_CONTROL_MAX_AGE, "600");
    response
}

fn text(status: StatusCode, why: impl Display) -> HttpResponse {
    let mut response = HttpResponse::new(HttpBody::from(format!("{why}\n")));
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    response
}

fn too_slow(limit: Duration) -> HttpResponse {
    let why = format!("the request took longer than {} seconds", limit.as_secs());
    refused(StatusCode::REQUEST_TIMEOUT, &RpcError::refused(&interface::TOO_SLOW, why))
}

fn no_room() -> HttpResponse {
    let why = "too many long requests are under way, try again later";
    refused(StatusCode::SERVICE_UNAVAILABLE, &RpcError::refused(&interface::BUSY, why))
}

/// An answer to a request that was not read whole, after which the connection can't go on.
fn refused(status: StatusCode, why: &RpcError) -> HttpResponse {
    let error = why.to_object();
    let body = Response::new(ResponsePayload::<()>::error(error), Id::Null);
    let body = serde_json::to_string(&body).unwrap_or_default();
    let mut response = HttpResponse::new(HttpBody::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}
