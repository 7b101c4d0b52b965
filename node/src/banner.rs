//! What a node says when it has started.

use crate::folders::rpc_url;
use crate::output::tell;
use crate::settings::Settings;
use crate::wire::Node;
use blocktree_chainspec::ChainSpec;
use blocktree_primitives::Network;
use blocktree_rpc::client::DEFAULT_URL;
use std::path::Path;

/// Prints where everything is, how to stop, and what to try.
pub(crate) fn show(settings: &Settings, node: &Node) {
    let tip = *node.chain.published().tip();
    let addr = node.rpc.addr();
    let spec = &settings.chain.spec;
    let about = match spec.network() {
        Network::Dev => "for development: nothing on it has a value",
        Network::Test => "for public testing: nothing on it has a value",
        Network::Main => "of real value",
    };
    let mining = match node.mining.miner() {
        None => "off".to_owned(),
        Some(miner) => {
            let word = if miner.threads == 1 { "thread" } else { "threads" };
            let to = miner.coinbase.to_text(spec.network());
            format!("{} {word}, rewards to {to}", miner.threads)
        }
    };
    let mining = match &node.miners {
        None => mining,
        Some(miners) => format!("{mining}; Stratum on {}", miners.address()),
    };
    let peers = node.peering.as_ref().map(|peering| peering.listen_addresses());
    let program = std::env::args().next().unwrap_or_else(|| "blocktree".into());
    tell(&format!(
        "\nblocktree {version}: the chain {name}, {about}\n\n  \
         data      {data}\n  \
         tip       height {height}, {hash}\n  \
         JSON-RPC  http://{addr} and ws://{addr}\n  \
         mining    {mining}\n  \
         peers     {peers}\n  \
         to stop   Ctrl-C\n\n\
         In another terminal, try:\n\n{tries}\n",
        version = env!("CARGO_PKG_VERSION"),
        name = spec.name,
        data = node.data_dir.display(),
        height = tip.height,
        hash = tip.hash,
        peers = in_words(peers.as_deref()),
        tries = tries(
            &program,
            spec.network(),
            &rpc_url(addr),
            second(spec, peers.as_deref(), &node.data_dir).as_deref()
        ),
    ));
}

/// Where other nodes reach this one, as it is to be written behind `--bootnode`.
fn in_words(addresses: Option<&[String]>) -> String {
    match addresses {
        None => "off".to_owned(),
        Some([]) => "nobody reaches this node".to_owned(),
        // Below each other, behind the label.
        Some(addresses) => addresses.join("\n            "),
    }
}

/// What starts a second node beside this one, on the dev chain.
fn second(spec: &ChainSpec, addresses: Option<&[String]>, data_dir: &Path) -> Option<String> {
    let address = addresses?.first()?;
    if spec.name != "dev" {
        return None;
    }
    let mut folder = data_dir.as_os_str().to_owned();
    folder.push("-2");
    let folder = quoted(&folder.to_string_lossy());
    Some(format!(
        "run --data-dir {folder} --rpc-addr 127.0.0.1:0 --p2p-addr /ip4/127.0.0.1/tcp/0 \
         --mine=0 --bootnode {address}"
    ))
}

/// As a shell takes it.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "/-_.+:=@,".contains(c);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

/// Commands that work as they stand here. On a dev chain they speak with development key 0.
fn tries(program: &str, network: Network, url: &str, second: Option<&str>) -> String {
    let rpc = if url == DEFAULT_URL { String::new() } else { format!(" --rpc {url}") };
    let mut lines = vec![format!("  {program} chain info --rpc {url}")];
    match network {
        Network::Dev => {
            lines.push(format!("  {program} balance{rpc}"));
            // Development key 1.
            let to = "dblk1tdjy5g53u9q829f39dxeerps6g6dfu0v3jetjdd68gp28aql7kds6qdtq3";
            lines.push(format!("  {program} send {to} 12.5 --wait{rpc}"));
        }
        Network::Test => lines.push(format!("  {program} key new alice --chain test")),
        Network::Main => lines.push(format!("  {program} key new alice --chain main")),
    }
    lines.extend(second.map(|arguments| format!("  {program} {arguments}")));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_tried_names_the_node_where_it_is_not_the_usual_one() {
        let usual = tries("blocktree", Network::Dev, DEFAULT_URL, None);
        assert!(usual.contains("blocktree balance\n"), "{usual}");
        let other = tries("blocktree", Network::Dev, "ws://127.0.0.1:1", None);
        assert!(other.contains("blocktree balance --rpc ws://127.0.0.1:1\n"), "{other}");
        assert!(!tries("blocktree", Network::Main, DEFAULT_URL, None).contains("dblk1"));
    }

    #[test]
    fn a_second_node_of_the_dev_chain_is_one_command_away() {
        let addresses = ["/ip4/127.0.0.1/tcp/1/p2p/16Uiu2".to_owned(), "/ip4/…".to_owned()];
        let data_dir = Path::new("/home/me/it's data/dev");
        let line = second(&ChainSpec::dev(), Some(&addresses), data_dir).unwrap();
        assert_eq!(
            line,
            r"run --data-dir '/home/me/it'\''s data/dev-2' --rpc-addr 127.0.0.1:0 \
              --p2p-addr /ip4/127.0.0.1/tcp/0 --mine=0 --bootnode /ip4/127.0.0.1/tcp/1/p2p/16Uiu2"
                .replace("\\\n              ", "")
        );
        let shown = tries("blocktree", Network::Dev, DEFAULT_URL, Some(&line));
        assert!(shown.contains("\n  blocktree run --data-dir "), "{shown}");
        assert_eq!(second(&ChainSpec::dev(), None, data_dir), None);
        assert_eq!(second(&ChainSpec::dev(), Some(&[]), data_dir), None);
        assert_eq!(second(&ChainSpec::main(), Some(&addresses), data_dir), None);
        assert_eq!(in_words(Some(&addresses)).lines().count(), 2);
        assert_eq!(in_words(None), "off");
    }
}
