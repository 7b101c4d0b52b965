//! The listening socket, and what all connections share.

use crate::connection::Connection;
use crate::desk::{Desk, Renewal};
use crate::guard::{Bounds, Guard};
use crate::session::Payable;
use crate::{Difficulty, Settings, Templates};
use blocktree_primitives::Network;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// Connections that the system keeps until they are taken.
const BACKLOG: u32 = 512;
/// The pause when the system gives no more sockets.
const PAUSE: Duration = Duration::from_millis(100);

/// How the server is to be.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Where it listens.
    pub address: SocketAddr,
    /// The network whose principals may mine.
    pub network: Network,
    /// Whom of them not, and why not.
    pub payable: Payable,
    /// The difficulty that a connection begins with; vardiff goes on from there.
    pub start: Difficulty,
    /// The lowest difficulty.
    pub floor: Difficulty,
    /// The time between a connection's shares that vardiff aims at.
    pub share_every: Duration,
    /// See [`Settings::is_unpaced`].
    pub is_unpaced: bool,
    /// The least time between a job and one that only pays better.
    pub better_every: Duration,
    /// The time after which there is a new job in any case.
    pub job_every: Duration,
    /// What one connection, or one address, may take.
    pub limits: Limits,
}

/// What one connection, or one address, may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections in all.
    pub connections: usize,
    /// Connections of one address (IPv6: of one /64).
    pub per_address: usize,
    /// Connections that an address opens per second, once it has opened `per_address` quickly.
    pub opens_per_second: u32,
    /// Lines that a connection may send at once.
    pub burst: u32,
    /// Lines per second after those; whoever sends more is read more slowly.
    pub lines_per_second: u32,
    /// The time for subscribing and authorizing.
    pub login: Duration,
    /// The time without a good share after which a connection is closed.
    pub idle: Duration,
    /// The time in which a miner takes what is sent to it.
    pub write: Duration,
    /// How long a ban lasts; zero for none.
    pub ban: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1_024,
            per_address: 256,
            opens_per_second: 4,
            burst: 500,
            lines_per_second: 100,
            login: Duration::from_secs(20),
            idle: Duration::from_secs(15 * 60),
            write: Duration::from_secs(10),
            ban: Duration::from_secs(10 * 60),
        }
    }
}

impl Config {
    /// A server with plain bounds: a share in five seconds, a job in half a minute.
    #[must_use]
    pub fn new(address: SocketAddr, network: Network) -> Self {
        Self {
            address,
            network,
            payable: |_, _| Ok(()),
            // 2^24 hashes: within a second or two for one core, and eight steps below difficulty 1.
            start: Difficulty::power(-8),
            // 2^16 hashes.
            floor: Difficulty::power(-16),
            share_every: Duration::from_secs(5),
            is_unpaced: false,
            better_every: Duration::from_secs(5),
            job_every: Duration::from_secs(30),
            limits: Limits::default(),
        }
    }

    pub(crate) const fn settings(&self) -> Settings {
        let Self { network, payable, start, floor, share_every, is_unpaced, limits, .. } = *self;
        let Limits { login, idle, burst, lines_per_second, .. } = limits;
        Settings {
            network,
            payable,
            start,
            floor,
            share_every,
            is_unpaced,
            login,
            idle,
            burst,
            lines_per_second,
        }
    }
}

/// What the server did so far, and does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections that there are.
    pub connections: usize,
    /// Addresses that are banned.
    pub banned: usize,
    /// Good shares.
    pub accepted: u64,
    /// Shares that came too late.
    pub stale: u64,
    /// Shares that were no good.
    pub rejected: u64,
    /// Blocks that became the tip.
    pub blocks: u64,
    /// Connections that were not taken.
    pub denied: u64,
}

#[derive(Default)]
pub(crate) struct Totals {
    pub(crate) accepted: AtomicU64,
    pub(crate) stale: AtomicU64,
    pub(crate) rejected: AtomicU64,
    pub(crate) blocks: AtomicU64,
    denied: AtomicU64,
}

