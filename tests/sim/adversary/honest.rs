//! What an honest node would answer: written anew, because liars must not depend on what they attack.

use blocktree_consensus::Candidate;
use blocktree_network::local::Local;
use blocktree_network::message::{BlockBody, MAX_HEADERS};
use blocktree_network::{Hello, Request, Response};
use blocktree_primitives::{BoundedVec, Height};
use blocktree_runtime::Call;

pub(super) fn answer(view: &impl Local, request: &Request) -> Response {
    match request {
        Request::Hello(_) => {
            let tip = view.tip();
            Response::Hello(Hello {
                genesis: view.genesis(),
                tip: tip.hash,
                height: tip.height,
                total_work: tip.total_work,
            })
        }
        Request::Headers { locator } => {
            let height = |hash| {
                let known = view.block(hash).expect("memory")?;
                let height = known.commitment.height;
                (view.canonical(height).expect("memory") == Some(*hash)).then_some(height)
            };
            let from = locator.iter().find_map(height).unwrap_or(Height::GENESIS);
            let hashes = (from.0 + 1..).map_while(|at| view.canonical(Height(at)).expect("memory"));
            let header = |hash| view.block(&hash).expect("memory").expect("canonical").header;
            let headers: Vec<_> = hashes.take(MAX_HEADERS).map(header).collect();
            Response::Headers(BoundedVec::try_from(headers).unwrap_or_default())
        }
        Request::Bodies { hashes } => {
            let body = |hash| {
                let commitment = view.block(hash).expect("memory")?.commitment;
                let events = view.body(hash).expect("memory")?;
                Some(BlockBody { commitment, events: BoundedVec::try_from(events).ok()? })
            };
            let bodies: Vec<_> = hashes.iter().map_while(body).collect();
            Response::Bodies(BoundedVec::try_from(bodies).unwrap_or_default())
        }
        Request::BlockEvents { .. } => Response::Unknown,
        Request::Events { ids } => {
            let event = |id| BoundedVec::try_from(view.waiting_event(id)?).ok();
            let events: Vec<_> = ids.iter().filter_map(event).collect();
            Response::Events(BoundedVec::try_from(events).unwrap_or_default())
        }
        Request::Compact(_) | Request::Have { .. } => Response::Noted,
    }
}

/// What a block holds, as it is sent.
pub(super) fn body(block: &Candidate<Call>) -> BlockBody {
    let events = BoundedVec::try_from(block.body.encoded()).unwrap_or_default();
    BlockBody { commitment: block.commitment, events }
}
