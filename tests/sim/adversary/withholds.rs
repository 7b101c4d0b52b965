//! Shows good headers of more work than the best chain has, and no bodies.

use super::{Act, Scene, bodies};
use crate::miner::{Flaw, mine};
use blocktree_consensus::Candidate;
use blocktree_import::Worth;
use blocktree_network::{Request, Response};
use blocktree_primitives::{BlockHash, BoundedVec, Principal};
use blocktree_runtime::Call;

#[derive(Default)]
pub(super) struct Withholds {
    branch: Vec<Candidate<Call>>,
}

impl Act for Withholds {
    fn asked(&mut self, scene: &mut Scene<'_>, _: usize, token: u64, request: &Request) {
        let response = match request {
            Request::Headers { .. } => scene.headers_and(request, &self.branch),
            Request::Hello(_) => match self.branch.last() {
                Some(last) => Response::Hello(scene.claim(last.header.hash(), 5)),
                None => scene.honest(request),
            },
            Request::Bodies { hashes } => {
                let own =
                    |hash: &BlockHash| self.branch.iter().any(|block| block.header.hash() == *hash);
                let hashes: Vec<_> = hashes.iter().copied().take_while(|hash| !own(hash)).collect();
                if hashes.is_empty() {
                    // Says that it has none, or says nothing.
                    if scene.dice.once_in(2) {
                        scene.answer(token, &Response::Bodies(BoundedVec::default()));
                    }
                    return;
                }
                bodies(scene, &hashes, &[])
            }
            Request::BlockEvents { .. } => return,
            _ => scene.honest(request),
        };
        scene.answer(token, &response);
    }

    fn idea(&mut self, scene: &mut Scene<'_>) {
        if !scene.dice.once_in(100) {
            return;
        }
        let mut chain = scene.best.fork();
        self.branch.clear();
        for _ in 0..5 {
            let block = mine(&chain, scene.unix, Principal([0x77; 32]), Flaw::None);
            chain.importer.import_as(block.clone(), Worth::Chosen, scene.unix).expect("memory");
            self.branch.push(block);
        }
        let Some(last) = self.branch.last().cloned() else { return };
        let claim = scene.claim(last.header.hash(), 5);
        for peer in scene.peers.clone() {
            scene.ask(peer, &Request::Hello(claim));
            scene.announce(peer, &last);
        }
    }
}
