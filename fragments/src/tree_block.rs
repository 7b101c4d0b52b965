//! A tree block: data into header and payload, and back (docs/protocol.md §9.1 to §9.3).

use blocktree_hashing::{Digest, merkle};
use blocktree_primitives::{BlockHash, BlockPath, BoundedVec, Name, SecretKey};
use chacha20poly1305::aead::inout::InOutBuf;
use chacha20poly1305::{AeadInOut, KeyInit, Tag, XChaCha20Poly1305, XNonce};
use parity_scale_codec::Encode;
use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::code::Code;
use crate::header::{Access, Authority, Fields, Header, HeaderError, Kind};
use crate::key::{BlockKey, Readcap, ReadcapError};
use crate::segment::MAX_SEGMENT;
use crate::tree::LEAF_SIZE;

/// Bytes of the authentication tag.
const TAG: usize = 16;

/// SHA-256 of nothing: RFC 6962's root of no leaves.
const EMPTY_ROOT: Digest = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
    0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];

/// The root over a payload.
pub(crate) fn payload_root(payload: &[u8]) -> Digest {
    merkle::root::<LEAF_SIZE>(payload).unwrap_or(EMPTY_ROOT)
}

/// What a block is to be, but for its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Where.
    pub path: BlockPath,
    /// Which of the versions there; above those that are offered.
    pub version: u64,
    /// What the data is.
    pub kind: Kind,
    /// How it is coded.
    pub code: Code,
}

/// Random bytes of one block, drawn by the caller and used once. Erased when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Fresh {
    /// The block key.
    pub block_key: [u8; 32],
    /// XChaCha20's nonce.
    pub nonce: [u8; 24],
    /// The secret of the key pair that wraps the block key.
    pub ephemeral: [u8; 32],
}

impl core::fmt::Debug for Fresh {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Fresh(redacted)")
    }
}

/// Whether a block is encrypted.
#[derive(Clone, Copy, Debug)]
pub enum Secrecy<'a> {
    /// It is not (B39).
    Public,
    /// It is (B5, L15).
    Encrypted {
        /// Randomness for this block alone.
        fresh: &'a Fresh,
        /// The name that the path's last name stands for, if that is hidden
        /// ([`NameKey`](crate::NameKey)).
        real_name: Option<&'a Name>,
    },
}

/// Why data could not be made a tree block.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BuildError {
    /// More data than one block takes.
    #[error("{0} bytes of data, at most {MAX_SEGMENT} in one tree block")]
    TooLong(usize),
    /// The block key could not be wrapped.
    #[error(transparent)]
    Readcap(#[from] ReadcapError),
    /// What came out is no header: the path is not the signer's.
    #[error(transparent)]
    Header(#[from] HeaderError),
}

/// Why a payload could not be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum OpenError {
    /// The block is encrypted, and no key was given.
    #[error("the block is encrypted: its key is needed")]
    NeedsKey,
    /// Another key, or the payload was made with another.
    #[error("the payload does not open with this key")]
    NotAuthentic,
    /// The key is right, and what it opens has no data and name.
    #[error("the payload ends in no name")]
    Malformed,
}

/// What a payload holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The data.
    pub data: Vec<u8>,
    /// The name that the path's last name stands for, if that is hidden.
    pub real_name: Option<Name>,
}

/// A tree block: a header, and the payload that the header's root is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeBlock {
    header: Header,
    payload: Vec<u8>,
}

impl TreeBlock {
    /// Makes the tree block of `data` on the chain that begins with `genesis`. The owner's key
    /// signs it and can read it. Encrypts in place; the block key is in `fresh`.
    ///
    /// # Errors
    ///
    /// See [`BuildError`].
    pub fn build(
        draft: Draft,
        secrecy: Secrecy<'_>,
        data: Vec<u8>,
        genesis: &BlockHash,
        owner: &SecretKey,
    ) -> Result<Self, BuildError> {
        if data.len() as u64 > MAX_SEGMENT {
            return Err(BuildError::TooLong(data.len()));
        }
        let Draft { path, version, kind, code } = draft;
        let signer = owner.public_key();
        let mut payload = data;
        let access = match secrecy {
            Secrecy::Public => Access::Public,
            Secrecy::Encrypted { fresh, real_name } => {
                let key = BlockKey::new(fresh.block_key);
                let readcap = Readcap::wrap(&key, &signer, &path, version, &fresh.ephemeral)?;
                append_name(&mut payload, real_name);
                let tag = cipher(&key)
                    .encrypt_inout_detached(
                        &XNonce::from(fresh.nonce),
                        &associated(&path, version, kind),
                        InOutBuf::from(payload.as_mut_slice()),
                    )
                    .expect("512 MiB and a name are below the cipher's limit of 256 GiB");
                payload.extend_from_slice(&tag);
                let mut readcaps = BoundedVec::new();
                readcaps.push(readcap).expect("the first of eight");
                Access::Encrypted { nonce: fresh.nonce, readcaps }
            }
        };
        let fields = Fields {
            path,
            version,
            kind,
            codec: code.codec(),
            k: code.k(),
            payload_size: payload.len() as u64,
            payload_root: payload_root(&payload),
            access,
            authority: Authority::Root { signer },
        };
        Ok(Self { header: fields.sign(genesis, owner)?, payload })
    }

