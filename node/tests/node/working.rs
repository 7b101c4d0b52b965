//! A node's life: start, mine, stop, start again, be killed, run out of disk.

use crate::support::{FREE_PORTS, Node, ask, run, text};
use serde_json::json;
use std::process::Command;
use std::time::{Duration, Instant};

#[test]
fn a_node_mines_and_goes_on_where_it_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut node = Node::start(&data, &[]);
    assert_eq!(node.banner("data"), text(&data));
    let url = node.banner("JSON-RPC");
    assert!(url.starts_with("http://127.0.0.1:") && !url.ends_with(":0"), "{url}");
    // Development key 0, as wallet/src/dev.rs pins it.
    let coinbase = "dblk15nqv2mwx9ur43gsvjqx3rmxamg6fdlu78aq28y6mp7yqtdhnec2q0hmvhw";
    assert_eq!(node.banner("mining"), format!("1 thread, rewards to {coinbase}"));
    node.mined(2);
    let (height, hash) = node.stop();
    assert!(height >= 2);
    let left: Vec<_> = std::fs::read_dir(&data).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(!left.contains(&"rpc-url".into()), "{left:?}");

    let node = Node::start(&data, &["--mine=0"]);
    assert_eq!(node.banner("tip"), format!("height {height}, {hash}"));
    assert_eq!(node.banner("mining"), "off");
    assert_eq!(node.stop(), (height, hash), "nothing mined");
}

#[test]
fn a_folder_has_one_node_and_one_chain() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let node = Node::start(&data, &["--mine=0"]);
    node.banner("JSON-RPC");
    let process = format!("(process {})", node.pid());
    let second = run(&["run", "--data-dir", text(&data), "--rpc-addr", "127.0.0.1:0"]);
    second.refused(1, &["another node", &process, "works on this data folder", text(&data)]);
    for command in ["verify", "revert 1", "export x", "import x"] {
        let file = folder.path().join("x");
        std::fs::write(&file, b"blocktree chain\n").unwrap();
        let file = text(&file);
        let command: Vec<&str> =
            command.split(' ').map(|word| if word == "x" { file } else { word }).collect();
        let mut args = vec!["chain"];
        args.extend(&command);
        args.extend(["--data-dir", text(&data)]);
        if command[0] == "export" {
            args.push("--force");
        }
        let refused = run(&args);
        match command[0] {
            // The file is looked at first.
            "import" => refused.refused(1, &["cut off after 0 blocks"]),
            _ => refused.refused(1, &["a node", &process, "stop it first"]),
        }
    }
    node.stop();

    let other = run(&["run", "--chain", "test", "--data-dir", text(&data)]);
    other.refused(1, &["belongs to the chain \"dev\"", "not to \"test\"", "use another folder"]);
    let strange = folder.path().join("strange");
    std::fs::create_dir(&strange).unwrap();
    std::fs::write(strange.join("holiday.txt"), "sun").unwrap();
    let refused = run(&["run", "--data-dir", text(&strange)]);
    refused.refused(1, &["this is not a data folder", "nothing was touched"]);
    assert_eq!(std::fs::read_dir(&strange).unwrap().count(), 1);
}

#[test]
fn a_killed_node_starts_again_with_every_block_it_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let (mut height, mut hash) = (0, String::new());
    for _ in 0..2 {
        let mut node = Node::start(folder.path(), &[]);
        height += 2;
        hash = node.mined(height);
        node.kill();
        // It may have mined one more before the kill.
        let said = run(&["chain", "info", "--data-dir", text(folder.path()), "--json"]).json();
        let found = said["tip"]["height"].as_u64().unwrap();
        assert!(found == height || found == height + 1, "{said}");
        if found == height {
            assert_eq!(said["tip"]["hash"].as_str(), Some(hash.as_str()));
        }
        height = found;
    }
    assert!(!hash.is_empty());
    let verified = run(&["chain", "verify", "--data-dir", text(folder.path()), "--json"]).json();
    assert_eq!(verified["blocks"].as_u64(), Some(height));
    assert_eq!(verified["tip"]["height"].as_u64(), Some(height));
    assert!(!folder.path().join("verify.scratch").exists());
}

#[test]
fn a_second_ctrl_c_ends_it_at_once_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut node = Node::start(folder.path(), &[]);
    let hash = node.mined(1);
    node.signal("INT");
    node.log("stopping signal=\"SIGINT\"");
    // It may have stopped already, in order; then nobody gets this one.
    let kill = format!("kill -INT {} 2>/dev/null", node.pid());
    Command::new("sh").args(["-c", &kill]).status().unwrap();
    let code = node.ended(Duration::from_secs(10)).code();
    assert!(code == Some(0) || code == Some(1), "{code:?}");
    let node = Node::start(folder.path(), &["--mine=0"]);
    let url = node.url(folder.path());
    assert_eq!(ask(&url, "chain_getBlockHash", &json!([1])).unwrap(), json!(hash));
    node.stop();
}

