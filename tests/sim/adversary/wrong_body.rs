//! Sends the true headers of honest blocks with other bodies or commitments: it must not keep anybody
//! from the true ones.

use super::{Act, Scene, compact, honest};
use crate::miner::{stored, with_other_body, with_other_commitment};
use blocktree_network::message::Compact;
use blocktree_network::{Request, Response};
use blocktree_primitives::{BlockHash, BoundedVec};

#[derive(Default)]
pub(super) struct WrongBody {
    last: BlockHash,
}

impl Act for WrongBody {
    fn asked(&mut self, scene: &mut Scene<'_>, _: usize, token: u64, request: &Request) {
        let response = match request {
            Request::Bodies { hashes } => {
                let bodies = hashes.iter().filter_map(|hash| {
                    let block = stored(scene.best, hash)?;
                    Some(honest::body(&with_other_body(scene.best, &block)))
                });
                let bodies: Vec<_> = bodies.collect();
                Response::Bodies(BoundedVec::try_from(bodies).unwrap_or_default())
            }
            Request::BlockEvents { indices, .. } => {
                let event = scene.best.rules.transfer(
                    7,
                    5_000_000,
                    1000,
                    blocktree_primitives::Principal([4; 32]),
                    200_000,
                );
                let bytes = parity_scale_codec::Encode::encode(&event);
                let events: Vec<_> =
                    indices.iter().filter_map(|_| bytes.clone().try_into().ok()).collect();
                Response::Events(BoundedVec::try_from(events).unwrap_or_default())
            }
            _ => scene.honest(request),
        };
        scene.answer(token, &response);
    }

    /// Tells the newest block as soon as somebody has it, wrongly: whoever has not got it yet may hear
    /// of it so for the first time.
    fn idea(&mut self, scene: &mut Scene<'_>) {
        let tip = scene.best.importer.tip().hash;
        let Some(block) = stored(scene.best, &tip) else { return };
        let is_new = core::mem::replace(&mut self.last, tip) != tip;
        if tip == scene.best.rules.genesis || !(is_new || scene.dice.once_in(20)) {
            return;
        }
        let told = match scene.dice.below(3) {
            // The right ids: whoever lacks the events asks for them.
            0 => compact(&block),
            1 => compact(&with_other_commitment(&block)),
            _ => {
                let wrong = compact(&with_other_body(scene.best, &block));
                Compact { header: block.header, commitment: block.commitment, ..wrong }
            }
        };
        for peer in scene.peers.clone() {
            scene.ask(peer, &Request::Compact(told.clone()));
        }
    }
}
