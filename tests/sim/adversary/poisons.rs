//! Shows a branch of more work, some blocks back from the tip, of which one in the middle leads to
//! another state than it says: that is found out only when the branch is folded.

use super::{Act, Scene, bodies};
use crate::miner::{Flaw, hollow, mine};
use blocktree_consensus::Candidate;
use blocktree_import::Worth;
use blocktree_network::{Request, Response};
use blocktree_primitives::{BlockHash, BoundedVec, Header, Principal};
use blocktree_runtime::Call;

#[derive(Default)]
pub(super) struct Poisons {
    branch: Vec<Candidate<Call>>,
    /// Headers of the branch from genesis.
    headers: Vec<Header>,
}

impl Act for Poisons {
    fn asked(&mut self, scene: &mut Scene<'_>, _: usize, token: u64, request: &Request) {
        let response = match (request, self.branch.last()) {
            (Request::Hello(_), Some(last)) => Response::Hello(scene.claim(last.header.hash(), 3)),
            (Request::Headers { locator }, Some(_)) => {
                let place = |hash: &BlockHash| self.headers.iter().position(|h| h.hash() == *hash);
                let from = locator.iter().find_map(place).map_or(0, |place| place + 1);
                let headers = self.headers.get(from..).unwrap_or_default().to_vec();
                Response::Headers(BoundedVec::try_from(headers).unwrap_or_default())
            }
            (Request::Bodies { hashes }, Some(_)) => bodies(scene, hashes, &self.branch),
            _ => scene.honest(request),
        };
        scene.answer(token, &response);
    }

    fn idea(&mut self, scene: &mut Scene<'_>) {
        if !scene.dice.once_in(100) {
            return;
        }
        let mut chain = scene.best.fork();
        let back = scene.dice.between(1, 4);
        let back = chain.importer.revert(back).expect("memory");
        self.branch.clear();
        let good = scene.dice.below(back + 1);
        let miner = Principal([0x70; 32]);
        for _ in 0..good {
            let block = mine(&chain, scene.unix, miner, Flaw::None);
            chain.importer.import_as(block.clone(), Worth::Chosen, scene.unix).expect("memory");
            self.branch.push(block);
        }
        let bad = mine(&chain, scene.unix, miner, Flaw::StateRoot);
        let rest = hollow(&chain, &bad, back + 3 - good);
        self.branch.push(bad);
        self.branch.extend(rest);
        self.headers = chain.headers();
        self.headers
            .extend(self.branch.iter().skip(usize::try_from(good).unwrap_or(0)).map(|b| b.header));
        let Some(last) = self.branch.last() else { return };
        let claim = scene.claim(last.header.hash(), 3);
        let last = last.clone();
        for peer in scene.peers.clone() {
            match scene.dice.once_in(2) {
                true => scene.announce(peer, &last),
                false => scene.ask(peer, &Request::Hello(claim)),
            }
        }
    }
}
