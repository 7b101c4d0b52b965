//! Asks without end.

use super::{Act, Scene};
use blocktree_network::Request;
use blocktree_primitives::BoundedVec;

pub(super) struct Pesters;

impl Act for Pesters {
    fn idea(&mut self, scene: &mut Scene<'_>) {
        for peer in scene.peers.clone() {
            if scene.dice.once_in(40) {
                for _ in 0..200 {
                    scene.ask(peer, &Request::Headers { locator: BoundedVec::default() });
                }
            }
        }
    }
}
