//! The real binary, its output read line by line.

use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where a node listens that is not the only one on this machine.
pub(crate) const FREE_PORTS: [&str; 4] =
    ["--rpc-addr", "127.0.0.1:0", "--p2p-addr", "/ip4/127.0.0.1/tcp/0"];

/// The binary.
pub(crate) fn blocktree() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_blocktree"));
    command.stdin(Stdio::null()).env_remove("XDG_DATA_HOME").env("HOME", "/nonexistent");
    command
}

/// What a command that ended said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// The result, of a command that did what was asked.
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.code, Some(0), "{self:?}");
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Checks that it failed, with this exit code and these words.
    pub(crate) fn refused(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert_eq!(self.out, "", "results only when there are some");
        for words in words {
            assert!(self.err.contains(words), "{words:?} is not in {self:?}");
        }
    }
}

/// Runs the binary to its end, with `input` on standard input.
pub(crate) fn run_with(args: &[&str], input: &str) -> Said {
    use std::io::Write;
    let mut child = blocktree()
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut stdin = child.stdin.take().expect("piped");
    // A command that ends without reading closes its end.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// Runs the binary to its end.
pub(crate) fn run(args: &[&str]) -> Said {
    run_with(args, "")
}

/// A node that runs; killed when dropped.
pub(crate) struct Node {
    child: Child,
    out: Receiver<String>,
    err: Receiver<String>,
    seen: Vec<String>,
}

impl Node {
    /// Starts `blocktree run` on a data folder and free ports.
    pub(crate) fn start(data_dir: &Path, args: &[&str]) -> Self {
        let mut command = blocktree();
        // An address for peers may be given more than once, so here it would be a further one.
        let ports = if args.contains(&"--p2p-addr") { &FREE_PORTS[..2] } else { &FREE_PORTS[..] };
        command.arg("run").arg("--data-dir").arg(data_dir).args(ports);
        Self::spawn(command.args(args))
    }

    /// Starts a command of the binary whose end is to be waited for.
    pub(crate) fn command(args: &[&str]) -> Self {
        Self::spawn(blocktree().args(args))
    }

    /// Starts what is to be a node.
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let (out, err) = (lines(child.stdout.take()), lines(child.stderr.take()));
        Self { child, out, err, seen: Vec::new() }
    }

    /// The process number.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What stands behind a label of the banner.
    pub(crate) fn banner(&self, label: &str) -> String {
        let line = self.banner_where(|line| line.trim_start().starts_with(label));
        line.trim_start().strip_prefix(label).expect("just seen").trim().to_owned()
    }

    /// The next line of the banner with these words.
    pub(crate) fn banner_line(&self, words: &str) -> String {
        self.banner_where(|line| line.contains(words))
    }

    fn banner_where(&self, is_wanted: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self.out.recv_timeout(left).expect("the banner has this line");
            if is_wanted(&line) {
                return line;
            }
        }
    }

    /// Where it answers, once it does.
    pub(crate) fn url(&self, data_dir: &Path) -> String {
        self.banner("JSON-RPC");
        let url = std::fs::read_to_string(data_dir.join("rpc-url")).expect("a node notes it");
        url.trim().to_owned()
    }

    /// The same node, whose output goes nowhere from its next line on.
    pub(crate) fn unheard(mut self) -> Self {
        (self.out, self.err) = (channel().1, channel().1);
        self
    }

    /// The next log line with these words, from here on.
    pub(crate) fn log(&mut self, words: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.err.recv_timeout(left) {
                Ok(line) => {
                    self.seen.push(line);
                    let line = self.seen.last().expect("just pushed");
                    if line.contains(words) {
                        return line.clone();
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    panic!("no {words:?} in the log: {:#?}", self.seen)
                }
            }
        }
    }

    /// Waits until the node says that it mined the block of this height; its hash.
    pub(crate) fn mined(&mut self, height: u64) -> String {
        let line = self.log(&format!("mined block height={height} "));
        field(&line, "hash")
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.pid());
        let sent = Command::new("sh").args(["-c", &kill]).status().expect("sh runs");
        assert!(sent.success(), "the process is gone");
    }

    /// Waits for the end.
    pub(crate) fn ended(&mut self, within: Duration) -> ExitStatus {
        let deadline = Instant::now() + within;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child's state is known") {
                return status;
            }
            assert!(Instant::now() < deadline, "still runs after {within:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Stops it as `kill` does; checks that it stopped in order. Height and hash of its tip.
    pub(crate) fn stop(mut self) -> (u64, String) {
        self.signal("TERM");
        assert_eq!(self.ended(Duration::from_secs(10)).code(), Some(0));
        let line = self.log("stopped height=");
        (field(&line, "height").parse().expect("a height"), field(&line, "hash"))
    }

    /// Kills it as `kill -9` does.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads lines as they come, so that the node never waits for a reader.
fn lines(source: Option<impl Read + Send + 'static>) -> Receiver<String> {
    let source = source.expect("piped");
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(source).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

/// Asks a node; what it answered, or why not.
pub(crate) fn ask(url: &str, method: &str, params: &Value) -> Result<Value, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let client = blocktree_rpc::Client::connect(url).await.map_err(|e| e.to_string())?;
        client.call(method, params).await.map_err(|error| error.to_string())
    })
}

/// A field of a log line.
pub(crate) fn field(line: &str, name: &str) -> String {
    let label = format!(" {name}=");
    let (_, rest) = line.split_once(&label).unwrap_or_else(|| panic!("no {name} in {line:?}"));
    rest.split_whitespace().next().unwrap_or_default().to_owned()
}

/// A path as an argument.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("temporary folders have plain names")
}
