//! The network over libp2p: the only crate that names it.
