//! The pool as it was when the node stopped, brought to the chain's tip.

use blocktree_consensus::{Account, EncodedEvent, Runtime, check_event};
use blocktree_import::{ChainReader, Published, Update, updates_since};
use blocktree_mempool::{Mined, Policy, Pool, Tip};
use blocktree_primitives::{BlockHash, Principal};
use blocktree_state::{Batch, Durability, Fault, Ledger};
use rayon::prelude::*;
use std::sync::Arc;

/// Bytes of a journalled event at most: it was decoded under a stricter bound before.
const MAX_JOURNALLED: usize = 4 << 20;

pub(crate) fn restore<R: Runtime>(
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
        let record = chain.known_header(&block)?;
        let bytes = chain.body(&block)?.unwrap_or_default();
        let body = blocktree_consensus::Body::<R::Call>::decode(&bytes)
            .map_err(|error| Fault::Corrupt(format!("the body of {block}: {error}")))?;
        let checked: Result<Vec<_>, _> = body
            .events()
            .par_iter()
            .map(|event| check_event(runtime, genesis, event.clone()))
            .collect();
        let events = checked.map_err(|e| Fault::Corrupt(format!("an event of {block}: {e}")))?;
        let none: [(Principal, Account); 0] = [];
        match step {
            Update::Apply { height, .. } => {
                let mined: Vec<Mined> = events
                    .iter()
                    .map(|e| Mined { id: e.id(), author: e.author(), nonce: e.event().nonce })
                    .collect();
                pool.on_block_applied(Tip { height, hash: block }, &mined, &none, batch);
            }
            Update::Revert { cursor, height, .. } => {
                let height = height.previous().unwrap_or_default();
                let events = events.into_iter().map(Arc::new).collect();
                let tip = Tip { height, hash: record.header.parent };
                debug_assert_eq!(tip.hash, cursor);
                pool.on_block_reverted(tip, events, &none, batch);
            }
        }
    }
    Ok(())
}
