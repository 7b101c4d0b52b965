//! The Stratum v1 connection to a node.

use crate::report::Report;
use crate::work::{Board, Found, Job, target};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc::Receiver;

/// Bytes of a line that a node may send.
const MAX_LINE: u64 = 64 * 1024;
/// The time for connecting, and for the first answers.
const PATIENCE: Duration = Duration::from_secs(15);
/// A node says something within this, or is taken for gone: jobs come twice a minute.
const SILENCE: Duration = Duration::from_secs(150);
/// Shares that wait for an answer, at most.
const UNANSWERED: usize = 4_096;

/// Why a session ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// The connection is gone.
    Lost(String),
    /// The node does not mine for this user.
    Refused(String),
}

impl From<std::io::Error> for Ended {
    fn from(error: std::io::Error) -> Self {
        Self::Lost(error.to_string())
    }
}

fn lost(reason: impl Into<String>) -> Ended {
    Ended::Lost(reason.into())
}

pub(crate) struct Client {
    reader: BufReader<OwnedReadHalf>,
    /// What was read of a line; kept when a wait is cut short.
    line: Vec<u8>,
    writer: OwnedWriteHalf,
    next: u64,
    extranonce1: Vec<u8>,
    extranonce2: usize,
    target: Option<[u8; 32]>,
    /// Shares without an answer yet, and when they were sent.
    unanswered: HashMap<u64, Instant>,
}

impl Client {
    pub(crate) async fn connect(node: &str) -> std::io::Result<Self> {
        let stream = tokio::time::timeout(PATIENCE, TcpStream::connect(node)).await??;
        stream.set_nodelay(true)?;
        let (reader, writer) = stream.into_split();
        Ok(Self {
            reader: BufReader::new(reader),
            line: Vec::new(),
            writer,
            next: 1,
            extranonce1: Vec::new(),
            extranonce2: 0,
            target: target(1.0),
            unanswered: HashMap::new(),
        })
    }

    /// Mines for `user` until the session ends.
    pub(crate) async fn mine(
        &mut self,
        user: &str,
        board: &Board,
        report: &Report,
        found: &mut Receiver<Found>,
    ) -> Ended {
        let session = board.begin();
        match self.try_mine(user, session, board, report, found).await {
            Ok(never) => match never {},
            Err(ended) => ended,
        }
    }

    async fn try_mine(
        &mut self,
        user: &str,
        session: u64,
        board: &Board,
        report: &Report,
        found: &mut Receiver<Found>,
    ) -> Result<std::convert::Infallible, Ended> {
        self.log_in(user, board).await?;
        report.say("mining");
        let mut silent = tokio::time::Instant::now() + SILENCE;
        loop {
            tokio::select! {
                line = next_line(&mut self.reader, &mut self.line) => {
                    self.hear(&line?, board, report)?;
                    silent = tokio::time::Instant::now() + SILENCE;
                }
                Some(found) = found.recv() => {
                    if found.session == session && self.unanswered.len() < UNANSWERED {
                        self.submit(user, &found).await?;
                    }
                }
                () = tokio::time::sleep_until(silent) => return Err(lost("the node is silent")),
            }
        }
    }

    async fn log_in(&mut self, user: &str, board: &Board) -> Result<(), Ended> {
        let name = concat!("blocktree-miner/", env!("CARGO_PKG_VERSION"));
        let answer = self.call("mining.subscribe", json!([name]), board).await?;
        let result = answer.get("result").unwrap_or(&Value::Null);
        let extranonce1 =
            result.get(1).and_then(Value::as_str).and_then(|text| hex::decode(text).ok());
        let size =
            result.get(2).and_then(Value::as_u64).and_then(|size| usize::try_from(size).ok());
        let (Some(extranonce1), Some(size @ 1..=16)) = (extranonce1, size) else {
            return Err(lost("the node does not speak Stratum"));
        };
        (self.extranonce1, self.extranonce2) = (extranonce1, size);
        let answer = self.call("mining.authorize", json!([user, "x"]), board).await?;
        if answer.get("result") != Some(&Value::Bool(true)) {
            return Err(Ended::Refused(reason(&answer)));
        }
        Ok(())
    }

