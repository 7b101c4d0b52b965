//! One socket around a [`Session`]: reads bounded lines, writes with a time limit, keeps the pace.

use crate::desk::{Seat, Work};
use crate::lines::{Cut, Lines};
use crate::server::Server;
use crate::session::Counted;
use crate::{Action, Event, Session};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::watch;

/// How often a session looks at the clock.
const TICK: Duration = Duration::from_secs(1);
/// Bytes of answers that are collected before they are written.
const BATCH: usize = 16 * 1024;

pub(crate) struct Connection {
    server: Arc<Server>,
    address: SocketAddr,
    session: Session,
    seat: Option<Seat>,
    writer: OwnedWriteHalf,
    /// Lines to be written.
    out: Vec<u8>,
}

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum End {
    #[error("the miner closed it")]
    Closed,
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error("the miner does not read")]
    SlowReader,
    #[error("{0}")]
    Session(&'static str),
    #[error("banned")]
    Banned,
}

/// What woke the connection.
enum Woken {
    Readable(std::io::Result<bool>),
    Work,
    Tick,
    Paused,
}

impl Connection {
    /// Serves a connection to its end.
    pub(crate) async fn serve(
        server: Arc<Server>,
        stream: TcpStream,
        address: SocketAddr,
        extranonce1: [u8; 4],
    ) -> End {
        let session = Session::new(Instant::now(), server.config.settings(), extranonce1);
        let (reader, writer) = stream.into_split();
        let mut lines = Lines::new(reader);
        let mut connection = Self { server, address, session, seat: None, writer, out: Vec::new() };
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            match connection.step(&mut lines, &mut ticks).await {
                Ok(()) if connection.out.len() < BATCH => {}
                Ok(()) => {
                    if let Err(end) = connection.flush().await {
                        return end;
                    }
                }
                Err(end) => {
                    // What was said last is still worth hearing; whether it can be sent is not.
                    let _ = connection.flush().await;
                    return end;
                }
            }
        }
    }

    /// Handles what is here, or waits for something and handles it.
    async fn step(
        &mut self,
        lines: &mut Lines<tokio::net::tcp::OwnedReadHalf>,
        ticks: &mut tokio::time::Interval,
    ) -> Result<(), End> {
        let pause = self.session.pause(Instant::now());
        if pause.is_zero()
            && let Some(cut) = lines.ready()
        {
            return match cut {
                Cut::Line(line) => self.handle(Event::Line(&line)).await,
                Cut::Overlong => self.handle(Event::Overlong).await,
            };
        }
        self.flush().await?;
        let woken = tokio::select! {
            biased;
            () = changed(self.seat.as_mut().map(|seat| &mut seat.work)) => Woken::Work,
            _ = ticks.tick() => Woken::Tick,
            () = tokio::time::sleep(pause), if !pause.is_zero() => Woken::Paused,
            result = lines.fill(), if pause.is_zero() => Woken::Readable(result),
        };
        match woken {
            Woken::Readable(Ok(true)) | Woken::Paused => Ok(()),
            Woken::Readable(Ok(false)) => Err(End::Closed),
            Woken::Readable(Err(error)) => Err(error.into()),
            Woken::Tick => self.handle(Event::Tick).await,
            Woken::Work => {
                let work =
                    self.seat.as_mut().and_then(|seat| seat.work.borrow_and_update().clone());
                match work {
                    Some(template) => self.handle(Event::Work(template)).await,
                    None => Ok(()),
                }
            }
        }
    }

    async fn handle(&mut self, event: Event<'_>) -> Result<(), End> {
        let actions = self.session.on(Instant::now(), event);
        let Some(solved) = self.act(actions)? else { return Ok(()) };
        let (id, solution) = solved;
        let Some(miner) = self.session.miner() else { return Ok(()) };
        let (height, hash) = (solution.commitment.height.0, solution.header.hash());
        let outcome = self.server.desk.submit(miner, *solution).await;
        match &outcome {
            crate::Outcome::NewTip => {
                self.server.totals.blocks.fetch_add(1, Ordering::Relaxed);
                let miner = miner.to_text(self.server.config.network);
                tracing::info!(height, %hash, miner, "block mined over Stratum");
            }
            crate::Outcome::Stale => tracing::info!(%hash, "a miner's block came too late"),
            crate::Outcome::Refused(reason) => {
                tracing::warn!(%hash, reason, "a miner's block was refused");
            }
        }
        let actions = self.session.on(Instant::now(), Event::Solved(id, outcome));
        self.act(actions).map(|_| ())
    }

    /// Does what the session says; a block to submit is left to the caller. A session never asks
    /// for two at once.
    fn act(
        &mut self,
        actions: Vec<Action>,
    ) -> Result<Option<(serde_json::Value, Box<crate::Solution>)>, End> {
        let mut to_solve = None;
        for action in actions {
            match action {
                Action::Send(line) => {
                    self.out.extend_from_slice(line.as_bytes());
                    self.out.push(b'\n');
                }
                Action::Work(principal) => self.seat = Some(self.server.desk.sit(principal)),
                Action::Solve(id, solution) => to_solve = Some((id, solution)),
                Action::Count(counted) => self.count(counted),
                Action::Offence(points, reason) => self.offend(points, &reason)?,
                Action::Close(reason) => return Err(End::Session(reason)),
            }
        }
        Ok(to_solve)
    }

    fn count(&self, counted: Counted) {
        let totals = &self.server.totals;
        let total = match counted {
            Counted::Accepted => &totals.accepted,
            Counted::Stale => &totals.stale,
            Counted::Rejected => &totals.rejected,
        };
        total.fetch_add(1, Ordering::Relaxed);
    }

    fn offend(&self, points: u32, reason: &str) -> Result<(), End> {
        tracing::debug!(address = %self.address, points, reason, "a miner's offence");
        let is_banned = self.server.guard().offend(Instant::now(), self.address.ip(), points);
        if is_banned {
            tracing::info!(address = %self.address.ip(), reason, "miner banned for a while");
            return Err(End::Banned);
        }
        Ok(())
    }

    /// Writes what is to be written, within a time: who does not read is dropped, and never has
    /// more than one batch of memory.
    async fn flush(&mut self) -> Result<(), End> {
        if self.out.is_empty() {
            return Ok(());
        }
        let limit = self.server.config.limits.write;
        match tokio::time::timeout(limit, self.writer.write_all(&self.out)).await {
            Ok(result) => result?,
            Err(_) => return Err(End::SlowReader),
        }
        self.out.clear();
        self.out.shrink_to(BATCH);
        Ok(())
    }
}

/// Waits until there is new work; for ever without a seat.
async fn changed(work: Option<&mut watch::Receiver<Work>>) {
    let is_open = match work {
        Some(work) => work.changed().await.is_ok(),
        None => false,
    };
    if !is_open {
        std::future::pending::<()>().await;
    }
}
