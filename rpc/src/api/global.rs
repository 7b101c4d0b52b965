//! `global_*`: the global state of the ledger at the tip, with proofs.

use super::context::{cut, page_len};
use super::storage::{offer_json, placements_json};
use super::{Api, def};
use crate::error::RpcError;
use crate::registry::Registry;
use crate::types::{
    AccountJson, AddressInfo, AtTip, Binary, FragmentInfo, HashHex, LiveOfferJson,
    OfferWithPlacements, Page, PathEntry, PathText, PrincipalInfo, PrincipalText, ProofInfo,
    PublicKeyInfo,
};
use blocktree_primitives::{OfferId, PlacementId, Principal};
use pallet_coin::Account;
use pallet_coin::account::PRINCIPALS;
use pallet_storage::read;
use pallet_storage::state::{OFFER_PLACEMENTS, OFFERS, PATHS, PLACEMENTS, PROVIDERS};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Parameters of methods about a principal.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PrincipalParams {
    /// Who.
    principal: PrincipalText,
    /// Whether a proof is wanted, of presence or absence.
    #[serde(default)]
    proof: Option<bool>,
}

/// Parameters of `global_getFragments`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PathParams {
    /// The path.
    path: PathText,
    /// Whether a proof is wanted, of presence or absence.
    #[serde(default)]
    proof: Option<bool>,
}

/// Parameters of `global_listPaths`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PrefixParams {
    /// The path at or below which to look.
    prefix: PathText,
    /// The cursor of the page before.
    #[serde(default)]
    cursor: Option<PathText>,
    /// Paths of a page, 1 to 500; 100 if left out.
    #[serde(default)]
    limit: Option<u32>,
}

/// Parameters of `global_getProof`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ProofParams {
    /// What is to be proved.
    query: Query,
}

/// An entry of the global state.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
enum Query {
    /// The account of a principal.
    Principal(PrincipalText),
    /// The live offers of a path.
    Path(PathText),
    /// An offer.
    Offer(HashHex<OfferId>),
    /// The ids of an offer's live placements.
    OfferPlacements(HashHex<OfferId>),
    /// A placement.
    Placement(HashHex<PlacementId>),
    /// A provider's entry.
    Provider(PrincipalText),
    /// Any entry, by its logical key.
    Key(Binary),
}

pub(super) fn register(registry: &mut Registry<Api>) {
    registry.method(
        def("global_getFragments", "Where the fragments of a path are.", 20),
        get_fragments,
    );
    registry.method(
        def("global_getPrincipal", "What the ledger knows of a principal.", 1),
        get_principal,
    );
    registry.method(def("global_getPublicKey", "A principal's public key.", 1), get_public_key);
    registry.method(
        def("global_getAddresses", "Where a principal can be reached, by its own word.", 1),
        get_addresses,
    );
    registry.blocking_method(
        def("global_listPaths", "The paths with live offers at or below a path.", 20),
        list_paths,
    );
    registry.method(
        def("global_getProof", "Proof of any entry of the global state, or of its absence.", 5),
        get_proof,
    );
}

/// An account with its proof, if one is wanted.
struct Found {
    at: super::context::Snapshot,
    principal: Principal,
    account: Option<Account>,
    proof: Option<crate::types::StateProof>,
}

fn find(api: &Api, params: &PrincipalParams) -> Result<Found, RpcError> {
    let principal = api.principal(&params.principal)?;
    let (at, proof) =
        api.at_tip_maybe_proved(|| PRINCIPALS.logical_key(&principal), params.proof)?;
    let account = PRINCIPALS.get(&at.state(), &principal)?;
    Ok(Found { at, principal, account, proof })
}

fn get_principal(api: &Api, params: PrincipalParams) -> Result<AtTip<PrincipalInfo>, RpcError> {
    let Found { at, principal, account, proof } = find(api, &params)?;
    let nonce = account.as_ref().map_or(0, |account| account.nonce);
    Ok(at.answer(PrincipalInfo {
        principal: api.show(&principal),
        account: account.as_ref().map(AccountJson::from),
        next_nonce: api.chain().pool().next_nonce(&principal, nonce),
        proof,
    }))
}

fn get_public_key(api: &Api, params: PrincipalParams) -> Result<AtTip<PublicKeyInfo>, RpcError> {
    let Found { at, principal, account, proof } = find(api, &params)?;
    Ok(at.answer(PublicKeyInfo {
        principal: api.show(&principal),
        public_key: account.and_then(|account| account.public_key).map(Binary::from),
        proof,
    }))
}

fn get_addresses(api: &Api, params: PrincipalParams) -> Result<AtTip<AddressInfo>, RpcError> {
    let Found { at, principal, account, proof } = find(api, &params)?;
    let tip = at.tip().height;
    let binding = account
        .as_ref()
        .filter(|account| account.binding.as_ref().is_some_and(|b| b.valid_until >= tip))
        .and_then(|account| AccountJson::from(account).binding);
    Ok(at.answer(AddressInfo {
        principal: api.show(&principal),
        valid_until: binding.as_ref().map(|binding| binding.valid_until),
        addresses: binding.map(|binding| binding.addresses).unwrap_or_default(),
        proof,
    }))
}

fn get_fragments(api: &Api, params: PathParams) -> Result<AtTip<FragmentInfo>, RpcError> {
    let path = api.path(&params.path)?;
    let (at, proof) = api.at_tip_maybe_proved(|| PATHS.logical_key(&path), params.proof)?;
    let state = at.state();
    let offers = read::offers_of_path(&state, &path)?.into_iter().map(|(id, offer)| {
        Ok(OfferWithPlacements {
            offer: offer_json(api, &at, &id, &offer)?,
            placements: placements_json(api, &at, read::placements_of_offer(&state, &id)?)?,
        })
    });
    let offers = offers.collect::<Result<Vec<_>, RpcError>>()?;
    let path = PathText::new(&path, api.network());
    Ok(at.answer(FragmentInfo { path, offers, proof }))
}

fn list_paths(api: &Api, params: PrefixParams) -> Result<Page<PathEntry>, RpcError> {
    let limit = page_len(params.limit)?;
    let prefix = api.path(&params.prefix)?;
    let after = params.cursor.map(|cursor| api.path(&cursor)).transpose()?;
    let at = api.at_tip();
    let mut rows = read::paths(&at.state(), &prefix, after.as_ref(), limit.saturating_add(1))?;
    let cursor = cut(&mut rows, limit, |(path, _)| path.to_text(api.network()));
    let items = rows.into_iter().map(|(path, offers)| PathEntry {
        path: PathText::new(&path, api.network()),
        offers: offers
            .iter()
            .map(|live| LiveOfferJson { offer: live.offer.into(), version: live.version })
            .collect(),
    });
    Ok(at.page(items.collect(), cursor))
}

fn get_proof(api: &Api, params: ProofParams) -> Result<AtTip<ProofInfo>, RpcError> {
    let key = match params.query {
        Query::Principal(text) => PRINCIPALS.logical_key(&api.principal(&text)?),
        Query::Path(text) => PATHS.logical_key(&api.path(&text)?),
        Query::Offer(id) => OFFERS.logical_key(&id.0),
        Query::OfferPlacements(id) => OFFER_PLACEMENTS.logical_key(&id.0),
        Query::Placement(id) => PLACEMENTS.logical_key(&id.0),
        Query::Provider(text) => PROVIDERS.logical_key(&api.principal(&text)?),
        Query::Key(key) => key.0,
    };
    let (at, proof) = api.at_tip_with_proof(&key)?;
    Ok(at.answer(ProofInfo { proof }))
}
