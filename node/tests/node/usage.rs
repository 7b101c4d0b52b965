//! Wrong usage: exit code 2, and what to change.

use crate::support::{run, text};
use blocktree_primitives::{Network, Principal};

#[test]
fn wrong_usage_is_told_apart_from_failure() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("typo.toml"), "[rpc]\nadress = \"127.0.0.1:1\"\n").unwrap();
    std::fs::write(path("rules.json"), "{\"name\": \"x\"}").unwrap();
    let (typo, rules) = (path("typo.toml"), path("rules.json"));
    let (typo, rules) = (text(&typo), text(&rules));
    // Development key 1, as chainspec/dev.json has it, in the test network's form.
    let known = "dblk1tdjy5g53u9q829f39dxeerps6g6dfu0v3jetjdd68gp28aql7kds6qdtq3";
    let known = Principal::from_text(known, Network::Dev).unwrap().to_text(Network::Test);
    let data = path("data");
    let data = text(&data);
    for (args, words) in [
        (&["run", "--chain", "mainnet"][..], &["no chain is called \"mainnet\""][..]),
        (
            &["run", "--chain", "test", "--mine", "--data-dir", data],
            &["needs --coinbase PRINCIPAL"],
        ),
        (&["run", "--mine=many"], &["invalid value 'many' for '--mine"]),
        (&["run", "--coinbase", "me", "--data-dir", data], &["the coinbase me", "not a principal"]),
        (&["run", "--config", typo], &["typo.toml", "unknown field `adress`"]),
        (&["run", "--chain", rules], &["rules.json", "missing field", "docs/chainspec.md"]),
        (&["run", "--log", "blocktree=loud", "--data-dir", data], &["is no log filter"]),
        (
            &["run", "--chain", "test", "--mine", "--coinbase", &known, "--data-dir", data],
            &["the coinbase tblk1", "development key 1"],
        ),
        (
            &["run", "--data-dir", data, "--p2p-addr", "0.0.0.0:1"],
            &["--p2p-addr 0.0.0.0:1", "/ip4/0.0.0.0/tcp/30333"],
        ),
        (
            &["run", "--data-dir", data, "--bootnode", "/ip4/192.0.2.1/tcp/1"],
            &["--bootnode /ip4/192.0.2.1/tcp/1", "with its name at the end"],
        ),
        (&["run"], &["neither XDG_DATA_HOME nor HOME", "--data-dir"]),
        (&["chain", "revert", "some"], &["invalid value 'some'"]),
        (&["key", "new", "Alice"], &["not a name for a key"]),
        (&["key", "new", "alice", "password"], &["unexpected argument 'password'"]),
        (&["fly"], &["unrecognized subcommand 'fly'"]),
        (&[], &["Usage: blocktree <COMMAND>"]),
    ] {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_blocktree"));
        // No home: nothing of a user's is touched, and the default folders have no place.
        let output = command.args(args).env_remove("HOME").env_remove("XDG_DATA_HOME").output();
        let output = output.unwrap();
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {err}");
        for words in words {
            assert!(err.contains(words), "{args:?}: {words:?} is not in {err}");
        }
    }
    let failed = run(&["run", "--config", "/nowhere.toml", "--data-dir", data]);
    failed.refused(1, &["can't read the configuration /nowhere.toml"]);
    // Without peers, because a node of the machine's own may have the usual port.
    let alone = ["--data-dir", data, "--p2p-addr", "off"];
    let external = run(&[&["run", "--rpc-addr", "0.0.0.0:0"], &alone[..]].concat());
    external.refused(1, &["can be reached by other machines", "--rpc-unsafe-external"]);
}

#[test]
fn every_command_has_help_and_none_that_is_not_built() {
    let top = run(&["--help"]);
    assert_eq!(top.code, Some(0));
    for command in [
        &["run"][..],
        &["key"],
        &["key", "new"],
        &["key", "import"],
        &["key", "list"],
        &["key", "show"],
        &["key", "export"],
        &["chain"],
        &["chain", "info"],
        &["chain", "verify"],
        &["chain", "export"],
        &["chain", "import"],
        &["chain", "revert"],
        &["peers"],
        &["peers", "add"],
        &["peers", "remove"],
    ] {
        let help = run(&[command, &["--help"]].concat());
        assert_eq!((help.code, help.err.as_str()), (Some(0), ""), "{command:?}");
        assert!(help.out.contains("Usage: blocktree"), "{command:?}");
        for absent in ["provide", "metrics"] {
            assert!(!help.out.contains(absent), "{command:?} speaks of {absent}");
        }
    }
    let version = run(&["--version"]);
    assert_eq!(version.out, format!("blocktree {}\n", env!("CARGO_PKG_VERSION")));
}
