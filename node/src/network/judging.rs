//! Events from peers on their way to the pool: many at a time, on all cores.

use super::Inbox;
use blocktree_consensus::{CheckedEvent, EncodedEvent, check_event};
use blocktree_network::{Input, Judgement, NodeId};
use blocktree_primitives::EventId;
use blocktree_runtime::{BlocktreeRuntime, Call};
use blocktree_service::{Chain, SubmitError};
use rayon::prelude::*;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Events that are checked together at most.
const GROUP: usize = 512;

struct Job {
    id: EventId,
    event: Vec<u8>,
    from: NodeId,
}

/// The way to the pool. What is in it is bounded by the network, which waits for verdicts.
pub(crate) struct Judging {
    jobs: mpsc::UnboundedSender<Job>,
}

type Checked = Result<Arc<CheckedEvent<Call>>, String>;

impl Judging {
    /// Starts the task; it ends when this is dropped.
    pub(crate) fn start(
        chain: Chain<BlocktreeRuntime>,
        inbox: Inbox,
        runtime: &tokio::runtime::Handle,
    ) -> Self {
        let (jobs, mut queue) = mpsc::unbounded_channel::<Job>();
        runtime.spawn(async move {
            let mut group = Vec::new();
            while queue.recv_many(&mut group, GROUP).await > 0 {
                let jobs = std::mem::take(&mut group);
                judge(&chain, jobs, &inbox).await;
            }
        });
        Self { jobs }
    }

    /// Hands an event on.
    pub(crate) fn judge(&self, id: EventId, event: Vec<u8>, from: NodeId) {
        if self.jobs.send(Job { id, event, from }).is_err() {
            tracing::debug!("an event came while the node stops");
        }
    }
}

async fn judge(chain: &Chain<BlocktreeRuntime>, jobs: Vec<Job>, inbox: &Inbox) {
    let (owners, events): (Vec<_>, Vec<_>) =
        jobs.into_iter().map(|job| ((job.id, job.from), job.event)).unzip();
    let checker = chain.clone();
    let checked = tokio::task::spawn_blocking(move || check(&checker, events)).await;
    // Only a panic ends it early, and what it leaves out is dropped.
    let checked: Vec<Checked> = checked.unwrap_or_default();
    let mut answers = Vec::new();
    for checked in checked {
        answers.push(match checked {
            Ok(event) => Ok(chain.submit_checked(event)),
            Err(reason) => Err(reason),
        });
    }
    // All at once, so that they share a write to the disk.
    let judged = futures_util::future::join_all(answers.into_iter().map(|answer| async {
        match answer {
            Ok(submitted) => match submitted.await {
                Ok(_) => Judgement::Accepted,
                Err(SubmitError::Pool(refusal)) => Judgement::Refused(refusal.to_string()),
                Err(SubmitError::Stopped(_)) => Judgement::Dropped,
                Err(other) => Judgement::Invalid(other.to_string()),
            },
            Err(reason) => Judgement::Invalid(reason),
        }
    }))
    .await;
    let judged = judged.into_iter().chain(std::iter::repeat(Judgement::Dropped));
    for ((id, from), judgement) in owners.into_iter().zip(judged) {
        if inbox.send(Input::Judged { id, from, judgement }).is_err() {
            return;
        }
    }
}

fn check(chain: &Chain<BlocktreeRuntime>, events: Vec<Vec<u8>>) -> Vec<Checked> {
    let (genesis, max) = (chain.genesis(), chain.max_event_len());
    let one = |encoded: Vec<u8>| {
        let event =
            EncodedEvent::<Call>::decode(encoded, max).map_err(|error| error.to_string())?;
        let checked = check_event(&**chain.runtime(), &genesis, event);
        checked.map(Arc::new).map_err(|error| error.to_string())
    };
    events.into_par_iter().map(one).collect()
}
