//! The ladder from a block as it came to one that only the fold is left to judge
//! (docs/protocol.md §3.7): each type is made by the check that it is named for, and by nothing
//! else. Nothing here reads the state.

use crate::event::{CheckedEvent, EncodedEvent, EventError, check_event};
use crate::header::CheckedHeader;
use crate::limits::Weights;
use crate::merkle;
use crate::runtime::{BlockContext, Runtime, Weight};
use crate::violation::{Verdict, Violation};
use blocktree_primitives::block::{MAX_BLOCK_LEN, MAX_EVENTS};
use blocktree_primitives::bounded::TooMany;
use blocktree_primitives::{
    Block, BlockHash, Commitment, DecodeError, EventRoot, Header, HistoryRoot,
};
use blocktree_state::Fault;
use parity_scale_codec::{Compact, CompactLen, Decode, Encode};

/// A block's events, each with its encoding. SCALE: as a `Vec` of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body<C>(Vec<EncodedEvent<C>>);

impl<C: Encode + Decode> Body<C> {
    /// Decodes events that take up all of `bytes`.
    ///
    /// # Errors
    /// See [`DecodeError`]. More bytes or events than any block has are refused unread.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        if bytes.len() > MAX_BLOCK_LEN {
            return Err(DecodeError::TooLong { len: bytes.len(), max: MAX_BLOCK_LEN });
        }
        let mut rest = bytes;
        let Compact(count) = Compact::<u32>::decode(&mut rest)
            .map_err(|error| DecodeError::Malformed(error.to_string()))?;
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        if count > MAX_EVENTS {
            return Err(DecodeError::Malformed(format!("{count} events")));
        }
        // An event takes more than 100 bytes, so a count alone reserves little.
        let mut events = Vec::with_capacity(count.min(rest.len() / 100));
        for _ in 0..count {
            events.push(EncodedEvent::decode_front(&mut rest)?);
        }
        match rest.len() {
            0 => Ok(Self(events)),
            left => Err(DecodeError::TrailingBytes(left)),
        }
    }
}

impl<C> Body<C> {
    /// A body of these events.
    ///
    /// # Errors
    /// [`TooMany`] above [`MAX_EVENTS`].
    pub fn new(events: Vec<EncodedEvent<C>>) -> Result<Self, TooMany> {
        match events.len() {
            len if len > MAX_EVENTS => Err(TooMany { len, max: MAX_EVENTS }),
            _ => Ok(Self(events)),
        }
    }

    /// The events.
    #[must_use]
    pub fn events(&self) -> &[EncodedEvent<C>] {
        &self.0
    }

    /// The encoding.
    #[must_use]
    pub fn encoded(&self) -> Vec<u8> {
        join(self.0.iter().map(EncodedEvent::encoded))
    }

    /// The leaves of the event root.
    #[must_use]
    pub fn leaves(&self) -> Vec<[u8; 32]> {
        self.0.iter().map(EncodedEvent::leaf).collect()
    }

    /// RFC 6962 root over the encoded events.
    #[must_use]
    pub fn event_root(&self) -> EventRoot {
        EventRoot(merkle::root(&self.leaves()))
    }
}

/// The encoding of a `Vec` from those of its items.
fn join<'e>(items: impl ExactSizeIterator<Item = &'e [u8]> + Clone) -> Vec<u8> {
    let count = u32::try_from(items.len()).unwrap_or(u32::MAX);
    let len: usize = items.clone().map(<[u8]>::len).sum();
    let mut bytes = Vec::with_capacity(Compact::<u32>::compact_len(&count) + len);
    Compact(count).encode_to(&mut bytes);
    items.for_each(|item| bytes.extend_from_slice(item));
    bytes
}

/// A block as it came: decoded and bounded, nothing checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate<C> {
    /// The header.
    pub header: Header,
    /// What it is said to commit to.
    pub commitment: Commitment,
    /// The events.
    pub body: Body<C>,
}

impl<C: Encode + Decode> Candidate<C> {
    /// Decodes a block that takes up all of `bytes`.
    ///
    /// # Errors
    /// [`Violation::Malformed`].
    pub fn decode(bytes: &[u8]) -> Result<Self, Violation> {
        let malformed = |error| Violation::Malformed { error };
        let max = MAX_BLOCK_LEN;
        if bytes.len() > max {
            return Err(malformed(DecodeError::TooLong { len: bytes.len(), max }));
        }
        let mut rest = bytes;
        let (header, commitment) = <(Header, Commitment)>::decode(&mut rest)
            .map_err(|error| malformed(DecodeError::Malformed(error.to_string())))?;
        let body = Body::decode(rest).map_err(malformed)?;
        Ok(Self { header, commitment, body })
    }
}

impl<C> Candidate<C> {
    /// The block's encoding.
    #[must_use]
    pub fn encoded(&self) -> Vec<u8> {
        let mut bytes = (self.header, self.commitment).encode();
        bytes.extend(self.body.encoded());
        bytes
    }
}

impl<C: Encode> From<Block<C>> for Candidate<C> {
    fn from(block: Block<C>) -> Self {
        let events = block.events.into_vec().into_iter().map(EncodedEvent::from).collect();
        Self { header: block.header, commitment: block.commitment, body: Body(events) }
    }
}

/// A block whose header covers exactly these events, at the right height, after the right
/// history, within the limits. Its events are still to be checked, each by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoundBlock<C> {
    frame: Frame,
    events: Vec<EncodedEvent<C>>,
}

