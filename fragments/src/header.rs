//! The header of a tree block: what it is, how it is coded, who can read it, and its
//! owner's signature (docs/protocol.md §9.1). It stands in front of every fragment.

// The derived codec casts the explicit index.
#![allow(clippy::cast_possible_truncation)]

use blocktree_primitives::{
    BlockHash, BlockPath, BoundedVec, ContentHash, Principal, PublicKey, SecretKey, Signature, tags,
};
use parity_scale_codec::{Decode, Encode};
use thiserror::Error;

use crate::code::{Code, CodeError, Codec, Layout, LayoutError};
use crate::key::{BlockKey, Readcap, ReadcapError, SealSecret};

/// The first byte of every header.
const FORMAT: u8 = 1;

/// Bytes of a header at most, of any format.
pub const MAX_HEADER: usize = 2_048;

/// Readers of one block at most.
pub const MAX_READCAPS: usize = 8;

/// Bytes of an encrypted payload at least: the length of the real name and the tag.
const MIN_ENCRYPTED: u64 = 1 + 16;

/// Why bytes are not the header of a tree block.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HeaderError {
    /// No bytes at all.
    #[error("an empty header")]
    Empty,
    /// Of a format that this program does not know.
    #[error("a header of format {0}; {FORMAT} is known")]
    Format(u8),
    /// Not an encoding of a header.
    #[error("malformed header: {0}")]
    Malformed(String),
    /// A code that does not exist.
    #[error(transparent)]
    Code(#[from] CodeError),
    /// A payload above the limit.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// An encrypted payload that is shorter than what encryption adds.
    #[error("an encrypted payload of {0} bytes, at least 17 expected")]
    PayloadTooShort(u64),
    /// An encrypted block whose first readcap is not that of the root principal (B8).
    #[error("the first readcap is not the root principal's")]
    NoRootReadcap,
    /// Two readcaps for one principal.
    #[error("two readcaps for {0:?}")]
    RepeatedReader(Principal),
    /// Signed with another key than the root principal's.
    #[error("the signer is not the root principal of the path")]
    NotTheRoot,
    /// The signature does not verify.
    #[error("the header's signature does not verify")]
    Signature,
}

/// What a tree block's data is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Kind {
    /// A file, or a segment of one.
    #[codec(index = 0)]
    Data,
    /// The directory of a long file's segments.
    #[codec(index = 1)]
    Manifest,
}

/// Who can read the payload.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Access {
    /// Everybody: it is not encrypted (B39).
    #[codec(index = 0)]
    Public,
    /// Whoever has a readcap (B5, B6).
    #[codec(index = 1)]
    Encrypted {
        /// XChaCha20's nonce.
        nonce: [u8; 24],
        /// The block key for each reader, the root principal first.
        readcaps: BoundedVec<Readcap, MAX_READCAPS>,
    },
}

/// By which right the block is signed. Writecaps will be another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Authority {
    /// The signer is the path's root principal.
    #[codec(index = 0)]
    Root {
        /// Its public key.
        signer: PublicKey,
    },
}

/// A header's fields. A [`Header`] has passed the checks.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Fields {
    pub(crate) path: BlockPath,
    pub(crate) version: u64,
    pub(crate) kind: Kind,
    pub(crate) codec: Codec,
    pub(crate) k: u16,
    pub(crate) payload_size: u64,
    pub(crate) payload_root: [u8; 32],
    pub(crate) access: Access,
    pub(crate) authority: Authority,
}

impl Fields {
    /// What is signed, less the genesis hash.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![FORMAT];
        self.encode_to(&mut bytes);
        bytes
    }

    /// The header, signed by `secret` for the chain that begins with `genesis`.
    pub(crate) fn sign(
        self,
        genesis: &BlockHash,
        secret: &SecretKey,
    ) -> Result<Header, HeaderError> {
        let mut bytes = self.bytes();
        let signature = secret.sign(&tags::TREE_BLOCK.hash(&[&genesis.0, &bytes]));
        signature.encode_to(&mut bytes);
        Header::read(&bytes, genesis)
    }
}

/// The header of a tree block, checked and signed for one chain. There is no other way to
/// one than through the checks, so whatever takes a `Header` can rely on them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    fields: Fields,
    code: Code,
    layout: Layout,
    bytes: Vec<u8>,
}

