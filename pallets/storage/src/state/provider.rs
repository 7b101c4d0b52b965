//! A provider's entry.

use blocktree_primitives::{Amount, Height};
use parity_scale_codec::{Decode, Encode};

/// What the ledger knows of a provider: its terms and its record, for whoever judges it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Provider {
    /// Present from an announcement to the second withdrawal.
    pub standing: Option<Standing>,
    /// Held for this entry; returned as recorded.
    pub deposit: Amount,
    /// The first announcement of this entry.
    pub since: Height,
    /// Live placements.
    pub placements: u64,
    /// Bytes of live placements.
    pub bytes: u128,
    /// Challenges answered.
    pub passed: u64,
    /// Challenges not answered, those ended by an exit among them.
    pub missed: u64,
    /// Misses that counted for a score.
    pub strikes: u64,
    /// Placements lost by their score.
    pub lost: u64,
}

/// A provider's standing terms and its pot (docs/protocol.md §8.1).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Standing {
    /// Bytes of room. Advisory.
    pub capacity: u64,
    /// The least payment per fragment and period.
    pub min_payment: Amount,
    /// Held, and unused: collateral comes out of it and returns to it.
    pub pot: Amount,
    /// From this height on the pot can be freed, and no acceptance is valid longer. Set by the
    /// first withdrawal.
    pub maturity: Option<Height>,
}
