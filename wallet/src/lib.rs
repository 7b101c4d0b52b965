//! Keys: words, derivation, the encrypted keystore and signing (docs/protocol.md §2).
//!
//! What lives here holds secrets. It asks the operating system for entropy and the time and reads and
//! writes the keystore's folder; it knows nothing of chains, calls, RPC or the command line.
//!
//! Secrets are erased when they are dropped and never shown by `Debug` or by an error. That is a best
//! effort: what libraries leave on the stack while they derive or sign, what the operating system swaps
//! out, and what a terminal remembers is beyond it. What a caller prints on purpose is its own matter.
//!
//! Files get Unix permissions, so the crate compiles on Unix only.

#![cfg(unix)]

pub mod derive;
pub mod dev;
pub mod entropy;
pub mod keystore;
pub mod password;
pub mod secret;
pub mod signer;
pub mod words;

pub use derive::{DeriveError, derive};
pub use dev::{
    DEV_COIN_TYPE, DevKeyRefused, DevKeys, dev_words, refuse_dev_key, refuse_dev_principal,
};
pub use entropy::EntropyError;
pub use keystore::{KdfCost, KeyInfo, KeyName, Keystore, KeystoreError, UnlockedKey};
pub use password::{Password, PasswordError};
pub use secret::KeyMaterial;
pub use signer::Signer;
pub use words::{WordCount, Words, WordsError};
