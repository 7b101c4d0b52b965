//! Tells the ids of events that honest nodes wait to see, and sends them with another signature: the
//! ids are the same, and it must not keep anybody from the true ones.

use super::{Act, Scene};
use blocktree_network::{Request, Response};
use blocktree_primitives::BoundedVec;

pub(super) struct Spoils;

impl Act for Spoils {
    fn asked(&mut self, scene: &mut Scene<'_>, _: usize, token: u64, request: &Request) {
        let mut response = scene.honest(request);
        if let Response::Events(events) = &mut response {
            let spoilt = core::mem::take(events).into_vec().into_iter().map(|event| {
                let mut bytes = event.into_vec();
                if let Some(last) = bytes.last_mut() {
                    *last ^= 1;
                }
                BoundedVec::try_from(bytes).unwrap_or_default()
            });
            *events = BoundedVec::try_from(spoilt.collect::<Vec<_>>()).unwrap_or_default();
        }
        scene.answer(token, &response);
    }

    fn idea(&mut self, scene: &mut Scene<'_>) {
        let ids: Vec<_> = scene.best.pool().best().take(100).map(|event| event.id()).collect();
        if ids.is_empty() || !scene.dice.once_in(5) {
            return;
        }
        let ids = BoundedVec::try_from(ids).unwrap_or_default();
        for peer in scene.peers.clone() {
            scene.ask(peer, &Request::Have { ids: ids.clone() });
        }
    }
}
