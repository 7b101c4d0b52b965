//! The streams of one connection.

use super::limits::{MAX_INBOUND_STREAMS, MAX_LARGE_ANSWERS_OF_ONE, Shared, max_answer_len};
use super::stream::{self, Broken};
use blocktree_network::message::MAX_RESPONSE_LEN;
use blocktree_network::{Failure, Offence, Request, RequestId, Response};
use core::task::{Context, Poll};
use libp2p::core::upgrade::ReadyUpgrade;
use libp2p::futures::future::BoxFuture;
use libp2p::futures::stream::{FuturesUnordered, StreamExt};
use libp2p::swarm::handler::{
    ConnectionEvent, DialUpgradeError, FullyNegotiatedInbound, FullyNegotiatedOutbound,
};
use libp2p::swarm::{
    ConnectionHandler, ConnectionHandlerEvent, Stream, StreamProtocol, StreamUpgradeError,
    SubstreamProtocol,
};
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::timeout;

/// To a connection: ask this.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) id: RequestId,
    pub(crate) request: Request,
}

/// From a connection.
#[derive(Debug)]
pub(crate) enum Told {
    /// The peer asks.
    Asked(Request, oneshot::Sender<Response>),
    /// The peer answers, or does not.
    Answered(RequestId, Result<Response, Failure>),
    /// The peer broke the protocol.
    Broke(Offence),
}

/// What a stream that the peer opened came to.
enum Inbound {
    /// A request, with what it holds of the bounds.
    Request(Box<(Request, Stream, Permits)>),
    /// Nothing more comes of it.
    Done(Result<(), Broken>),
}

/// What a request that is told holds until its answer is written.
type Permits = Vec<OwnedSemaphorePermit>;

/// The streams of one connection. All inbound work is bounded by [`MAX_INBOUND_STREAMS`], outbound work
/// by what the driver asks.
pub(crate) struct Handler {
    protocol: StreamProtocol,
    /// Whether the peer is a node: the others get no answers, and the connection ends when idle.
    is_node: bool,
    shared: Arc<Shared>,
    large: Arc<Semaphore>,
    asks: VecDeque<Ask>,
    inbound: FuturesUnordered<BoxFuture<'static, Inbound>>,
    outbound: FuturesUnordered<BoxFuture<'static, (RequestId, Result<Response, Broken>)>>,
    told: VecDeque<Told>,
    /// Whether an excess of streams was told since there was last room.
    is_excess_told: bool,
}

impl Handler {
    pub(crate) fn new(protocol: StreamProtocol, is_node: bool, shared: Arc<Shared>) -> Self {
        Self {
            protocol,
            is_node,
            shared,
            large: Arc::new(Semaphore::new(MAX_LARGE_ANSWERS_OF_ONE)),
            asks: VecDeque::new(),
            inbound: FuturesUnordered::new(),
            outbound: FuturesUnordered::new(),
            told: VecDeque::new(),
            is_excess_told: false,
        }
    }

    fn on_inbound(&mut self, stream: Stream) {
        if !self.is_node {
            return; // dropping it resets it
        }
        if self.inbound.len() >= MAX_INBOUND_STREAMS {
            if !self.is_excess_told {
                self.is_excess_told = true;
                self.told.push_back(Told::Broke(Offence::TooMany));
            }
            return;
        }
        self.is_excess_told = false;
        let read = read(stream, Arc::clone(&self.shared), Arc::clone(&self.large));
        self.inbound.push(Box::pin(read));
    }

    fn on_outbound(&mut self, mut stream: Stream, ask: Ask) {
        let shared = Arc::clone(&self.shared);
        self.outbound.push(Box::pin(async move {
            let mut lease = shared.answers.lease();
            let answer = stream::ask(&mut stream, ask.request, &mut lease, shared.times.ask).await;
            (ask.id, answer)
        }));
    }

    fn on_no_stream<E>(&mut self, id: RequestId, error: &StreamUpgradeError<E>) {
        let failure = match error {
            StreamUpgradeError::NegotiationFailed => Failure::Unsupported,
            StreamUpgradeError::Timeout => Failure::Timeout,
            StreamUpgradeError::Apply(_) | StreamUpgradeError::Io(_) => Failure::Gone,
        };
        self.told.push_back(Told::Answered(id, Err(failure)));
    }

