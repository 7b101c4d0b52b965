//! Sends bytes that are no messages, or more than a message may have.

use super::{Act, Scene};
use blocktree_network::Request;
use blocktree_network::message::MAX_REQUEST_LEN;
use parity_scale_codec::Encode;

pub(super) struct Garbage;

fn garbage(scene: &mut Scene<'_>) -> Vec<u8> {
    match scene.dice.below(4) {
        0 => vec![0; MAX_REQUEST_LEN + 1],
        1 => Vec::new(),
        2 => {
            // A message that goes on after its end.
            let mut bytes = Request::Hello(scene.hello()).encode();
            bytes.push(0);
            bytes
        }
        _ => {
            let len = usize::try_from(scene.dice.below(200)).unwrap_or(0);
            scene.dice.bytes(len)
        }
    }
}

impl Act for Garbage {
    fn asked(&mut self, scene: &mut Scene<'_>, _: usize, token: u64, request: &Request) {
        // The greeting is right, or nobody would listen.
        if matches!(request, Request::Hello(_)) {
            let response = scene.honest(request);
            return scene.answer(token, &response);
        }
        let bytes = garbage(scene);
        scene.answer_bytes(token, bytes);
    }

    fn idea(&mut self, scene: &mut Scene<'_>) {
        for peer in scene.peers.clone() {
            if scene.dice.once_in(20) {
                let bytes = garbage(scene);
                scene.ask_bytes(peer, bytes);
            }
        }
    }
}
