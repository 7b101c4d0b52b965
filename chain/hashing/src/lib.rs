//! SHA-256 of several independent messages at once.
//!
//! One SHA-256 stream leaves most of a modern core idle: each round waits for
//! the one before it. The state map, the fragments' Merkle trees and the miner all hash
//! *many* messages that do not depend on each other, so this crate runs several of
//! them side by side on one core: sixteen in the vectors of AVX-512, up to four SHA-NI
//! streams interleaved, or plain portable code. The choice is made at run time, by
//! [`Engine::detect`]; [`Engine::available`] gives tests and benches each in turn.
//!
//! | Who | What |
//! |---|---|
//! | state map | [`hash_pairs`]: nodes and leaves of docs/protocol.md §5; [`Midstate::tagged`] for its paths |
//! | fragments, proofs | [`merkle`]: RFC 6962 trees |
//! | miner | [`HeaderSearch`]: SHA-256d of the 80-byte header |
//!
//! **What must not live here**: any knowledge of what is hashed beyond its shape,
//! encodings, I/O, threads (callers split their work) and dependencies. This is the
//! only crate of the project that may contain `unsafe`, all of it in `x86/`: entering a
//! kernel whose processor features were detected, and loads and stores by reference.

mod batch;
mod engine;
pub mod merkle;
mod midstate;
mod padding;
mod portable;
mod search;
mod slices;
#[cfg_attr(not(target_arch = "x86_64"), path = "absent.rs")]
mod x86;

pub use engine::{Backend, Engine};
pub use midstate::Midstate;
pub use search::HeaderSearch;

/// A SHA-256 digest, in the byte order of FIPS 180-4.
pub type Digest = [u8; 32];

/// The eight chaining words of FIPS 180-4, `a` to `h`.
pub(crate) type State = [u32; 8];

/// One block of message.
pub(crate) type Block = [u8; 64];

/// SHA-256 of one message.
#[must_use]
pub fn hash(message: &[u8]) -> Digest {
    Engine::detect().hash(message)
}

/// SHA-256 of each of `messages`, all of the same length `N`: at most 310 bytes, which
/// the compiler checks. Longer ones are [`hash_slices`]'.
///
/// # Panics
///
/// If `out` is not as long as `messages`.
pub fn hash_many<const N: usize>(messages: &[[u8; N]], out: &mut [Digest]) {
    Engine::detect().hash_many(messages, out);
}

/// SHA-256 of each of `messages`, of any lengths.
///
/// # Panics
///
/// If `out` is not as long as `messages`.
pub fn hash_slices(messages: &[&[u8]], out: &mut [Digest]) {
    Engine::detect().hash_slices(messages, out);
}

/// `SHA256(prefix || left || right)` of each pair: the nodes of a Merkle tree.
///
/// # Panics
///
/// If `out` is not as long as `pairs`.
pub fn hash_pairs(prefix: u8, pairs: &[[Digest; 2]], out: &mut [Digest]) {
    Engine::detect().hash_pairs(prefix, pairs, out);
}

/// `SHA256(prefix || left || right)` of one pair.
#[must_use]
pub fn hash_pair(prefix: u8, left: &Digest, right: &Digest) -> Digest {
    Engine::detect().hash_pair(prefix, left, right)
}

/// `SHA256(prefix || leaf)` of each leaf of `data`, which is cut every `LEAF` bytes;
/// the last leaf is what remains. No data, no leaves. `LEAF` is 1 to 310, which the
/// compiler checks.
///
/// # Panics
///
/// If `out` is not as long as there are leaves: `data.len().div_ceil(LEAF)`.
pub fn hash_leaves<const LEAF: usize>(prefix: u8, data: &[u8], out: &mut [Digest]) {
    Engine::detect().hash_leaves::<LEAF>(prefix, data, out);
}

/// SHA-256d, the hash of a hash: a header's own (docs/protocol.md §3).
#[must_use]
pub fn hash_twice(message: &[u8]) -> Digest {
    hash(&hash(message))
}
