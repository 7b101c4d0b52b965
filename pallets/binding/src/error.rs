//! Why a binding is refused.

use blocktree_primitives::Height;
use pallet_support::Failure;

/// Refusals of `bind` and `unbind`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No address.
    #[error("a binding has at least one address")]
    NoAddress,
    /// The addresses together are too long.
    #[error("the addresses take {0} bytes together, at most 512 allowed")]
    AddressesTooLong(usize),
    /// Not the text form of a multiaddr.
    #[error("address {0} is not a multiaddr: it begins with / and has printable ASCII only")]
    NotAMultiaddr(usize),
    /// Its last height has passed already.
    #[error("the binding would end at height {0}, which has passed")]
    EndsInThePast(Height),
    /// It reaches too far into the future.
    #[error("the binding would end at height {end}, at most {latest} allowed")]
    EndsTooLate {
        /// What was asked.
        end: Height,
        /// What is allowed in this block.
        latest: Height,
    },
    /// Nothing to unbind.
    #[error("there is no binding to end")]
    NotBound,
    /// The deposit can't be held.
    #[error(transparent)]
    Coin(#[from] pallet_coin::Error),
}

impl From<Error> for Failure<Error> {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}
