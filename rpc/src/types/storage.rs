//! Offers, placements, challenges and providers in JSON.

use super::{Binary, HashHex, PathText, PrincipalText, Units};
use blocktree_primitives::{ContentHash, FragmentRoot, Network, OfferId, PlacementId, Principal};
use pallet_storage::state::{Challenge, Offer, Pending, Placement, Provider};
use pallet_storage::{Code, Codec, Terms};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The erasure code of a tree block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Code")]
pub struct CodeJson {
    /// Which code.
    pub codec: CodecJson,
    /// Fragments that are enough to decode.
    pub k: u16,
    /// Fragments that are kept at a time.
    pub n: u16,
    /// Bytes of each fragment as stored.
    pub fragment_size: u64,
    /// The codec's own parameters.
    pub params: Binary,
}

/// Erasure codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Codec")]
pub enum CodecJson {
    /// RaptorQ.
    #[serde(rename = "raptorq")]
    RaptorQ,
    /// Reed-Solomon over GF(2^16).
    #[serde(rename = "reed-solomon")]
    ReedSolomon,
}

/// What each fragment's provider gets and stakes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Terms")]
pub struct TermsJson {
    /// Per fragment and period.
    pub payment: Units,
    /// Blocks from payment to payment.
    pub period: u64,
    /// How many payments.
    pub payments: u32,
    /// What the provider loses if it fails.
    pub collateral: Units,
}

/// A live offer of storage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Offer")]
pub struct OfferJson {
    /// The offer's id: that of the event that made it.
    pub offer: HashHex<OfferId>,
    /// Who pays.
    pub owner: PrincipalText,
    /// Where the tree block is.
    pub path: PathText,
    /// Which version of it.
    pub version: u64,
    /// How it becomes fragments.
    pub code: CodeJson,
    /// Over its header and encrypted payload.
    pub content_hash: HashHex<ContentHash>,
    /// What each fragment's provider gets and stakes.
    pub terms: TermsJson,
    /// The last block in which fragments may be placed.
    pub expires_at: u64,
    /// The block of the offer.
    pub created: u64,
    /// Whether it takes no more placements.
    pub cancelled: bool,
    /// Placements that are paid for already and not made yet.
    pub reserve: u16,
    /// What is held for the reserve.
    pub reserve_held: Units,
    /// Held for the offer.
    pub deposit: Units,
    /// Held for each placement.
    pub placement_deposit: Units,
    /// The highest fragment id placed so far; null before the first.
    pub last_fragment: Option<u32>,
    /// The live placements, by rising fragment id.
    pub placements: Vec<HashHex<PlacementId>>,
}

/// A live placement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Placement")]
pub struct PlacementJson {
    /// The placement's id.
    pub placement: HashHex<PlacementId>,
    /// Who pays.
    pub owner: PrincipalText,
    /// Who stores.
    pub provider: PrincipalText,
    /// The offer.
    pub offer: HashHex<OfferId>,
    /// The fragment's number in the erasure code.
    pub fragment_id: u32,
    /// The fragment's Merkle root.
    pub root: HashHex<FragmentRoot>,
    /// Bytes of the fragment.
    pub size: u64,
    /// Leaves of its Merkle tree.
    pub leaves: u64,
    /// Payment per period.
    pub payment: Units,
    /// Blocks of a period.
    pub period: u64,
    /// What the provider has at stake.
    pub collateral: Units,
    /// Held by the owner for the entry.
    pub deposit: Units,
    /// The block of the placing.
    pub start: u64,
    /// Through here payments are settled.
    pub last: u64,
    /// From here on the placement is matured.
    pub end: u64,
    /// 0 to 11; 12 ends the placement.
    pub score: u8,
    /// Drawing height of the last miss that counted.
    pub last_strike: Option<u64>,
    /// Drawing height of the last pass that counted.
    pub last_relief: Option<u64>,
    /// Place in the dense array that draws choose from.
    pub slot: u64,
    /// Whether the next block draws it because somebody demanded.
    pub demanded: bool,
    /// The challenge that waits for its answer; null if none does.
    pub challenge: Option<ChallengeJson>,
    /// Held by the owner for a demand that waits or is drawn.
    pub demand_deposit: Units,
    /// The owner's last demand.
    pub owner_demand: Option<u64>,
    /// The provider's last demand.
    pub provider_demand: Option<u64>,
    /// Whether the provider has used its one demand after the end.
    pub final_demand: bool,
}

/// A challenge that waits for its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Challenge")]
pub struct ChallengeJson {
    /// Its position in the queue, by age.
    pub position: u64,
    /// Which placement.
    pub placement: HashHex<PlacementId>,
    /// Who must answer.
    pub provider: PrincipalText,
    /// The leaf to prove.
    pub leaf: u64,
    /// The block whose fold drew it.
    pub opened: u64,
    /// The first block that can end it unanswered; where time passes slowly it ends later.
    pub expires_from: u64,
}

/// A provider's terms and record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Provider")]
pub struct ProviderJson {
    /// Who.
    pub provider: PrincipalText,
    /// The standing terms and the pot; null once the pot was withdrawn.
    pub standing: Option<StandingJson>,
    /// Held for the entry.
    pub deposit: Units,
    /// The record.
    #[serde(flatten)]
    pub record: AuditJson,
}

