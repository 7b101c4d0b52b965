//! A writer that is killed leaves a prefix of its batches, each in all columns or in none.

use crate::numbered;
use blocktree_state::{Durability, Ledger};
use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

/// Set in the process that this test starts from its own binary, to be killed.
const FOLDER: &str = "BLOCKTREE_STORE_TEST_KILLED";

/// Writes until killed, and says which batches were acknowledged.
fn write_for_ever(folder: &Path) {
    let store = crate::open(folder);
    let mut out = std::io::stdout();
    for n in numbered::top(&store) + 1.. {
        store.write(numbered::batch(n), Durability::Process).expect("write");
        writeln!(out, "acknowledged {n}").expect("the parent reads");
        if n % 100 == 0 {
            store.flush().expect("flush");
        }
    }
}

#[test]
fn a_killed_writer_leaves_a_prefix() {
    if let Some(folder) = env::var_os(FOLDER) {
        return write_for_ever(Path::new(&folder));
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    // Each round goes on with the folder that the last one left; the greater numbers pass flushes.
    for more in [1u32, 60, 7, 250, 120, 33, 301, 2, 180] {
        let start = {
            let store = crate::open(folder.path());
            numbered::check(&store).expect("readable")
        };
        let mut child = Command::new(env::current_exe().expect("this binary"))
            .args(["--exact", "crash::a_killed_writer_leaves_a_prefix", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("start");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        let mut acknowledged = start;
        let mut lines = output.lines().map(|line| line.expect("text"));
        // The kill falls wherever the writer is when the last of these lines has arrived here.
        while acknowledged < start + more {
            let line = lines.next().expect("the writer goes on until it is killed");
            let number = line.rsplit("acknowledged ").next().and_then(|text| text.parse().ok());
            acknowledged = number.unwrap_or(acknowledged);
        }
        child.kill().expect("kill");
        child.wait().expect("wait");
        let numbers = lines.filter_map(|line| line.strip_prefix("acknowledged ")?.parse().ok());
        acknowledged = numbers.last().unwrap_or(acknowledged);
        let store = crate::open(folder.path());
        let top = numbered::check(&store).expect("readable");
        // The last one may have been killed between the write and its acknowledgement.
        assert!(
            top == acknowledged || top == acknowledged + 1,
            "{top}, {acknowledged} acknowledged"
        );
    }
}
