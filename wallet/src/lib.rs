//! Keys: the encrypted keystore, words, and signing.
