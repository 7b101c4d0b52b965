//! SHA-256 of several independent messages at once.
