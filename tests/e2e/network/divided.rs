//! A network of five nodes that can be divided, by whichever means the system permits.

use super::{address, builder, until};
use blocktree_tests::{Half, Halves, Node, NodeBuilder, Rpc};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How it is divided.
enum Means {
    /// The link between two namespaces goes down.
    Link(Halves),
    /// The second half starts again elsewhere and knows nobody of the first; an operator brings them together.
    Restart,
}

/// Nodes 0 to 2 are the first half, 3 and 4 the second; 0 and 3 mine.
pub(super) struct Divided {
    // The nodes end before the namespaces that they run in.
    nodes: Vec<Node>,
    means: Means,
    folder: PathBuf,
    coinbases: [&'static str; 2],
}

pub(super) const COUNT: usize = 5;
const FIRST_OF_B: usize = 3;

pub(super) const fn half(node: usize) -> Half {
    match node < FIRST_OF_B {
        true => Half::A,
        false => Half::B,
    }
}

fn name(node: usize) -> String {
    format!("node-{node}")
}

impl Divided {
    /// Starts all five, in one network. `BLOCKTREE_NO_NAMESPACES` has it divided by restarts.
    pub(super) fn start(folder: &Path, coinbases: [&'static str; 2]) -> Self {
        let means = match std::env::var("BLOCKTREE_NO_NAMESPACES") {
            Ok(_) => Err("BLOCKTREE_NO_NAMESPACES is set".to_owned()),
            Err(_) => Halves::joined(),
        };
        let means = means.map_or_else(
            |why| {
                println!("divided by restarts without knowledge of the others ({why})");
                Means::Restart
            },
            |halves| {
                println!("divided by network namespaces whose link goes down");
                Means::Link(halves)
            },
        );
        let mut divided = Self { nodes: Vec::new(), means, folder: folder.to_owned(), coinbases };
        for node in 0..COUNT {
            let mut builder = divided.builder(node);
            if node > 0 {
                builder = builder.flag("--bootnode", &address(divided.rpc(0)));
            }
            divided.nodes.push(builder.start());
        }
        divided
    }

    fn builder(&self, node: usize) -> NodeBuilder {
        let builder = builder(&self.folder, &name(node));
        let builder = match node {
            0 => builder.args(&["--mine=1", "--coinbase", self.coinbases[0]]),
            FIRST_OF_B => builder.args(&["--mine=1", "--coinbase", self.coinbases[1]]),
            _ => builder,
        };
        match &self.means {
            Means::Link(halves) => builder.within(halves, half(node)),
            Means::Restart => builder,
        }
    }

    pub(super) fn rpc(&self, node: usize) -> &Rpc {
        &self.nodes[node].rpc
    }

    pub(super) fn node(&self, node: usize) -> &Node {
        &self.nodes[node]
    }

    pub(super) fn all(&self) -> Vec<&Rpc> {
        self.nodes.iter().map(|node| &node.rpc).collect()
    }

    pub(super) fn half(&self, of: Half) -> Vec<&Rpc> {
        (0..COUNT).filter(|node| half(*node) == of).map(|node| self.rpc(node)).collect()
    }

    pub(super) fn logs(&self) -> Vec<PathBuf> {
        (0..COUNT).map(|node| self.folder.join(format!("{}.log", name(node)))).collect()
    }

    /// No half hears of the other any more.
    pub(super) fn part(&mut self) {
        match &self.means {
            Means::Link(halves) => halves.part().unwrap(),
            Means::Restart => {
                for node in self.nodes.drain(FIRST_OF_B..) {
                    assert_eq!(node.stop(), Some(0));
                }
                for node in FIRST_OF_B..COUNT {
                    std::fs::remove_file(self.folder.join(name(node)).join("peers")).unwrap();
                    let mut builder = self.builder(node);
                    if node > FIRST_OF_B {
                        builder = builder.flag("--bootnode", &address(self.rpc(FIRST_OF_B)));
                    }
                    self.nodes.push(builder.start());
                }
            }
        }
    }

    /// They can hear of each other again.
    pub(super) fn heal(&self) {
        match &self.means {
            Means::Link(halves) => halves.heal().unwrap(),
            Means::Restart => {
                let address = address(self.rpc(0));
                self.node(FIRST_OF_B).admin("admin_addPeer", json!({ "address": address }));
            }
        }
    }

    /// Stops all mining.
    pub(super) fn rest(&self) {
        for miner in [0, FIRST_OF_B] {
            self.node(miner).admin("admin_setMining", json!({ "threads": 0 }));
        }
        until("at rest", Duration::from_secs(10), || {
            let mining = |rpc: &&Rpc| rpc.call("system_health", json!([]))["mining"] == true;
            (!self.all().iter().any(mining)).then_some(())
        });
    }
}
