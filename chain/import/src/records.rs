//! What the data folder holds of the chain, and how it is read. Formats are our own and carry
//! the folder's format version; nothing here was ever sent by a peer as it stands.

use blocktree_consensus::history::{Node, Peaks, peaks_at};
use blocktree_consensus::{ChainInfo, Work};
use blocktree_primitives::{BlockHash, Commitment, EventId, Header, Height};
use blocktree_state::{Batch, Column, Fault, Reader};
use parity_scale_codec::{Decode, Encode};

/// The tip of the best chain: `BlockHash`.
const TIP: &[u8] = b"tip";
/// A reorganisation that is under way: [`Journey`].
const JOURNEY: &[u8] = b"journey";

/// What is known of a block whose proof of work passed. Column `Headers`, by block hash.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct HeaderRecord {
    /// The 80 bytes that were hashed.
    pub header: Header,
    /// What they commit to.
    pub commitment: Commitment,
    /// Work of the chain up to and including this block.
    pub total_work: Work,
    /// What is known of the body.
    pub status: BlockStatus,
}

/// What is known of a block's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum BlockStatus {
    /// Stored; its events passed every check that needs no state.
    #[codec(index = 0)]
    Stored,
    /// Judged with the very body that the header commits to, and refused; remembered for good.
    #[codec(index = 1)]
    Invalid,
}

impl HeaderRecord {
    /// The block's height.
    #[must_use]
    pub const fn height(&self) -> Height {
        self.commitment.height
    }

    /// The branch with this block as its tip.
    #[must_use]
    pub fn info(&self) -> ChainInfo {
        ChainInfo {
            hash: self.header.hash(),
            height: self.height(),
            time: self.header.time,
            bits: self.header.bits,
            total_work: self.total_work,
        }
    }
}

/// A reorganisation that is under way: noted before its first step, cleared after its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Journey {
    /// The tip from which it began, to which it returns if the target turns out invalid.
    pub origin: BlockHash,
    /// The tip to which it leads.
    pub target: BlockHash,
}

/// Where an event stands in the best chain. Column `Events`, by event id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct EventLocation {
    /// Height of its block.
    pub height: Height,
    /// Its place among the block's events, from 0.
    pub index: u32,
}

/// Typed reads of the chain from any reader: the ledger as it is, or a snapshot.
#[derive(Clone, Copy)]
pub struct ChainReader<'r>(pub &'r dyn Reader);

fn decode<T: Decode>(bytes: &[u8], what: &str) -> Result<T, Fault> {
    let mut rest = bytes;
    match T::decode(&mut rest) {
        Ok(value) if rest.is_empty() => Ok(value),
        _ => Err(Fault::Corrupt(format!("{what} can't be read"))),
    }
}

impl<'r> ChainReader<'r> {
    fn typed<T: Decode>(&self, column: Column, key: &[u8], what: &str) -> Result<Option<T>, Fault> {
        self.0.get(column, key)?.map(|bytes| decode(&bytes, what)).transpose()
    }

    /// The hash of the best chain's tip; `None` in an empty folder.
    ///
    /// # Errors
    /// A [`Fault`] only; so for all reads below.
    pub fn tip(&self) -> Result<Option<BlockHash>, Fault> {
        self.typed(Column::Meta, TIP, "the tip")
    }

    /// The reorganisation that is under way, or was when the node was killed.
    ///
    /// # Errors
    /// A [`Fault`] only.
    pub fn journey(&self) -> Result<Option<Journey>, Fault> {
        self.typed(Column::Meta, JOURNEY, "the reorganisation under way")
    }

    /// What is known of a block, on whatever branch.
    ///
    /// # Errors
    /// A [`Fault`] only.
    pub fn header(&self, hash: &BlockHash) -> Result<Option<HeaderRecord>, Fault> {
        self.typed(Column::Headers, &hash.0, "a header")
    }

    /// What is known of a block that must be there.
    ///
    /// # Errors
    /// A [`Fault`], also when it is missing.
    pub fn known_header(&self, hash: &BlockHash) -> Result<HeaderRecord, Fault> {
        self.header(hash)?.ok_or_else(|| Fault::Corrupt(format!("header {hash} is missing")))
    }

    /// The encoded events of a block, on whatever branch.
    ///
    /// # Errors
    /// A [`Fault`] only.
    pub fn body(&self, hash: &BlockHash) -> Result<Option<Vec<u8>>, Fault> {
        self.0.get(Column::Bodies, &hash.0)
    }

    /// The hash of the best chain's block at a height.
    ///
    /// # Errors
    /// A [`Fault`] only.
    pub fn canonical(&self, height: Height) -> Result<Option<BlockHash>, Fault> {
        self.typed(Column::Canonical, &height.0.to_be_bytes(), "a canonical hash")
    }

    /// Whether a block is on the best chain.
    ///
    /// # Errors
    /// A [`Fault`] only.
    pub fn is_canonical(&self, hash: &BlockHash, height: Height) -> Result<bool, Fault> {
        Ok(self.canonical(height)? == Some(*hash))
    }

    /// Where an event stands in the best chain.
    ///
    /// # Errors
    /// A [`Fault`] only.
    pub fn event(&self, id: &EventId) -> Result<Option<EventLocation>, Fault> {
        self.typed(Column::Events, &id.0, "an event's place")
    }

    /// The history of the best chain's first `leaf_count` headers.
    ///
    /// # Errors
    /// A [`Fault`], also when there are fewer.
    pub fn peaks(&self, leaf_count: u64) -> Result<Peaks, Fault> {
        peaks_at(leaf_count, |position| self.history_node(position))
    }

    /// A node of the best chain's history.
    ///
    /// # Errors
    /// A [`Fault`] only.
    pub fn history_node(&self, position: u64) -> Result<Option<Node>, Fault> {
        self.typed(Column::History, &position.to_be_bytes(), "a node of the history")
    }

    /// The encoded effects of a block of the best chain; `None` if it had none.
    ///
    /// # Errors
    /// A [`Fault`] only.
    pub fn effects(&self, hash: &BlockHash) -> Result<Option<Vec<u8>>, Fault> {
        self.0.get(Column::Effects, &hash.0)
    }
}

/// Typed writes, into a batch.
pub trait ChainWriter {
    /// Sets the tip.
    fn put_tip(&mut self, hash: &BlockHash);
    /// Notes or clears a reorganisation.
    fn put_journey(&mut self, journey: Option<&Journey>);
    /// Writes a header record.
    fn put_header(&mut self, hash: &BlockHash, record: &HeaderRecord);
}

impl ChainWriter for Batch {
    fn put_tip(&mut self, hash: &BlockHash) {
        self.put(Column::Meta, TIP, hash.0);
    }
    fn put_journey(&mut self, journey: Option<&Journey>) {
        match journey {
            Some(journey) => self.put(Column::Meta, JOURNEY, journey.encode()),
            None => self.delete(Column::Meta, JOURNEY),
        }
    }
    fn put_header(&mut self, hash: &BlockHash, record: &HeaderRecord) {
        self.put(Column::Headers, hash.0, record.encode());
    }
}

/// Key of the undo record of a block.
#[must_use]
pub fn undo_key(height: Height, hash: &BlockHash) -> Vec<u8> {
    let mut key = height.0.to_be_bytes().to_vec();
    key.extend_from_slice(&hash.0);
    key
}
