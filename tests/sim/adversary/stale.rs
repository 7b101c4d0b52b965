//! Says again and again that its tip is an old block.

use super::{Act, Scene};
use blocktree_import::ChainReader;
use blocktree_network::{Hello, Request, Response};
use blocktree_primitives::{BoundedVec, Height};

pub(super) struct Stale;

fn stale(scene: &Scene<'_>) -> Hello {
    let chain = ChainReader(&scene.best.ledger);
    let height = Height(scene.best.importer.tip().height.0 / 2);
    let hash = chain.canonical(height).expect("memory").expect("below the tip");
    let record = chain.known_header(&hash).expect("canonical");
    Hello { tip: hash, height, total_work: record.total_work, ..scene.hello() }
}

impl Act for Stale {
    fn opened(&mut self, scene: &mut Scene<'_>, peer: usize) {
        let hello = stale(scene);
        scene.ask(peer, &Request::Hello(hello));
    }

    fn asked(&mut self, scene: &mut Scene<'_>, _: usize, token: u64, request: &Request) {
        let response = match request {
            Request::Hello(_) => Response::Hello(stale(scene)),
            Request::Headers { .. } => Response::Headers(BoundedVec::default()),
            _ => scene.honest(request),
        };
        scene.answer(token, &response);
    }

    fn idea(&mut self, scene: &mut Scene<'_>) {
        if !scene.dice.once_in(10) {
            return;
        }
        let hello = stale(scene);
        for peer in scene.peers.clone() {
            scene.ask(peer, &Request::Hello(hello));
        }
    }
}
