//! The keystore as its users meet it: what goes in comes out, and everything else is refused by name.

// clippy.toml allows these in tests, but does not see that the functions below belong to tests.
#![allow(clippy::unwrap_used, clippy::panic)]

use blocktree_primitives::{Network, Principal};
use blocktree_wallet::dev::DEV_WORDS;
use blocktree_wallet::keystore::Damage;
use blocktree_wallet::{
    DevKeyRefused, DevKeys, KdfCost, KeyMaterial, KeyName, Keystore, KeystoreError, Password,
    WordCount, Words, derive, dev_words,
};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
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

/// Everything in the folder but the keys' files.
fn leftovers(folder: &Path) -> Vec<String> {
    fs::read_dir(folder.join("keys"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.ends_with(".json"))
        .collect()
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
    fs::write(path(folder.path(), "golden"), include_str!("data/golden.json")).unwrap();
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

#[test]
fn a_renamed_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let keys = keystore(folder.path(), Network::Dev);
    keys.add(&name("a"), &dev_key(0), &password()).unwrap();
    fs::rename(path(folder.path(), "a"), path(folder.path(), "b")).unwrap();
    assert_eq!(damage(keys.info(&name("b"))), Damage::Misnamed(name("a")));
    fs::rename(path(folder.path(), "b"), path(folder.path(), "a")).unwrap();
    assert!(keys.unlock(&name("a"), &password()).is_ok());
}

#[test]
fn a_newer_file_is_told_from_a_damaged_one() {
    let folder = tempfile::tempdir().unwrap();
    let keys = keystore(folder.path(), Network::Dev);
    keys.add(&name("a"), &dev_key(0), &password()).unwrap();
    let file = path(folder.path(), "a");
    let text = fs::read_to_string(&file).unwrap();
    let newer = text.replace("\"version\": 1", "\"version\": 2");
    fs::write(&file, newer).unwrap();
    let error = keys.unlock(&name("a"), &password()).unwrap_err();
    assert!(matches!(error, KeystoreError::NewerVersion { found: 2, .. }));
    assert!(error.to_string().ends_with("use a newer program"));
    // A newer version may have anything else in it.
    fs::write(&file, r#"{"header":{"format":"blocktree key","version":9,"x":[]},"y":1}"#).unwrap();
    let error = keys.info(&name("a")).unwrap_err();
    assert!(matches!(error, KeystoreError::NewerVersion { found: 9, .. }));
    fs::write(&file, text.replace("\"version\": 1", "\"version\": 0")).unwrap();
    assert_eq!(damage(keys.info(&name("a"))), Damage::Foreign);
}

/// The cost that a file asks for is bounded before it is paid.
#[test]
fn a_file_cannot_ask_for_any_cost() {
    let folder = tempfile::tempdir().unwrap();
    let keys = keystore(folder.path(), Network::Dev);
    keys.add(&name("a"), &dev_key(0), &password()).unwrap();
    let file = path(folder.path(), "a");
    let text = fs::read_to_string(&file).unwrap();
    for (from, to) in [
        ("\"memory_kib\": 8,", "\"memory_kib\": 4294967295,"),
        ("\"memory_kib\": 8,", "\"memory_kib\": 0,"),
        ("\"passes\": 1,", "\"passes\": 4294967295,"),
        ("\"lanes\": 1,", "\"lanes\": 0,"),
    ] {
        assert!(text.contains(from));
        fs::write(&file, with_checksum(&text.replace(from, to))).unwrap();
        let found = damage(keys.unlock(&name("a"), &password()));
        assert!(matches!(found, Damage::TooCostly(_)), "{to}: {found}");
    }
}

/// The text with the checksum that its other parts ask for, as an attacker would make it.
fn with_checksum(text: &str) -> String {
    let header = between(text, "  \"header\": ", ",\n  \"sealed\": \"");
    let sealed = between(text, "\"sealed\": \"", "\"");
    let sum = blocktree_primitives::hash::sha256(&[header.as_bytes(), sealed.as_bytes()]);
    let old = between(text, "\"checksum\": \"", "\"");
    text.replace(old, &hex::encode(sum))
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    text.split_once(before).unwrap().1.split_once(after).unwrap().0
}

/// No bit of a file can change: not by accident, which is damage; nor on purpose.
#[test]
fn every_changed_bit_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let keys = keystore(folder.path(), Network::Dev);
    keys.add(&name("a"), &dev_key(0), &password()).unwrap();
    let file = path(folder.path(), "a");
    let whole = fs::read(&file).unwrap();
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut changed = whole.clone();
            changed[at] ^= 1 << bit;
            fs::write(&file, &changed).unwrap();
            let error = keys.unlock(&name("a"), &password()).unwrap_err();
            let told =
                matches!(error, KeystoreError::Damaged { .. } | KeystoreError::NewerVersion { .. });
            assert!(told, "bit {bit} of byte {at}: {error}");
        }
    }
    for end in 0..whole.len() {
        fs::write(&file, &whole[..end]).unwrap();
        damage(keys.info(&name("a")));
    }
    fs::write(&file, [&whole[..], b"\n"].concat()).unwrap();
    damage(keys.info(&name("a")));
    fs::write(&file, &whole).unwrap();
    assert!(keys.unlock(&name("a"), &password()).is_ok());
}

