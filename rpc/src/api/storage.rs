//! `storage_*`: offers, placements, challenges and providers at the tip.

use super::context::{Snapshot, cut, page_len};
use super::{Api, def};
use crate::error::{RpcError, interface};
use crate::registry::Registry;
use crate::types::{
    AtTip, AuditJson, ChallengeJson, HashHex, OfferJson, Page, PathText, PlacementJson,
    PrincipalText, ProviderJson,
};
use blocktree_primitives::{BlockPath, OfferId, PlacementId, Principal};
use blocktree_state::{BigEndian, Fault};
use core::ops::ControlFlow;
use pallet_storage::read;
use pallet_storage::state::{
    CHALLENGES, Challenge, OFFERS, Offer, PLACEMENTS, Placement, Provider,
};
use parity_scale_codec::Encode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Parameters of `storage_getOffer`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct OfferParams {
    /// The offer's id.
    offer: HashHex<OfferId>,
}

/// Parameters of `storage_getPlacement`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PlacementParams {
    /// The placement's id.
    placement: HashHex<PlacementId>,
}

/// Parameters of methods about a provider.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ProviderParams {
    /// The provider.
    provider: PrincipalText,
}

/// Parameters of `storage_listOffers`: of a path, of an owner, or all.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ListOffersParams {
    /// Only those of this path, newest first; all on one page.
    #[serde(default)]
    path: Option<PathText>,
    /// Only those of this owner, by path.
    #[serde(default)]
    owner: Option<PrincipalText>,
    /// The cursor of the page before.
    #[serde(default)]
    cursor: Option<String>,
    /// Rows of a page, 1 to 500; 100 if left out. Of an owner: paths, each with all its offers.
    #[serde(default)]
    limit: Option<u32>,
}

/// Parameters of `storage_listPlacements`: of an offer, of a provider, or all.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ListPlacementsParams {
    /// Only those of this offer, by rising fragment id; all on one page.
    #[serde(default)]
    offer: Option<HashHex<OfferId>>,
    /// Only those of this provider, by id.
    #[serde(default)]
    provider: Option<PrincipalText>,
    /// The cursor of the page before.
    #[serde(default)]
    cursor: Option<HashHex<PlacementId>>,
    /// Rows of a page, 1 to 500; 100 if left out.
    #[serde(default)]
    limit: Option<u32>,
}

/// Parameters of lists that are asked for as a whole.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ListParams {
    /// The cursor of the page before.
    #[serde(default)]
    cursor: Option<String>,
    /// Rows of a page, 1 to 500; 100 if left out.
    #[serde(default)]
    limit: Option<u32>,
}

pub(super) fn register(registry: &mut Registry<Api>) {
    registry.method(def("storage_getOffer", "A live offer.", 2), get_offer);
    registry.blocking_method(
        def("storage_listOffers", "Live offers: of a path, of an owner, or all.", 50),
        list_offers,
    );
    registry.method(
        def("storage_getPlacement", "A live placement, with its pending challenge.", 2),
        get_placement,
    );
    registry.blocking_method(
        def("storage_listPlacements", "Live placements: of an offer, of a provider, or all.", 50),
        list_placements,
    );
    registry
        .method(def("storage_getProvider", "A provider's terms, pot and record.", 1), get_provider);
    registry.blocking_method(
        def("storage_listProviders", "All providers, in the order of their principals.", 50),
        list_providers,
    );
    registry.blocking_method(
        def("storage_listChallenges", "Challenges that wait for their answer, oldest first.", 50),
        list_challenges,
    );
    registry.method(
        def("storage_getAudit", "A provider's record: passed, missed, strikes, since when.", 1),
        get_audit,
    );
}

fn no_such(what: &str) -> RpcError {
    RpcError::refused(&interface::NOT_FOUND, format!("there is no such {what}"))
}

/// An offer with the ids of its live placements.
pub(super) fn offer_json(
    api: &Api,
    at: &Snapshot,
    id: &OfferId,
    offer: &Offer,
) -> Result<OfferJson, RpcError> {
    let live = pallet_storage::state::OFFER_PLACEMENTS.get(&at.state(), id)?;
    let live = live.map(|live| live.to_vec()).unwrap_or_default();
    Ok(OfferJson::new(*id, offer, live, api.network()))
}

