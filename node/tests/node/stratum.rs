//! A miner of some lines at the Stratum port: it hashes with `sha2` alone and puts headers together by
//! docs/protocol.md §3, sharing nothing with the server.

#![allow(clippy::float_arithmetic, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

use crate::support::{Node, run};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

const OWNER: &str = "dblk15nqv2mwx9ur43gsvjqx3rmxamg6fdlu78aq28y6mp7yqtdhnec2q0hmvhw";

struct Miner {
    lines: BufReader<TcpStream>,
    out: TcpStream,
    job: Option<Value>,
    difficulty: f64,
}

impl Miner {
    fn connect(port: u16) -> Self {
        let out = TcpStream::connect(("127.0.0.1", port)).unwrap();
        out.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let lines = BufReader::new(out.try_clone().unwrap());
        Self { lines, out, job: None, difficulty: 1.0 }
    }

    fn ask(&mut self, id: u64, method: &str, params: Value) -> Value {
        let line = json!({ "id": id, "method": method, "params": params }).to_string() + "\n";
        self.out.write_all(line.as_bytes()).unwrap();
        loop {
            let answer = self.next();
            if answer["id"] == json!(id) {
                return answer;
            }
        }
    }

    fn next(&mut self) -> Value {
        let mut line = String::new();
        assert_ne!(self.lines.read_line(&mut line).unwrap(), 0, "the server hung up");
        let message: Value = serde_json::from_str(&line).unwrap();
        match message["method"].as_str() {
            Some("mining.notify") => self.job = Some(message["params"].clone()),
            Some("mining.set_difficulty") => {
                self.difficulty = message["params"][0].as_f64().unwrap();
            }
            _ => {}
        }
        message
    }
}

fn twice(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(Sha256::digest(bytes)).into()
}

fn bytes(hex_text: &Value) -> Vec<u8> {
    hex::decode(hex_text.as_str().unwrap()).unwrap()
}

fn reversed(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.reverse();
    bytes
}

#[test]
fn a_stratum_miner_is_paid_for_the_block_it_finds() {
    let folder = tempfile::tempdir().unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = format!("127.0.0.1:{port}");
    let node = Node::start(folder.path(), &["--mine=0", "--stratum-addr", &address]);
    let url = node.url(folder.path());

    let mut miner = Miner::connect(port);
    let subscribed = miner.ask(1, "mining.subscribe", json!(["a test"]));
    let extranonce1 = subscribed["result"][1].as_str().unwrap().to_owned();
    assert_eq!((extranonce1.len(), &subscribed["result"][2]), (8, &json!(4)));
    miner.ask(4, "mining.suggest_difficulty", json!([0.000_01]));
    let refused = miner.ask(2, "mining.authorize", json!(["nobody", "x"]));
    assert_eq!(refused["error"][0], json!(24), "{refused}");
    let authorized = miner.ask(3, "mining.authorize", json!([format!("{OWNER}.rig"), "x"]));
    assert_eq!(authorized["result"], json!(true), "{authorized}");
    while miner.job.is_none() {
        miner.next();
    }
    let job = miner.job.clone().unwrap();
    let extranonce2 = "00000007";
    // coinb1 and the two extra nonces are the commitment: 136 + 4 + 4 bytes.
    let mut commitment = bytes(&job[2]);
    commitment.extend(hex::decode(&extranonce1).unwrap());
    commitment.extend(hex::decode(extranonce2).unwrap());
    assert_eq!((commitment.len(), &job[3], &job[4]), (144, &json!(""), &json!([])));
    let mut header = reversed(bytes(&job[5]));
    for word in bytes(&job[1]).chunks(4) {
        header.extend(reversed(word.to_vec()));
    }
    header.extend(twice(&commitment));
    header.extend(reversed(bytes(&job[7])));
    header.extend(reversed(bytes(&job[6])));
    // Of difficulty 1 the first 64 bits are 0x00000000ffff0000.
    let bound = (4_294_901_760.0 / miner.difficulty) as u64;
    let nonce = (0_u32..).find(|nonce| {
        let mut tried = header.clone();
        tried.extend(nonce.to_le_bytes());
        let hash = twice(&tried);
        u64::from_le_bytes(hash[24..].try_into().unwrap()) < bound
    });
    let nonce = hex::encode(nonce.unwrap().to_be_bytes());
    let share = json!([OWNER, job[0], extranonce2, job[7], nonce]);
    let answer = miner.ask(5, "mining.submit", share);
    assert_eq!(answer["result"], json!(true), "{answer}");

    // On the dev chain every share is a block: 50 blockcoin on top of a million.
    let balance = run(&["balance", OWNER, "--rpc", &url, "--json"]).json();
    assert_eq!(balance["free"], json!("100005000000000"), "{balance}");
    drop(miner);
    node.stop();
}