/// A provider's standing terms and its pot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Standing")]
pub struct StandingJson {
    /// Bytes of room, advisory.
    pub capacity: u64,
    /// The least payment per fragment and period.
    pub min_payment: Units,
    /// What the pot holds, unused.
    pub pot: Units,
    /// From this height on the pot can be freed; null before the first withdrawal.
    pub maturity: Option<u64>,
}

/// A provider's record, for whoever judges it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Audit")]
pub struct AuditJson {
    /// Its first announcement.
    pub since: u64,
    /// Live placements.
    pub placements: u64,
    /// Bytes of live placements, a string of decimal digits: they may pass 2^64.
    #[schemars(with = "String", regex(pattern = r"^(0|[1-9][0-9]{0,38})$"))]
    #[serde(with = "digits")]
    pub bytes: u128,
    /// Challenges answered.
    pub passed: u64,
    /// Challenges not answered.
    pub missed: u64,
    /// Misses that counted for a score.
    pub strikes: u64,
    /// Placements lost by their score.
    pub lost: u64,
}

mod digits {
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;

    pub(super) fn serialize<S: Serializer>(value: &u128, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u128, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

impl From<&Code> for CodeJson {
    fn from(code: &Code) -> Self {
        Self {
            codec: match code.codec {
                Codec::RaptorQ => CodecJson::RaptorQ,
                Codec::ReedSolomon => CodecJson::ReedSolomon,
            },
            k: code.k,
            n: code.n,
            fragment_size: code.fragment_size,
            params: Binary(code.params.to_vec()),
        }
    }
}

impl From<&Terms> for TermsJson {
    fn from(terms: &Terms) -> Self {
        Self {
            payment: terms.payment.into(),
            period: terms.period.0,
            payments: terms.payments,
            collateral: terms.collateral.into(),
        }
    }
}

impl OfferJson {
    /// An offer with its live placements.
    #[must_use]
    pub fn new(id: OfferId, offer: &Offer, live: Vec<PlacementId>, network: Network) -> Self {
        Self {
            offer: id.into(),
            owner: PrincipalText::new(&offer.owner, network),
            path: PathText::new(&offer.path, network),
            version: offer.version,
            code: (&offer.code).into(),
            content_hash: offer.content_hash.into(),
            terms: (&offer.terms).into(),
            expires_at: offer.expires_at.0,
            created: offer.created.0,
            cancelled: offer.cancelled,
            reserve: offer.reserve,
            // It was held once, so it fits.
            reserve_held: offer.held_in_reserve().unwrap_or_default().into(),
            deposit: offer.deposit.into(),
            placement_deposit: offer.placement_deposit.into(),
            last_fragment: offer.last_fragment,
            placements: live.into_iter().map(HashHex).collect(),
        }
    }
}

impl PlacementJson {
    /// A placement with its pending challenge, if it has one.
    #[must_use]
    pub fn new(
        id: PlacementId,
        placement: &Placement,
        challenge: Option<ChallengeJson>,
        network: Network,
    ) -> Self {
        Self {
            placement: id.into(),
            owner: PrincipalText::new(&placement.owner, network),
            provider: PrincipalText::new(&placement.provider, network),
            offer: placement.offer.into(),
            fragment_id: placement.fragment_id,
            root: placement.root.into(),
            size: placement.size,
            leaves: placement.leaves(),
            payment: placement.payment.into(),
            period: placement.period.0,
            collateral: placement.collateral.into(),
            deposit: placement.deposit.into(),
            start: placement.start.0,
            last: placement.last.0,
            end: placement.end.0,
            score: placement.score,
            last_strike: placement.last_strike.map(|height| height.0),
            last_relief: placement.last_relief.map(|height| height.0),
            slot: placement.slot,
            demanded: placement.pending == Pending::Demand,
            challenge,
            demand_deposit: placement.demand_deposit.into(),
            owner_demand: placement.owner_demand.map(|height| height.0),
            provider_demand: placement.provider_demand.map(|height| height.0),
            final_demand: placement.final_demand,
        }
    }
}

impl ChallengeJson {
    /// A challenge of the queue. `window`: blocks that a provider has for its answer.
    #[must_use]
    pub fn new(
        position: u64,
        challenge: &Challenge,
        provider: &Principal,
        window: u64,
        network: Network,
    ) -> Self {
        Self {
            position,
            placement: challenge.placement.into(),
            provider: PrincipalText::new(provider, network),
            leaf: challenge.leaf,
            opened: challenge.opened.0,
            expires_from: challenge.opened.0.saturating_add(window),
        }
    }
}

impl From<&Provider> for AuditJson {
    fn from(provider: &Provider) -> Self {
        Self {
            since: provider.since.0,
            placements: provider.placements,
            bytes: provider.bytes,
            passed: provider.passed,
            missed: provider.missed,
            strikes: provider.strikes,
            lost: provider.lost,
        }
    }
}

impl ProviderJson {
    /// A provider's entry.
    #[must_use]
    pub fn new(principal: &Principal, provider: &Provider, network: Network) -> Self {
        Self {
            provider: PrincipalText::new(principal, network),
            standing: provider.standing.as_ref().map(|standing| StandingJson {
                capacity: standing.capacity,
                min_payment: standing.min_payment.into(),
                pot: standing.pot.into(),
                maturity: standing.maturity.map(|height| height.0),
            }),
            deposit: provider.deposit.into(),
            record: provider.into(),
        }
    }
}
