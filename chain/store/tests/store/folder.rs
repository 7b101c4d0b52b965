//! Whose folder it is: fresh, ours, another chain's, another program's, another process's.

use crate::{chain, open};
use blocktree_primitives::BlockHash;
use blocktree_state::{Batch, Column, Durability, Ledger, Reader};
use blocktree_store::{Identity, OpenError, Store};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Every file below a folder, with its content.
fn contents(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(root).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(contents(&path));
        } else {
            files.insert(path.clone(), fs::read(&path).expect("a file"));
        }
    }
    files
}

fn refusal(path: &Path) -> OpenError {
    Store::open(path, &chain()).err().expect("this folder must be refused")
}

fn edit_marker(root: &Path, from: &str, to: &str) {
    let path = root.join("blocktree.json");
    let text = fs::read_to_string(&path).expect("a marker");
    assert!(text.contains(from), "{text}");
    fs::write(path, text.replace(from, to)).expect("write");
}

#[test]
fn a_new_folder_says_in_clear_text_what_it_is() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let root = folder.path().join("several/levels/deep");
    drop(open(&root));
    let marker = fs::read_to_string(root.join("blocktree.json")).expect("a marker");
    let genesis = "07".repeat(32);
    let expected =
        format!("{{\n  \"format\": 1,\n  \"chain\": \"dev\",\n  \"genesis\": \"{genesis}\"\n}}\n");
    assert_eq!(marker, expected);
    let mut names: Vec<_> =
        fs::read_dir(&root).expect("a folder").map(|e| e.expect("an entry").file_name()).collect();
    names.sort();
    assert_eq!(names, ["blocktree.json", "blocktree.lock", "db"]);
}

#[test]
fn an_interrupted_creation_begins_anew() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let root = folder.path();
    // Killed after the lock and half a marker.
    fs::write(root.join("blocktree.lock"), "1").expect("write");
    fs::write(root.join("blocktree.json.part"), "{\"form").expect("write");
    drop(open(root));
    // Killed within the creation of the database.
    fs::rename(root.join("db"), root.join("db.new")).expect("rename");
    fs::remove_file(root.join("db.new/CURRENT")).expect("remove");
    let store = open(root);
    assert_eq!(store.last(Column::Meta), Ok(None));
    assert!(!root.join("db.new").exists());
}

#[test]
fn another_folder_is_never_touched() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("thesis.txt"), "all of it").expect("write");
    let before = contents(folder.path());
    assert_eq!(refusal(folder.path()), OpenError::NotADataFolder);
    assert_eq!(contents(folder.path()), before);
    // A file where a folder is expected, and one on the way to it.
    let file = folder.path().join("thesis.txt");
    assert_eq!(refusal(&file), OpenError::NotADataFolder);
    assert_eq!(refusal(&file.join("below")), OpenError::NotADataFolder);
    assert_eq!(contents(folder.path()), before);
}

#[test]
fn a_database_without_its_marker_is_not_ours() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    drop(open(folder.path()));
    fs::remove_file(folder.path().join("blocktree.json")).expect("remove");
    assert_eq!(refusal(folder.path()), OpenError::NotADataFolder);
}

#[test]
fn another_chain_is_refused_and_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    drop(open(folder.path()));
    let before = contents(folder.path());
    let other = Identity { genesis: BlockHash([8; 32]), chain_name: "test".into() };
    let refused = Store::open(folder.path(), &other).err();
    assert_eq!(refused, Some(OpenError::ForeignChain { found: chain(), expected: other.clone() }));
    let text = refused.expect("refused").to_string();
    assert!(text.contains("\"dev\"") && text.contains(&"08".repeat(32)), "{text}");
    assert_eq!(contents(folder.path()), before);
    // A marker that someone edited does not make it another chain's.
    edit_marker(folder.path(), &"07".repeat(32), &"08".repeat(32));
    let refused = Store::open(folder.path(), &other).err();
    assert!(matches!(refused, Some(OpenError::Damaged(_))), "{refused:?}");
}

#[test]
fn another_format_is_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    drop(open(folder.path()));
    edit_marker(folder.path(), "\"format\": 1", "\"format\": 2, \"new in format 2\": []");
    let before = contents(folder.path());
    assert_eq!(refusal(folder.path()), OpenError::NewerFormat { found: 2, supported: 1 });
    assert_eq!(contents(folder.path()), before);
    edit_marker(folder.path(), "\"format\": 2", "\"format\": 0");
    let before = contents(folder.path());
    assert_eq!(refusal(folder.path()), OpenError::OlderFormat { found: 0, supported: 1 });
    // The lock file has our process number now, as it had before.
    assert_eq!(contents(folder.path()), before);
}

#[test]
fn a_marker_of_garbage_is_damage() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    drop(open(folder.path()));
    let huge = format!("{{\"format\": 1, \"chain\": \"{}\"}}", "x".repeat(10_000));
    let odd = "{\"format\": 1, \"chain\": \"dev\", \"genesis\": \"07\"}";
    for text in ["", "{", "[]", "{\"format\": -1}", "{\"format\": 1}", "\0\0\0", odd, &huge] {
        fs::write(folder.path().join("blocktree.json"), text).expect("write");
        let refused = refusal(folder.path());
        assert!(matches!(refused, OpenError::Damaged(_)), "{text}: {refused:?}");
    }
}

#[test]
fn one_process_at_a_time() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = open(folder.path());
    let locked = OpenError::Locked { pid: Some(std::process::id()) };
    assert_eq!(refusal(folder.path()), locked);
    assert!(locked.to_string().contains(&format!("process {}", std::process::id())));
    // The first goes on undisturbed.
    let mut batch = Batch::new();
    batch.put(Column::Meta, "key", "value");
    store.write(batch, Durability::Process).expect("write");
    // A snapshot keeps the database open, and so the folder locked.
    let snapshot = store.snapshot();
    drop(store);
    assert_eq!(refusal(folder.path()), locked);
    drop(snapshot);
    assert_eq!(open(folder.path()).get(Column::Meta, b"key"), Ok(Some(b"value".to_vec())));
}
