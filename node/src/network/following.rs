//! What the network must hear of the chain and the pool.

use super::Inbox;
use blocktree_import::{Update, updates_since};
use blocktree_network::Input;
use blocktree_runtime::BlocktreeRuntime;
use blocktree_service::Chain;
use tokio::sync::broadcast::error::RecvError;

/// Steps that are counted at most: a reorganisation of more is one of many.
const COUNTED: usize = 64;

/// Tells the network of each new tip. Ends with the chain.
pub(crate) async fn tips(chain: Chain<BlocktreeRuntime>, inbox: Inbox) {
    let mut watch = chain.watch_tip();
    let mut last = watch.borrow_and_update().hash;
    while watch.changed().await.is_ok() {
        let published = chain.published();
        let tip = *published.tip();
        let steps = updates_since(&*published.snapshot, last, COUNTED);
        let is_revert = |update: &&Update| matches!(update, Update::Revert { .. });
        let reverted = steps.map(|steps| steps.iter().filter(is_revert).count()).unwrap_or(0);
        last = tip.hash;
        let reverted = u64::try_from(reverted).unwrap_or(u64::MAX);
        if inbox.send(Input::Tip { tip, reverted }).is_err() {
            return;
        }
    }
}

/// Tells the network of each event that waits in the pool now. Ends with the chain.
pub(crate) async fn events(chain: Chain<BlocktreeRuntime>, inbox: Inbox) {
    let mut accepted = chain.watch_events();
    loop {
        match accepted.recv().await {
            Ok(id) => {
                if inbox.send(Input::Submitted { id }).is_err() {
                    return;
                }
            }
            Err(RecvError::Lagged(missed)) => {
                // Peers hear of them from others, or with the block that holds them.
                tracing::debug!(missed, "events come faster than they are told to peers");
            }
            Err(RecvError::Closed) => return,
        }
    }
}