    fn on_answer(&mut self, id: RequestId, answer: Result<Response, Broken>) {
        let answer = answer.map_err(|broken| {
            let failure = broken.failure();
            if let Broken::Offence(offence) = broken {
                self.told.push_back(Told::Broke(offence));
            }
            failure
        });
        self.told.push_back(Told::Answered(id, answer));
    }
}

/// Reads a request, and waits until it may be told.
async fn read(mut stream: Stream, shared: Arc<Shared>, own: Arc<Semaphore>) -> Inbound {
    let mut lease = shared.requests.lease();
    let read = stream::read_request(&mut stream, &mut lease, shared.times.request);
    let request = match read.await {
        Ok(request) => request,
        Err(broken) => return Inbound::Done(Err(broken)),
    };
    let mut permits = Vec::new();
    if max_answer_len(&request) == MAX_RESPONSE_LEN {
        // First its own, so that one peer does not hold up the others' queue.
        for slots in [own, Arc::clone(&shared.large)] {
            let Ok(Ok(permit)) = timeout(shared.times.answer, slots.acquire_owned()).await else {
                return Inbound::Done(Err(Broken::Full));
            };
            permits.push(permit);
        }
    }
    Inbound::Request(Box::new((request, stream, permits)))
}

/// Waits for the driver's answer, and writes it.
async fn answer(
    mut stream: Stream,
    shared: Arc<Shared>,
    response: oneshot::Receiver<Response>,
    permits: Permits,
) -> Inbound {
    let times = shared.times;
    let written = match timeout(times.answer, response).await {
        Ok(Ok(response)) => {
            stream::write_answer(&mut stream, response, times.stall, times.write).await
        }
        Ok(Err(_)) | Err(_) => Err(Broken::Late), // there is none; dropping the stream says so
    };
    drop(permits);
    Inbound::Done(written)
}

impl ConnectionHandler for Handler {
    type FromBehaviour = Ask;
    type ToBehaviour = Told;
    type InboundProtocol = ReadyUpgrade<StreamProtocol>;
    type OutboundProtocol = ReadyUpgrade<StreamProtocol>;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = Ask;

    fn listen_protocol(&self) -> SubstreamProtocol<Self::InboundProtocol> {
        SubstreamProtocol::new(ReadyUpgrade::new(self.protocol.clone()), ())
    }

    /// The network decides which nodes stay connected.
    fn connection_keep_alive(&self) -> bool {
        self.is_node
    }

    fn on_behaviour_event(&mut self, ask: Ask) {
        self.asks.push_back(ask);
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<ConnectionHandlerEvent<Self::OutboundProtocol, Ask, Told>> {
        loop {
            if let Some(told) = self.told.pop_front() {
                return Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(told));
            }
            if let Some(ask) = self.asks.pop_front() {
                let upgrade = ReadyUpgrade::new(self.protocol.clone());
                return Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest {
                    protocol: SubstreamProtocol::new(upgrade, ask),
                });
            }
            match self.inbound.poll_next_unpin(cx) {
                Poll::Ready(Some(Inbound::Request(read))) => {
                    let (request, stream, permits) = *read;
                    let (reply, response) = oneshot::channel();
                    let write = answer(stream, Arc::clone(&self.shared), response, permits);
                    self.inbound.push(Box::pin(write));
                    self.told.push_back(Told::Asked(request, reply));
                    continue;
                }
                Poll::Ready(Some(Inbound::Done(done))) => {
                    if let Err(Broken::Offence(offence)) = done {
                        self.told.push_back(Told::Broke(offence));
                    }
                    continue;
                }
                Poll::Ready(None) | Poll::Pending => {}
            }
            match self.outbound.poll_next_unpin(cx) {
                Poll::Ready(Some((id, answer))) => self.on_answer(id, answer),
                Poll::Ready(None) | Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn on_connection_event(
        &mut self,
        event: ConnectionEvent<'_, Self::InboundProtocol, Self::OutboundProtocol, (), Ask>,
    ) {
        match event {
            ConnectionEvent::FullyNegotiatedInbound(FullyNegotiatedInbound {
                protocol, ..
            }) => self.on_inbound(protocol),
            ConnectionEvent::FullyNegotiatedOutbound(FullyNegotiatedOutbound {
                protocol,
                info,
            }) => self.on_outbound(protocol, info),
            ConnectionEvent::DialUpgradeError(DialUpgradeError { info, error }) => {
                self.on_no_stream(info.id, &error);
            }
            _ => {}
        }
    }
}
