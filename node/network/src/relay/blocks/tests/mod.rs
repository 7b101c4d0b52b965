//! Blocks as peers tell them, step by step, without a machine around.

mod fetching;
mod hearing;
mod telling;

use super::*;
use crate::message::{BlockBody, EventBytes, Response};
use crate::testing::{Call, FakeLocal, at, event, node};
use blocktree_consensus::{Body, Candidate, EncodedEvent};
use blocktree_import::Worth;

/// A relay, the node's own chain and pool, and the effects of the last step.
struct Scene {
    relay: BlockRelay,
    local: FakeLocal,
    out: Out<Call>,
    now: Now,
}

impl Scene {
    /// With these peers, a chain of three blocks and an empty pool, a second after the start.
    fn with(peers: impl IntoIterator<Item = u8>) -> Self {
        let mut local = FakeLocal::new();
        (0..3).for_each(|_| {
            local.grow(Vec::new());
        });
        let mut relay = BlockRelay::default();
        peers.into_iter().for_each(|number| relay.peer_ready(node(number)));
        Self { relay, local, out: Out::default(), now: at(1_000) }
    }

    /// A block on the tip, of events that don't wait here; `branch` tells it from others.
    fn block(&self, branch: u8, events: u64) -> Candidate<Call> {
        let events = (0..events).map(|n| event(u64::from(branch) * 1_000 + n, 8)).collect();
        self.local.mine_on(&self.local.tip().hash, branch, events)
    }

    fn compact(&mut self, from: u8, compact: Compact) -> Heard {
        let out = &mut self.out;
        self.relay.compact(self.now, node(from), compact, &self.local, out).unwrap()
    }

    fn tell(&mut self, from: u8, block: &Candidate<Call>) -> Heard {
        self.compact(from, compact(block))
    }

    fn tick(&mut self) {
        self.relay.tick(self.now, &self.local, &mut self.out).unwrap();
    }

    /// A tick so many milliseconds later.
    fn later(&mut self, milliseconds: u64) {
        self.now.tick.0 += milliseconds;
        self.tick();
    }

    fn answer_missing(&mut self, from: u8, block: &Candidate<Call>, asked: &[u16], given: &[u16]) {
        let events = given.iter().map(|index| &block.body.events()[usize::from(*index)]);
        let events: Vec<EventBytes> =
            events.map(|event| event.encoded().to_vec().try_into().unwrap()).collect();
        let purpose = Purpose::Missing(block.header.hash(), asked.to_vec());
        self.answer(from, &purpose, Response::Events(events.try_into().unwrap()));
    }

    fn answer_whole(&mut self, from: u8, hash: BlockHash, bodies: Vec<BlockBody>) {
        self.answer(from, &Purpose::Whole(hash), Response::Bodies(bodies.try_into().unwrap()));
    }

    fn answer(&mut self, from: u8, purpose: &Purpose, response: Response) {
        self.relay.answered(self.now, node(from), purpose, response, &mut self.out);
    }

    fn failed(&mut self, from: u8, purpose: &Purpose) {
        self.relay.failed(self.now, node(from), purpose, &mut self.out);
    }

    /// What was asked of whom, or told, since the last look.
    fn asked(&mut self) -> Vec<(NodeId, Purpose, Request)> {
        core::mem::take(&mut self.out.asks)
    }

    fn offences(&mut self) -> Vec<(NodeId, Offence)> {
        core::mem::take(&mut self.out.offences)
    }

    /// The blocks that were handed to the importer since the last look.
    fn imports(&mut self) -> Vec<Candidate<Call>> {
        let imports = core::mem::take(&mut self.out.imports).into_iter();
        imports
            .map(|(block, worth)| {
                assert_eq!(worth, Worth::Own);
                *block
            })
            .collect()
    }

    /// Nothing was asked for, handed out or blamed since the last look.
    fn assert_quiet(&mut self) {
        assert_eq!(self.asked(), []);
        assert_eq!(self.offences(), []);
        assert_eq!(self.imports(), []);
    }
}

/// A block as it is told.
fn compact(block: &Candidate<Call>) -> Compact {
    let hash = block.header.hash();
    let ids = short_ids(&hash, &block.body.leaves()).try_into().unwrap();
    Compact { header: block.header, commitment: block.commitment, ids }
}

/// What a block holds, as it is answered.
fn body(block: &Candidate<Call>) -> BlockBody {
    BlockBody { commitment: block.commitment, events: block.body.encoded().try_into().unwrap() }
}

/// The request for these events of a block.
fn missing(from: u8, block: &Candidate<Call>, indices: &[u16]) -> (NodeId, Purpose, Request) {
    let (hash, asked) = (block.header.hash(), indices.to_vec().try_into().unwrap());
    let request = Request::BlockEvents { block: hash, indices: asked };
    (node(from), Purpose::Missing(hash, indices.to_vec()), request)
}

/// The request for a whole block.
fn whole(from: u8, block: &Candidate<Call>) -> (NodeId, Purpose, Request) {
    let hash = block.header.hash();
    let hashes = vec![hash].try_into().unwrap();
    (node(from), Purpose::Whole(hash), Request::Bodies { hashes })
}
