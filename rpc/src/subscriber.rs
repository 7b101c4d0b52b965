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

impl<R: Serialize> Subscriber<R> {
    pub(crate) const fn new(
        sink: SubscriptionSink,
        connection: Option<Connection>,
        limits: CallLimits,
    ) -> Self {
        Self { sink, connection, limits, message: PhantomData }
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
        let message = SubscriptionMessage::from(json);
        let sent = self.sink.send_timeout(message, self.limits.unread).await;
        if let (Err(SendTimeoutError::Timeout(_)), Some(connection)) = (&sent, &self.connection) {
            connection.close();
        }
        sent.map_err(|_| Ended::Left)
    }
}
