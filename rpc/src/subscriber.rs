//! The sending end of a subscription. A subscriber that does not read is dropped, and its
//! connection with it, so that it knows: what waits for it is bounded by the connection's buffer.

use crate::caller::Connection;
use crate::error::RpcError;
use crate::registry::CallLimits;
use core::marker::PhantomData;
use jsonrpsee::core::SubscriptionError;
use jsonrpsee::core::server::{SendTimeoutError, SubscriptionCloseResponse, SubscriptionSink};
use jsonrpsee::server::SubscriptionMessage;
use serde::Serialize;
use std::time::{Duration, Instant};
use tokio::sync::MutexGuard;

/// Who gets the messages of a subscription, each an `R`.
pub struct Subscriber<R> {
    sink: SubscriptionSink,
    /// None when the node itself subscribes, without a connection.
    connection: Option<Connection>,
    limits: CallLimits,
    message: PhantomData<fn(R)>,
}

/// Why a subscription ended before the function that serves it did.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Ended {
    /// The subscriber unsubscribed, went away, or did not read.
    #[error("the subscriber is gone")]
    Left,
    /// The node can't go on with it; the subscriber is told why.
    #[error(transparent)]
    Failed(#[from] RpcError),
}

impl Ended {
    /// The last message of a subscription that ended so.
    pub(crate) fn close_message(ended: Result<(), Self>) -> SubscriptionCloseResponse {
        let Err(Self::Failed(error)) = ended else {
            return SubscriptionCloseResponse::None;
        };
        match serde_json::value::to_raw_value(&error.to_object()) {
            Ok(json) => SubscriptionCloseResponse::NotifErr(SubscriptionError::from_json(json)),
            Err(_) => SubscriptionCloseResponse::None,
        }
    }
}

/// Bytes from which on a message is long: it waits until the client has read all before it, so that
/// what waits on a connection is bounded in bytes and not in messages only.
const LONG: usize = 64 << 10;
/// How often that is looked at.
const LOOK: Duration = Duration::from_millis(2);

/// The right to make a message, of which a connection's subscriptions have one together.
pub struct Turn<'s>(#[allow(dead_code)] Option<MutexGuard<'s, ()>>); // held, not read

impl<R: Serialize> Subscriber<R> {
    pub(crate) const fn new(
        sink: SubscriptionSink,
        connection: Option<Connection>,
        limits: CallLimits,
    ) -> Self {
        Self { sink, connection, limits, message: PhantomData }
    }

    /// Waits until no other subscription of the connection makes a message. For messages that may be
    /// long: hold it while one is made and sent, so that not all of them are in memory at once.
    pub async fn turn(&self) -> Turn<'_> {
        match &self.connection {
            Some(connection) => Turn(Some(connection.turn().await)),
            None => Turn(None),
        }
    }

    /// Sends a message, waiting a bounded time for the subscriber to read those before.
    ///
    /// # Errors
    /// [`Ended::Left`] when it is gone or does not read; [`Ended::Failed`] when the message is
    /// larger than messages may be.
    pub async fn send(&self, message: &R) -> Result<(), Ended> {
        let json = serde_json::value::to_raw_value(message)
            .map_err(|error| RpcError::internal(error.to_string()))?;
        if json.get().len() > self.limits.message_len {
            let why = format!("a message has {} bytes", json.get().len());
            return Err(RpcError::internal(why).into());
        }
        let until = Instant::now() + self.limits.unread;
        if json.get().len() > LONG {
            while self.sink.capacity() < self.sink.max_capacity() {
                if self.sink.is_closed() {
                    return Err(Ended::Left);
                }
                if Instant::now() >= until {
                    return Err(self.cut_off());
                }
                tokio::time::sleep(LOOK).await;
            }
        }
        let message = SubscriptionMessage::from(json);
        let left = until.saturating_duration_since(Instant::now());
        match self.sink.send_timeout(message, left).await {
            Ok(()) => Ok(()),
            Err(SendTimeoutError::Timeout(_)) => Err(self.cut_off()),
            Err(SendTimeoutError::Closed(_)) => Err(Ended::Left),
        }
    }

    /// Ends the connection of a subscriber that does not read.
    fn cut_off(&self) -> Ended {
        if let Some(connection) = &self.connection {
            connection.close();
        }
        Ended::Left
    }
}
