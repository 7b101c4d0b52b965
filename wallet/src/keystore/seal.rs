//! Password to key (Argon2id) and record to ciphertext (XChaCha20-Poly1305). Why these:
//! docs/decisions/004-keystore.md.

use super::record::RECORD_LEN;
use crate::password::Password;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use chacha20poly1305::aead::inout::InOutBuf;
use chacha20poly1305::{AeadInOut, KeyInit, Tag, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

/// Bytes of the salt.
pub(super) const SALT_LEN: usize = 16;
/// Bytes of the nonce.
pub(super) const NONCE_LEN: usize = 24;
/// Bytes of the authentication tag.
const TAG_LEN: usize = 16;
/// Bytes of a sealed record.
pub(super) const SEALED_LEN: usize = RECORD_LEN + TAG_LEN;

/// The most memory that a file may ask for, in KiB.
const MAX_MEMORY_KIB: u32 = 1024 * 1024;
/// The most passes over the memory that a file may ask for.
const MAX_PASSES: u32 = 16;
/// The most lanes that a file may ask for.
const MAX_LANES: u32 = 16;

/// What one try of a password costs: Argon2id's parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KdfCost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

/// Parameters that Argon2id does not have, or more than a file may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "Argon2id takes 8 KiB of memory per lane or more; here at most {MAX_MEMORY_KIB} KiB, 1 to {MAX_PASSES} passes and 1 to {MAX_LANES} lanes"
)]
pub struct BadKdfCost;

impl KdfCost {
    /// What a keystore uses unless told otherwise: 192 MiB, three passes, one lane; about half a second
    /// (docs/decisions/004-keystore.md has the measurement). More than RFC 9106 §4 asks of machines with
    /// little memory: 64 MiB, three passes.
    pub const STRONG: Self = Self { memory_kib: 192 * 1024, passes: 3, lanes: 1 };

    /// A cost of its own, for tests and for machines with little memory.
    ///
    /// # Errors
    /// When Argon2id has no such parameters, or the cost is beyond what a file may ask for.
    pub const fn new(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, BadKdfCost> {
        let cost = Self { memory_kib, passes, lanes };
        if cost.is_allowed() { Ok(cost) } else { Err(BadKdfCost) }
    }

    /// From a file, unchecked: see [`Self::is_allowed`].
    pub(super) const fn from_file(memory_kib: u32, passes: u32, lanes: u32) -> Self {
        Self { memory_kib, passes, lanes }
    }

    /// Whether Argon2id has these parameters and they are within the bounds.
    pub(super) const fn is_allowed(&self) -> bool {
        self.passes >= 1
            && self.passes <= MAX_PASSES
            && self.lanes >= 1
            && self.lanes <= MAX_LANES
            && self.memory_kib >= 8 * self.lanes
            && self.memory_kib <= MAX_MEMORY_KIB
    }

    /// Memory in KiB.
    #[must_use]
    pub const fn memory_kib(&self) -> u32 {
        self.memory_kib
    }

    /// Passes over the memory.
    #[must_use]
    pub const fn passes(&self) -> u32 {
        self.passes
    }

    /// Lanes; they are computed one after the other.
    #[must_use]
    pub const fn lanes(&self) -> u32 {
        self.lanes
    }
}

/// The memory for Argon2id could not be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OutOfMemory;

/// Argon2id, version 1.3, of password and salt, 32 bytes. The cost must be allowed.
pub(super) fn stretch(
    password: &Password,
    salt: &[u8; SALT_LEN],
    cost: KdfCost,
) -> Result<Zeroizing<[u8; 32]>, OutOfMemory> {
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(32))
        .expect("an allowed cost is within Argon2's own bounds");
    // Memory of our own: the library's would not be erased.
    let mut memory = Zeroizing::new(Vec::<Block>::new());
    memory.try_reserve_exact(params.block_count()).map_err(|_| OutOfMemory)?;
    memory.resize(params.block_count(), Block::new());
    let mut key = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(
            password.as_bytes(),
            salt,
            key.as_mut_slice(),
            memory.as_mut_slice(),
        )
        .expect("lengths of password, salt, key and memory are within Argon2's bounds");
    Ok(key)
}

/// The record, encrypted, and the tag over it and `header`.
pub(super) fn seal(
    key: &[u8; 32],
    nonce: &[u8; NONCE_LEN],
    header: &[u8],
    record: &[u8; RECORD_LEN],
) -> [u8; SEALED_LEN] {
    let mut buffer = Zeroizing::new(*record);
    let tag = XChaCha20Poly1305::new(key.into())
        .encrypt_inout_detached(
            &XNonce::from(*nonce),
            header,
            InOutBuf::from(buffer.as_mut_slice()),
        )
        .expect("the record is far below the cipher's limit of 256 GiB");
    let mut sealed = [0; SEALED_LEN];
    let (text, end) = sealed.split_at_mut(RECORD_LEN);
    text.copy_from_slice(buffer.as_slice());
    end.copy_from_slice(&tag);
    sealed
}

/// The record, if the key is right and neither it nor `header` was changed.
pub(super) fn open(
    key: &[u8; 32],
    nonce: &[u8; NONCE_LEN],
    header: &[u8],
    sealed: &[u8; SEALED_LEN],
) -> Option<Zeroizing<[u8; RECORD_LEN]>> {
    let (text, tag) = sealed.split_first_chunk::<RECORD_LEN>()?;
    let tag = Tag::try_from(tag).ok()?;
    let mut buffer = Zeroizing::new(*text);
    XChaCha20Poly1305::new(key.into())
        .decrypt_inout_detached(
            &XNonce::from(*nonce),
            header,
            InOutBuf::from(buffer.as_mut_slice()),
            &tag,
        )
        .ok()?;
    Some(buffer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_bounded() {
        for (memory, passes, lanes) in [(8, 1, 1), (128, 1, 16), (1024 * 1024, 16, 1)] {
            assert!(KdfCost::new(memory, passes, lanes).is_ok());
        }
        for (memory, passes, lanes) in [
            (7, 1, 1),
            (15, 1, 2),
            (8, 0, 1),
            (8, 1, 0),
            (1024 * 1024 + 1, 1, 1),
            (8, 17, 1),
            (u32::MAX, 1, 17),
            (u32::MAX, u32::MAX, u32::MAX),
        ] {
            assert_eq!(KdfCost::new(memory, passes, lanes), Err(BadKdfCost));
        }
        assert!(KdfCost::STRONG.is_allowed());
    }

    /// The strong cost is never below RFC 9106 §4's second recommendation: 64 MiB, three passes.
    #[test]
    fn the_strong_cost_is_strong() {
        assert!(KdfCost::STRONG.memory_kib() >= 64 * 1024);
        assert!(KdfCost::STRONG.passes() >= 3);
    }

    #[test]
    fn only_key_nonce_and_header_of_the_sealing_open() {
        let (key, nonce, record) = ([1; 32], [2; NONCE_LEN], [3; RECORD_LEN]);
        let sealed = seal(&key, &nonce, b"header", &record);
        assert_eq!(open(&key, &nonce, b"header", &sealed).as_deref(), Some(&record));
        assert_eq!(open(&[0; 32], &nonce, b"header", &sealed), None);
        assert_eq!(open(&key, &[0; NONCE_LEN], b"header", &sealed), None);
        assert_eq!(open(&key, &nonce, b"Header", &sealed), None);
        for i in 0..SEALED_LEN {
            let mut changed = sealed;
            changed[i] ^= 1;
            assert_eq!(open(&key, &nonce, b"header", &changed), None, "byte {i}");
        }
    }
}
