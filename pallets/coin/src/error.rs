//! Why the coin refuses an event.

use blocktree_primitives::Amount;
use pallet_support::Failure;

/// Refusals of transfers, and of everything that moves money or uses a nonce.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The event's last block has passed.
    #[error("the event has expired")]
    Expired,
    /// The nonce is below the account's: the event was replaced or is already on the ledger.
    #[error("nonce {given} was used already, the next is {expected}")]
    NonceUsed {
        /// The account's next nonce.
        expected: u64,
        /// The event's.
        given: u64,
    },
    /// The nonce is above the account's: events before it are missing.
    #[error("nonce {given} comes too early, the next is {expected}")]
    NonceAhead {
        /// The account's next nonce.
        expected: u64,
        /// The event's.
        given: u64,
    },
    /// The free balance does not cover what is to be spent or held.
    #[error("the free balance is {free}, {needed} base units are needed")]
    Overdraft {
        /// What is there.
        free: Amount,
        /// What is needed.
        needed: Amount,
    },
    /// The signer's free balance would fall below the floor.
    #[error("the free balance would fall to {left}, at least {floor} base units must stay")]
    BelowFloor {
        /// What would be left.
        left: Amount,
        /// What must be left.
        floor: Amount,
    },
    /// A transfer that creates an account carries less than the floor.
    #[error("{amount} is too little for a new account, at least {floor} base units")]
    TooLittleForNewAccount {
        /// What the transfer carries.
        amount: Amount,
        /// What it must carry.
        floor: Amount,
    },
    /// A transfer of nothing.
    #[error("a transfer moves at least one base unit")]
    NothingToMove,
    /// A sum that 64 bits don't hold.
    #[error("an amount is larger than any balance can be")]
    TooLarge,
}

impl From<Error> for Failure<Error> {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}
