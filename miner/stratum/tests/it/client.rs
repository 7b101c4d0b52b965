//! Stratum v1 as a miner speaks it.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// SHA-256d by another library than the server's.
pub fn sha256d(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(Sha256::digest(bytes)).into()
}

/// A difficulty's target as cpuminer computes it, most significant byte first.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // as in C
pub fn target(difficulty: f64) -> [u8; 32] {
    let (mut word, mut rest) = (6_usize, difficulty);
    while word > 0 && rest > 1.0 {
        rest /= 4_294_967_296.0;
        word -= 1;
    }
    let value = (4_294_901_760.0 / rest) as u64;
    let mut little = [0_u8; 32];
    little[4 * word..4 * word + 8].copy_from_slice(&value.to_le_bytes());
    little.reverse();
    little
}

/// A hash's bytes as the number that is compared, most significant first.
fn number(mut hash: [u8; 32]) -> [u8; 32] {
    hash.reverse();
    hash
}

#[derive(Clone, Debug)]
pub struct Job {
    pub id: String,
    pub prevhash: Vec<u8>,
    pub coinb1: Vec<u8>,
    pub coinb2: Vec<u8>,
    pub branches: Vec<Vec<u8>>,
    pub version: u32,
    pub bits: String,
    pub time: String,
    pub is_clean: bool,
    pub target: [u8; 32],
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

impl Job {
    pub fn read(params: &Value, target: [u8; 32]) -> Self {
        let text = |index: usize| params[index].as_str().unwrap().to_owned();
        Self {
            id: text(0),
            prevhash: bytes(&params[1]),
            coinb1: bytes(&params[2]),
            coinb2: bytes(&params[3]),
            branches: params[4].as_array().unwrap().iter().map(bytes).collect(),
            version: u32::from_str_radix(&text(5), 16).unwrap(),
            bits: text(6),
            time: text(7),
            is_clean: params[8].as_bool().unwrap(),
            target,
        }
    }

    /// The header as Bitcoin miners put it together.
    pub fn header(&self, extranonce: &[u8], version: u32, time: &str, nonce: u32) -> Vec<u8> {
        let coinbase = [&self.coinb1[..], extranonce, &self.coinb2].concat();
        let root = self
            .branches
            .iter()
            .fold(sha256d(&coinbase), |root, branch| sha256d(&[&root[..], branch].concat()));
        let reversed = |hex: &str| hex::decode(hex).unwrap().into_iter().rev().collect::<Vec<_>>();
        let mut header = version.to_le_bytes().to_vec();
        for word in self.prevhash.chunks(4) {
            header.extend(word.iter().rev());
        }
        header.extend(root);
        header.extend(reversed(time));
        header.extend(reversed(&self.bits));
        header.extend(nonce.to_le_bytes());
        assert_eq!(header.len(), 80);
        header
    }

    /// The first nonce from `from` on whose hash is at most `target` (and above `above`).
    pub fn find(
        &self,
        extranonce: &[u8],
        version: u32,
        from: u32,
        target: [u8; 32],
        above: [u8; 32],
    ) -> u32 {
        let mut header = self.header(extranonce, version, &self.time, 0);
        (from..u32::MAX)
            .find(|nonce| {
                header[76..].copy_from_slice(&nonce.to_le_bytes());
                let number = number(sha256d(&header));
                number <= target && number > above
            })
            .unwrap()
    }

    /// A nonce that makes a share.
    pub fn share(&self, extranonce: &[u8], from: u32) -> u32 {
        self.find(extranonce, self.version, from, self.target, [0; 32])
    }
}

/// What a miner knows from what it was told.
#[derive(Clone, Debug, Default)]
pub struct Told {
    pub extranonce1: Vec<u8>,
    pub difficulty: f64,
    pub job: Option<Job>,
    /// Notifications of jobs so far.
    pub jobs: usize,
}

impl Told {
    /// Takes a line in; the answer, if it is one.
    pub fn hear(&mut self, line: &str) -> Option<Value> {
        let value: Value = serde_json::from_str(line).unwrap();
        match value.get("method").and_then(Value::as_str) {
            Some("mining.set_difficulty") => {
                self.difficulty = value["params"][0].as_f64().unwrap();
            }
            Some("mining.notify") => {
                self.job = Some(Job::read(&value["params"], target(self.difficulty)));
                self.jobs += 1;
            }
            Some(other) => panic!("{other} was never asked for"),
            None => {
                assert!(value.get("result").is_some(), "an answer without result: {line}");
                return Some(value);
            }
        }
        None
    }

    pub fn extranonce(&self, extranonce2: [u8; 4]) -> Vec<u8> {
        [&self.extranonce1[..], &extranonce2].concat()
    }

    pub fn take_subscription(&mut self, answer: &Value) {
        assert_eq!(answer["error"], Value::Null);
        self.extranonce1 = bytes(&answer["result"][1]);
        assert_eq!(answer["result"][2], 4);
    }
}

pub fn request(id: u64, method: &str, params: &Value) -> String {
    format!("{}\n", json!({"id": id, "method": method, "params": params}))
}

/// A blocking client of one connection.
pub struct Client {
    stream: TcpStream,
    reader: BufReader<TcpStream>,
    pub told: Told,
    next: u64,
}

impl Client {
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let reader = BufReader::new(stream.try_clone().unwrap());
        Self { stream, reader, told: Told::default(), next: 1 }
    }

    /// Subscribed, authorized and with a job.
    pub fn mining(address: SocketAddr, user: &str) -> Self {
        let mut client = Self::connect(address);
        client.subscribe();
        assert_eq!(client.call("mining.authorize", &json!([user, "x"]))["result"], true);
        client.next_job();
        client
    }

    pub fn subscribe(&mut self) {
        let answer = self.call("mining.subscribe", &json!(["test/1.0"]));
        self.told.take_subscription(&answer);
    }

    pub fn send_raw(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// The next line; none at the end of the connection.
    pub fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        match self.reader.read_line(&mut line) {
            Ok(0) => None,
            Ok(_) => Some(line),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => None,
            Err(error) => panic!("{error}"),
        }
    }

    /// Asks, and hears notifications until the answer comes.
    pub fn call(&mut self, method: &str, params: &Value) -> Value {
        let id = self.next;
        self.next += 1;
        self.send_raw(request(id, method, params).as_bytes()).unwrap();
        loop {
            let line = self.line().unwrap();
            if let Some(answer) = self.told.hear(&line) {
                assert_eq!(answer["id"], id);
                return answer;
            }
        }
    }

    /// Hears until there is another job.
    pub fn next_job(&mut self) -> Job {
        let before = self.told.jobs;
        while self.told.jobs == before {
            let line = self.line().unwrap();
            assert_eq!(self.told.hear(&line), None);
        }
        self.told.job.clone().unwrap()
    }

    /// Sends a share of the job with a nonce.
    pub fn submit(&mut self, user: &str, job: &Job, extranonce2: [u8; 4], nonce: u32) -> Value {
        let (extra, nonce) = (hex::encode(extranonce2), format!("{nonce:08x}"));
        self.call("mining.submit", &json!([user, job.id, extra, job.time, nonce]))
    }
}
