//! What a node says when it has started.

use crate::output::tell;
use crate::settings::Settings;
use crate::wire::Node;
use blocktree_primitives::Network;

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
    let mining = match node.mining.status() {
        None => "off".to_owned(),
        Some(status) => {
            let threads = if status.threads == 1 { "thread" } else { "threads" };
            let to = status.coinbase.to_text(spec.network());
            format!("{} {threads}, rewards to {to}", status.threads)
        }
    };
    tell(&format!(
        "\nblocktree {version}: the chain {name}, {about}\n\n  \
         data      {data}\n  \
         tip       height {height}, {hash}\n  \
         JSON-RPC  http://{addr} and ws://{addr}\n  \
         mining    {mining}\n  \
         to stop   Ctrl-C\n",
        version = env!("CARGO_PKG_VERSION"),
        name = spec.name,
        data = node.data_dir.display(),
        height = tip.height,
        hash = tip.hash,
    ));
}
