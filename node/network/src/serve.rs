//! Answers to what peers ask, from the chain and the pool as they are (docs/protocol.md §12.2).
//!
//! What a request can cost is bounded: 80 look-ups of a locator and two reads for each of 2,000
//! headers; 128 bodies, none of which is read once the answer is full; the decoding of one body; 1,000
//! events of the pool. How often a peer may ask is not the matter of this module.

use crate::local::Local;
use crate::message::{BlockBody, EventBytes, FULL_ANSWER, Hello, MAX_HEADERS, Request, Response};
use blocktree_consensus::Body;
use blocktree_primitives::{BlockHash, BoundedVec, EventId, Height};
use blocktree_state::Fault;
use parity_scale_codec::{Decode, Encode};

/// What this node says of itself.
pub(crate) fn hello(local: &impl Local) -> Hello {
    let tip = local.tip();
    Hello {
        genesis: local.genesis(),
        tip: tip.hash,
        height: tip.height,
        total_work: tip.total_work,
    }
}

/// The answer to a request that asks for something; `None` for those that tell something, whose
/// answer is [`Response::Noted`] whatever becomes of them.
pub(crate) fn serve<C: Encode + Decode>(
    local: &impl Local<Call = C>,
    request: &Request,
) -> Result<Option<Response>, Fault> {
    Ok(Some(match request {
        Request::Hello(_) => Response::Hello(hello(local)),
        Request::Headers { locator } => headers(local, locator)?,
        Request::Bodies { hashes } => bodies(local, hashes)?,
        Request::BlockEvents { block, indices } => block_events(local, block, indices)?,
        Request::Events { ids } => events(local, ids),
        Request::Compact(_) | Request::Have { .. } => return Ok(None),
    }))
}

/// The headers of the best chain after the first hash of the locator that is on it.
fn headers(local: &impl Local, locator: &[BlockHash]) -> Result<Response, Fault> {
    let mut height = Height::GENESIS;
    let mut last = local.genesis();
    for hash in locator {
        if let Some(known) = local.block(hash)?
            && local.canonical(known.commitment.height)? == Some(*hash)
        {
            (height, last) = (known.commitment.height, *hash);
            break;
        }
    }
    let mut headers = BoundedVec::<_, MAX_HEADERS>::new();
    while let Some(next) = height.next()
        && headers.len() < MAX_HEADERS
        && let Some(hash) = local.canonical(next)?
        && let Some(known) = local.block(&hash)?
        // The tip may move between two reads: what is shown joins all the same.
        && known.header.parent == last
        && headers.push(known.header).is_ok()
    {
        (height, last) = (next, hash);
    }
    Ok(Response::Headers(headers))
}

/// What the first of these blocks hold, up to the first that is unknown or invalid, or until the
/// answer is full.
fn bodies(local: &impl Local, hashes: &[BlockHash]) -> Result<Response, Fault> {
    let mut found = BoundedVec::new();
    let mut len = 0_usize;
    for hash in hashes {
        let Some(known) = local.block(hash)?.filter(|known| !known.is_invalid) else { break };
        let Some(events) = local.body(hash)? else { break };
        len = len.saturating_add(events.len());
        let Ok(events) = BoundedVec::try_from(events) else { break };
        let body = BlockBody { commitment: known.commitment, events };
        if found.push(body).is_err() || len >= FULL_ANSWER {
            break;
        }
    }
    Ok(Response::Bodies(found))
}

/// Events of a stored block by their places, until the answer is full. Places that the block does
/// not have, or that are not ascending, are nothing that is here.
fn block_events<C: Encode + Decode>(
    local: &impl Local<Call = C>,
    block: &BlockHash,
    indices: &[u16],
) -> Result<Response, Fault> {
    let Some(body) = decoded_body(local, block)? else { return Ok(Response::Unknown) };
    if !indices.is_sorted_by(|a, b| a < b) {
        return Ok(Response::Unknown);
    }
    let mut answer = Answer::default();
    for index in indices {
        let Some(event) = body.events().get(usize::from(*index)) else {
            return Ok(Response::Unknown);
        };
        if !answer.add(event.encoded().to_vec()) {
            break;
        }
    }
    Ok(Response::Events(answer.events))
}

/// The events of a stored block that is not known to be invalid.
pub(crate) fn decoded_body<C: Encode + Decode>(
    local: &impl Local<Call = C>,
    block: &BlockHash,
) -> Result<Option<Body<C>>, Fault> {
    if local.block(block)?.is_none_or(|known| known.is_invalid) {
        return Ok(None);
    }
    let Some(bytes) = local.body(block)? else { return Ok(None) };
    let body = Body::decode(&bytes);
    body.map(Some).map_err(|error| Fault::Corrupt(format!("the body of block {block}: {error}")))
}

/// Those of these events that wait in the pool, until the answer is full.
fn events(local: &impl Local, ids: &[EventId]) -> Response {
    let mut answer = Answer::default();
    for id in ids {
        if let Some(event) = local.waiting_event(id)
            && !answer.add(event)
        {
            break;
        }
    }
    Response::Events(answer.events)
}

/// Events up to [`FULL_ANSWER`].
#[derive(Default)]
struct Answer {
    events: BoundedVec<EventBytes, { blocktree_primitives::block::MAX_EVENTS }>,
    len: usize,
}

impl Answer {
    /// Adds an event; whether there is room for more.
    fn add(&mut self, event: Vec<u8>) -> bool {
        self.len = self.len.saturating_add(event.len());
        let Ok(event) = BoundedVec::try_from(event) else { return false };
        self.events.push(event).is_ok() && self.len < FULL_ANSWER
    }
}

#[cfg(test)]
mod tests;
