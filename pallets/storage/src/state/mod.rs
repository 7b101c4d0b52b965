//! The maps of storage (docs/protocol.md §5, §8). Entries are written only by `apply`.

mod offer;
mod placement;
mod provider;
mod queue;

pub use offer::{LiveOffer, MAX_LIVE_OFFERS, Offer, OfferList, PlacementList};
pub use placement::{Pending, Placement};
pub use provider::{Provider, Standing};
pub use queue::{Challenge, DemandList, QueueEnds, Stored};

use blocktree_primitives::{BlockPath, OfferId, PlacementId, Principal};
use blocktree_state::{BigEndian, Cell, Fault, Map};
use pallet_support::maps;

/// Providers: terms, pot, record.
pub const PROVIDERS: Map<Principal, Provider> = Map::new(maps::PROVIDERS);
/// The live offers of a path, newest first; no entry without one. `/global/fragments`
/// (B51, B55).
pub const PATHS: Map<BlockPath, OfferList> = Map::new(maps::PATHS);
/// All live offers.
pub const OFFERS: Map<OfferId, Offer> = Map::new(maps::OFFERS);
/// The live placements of an offer, by rising fragment id; no entry without one.
pub const OFFER_PLACEMENTS: Map<OfferId, PlacementList> = Map::new(maps::OFFER_PLACEMENTS);
/// All live placements.
pub const PLACEMENTS: Map<PlacementId, Placement> = Map::new(maps::PLACEMENTS);
/// The dense array that draws choose from.
pub const SLOTS: Map<BigEndian, PlacementId> = Map::new(maps::SLOTS);
/// The length of the dense array, and the bytes of all placements.
pub const STORED: Cell<Stored> = Cell::new(maps::STORED);
/// Pending challenges by position in the queue.
pub const CHALLENGES: Map<BigEndian, Challenge> = Map::new(maps::CHALLENGES);
/// Where the queue begins and ends.
pub const QUEUE_ENDS: Cell<QueueEnds> = Cell::new(maps::CHALLENGE_ENDS);
/// The demands of the present block, in order; drawn at the start of the next.
pub const DEMANDS: Cell<DemandList> = Cell::new(maps::DEMANDS);
/// Placements by provider. The value is a mark, always 1.
pub const PROVIDER_PLACEMENTS: Map<(Principal, PlacementId), u8> =
    Map::new(maps::PROVIDER_PLACEMENTS);

/// A state that our own code can't have written.
pub(crate) fn bug(what: &str) -> Fault {
    Fault::Bug(format!("storage: {what}"))
}
