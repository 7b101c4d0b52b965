//! Chains in files: the same tip elsewhere, and files that are not what they were.

use crate::support::{Node, ask, run, text};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

fn chain(command: &str, data: &Path, args: &[&str]) -> crate::support::Said {
    run(&[&["chain", command, "--json", "--data-dir", text(data)], args].concat())
}

/// A data folder with at least three blocks, and its tip.
fn mined(folder: &Path) -> (std::path::PathBuf, Value) {
    let data = folder.join("data");
    let mut node = Node::start(&data, &[]);
    node.mined(3);
    let (height, hash) = node.stop();
    let info = chain("info", &data, &[]).json();
    assert_eq!(info["tip"]["height"].as_u64(), Some(height));
    assert_eq!(info["tip"]["hash"].as_str(), Some(hash.as_str()));
    (data, info["tip"].clone())
}

#[test]
fn an_exported_chain_is_the_same_elsewhere_and_a_damaged_one_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (data, tip) = mined(folder.path());
    let height = tip["height"].as_u64().unwrap();

    let verified = chain("verify", &data, &[]).json();
    assert_eq!((&verified["tip"], verified["blocks"].as_u64()), (&tip, Some(height)));
    assert!(verified["eventsPerSecond"].is_u64());

    let file = path("dev.blocks");
    let exported = chain("export", &data, &[text(&file)]).json();
    assert_eq!((&exported["tip"], exported["blocks"].as_u64()), (&tip, Some(height)));
    let bytes = std::fs::read(&file).unwrap();
    assert_eq!(exported["bytes"].as_u64(), Some(bytes.len() as u64));
    chain("export", &data, &[text(&file)]).refused(1, &["is there already", "--force"]);

    // Cut off in its last block: what came before stays, and the whole file goes on from there.
    let (whole, cut) = (path("whole"), path("cut.blocks"));
    std::fs::write(&cut, &bytes[..bytes.len() - 20]).unwrap();
    let refused = chain("import", &whole, &[text(&cut)]);
    refused.refused(1, &["cut.blocks", "which stays", "the export is cut off after"]);
    let known = height - 1;
    let imported = chain("import", &whole, &[text(&file)]).json();
    assert_eq!((&imported["tip"], imported["known"].as_u64()), (&tip, Some(known)));
    assert_eq!(imported["blocks"].as_u64(), Some(1));
    assert!(imported["eventsPerSecond"].is_u64());
    let again = chain("import", &whole, &[text(&file)]).json();
    assert_eq!((again["blocks"].as_u64(), again["known"].as_u64()), (Some(0), Some(height)));
    assert_eq!(chain("verify", &whole, &[]).json()["tip"], tip);

    // 16 bytes of magic, 4 of version and 32 of genesis; then length, checksum and block, each.
    let first = 16 + 4 + 32;
    let len = u32::from_le_bytes(bytes[first..first + 4].try_into().unwrap()) as usize;
    let second = first + 4 + 8 + len;
    let flip = |at: usize| {
        let (mut flipped, file) = (bytes.clone(), path("flipped.blocks"));
        flipped[at] ^= 0x10;
        std::fs::write(&file, flipped).unwrap();
        chain("import", &path("never"), &[text(&file)])
    };
    flip(0).refused(1, &["is not a chain export"]);
    flip(16).refused(1, &["has format 17", "use a newer version"]);
    flip(20).refused(1, &["this export is of the chain"]);
    assert!(!path("never").exists(), "no folder for a file that is refused as a whole");
    flip(first + 4 + 8 + 50).refused(1, &["block 1 of the export is damaged"]);
    flip(second + 4 + 8 + 50).refused(1, &["block 2 of the export is damaged"]);
    flip(second + 4).refused(1, &["block 2 of the export is damaged"]);
    flip(bytes.len() - 1).refused(1, &["of the export is damaged"]);

    let other = path("test");
    let refused = chain("import", &other, &["--chain", "test", text(&file)]);
    refused.refused(1, &["this export is of the chain"]);
    chain("verify", &data, &["--chain", "test"]).refused(1, &["belongs to the chain \"dev\""]);
    chain("info", &path("nowhere"), &[]).refused(1, &["there is no data in", "nowhere"]);
    assert!(!path("nowhere").exists() && !other.exists());
}