/// Placements with their pending challenges.
pub(super) fn placements_json(
    api: &Api,
    at: &Snapshot,
    placements: Vec<(PlacementId, Placement)>,
) -> Result<Vec<PlacementJson>, RpcError> {
    let json = |(id, placement)| placement_json(api, at, id, &placement);
    placements.into_iter().map(json).collect()
}

fn placement_json(
    api: &Api,
    at: &Snapshot,
    id: PlacementId,
    placement: &Placement,
) -> Result<PlacementJson, RpcError> {
    let challenge = match placement.challenge() {
        None => None,
        Some(position) => {
            let challenge = CHALLENGES.get(&at.state(), &BigEndian(position))?;
            let missing = || Fault::Corrupt("a pending challenge is not in the queue".into());
            let challenge = challenge.ok_or_else(missing)?;
            Some(challenge_json(api, position, &challenge, &placement.provider))
        }
    };
    Ok(PlacementJson::new(id, placement, challenge, api.network()))
}

fn challenge_json(
    api: &Api,
    position: u64,
    challenge: &Challenge,
    provider: &Principal,
) -> ChallengeJson {
    let window = api.chain().runtime().params().storage.window.0;
    ChallengeJson::new(position, challenge, provider, window, api.network())
}

fn get_offer(api: &Api, params: OfferParams) -> Result<AtTip<OfferJson>, RpcError> {
    let at = api.at_tip();
    let id = params.offer.0;
    let offer = read::offer(&at.state(), &id)?.ok_or_else(|| no_such("offer"))?;
    let json = offer_json(api, &at, &id, &offer)?;
    Ok(at.answer(json))
}

fn list_offers(api: &Api, params: ListOffersParams) -> Result<Page<OfferJson>, RpcError> {
    let limit = page_len(params.limit)?;
    let at = api.at_tip();
    let (rows, cursor) = match (params.path, params.owner) {
        (Some(_), Some(_)) => {
            return Err(RpcError::invalid_params("give path or owner, not both"));
        }
        (Some(path), None) => (read::offers_of_path(&at.state(), &api.path(&path)?)?, None),
        (None, Some(owner)) => {
            let owner = api.principal(&owner)?;
            offers_of_owner(api, &at, owner, params.cursor, limit)?
        }
        (None, None) => all_offers(&at, params.cursor, limit)?,
    };
    let json = |(id, offer): &(OfferId, Offer)| offer_json(api, &at, id, offer);
    let items = rows.iter().map(json).collect::<Result<Vec<_>, _>>()?;
    Ok(at.page(items, cursor))
}

type Offers = (Vec<(OfferId, Offer)>, Option<String>);

/// The signer of an offer is its path's root, so an owner's offers are those below its root.
fn offers_of_owner(
    api: &Api,
    at: &Snapshot,
    owner: Principal,
    cursor: Option<String>,
    limit: usize,
) -> Result<Offers, RpcError> {
    let root = BlockPath::new(owner, Vec::new())
        .map_err(|error| Fault::Bug(format!("the path of a root: {error}")))?;
    let after = cursor.map(|cursor| api.path(&PathText(cursor))).transpose()?;
    let state = at.state();
    let mut paths = read::paths(&state, &root, after.as_ref(), limit.saturating_add(1))?;
    let cursor = cut(&mut paths, limit, |(path, _)| path.to_text(api.network()));
    let mut offers = Vec::new();
    for (path, _) in &paths {
        offers.extend(read::offers_of_path(&state, path)?);
    }
    Ok((offers, cursor))
}

fn all_offers(at: &Snapshot, cursor: Option<String>, limit: usize) -> Result<Offers, RpcError> {
    let after = cursor.map(|cursor| cursor.parse::<HashHex<OfferId>>()).transpose()?;
    let after = after.map(|after| after.0);
    let mut rows = Vec::new();
    let from = after.map(|id| id.encode()).unwrap_or_default();
    OFFERS.scan(&at.state(), &from, |id, offer| {
        collect(&mut rows, limit, after == Some(id), (id, offer))
    })?;
    let cursor = cut(&mut rows, limit, |(id, _)| id.to_string());
    Ok((rows, cursor))
}

/// Takes a row, and one more than `limit` to know whether there are more.
fn collect<T>(rows: &mut Vec<T>, limit: usize, seen: bool, row: T) -> ControlFlow<()> {
    if rows.len() > limit {
        return ControlFlow::Break(());
    }
    if !seen {
        rows.push(row);
    }
    ControlFlow::Continue(())
}

