//! How bytes travel: TCP with Noise and Yamux, or QUIC; to names by DNS; or through a relay.

use crate::config::StartError;
use crate::gate::{Doors, Gate};
use core::time::Duration;
use libp2p::core::muxing::StreamMuxerBox;
use libp2p::core::transport::timeout::TransportTimeout;
use libp2p::core::transport::{Boxed, dummy::DummyTransport};
use libp2p::core::upgrade::Version;
use libp2p::identity::Keypair;
use libp2p::{PeerId, Transport, dns, noise, quic, relay, tcp, yamux};
use std::sync::Arc;

/// For a connection to come up, its handshake included.
const CONNECT_TIME: Duration = Duration::from_secs(10);
/// Streams of one connection that are open at once, both sides' together.
const MAX_STREAMS: usize = 256;
/// Streams that a peer may open at once over QUIC.
const MAX_QUIC_STREAMS: u32 = 128;
/// Bytes of a stream that may wait to be read, over QUIC: 1 MiB, enough for 10 MB/s at 100 ms.
const QUIC_STREAM_WINDOW: u32 = 1 << 20;
/// Bytes of a connection that may wait to be read, over QUIC.
const QUIC_WINDOW: u32 = 4 << 20;
/// Without a sign of life the other end of a QUIC connection is gone, in milliseconds.
const QUIC_IDLE: u32 = 20_000;

type Muxed = (PeerId, StreamMuxerBox);

/// The transports, those through relays included.
///
/// # Errors
/// [`StartError::Crypto`] and [`StartError::Names`].
pub(crate) fn transport(
    key: &Keypair,
    relays: relay::client::Transport,
    doors: Arc<Doors>,
) -> Result<Boxed<Muxed>, StartError> {
    let noise = noise::Config::new(key).map_err(|e| StartError::Crypto(e.to_string()))?;
    let mut yamux = yamux::Config::default();
    yamux.set_max_num_streams(MAX_STREAMS);

    let tcp = tcp::tokio::Transport::new(tcp::Config::default().nodelay(true))
        .upgrade(Version::V1Lazy)
        .authenticate(noise.clone())
        .multiplex(yamux.clone())
        .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)));
    let mut config = quic::Config::new(key);
    config.max_concurrent_stream_limit = MAX_QUIC_STREAMS;
    config.max_stream_data = QUIC_STREAM_WINDOW;
    config.max_connection_data = QUIC_WINDOW;
    config.max_idle_timeout = QUIC_IDLE;
    let quic = quic::tokio::Transport::new(config)
        .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)));
    let direct = quic.or_transport(tcp).map(|either, _| either.into_inner()).boxed();
    let named = with_names(direct)?;

    let relayed = relays
        .upgrade(Version::V1Lazy)
        .authenticate(noise)
        .multiplex(yamux)
        .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)));
    let all = relayed.or_transport(named).map(|either, _| either.into_inner()).boxed();
    Ok(TransportTimeout::new(Gate::new(all, doors), CONNECT_TIME).boxed())
}

/// Resolves names as the system does; a system without a resolver still has addresses.
fn with_names(direct: Boxed<Muxed>) -> Result<Boxed<Muxed>, StartError> {
    // Asked first with a transport that is none, because the attempt takes the transport.
    let probe: DummyTransport<Muxed> = DummyTransport::new();
    if let Err(error) = dns::tokio::Transport::system(probe) {
        tracing::warn!(%error, "no DNS resolver: peers are reached by address only");
        return Ok(direct);
    }
    let named = dns::tokio::Transport::system(direct).map_err(StartError::Names)?;
    Ok(named.boxed())
}
