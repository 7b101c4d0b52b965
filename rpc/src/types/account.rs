//! Principals, what they have and where they are, in JSON.

use super::call::address;
use super::{
    Binary, HashHex, OfferJson, PathText, PlacementJson, PrincipalText, StateProof, Units,
};
use blocktree_primitives::OfferId;
use pallet_coin::Account;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the ledger knows of a principal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Account")]
pub struct AccountJson {
    /// Known from its first event on.
    pub public_key: Option<Binary>,
    /// The nonce that its next event on the ledger must have.
    pub nonce: u64,
    /// What it can spend.
    pub free: Units,
    /// What is locked: pots, reserves, deposits, collateral.
    pub held: Units,
    /// Where it can be reached, if it has said so; perhaps expired.
    pub binding: Option<BindingJson>,
}

/// A principal's own word where it can be reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Binding")]
pub struct BindingJson {
    /// Multiaddrs, most preferred first.
    pub addresses: Vec<String>,
    /// The last height at which this counts.
    pub valid_until: u64,
    /// Held for it.
    pub deposit: Units,
}

/// Answer of `global_getPrincipal`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PrincipalInfo {
    /// Who.
    pub principal: PrincipalText,
    /// What the ledger knows; null if nothing.
    pub account: Option<AccountJson>,
    /// The nonce for the next event to be sent, those that wait in this node's pool counted.
    pub next_nonce: u64,
    /// If asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<StateProof>,
}

/// Answer of `global_getPublicKey`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicKeyInfo {
    /// Whose.
    pub principal: PrincipalText,
    /// The key; null until the principal's first event.
    pub public_key: Option<Binary>,
    /// If asked for: of the whole account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<StateProof>,
}

/// Answer of `global_getAddresses`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AddressInfo {
    /// Whose.
    pub principal: PrincipalText,
    /// Multiaddrs that count at the tip, most preferred first; none if there is no binding or it
    /// has expired.
    pub addresses: Vec<String>,
    /// The last height at which they count; null if there are none.
    pub valid_until: Option<u64>,
    /// If asked for: of the whole account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<StateProof>,
}

/// Answer of `global_getFragments`: where the fragments of a path are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FragmentInfo {
    /// The path.
    pub path: PathText,
    /// Its live offers, newest first; none if nothing is stored there.
    pub offers: Vec<OfferWithPlacements>,
    /// If asked for: of the path's list of offers. `global_getProof` gives those of the offers
    /// and placements.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<StateProof>,
}

/// An offer with all its live placements.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OfferWithPlacements {
    /// The offer.
    pub offer: OfferJson,
    /// Its live placements, by rising fragment id.
    pub placements: Vec<PlacementJson>,
}

/// A path with live offers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PathEntry {
    /// The path.
    pub path: PathText,
    /// Its live offers, newest first.
    pub offers: Vec<LiveOfferJson>,
}

/// A live offer in its path's list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "LiveOffer")]
pub struct LiveOfferJson {
    /// The offer.
    pub offer: HashHex<OfferId>,
    /// The version of the tree block that it is for.
    pub version: u64,
}

/// Answer of `global_getProof`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProofInfo {
    /// The proof.
    pub proof: StateProof,
}

impl From<&Account> for AccountJson {
    fn from(account: &Account) -> Self {
        Self {
            public_key: account.public_key.map(Binary::from),
            nonce: account.nonce,
            free: account.free.into(),
            held: account.held.into(),
            binding: account.binding.as_ref().map(|binding| BindingJson {
                addresses: binding.addresses.iter().map(|bytes| address(bytes)).collect(),
                valid_until: binding.valid_until.0,
                deposit: binding.deposit.into(),
            }),
        }
    }
}
