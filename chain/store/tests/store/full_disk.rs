//! A disk that takes no more: a named fault, no write after it, and nothing lost that was acknowledged.

use crate::numbered;
use blocktree_state::{Batch, Column, Durability, Fault, Ledger, Reader};
use blocktree_store::Store;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// Makes the disk full for the next files of one kind that the database creates: RocksDB numbers its
/// files from one counter, and /dev/full answers every write with "No space left on device".
fn fill_disk(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let database = folder.join("db");
    let names = fs::read_dir(&database).expect("the database").map(|entry| {
        let name = entry.expect("an entry").file_name().into_string().expect("plain names");
        name.trim_start_matches("MANIFEST-").split('.').next().and_then(|n| n.parse::<u32>().ok())
    });
    let last = names.flatten().max().expect("numbered files");
    let paths = (last + 1..last + 60).map(|n| database.join(format!("{n:06}.{extension}")));
    paths.inspect(|path| symlink("/dev/full", path).expect("link")).collect()
}

fn free_disk(links: Vec<PathBuf>) {
    for path in links {
        // RocksDB removes what it could not write.
        if path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink()) {
            fs::remove_file(path).expect("remove");
        }
    }
}

/// Every way of writing fails with the fault, and what was acknowledged is still read.
fn check_stopped(store: &Store, fault: &Fault, acknowledged: u32) {
    for durability in [Durability::Process, Durability::Synced] {
        let again = store.write(numbered::batch(acknowledged + 2), durability);
        assert_eq!(again.as_ref(), Err(fault));
    }
    assert_eq!(store.write(Batch::new(), Durability::Process).as_ref(), Err(fault));
    assert_eq!(store.flush().as_ref(), Err(fault));
    assert_eq!(numbered::check(store), Ok(acknowledged));
}

#[test]
fn a_full_disk_stops_the_log() {
    for durability in [Durability::Process, Durability::Synced] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = crate::open(folder.path());
        numbered::write(&store, 1..=30);
        let links = fill_disk(folder.path(), "log");
        // The flush itself has space; the log that it begins has none.
        store.flush().expect("flush");
        let fault = store.write(numbered::batch(31), durability).expect_err("the disk is full");
        assert!(
            matches!(&fault, Fault::DiskFull(text) if text.contains("No space left")),
            "{fault}"
        );
        check_stopped(&store, &fault, 30);
        // Space alone does not make it write again, since batch 31 would be missing.
        free_disk(links);
        check_stopped(&store, &fault, 30);
        drop(store);
        let store = crate::open(folder.path());
        assert_eq!(numbered::check(&store), Ok(30));
        numbered::write(&store, 31..=40);
        assert_eq!(numbered::check(&store), Ok(40));
    }
}

#[test]
fn a_full_disk_stops_the_flush() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = crate::open(folder.path());
    numbered::write(&store, 1..=30);
    let links = fill_disk(folder.path(), "sst");
    let fault = store.flush().expect_err("the disk is full");
    assert!(matches!(&fault, Fault::DiskFull(_)), "{fault}");
    check_stopped(&store, &fault, 30);
    free_disk(links);
    drop(store);
    let store = crate::open(folder.path());
    assert_eq!(numbered::check(&store), Ok(30));
    numbered::write(&store, 31..=40);
    store.flush().expect("flush");
    assert_eq!(numbered::check(&store), Ok(40));
}

/// Set in the process that this test starts from its own binary, with a limit on the size of files.
const FOLDER: &str = "BLOCKTREE_STORE_TEST_LIMITED";

/// Writes until a file may grow no further, in the middle of a batch.
fn write_to_the_limit(folder: &Path) {
    let store = crate::open(folder);
    let start = numbered::top(&store);
    let fault = (start + 1..start + 1_000)
        .find_map(|n| store.write(numbered::batch(n), Durability::Process).err())
        .expect("the limit is reached");
    // Not a full disk, and not called one.
    assert!(matches!(&fault, Fault::Disk(text) if text.contains("File too large")), "{fault}");
    let acknowledged = numbered::top(&store);
    check_stopped(&store, &fault, acknowledged);
    fs::write(folder.with_extension("acknowledged"), acknowledged.to_string()).expect("write");
}

#[test]
fn a_write_that_ends_half_way_leaves_nothing() {
    if let Some(folder) = env::var_os(FOLDER) {
        return write_to_the_limit(Path::new(&folder));
    }
    let parent = tempfile::tempdir().expect("a temporary folder");
    let folder = parent.path().join("data");
    numbered::write(&crate::open(&folder), 1..=3);
    for _ in 0..2 {
        // 200 blocks of 512 bytes; the signal that would kill instead of failing is ignored.
        let status = Command::new("sh")
            .args(["-c", "trap '' XFSZ; ulimit -f 200; exec \"$0\" \"$@\""])
            .arg(env::current_exe().expect("this binary"))
            .args(["--exact", "full_disk::a_write_that_ends_half_way_leaves_nothing"])
            .env(FOLDER, &folder)
            .status()
            .expect("start");
        assert!(status.success(), "{status}");
        let text = fs::read_to_string(folder.with_extension("acknowledged")).expect("read");
        let acknowledged: u32 = text.parse().expect("a number");
        // One batch is some 4.5 kB, so about 20 fit into 100 KiB.
        let store = crate::open(&folder);
        assert_eq!(numbered::check(&store), Ok(acknowledged));
        assert!(acknowledged > 10, "{acknowledged}");
        assert_eq!(store.get(Column::Undo, &(acknowledged + 1).to_be_bytes()), Ok(None));
        numbered::write(&store, acknowledged + 1..=acknowledged + 5);
        store.flush().expect("flush");
        assert_eq!(numbered::check(&store), Ok(acknowledged + 5));
    }
}
