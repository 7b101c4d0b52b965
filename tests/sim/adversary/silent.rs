//! Claims much work and answers nothing.

use super::{Act, Scene};
use blocktree_network::Request;
use blocktree_primitives::BlockHash;

pub(super) struct Silent;

impl Act for Silent {
    fn opened(&mut self, scene: &mut Scene<'_>, peer: usize) {
        let claim = scene.claim(BlockHash([0x51; 32]), 1_000);
        scene.ask(peer, &Request::Hello(claim));
    }

    fn asked(&mut self, _: &mut Scene<'_>, _: usize, _: u64, _: &Request) {}

    fn idea(&mut self, scene: &mut Scene<'_>) {
        if scene.dice.once_in(50) {
            let claim = scene.claim(BlockHash([0x52; 32]), 2_000);
            for peer in scene.peers.clone() {
                scene.ask(peer, &Request::Hello(claim));
            }
        }
    }
}
