//! What a node says when it has started.

use crate::folders::rpc_url;
use crate::output::tell;
use crate::settings::Settings;
use crate::wire::Node;
use blocktree_primitives::Network;
use blocktree_rpc::client::DEFAULT_URL;

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
    let program = std::env::args().next().unwrap_or_else(|| "blocktree".into());
    tell(&format!(
        "\nblocktree {version}: the chain {name}, {about}\n\n  \
         data      {data}\n  \
         tip       height {height}, {hash}\n  \
         JSON-RPC  http://{addr} and ws://{addr}\n  \
         mining    {mining}\n  \
         to stop   Ctrl-C\n\n\
         In another terminal, try:\n\n{tries}\n",
        version = env!("CARGO_PKG_VERSION"),
        name = spec.name,
        data = node.data_dir.display(),
        height = tip.height,
        hash = tip.hash,
        tries = tries(&program, spec.network(), &rpc_url(addr)),
    ));
}

/// Commands that work as they stand here. On a dev chain they speak with development key 0.
fn tries(program: &str, network: Network, url: &str) -> String {
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
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_tried_names_the_node_where_it_is_not_the_usual_one() {
        let usual = tries("blocktree", Network::Dev, DEFAULT_URL);
        assert!(usual.contains("blocktree balance\n"), "{usual}");
        let other = tries("blocktree", Network::Dev, "ws://127.0.0.1:1");
        assert!(other.contains("blocktree balance --rpc ws://127.0.0.1:1\n"), "{other}");
        assert!(!tries("blocktree", Network::Main, DEFAULT_URL).contains("dblk1"));
    }
}
