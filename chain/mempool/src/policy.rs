//! What this node takes in and how much of it. Each node may choose its own.

use crate::FeeRate;
use blocktree_consensus::Weight;
use blocktree_consensus::limits::MAX_NORMAL_WEIGHT;
use blocktree_primitives::{Amount, Span};

/// The pool's limits. The default is meant for a full node with a few hundred megabytes to spare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The lowest fee per weight that is taken in. Default: one base unit per unit of weight.
    pub relay_floor: FeeRate,
    /// By how many percent an event must pay more, in all and per weight, than the one whose nonce
    /// it takes over. Default: 10. It also pays the relay floor for its own weight on top, so that
    /// nobody makes the network carry replacements for nothing.
    pub replacement_step: u32,
    /// How many events of one signer may wait, and how far ahead of the signer's account a nonce
    /// may be. Default: 64 (docs/protocol.md §4). A reorganisation may put back more; those
    /// beyond stay, and only the nonces within are taken in.
    pub signer_window: u64,
    /// The weight above which no block has room for the event. Default: [`MAX_NORMAL_WEIGHT`],
    /// 1,500,000 (docs/protocol.md §4).
    pub max_event_weight: Weight,
    /// How many events may wait. Default: 100,000.
    pub max_events: usize,
    /// How many encoded bytes may wait. Default: 64 MiB. The events are held decoded as well, with
    /// about a kilobyte of indexes for each.
    pub max_bytes: usize,
    /// For how many blocks at least, the next one included, an event must still be valid to be
    /// taken in. Default: 2, so that a flood of events about to expire costs its sender something.
    pub min_life: Span,
    /// For how many blocks, at least one, an event may wait; then it expires here, whatever it
    /// says itself. Default: 20,160, two weeks at a block a minute.
    pub max_wait: Span,
    /// After how many refusals by templates, each at another tip, an event is dropped, so that its
    /// signer's nonce becomes free. Default: 8, which with the pauses between takes 127 blocks.
    pub max_refusals: u32,
    /// The longest pause between two attempts, in blocks; the first is 1 and each is twice the one
    /// before. Default: 64.
    pub max_pause: Span,
    /// Of how many dropped events the reason is remembered. Default: 100,000.
    pub max_drops: usize,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            relay_floor: FeeRate::new(Amount::from_units(1), 1),
            replacement_step: 10,
            signer_window: 64,
            max_event_weight: MAX_NORMAL_WEIGHT,
            max_events: 100_000,
            max_bytes: 64 << 20,
            min_life: Span(2),
            max_wait: Span(20_160),
            max_refusals: 8,
            max_pause: Span(64),
            max_drops: 100_000,
        }
    }
}

impl Policy {
    /// The lowest fee of an event of `weight` at `rate` that takes over the nonce of one that pays
    /// `replaced`.
    pub(crate) fn replacement_fee(&self, replaced: FeeRate, weight: Weight) -> Amount {
        let old = u128::from(replaced.fee().units());
        let percent = 100 + u128::from(self.replacement_step);
        // Three factors below 2^64, 2^33 and, since no heavier event is taken in, a block's weight.
        let by_rate = old
            .saturating_mul(percent)
            .saturating_mul(u128::from(weight))
            .div_ceil(u128::from(replaced.weight()).saturating_mul(100));
        let by_fee = old.saturating_mul(percent).div_ceil(100);
        let relayed = old + u128::from(self.relay_floor.fee_for(weight).units());
        let needed = by_rate.max(by_fee).max(relayed).max(old + 1);
        Amount::from_units(u64::try_from(needed).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replacement_pays_more_by_every_measure() {
        let policy = Policy::default();
        let free = Policy {
            relay_floor: FeeRate::new(Amount::ZERO, 1),
            replacement_step: 0,
            ..Policy::default()
        };
        for (policy, fee, old_weight, new_weight, needed) in [
            // 10,000 · 1.1 = 11,000, above 10,000 + 1 · 200.
            (&policy, 10_000, 200, 200, 11_000),
            // 1,001 · 1.1 = 1,101.1, rounded up, below 1,001 + 1 · 200 = 1,201.
            (&policy, 1_001, 200, 200, 1_201),
            // Twice the weight: 10,000 · 1.1 · 400 / 200 = 22,000.
            (&policy, 10_000, 200, 400, 22_000),
            // Half the weight: the rate needs 5,500 only, the fee 11,000.
            (&policy, 10_000, 200, 100, 11_000),
            // 10,001 · 1.1 = 11,001.1.
            (&policy, 10_001, 200, 200, 11_002),
            // Without floor and step still more than before.
            (&free, 0, 200, 200, 1),
            (&free, 7, 200, 200, 8),
            // More than any fee can be.
            (&policy, u64::MAX, 200, 200, u64::MAX),
        ] {
            let replaced = FeeRate::new(Amount::from_units(fee), old_weight);
            assert_eq!(
                policy.replacement_fee(replaced, new_weight).units(),
                needed,
                "{replaced} by {new_weight}"
            );
        }
    }
}
