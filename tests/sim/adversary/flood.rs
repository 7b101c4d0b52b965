//! Shows headers without end that have nothing behind them, on a branch from genesis, or from the tip.

use super::{Act, Scene};
use crate::miner::empty_headers;
use blocktree_import::ChainReader;
use blocktree_network::message::MAX_HEADERS;
use blocktree_network::{Request, Response};
use blocktree_primitives::{BlockHash, BoundedVec, Header};

#[derive(Default)]
pub(super) struct Flood {
    /// The last headers that were shown to somebody.
    last: Vec<Header>,
}

impl Act for Flood {
    fn opened(&mut self, scene: &mut Scene<'_>, peer: usize) {
        let claim = scene.claim(BlockHash([0xf1; 32]), 100_000);
        scene.ask(peer, &Request::Hello(claim));
    }

    fn asked(&mut self, scene: &mut Scene<'_>, _: usize, token: u64, request: &Request) {
        match request {
            Request::Hello(_) => {
                let claim = scene.claim(BlockHash([0xf1; 32]), 100_000);
                scene.answer(token, &Response::Hello(claim));
            }
            Request::Headers { locator } => {
                let shown = |hash: &BlockHash| self.last.iter().find(|h| h.hash() == *hash);
                let base = match locator.iter().find_map(shown) {
                    Some(header) => *header,
                    None => {
                        let rules = &scene.best.rules;
                        let from = match scene.dice.once_in(2) {
                            true => rules.genesis,
                            false => scene.best.importer.tip().hash,
                        };
                        let chain = ChainReader(&scene.best.ledger);
                        let record = chain.known_header(&from).expect("it is stored");
                        // As cheap as can be, whatever the branch requires.
                        Header { bits: rules.params.limit_bits, ..record.header }
                    }
                };
                let salt = scene.dice.next();
                let mut headers = empty_headers(base, MAX_HEADERS, salt);
                self.last.extend(&headers);
                let surplus = self.last.len().saturating_sub(4 * MAX_HEADERS);
                self.last.drain(..surplus);
                if scene.dice.once_in(20) {
                    headers.truncate(100);
                }
                let headers = BoundedVec::try_from(headers).unwrap_or_default();
                scene.answer(token, &Response::Headers(headers));
            }
            Request::Bodies { .. } => {}
            _ => {
                let response = scene.honest(request);
                scene.answer(token, &response);
            }
        }
    }
}
