//! Effects in JSON: what blocks and events did beyond what the events say.

use super::{HashHex, PathText, PrincipalText, Units};
use blocktree_primitives::{Network, OfferId, PlacementId, Principal};
use blocktree_runtime::Effect;
use pallet_storage::Removal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a block or one of its events did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
#[schemars(rename = "Effect")]
pub enum EffectJson {
    /// A provider's terms are new or replaced.
    #[serde(rename = "storage.announced")]
    Announced {
        /// Who.
        provider: PrincipalText,
        /// Bytes of room, advisory.
        capacity: u64,
        /// The least payment per fragment and period.
        min_payment: Units,
        /// The unused pot.
        pot: Units,
    },
    /// A provider is about to leave.
    #[serde(rename = "storage.withdrawalStarted")]
    WithdrawalStarted {
        /// Who.
        provider: PrincipalText,
        /// From this block on the pot can be freed.
        maturity: u64,
    },
    /// A provider's unused pot was freed.
    #[serde(rename = "storage.withdrawn")]
    Withdrawn {
        /// Who.
        provider: PrincipalText,
        /// The unused pot.
        freed: Units,
    },
    /// A provider without terms and placements was forgotten.
    #[serde(rename = "storage.providerRemoved")]
    ProviderRemoved {
        /// Who.
        provider: PrincipalText,
    },
    /// Storage is offered.
    #[serde(rename = "storage.offerOpened")]
    OfferOpened {
        /// The offer.
        offer: HashHex<OfferId>,
        /// The tree block's path.
        path: PathText,
        /// The tree block's version.
        version: u64,
        /// What was locked: all payments of all fragments, and deposits.
        locked: Units,
    },
    /// A fragment is placed.
    #[serde(rename = "storage.placed")]
    Placed {
        /// The placement.
        placement: HashHex<PlacementId>,
        /// The offer.
        offer: HashHex<OfferId>,
        /// The fragment.
        fragment_id: u32,
        /// Who pays.
        owner: PrincipalText,
        /// Who stores.
        provider: PrincipalText,
        /// The height from which it is matured.
        end: u64,
    },
    /// The next block will draw the placement.
    #[serde(rename = "storage.demanded")]
    Demanded {
        /// The placement.
        placement: HashHex<PlacementId>,
        /// Who stores.
        provider: PrincipalText,
        /// Who demanded.
        by: PrincipalText,
    },
    /// A placement is challenged.
    #[serde(rename = "storage.challengeOpened")]
    ChallengeOpened {
        /// The placement.
        placement: HashHex<PlacementId>,
        /// Who stores.
        provider: PrincipalText,
        /// The leaf to prove.
        leaf: u64,
        /// The block whose fold drew it.
        opened: u64,
        /// The first block that can end it unanswered.
        expires_from: u64,
    },
    /// A challenge was answered.
    #[serde(rename = "storage.passed")]
    Passed {
        /// The placement.
        placement: HashHex<PlacementId>,
        /// Who stores.
        provider: PrincipalText,
        /// The block whose fold drew the challenge.
        opened: u64,
        /// The placement's score now.
        score: u8,
        /// The demand's deposit, paid to the provider.
        demand_deposit: Units,
    },
    /// A challenge ended unanswered.
    #[serde(rename = "storage.missed")]
    Missed {
        /// The placement.
        placement: HashHex<PlacementId>,
        /// Who stores.
        provider: PrincipalText,
        /// The block whose fold drew the challenge.
        opened: u64,
        /// The placement's score now.
        score: u8,
        /// Periods whose payment is forfeit.
        periods: u64,
        /// What was burned for them.
        forfeited: Units,
    },
    /// A claim was paid, perhaps for no whole period.
    #[serde(rename = "storage.paid")]
    Paid {
        /// The placement.
        placement: HashHex<PlacementId>,
        /// Who stores.
        provider: PrincipalText,
        /// Periods paid.
        periods: u64,
        /// What the owner paid for them.
        gross: Units,
        /// The part of it that was burned.
        burned: Units,
        /// The height through which the placement is settled now.
        last: u64,
    },
    /// A placement ends later.
    #[serde(rename = "storage.extended")]
    Extended {
        /// The placement.
        placement: HashHex<PlacementId>,
        /// Who stores.
        provider: PrincipalText,
        /// The new end.
        end: u64,
    },
    /// Collateral was burned.
    #[serde(rename = "storage.collateralBurned")]
    CollateralBurned {
        /// The placement.
        placement: HashHex<PlacementId>,
        /// Who stored.
        provider: PrincipalText,
        /// How much.
        amount: Units,
    },
    /// A placement is gone.
    #[serde(rename = "storage.placementRemoved")]
    PlacementRemoved {
        /// The placement.
        placement: HashHex<PlacementId>,
        /// The offer.
        offer: HashHex<OfferId>,
        /// The fragment.
        fragment_id: u32,
        /// Who paid.
        owner: PrincipalText,
        /// Who stored.
        provider: PrincipalText,
        /// Why.
        reason: RemovalJson,
        /// Payments burned on the way.
        forfeited: Units,
        /// Unpaid payments and deposits, back to the owner.
        returned: Units,
    },
    /// An offer takes no more placements.
    #[serde(rename = "storage.offerCancelled")]
    OfferCancelled {
        /// The offer.
        offer: HashHex<OfferId>,
        /// The reserve, back to the owner.
        returned: Units,
    },
    /// An offer is gone.
    #[serde(rename = "storage.offerRemoved")]
    OfferRemoved {
        /// The offer.
        offer: HashHex<OfferId>,
        /// The tree block's path.
        path: PathText,
        /// The tree block's version.
        version: u64,
        /// The rest of its reserve and its deposit, back to the owner.
        returned: Units,
    },
}