    /// A header with the payload that was decoded, if it is the header's.
    pub(crate) fn from_parts(header: Header, payload: Vec<u8>) -> Option<Self> {
        (payload.len() == header.layout().payload()
            && payload_root(&payload) == *header.payload_root())
        .then_some(Self { header, payload })
    }

    /// The header.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The payload as it is coded: encrypted, unless the block is public.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The data. Decrypts in place.
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub fn open(self, key: Option<&BlockKey>) -> Result<Opened, OpenError> {
        let Self { header, payload: mut data } = self;
        let Access::Encrypted { nonce, .. } = header.access() else {
            return Ok(Opened { data, real_name: None });
        };
        let key = key.ok_or(OpenError::NeedsKey)?;
        let text = data.len().checked_sub(TAG).ok_or(OpenError::Malformed)?;
        let (body, tag) = data.split_at_mut(text);
        let tag = Tag::try_from(&*tag).map_err(|_| OpenError::Malformed)?;
        cipher(key)
            .decrypt_inout_detached(
                &XNonce::from(*nonce),
                &associated(header.path(), header.version(), header.kind()),
                InOutBuf::from(body),
                &tag,
            )
            .map_err(|_| OpenError::NotAuthentic)?;
        data.truncate(text);
        let real_name = split_name(&mut data)?;
        Ok(Opened { data, real_name })
    }
}

fn cipher(key: &BlockKey) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.expose().into())
}

/// What the tag covers besides the payload.
fn associated(path: &BlockPath, version: u64, kind: Kind) -> Vec<u8> {
    (path, version, kind).encode()
}

/// The real name stands at the end, so that the data need not be moved.
fn append_name(data: &mut Vec<u8>, name: Option<&Name>) {
    let name = name.map_or("", Name::as_str).as_bytes();
    // The name, its length and the tag.
    data.reserve_exact(name.len() + 1 + TAG);
    data.extend_from_slice(name);
    data.push(u8::try_from(name.len()).expect("a name has at most 255 bytes"));
}

fn split_name(data: &mut Vec<u8>) -> Result<Option<Name>, OpenError> {
    let len = usize::from(data.pop().ok_or(OpenError::Malformed)?);
    let start = data.len().checked_sub(len).ok_or(OpenError::Malformed)?;
    let name = data.split_off(start);
    if name.is_empty() {
        return Ok(None);
    }
    let text = core::str::from_utf8(&name).map_err(|_| OpenError::Malformed)?;
    Name::new(text).map(Some).map_err(|_| OpenError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// draft-irtf-cfrg-xchacha-03, appendix A.3.1.
    #[test]
    fn draft_xchacha_vector() {
        let key = BlockKey::new(core::array::from_fn(|i| 0x80 + u8::try_from(i).unwrap()));
        let nonce: [u8; 24] = core::array::from_fn(|i| 0x40 + u8::try_from(i).unwrap());
        let associated = hex::decode("50515253c0c1c2c3c4c5c6c7").unwrap();
        let mut text = *b"Ladies and Gentlemen of the class of '99: If I could offer you only one \
                          tip for the future, sunscreen would be it.";
        let tag = cipher(&key)
            .encrypt_inout_detached(
                &XNonce::from(nonce),
                &associated,
                InOutBuf::from(text.as_mut_slice()),
            )
            .unwrap();
        let expected = "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb\
                        731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452\
                        2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9\
                        21f9664c97637da9768812f615c68b13b52e";
        assert_eq!(hex::encode(text), expected);
        assert_eq!(hex::encode(tag), "c0875924c1c7987947deafd8780acf49");
    }

    #[test]
    fn names_at_the_end() {
        let name = Name::new("holiday.jpg").unwrap();
        for name in [None, Some(name)] {
            let mut data = b"data".to_vec();
            append_name(&mut data, name.as_ref());
            assert_eq!(split_name(&mut data), Ok(name));
            assert_eq!(data, b"data");
        }
        // No length, a length without the name, no UTF-8, a name that is none.
        for bytes in [&b""[..], b"ab\x03", b"\xff\x01", b"..\x02"] {
            assert_eq!(split_name(&mut bytes.to_vec()), Err(OpenError::Malformed));
        }
    }
}
