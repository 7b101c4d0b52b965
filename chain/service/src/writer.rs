//! The writer's thread: one command after the other, waiting events many at a time.

use crate::command::Command;
use crate::submit::{SubmitError, Submitted};
use blocktree_consensus::{CheckedEvent, Runtime};
use blocktree_import::Importer;
use blocktree_mempool::Pool;
use blocktree_primitives::{BlockHash, EventId};
use blocktree_state::{Batch, Durability, Fault, Ledger};
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::{broadcast, mpsc, oneshot, watch};

/// Events that share one write to the disk at most.
const GROUP: usize = 1024;

pub(crate) struct Writer<R: Runtime> {
    pub importer: Importer<R>,
    pub pool: Arc<RwLock<Pool<R::Call>>>,
    pub ledger: Arc<dyn Ledger>,
    pub queue: mpsc::Receiver<Command<R::Call>>,
    pub alarm: Alarm,
    /// Told of each event that waits now.
    pub accepted: broadcast::Sender<EventId>,
}

/// Tells the node that its writer can't go on.
pub(crate) struct Alarm(pub watch::Sender<Option<Fault>>);

impl Alarm {
    /// To be called while nobody who waits for an answer was let go yet: whoever then is told
    /// [`Stopped`](crate::Stopped) can see why.
    fn raise(&self, fault: Fault) -> Fault {
        tracing::error!(%fault, "the node can't go on");
        self.0.send_replace(Some(fault.clone()));
        fault
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.raise(Fault::Bug("the writer's thread died".into()));
        }
    }
}

type Answer = oneshot::Sender<Result<Submitted, SubmitError>>;
type Group<C> = Vec<(Arc<CheckedEvent<C>>, Answer)>;

impl<R: Runtime> Writer<R> {
    pub(crate) fn run(&mut self) -> Result<(), Fault> {
        let mut next = None;
        while let Some(command) = next.take().or_else(|| self.queue.blocking_recv()) {
            match command {
                Command::Submit { event, reply } => {
                    let mut group = vec![(event, reply)];
                    next = self.gather(&mut group);
                    self.submit(group)?;
                }
                Command::Import { block, worth, now, checked, reply } => {
                    let imported = self.importer.import_ahead(*block, worth, now, checked);
                    let imported = imported.map_err(|fault| self.alarm.raise(fault))?;
                    // Whoever asked may be gone.
                    let _ = reply.send(imported);
                }
                Command::Refused { tip, events } => {
                    let noted = self.refused(&tip, &events);
                    noted.map_err(|fault| self.alarm.raise(fault))?;
                }
                Command::Revert { count, reply } => {
                    let reverted = self.importer.revert(count);
                    let reverted = reverted.map_err(|fault| self.alarm.raise(fault))?;
                    let _ = reply.send(reverted);
                }
                Command::Stop => break,
            }
        }
        self.importer.close().map_err(|fault| self.alarm.raise(fault))
    }

    /// Takes more events from the queue, as long as nothing else comes. Returns what came.
    fn gather(&mut self, group: &mut Group<R::Call>) -> Option<Command<R::Call>> {
        while group.len() < GROUP {
            match self.queue.try_recv() {
                Ok(Command::Submit { event, reply }) => group.push((event, reply)),
                Ok(other) => return Some(other),
                Err(_) => return None,
            }
        }
        None
    }

    /// Takes events into the pool, writes its journal, and only then answers.
    fn submit(&mut self, group: Group<R::Call>) -> Result<(), Fault> {
        let (events, replies): (Vec<_>, Vec<_>) = group.into_iter().unzip();
        let answers = self.insert(events).map_err(|fault| self.alarm.raise(fault))?;
        for (reply, answer) in replies.into_iter().zip(answers) {
            if let Ok(submitted) = &answer {
                // Nobody may listen.
                let _ = self.accepted.send(submitted.id);
            }
            // Whoever asked may be gone.
            let _ = reply.send(answer);
        }
        Ok(())
    }

    fn insert(
        &self,
        events: Vec<Arc<CheckedEvent<R::Call>>>,
    ) -> Result<Vec<Result<Submitted, SubmitError>>, Fault> {
        let published = self.importer.shared().published();
        let (state, tip) = (published.state(), published.tip().hash);
        let runtime = self.importer.runtime();
        let mut batch = Batch::new();
        let mut answers = Vec::with_capacity(events.len());
        {
            let mut pool = self.pool.write().unwrap_or_else(PoisonError::into_inner);
            for event in events {
                let (id, account) = (event.id(), runtime.account(&state, &event.author())?);
                answers.push(match pool.insert(event, account, &tip, &mut batch) {
                    Ok(inserted) => Ok(Submitted { id, replaced: inserted.replaced }),
                    Err(refusal) => Err(refusal.into()),
                });
            }
        }
        if !batch.is_empty() {
            self.ledger.write(batch, Durability::Synced)?;
        }
        Ok(answers)
    }

    fn refused(&mut self, tip: &BlockHash, events: &[(EventId, String)]) -> Result<(), Fault> {
        let mut batch = Batch::new();
        {
            let mut pool = self.pool.write().unwrap_or_else(PoisonError::into_inner);
            for (id, reason) in events {
                pool.refused(id, tip, reason, &mut batch);
            }
        }
        if batch.is_empty() {
            return Ok(());
        }
        self.ledger.write(batch, Durability::Process)
    }
}