/// What all connections share.
pub(crate) struct Server {
    pub(crate) config: Config,
    pub(crate) desk: Arc<Desk>,
    pub(crate) totals: Totals,
    guard: Mutex<Guard>,
}

impl Server {
    pub(crate) fn guard(&self) -> MutexGuard<'_, Guard> {
        self.guard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running server; it ends when this is dropped.
pub struct Handle {
    address: SocketAddr,
    server: Arc<Server>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Handle {
    /// Where it listens, with the port that the system gave if none was asked for.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it did so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let totals = &self.server.totals;
        let guard = self.server.guard();
        Counts {
            connections: guard.connections(),
            banned: guard.banned(Instant::now()),
            accepted: totals.accepted.load(Ordering::Relaxed),
            stale: totals.stale.load(Ordering::Relaxed),
            rejected: totals.rejected.load(Ordering::Relaxed),
            blocks: totals.blocks.load(Ordering::Relaxed),
            denied: totals.denied.load(Ordering::Relaxed),
        }
    }

    /// Closes all connections and waits until that is done.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        if (&mut self.task).await.is_err() {
            tracing::error!("the Stratum server had died");
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

/// Starts a server on `runtime` that gives out the work of `templates`.
///
/// # Errors
/// When the address can't be listened on.
pub fn start(
    config: Config,
    templates: Arc<dyn Templates>,
    runtime: &runtime::Handle,
) -> io::Result<Handle> {
    let _entered = runtime.enter();
    let socket = match config.address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.bind(config.address)?;
    let listener = socket.listen(BACKLOG)?;
    let address = listener.local_addr()?;
    let Limits { connections, per_address, opens_per_second, ban, .. } = config.limits;
    let bounds = Bounds { connections, per_address, opens_per_second, ban };
    let renewal = Renewal { better: config.better_every, always: config.job_every };
    let server = Arc::new(Server {
        config,
        desk: Desk::new(templates, renewal),
        totals: Totals::default(),
        guard: Mutex::new(Guard::new(bounds)),
    });
    let (stop, stopped) = watch::channel(false);
    let task = runtime.spawn(accept(listener, Arc::clone(&server), stopped));
    Ok(Handle { address, server, stop, task })
}

/// Takes connections until the server is stopped; ends them all then.
async fn accept(listener: TcpListener, server: Arc<Server>, mut stopped: watch::Receiver<bool>) {
    let desk = tokio::spawn(Arc::clone(&server.desk).run());
    let mut connections = JoinSet::new();
    // Differs from node to node, so that two of them don't search the same for one principal.
    let [a, b, c, d, ..] = RandomState::new().hash_one(0_u8).to_le_bytes();
    let mut extranonce1 = u32::from_le_bytes([a, b, c, d]);
    loop {
        let accepted = tokio::select! {
            _ = stopped.wait_for(|is_stopped| *is_stopped) => break,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, address)) => {
                extranonce1 = extranonce1.wrapping_add(1);
                take(&server, stream, address, extranonce1.to_be_bytes(), &mut connections);
            }
            Err(error) => {
                tracing::debug!(%error, "no connection could be accepted");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    desk.abort();
    connections.shutdown().await;
}

fn take(
    server: &Arc<Server>,
    stream: TcpStream,
    address: SocketAddr,
    extranonce1: [u8; 4],
    connections: &mut JoinSet<()>,
) {
    if let Err(denied) = server.guard().open(Instant::now(), address.ip()) {
        server.totals.denied.fetch_add(1, Ordering::Relaxed);
        return tracing::debug!(%address, %denied, "miner not taken");
    }
    let open = Open { server: Arc::clone(server), address };
    // Jobs and answers are small and urgent.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%address, %error, "a socket keeps its delay");
    }
    connections.spawn(async move {
        let server = Arc::clone(&open.server);
        let end = Connection::serve(server, stream, address, extranonce1).await;
        tracing::debug!(%address, %end, "miner gone");
        drop(open);
    });
}

/// A connection that the guard counts; also when its task is aborted.
struct Open {
    server: Arc<Server>,
    address: SocketAddr,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.server.guard().close(Instant::now(), self.address.ip());
    }
}
