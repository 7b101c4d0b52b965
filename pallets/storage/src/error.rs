//! Why storage refuses an event.

use blocktree_fragments::LeafError;
use blocktree_primitives::{Amount, Height, Principal, Span};
use pallet_support::Failure;

/// Refusals of storage's calls. Those that `check_call` finds need no state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The money for it is not there.
    #[error(transparent)]
    Coin(#[from] pallet_coin::Error),
    /// A sum that 64 bits don't hold.
    #[error("an amount is larger than any balance can be")]
    TooLarge,

    // announce, withdraw
    /// An announcement that lowers the pot.
    #[error("the pot holds {now} and can only be raised, not set to {given}")]
    PotLowered {
        /// What it holds.
        now: Amount,
        /// What was asked for.
        given: Amount,
    },
    /// There are no standing terms to withdraw or to place by.
    #[error("{0:?} has announced no terms")]
    NotAnnounced(Principal),
    /// The second withdrawal comes before the pot matures.
    #[error("the pot can be withdrawn from height {maturity} on")]
    NotMature {
        /// When the pot matures.
        maturity: Height,
    },

    // offer
    /// The signer is not the path's root principal.
    #[error("only the path's root principal can offer it")]
    NotRoot,
    /// Not 1 ≤ k ≤ n ≤ 256.
    #[error("{k} of {n} fragments: 1 ≤ k ≤ n ≤ 256 must hold")]
    BadCode {
        /// Fragments that are enough.
        k: u16,
        /// Fragments in all.
        n: u16,
    },
    /// A fragment of no bytes, or of more than 2^40.
    #[error("a fragment has 1 to 2^40 bytes, not {0}")]
    BadFragmentSize(u64),
    /// A payment of nothing.
    #[error("the payment is at least one base unit")]
    NoPayment,
    /// No payments.
    #[error("there is at least one payment")]
    NoPayments,
    /// No collateral.
    #[error("the collateral is at least one base unit")]
    NoCollateral,
    /// The period is below the target interval of challenges.
    #[error("a period of {period} blocks, at least {least} needed")]
    PeriodTooShort {
        /// The offer's.
        period: Span,
        /// The chain's target interval.
        least: Span,
    },
    /// More blocks than a placement may last.
    #[error("a placement lasts at most {most} blocks")]
    LastsTooLong {
        /// The bound.
        most: Span,
    },
    /// The payment is above the chain's cap.
    #[error("a payment of {payment}, at most {cap} allowed")]
    PaymentAboveCap {
        /// The offer's.
        payment: Amount,
        /// The cap.
        cap: Amount,
    },
    /// The collateral is above the chain's cap.
    #[error("a collateral of {collateral}, at most {cap} allowed")]
    CollateralAboveCap {
        /// The offer's.
        collateral: Amount,
        /// The cap.
        cap: Amount,
    },
    /// The offer expires before it is made.
    #[error("the offer expires at height {0}, which is past")]
    ExpiresInThePast(Height),
    /// The version does not exceed those of the path's live offers.
    #[error("version {given}, but version {live} of the path is live")]
    VersionNotNew {
        /// The newest live version.
        live: u64,
        /// The offer's.
        given: u64,
    },
    /// The path has 16 live offers already.
    #[error("the path has as many live offers as it can have")]
    TooManyOffers,

    // place, cancel
    /// No live offer has this id.
    #[error("there is no such offer")]
    NoSuchOffer,
    /// The signer is not the owner of the offer or placement.
    #[error("only the owner can do this")]
    NotOwner,
    /// Nothing to place.
    #[error("there is at least one acceptance")]
    NoAcceptance,
    /// The offer takes no more placements.
    #[error("the offer is cancelled")]
    OfferCancelled,
    /// The offer's last block for placing has passed.
    #[error("the offer expired at height {0}")]
    OfferExpired(Height),
    /// The accepted size is not the offer's.
    #[error("{accepted} bytes were accepted, the offer is of {offered}")]
    WrongSize {
        /// The acceptance's.
        accepted: u64,
        /// The offer's.
        offered: u64,
    },
    /// The acceptance's last block has passed.
    #[error("the acceptance was valid until height {0}")]
    AcceptanceStale(Height),
    /// The acceptance is valid for too long.
    #[error("the acceptance is valid until height {valid_until}, at most {latest} allowed")]
    AcceptanceTooLong {
        /// The acceptance's.
        valid_until: Height,
        /// The latest that counts now.
        latest: Height,
    },
    /// The acceptance outlives its provider's pot.
    #[error("the acceptance is valid until height {valid_until}, the pot leaves at {maturity}")]
    AcceptanceBeyondPot {
        /// The acceptance's.
        valid_until: Height,
        /// When the pot matures.
        maturity: Height,
    },
    /// The offer pays less than the provider's standing terms.
    #[error("the offer pays {payment}, the provider takes {least} or more")]
    BelowMinPayment {
        /// The offer's.
        payment: Amount,
        /// The provider's.
        least: Amount,
    },
    /// The pot does not cover the collateral.
    #[error("the pot holds {pot}, the collateral is {collateral}")]
    PotTooSmall {
        /// What is unused.
        pot: Amount,
        /// What is needed.
        collateral: Amount,
    },
    /// The fragment id does not exceed every id placed before.
    #[error("fragment {given} does not come after fragment {placed}")]
    FragmentIdUsed {
        /// The highest id placed so far.
        placed: u32,
        /// The acceptance's.
        given: u32,
    },
    /// As many fragments are live as the code has.
    #[error("all {0} fragments are placed")]
    FullyPlaced(u16),
    /// A stranger cancels an offer that has not expired.
    #[error("until height {0} only the owner can cancel")]
    NotExpired(Height),

    // demand
    /// No live placement has this id.
    #[error("there is no such placement")]
    NoSuchPlacement,
    /// The signer is neither owner nor provider.
    #[error("only the placement's owner and provider can demand")]
    NotParty,
    /// A challenge is pending or demanded already.
    #[error("a challenge is pending or demanded")]
    Pending,
    /// The block has as many demands as it can have.
    #[error("the block has as many demands as it can have")]
    TooManyDemands,
    /// The party's demand before is less than a period ago.
    #[error("the next demand of this party can come at height {0}")]
    DemandedRecently(Height),
    /// The time for this party's demands is over.
    #[error("the time for demands is over")]
    DemandTooLate,
    /// The provider's one demand after the end is used.
    #[error("the one demand after the end is used")]
    LastDemandUsed,

    // payout
    /// Nothing to pay.
    #[error("there is at least one claim")]
    NoClaim,
    /// Two claims for one placement.
    #[error("claims {0} and {1} are for one placement")]
    ClaimedTwice(usize, usize),
    /// A proof without a challenge.
    #[error("no challenge is pending")]
    NoChallenge,
    /// The proof is not of the challenged leaf.
    #[error("the proof fails: {0}")]
    BadProof(#[from] LeafError),
    /// A receipt while a challenge waits for its proof.
    #[error("a challenge is pending: a proof is needed")]
    ReceiptWhilePending,
    /// The receipt is signed by somebody else.
    #[error("the receipt is not the owner's")]
    ReceiptNotOwners,
    /// The receipt goes beyond the parent block.
    #[error("the receipt goes to height {through}, the parent is {parent}")]
    ReceiptAhead {
        /// The receipt's.
        through: Height,
        /// The parent's height.
        parent: Height,
    },
    /// The receipt pays no whole period.
    #[error("the receipt pays no whole period")]
    NothingToPay,

    // extend, exit, close
    /// The signer or the signature is not the provider's.
    #[error("only the provider can do this")]
    NotProvider,
    /// The placement ends at another height.
    #[error("the placement ends at height {0}")]
    WrongEnd(Height),
    /// The new end is not a positive number of periods after the old.
    #[error("the new end is not a whole number of periods later")]
    NotWholePeriods,
    /// The placement has matured.
    #[error("the placement matured at height {0}")]
    Matured(Height),
    /// The signer can close the placement only later.
    #[error("this signer can close from height {0} on")]
    CloseTooEarly(Height),
}

impl From<Error> for Failure<Error> {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}
