//! Two halves of a network that can be parted: two network namespaces of Linux, joined by a pair of
//! virtual interfaces whose link goes down and up. Each has a second pair to the host, for JSON-RPC only:
//! nothing is routed from one half to the other by way of the host.
//!
//! Needs root and `ip`. All names carry the process id; what an earlier process left behind when it was
//! killed is swept up by the next.

use std::path::Path;
use std::process::Command;

/// What names of namespaces begin with.
const PREFIX: &str = "blocktree-test-";

/// One of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    /// The first.
    A,
    /// The second.
    B,
}

/// Two namespaces, joined. One per process; they go when this does.
#[derive(Debug)]
pub struct Halves {
    pid: u32,
}

fn ip(args: &str) -> Result<String, String> {
    let output = Command::new("ip")
        .args(args.split_whitespace())
        .output()
        .map_err(|error| format!("ip: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    match output.status.success() {
        true => Ok(text(&output.stdout)),
        false => Err(format!("ip {args}: {}", text(&output.stderr))),
    }
}

/// Removes namespaces of processes that are gone.
fn sweep() {
    let Ok(names) = ip("netns list") else { return };
    let names = names.lines().filter_map(|line| line.split_whitespace().next());
    for (name, rest) in names.filter_map(|name| Some((name, name.strip_prefix(PREFIX)?))) {
        let pid = rest.split('-').next().unwrap_or_default();
        if !Path::new("/proc").join(pid).exists() {
            let _ = ip(&format!("netns delete {name}"));
        }
    }
}

impl Half {
    const fn letter(self) -> char {
        match self {
            Self::A => 'a',
            Self::B => 'b',
        }
    }
}

impl Halves {
    /// Makes the two and joins them.
    ///
    /// # Errors
    /// Why that can't be here: no root, no `ip`, no namespaces.
    pub fn joined() -> Result<Self, String> {
        sweep();
        // From here on, whatever was made goes with it.
        let halves = Self { pid: std::process::id() };
        let pid = halves.pid;
        let (a, b) = (halves.namespace(Half::A), halves.namespace(Half::B));
        ip(&format!("netns add {a}"))?;
        ip(&format!("netns add {b}"))?;
        ip(&format!("link add j{pid}a netns {a} type veth peer name j{pid}b netns {b}"))?;
        for half in [Half::A, Half::B] {
            let (letter, namespace) = (half.letter(), halves.namespace(half));
            let (join, host) = (halves.inside(half), halves.of_host(half));
            let door = halves.door(half);
            ip(&format!(
                "link add h{pid}{letter} type veth peer name d{pid}{letter} netns {namespace}"
            ))?;
            ip(&format!("address add {host}/30 dev h{pid}{letter}"))?;
            ip(&format!("link set h{pid}{letter} up"))?;
            ip(&format!("-n {namespace} address add {door}/30 dev d{pid}{letter}"))?;
            ip(&format!("-n {namespace} address add {join}/30 dev j{pid}{letter}"))?;
            for interface in ["lo".into(), format!("d{pid}{letter}"), format!("j{pid}{letter}")] {
                ip(&format!("-n {namespace} link set {interface} up"))?;
            }
        }
        Ok(halves)
    }

    /// Addresses differ from process to process, for several run on one host.
    fn address(&self, last: u8) -> String {
        let [_, _, high, low] = self.pid.to_be_bytes();
        format!("10.{}.{low}.{last}", 128 | high & 127)
    }

    const fn choose(half: Half, a: u8, b: u8) -> u8 {
        match half {
            Half::A => a,
            Half::B => b,
        }
    }

    fn of_host(&self, half: Half) -> String {
        self.address(Self::choose(half, 1, 5))
    }

    /// The name of the namespace, as `ip netns exec` takes it.
    #[must_use]
    pub fn namespace(&self, half: Half) -> String {
        format!("{PREFIX}{}-{}", self.pid, half.letter())
    }

    /// Where the host reaches the half.
    #[must_use]
    pub fn door(&self, half: Half) -> String {
        self.address(Self::choose(half, 2, 6))
    }

    /// Where the other half reaches it.
    #[must_use]
    pub fn inside(&self, half: Half) -> String {
        self.address(Self::choose(half, 9, 10))
    }

    fn set(&self, state: &str) -> Result<(), String> {
        let namespace = self.namespace(Half::A);
        ip(&format!("-n {namespace} link set j{}a {state}", self.pid)).map(drop)
    }

    /// Takes the link between them down: what is sent is lost, and nobody is told.
    ///
    /// # Errors
    /// What `ip` says.
    pub fn part(&self) -> Result<(), String> {
        self.set("down")
    }

    /// Brings it up again.
    ///
    /// # Errors
    /// What `ip` says.
    pub fn heal(&self) -> Result<(), String> {
        self.set("up")
    }
}

impl Drop for Halves {
    fn drop(&mut self) {
        for half in [Half::A, Half::B] {
            // The host's ends go first, by name: those of a namespace go when its last process has.
            let _ = ip(&format!("link delete h{}{}", self.pid, half.letter()));
            let _ = ip(&format!("netns delete {}", self.namespace(half)));
        }
    }
}
