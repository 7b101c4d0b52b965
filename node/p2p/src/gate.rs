//! What may be dialled. Discovery, hole punching and reachability checks dial addresses that strangers
//! told; none of them may make this node knock at doors of its own machine or network. So private
//! addresses pass only when the driver itself asked for them, or when nobody beyond the local network is
//! connected, who could have told them.

use crate::address::is_public_multiaddr;
use core::pin::Pin;
use core::task::{Context, Poll};
use libp2p::Multiaddr;
use libp2p::core::transport::{DialOpts, ListenerId, Transport, TransportError, TransportEvent};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What the gate goes by; shared by those who know and the one who asks.
#[derive(Debug)]
pub(crate) struct Doors {
    is_local_only: AtomicBool,
    is_own_dial: AtomicBool,
}

impl Doors {
    /// At first nobody is connected.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { is_local_only: AtomicBool::new(true), is_own_dial: AtomicBool::new(false) })
    }

    /// Whether nobody beyond the local network is connected.
    pub(crate) fn is_local_only(&self) -> bool {
        self.is_local_only.load(Ordering::Relaxed)
    }

    pub(crate) fn set_local_only(&self, is_local_only: bool) {
        self.is_local_only.store(is_local_only, Ordering::Relaxed);
    }

    /// Runs `dial`, in which the driver's own addresses pass. A swarm hands addresses to the transport
    /// before its `dial` returns.
    pub(crate) fn open_for<R>(&self, dial: impl FnOnce() -> R) -> R {
        self.is_own_dial.store(true, Ordering::Relaxed);
        let done = dial();
        self.is_own_dial.store(false, Ordering::Relaxed);
        done
    }

    fn is_open(&self, address: &Multiaddr) -> bool {
        self.is_own_dial.load(Ordering::Relaxed)
            || self.is_local_only()
            || is_public_multiaddr(address)
    }
}

/// A transport behind the gate.
pub(crate) struct Gate<T> {
    inner: T,
    doors: Arc<Doors>,
}

impl<T> Gate<T> {
    pub(crate) const fn new(inner: T, doors: Arc<Doors>) -> Self {
        Self { inner, doors }
    }
}

impl<T: Transport + Unpin> Transport for Gate<T> {
    type Output = T::Output;
    type Error = T::Error;
    type ListenerUpgrade = T::ListenerUpgrade;
    type Dial = T::Dial;

    fn listen_on(
        &mut self,
        id: ListenerId,
        address: Multiaddr,
    ) -> Result<(), TransportError<Self::Error>> {
        self.inner.listen_on(id, address)
    }

    fn remove_listener(&mut self, id: ListenerId) -> bool {
        self.inner.remove_listener(id)
    }

    fn dial(
        &mut self,
        address: Multiaddr,
        opts: DialOpts,
    ) -> Result<Self::Dial, TransportError<Self::Error>> {
        if !self.doors.is_open(&address) {
            tracing::debug!(%address, "a private address told by others is not dialled");
            return Err(TransportError::MultiaddrNotSupported(address));
        }
        self.inner.dial(address, opts)
    }

    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<TransportEvent<Self::ListenerUpgrade, Self::Error>> {
        Pin::new(&mut self.inner).poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_pass_for_the_driver_and_among_neighbours_only() {
        let doors = Doors::new();
        let private: Multiaddr = "/ip4/192.168.0.1/tcp/22".parse().unwrap();
        let public: Multiaddr = "/ip4/9.9.9.9/tcp/22".parse().unwrap();
        assert!(doors.is_open(&private), "nobody is connected");
        doors.set_local_only(false);
        assert!(!doors.is_open(&private));
        assert!(doors.is_open(&public));
        assert!(doors.open_for(|| doors.is_open(&private)));
        assert!(!doors.is_open(&private));
    }
}
