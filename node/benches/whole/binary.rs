//! Running the real binary and looking at it from outside.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_blocktree");

/// What a run to its end took.
pub(crate) struct Peak {
    /// Most bytes resident.
    pub(crate) bytes: u64,
    pub(crate) wall: Duration,
    /// Processor time, to 10 ms.
    pub(crate) cpu: Duration,
    pub(crate) output: String,
}

/// Most bytes resident so far, as the kernel has noted; `None` of a process that is over.
pub(crate) fn peak(child: &Child) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib * 1024)
}

/// Processor time of a process so far, all threads, in user space and in the kernel.
pub(crate) fn cpu(child: &Child) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).ok()?;
    // The name of the program, in brackets, may hold anything; fields 14 and 15 are the times.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    // USER_HZ is 100 wherever Linux runs.
    Some(Duration::from_millis(ticks * 10))
}

/// A port that is free now.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// `blocktree chain import` of an export into an empty folder.
pub(crate) fn import(spec: &Path, data: &Path, export: &Path) -> Peak {
    let start = Instant::now();
    let mut child = Command::new(BINARY)
        .args(["chain", "import", "--json", "--chain"])
        .arg(spec)
        .arg("--data-dir")
        .args([data, export])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut bytes, mut time) = (0, Duration::ZERO);
    let status = loop {
        // A process that has ended still stands there until it is waited for, but without memory.
        bytes = peak(&child).unwrap_or(0).max(bytes);
        time = cpu(&child).unwrap_or(time);
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    assert!(status.success(), "the import failed");
    let mut output = String::new();
    child.stdout.take().unwrap().read_to_string(&mut output).unwrap();
    Peak { bytes, wall: start.elapsed(), cpu: time, output }
}

/// Asks a node something that has no parameters. `None` until it listens.
pub(crate) fn ask(port: u16, method: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    let call = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}"}}"#);
    let request = format!(
        "POST / HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{call}",
        call.len()
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

/// Starts a node on a dev chain of so many blocks, and says after what time it told its tip, and the
/// bytes that it had resident then at most. Ends it by `SIGKILL` or by `SIGTERM`; the next start finds
/// what that left.
pub(crate) fn answers_after(data: &Path, blocks: usize, kill: bool) -> (Duration, u64) {
    let port = free_port();
    let start = Instant::now();
    let mut child = Command::new(BINARY)
        .args(["run", "--mine=0", "--log", "error", "--rpc-addr", &format!("127.0.0.1:{port}")])
        .arg("--data-dir")
        .arg(data)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let answer = loop {
        if let Some(answer) = ask(port, "chain_getTip") {
            break answer;
        }
        assert!(child.try_wait().unwrap().is_none(), "the node ended");
        assert!(start.elapsed() < Duration::from_secs(120), "the node does not answer");
        std::thread::sleep(Duration::from_millis(2));
    };
    let time = start.elapsed();
    assert!(answer.contains(&format!("\"height\":{blocks}")), "{answer}");
    let memory = peak(&child).unwrap();
    if kill {
        child.kill().unwrap();
    } else {
        let asked = Command::new("kill").arg(child.id().to_string()).status().unwrap();
        assert!(asked.success());
    }
    child.wait().unwrap();
    (time, memory)
}
