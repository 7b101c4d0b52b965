//! Tells one half of its peers one block and the other half another of the same height, both sound.

use super::{Act, Scene, bodies};
use crate::miner::{Flaw, mine_with};
use blocktree_consensus::Candidate;
use blocktree_network::message::EventBytes;
use blocktree_network::{Request, Response};
use blocktree_primitives::{BoundedVec, Principal};
use blocktree_runtime::Call;

/// Blocks that are remembered.
const KEPT: usize = 20;

#[derive(Default)]
pub(super) struct Equivocates {
    made: Vec<Candidate<Call>>,
}

/// The events of a block that were asked for by their places.
pub(super) fn events_at(block: &Candidate<Call>, indices: &[u16]) -> Response {
    let event = |index: &u16| -> Option<EventBytes> {
        let event = block.body.events().get(usize::from(*index))?;
        BoundedVec::try_from(event.encoded().to_vec()).ok()
    };
    let events: Vec<_> = indices.iter().filter_map(event).collect();
    Response::Events(BoundedVec::try_from(events).unwrap_or_default())
}

impl Act for Equivocates {
    fn asked(&mut self, scene: &mut Scene<'_>, _: usize, token: u64, request: &Request) {
        let response = match request {
            Request::Bodies { hashes } => bodies(scene, hashes, &self.made),
            Request::BlockEvents { block, indices } => {
                match self.made.iter().find(|made| made.header.hash() == *block) {
                    Some(made) => events_at(made, indices),
                    None => Response::Unknown,
                }
            }
            _ => scene.honest(request),
        };
        scene.answer(token, &response);
    }

    fn idea(&mut self, scene: &mut Scene<'_>) {
        if !scene.dice.once_in(80) {
            return;
        }
        let make = |miner, limit| {
            mine_with(scene.best, scene.unix, Principal([miner; 32]), Flaw::None, limit)
        };
        let two = [make(0x61, usize::MAX), make(0x62, 1)];
        for (turn, peer) in scene.peers.clone().into_iter().enumerate() {
            scene.announce(peer, &two[turn % 2]);
        }
        self.made.extend(two);
        let surplus = self.made.len().saturating_sub(KEPT);
        self.made.drain(..surplus);
    }
}