/// An export follows no link and replaces nothing but a plain file.
#[cfg(unix)]
#[test]
fn an_export_writes_over_nobody_elses_file() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (data, _) = mined(folder.path());
    let (file, mine) = (path("dev.blocks"), path("mine"));
    std::fs::write(&mine, "dear").unwrap();
    symlink(&mine, path("dev.blocks.part")).unwrap();
    let bytes = chain("export", &data, &[text(&file)]).json()["bytes"].as_u64();
    assert_eq!(std::fs::metadata(&file).map(|found| found.len()).ok(), bytes);
    assert!(path("dev.blocks.part").is_symlink());

    let link = path("link.blocks");
    symlink(&mine, &link).unwrap();
    for args in [&[text(&link)][..], &[text(&link), "--force"]] {
        chain("export", &data, args).refused(1, &["link.blocks", "not a plain file"]);
    }
    chain("export", &data, &["/dev/null", "--force"]).refused(1, &["/dev/null", "plain file"]);
    assert_eq!(std::fs::read(&mine).unwrap(), b"dear");

    std::fs::write(&file, "older").unwrap();
    chain("export", &data, &[text(&file), "--force"]).json();
    assert_eq!(std::fs::metadata(&file).map(|found| found.len()).ok(), bytes);
    let mut names: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["data", "dev.blocks", "dev.blocks.part", "link.blocks", "mine"]);
}

#[test]
fn reverted_blocks_come_back_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let (data, tip) = mined(folder.path());
    let height = tip["height"].as_u64().unwrap();
    let file = folder.path().join("dev.blocks");
    chain("export", &data, &[text(&file)]).json();

    let reverted = chain("revert", &data, &["2"]).json();
    assert_eq!(reverted["reverted"].as_u64(), Some(2));
    assert_eq!(reverted["tip"]["height"].as_u64(), Some(height - 2));
    let verified = chain("verify", &data, &[]).json();
    assert_eq!(verified["tip"], reverted["tip"]);

    let imported = chain("import", &data, &[text(&file)]).json();
    assert_eq!(imported["tip"], tip);

    let all = chain("revert", &data, &["1000"]);
    assert_eq!(all.code, Some(1), "not all of what was asked");
    assert!(all.err.contains(&format!("{height} of 1000 blocks")), "{all:?}");
    let info = chain("info", &data, &[]).json();
    assert_eq!(info["tip"]["height"].as_u64(), Some(0));
    // A node goes on from genesis.
    let mut node = Node::start(&data, &[]);
    node.mined(1);
    node.stop();
}

#[test]
fn long_commands_end_in_order_when_asked_to() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (data, other, file) = (path("data"), path("other"), path("dev.blocks"));
    let node = Node::start(&data, &["--mine=0"]);
    ask(&node.url(&data), "mining_generate", &json!([600])).unwrap();
    node.stop();
    let tip = chain("export", &data, &[text(&file)]).json()["tip"].clone();
    assert_eq!(tip["height"].as_u64(), Some(600));

    // They listen before they touch a folder, so a signal that comes when there is one is heard.
    let interrupted = |args: &[&str], sign: &Path| {
        let mut command = Node::command(args);
        while !sign.exists() {
            std::thread::sleep(Duration::from_millis(1));
        }
        command.signal("INT");
        assert_eq!(command.ended(Duration::from_secs(10)).code(), Some(1));
        command.log("error: interrupted")
    };
    let (data, other, file) = (text(&data), text(&other), text(&file));
    let said = interrupted(&["chain", "verify", "--data-dir", data], &path("data/verify.scratch"));
    assert!(said.contains("nothing was found wrong"), "{said}");
    assert!(!path("data/verify.scratch").exists());

    let said = interrupted(&["chain", "import", file, "--data-dir", other], &path("other/db"));
    assert!(said.contains("the same command goes on from there"), "{said}");
    let info = chain("info", Path::new(other), &[]).json();
    let height = info["tip"]["height"].as_u64().unwrap();
    assert!(height < 600 && said.contains(&format!("at height {height}:")), "{said}");
    let resumed = chain("import", Path::new(other), &[file]).json();
    assert_eq!((&resumed["tip"], resumed["known"].as_u64()), (&tip, Some(height)));
}
