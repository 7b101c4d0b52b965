//! Files that are cut, overwritten or gone: a refusal or a fault that says so, never a panic, never
//! wrong data.

use crate::{chain, numbered};
use blocktree_state::Fault;
use blocktree_store::{OpenError, Store};
use std::fs;
use std::path::Path;

/// Batches that were flushed into tables, and those behind them that only the log has.
const FLUSHED: u32 = 40;
const WRITTEN: u32 = 60;

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("create");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).expect("copy");
        }
    }
}

/// A folder whose database has tables and a log.
fn make(path: &Path) {
    let store = crate::open(path);
    numbered::write(&store, 1..=FLUSHED);
    store.flush().expect("flush");
    numbered::write(&store, FLUSHED + 1..=WRITTEN);
}

type Harm = (&'static str, fn(Vec<u8>) -> Option<Vec<u8>>);

fn middle(mut bytes: Vec<u8>, change: fn(u8) -> u8) -> Vec<u8> {
    let at = bytes.len() / 2;
    bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = change(*byte));
    bytes
}

/// What happens to a file; `None` removes it.
const HARMS: [Harm; 7] = [
    ("is gone", |_| None),
    ("is empty", |_| Some(Vec::new())),
    ("is cut in half", |bytes| Some(bytes[..bytes.len() / 2].to_vec())),
    ("lacks its last byte", |bytes| Some(bytes[..bytes.len().saturating_sub(1)].to_vec())),
    ("has a flipped bit", |bytes| Some(middle(bytes, |byte| byte ^ 0x10))),
    ("is garbage", |bytes| Some(vec![0xa5; bytes.len()])),
    ("is zeros", |bytes| Some(vec![0; bytes.len()])),
];

#[test]
fn every_harm_to_every_file_is_noticed_or_harmless() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (whole, harmed) = (folder.path().join("whole"), folder.path().join("harmed"));
    make(&whole);
    let mut kinds = [0; 3];
    for entry in fs::read_dir(whole.join("db")).expect("a folder") {
        let name = entry.expect("an entry").file_name().into_string().expect("plain names");
        for (harm, change) in HARMS {
            copy(&whole, &harmed);
            let path = harmed.join("db").join(&name);
            match change(fs::read(&path).expect("read")) {
                Some(bytes) => fs::write(&path, bytes).expect("write"),
                None => fs::remove_file(&path).expect("remove"),
            }
            let opened = Store::open(&harmed, &chain());
            let case = || format!("{name} {harm}: {:?}", opened.as_ref().err());
            if name == "CURRENT" || name.starts_with("MANIFEST") {
                kinds[0] += 1;
                assert!(matches!(opened, Err(OpenError::Damaged(_))), "{}", case());
            } else if name.ends_with(".sst") {
                kinds[1] += 1;
                // A flipped bit is found by the checksum of its block when that is read.
                let noticed = match &opened {
                    Ok(store) => matches!(numbered::check(store), Err(Fault::Corrupt(_))),
                    Err(error) => matches!(error, OpenError::Damaged(_)),
                };
                assert!(noticed, "{}", case());
            } else if name.ends_with(".log") {
                kinds[2] += 1;
                // As after a power cut: what stands before the harm, and nothing half.
                let top = opened.as_ref().map(|store| numbered::check(store)).expect("a prefix");
                assert!(top.is_ok_and(|top| (FLUSHED..=WRITTEN).contains(&top)), "{}", case());
            } else {
                // Notes for people, copies of the settings, locks.
                let top = opened.as_ref().map(|store| numbered::check(store));
                assert_eq!(top, Ok(Ok(WRITTEN)), "{}", case());
            }
            drop(opened);
            fs::remove_dir_all(&harmed).expect("remove");
        }
    }
    // CURRENT and one MANIFEST; a table of each of the five columns and the record; one log at least.
    assert!(kinds[0] == 14 && kinds[1] >= 42 && kinds[2] >= 7, "{kinds:?}");
}

/// The manifest says which files belong together. A cut right behind one of its records leaves an older
/// manifest, which RocksDB can't always tell from a true one; what it does notice is named damage.
#[test]
fn a_cut_manifest_is_refused_or_an_older_one() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (whole, harmed) = (folder.path().join("whole"), folder.path().join("harmed"));
    make(&whole);
    let entries = fs::read_dir(whole.join("db")).expect("a folder");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    let name = names.filter_map(|name| name.into_string().ok()).find(|n| n.starts_with("MANIFEST"));
    let name = name.expect("a database has one");
    let bytes = fs::read(whole.join("db").join(&name)).expect("read");
    let mut refused = 0;
    for len in (0..bytes.len()).step_by(41) {
        copy(&whole, &harmed);
        fs::write(harmed.join("db").join(&name), &bytes[..len]).expect("write");
        match Store::open(&harmed, &chain()) {
            Ok(_) => {}
            Err(OpenError::Damaged(_)) => refused += 1,
            Err(other) => panic!("{len} bytes: {other:?}"),
        }
        fs::remove_dir_all(&harmed).expect("remove");
    }
    assert!(refused > 20, "{refused} refused");
}
