//! Events from outside, into the pool.

use crate::Chain;
use crate::chain::Stopped;
use crate::command::Command;
use blocktree_consensus::{CheckedEvent, EncodedEvent, EventError, Runtime, Weight, check_event};
use blocktree_mempool::PoolRefusal;
use blocktree_primitives::{Amount, DecodeError, EventId};
use std::sync::Arc;
use tokio::sync::oneshot;

/// An event that waits now and is on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submitted {
    /// Its id.
    pub id: EventId,
    /// The event whose nonce it took over.
    pub replaced: Option<EventId>,
}

/// Why an event was not taken in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// The bytes are no event.
    #[error("not an event: {0}")]
    Malformed(#[from] DecodeError),
    /// It breaks a rule that needs no state.
    #[error("{0}")]
    Invalid(String),
    /// A signature fails.
    #[error("{0}")]
    BadSignature(String),
    /// The pool does not take it.
    #[error(transparent)]
    Pool(#[from] PoolRefusal),
    /// The node is stopping.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

impl<R: Runtime> Chain<R> {
    /// Checks an event on the calling thread and gives it to the pool. The answer comes when the
    /// event is in the pool's journal on disk: a killed node starts again with it.
    ///
    /// # Errors
    /// See [`SubmitError`].
    pub async fn submit(&self, encoded: Vec<u8>) -> Result<Submitted, SubmitError> {
        let event = EncodedEvent::<R::Call>::decode(encoded, self.max_event_len())?;
        let checked = check_event(&**self.runtime(), &self.genesis(), event);
        let event = Arc::new(checked.map_err(|error| match error {
            EventError::Malformed(refusal) => SubmitError::Invalid(refusal.to_string()),
            other => SubmitError::BadSignature(other.to_string()),
        })?);
        self.submit_checked(event).await
    }

    /// [`Chain::submit`] of an event that was checked for this chain already.
    ///
    /// # Errors
    /// [`SubmitError::Pool`] or [`SubmitError::Stopped`].
    pub async fn submit_checked(
        &self,
        event: Arc<CheckedEvent<R::Call>>,
    ) -> Result<Submitted, SubmitError> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Submit { event, reply }).await?;
        answer.await.map_err(|_| Stopped)?
    }

    /// The least fee at which the pool takes in an event of this weight now.
    #[must_use]
    pub fn fee_for(&self, weight: Weight) -> Amount {
        let pool = self.pool();
        let floor = pool.info().floor;
        let fee = floor.fee_for(weight);
        // Of a full pool it is the lowest rate, and that is not enough.
        match floor > pool.policy().relay_floor {
            true => fee.checked_add(Amount::from_units(1)).unwrap_or(Amount::MAX),
            false => fee,
        }
    }
}
