//! The pool as it was when the node stopped, brought to the chain's tip.

use blocktree_consensus::{EncodedEvent, Runtime, check_event};
use blocktree_import::{ChainReader, Published, Update, updates_since};
use blocktree_mempool::{Mined, Policy, Pool, Tip};
use blocktree_primitives::{BlockHash, Event, Principal};
use blocktree_state::{Batch, Durability, Fault, Ledger};
use rayon::prelude::*;
use std::sync::Arc;

/// Bytes of a journalled event at most: it was decoded under a stricter bound before.
const MAX_JOURNALLED: usize = 4 << 20;

/// Rebuilds the pool from its journal in `ledger` and tells it the blocks that it missed, up to the
/// tip of `now`.
///
/// # Errors
/// A [`Fault`] only.
pub fn restore<R: Runtime>(
    runtime: &R,
    genesis: &BlockHash,
    policy: Policy,
    ledger: &dyn Ledger,
    now: &Published,
) -> Result<Pool<R::Call>, Fault> {
    let mut batch = Batch::new();
    let check = |encoded: Vec<Vec<u8>>| {
        let check_one = |bytes| {
            let event = EncodedEvent::decode(bytes, MAX_JOURNALLED).map_err(|e| e.to_string())?;
            check_event(runtime, genesis, event).map_err(|e| e.to_string())
        };
        encoded.into_par_iter().map(check_one).collect()
    };
    let state = now.state();
    let account = |principal: &Principal| runtime.account(&state, principal);
    let tip = Tip { height: now.tip().height, hash: now.tip().hash };
    let mut pool = Pool::restore(policy, tip, &*now.snapshot, check, account, &mut batch)?;
    if pool.tip() != tip {
        catch_up(runtime, genesis, now, &mut pool, &mut batch)?;
    }
    if !batch.is_empty() {
        ledger.write(batch, Durability::Synced)?;
    }
    Ok(pool)
}

/// Tells the pool the blocks between its last tip and the chain's.
fn catch_up<R: Runtime>(
    runtime: &R,
    genesis: &BlockHash,
    now: &Published,
    pool: &mut Pool<R::Call>,
    batch: &mut Batch,
) -> Result<(), Fault> {
    let chain = ChainReader(&*now.snapshot);
    let steps = updates_since(&*now.snapshot, pool.tip().hash, usize::MAX)
        .map_err(|error| Fault::Corrupt(format!("the pool's tip: {error}")))?;
    for step in steps {
        let (Update::Revert { block, .. } | Update::Apply { block, .. }) = step;
        let bytes = chain.body(&block)?;
        let bytes = bytes.ok_or_else(|| Fault::Corrupt(format!("no body of {block}")))?;
        let body = blocktree_consensus::Body::<R::Call>::decode(&bytes)
            .map_err(|error| Fault::Corrupt(format!("the body of {block}: {error}")))?;
        match step {
            Update::Apply { height, .. } => {
                // The block is on the chain: of its events only the names are needed.
                let mined = |event: &EncodedEvent<R::Call>| Mined {
                    id: Event::<R::Call>::id_of_encoded(event.encoded(), genesis),
                    author: event.event().author(),
                    nonce: event.event().nonce,
                };
                let mined: Vec<Mined> = body.events().iter().map(mined).collect();
                pool.on_block_applied(Tip { height, hash: block }, &mined, &[], batch);
            }
            Update::Revert { cursor, height, .. } => {
                let check = |event: &EncodedEvent<_>| check_event(runtime, genesis, event.clone());
                let checked: Result<Vec<_>, _> = body.events().par_iter().map(check).collect();
                let events =
                    checked.map_err(|e| Fault::Corrupt(format!("an event of {block}: {e}")))?;
                let events = events.into_iter().map(Arc::new).collect();
                let tip = Tip { height: height.previous().unwrap_or_default(), hash: cursor };
                pool.on_block_reverted(tip, events, &[], batch);
            }
        }
    }
    Ok(())
}