/// The same with the checksum made right again: the seal covers header and sealed part alike.
#[test]
fn every_byte_changed_on_purpose_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let keys = keystore(folder.path(), Network::Dev);
    keys.add(&name("a"), &dev_key(0), &password()).unwrap();
    let file = path(folder.path(), "a");
    let text = fs::read_to_string(&file).unwrap();
    let end = text.find(",\n  \"checksum\"").unwrap();
    let start = text.find("\"header\": ").unwrap() + "\"header\": ".len();
    let sealed = text.find("\"sealed\": \"").unwrap();
    let mut by_the_seal = 0;
    for at in (start..sealed - 4).chain(sealed + 11..end - 1) {
        let mut changed = text.clone().into_bytes();
        // The next digit or letter where there is one; another white space for a white space.
        changed[at] = match changed[at] {
            b'9' => b'0',
            b'f' => b'a',
            b' ' => b'\t',
            b'\n' => b' ',
            byte => byte + 1,
        };
        let changed = String::from_utf8(changed).unwrap();
        if changed.matches("\"sealed\": \"").count() != 1 {
            continue;
        }
        fs::write(&file, with_checksum(&changed)).unwrap();
        match keys.unlock(&name("a"), &password()).unwrap_err() {
            KeystoreError::WrongPassword { .. } => by_the_seal += 1,
            KeystoreError::Damaged { .. }
            | KeystoreError::NewerVersion { .. }
            | KeystoreError::OtherNetwork { .. } => {}
            error => panic!("byte {at}: {error}"),
        }
    }
    // The digits of the sealed part (316 bytes), salt (16) and nonce (24) at least.
    assert!(by_the_seal >= 2 * (316 + 16 + 24), "{by_the_seal}");
}

/// Another key's public key in front of a sealed key, or another network: refused, checksum or not.
#[test]
fn headers_can_not_be_swapped() {
    let folder = tempfile::tempdir().unwrap();
    let keys = keystore(folder.path(), Network::Dev);
    keys.add(&name("a"), &dev_key(0), &password()).unwrap();
    keys.add(&name("b"), &dev_key(1), &password()).unwrap();
    let read = |name| fs::read_to_string(path(folder.path(), name)).unwrap();
    let (a, b) = (read("a"), read("b"));
    let field =
        |text: &str, name: &str| between(text, &format!("\"{name}\": \""), "\"").to_string();
    let mut swapped = a.clone();
    swapped = swapped.replace(&field(&a, "public_key"), &field(&b, "public_key"));
    fs::write(path(folder.path(), "a"), with_checksum(&swapped)).unwrap();
    assert_eq!(damage(keys.info(&name("a"))), Damage::Principal);

    swapped = swapped.replace(&field(&a, "principal"), &field(&b, "principal"));
    fs::write(path(folder.path(), "a"), with_checksum(&swapped)).unwrap();
    // Without the password it passes for the other key; with it, no more.
    assert_eq!(
        keys.info(&name("a")).unwrap().public_key,
        keys.info(&name("b")).unwrap().public_key
    );
    assert!(matches!(
        keys.unlock(&name("a"), &password()),
        Err(KeystoreError::WrongPassword { .. })
    ));

    let swapped = a.replace(&field(&a, "sealed"), &field(&b, "sealed"));
    fs::write(path(folder.path(), "a"), with_checksum(&swapped)).unwrap();
    assert!(matches!(
        keys.unlock(&name("a"), &password()),
        Err(KeystoreError::WrongPassword { .. })
    ));
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

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..Default::default()
    })]

    /// No file, whatever is in it, makes the keystore panic or passes for a key.
    #[test]
    fn any_bytes_are_refused(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..6000)) {
        let folder = tempfile::tempdir().unwrap();
        let keys = keystore(folder.path(), Network::Dev);
        fs::create_dir(keys.folder()).unwrap();
        fs::write(path(folder.path(), "a"), &bytes).unwrap();
        damage(keys.unlock(&name("a"), &password()));
    }
}
