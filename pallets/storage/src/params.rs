//! Storage's part of the chainspec.

use crate::call::{MAX_LEAF_LEN, MAX_SIBLINGS};
use blocktree_primitives::{Amount, Height, Network, Span};
use pallet_support::{Weight, weights};
use parity_scale_codec::Encode;

/// Demands of one block at most, whatever the parameters.
pub const MAX_DEMANDS: usize = 256;
/// Blocks from now to a placement's end at most: some 8,000 years of minutes. Keeps heights in
/// range.
pub const MAX_LIFETIME: Span = Span(1 << 32);
/// Room kept in every block for payouts that answer challenges: 2,000,000 − 1,500,000
/// (docs/protocol.md §4).
pub const CLAIM_ROOM: Weight = 500_000;
/// What an event weighs with one claim, the largest proof there can be. Bytes: signer 32,
/// nonce 8, fee 8, valid_until 9, two call indices 2, count 1, signature 64; placement 32,
/// evidence index 1, leaf 2 + 256, siblings 1 + 32 · 32.
pub const CLAIM_WEIGHT: Weight = {
    let event = 32 + 8 + 8 + 9 + 2 + 1 + 64;
    let proof = 32 + 1 + 2 + MAX_LEAF_LEN + 1 + MAX_SIBLINGS * 32;
    (event + proof) as Weight + weights::SIGNATURE + weights::PROOF
};
/// Score of a placement at which it is removed (docs/protocol.md §8.7).
pub const SCORE_LIMIT: u8 = 12;
/// What a counted miss adds to the score.
pub const STRIKE: u8 = 4;
/// Parts in β's unit.
pub const PPM: u64 = 1_000_000;

/// The parameters of storage, constant for a chain. Symbols are those of docs/protocol.md §8;
/// docs/economics.md has the reasons for the values.
#[derive(Clone, Debug, PartialEq, Eq, Encode)]
pub struct Params {
    /// K: draws of a block at most.
    pub draws: u32,
    /// D: demands of a block at most.
    pub demands: u32,
    /// T: mean blocks between challenges of a placement while there are at most K · T.
    pub interval: Span,
    /// W: blocks that a provider has for its answer at least.
    pub window: Span,
    /// W · spacing / 2: seconds of median time that a provider has at least; 0 on dev.
    pub window_seconds: u32,
    /// STRIKE_GAP: blocks between misses that count, and between passes that count.
    pub strike_gap: Span,
    /// GRACE: blocks from a placement's end until anyone can close it.
    pub grace: Span,
    /// β: the share of a payment that is burned, in millionths.
    pub burn_ppm: u32,
    /// PLACE_BURN: burned by the owner for each placement.
    pub place_burn: Amount,
    /// Held for a provider's record.
    pub provider_deposit: Amount,
    /// Held for an offer.
    pub offer_deposit: Amount,
    /// Held for each placement, from the offer on.
    pub placement_deposit: Amount,
    /// Held for an owner's demand; a pass pays it to the provider.
    pub demand_deposit: Amount,
    /// The largest payment per fragment and period.
    pub max_payment: Amount,
    /// The largest collateral.
    pub max_collateral: Amount,
    /// Blocks that an acceptance is valid beyond its placing at most.
    pub acceptance_validity: Span,
    /// Blocks from a provider's first withdrawal to the pot's maturity.
    pub withdrawal_delay: Span,
}

/// Why parameters are refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParamsError {
    /// K, D, T, W or STRIKE_GAP is zero.
    #[error("{0} must be at least 1")]
    Zero(&'static str),
    /// T > W does not hold: a placement would be drawn while it is still challenged.
    #[error("the interval must be longer than the window")]
    IntervalNotAboveWindow,
    /// GRACE > 2 W does not hold: a provider's last demand would not fit.
    #[error("the grace must be longer than two windows")]
    GraceTooShort,
    /// β is above the whole.
    #[error("the burned share is above 1,000,000 millionths")]
    BurnAboveWhole,
    /// D is above [`MAX_DEMANDS`].
    #[error("a block has at most {MAX_DEMANDS} demands")]
    TooManyDemands,
    /// (K + D) · claim weight is above the room kept for claims.
    #[error("answers to all challenges of a block could weigh {0}, above {CLAIM_ROOM}")]
    AnswersTooHeavy(Weight),
    /// The pot could leave before an acceptance that was signed earlier ends.
    #[error("the withdrawal delay must be longer than acceptances are valid")]
    WithdrawalTooEarly,
    /// A span is so long that heights could overflow.
    #[error("a span is longer than 2^32 blocks")]
    SpanTooLong,
}

