//! Principals bound to network addresses.
