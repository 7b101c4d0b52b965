//! The keystore by the command line.

use crate::support::{Said, run_with, text};
use std::path::Path;

const DEV_WORDS: &str = "test test test test test test test test test test test junk\n";

struct Keys {
    folder: tempfile::TempDir,
}

impl Keys {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("password"), "a secret\n").unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn key(&self, args: &[&str], input: &str) -> Said {
        self.key_with(&self.path("password"), args, input)
    }

    fn key_with(&self, password: &Path, args: &[&str], input: &str) -> Said {
        let keystore = self.path("keystore");
        let mut all = vec!["key"];
        all.extend(args);
        all.extend(["--keystore", text(&keystore), "--json"]);
        if args[0] != "list" && args[0] != "show" {
            all.extend(["--password-file", text(password)]);
        }
        run_with(&all, input)
    }
}

#[test]
fn keys_are_made_listed_and_had_back() {
    let keys = Keys::new();
    let made = keys.key(&["new", "alice"], "");
    assert!(made.err.contains("Write the words down"), "{made:?}");
    let made = made.json();
    let words = made["words"].as_str().unwrap().to_owned();
    assert_eq!(words.split(' ').count(), 12);
    let (principal, public) = (&made["principal"], &made["publicKey"]);
    assert!(principal.as_str().unwrap().starts_with("dblk1"));

    keys.key(&["new", "alice"], "").refused(1, &["a key named alice", "never overwritten"]);
    // The same words under another name are the same key.
    let again = keys.key(&["import", "again"], &words).json();
    assert_eq!((&again["principal"], &again["publicKey"]), (principal, public));
    assert!(again.get("words").is_none(), "words are shown when they are made or asked for");

    let exported = keys.key(&["export", "again"], "").json();
    assert_eq!(exported["words"].as_str(), Some(words.as_str()));
    assert_eq!((exported["coinType"].as_u64(), exported["index"].as_u64()), (Some(1), Some(0)));
    let bare = keys.key(&["export", "again", "--secret-key"], "").json();
    let secret = bare["secretKey"].as_str().unwrap();
    let from_bare = keys.key(&["import", "bare", "--secret-key"], secret).json();
    assert_eq!(&from_bare["principal"], principal);

    let listed = keys.key(&["list"], "").json();
    let names: Vec<_> = listed.as_array().unwrap().iter().map(|k| k["name"].clone()).collect();
    assert_eq!(names, ["again", "alice", "bare"]);
    let shown = keys.key(&["show", "alice"], "").json();
    assert_eq!(&shown["principal"], principal);

    let wrong = keys.path("wrong");
    std::fs::write(&wrong, "another\n").unwrap();
    let refused = keys.key_with(&wrong, &["export", "alice"], "");
    refused.refused(1, &["wrong password for key alice"]);
    assert!(!refused.err.contains("another"));
    keys.key(&["export", "bob"], "").refused(1, &["no key named bob", "again, alice, bare"]);
}

#[test]
fn the_development_words_are_for_the_development_chain() {
    let keys = Keys::new();
    let imported = keys.key(&["import", "owner"], DEV_WORDS).json();
    // Development key 0, as wallet/src/dev.rs pins it.
    assert_eq!(
        imported["principal"].as_str(),
        Some("dblk15nqv2mwx9ur43gsvjqx3rmxamg6fdlu78aq28y6mp7yqtdhnec2q0hmvhw")
    );
    let refused = keys.key(&["import", "mine", "--chain", "main"], DEV_WORDS);
    refused.refused(1, &["development words"]);
    let refused = keys.key(&["import", "typo"], &DEV_WORDS.replace("junk", "jnuk"));
    refused.refused(1, &["word 12 is not in the English list"]);
    assert!(!refused.err.contains("jnuk"), "a mistyped word is never repeated");
    keys.key(&["import", "short"], "test junk\n").refused(1, &["2 words"]);
    let long = "test ".repeat(1000);
    keys.key(&["import", "long"], &long).refused(1, &["bytes of text"]);
}

/// `setsid` gives a process no terminal, as under cron.
#[test]
fn without_a_terminal_and_without_a_file_there_is_no_password() {
    let keys = Keys::new();
    let keystore = keys.path("keystore");
    let refused = std::process::Command::new("setsid")
        .args(["--wait", env!("CARGO_BIN_EXE_blocktree"), "key", "new", "x", "--keystore"])
        .arg(text(&keystore))
        .output()
        .unwrap();
    let err = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{err}");
    assert!(err.contains("no terminal to ask") && err.contains("--password-file"), "{err}");
    assert!(!keystore.exists());
}