    /// Asks, and waits for the answer; hears notifications meanwhile.
    async fn call(&mut self, method: &str, params: Value, board: &Board) -> Result<Value, Ended> {
        let id = self.send(method, params).await?;
        let answered = async {
            loop {
                let line = next_line(&mut self.reader, &mut self.line).await?;
                let value = parse(&line)?;
                if value.get("id").and_then(Value::as_u64) == Some(id) {
                    return Ok(value);
                }
                notified(&value, &self.extranonce1, self.extranonce2, &mut self.target, board)?;
            }
        };
        let answered = tokio::time::timeout(PATIENCE, answered).await;
        answered.unwrap_or_else(|_| Err(lost(format!("no answer to {method}"))))
    }

    async fn send(&mut self, method: &str, params: Value) -> Result<u64, Ended> {
        let id = self.next;
        self.next = id.wrapping_add(1);
        let mut line = json!({"id": id, "method": method, "params": params}).to_string();
        line.push('\n');
        let sent = tokio::time::timeout(PATIENCE, self.writer.write_all(line.as_bytes())).await;
        sent.map_err(|_| lost("the node does not read"))??;
        Ok(id)
    }

    async fn submit(&mut self, user: &str, found: &Found) -> Result<(), Ended> {
        let Found { job, extranonce2, time, nonce, .. } = found;
        let (time, nonce) = (format!("{time:08x}"), format!("{nonce:08x}"));
        let params = json!([user, job.id, hex::encode(extranonce2), time, nonce]);
        let id = self.send("mining.submit", params).await?;
        self.unanswered.insert(id, Instant::now());
        Ok(())
    }

    fn hear(&mut self, line: &[u8], board: &Board, report: &Report) -> Result<(), Ended> {
        let value = parse(line)?;
        let id = value.get("id").and_then(Value::as_u64);
        match id.and_then(|id| self.unanswered.remove(&id)) {
            Some(_) if value.get("result") == Some(&Value::Bool(true)) => report.accepted(),
            Some(_) if value.pointer("/error/0").and_then(Value::as_u64) == Some(21) => {
                report.stale();
            }
            Some(_) => report.rejected(&reason(&value)),
            None => {
                let (extranonce1, size) = (&self.extranonce1, self.extranonce2);
                notified(&value, extranonce1, size, &mut self.target, board)?;
            }
        }
        Ok(())
    }
}

/// Takes a notification in.
fn notified(
    value: &Value,
    extranonce1: &[u8],
    extranonce2: usize,
    present: &mut Option<[u8; 32]>,
    board: &Board,
) -> Result<(), Ended> {
    let params = value.get("params").unwrap_or(&Value::Null);
    match value.get("method").and_then(Value::as_str) {
        Some("mining.set_difficulty") => {
            *present = params.get(0).and_then(Value::as_f64).and_then(target);
            if present.is_none() {
                return Err(lost("the node's difficulty is not a positive number"));
            }
        }
        Some("mining.notify") => {
            let target = present.ok_or_else(|| lost("a job without a difficulty"))?;
            let job = Job::read(params, extranonce1, extranonce2, target);
            board.put(job.map_err(|error| lost(error.to_string()))?);
        }
        // Others are not asked for, and change nothing.
        _ => {}
    }
    Ok(())
}

fn parse(line: &[u8]) -> Result<Value, Ended> {
    serde_json::from_slice(line).map_err(|error| lost(format!("the node sent no JSON: {error}")))
}

/// Why a request was refused, for people.
fn reason(answer: &Value) -> String {
    let text = answer.pointer("/error/1").and_then(Value::as_str).unwrap_or("no reason given");
    text.chars().filter(|character| !character.is_control()).take(200).collect()
}

/// The next line, without its end. May be cut short and asked again: `line` keeps what came.
async fn next_line(
    reader: &mut (impl AsyncBufRead + Unpin),
    line: &mut Vec<u8>,
) -> Result<Vec<u8>, Ended> {
    let room = MAX_LINE.saturating_sub(u64::try_from(line.len()).unwrap_or(u64::MAX));
    reader.take(room).read_until(b'\n', line).await?;
    if line.pop_if(|byte| *byte == b'\n').is_some() {
        return Ok(std::mem::take(line));
    }
    let is_long = u64::try_from(line.len()).is_ok_and(|length| length >= MAX_LINE);
    Err(lost(if is_long {
        "the node sent a line too long"
    } else {
        "the node closed the connection"
    }))
}
