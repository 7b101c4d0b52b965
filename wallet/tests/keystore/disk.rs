//! Files and folders: nothing is overwritten, half written, or left open to others.

use crate::{dev_key, keystore, name, password, path};
use blocktree_primitives::Network;
use blocktree_wallet::{KeyName, KeystoreError};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Everything in the folder but the keys' files.
fn leftovers(folder: &Path) -> Vec<String> {
    fs::read_dir(folder.join("keys"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.ends_with(".json"))
        .collect()
}

#[test]
fn a_name_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let keys = keystore(folder.path(), Network::Dev);
    keys.add(&name("a"), &dev_key(0), &password()).unwrap();
    let before = fs::read(path(folder.path(), "a")).unwrap();
    let taken = |name: &KeyName| {
        let error = keys.add(name, &dev_key(1), &password()).unwrap_err();
        assert!(matches!(&error, KeystoreError::NameTaken { .. }), "{error}");
    };
    taken(&name("a"));
    assert_eq!(fs::read(path(folder.path(), "a")).unwrap(), before);
    // Not even by what is no key: a damaged file may be all that is left of one.
    fs::write(path(folder.path(), "b"), "").unwrap();
    taken(&name("b"));
    symlink("/nowhere", path(folder.path(), "c")).unwrap();
    taken(&name("c"));
    assert_eq!(leftovers(folder.path()), [""; 0]);
}

/// Of several at once, one gets the name and its key is the one in the file.
#[test]
fn a_race_for_a_name_has_one_winner() {
    let folder = tempfile::tempdir().unwrap();
    let keys = keystore(folder.path(), Network::Dev);
    let results: Vec<_> = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..8)
            .map(|index| {
                let keys = &keys;
                scope.spawn(move || keys.add(&name("a"), &dev_key(index), &password()))
            })
            .collect();
        handles.into_iter().map(|h| h.join().unwrap()).collect()
    });
    let (won, lost): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!((won.len(), lost.len()), (1, 7));
    for error in lost {
        assert!(matches!(error, Err(KeystoreError::NameTaken { .. })));
    }
    let opened = keys.unlock(&name("a"), &password()).unwrap();
    assert_eq!(opened.info(), won[0].as_ref().unwrap());
    assert_eq!(leftovers(folder.path()), [""; 0]);
}

/// What a process that was killed while it wrote leaves behind disturbs nobody.
#[test]
fn leftovers_of_an_interrupted_write_are_ignored() {
    let folder = tempfile::tempdir().unwrap();
    let keys = keystore(folder.path(), Network::Dev);
    keys.add(&name("a"), &dev_key(0), &password()).unwrap();
    let whole = fs::read(path(folder.path(), "a")).unwrap();
    let leftover = folder.path().join("keys").join(".new-abcdef.tmp");
    fs::write(&leftover, &whole[..whole.len() / 2]).unwrap();
    assert_eq!(keys.list().unwrap().len(), 1);
    keys.add(&name("new-abcdef"), &dev_key(1), &password()).unwrap();
    assert!(keys.unlock(&name("a"), &password()).is_ok());
    assert!(keys.unlock(&name("new-abcdef"), &password()).is_ok());
    assert_eq!(fs::read(leftover).unwrap(), whole[..whole.len() / 2]);
}

/// A write that fails leaves neither a file nor a part of one.
#[test]
fn a_failing_write_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("keys"), "a file").unwrap();
    let keys = keystore(folder.path(), Network::Dev);
    let error = keys.add(&name("a"), &dev_key(0), &password()).unwrap_err();
    assert!(matches!(error, KeystoreError::Io { .. }), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn files_and_folder_are_the_owners() {
    let folder = tempfile::tempdir().unwrap();
    let keys = keystore(folder.path(), Network::Dev);
    keys.add(&name("a"), &dev_key(0), &password()).unwrap();
    let file = path(folder.path(), "a");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&file), 0o600);
    assert_eq!(mode(keys.folder()), 0o700);

    // Where others can write, a public key may be theirs.
    for (path, bits) in [(file.as_path(), 0o620), (keys.folder(), 0o702)] {
        let before = fs::metadata(path).unwrap().permissions();
        fs::set_permissions(path, fs::Permissions::from_mode(bits)).unwrap();
        for error in
            [keys.info(&name("a")).unwrap_err(), keys.unlock(&name("a"), &password()).unwrap_err()]
        {
            assert!(matches!(error, KeystoreError::Exposed { mode, .. } if mode == bits));
            assert!(error.to_string().contains("chmod go-w"), "{error}");
        }
        fs::set_permissions(path, before).unwrap();
    }
    // Where others can only read, there is nothing that helps them.
    fs::set_permissions(keys.folder(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o444)).unwrap();
    assert!(keys.unlock(&name("a"), &password()).is_ok());
}

/// A process that is killed while it writes keys leaves whole files, which open, and nothing else that
/// anyone would take for a key.
#[test]
fn a_killed_writer_leaves_only_whole_keys() {
    const FOLDER: &str = "BLOCKTREE_TEST_KEYSTORE";
    if let Ok(folder) = std::env::var(FOLDER) {
        // The process that gets killed: this test, started by itself.
        let keys = keystore(Path::new(&folder), Network::Dev);
        for index in 0..5_000 {
            let key = name(&format!("{}-{index}", std::process::id()));
            keys.add(&key, &dev_key(index), &password()).unwrap();
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let keys = keystore(folder.path(), Network::Dev);
    let mut whole = 0;
    for round in 0..10 {
        let mut writer = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "disk::a_killed_writer_leaves_only_whole_keys"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        // Until the writer is at it, and then a little longer each round.
        let deadline = Instant::now() + Duration::from_secs(20);
        while keys.list().unwrap().len() == whole && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_micros(700 * round));
        writer.kill().unwrap();
        writer.wait().unwrap();
        let listed = keys.list().unwrap();
        assert!(listed.len() > whole, "round {round} wrote nothing");
        whole = listed.len();
        for (key, info) in listed {
            assert_eq!(*keys.unlock(&key, &password()).unwrap().info(), info.unwrap());
        }
    }
}
