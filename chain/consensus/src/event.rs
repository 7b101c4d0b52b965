//! Single events, as far as no state is needed: the work that a block or the pool hands out to
//! as many threads as there are.

use crate::limits::MIN_EVENT_WEIGHT;
use crate::merkle;
use crate::runtime::{Runtime, SignatureCheck, Weight};
use crate::violation::Violation;
use blocktree_primitives::key::SignatureError;
use blocktree_primitives::{BlockHash, DecodeError, Event, EventId, Principal, decode_exact};
use parity_scale_codec::{Decode, Encode};

/// An event with its encoding, which its id, its leaf in the event root, its weight and the
/// store all need. The two always agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedEvent<C> {
    event: Event<C>,
    encoded: Vec<u8>,
}

impl<C: Encode + Decode> EncodedEvent<C> {
    /// Decodes an event that takes up all of `bytes`, of which there are at most `max`.
    ///
    /// # Errors
    /// See [`DecodeError`].
    pub fn decode(bytes: Vec<u8>, max: usize) -> Result<Self, DecodeError> {
        let event = decode_exact(&bytes, max)?;
        Ok(Self { event, encoded: bytes })
    }

    /// Decodes an event from the front of `bytes` and moves them past it.
    pub(crate) fn decode_front(bytes: &mut &[u8]) -> Result<Self, DecodeError> {
        let all = *bytes;
        let event =
            Event::decode(bytes).map_err(|error| DecodeError::Malformed(error.to_string()))?;
        let taken = all.len().saturating_sub(bytes.len());
        let encoded = all.get(..taken).unwrap_or_default().to_vec();
        Ok(Self { event, encoded })
    }
}

impl<C: Encode> From<Event<C>> for EncodedEvent<C> {
    fn from(event: Event<C>) -> Self {
        let encoded = event.encode();
        Self { event, encoded }
    }
}

impl<C> EncodedEvent<C> {
    /// The event.
    #[must_use]
    pub const fn event(&self) -> &Event<C> {
        &self.event
    }

    /// Its encoding.
    #[must_use]
    pub fn encoded(&self) -> &[u8] {
        &self.encoded
    }

    /// Its weight in a block: the runtime's word, but at least one per encoded byte and
    /// [`MIN_EVENT_WEIGHT`], so that the limit on weight is one on bytes and on events too.
    pub fn weight<R: Runtime<Call = C>>(&self, runtime: &R) -> Weight {
        let len = Weight::try_from(self.encoded.len()).unwrap_or(Weight::MAX);
        runtime.weight(&self.event, self.encoded.len()).max(len).max(MIN_EVENT_WEIGHT)
    }

    /// Its leaf in the event root.
    #[must_use]
    pub fn leaf(&self) -> [u8; 32] {
        merkle::hash_leaf(&self.encoded)
    }
}

/// Why an event is refused without a look at the state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError<E: std::error::Error> {
    /// It breaks a rule that needs no state.
    #[error(transparent)]
    Malformed(E),
    /// It is not signed by its signer.
    #[error(transparent)]
    Signature(SignatureError),
    /// A signature within its call fails.
    #[error("signature {index} of the call: {error}")]
    CallSignature {
        /// Which of the call's signatures, from 0.
        index: usize,
        /// What is wrong.
        error: SignatureError,
    },
}

impl<E: std::error::Error> EventError<E> {
    /// What it is for a block that holds the event at `index`.
    #[must_use]
    pub fn at(self, index: usize) -> Violation {
        match self {
            Self::Malformed(reason) => {
                Violation::EventMalformed { index, reason: reason.to_string() }
            }
            Self::Signature(error) => Violation::EventSignature { index, error },
            Self::CallSignature { index: signature, error } => {
                Violation::CallSignature { index, signature, error }
            }
        }
    }
}

/// An event that passed all checks that need no state; made by [`check_event`] only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedEvent<C> {
    event: EncodedEvent<C>,
    id: EventId,
    leaf: [u8; 32],
    author: Principal,
    weight: Weight,
    may_answer: bool,
}

impl<C> CheckedEvent<C> {
    /// Computes what is known of a checked event; whether it was checked is the caller's matter.
    pub(crate) fn assume<R: Runtime<Call = C>>(
        runtime: &R,
        genesis: &BlockHash,
        event: EncodedEvent<C>,
    ) -> Self
    where
        C: Encode,
    {
        Self {
            id: Event::<C>::id_of_encoded(event.encoded(), genesis),
            leaf: event.leaf(),
            author: event.event().author(),
            weight: event.weight(runtime),
            may_answer: runtime.may_answer(event.event()),
            event,
        }
    }

    /// The event.
    #[must_use]
    pub const fn event(&self) -> &Event<C> {
        self.event.event()
    }

    /// Its encoding.
    #[must_use]
    pub fn encoded(&self) -> &[u8] {
        self.event.encoded()
    }

    /// Its leaf in the event root.
    #[must_use]
    pub const fn leaf(&self) -> [u8; 32] {
        self.leaf
    }

    /// Its id on the chain that it was checked for.
    #[must_use]
    pub const fn id(&self) -> EventId {
        self.id
    }

    /// The principal of its signer.
    #[must_use]
    pub const fn author(&self) -> Principal {
        self.author
    }

    /// Its weight in a block.
    #[must_use]
    pub const fn weight(&self) -> Weight {
        self.weight
    }

    /// Whether it can be an event that answers challenges, for which blocks keep room
    /// (docs/protocol.md §4.5); whether it is one, only the fold knows.
    #[must_use]
    pub const fn may_answer(&self) -> bool {
        self.may_answer
    }
}

/// Checks an event for the chain that begins with `genesis`, as far as no state is needed: the
/// call's bounds, then the signer's signature, then those within the call. Events don't depend
/// on each other here.
///
/// # Errors
/// See [`EventError`].
pub fn check_event<R: Runtime>(
    runtime: &R,
    genesis: &BlockHash,
    event: EncodedEvent<R::Call>,
) -> Result<CheckedEvent<R::Call>, EventError<R::Refusal>> {
    runtime.check(event.event()).map_err(EventError::Malformed)?;
    let checked = CheckedEvent::assume(runtime, genesis, event);
    let event = checked.event();
    event.verify(&checked.id).map_err(EventError::Signature)?;
    let mut signatures: Vec<SignatureCheck> = Vec::new();
    runtime.signatures(genesis, event, &mut signatures);
    for (index, signature) in signatures.iter().enumerate() {
        signature.verify().map_err(|error| EventError::CallSignature { index, error })?;
    }
    Ok(checked)
}
