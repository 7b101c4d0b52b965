//! `peers`: with whom a node is connected, and whom it is to stay connected with.

use super::Answer;
use super::link::{Link, LinkArgs, field};
use crate::folders;
use crate::output::table;
use crate::usage::UsageError;
use anyhow::{Context, Result, bail};
use blocktree_rpc::AdminToken;
use blocktree_rpc::client::DEFAULT_URL;
use blocktree_rpc::types::system::{DirectionName, PeerInfo};
use clap::{Args, Subcommand};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Which node, if nothing else says so.
const URL_VARIABLE: &str = "BLOCKTREE_RPC";

const EXAMPLES: &str = "\
Examples:
  blocktree peers
  blocktree run --data-dir ./node2 --rpc-addr 127.0.0.1:9945 --p2p-addr /ip4/127.0.0.1/tcp/0 \
      --bootnode $(blocktree peers address)
      A second node on this machine, with the first for a beginning.
  blocktree peers add /ip4/192.0.2.1/tcp/30333/p2p/16Uiu2…
  blocktree peers remove 16Uiu2… --data-dir /tmp/second";

/// Show where other nodes reach a node, and with whom it is connected; add and remove peers
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct PeersArgs {
    #[command(subcommand)]
    command: Option<PeersCommand>,
    /// The node to talk to [env: BLOCKTREE_RPC] [default: the one that runs on --data-dir, or
    /// ws://127.0.0.1:9944]
    #[arg(long = "rpc", value_name = "URL", global = true)]
    url: Option<String>,
    /// The node's data folder, which has its rpc-token [default: that of the node's chain in
    /// ~/.local/share/blocktree]
    #[arg(long, value_name = "DIR", global = true)]
    data_dir: Option<PathBuf>,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum PeersCommand {
    /// Print where other nodes reach the node, as --bootnode wants it
    Address,
    /// Have the node connect with a peer and stay connected as long as it runs
    Add {
        /// Where it is and who it is: what the other node prints under "peers"
        #[arg(value_name = "MULTIADDR")]
        address: String,
    },
    /// Have the node end the connection with a peer, and no longer want it
    Remove {
        /// Its name, as `blocktree peers` shows it
        #[arg(value_name = "PEERID")]
        peer_id: String,
    },
}

impl PeersArgs {
    /// Whether JSON is wanted.
    pub(crate) const fn json(&self) -> bool {
        self.json
    }

    /// Asks.
    ///
    /// # Errors
    /// When the node does not answer or refuses, or its token can't be read.
    pub(crate) async fn run(self) -> Result<Answer> {
        let url = self.url()?;
        let link = LinkArgs::to(url.clone(), self.json).connect().await?;
        let (method, mut params, done) = match self.command {
            None => return list(&link).await,
            Some(PeersCommand::Address) => return own_address(&link).await,
            Some(PeersCommand::Add { address }) => {
                let done = format!("wanted  {address}\n`blocktree peers` shows when it is there");
                ("admin_addPeer", json!({ "address": address }), done)
            }
            Some(PeersCommand::Remove { peer_id }) => {
                let done = format!("removed  {peer_id}");
                ("admin_removePeer", json!({ "peerId": peer_id }), done)
            }
        };
        let folder = match self.data_dir {
            Some(folder) => folder,
            None => folder_of(&link, &url).await?,
        };
        let token = AdminToken::load_from(&folder)?;
        if let Some(params) = params.as_object_mut() {
            params.insert("token".to_owned(), json!(token.to_hex().as_str()));
        }
        link.ask(method, params).await?;
        Ok(Answer::new(done, json!(true)))
    }

    fn url(&self) -> Result<String> {
        match (&self.url, &self.data_dir) {
            (Some(url), _) => Ok(url.clone()),
            (None, Some(folder)) => folders::read_rpc_url(folder),
            (None, None) => {
                Ok(std::env::var(URL_VARIABLE).unwrap_or_else(|_| DEFAULT_URL.to_owned()))
            }
        }
    }
}

/// The usual folder of the node's chain, if it is this node that runs on it: its token is not shown
/// to another.
async fn folder_of(link: &Link, url: &str) -> Result<PathBuf> {
    let chain = link.ask("system_chain", json!([])).await?;
    let name: String = field(&chain, "/name")?;
    if !is_plain(&name) {
        bail!("the node's chain is called {name:?}, which names no folder: give --data-dir DIR");
    }
    let folder = folders::chain_data(&name)?;
    check_url(&folder, url)?;
    Ok(folder)
}

/// Refuses a folder on which another node runs.
fn check_url(folder: &Path, url: &str) -> Result<()> {
    let place = |url: &str| url.split_once("://").map(|(_, place)| place.to_owned());
    let noted = folders::read_rpc_url(folder).with_context(|| {
        format!("the token of the node at {url}: name its data folder with --data-dir DIR")
    })?;
    if place(&noted) == place(url) {
        return Ok(());
    }
    let why = format!(
        "the node at {url} is not the one that runs on {}, which answers at {noted}: name its \
         data folder with --data-dir DIR",
        folder.display()
    );
    Err(UsageError::new(why).into())
}

/// Whether the name of a chain names a folder, too: a stranger's node may call its chain `../..`.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

async fn list(link: &Link) -> Result<Answer> {
    let peers = link.ask("system_peers", json!([])).await?;
    let own = link.ask("system_localPeerId", json!([])).await?;
    let addresses = link.ask("system_localListenAddresses", json!([])).await?;
    let rows: Vec<PeerInfo> = field(&peers, "")?;
    let text = in_words(field(&own, "")?, &field::<Vec<String>>(&addresses, "")?, &rows);
    let json = json!({ "localPeerId": own, "listenAddresses": addresses, "peers": peers });
    Ok(Answer::new(text, json))
}

async fn own_address(link: &Link) -> Result<Answer> {
    let addresses = link.ask("system_localListenAddresses", json!([])).await?;
    match field::<Vec<String>>(&addresses, "")?.into_iter().next() {
        Some(first) => Ok(Answer::new(first, addresses)),
        None => bail!("the node listens nowhere (its --p2p-addr says where it should)"),
    }
}

fn in_words(own: Option<String>, addresses: &[String], peers: &[PeerInfo]) -> String {
    let Some(own) = own else {
        return "the node runs without a network (--p2p-addr off)".to_owned();
    };
    let mut head = vec![("node", own)];
    head.extend(addresses.iter().map(|address| ("address", address.clone())));
    head.push(("peers", peers.len().to_string()));
    let mut text = table(&head);
    if peers.is_empty() {
        return text;
    }
    let mut rows =
        vec![["PEER", "DIRECTION", "FOR", "HEIGHT", "SCORE", "ADDRESS"].map(str::to_owned)];
    rows.extend(peers.iter().map(row));
    for row in &rows {
        text.push('\n');
        for (column, cell) in row.iter().enumerate() {
            let width = rows.iter().filter_map(|row| row.get(column)).map(String::len).max();
            let is_last = column + 1 == row.len();
            let width = if is_last { 0 } else { width.unwrap_or(0).saturating_add(2) };
            text.push_str(&format!("{cell:width$}"));
        }
    }
    text
}

fn row(peer: &PeerInfo) -> [String; 6] {
    let direction = match peer.direction {
        DirectionName::Inbound => "inbound",
        DirectionName::Outbound => "outbound",
    };
    let reserved = if peer.reserved { ", reserved" } else { "" };
    [
        peer.peer_id.clone(),
        format!("{direction}{reserved}"),
        lasting(peer.connected_seconds),
        peer.height.map_or_else(|| "-".to_owned(), |height| height.to_string()),
        peer.score.to_string(),
        peer.address.clone(),
    ]
}

/// Seconds for people, rounded down: `59s`, `1m`, `23h`, `2d`.
fn lasting(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..86_400 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer() -> PeerInfo {
        PeerInfo {
            peer_id: "16Uiu2A".to_owned(),
            address: "/ip4/192.0.2.1/tcp/30333".to_owned(),
            direction: DirectionName::Outbound,
            connected_seconds: 61,
            reserved: true,
            score: 20,
            height: Some(1_234_567),
            tip: None,
            total_work: None,
        }
    }

    #[test]
    fn peers_stand_below_each_other() {
        let silent = PeerInfo {
            direction: DirectionName::Inbound,
            reserved: false,
            height: None,
            score: 0,
            ..peer()
        };
        let text = in_words(Some("16Uiu2B".into()), &["/ip4/…".into()], &[peer(), silent]);
        let expected = "\
node     16Uiu2B
address  /ip4/…
peers    2
PEER     DIRECTION           FOR  HEIGHT   SCORE  ADDRESS
16Uiu2A  outbound, reserved  1m   1234567  20     /ip4/192.0.2.1/tcp/30333
16Uiu2A  inbound             1m   -        0      /ip4/192.0.2.1/tcp/30333";
        assert_eq!(text, expected);
        assert_eq!(in_words(Some("16Uiu2B".into()), &[], &[]), "node   16Uiu2B\npeers  0");
        assert!(in_words(None, &[], &[]).contains("--p2p-addr off"));
    }

    #[test]
    fn times_are_rounded_down() {
        for (seconds, text) in
            [(0, "0s"), (59, "59s"), (60, "1m"), (3_599, "59m"), (3_600, "1h"), (172_799, "1d")]
        {
            assert_eq!(lasting(seconds), text);
        }
    }

    #[test]
    fn a_token_is_shown_to_its_own_node_only() {
        let folder = tempfile::tempdir().unwrap();
        assert!(check_url(folder.path(), "ws://127.0.0.1:1").is_err(), "no node runs there");
        folders::write_rpc_url(folder.path(), "127.0.0.1:1".parse().unwrap()).unwrap();
        for (url, is_own) in [
            ("ws://127.0.0.1:1", true),
            ("http://127.0.0.1:1", true),
            ("ws://127.0.0.1:2", false),
            ("ws://192.0.2.1:1", false),
        ] {
            assert_eq!(check_url(folder.path(), url).is_ok(), is_own, "{url}");
        }
        for (name, plain) in [("dev", true), ("my-chain_2", true), ("", false), ("../x", false)] {
            assert_eq!(is_plain(name), plain, "{name}");
        }
    }
}
