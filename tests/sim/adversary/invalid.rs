//! Tells blocks that break a rule, each time another one, and serves them.

use super::equivocates::events_at;
use super::{Act, Scene, bodies};
use crate::miner::{FLAWS, Flaw, mine, with_other_body, with_other_commitment};
use blocktree_consensus::Candidate;
use blocktree_network::{Request, Response};
use blocktree_primitives::Principal;
use blocktree_runtime::Call;

#[derive(Default)]
pub(super) struct Invalid {
    block: Option<Candidate<Call>>,
}

impl Act for Invalid {
    fn asked(&mut self, scene: &mut Scene<'_>, _: usize, token: u64, request: &Request) {
        let own = self.block.as_slice();
        let response = match (request, own) {
            (Request::Hello(_), [block]) => Response::Hello(scene.claim(block.header.hash(), 1)),
            (Request::Headers { .. }, own) => scene.headers_and(request, own),
            (Request::Bodies { hashes }, own) => bodies(scene, hashes, own),
            (Request::BlockEvents { indices, .. }, [block]) => events_at(block, indices),
            _ => scene.honest(request),
        };
        scene.answer(token, &response);
    }

    fn idea(&mut self, scene: &mut Scene<'_>) {
        if !scene.dice.once_in(50) {
            return;
        }
        let flaw = scene.dice.pick(&FLAWS).copied().unwrap_or(Flaw::StateRoot);
        let miner = Principal([0x66; 32]);
        let sound = |scene: &Scene<'_>| mine(scene.best, scene.unix, miner, Flaw::None);
        let block = match scene.dice.below(10) {
            0 => with_other_body(scene.best, &sound(scene)),
            1 => with_other_commitment(&sound(scene)),
            _ => mine(scene.best, scene.unix, miner, flaw),
        };
        let hello = scene.claim(block.header.hash(), 1);
        for peer in scene.peers.clone() {
            match scene.dice.once_in(2) {
                true => scene.announce(peer, &block),
                false => scene.ask(peer, &Request::Hello(hello)),
            }
        }
        self.block = Some(block);
    }
}