/// A [`BoundBlock`] without its events while these are checked elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    header: CheckedHeader,
    commitment: Commitment,
    leaves: Vec<[u8; 32]>,
    weight: Weight,
}

impl<C: Encode + Decode> BoundBlock<C> {
    /// Binds commitment and events to a checked header. `history_root`: of all headers up to
    /// and including the parent.
    ///
    /// # Errors
    /// [`Violation::WrongCommitment`], [`Violation::WrongHeight`],
    /// [`Violation::WrongHistoryRoot`], [`Violation::WrongEventRoot`] or
    /// [`Violation::TooHeavy`].
    pub fn bind<R: Runtime<Call = C>>(
        runtime: &R,
        header: CheckedHeader,
        commitment: Commitment,
        body: Body<C>,
        history_root: HistoryRoot,
    ) -> Result<Self, Violation> {
        let (expected, found) = (header.header().commitment, commitment.hash());
        if found != expected {
            return Err(Violation::WrongCommitment { expected, found });
        }
        let (expected, found) = (header.info().height, commitment.height);
        if found != expected {
            return Err(Violation::WrongHeight { expected, found });
        }
        let (expected, found) = (history_root, commitment.history_root);
        if found != expected {
            return Err(Violation::WrongHistoryRoot { expected, found });
        }
        let leaves = body.leaves();
        let (expected, found) = (commitment.event_root, EventRoot(merkle::root(&leaves)));
        if found != expected {
            return Err(Violation::WrongEventRoot { expected, found });
        }
        let mut weights = Weights::default();
        for (index, event) in body.0.iter().enumerate() {
            weights = weights.with(event.weight(runtime)).map_err(|error| error.at(index))?;
        }
        let frame = Frame { header, commitment, leaves, weight: weights.all() };
        Ok(Self { frame, events: body.0 })
    }

    /// The events, to be given to [`check_event`] in any order and on any thread, and what
    /// takes them back.
    #[must_use]
    pub fn into_parts(self) -> (Frame, Vec<EncodedEvent<C>>) {
        (self.frame, self.events)
    }

    /// Checks the events one after the other.
    ///
    /// # Errors
    /// The [`Violation`] of the first event that fails.
    pub fn check_events<R: Runtime<Call = C>>(
        self,
        runtime: &R,
        genesis: &BlockHash,
    ) -> Verdict<CheckedBlock<C>> {
        let (frame, events) = self.into_parts();
        let checked = events.into_iter().map(|event| check_event(runtime, genesis, event));
        frame.finish(checked)
    }

    /// A block that passed all these checks before and was read back from our own store: its
    /// bytes were seen, by [`bind`](Self::bind), to be those that the header covers, so its
    /// signatures are not checked again.
    #[must_use]
    pub fn recall<R: Runtime<Call = C>>(self, runtime: &R, genesis: &BlockHash) -> CheckedBlock<C> {
        let Frame { header, commitment, weight, .. } = self.frame;
        let events = self.events.into_iter();
        let events = events.map(|event| CheckedEvent::assume(runtime, genesis, event)).collect();
        CheckedBlock { header, commitment, events, weight }
    }
}

impl Frame {
    /// The header.
    #[must_use]
    pub const fn header(&self) -> &CheckedHeader {
        &self.header
    }

    /// Takes the events back, in their order.
    ///
    /// # Errors
    /// The [`Violation`] of the first event that failed, or a [`Fault::Bug`] if these are not
    /// all the block's events.
    pub fn finish<C, E: std::error::Error>(
        self,
        events: impl IntoIterator<Item = Result<CheckedEvent<C>, EventError<E>>>,
    ) -> Verdict<CheckedBlock<C>> {
        let mut checked = Vec::with_capacity(self.leaves.len());
        for (index, event) in events.into_iter().enumerate() {
            let event = event.map_err(|error| error.at(index))?;
            if self.leaves.get(index) != Some(&event.leaf()) {
                return Err(Fault::Bug(format!("event {index} is not of this block")).into());
            }
            checked.push(event);
        }
        if checked.len() != self.leaves.len() {
            return Err(Fault::Bug("not all events of a block were checked".into()).into());
        }
        let Self { header, commitment, weight, .. } = self;
        Ok(CheckedBlock { header, commitment, events: checked, weight })
    }
}

/// A block that passed every check that needs no state. Only the fold is left: every event
/// applied, and the state root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedBlock<C> {
    header: CheckedHeader,
    commitment: Commitment,
    events: Vec<CheckedEvent<C>>,
    weight: Weight,
}

impl<C> CheckedBlock<C> {
    /// The header and its place in the branch.
    #[must_use]
    pub const fn header(&self) -> &CheckedHeader {
        &self.header
    }

    /// What the header commits to.
    #[must_use]
    pub const fn commitment(&self) -> &Commitment {
        &self.commitment
    }

    /// The events, in the order of the fold.
    #[must_use]
    pub fn events(&self) -> &[CheckedEvent<C>] {
        &self.events
    }

    /// The weight of all events.
    #[must_use]
    pub const fn weight(&self) -> Weight {
        self.weight
    }

    /// The encoding of the body, as the store keeps it and [`Body::decode`] reads it.
    #[must_use]
    pub fn encoded_body(&self) -> Vec<u8> {
        join(self.events.iter().map(CheckedEvent::encoded))
    }

    /// What the fold may know of the block.
    #[must_use]
    pub const fn context(&self, genesis: BlockHash) -> BlockContext {
        BlockContext {
            height: self.header.info().height,
            parent: self.header.header().parent,
            parent_median_time: self.header.parent_median_time(),
            genesis,
        }
    }
}
