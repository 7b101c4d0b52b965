//! The keystore as its users meet it: what goes in comes out, and everything else is refused by name.

// clippy.toml allows these in tests, but does not see that the functions below belong to tests.
#![allow(clippy::unwrap_used, clippy::panic)]

mod disk;
mod tampering;

use blocktree_primitives::{Network, Principal};
use blocktree_wallet::dev::DEV_WORDS;
use blocktree_wallet::keystore::Damage;
use blocktree_wallet::{
    DevKeyRefused, DevKeys, KdfCost, KeyMaterial, KeyName, Keystore, KeystoreError, Password,
    WordCount, Words, derive, dev_words,
};
use std::fs;
use std::path::Path;

/// The least that Argon2id can do: a wrong password is refused as surely as at the strong cost.
fn cheap() -> KdfCost {
    KdfCost::new(8, 1, 1).unwrap()
}

fn keystore(folder: &Path, network: Network) -> Keystore {
    Keystore::new(folder.join("keys"), network).with_cost(cheap())
}

fn name(text: &str) -> KeyName {
    text.parse().unwrap()
}

fn password() -> Password {
    Password::new("correct horse").unwrap()
}

fn dev_key(index: u32) -> KeyMaterial {
    KeyMaterial::Words { words: dev_words(), coin_type: 1, index }
}

/// The file of the key, whose folder is the only one there.
fn path(folder: &Path, name: &str) -> std::path::PathBuf {
    folder.join("keys").join(format!("{name}.json"))
}

fn damage<T: std::fmt::Debug>(result: Result<T, KeystoreError>) -> Damage {
    match result {
        Err(KeystoreError::Damaged { damage, .. }) => damage,
        other => panic!("not damaged: {other:?}"),
    }
}

#[test]
fn words_and_secrets_round_trip() {
    let folder = tempfile::tempdir().unwrap();
    let keys = keystore(folder.path(), Network::Test);
    let words = Words::generate(WordCount::TwentyFour).unwrap().with_passphrase("hush").unwrap();
    let secret = derive(&words, 7, 3).unwrap();
    let made = KeyMaterial::Words { words: words.clone(), coin_type: 7, index: 3 };
    let info = keys.add(&name("from-words"), &made, &password()).unwrap();
    assert_eq!(info.network, Network::Test);
    assert_eq!(info.public_key, secret.public_key());

    let opened = keys.unlock(&name("from-words"), &password()).unwrap();
    assert_eq!(*opened.info(), info);
    assert_eq!(opened.secret_key().expose(), secret.expose());
    let KeyMaterial::Words { words: again, coin_type: 7, index: 3 } = opened.material() else {
        panic!("{:?}", opened.material())
    };
    assert_eq!(again.text(), words.text());
    assert_eq!(again.passphrase(), "hush");

    let bare = KeyMaterial::Secret(secret.clone());
    keys.add(&name("bare"), &bare, &password()).unwrap();
    let opened = keys.unlock(&name("bare"), &password()).unwrap();
    assert!(matches!(opened.material(), KeyMaterial::Secret(_)));
    let signer = opened.into_signer();
    let signature = signer.sign_digest(&[1; 32]);
    assert_eq!(secret.public_key().verify(&[1; 32], &signature), Ok(()));
}

/// The format does not drift: a file that another program wrote by the document alone
/// (tests/data/golden.py), with other implementations of everything in it.
#[test]
fn a_file_of_another_program_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let keys = keystore(folder.path(), Network::Dev);
    fs::create_dir(keys.folder()).unwrap();
    fs::write(path(folder.path(), "golden"), include_str!("../data/golden.json")).unwrap();
    let opened = keys.unlock(&name("golden"), &password()).unwrap();
    assert_eq!(opened.info().created, 1_700_000_000);
    assert_eq!(
        hex::encode(opened.secret_key().expose()),
        "58035a6f53fc26dd57cf4f232c676759c7ae4673e873edff127894ab1d08f583"
    );
    let KeyMaterial::Words { words, coin_type: 1, index: 7 } = opened.material() else {
        panic!("{:?}", opened.material())
    };
    assert_eq!((words.text().as_str(), words.passphrase()), (DEV_WORDS, "hush"));
}

#[test]
fn the_plain_part_is_read_without_a_password() {
    let folder = tempfile::tempdir().unwrap();
    let keys = keystore(folder.path(), Network::Dev);
    assert_eq!(keys.list().unwrap().len(), 0, "no folder yet");
    for (text, index) in [("b", 0), ("a", 1), ("c", 2)] {
        keys.add(&name(text), &dev_key(index), &password()).unwrap();
    }
    let secret = DevKeys::new(1).secret(1).unwrap();
    let info = keys.info(&name("a")).unwrap();
    assert_eq!(info.principal(), Principal::of(&secret.public_key()));
    assert!(info.created > 1_700_000_000, "after 2023-11-14");

    let listed = keys.list().unwrap();
    let names: Vec<&str> = listed.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["a", "b", "c"]);
    assert_eq!(listed[0].1.as_ref().unwrap(), &info);
}

/// One bad file is listed as such and hides no other; what is no key's file is not listed.
#[test]
fn a_listing_tells_of_bad_files_and_ignores_others() {
    let folder = tempfile::tempdir().unwrap();
    let keys = keystore(folder.path(), Network::Dev);
    keys.add(&name("good"), &dev_key(0), &password()).unwrap();
    fs::write(path(folder.path(), "bad"), "{}").unwrap();
    for other in [".new-x.tmp", ".hidden.json", "README", "UPPER.json", "a b.json"] {
        fs::write(folder.path().join("keys").join(other), "x").unwrap();
    }
    let listed = keys.list().unwrap();
    assert_eq!(listed.len(), 2);
    assert!(matches!(listed[0].1, Err(KeystoreError::Damaged { damage: Damage::Foreign, .. })));
    assert!(listed[1].1.is_ok());
}

