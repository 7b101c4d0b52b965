//! From fragments back to the tree block: each is checked against the root that the ledger
//! has before anything is made of it (docs/protocol.md §9.7; B58, L26, L34).

use std::collections::BTreeMap;

use blocktree_primitives::{BlockHash, FragmentRoot};
use thiserror::Error;

use crate::code::{CodeError, Codec, FragmentId, rateless, reed_solomon};
use crate::encode::Target;
use crate::header::{Header, HeaderError};
use crate::key::SealSecret;
use crate::seal::Seal;
use crate::tree::fragment_root;
use crate::tree_block::TreeBlock;

/// Fragments beyond k that a decoder holds: RaptorQ may need one or two of them.
const SPARE: usize = 16;

/// Checks what a provider is sent, or sends: a header of this chain, and after it exactly
/// as many bytes as the header says. The root is another check.
///
/// # Errors
///
/// See [`FragmentCause`].
pub fn read_fragment<'a>(
    bytes: &'a [u8],
    genesis: &BlockHash,
) -> Result<(Header, &'a [u8]), FragmentCause> {
    let header = Header::read(bytes, genesis)?;
    check_length(&header, bytes)?;
    let body = bytes.get(header.bytes().len()..).unwrap_or_default();
    Ok((header, body))
}

fn check_length(header: &Header, bytes: &[u8]) -> Result<(), FragmentCause> {
    let (expected, found) = (header.fragment_size(), bytes.len() as u64);
    if expected == found { Ok(()) } else { Err(FragmentCause::Length { expected, found }) }
}

/// A fragment that was refused, and who sent it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{} of {:?}: {cause}", target.id, target.provider)]
pub struct FragmentFault {
    /// Which fragment, and whose.
    pub target: Target,
    /// What is wrong with it.
    pub cause: FragmentCause,
}

/// What is wrong with a fragment.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FragmentCause {
    /// The code has no such fragment.
    #[error(transparent)]
    Code(#[from] CodeError),
    /// It is here already.
    #[error("given twice")]
    Repeated,
    /// As many as can be of use are here already.
    #[error("{0} fragments are here already")]
    Enough(usize),
    /// It does not begin with a header.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// Not as long as the header says.
    #[error("{found} bytes where the header requires {expected}")]
    Length {
        /// Bytes that each fragment of the block has.
        expected: u64,
        /// Bytes given.
        found: u64,
    },
    /// Its bytes are not those of the placement: what was sent is not what was to be kept.
    #[error("its bytes have another root than its placement")]
    WrongRoot,
    /// It begins with another header, though its root is that of the placement.
    #[error("it begins with another header")]
    OtherHeader,
}

/// Why a block could not be put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RecoverError {
    /// Fewer fragments than are needed (L34: "this row is lost", so far).
    #[error("{have} of the {needed} fragments that are needed")]
    TooFew {
        /// Good fragments that are here.
        have: usize,
        /// Fragments that are enough: k.
        needed: usize,
    },
    /// RaptorQ alone: these fragments happen not to determine the block; any other helps.
    #[error("{have} fragments do not determine the block, one more may")]
    Undetermined {
        /// Good fragments that are here, at least k.
        have: usize,
    },
    /// All fragments have the roots of their placements, and what they make is not the header's
    /// payload: they were placed wrong, or unsealed with another key.
    #[error("the fragments do not make the header's payload")]
    WrongPayload,
}

/// What is there, and what is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Good fragments that are here.
    pub have: usize,
    /// Fragments that are enough: k.
    pub needed: usize,
}

/// Collects the fragments of one block. In memory are the fragments it was given, at most
/// k + 16, and in the end the payload.
#[derive(Debug)]
pub struct BlockDecoder {
    header: Header,
    secret: SealSecret,
    fragments: BTreeMap<FragmentId, Vec<u8>>,
}

impl BlockDecoder {
    /// Begins with a header whose content hash is that of the offer, which the caller has seen
    /// to, and the secret that its fragments are sealed under.
    #[must_use]
    pub const fn new(header: Header, secret: SealSecret) -> Self {
        Self { header, secret, fragments: BTreeMap::new() }
    }

    /// The block's header.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// How far it is.
    #[must_use]
    pub fn progress(&self) -> Progress {
        Progress { have: self.fragments.len(), needed: self.header.layout().k() }
    }

    /// Takes a fragment as it is stored, if it is the one of this root: cheap checks first.
    ///
    /// # Errors
    ///
    /// [`FragmentFault`]: nothing changes, and another may be given in its place.
    pub fn add(
        &mut self,
        target: Target,
        root: &FragmentRoot,
        bytes: Vec<u8>,
    ) -> Result<Progress, FragmentFault> {
        self.check(target.id, root, &bytes).map_err(|cause| FragmentFault { target, cause })?;
        let mut bytes = bytes;
        let (path, version) = (self.header.path(), self.header.version());
        if let Some(body) = bytes.get_mut(self.header.bytes().len()..) {
            Seal::new(&self.secret, path, version, target.id, &target.provider).apply(body);
        }
        self.fragments.insert(target.id, bytes);
        Ok(self.progress())
    }

    fn check(
        &self,
        id: FragmentId,
        root: &FragmentRoot,
        bytes: &[u8],
    ) -> Result<(), FragmentCause> {
        self.header.code().check_id(id)?;
        if self.fragments.contains_key(&id) {
            return Err(FragmentCause::Repeated);
        }
        let have = self.fragments.len();
        if have >= self.header.layout().k() + SPARE {
            return Err(FragmentCause::Enough(have));
        }
        check_length(&self.header, bytes)?;
        if fragment_root(bytes) != Ok(root.0) {
            return Err(FragmentCause::WrongRoot);
        }
        if !bytes.starts_with(self.header.bytes()) {
            return Err(FragmentCause::OtherHeader);
        }
        Ok(())
    }

    /// Puts the block together from k fragments or more.
    ///
    /// # Errors
    ///
    /// See [`RecoverError`]. The fragments stay, for others to be added.
    pub fn decode(&self) -> Result<TreeBlock, RecoverError> {
        let Progress { have, needed } = self.progress();
        if have < needed {
            return Err(RecoverError::TooFew { have, needed });
        }
        let layout = self.header.layout();
        let bodies: BTreeMap<FragmentId, &[u8]> = self
            .fragments
            .iter()
            .filter_map(|(id, bytes)| Some((*id, bytes.get(self.header.bytes().len()..)?)))
            .collect();
        let mut payload = match self.header.code().codec() {
            Codec::ReedSolomon => reed_solomon::decode(layout, &bodies),
            Codec::RaptorQ => {
                rateless::decode(layout, &bodies).ok_or(RecoverError::Undetermined { have })?
            }
        };
        payload.truncate(layout.payload());
        TreeBlock::from_parts(self.header.clone(), payload).ok_or(RecoverError::WrongPayload)
    }
}
