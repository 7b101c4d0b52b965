//! Tells events that are not signed by their signer, and sends others than were asked for.

use super::{Act, Scene};
use blocktree_network::{Request, Response};
use blocktree_primitives::{BoundedVec, EventId, Principal};
use parity_scale_codec::Encode;
use std::collections::BTreeMap;

#[derive(Default)]
pub(super) struct Events {
    made: BTreeMap<EventId, Vec<u8>>,
}

impl Act for Events {
    fn asked(&mut self, scene: &mut Scene<'_>, _: usize, token: u64, request: &Request) {
        let response = match request {
            Request::Events { ids } => {
                let made: Vec<_> = match scene.dice.once_in(3) {
                    true => self.made.values().take(1).collect(),
                    false => ids.iter().filter_map(|id| self.made.get(id)).collect(),
                };
                let events = made.into_iter().filter_map(|bytes| bytes.clone().try_into().ok());
                let events: Vec<_> = events.collect();
                Response::Events(BoundedVec::try_from(events).unwrap_or_default())
            }
            _ => scene.honest(request),
        };
        scene.answer(token, &response);
    }

    fn idea(&mut self, scene: &mut Scene<'_>) {
        if !scene.dice.once_in(30) {
            return;
        }
        let rules = &scene.best.rules;
        let nonce = scene.best.account(&rules.principal(9)).nonce;
        let fee = scene.dice.between(1_000, 100_000);
        let mut event = rules.transfer(9, nonce, fee, Principal([5; 32]), 200_000);
        event.signature.0[10] ^= 1;
        let id = event.id(&rules.genesis);
        self.made.insert(id, event.encode());
        let ids = BoundedVec::try_from(vec![id]).unwrap_or_default();
        for peer in scene.peers.clone() {
            scene.ask(peer, &Request::Have { ids: ids.clone() });
        }
    }
}