#[test]
fn a_node_goes_on_when_nobody_reads_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path(), &[]);
    let url = node.url(folder.path());
    let mut node = node.unheard();
    let height = || ask(&url, "chain_getHeader", &json!([])).unwrap()["height"].as_u64().unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while height() < 3 {
        assert!(Instant::now() < deadline, "no block comes");
        std::thread::sleep(Duration::from_millis(50));
    }
    node.signal("TERM");
    assert_eq!(node.ended(Duration::from_secs(10)).code(), Some(0));
}

/// A limit on the size of files fails like a disk that takes no more: in the middle of a write.
#[test]
fn a_write_that_fails_stops_the_node_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    // Without the trap the kernel would kill the process. 200,000 bytes: more than what a start
    // writes into any one file, and the log of some 200 blocks.
    let limited = "trap '' XFSZ; exec prlimit --fsize=200000 \"$@\"";
    let args = [&["run", "--mine=0", "--data-dir", text(&data)][..], &FREE_PORTS].concat();
    let mut node = Node::spawn(
        Command::new("sh")
            .args(["-c", limited, "sh", env!("CARGO_BIN_EXE_blocktree")])
            .args(args)
            .stdin(std::process::Stdio::null()),
    );
    let url = node.url(&data);
    let mut last = None;
    for _ in 0..1000 {
        match ask(&url, "mining_generate", &json!([10])) {
            Ok(blocks) => {
                last = blocks.as_array().and_then(|b| b.last()?.as_str()?.to_owned().into())
            }
            Err(refused) => {
                assert!(refused.contains("stopping") || refused.contains("no node"), "{refused}");
                break;
            }
        }
    }
    assert_eq!(node.ended(Duration::from_secs(10)).code(), Some(1));
    let said = node.log("error: the node has stopped");
    assert!(said.contains("see to the disk and start it again"), "{said}");
    assert!(said.contains("the disk failed") && said.contains("File too large"), "{said}");

    let last: String = last.expect("some blocks fit");
    let node = Node::start(&data, &["--mine=0"]);
    let url = node.url(&data);
    let header = ask(&url, "chain_getHeader", &json!({ "hash": last })).unwrap();
    let height = header["height"].as_u64().unwrap();
    assert!(height >= 10 && height.is_multiple_of(10), "{header}");
    let there = ask(&url, "chain_getBlockHash", &json!([height])).unwrap();
    assert_eq!(there.as_str(), Some(last.as_str()), "on the best chain");
    node.stop();
    let verified = run(&["chain", "verify", "--data-dir", text(&data), "--json"]).json();
    assert!(verified["blocks"].as_u64() >= Some(height), "{verified}");
}

#[test]
fn an_operator_turns_switches_with_the_token_of_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let mut node = Node::start(folder.path(), &["--mine=0"]);
    let url = node.url(folder.path());
    let url = url.as_str();
    // The command finds the node by its folder.
    let info = run(&["chain", "info", "--json", "--data-dir", text(folder.path())]).json();
    assert_eq!((info["node"].as_str(), info["tip"]["height"].as_u64()), (Some(url), Some(0)));

    let refused = ask(url, "admin_setMining", &json!({ "threads": 1 })).unwrap_err();
    assert!(refused.contains("rpc-token"), "{refused}");
    let token = std::fs::read_to_string(folder.path().join("rpc-token")).unwrap();
    let token = token.trim();
    let admin = |method, mut params: serde_json::Value| {
        params["token"] = token.into();
        ask(url, method, &params)
    };
    // Two threads search the same template, and one block comes of it.
    admin("admin_setMining", json!({ "threads": 2 })).unwrap();
    let hash = node.mined(1);
    assert_eq!(ask(url, "chain_getBlockHash", &json!([1])).unwrap(), json!(hash));
    admin("admin_setMining", json!({ "threads": 0 })).unwrap();
    node.log("mining stopped");
    let refused = admin("admin_setLogFilter", json!({ "filter": "blocktree=loud" })).unwrap_err();
    assert!(refused.contains("is no log filter"), "{refused}");
    admin("admin_setLogFilter", json!({ "filter": "debug" })).unwrap();
    node.log("log filter changed");
    admin("admin_stop", json!({})).unwrap();
    assert_eq!(node.ended(Duration::from_secs(10)).code(), Some(0));
    node.log("stopped height=");
}

/// The process ends in order, whatever was started before: a thread that still had the data folder open
/// crashed it, now and then.
#[test]
fn a_start_that_fails_at_a_port_is_a_plain_failure_every_time() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for turn in 0..8 {
        let data = folder.path().join(turn.to_string());
        let args =
            [&["run", "--data-dir", text(&data), "--stratum-addr", &address], &FREE_PORTS[..]];
        run(&args.concat()).refused(1, &["Stratum can't listen on", "--stratum-addr"]);
    }
}
