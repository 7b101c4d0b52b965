//! Files that are not as they were written, by accident or on purpose.

use crate::{damage, dev_key, keystore, name, password, path};
use blocktree_primitives::Network;
use blocktree_wallet::KeystoreError;
use blocktree_wallet::keystore::Damage;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;

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
    // Written in place: rewriting a file whole thousands of times can take the disk a minute.
    let in_place = File::options().write(true).open(&file).unwrap();
    for at in 0..whole.len() {
        for bit in 0..8 {
            in_place.write_all_at(&[whole[at] ^ 1 << bit], at as u64).unwrap();
            let error = keys.unlock(&name("a"), &password()).unwrap_err();
            let told =
                matches!(error, KeystoreError::Damaged { .. } | KeystoreError::NewerVersion { .. });
            assert!(told, "bit {bit} of byte {at}: {error}");
        }
        in_place.write_all_at(&whole[at..=at], at as u64).unwrap();
    }
    assert!(keys.unlock(&name("a"), &password()).is_ok());
    for end in (0..whole.len()).rev() {
        in_place.set_len(end as u64).unwrap();
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
    let in_place = File::options().write(true).open(&file).unwrap();
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
        in_place.write_all_at(with_checksum(&changed).as_bytes(), 0).unwrap();
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