impl Header {
    /// Reads the header that `bytes` begin with and checks it. Only the first
    /// [`MAX_HEADER`] bytes are looked at, cheap checks first.
    ///
    /// # Errors
    ///
    /// See [`HeaderError`].
    pub fn read(bytes: &[u8], genesis: &BlockHash) -> Result<Self, HeaderError> {
        let window = bytes.get(..MAX_HEADER).unwrap_or(bytes);
        let (&format, mut rest) = window.split_first().ok_or(HeaderError::Empty)?;
        if format != FORMAT {
            return Err(HeaderError::Format(format));
        }
        let malformed =
            |error: parity_scale_codec::Error| HeaderError::Malformed(error.to_string());
        let fields = Fields::decode(&mut rest).map_err(malformed)?;
        let signed = &window[..window.len() - rest.len()];
        let signature = Signature::decode(&mut rest).map_err(malformed)?;
        let whole = &window[..window.len() - rest.len()];

        let code = Code::new(fields.codec, fields.k)?;
        let layout = Layout::new(code, fields.payload_size)?;
        check_access(&fields)?;
        let Authority::Root { signer } = fields.authority;
        if Principal::of(&signer) != fields.path.root() {
            return Err(HeaderError::NotTheRoot);
        }
        signer
            .verify(&tags::TREE_BLOCK.hash(&[&genesis.0, signed]), &signature)
            .map_err(|_| HeaderError::Signature)?;
        Ok(Self { code, layout, bytes: whole.to_vec(), fields })
    }

    /// The header's bytes, as they stand in front of every fragment.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What offers name the block by: a hash of the header, and so of the payload's root.
    #[must_use]
    pub fn content_hash(&self) -> ContentHash {
        ContentHash(tags::CONTENT.hash(&[&self.bytes]))
    }

    /// Where the block is.
    #[must_use]
    pub const fn path(&self) -> &BlockPath {
        &self.fields.path
    }

    /// Which of the versions at the path.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.fields.version
    }

    /// What the data is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.fields.kind
    }

    /// How the payload is coded.
    #[must_use]
    pub const fn code(&self) -> Code {
        self.code
    }

    /// How the payload is cut.
    #[must_use]
    pub const fn layout(&self) -> Layout {
        self.layout
    }

    /// RFC 6962 root over the payload in leaves of 256 bytes; of an empty one SHA-256 of nothing.
    #[must_use]
    pub const fn payload_root(&self) -> &[u8; 32] {
        &self.fields.payload_root
    }

    /// Who can read the payload.
    #[must_use]
    pub const fn access(&self) -> &Access {
        &self.fields.access
    }

    /// Bytes of each fragment: this header and one symbol of every stripe.
    #[must_use]
    pub fn fragment_size(&self) -> u64 {
        // Both far below 2^32.
        self.bytes.len() as u64 + self.layout.body() as u64
    }

    /// The block key, with the secret key of one of the readers. None: the block is public.
    ///
    /// # Errors
    ///
    /// See [`ReadcapError`].
    pub fn block_key(&self, reader: &SecretKey) -> Result<Option<BlockKey>, ReadcapError> {
        let Access::Encrypted { readcaps, .. } = &self.fields.access else { return Ok(None) };
        let principal = Principal::of(&reader.public_key());
        let readcap = readcaps.iter().find(|readcap| readcap.reader == principal);
        readcap
            .ok_or(ReadcapError::OtherReader)?
            .unwrap_key(reader, self.path(), self.version())
            .map(Some)
    }

    /// What the fragments are sealed under. None: the block is encrypted, and no key was given.
    #[must_use]
    pub fn seal_secret(&self, key: Option<&BlockKey>) -> Option<SealSecret> {
        match (&self.fields.access, key) {
            (Access::Public, _) => Some(SealSecret::of_public(self.content_hash())),
            (Access::Encrypted { .. }, Some(key)) => Some(SealSecret::of_key(key)),
            (Access::Encrypted { .. }, None) => None,
        }
    }
}

fn check_access(fields: &Fields) -> Result<(), HeaderError> {
    let Access::Encrypted { readcaps, .. } = &fields.access else { return Ok(()) };
    if fields.payload_size < MIN_ENCRYPTED {
        return Err(HeaderError::PayloadTooShort(fields.payload_size));
    }
    if readcaps.first().is_none_or(|first| first.reader != fields.path.root()) {
        return Err(HeaderError::NoRootReadcap);
    }
    for (index, readcap) in readcaps.iter().enumerate() {
        if readcaps.iter().take(index).any(|earlier| earlier.reader == readcap.reader) {
            return Err(HeaderError::RepeatedReader(readcap.reader));
        }
    }
    Ok(())
}
