//! Trying an event on the state at the tip before the pool takes it in, so that what can't
//! succeed now is refused at once and by name, not by some template later.

use super::Api;
use super::context::Snapshot;
use crate::error::RpcError;
use blocktree_consensus::{BlockContext, CheckedEvent, Failure, Runtime};
use blocktree_primitives::Height;
use blocktree_runtime::{Call, Refusal};
use blocktree_state::Overlay;
use std::sync::Arc;

/// Waiting events of the signer that are applied first, at most; behind a longer row nothing is
/// tried.
const MOST_BEFORE: usize = 8;

/// Applies an event to the state at the tip, after those of its signer that wait before it, and
/// throws the outcome away. Nothing is said where events before it are missing, are many, or fail
/// themselves.
///
/// # Errors
/// The refusal by its name, or a fault.
pub(super) fn try_event(api: &Api, event: &CheckedEvent<Call>) -> Result<(), RpcError> {
    let at = api.at_tip();
    let runtime = api.chain().runtime();
    let state = at.state();
    let account = runtime.account(&state, &event.author())?;
    let nonce = event.event().nonce;
    let before = match nonce.checked_sub(account.nonce) {
        Some(0) => Vec::new(),
        Some(ahead) => match waiting(api, event, account.nonce, ahead) {
            Some(before) => before,
            None => return Ok(()),
        },
        // The pool says that the nonce was used.
        None => return Ok(()),
    };
    let context = next_block(api, &at);
    let mut overlay = Overlay::new(&state);
    if matches!(event.event().call, Call::Storage(_)) {
        // What the next block draws before its events may be what this one answers.
        runtime.begin_block(&mut overlay, &context, &mut Vec::new())?;
    }
    for earlier in &before {
        if apply(runtime.as_ref(), &mut overlay, &context, earlier)?.is_err() {
            return Ok(());
        }
    }
    Ok(apply(runtime.as_ref(), &mut overlay, &context, event)??)
}

/// The signer's waiting events with the nonces before this event's, if all are there and few.
fn waiting(
    api: &Api,
    event: &CheckedEvent<Call>,
    first: u64,
    count: u64,
) -> Option<Vec<Arc<CheckedEvent<Call>>>> {
    if count > MOST_BEFORE as u64 {
        return None;
    }
    let nonces = first..event.event().nonce;
    let pool = api.chain().pool();
    let before: Vec<_> = pool
        .of_signer(&event.author())
        .filter(|other| nonces.contains(&other.event().nonce))
        .cloned()
        .collect();
    (u64::try_from(before.len()) == Ok(count)).then_some(before)
}

fn next_block(api: &Api, at: &Snapshot) -> BlockContext {
    BlockContext {
        height: at.tip().height.next().unwrap_or(Height(u64::MAX)),
        parent: at.tip().hash,
        parent_median_time: at.context.times.median(),
        genesis: api.chain().genesis(),
    }
}

/// The outer error is a fault, the inner one the ledger's refusal.
fn apply<R: Runtime<Call = Call, Refusal = Refusal>>(
    runtime: &R,
    overlay: &mut Overlay<'_>,
    context: &BlockContext,
    event: &CheckedEvent<Call>,
) -> Result<Result<(), Refusal>, RpcError> {
    let applied =
        runtime.apply_event(overlay, context, &event.id(), event.event(), &mut Vec::new());
    match applied {
        Ok(_) => Ok(Ok(())),
        Err(Failure::Refused(refusal)) => Ok(Err(refusal)),
        Err(Failure::Fault(fault)) => Err(fault.into()),
    }
}
