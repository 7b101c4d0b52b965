//! Answers with what was not asked for.

use super::{Act, Scene, honest};
use crate::miner::{empty_headers, stored};
use blocktree_network::{Request, Response};
use blocktree_primitives::BoundedVec;

pub(super) struct Unsolicited;

impl Act for Unsolicited {
    fn asked(&mut self, scene: &mut Scene<'_>, _: usize, token: u64, request: &Request) {
        let tip = scene.best.importer.tip().hash;
        let Some(block) = stored(scene.best, &tip) else { return };
        let response = match request {
            Request::Hello(_) => Response::Hello(scene.claim(tip, 3)),
            // They join with nothing.
            Request::Headers { .. } => {
                let mut from = block.header;
                from.nonce ^= 1;
                let headers = empty_headers(from, 5, scene.dice.next());
                Response::Headers(BoundedVec::try_from(headers).unwrap_or_default())
            }
            Request::Bodies { .. } => {
                let bodies = vec![honest::body(&block); 3];
                Response::Bodies(BoundedVec::try_from(bodies).unwrap_or_default())
            }
            Request::BlockEvents { .. } | Request::Events { .. } => Response::Noted,
            Request::Compact(_) | Request::Have { .. } => {
                Response::Headers(BoundedVec::try_from(vec![block.header]).unwrap_or_default())
            }
        };
        scene.answer(token, &response);
    }
}