fn get_placement(api: &Api, params: PlacementParams) -> Result<AtTip<PlacementJson>, RpcError> {
    let at = api.at_tip();
    let id = params.placement.0;
    let placement = read::placement(&at.state(), &id)?.ok_or_else(|| no_such("placement"))?;
    let json = placement_json(api, &at, id, &placement)?;
    Ok(at.answer(json))
}

fn list_placements(
    api: &Api,
    params: ListPlacementsParams,
) -> Result<Page<PlacementJson>, RpcError> {
    let limit = page_len(params.limit)?;
    let after = params.cursor.map(|cursor| cursor.0);
    let at = api.at_tip();
    let state = at.state();
    let (mut rows, whole) = match (params.offer, params.provider) {
        (Some(_), Some(_)) => {
            return Err(RpcError::invalid_params("give offer or provider, not both"));
        }
        (Some(offer), None) => (read::placements_of_offer(&state, &offer.0)?, true),
        (None, Some(provider)) => {
            let (provider, limit) = (api.principal(&provider)?, limit.saturating_add(1));
            (read::placements_of_provider(&state, &provider, after.as_ref(), limit)?, false)
        }
        (None, None) => {
            let mut rows = Vec::new();
            let from = after.map(|id| id.encode()).unwrap_or_default();
            PLACEMENTS.scan(&state, &from, |id, placement| {
                collect(&mut rows, limit, after == Some(id), (id, placement))
            })?;
            (rows, false)
        }
    };
    let cursor = match whole {
        true => None,
        false => cut(&mut rows, limit, |(id, _)| id.to_string()),
    };
    let items = placements_json(api, &at, rows)?;
    Ok(at.page(items, cursor))
}

fn find_provider(
    api: &Api,
    params: &ProviderParams,
) -> Result<(Snapshot, Principal, Provider), RpcError> {
    let principal = api.principal(&params.provider)?;
    let at = api.at_tip();
    let provider = read::provider(&at.state(), &principal)?.ok_or_else(|| no_such("provider"))?;
    Ok((at, principal, provider))
}

fn get_provider(api: &Api, params: ProviderParams) -> Result<AtTip<ProviderJson>, RpcError> {
    let (at, principal, provider) = find_provider(api, &params)?;
    Ok(at.answer(ProviderJson::new(&principal, &provider, api.network())))
}

fn get_audit(api: &Api, params: ProviderParams) -> Result<AtTip<AuditJson>, RpcError> {
    let (at, _, provider) = find_provider(api, &params)?;
    Ok(at.answer(AuditJson::from(&provider)))
}

fn list_providers(api: &Api, params: ListParams) -> Result<Page<ProviderJson>, RpcError> {
    let limit = page_len(params.limit)?;
    let after = params.cursor.map(|cursor| api.principal(&PrincipalText(cursor))).transpose()?;
    let at = api.at_tip();
    let mut rows = read::providers(&at.state(), after.as_ref(), limit.saturating_add(1))?;
    let cursor = cut(&mut rows, limit, |(principal, _)| api.show(principal).0);
    let json = |(principal, provider): &(Principal, Provider)| {
        ProviderJson::new(principal, provider, api.network())
    };
    Ok(at.page(rows.iter().map(json).collect(), cursor))
}

fn list_challenges(api: &Api, params: ListParams) -> Result<Page<ChallengeJson>, RpcError> {
    let limit = page_len(params.limit)?;
    let position = |cursor: String| cursor.parse::<u64>().map_err(|_| BadCursor);
    let from = params.cursor.map(position).transpose()?;
    let at = api.at_tip();
    let state = at.state();
    // The cursor is the last position that was seen.
    let from = from.map_or(0, |last| last.saturating_add(1));
    let mut rows = read::challenges(&state, from, limit.saturating_add(1))?;
    let cursor = cut(&mut rows, limit, |(position, _)| position.to_string());
    let json = |(position, challenge): &(u64, Challenge)| {
        let placement = read::placement(&state, &challenge.placement)?;
        let missing = || Fault::Corrupt("a challenge is of no live placement".into());
        let provider = placement.ok_or_else(missing)?.provider;
        Ok(challenge_json(api, *position, challenge, &provider))
    };
    let items = rows.iter().map(json).collect::<Result<Vec<_>, RpcError>>()?;
    Ok(at.page(items, cursor))
}

/// A cursor that no page gave.
struct BadCursor;

impl From<BadCursor> for RpcError {
    fn from(_: BadCursor) -> Self {
        Self::invalid_params("the cursor is not one that a page gave")
    }
}
