//! The network as the command line shows it.

use crate::support::{Node, ask, run, text};
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};

#[test]
fn a_node_can_run_without_a_network() {
    let folder = tempfile::tempdir().unwrap();
    let data = text(folder.path());
    let node = Node::start(folder.path(), &["--mine=0", "--p2p-addr", "off"]);
    let url = node.url(folder.path());
    assert_eq!(node.banner("peers"), "off");

    let info = run(&["chain", "info", "--json", "--data-dir", data]).json();
    assert_eq!((&info["peers"], &info["syncing"]), (&json!(0), &json!(false)), "{info}");
    assert_eq!((&info["target"], &info["left"]), (&json!(0), &json!(0)), "{info}");
    let said = run(&["chain", "info", "--data-dir", data]);
    assert!(said.out.contains("no better block is known"), "{said:?}");

    // By its folder and by its address alike.
    for which in [["--data-dir", data], ["--rpc", &url]] {
        let peers = run(&[&["peers", "--json"][..], &which].concat()).json();
        let none = json!({ "localPeerId": null, "listenAddresses": [], "peers": [] });
        assert_eq!(peers, none);
    }
    let said = run(&["peers", "--data-dir", data]);
    assert_eq!(said.code, Some(0));
    assert!(said.out.contains("runs without a network (--p2p-addr off)"), "{said:?}");

    let address = "/ip4/192.0.2.1/tcp/1/p2p/16Uiu2HAmLhLvBoYaoZfaMUKuibM6ac163GwKY74c5kiSLg5KvLpY";
    let refused = run(&["peers", "add", address, "--data-dir", data]);
    refused.refused(1, &["the node runs without a network", "rpc.NotDone"]);
    let refused = run(&["peers", "--data-dir", data, "remove", "16Uiu2"]);
    refused.refused(1, &["the node runs without a network", "rpc.NotDone"]);
    // The usual folder of the chain has no node: its token would be another one's.
    let unknown = run(&["peers", "add", address, "--rpc", &url]);
    unknown.refused(1, &["the token of the node at", "--data-dir DIR"]);
    node.stop();
}

/// Asks until the answer is as wanted.
fn until(what: &str, ask: impl Fn() -> Value, is_so: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let answer = ask();
        if is_so(&answer) {
            return answer;
        }
        assert!(Instant::now() < deadline, "{what}: {answer}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn has_peers(count: usize) -> impl Fn(&Value) -> bool {
    move |answer| answer["peers"].as_array().is_some_and(|peers| peers.len() == count)
}

#[test]
fn a_second_node_starts_with_what_the_first_one_prints() {
    let folder = tempfile::tempdir().unwrap();
    let (first_data, second_data) = (folder.path().join("first"), folder.path().join("second"));
    let (first_data, second_data) = (text(&first_data), text(&second_data));
    let peers = |data: &str| run(&["peers", "--json", "--data-dir", data]).json();

    let first = Node::start(Path::new(first_data), &["--mine=0"]);
    let first_url = first.url(Path::new(first_data));
    let address = first.banner("peers");
    assert!(address.starts_with("/ip4/127.0.0.1/tcp/"), "{address}");
    let (_, name) = address.rsplit_once("/p2p/").unwrap();
    let tried = first.banner_line("--bootnode");
    assert!(tried.contains(&format!(" run --data-dir {first_data}-2 ")), "{tried}");
    assert!(tried.ends_with(&format!(" --bootnode {address}")), "{tried}");
    let own = peers(first_data);
    assert_eq!((own["localPeerId"].as_str(), &own["peers"]), (Some(name), &json!([])));
    assert_eq!(own["listenAddresses"], json!([address]));
    ask(&first_url, "mining_generate", &json!([3])).unwrap();

    let second = Node::start(Path::new(second_data), &["--mine=0", "--bootnode", &address]);
    second.url(Path::new(second_data));
    let known = until("the second finds the first", || peers(second_data), has_peers(1));
    let peer = &known["peers"][0];
    assert_eq!((peer["peerId"].as_str(), &peer["direction"]), (Some(name), &json!("outbound")));
    assert_eq!((&peer["reserved"], &peer["score"]), (&json!(false), &json!(0)));
    let info = || run(&["chain", "info", "--json", "--data-dir", second_data]).json();
    let info = until("the second fetches what the first has", info, |info| {
        info["tip"]["height"] == 3 && info["syncing"] == false
    });
    assert_eq!((&info["peers"], &info["target"], &info["left"]), (&json!(1), &json!(3), &json!(0)));

    // The name of the second, from the first's side.
    let known = until("the first knows the second", || peers(first_data), has_peers(1));
    let peer = &known["peers"][0];
    let second_name = peers(second_data)["localPeerId"].clone();
    assert_eq!((&peer["peerId"], &peer["direction"]), (&second_name, &json!("inbound")));
    let said = run(&["peers", "--data-dir", first_data]);
    let line = said.out.lines().last().unwrap();
    assert!(line.starts_with(second_name.as_str().unwrap()) && line.contains("inbound"), "{line}");

    // Reserved, and no longer.
    let added = run(&["peers", "add", &address, "--data-dir", second_data]);
    assert!(added.code == Some(0) && added.out.contains(&address), "{added:?}");
    until(
        "the first is reserved",
        || peers(second_data),
        |known| known["peers"][0]["reserved"] == true,
    );
    let refused = run(&["peers", "add", "/ip4/127.0.0.1/tcp/1", "--data-dir", second_data]);
    refused.refused(1, &["/p2p/", "rpc.NotDone"]);
    let removed = run(&["peers", "remove", name, "--data-dir", second_data]);
    assert_eq!(removed.code, Some(0), "{removed:?}");
    // It may come back by itself, as any peer.
    until(
        "the first is no longer wanted",
        || peers(second_data),
        |known| {
            known["peers"].as_array().is_some_and(|all| all.iter().all(|p| p["reserved"] == false))
        },
    );
    second.stop();
    first.stop();
}
