//! A chain in a file: what `chain export` writes and `chain import` reads.
//!
//! Layout: magic `"blocktree chain\n"` (16 bytes), format version u32, genesis hash 32, then for
//! each block from height 1 on: length u32, SHA-256 of the block's first to last byte cut to 8
//! bytes, the encoded block; last a length of 0 and the number of blocks u64, and nothing after
//! it. All integers are little-endian.

use crate::records::ChainReader;
use blocktree_consensus::{Candidate, Violation};
use blocktree_primitives::block::MAX_BLOCK_LEN;
use blocktree_primitives::hash::sha256;
use blocktree_primitives::{BlockHash, Height};
use blocktree_state::{Fault, Reader};
use parity_scale_codec::{Decode, Encode};
use std::cmp::Ordering;
use std::io::{self, Read, Write};
use std::marker::PhantomData;

const MAGIC: &[u8; 16] = b"blocktree chain\n";
const VERSION: u32 = 1;

/// Why a file can't be read as a chain.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// Not a chain export at all.
    #[error("this file is not a chain export")]
    NotAnExport,
    /// Written by a later version of this program.
    #[error("this export has format {0}, this program reads format {VERSION}: use a newer version")]
    NewerFormat(u32),
    /// Of another chain.
    #[error("this export is of the chain {found}, not {expected}")]
    OtherChain {
        /// This chain's genesis.
        expected: BlockHash,
        /// The file's.
        found: BlockHash,
    },
    /// The file ends before its last block.
    #[error("the export is cut off after {0} blocks: export it again or copy the whole file")]
    CutOff(u64),
    /// A block's bytes are not those that were written.
    #[error("block {0} of the export is damaged: export it again or copy the file again")]
    Damaged(u64),
    /// Something follows the end: two files in one, or not the whole story.
    #[error("the export goes on after its end, which is after {0} blocks: export it again")]
    TrailingBytes(u64),
    /// A block that is none.
    #[error("block {0} of the export: {1}")]
    NotABlock(u64, Violation),
    /// The file system.
    #[error("the export can't be read")]
    Io(#[from] io::Error),
}

/// Why a chain can't be written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The data folder.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The file system.
    #[error("the export can't be written")]
    Io(#[from] io::Error),
}

fn checksum(block: &[u8]) -> [u8; 8] {
    let hash = sha256(&[block]);
    core::array::from_fn(|index| hash[index])
}

/// Writes the best chain of `reader`, blocks 1 to the tip. `progress` is called with each height.
/// Returns the number of blocks. Where the chain may move meanwhile, `reader` is a snapshot.
///
/// # Errors
/// See [`ExportError`].
pub fn export(
    reader: &dyn Reader,
    out: &mut impl Write,
    mut progress: impl FnMut(Height),
) -> Result<u64, ExportError> {
    let chain = ChainReader(reader);
    let genesis = chain
        .canonical(Height::GENESIS)?
        .ok_or_else(|| Fault::Corrupt("the chain has no genesis".into()))?;
    out.write_all(MAGIC)?;
    out.write_all(&VERSION.to_le_bytes())?;
    out.write_all(&genesis.0)?;
    let mut count = 0u64;
    while let Some(hash) = chain.canonical(Height(count.saturating_add(1)))? {
        let record = chain.known_header(&hash)?;
        let body = chain
            .body(&hash)?
            .ok_or_else(|| Fault::Corrupt(format!("the body of {hash} is missing")))?;
        let mut block = (record.header, record.commitment).encode();
        block.extend_from_slice(&body);
        let len = u32::try_from(block.len())
            .map_err(|_| Fault::Corrupt(format!("block {hash} is too long")))?;
        out.write_all(&len.to_le_bytes())?;
        out.write_all(&checksum(&block))?;
        out.write_all(&block)?;
        count = count.saturating_add(1);
        progress(record.height());
    }
    out.write_all(&0u32.to_le_bytes())?;
    out.write_all(&count.to_le_bytes())?;
    out.flush()?;
    Ok(count)
}

/// Reads blocks from an export, one at a time: memory stays that of one block.
pub struct Archive<I, C> {
    input: I,
    blocks: u64,
    ended: bool,
    calls: PhantomData<fn() -> C>,
}

impl<I: Read, C: Encode + Decode> Archive<I, C> {
    /// Opens an export of the chain that begins with `genesis`.
    ///
    /// # Errors
    /// See [`ArchiveError`].
    pub fn open(mut input: I, genesis: &BlockHash) -> Result<Self, ArchiveError> {
        let mut magic = [0; 16];
        let mut version = [0; 4];
        let mut found = [0; 32];
        read_or(&mut input, &mut magic, ArchiveError::NotAnExport)?;
        if magic != *MAGIC {
            return Err(ArchiveError::NotAnExport);
        }
        read_or(&mut input, &mut version, ArchiveError::CutOff(0))?;
        let version = u32::from_le_bytes(version);
        match version.cmp(&VERSION) {
            Ordering::Less => return Err(ArchiveError::NotAnExport),
            Ordering::Equal => {}
            Ordering::Greater => return Err(ArchiveError::NewerFormat(version)),
        }
        read_or(&mut input, &mut found, ArchiveError::CutOff(0))?;
        let (expected, found) = (*genesis, BlockHash(found));
        if expected != found {
            return Err(ArchiveError::OtherChain { expected, found });
        }
        Ok(Self { input, blocks: 0, ended: false, calls: PhantomData })
    }

    fn read_block(&mut self) -> Result<Option<Candidate<C>>, ArchiveError> {
        let cut_off = || ArchiveError::CutOff(self.blocks);
        let mut len = [0; 4];
        read_or(&mut self.input, &mut len, cut_off())?;
        let number = self.blocks.saturating_add(1);
        let len = usize::try_from(u32::from_le_bytes(len)).unwrap_or(usize::MAX);
        if len == 0 {
            let mut count = [0; 8];
            read_or(&mut self.input, &mut count, cut_off())?;
            if u64::from_le_bytes(count) != self.blocks {
                return Err(ArchiveError::Damaged(number));
            }
            return match self.input.read_exact(&mut [0]) {
                Ok(()) => Err(ArchiveError::TrailingBytes(self.blocks)),
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
                Err(error) => Err(error.into()),
            };
        }
        if len > MAX_BLOCK_LEN {
            return Err(ArchiveError::Damaged(number));
        }
        let mut sum = [0; 8];
        read_or(&mut self.input, &mut sum, cut_off())?;
        let mut block = vec![0; len];
        read_or(&mut self.input, &mut block, cut_off())?;
        if checksum(&block) != sum {
            return Err(ArchiveError::Damaged(number));
        }
        let block = Candidate::decode(&block)
            .map_err(|violation| ArchiveError::NotABlock(number, violation))?;
        self.blocks = number;
        Ok(Some(block))
    }
}

/// Fills `bytes`, or says what it means that the file ends before.
fn read_or(
    input: &mut impl Read,
    bytes: &mut [u8],
    at_end: ArchiveError,
) -> Result<(), ArchiveError> {
    match input.read_exact(bytes) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(at_end),
        other => Ok(other?),
    }
}

impl<I: Read, C: Encode + Decode> Iterator for Archive<I, C> {
    type Item = Result<Candidate<C>, ArchiveError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.read_block().transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}
