//! The seam between consensus and the ledger's own rules. `pallets/runtime` implements it, once.

use blocktree_primitives::key::SignatureError;
use blocktree_primitives::{
    Amount, BlockHash, Event, EventId, Height, Principal, PublicKey, Signature,
};
use blocktree_state::{Fault, Overlay, View};
use core::fmt::Debug;
use parity_scale_codec::{Decode, Encode};

/// What an event costs a block (docs/protocol.md §4).
pub type Weight = u64;

/// What the fold may know of the block that it folds: only what a miner can't roll afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockContext {
    /// Height of the block being folded.
    pub height: Height,
    /// Hash of the block before: the beacon of its draws (docs/protocol.md §8.4).
    pub parent: BlockHash,
    /// Median time of the 11 headers up to and including the parent, seconds since 1970.
    pub parent_median_time: u32,
    /// Hash of genesis: in every signed message, so that none counts on another chain.
    pub genesis: BlockHash,
}

/// Why something was not done: somebody's fault, or ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure<E> {
    /// A rule refuses it; whoever sent it is to blame.
    Refused(E),
    /// Our disk or our code; the node stops.
    Fault(Fault),
}

impl<E> From<Fault> for Failure<E> {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl<E> Failure<E> {
    /// The same failure with its refusal named in wider terms.
    pub fn map<F>(self, widen: impl FnOnce(E) -> F) -> Failure<F> {
        match self {
            Self::Refused(refusal) => Failure::Refused(widen(refusal)),
            Self::Fault(fault) => Failure::Fault(fault),
        }
    }
}

/// A signature to check: independent of all state and of all others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureCheck {
    /// Who must have signed.
    pub key: PublicKey,
    /// The digest that must have been signed.
    pub digest: [u8; 32],
    /// The signature.
    pub signature: Signature,
}

impl SignatureCheck {
    /// Checks it.
    ///
    /// # Errors
    /// See [`SignatureError`].
    pub fn verify(&self) -> Result<(), SignatureError> {
        self.key.verify(&self.digest, &self.signature)
    }
}

/// What became of an event that was applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Whether it is a payout whose every claim answered a pending challenge: such events have
    /// room of their own in a block (docs/protocol.md §4).
    pub answers_challenges: bool,
}

/// What the pool must know of an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// The nonce that its next event must have.
    pub nonce: u64,
    /// What it can spend.
    pub free: Amount,
}

/// A conservation law that does not hold, or a fault while it was checked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuditError {
    /// The law, and the figures that break it.
    #[error("audit: {0}")]
    Broken(String),
    /// The audit could not read the state.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// The rules of the ledger's events: a pure function from state, context and events to state.
///
/// Order within a block (docs/protocol.md §3): [`begin_block`](Runtime::begin_block); each event
/// by [`apply_event`](Runtime::apply_event); [`end_block`](Runtime::end_block);
/// [`reward`](Runtime::reward) last, so that a template for another miner changes one key.
pub trait Runtime: Send + Sync + 'static {
    /// What events can do.
    type Call: Encode + Decode + Clone + Debug + PartialEq + Eq + Send + Sync + 'static;
    /// What blocks and events did, as far as the events themselves don't say it.
    type Effect: Encode + Decode + Clone + Debug + PartialEq + Eq + Send + Sync + 'static;
    /// Why an event is refused.
    type Refusal: std::error::Error + Clone + PartialEq + Eq + Send + Sync + 'static;

    /// Checks what needs no state: bounds, and relations between fields.
    ///
    /// # Errors
    /// The named reason.
    fn check(&self, event: &Event<Self::Call>) -> Result<(), Self::Refusal>;

    /// Adds the signatures within the call (the signer's own is not among them).
    fn signatures(
        &self,
        genesis: &BlockHash,
        event: &Event<Self::Call>,
        out: &mut Vec<SignatureCheck>,
    );

    /// The event's weight, given the length of its encoding in bytes.
    fn weight(&self, event: &Event<Self::Call>, encoded_len: usize) -> Weight;

    /// Whether the event can be one that answers challenges (docs/protocol.md §4.5), as far as can be
    /// told without the state: never false for one of which `apply_event` says so.
    fn may_answer(&self, event: &Event<Self::Call>) -> bool;

    /// Writes the state of genesis.
    ///
    /// # Errors
    /// A [`Fault`] only.
    fn genesis(&self, state: &mut Overlay<'_>) -> Result<(), Fault>;

    /// What a block does before its events. Total: it can't refuse.
    ///
    /// # Errors
    /// A [`Fault`] only.
    fn begin_block(
        &self,
        state: &mut Overlay<'_>,
        context: &BlockContext,
        effects: &mut Vec<Self::Effect>,
    ) -> Result<(), Fault>;

    /// Applies an event whose `check` and signatures passed. The caller takes back all writes
    /// if it is refused.
    ///
    /// # Errors
    /// The named reason, or a [`Fault`].
    fn apply_event(
        &self,
        state: &mut Overlay<'_>,
        context: &BlockContext,
        id: &EventId,
        event: &Event<Self::Call>,
        effects: &mut Vec<Self::Effect>,
    ) -> Result<Applied, Failure<Self::Refusal>>;

    /// What a block does after its events: expiries, then the pool's payout, which is returned
    /// and becomes part of the reward. Total: it can't refuse.
    ///
    /// # Errors
    /// A [`Fault`] only.
    fn end_block(
        &self,
        state: &mut Overlay<'_>,
        context: &BlockContext,
        effects: &mut Vec<Self::Effect>,
    ) -> Result<Amount, Fault>;

    /// Credits the miner with `fees`, the pool's payout and the base subsidy (B42, B43).
    ///
    /// # Errors
    /// A [`Fault`] only.
    fn reward(
        &self,
        state: &mut Overlay<'_>,
        context: &BlockContext,
        miner: &Principal,
        fees: Amount,
        pool_payout: Amount,
    ) -> Result<(), Fault>;

    /// The account of a principal; the default if there is none.
    ///
    /// # Errors
    /// A [`Fault`] only.
    fn account(&self, view: &dyn View, principal: &Principal) -> Result<Account, Fault>;

    /// Checks every conservation law of every pallet.
    ///
    /// # Errors
    /// The law that is broken.
    fn audit(&self, view: &dyn View) -> Result<(), AuditError>;
}