impl Params {
    /// Refuses parameters with which the rules don't hold.
    ///
    /// # Errors
    /// See [`ParamsError`].
    pub fn check(&self) -> Result<(), ParamsError> {
        for (name, value) in [
            ("draws", u64::from(self.draws)),
            ("demands", u64::from(self.demands)),
            ("interval", self.interval.0),
            ("window", self.window.0),
            ("strike_gap", self.strike_gap.0),
            ("acceptance_validity", self.acceptance_validity.0),
            ("max_payment", self.max_payment.units()),
            ("max_collateral", self.max_collateral.units()),
        ] {
            if value == 0 {
                return Err(ParamsError::Zero(name));
            }
        }
        let spans = [
            self.interval,
            self.window,
            self.strike_gap,
            self.grace,
            self.acceptance_validity,
            self.withdrawal_delay,
        ];
        if spans.iter().any(|span| *span > MAX_LIFETIME) {
            return Err(ParamsError::SpanTooLong);
        }
        if self.interval <= self.window {
            return Err(ParamsError::IntervalNotAboveWindow);
        }
        if self.grace.0 <= self.window.0 * 2 {
            return Err(ParamsError::GraceTooShort);
        }
        if u64::from(self.burn_ppm) > PPM {
            return Err(ParamsError::BurnAboveWhole);
        }
        if usize::try_from(self.demands).map_or(true, |demands| demands > MAX_DEMANDS) {
            return Err(ParamsError::TooManyDemands);
        }
        let answers = (u64::from(self.draws) + u64::from(self.demands)) * CLAIM_WEIGHT;
        if answers > CLAIM_ROOM {
            return Err(ParamsError::AnswersTooHeavy(answers));
        }
        if self.withdrawal_delay <= self.acceptance_validity {
            return Err(ParamsError::WithdrawalTooEarly);
        }
        Ok(())
    }

    /// Entries of the challenge queue that a block looks at, at most: 2 (K + D).
    pub(crate) fn expiries(&self) -> u64 {
        2 * (u64::from(self.draws) + u64::from(self.demands))
    }

    /// What one miss costs its provider at most, as docs/economics.md counts it: the collateral
    /// and four payments.
    #[must_use]
    pub fn stake_per_hit(&self) -> Option<Amount> {
        self.max_payment.checked_mul(4)?.checked_add(self.max_collateral)
    }

    /// The last height at which 16 stakes are not more than the base subsidy: until then,
    /// withholding a block to dodge a draw loses more than it saves. `None` if never.
    #[must_use]
    pub fn stakes_covered_until(&self, coin: &pallet_coin::Params) -> Option<Height> {
        let needed = self.stake_per_hit()?.checked_mul(16)?;
        let halvings = (0..64u32)
            .take_while(|halving| coin.subsidy.units() >> halving >= needed.units())
            .count();
        let blocks = u64::try_from(halvings).ok()?.checked_mul(coin.halving_interval)?;
        (blocks > 0).then_some(Height(blocks))
    }

    /// The values of docs/economics.md for a network.
    #[must_use]
    pub const fn recommended(network: Network) -> Self {
        const COIN: u64 = blocktree_primitives::amount::UNITS_PER_COIN;
        let money = Self {
            draws: 256,
            demands: 32,
            interval: Span(1440),
            window: Span(720),
            window_seconds: 720 * 60 / 2,
            strike_gap: Span(1440),
            grace: Span(2880),
            burn_ppm: 50_000,
            place_burn: Amount::from_units(COIN / 1000),
            provider_deposit: Amount::from_units(COIN / 10),
            offer_deposit: Amount::from_units(COIN / 100),
            placement_deposit: Amount::from_units(COIN / 100),
            demand_deposit: Amount::from_units(COIN / 1000),
            max_payment: Amount::from_units(COIN * 3 / 100),
            max_collateral: Amount::from_units(COIN / 4),
            acceptance_validity: Span(1440),
            withdrawal_delay: Span(2880),
        };
        match network {
            Network::Main => money,
            Network::Test => Self {
                draws: 64,
                interval: Span(120),
                window: Span(60),
                window_seconds: 60 * 60 / 2,
                strike_gap: Span(120),
                grace: Span(240),
                ..money
            },
            Network::Dev => Self {
                draws: 16,
                demands: 16,
                interval: Span(12),
                window: Span(10),
                window_seconds: 0,
                strike_gap: Span(10),
                grace: Span(24),
                acceptance_validity: Span(240),
                withdrawal_delay: Span(300),
                ..money
            },
        }
    }
}