#[test]
fn a_wrong_password_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let keys = keystore(folder.path(), Network::Dev);
    keys.add(&name("a"), &dev_key(0), &password()).unwrap();
    for wrong in ["correct hors", "correct horse ", "Correct horse", "x"] {
        let error = keys.unlock(&name("a"), &Password::new(wrong).unwrap()).unwrap_err();
        assert!(matches!(&error, KeystoreError::WrongPassword { name } if name.as_str() == "a"));
        assert!(error.to_string().starts_with("wrong password for key a: try again"));
    }
}

#[test]
fn a_missing_key_is_told_with_those_there_are() {
    let folder = tempfile::tempdir().unwrap();
    let keys = keystore(folder.path(), Network::Dev);
    let text = keys.info(&name("x")).unwrap_err().to_string();
    assert!(text.ends_with("there are no keys yet; make or import one"), "{text}");
    keys.add(&name("b"), &dev_key(0), &password()).unwrap();
    keys.add(&name("a"), &dev_key(0), &password()).unwrap();
    let error = keys.unlock(&name("x"), &password()).unwrap_err();
    assert!(matches!(&error, KeystoreError::NoSuchKey { existing, .. }
        if *existing == [name("a"), name("b")]));
    assert!(error.to_string().ends_with("there are a, b"), "{error}");
}

/// The file shows what it should and nothing more, whatever the secret's form.
#[test]
fn a_file_shows_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let keys = keystore(folder.path(), Network::Dev);
    let hidden = KeyMaterial::Words {
        words: Words::generate(WordCount::TwentyFour)
            .unwrap()
            .with_passphrase("a passphrase")
            .unwrap(),
        coin_type: 1,
        index: 0,
    };
    let bare = KeyMaterial::Secret(hidden.secret_key().unwrap());
    keys.add(&name("a"), &hidden, &password()).unwrap();
    keys.add(&name("b"), &bare, &password()).unwrap();
    let text = |name| fs::read_to_string(path(folder.path(), name)).unwrap();
    let (from_words, from_secret) = (text("a"), text("b"));
    assert_eq!(from_words.len(), from_secret.len(), "the length tells nothing");
    let secret = hidden.secret_key().unwrap();
    let principal = Principal::of(&secret.public_key()).to_text(Network::Dev);
    for text in [from_words, from_secret] {
        assert!(text.contains(&principal));
        assert!(!text.contains(&hex::encode(secret.expose())));
        assert!(!text.contains("passphrase"));
    }
    let shown = format!("{:?} {keys:?}", keys.unlock(&name("a"), &password()).unwrap());
    assert!(!shown.contains("passphrase") && !shown.contains(&hex::encode(secret.expose())));
    assert!(shown.contains("Words(redacted)") && shown.contains("SecretKey(redacted)"));
}

#[test]
fn keys_stay_on_their_network() {
    let folder = tempfile::tempdir().unwrap();
    let words = Words::generate(WordCount::Twelve).unwrap();
    let material = KeyMaterial::Words { words, coin_type: 1, index: 0 };
    let test = keystore(folder.path(), Network::Test);
    test.add(&name("a"), &material, &password()).unwrap();
    let main = keystore(folder.path(), Network::Main);
    let error = main.unlock(&name("a"), &password()).unwrap_err();
    assert!(matches!(
        error,
        KeystoreError::OtherNetwork { found: Network::Test, expected: Network::Main, .. }
    ));
    assert!(error.to_string().starts_with("key a is for the test network and this is the main"));
    assert_eq!(main.info(&name("a")).unwrap().network, Network::Test);
}

#[test]
fn development_keys_are_refused_off_the_dev_network() {
    let folder = tempfile::tempdir().unwrap();
    for network in [Network::Main, Network::Test] {
        let keys = keystore(folder.path(), network);
        let hidden = KeyMaterial::Words {
            words: dev_words().with_passphrase("mine").unwrap(),
            coin_type: 1,
            index: 99,
        };
        let bare = |index| KeyMaterial::Secret(DevKeys::new(1).secret(index).unwrap());
        for (material, expected) in [
            (dev_key(0), DevKeyRefused::Words),
            (dev_key(1000), DevKeyRefused::Words),
            (hidden, DevKeyRefused::Words),
            (bare(0), DevKeyRefused::Key { index: 0 }),
            (bare(19), DevKeyRefused::Key { index: 19 }),
        ] {
            let error = keys.add(&name("a"), &material, &password()).unwrap_err();
            assert!(matches!(error, KeystoreError::DevKey(refused) if refused == expected));
        }
    }
    assert!(!folder.path().join("keys").exists(), "refused before anything is written");
    let dev = keystore(folder.path(), Network::Dev);
    assert!(dev.add(&name("a"), &dev_key(0), &password()).is_ok());
}

/// A keystore that was told nothing uses the strong cost, and that cost works.
#[test]
fn the_strong_cost_is_the_default() {
    let folder = tempfile::tempdir().unwrap();
    let keys = Keystore::new(folder.path().join("keys"), Network::Dev);
    let start = std::time::Instant::now();
    keys.add(&name("a"), &dev_key(0), &password()).unwrap();
    println!("one password: {:?}", start.elapsed());
    let text = fs::read_to_string(path(folder.path(), "a")).unwrap();
    assert!(text.contains("\"memory_kib\": 196608,\n"), "192 MiB");
    assert!(text.contains("\"passes\": 3,\n"));
    assert!(!text.contains(DEV_WORDS));
    assert!(keys.unlock(&name("a"), &password()).is_ok());
}