/// Why a placement was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Removal")]
pub enum RemovalJson {
    /// It missed too many challenges.
    Score,
    /// Its provider left before its end.
    Exit,
    /// It was closed after its end by an event.
    Closed,
    /// It was closed by a draw, long after its end.
    ClosedByDraw,
}

impl EffectJson {
    /// An effect; principals are shown for `network`.
    #[must_use]
    pub fn new(effect: &Effect, network: Network) -> Self {
        match effect {
            Effect::Storage(effect) => storage(effect, network),
        }
    }
}

fn storage(effect: &pallet_storage::Effect, network: Network) -> EffectJson {
    use pallet_storage::Effect as E;
    let who = |principal: &Principal| PrincipalText::new(principal, network);
    match effect {
        E::Announced { provider, capacity, min_payment, pot } => EffectJson::Announced {
            provider: who(provider),
            capacity: *capacity,
            min_payment: (*min_payment).into(),
            pot: (*pot).into(),
        },
        E::WithdrawalStarted { provider, maturity } => {
            EffectJson::WithdrawalStarted { provider: who(provider), maturity: maturity.0 }
        }
        E::Withdrawn { provider, freed } => {
            EffectJson::Withdrawn { provider: who(provider), freed: (*freed).into() }
        }
        E::ProviderRemoved { provider } => EffectJson::ProviderRemoved { provider: who(provider) },
        E::OfferOpened { offer, path, version, locked } => EffectJson::OfferOpened {
            offer: (*offer).into(),
            path: PathText::new(path, network),
            version: *version,
            locked: (*locked).into(),
        },
        E::Placed { placement, offer, fragment_id, owner, provider, end } => EffectJson::Placed {
            placement: (*placement).into(),
            offer: (*offer).into(),
            fragment_id: *fragment_id,
            owner: who(owner),
            provider: who(provider),
            end: end.0,
        },
        E::Demanded { placement, provider, by } => EffectJson::Demanded {
            placement: (*placement).into(),
            provider: who(provider),
            by: who(by),
        },
        E::ChallengeOpened { placement, provider, leaf, opened, expires_from } => {
            EffectJson::ChallengeOpened {
                placement: (*placement).into(),
                provider: who(provider),
                leaf: *leaf,
                opened: opened.0,
                expires_from: expires_from.0,
            }
        }
        E::Passed { placement, provider, opened, score, demand_deposit } => EffectJson::Passed {
            placement: (*placement).into(),
            provider: who(provider),
            opened: opened.0,
            score: *score,
            demand_deposit: (*demand_deposit).into(),
        },
        E::Missed { placement, provider, opened, score, periods, forfeited } => {
            EffectJson::Missed {
                placement: (*placement).into(),
                provider: who(provider),
                opened: opened.0,
                score: *score,
                periods: *periods,
                forfeited: (*forfeited).into(),
            }
        }
        E::Paid { placement, provider, periods, gross, burned, last } => EffectJson::Paid {
            placement: (*placement).into(),
            provider: who(provider),
            periods: *periods,
            gross: (*gross).into(),
            burned: (*burned).into(),
            last: last.0,
        },
        E::Extended { placement, provider, end } => EffectJson::Extended {
            placement: (*placement).into(),
            provider: who(provider),
            end: end.0,
        },
        E::CollateralBurned { placement, provider, amount } => EffectJson::CollateralBurned {
            placement: (*placement).into(),
            provider: who(provider),
            amount: (*amount).into(),
        },
        E::PlacementRemoved {
            placement,
            offer,
            fragment_id,
            owner,
            provider,
            reason,
            forfeited,
            returned,
        } => EffectJson::PlacementRemoved {
            placement: (*placement).into(),
            offer: (*offer).into(),
            fragment_id: *fragment_id,
            owner: who(owner),
            provider: who(provider),
            reason: match reason {
                Removal::Score => RemovalJson::Score,
                Removal::Exit => RemovalJson::Exit,
                Removal::Closed => RemovalJson::Closed,
                Removal::ClosedByDraw => RemovalJson::ClosedByDraw,
            },
            forfeited: (*forfeited).into(),
            returned: (*returned).into(),
        },
        E::OfferCancelled { offer, returned } => {
            EffectJson::OfferCancelled { offer: (*offer).into(), returned: (*returned).into() }
        }
        E::OfferRemoved { offer, path, version, returned } => EffectJson::OfferRemoved {
            offer: (*offer).into(),
            path: PathText::new(path, network),
            version: *version,
            returned: (*returned).into(),
        },
    }
}
