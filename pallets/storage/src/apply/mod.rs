//! Applying calls, and what blocks do by themselves. One module per group of calls; what they
//! share is here.

mod announce;
mod demand;
mod draw;
mod expire;
mod offer;
mod payout;
mod place;
mod remove;
mod settle;

use crate::state::{PLACEMENTS, PROVIDERS, Placement, Provider, bug};
use crate::{Call, Effect, Error, Params};
use blocktree_consensus::runtime::Applied;
use blocktree_primitives::{Amount, EventId, Height, PlacementId, Principal, Span};
use blocktree_state::{Fault, Overlay};
use pallet_coin::accounts;
use pallet_support::{BlockContext, Failure, Outcome};

/// What every rule has at hand.
pub(crate) struct Fold<'f, 'v> {
    pub(crate) state: &'f mut Overlay<'v>,
    pub(crate) params: &'f Params,
    pub(crate) context: &'f BlockContext,
    pub(crate) effects: &'f mut Vec<Effect>,
}

impl Fold<'_, '_> {
    pub(crate) fn height(&self) -> Height {
        self.context.height
    }

    pub(crate) fn emit(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// Locks money of the signer.
    fn hold(&mut self, principal: &Principal, amount: Amount) -> Outcome<(), Error> {
        accounts::hold(self.state, principal, amount).map_err(by_coin)
    }

    /// The live placement with this id.
    fn placement(&self, id: &PlacementId) -> Outcome<Placement, Error> {
        PLACEMENTS.get(self.state, id)?.ok_or_else(|| Error::NoSuchPlacement.into())
    }

    /// Changes the entry of a provider that must have one.
    fn update_provider(
        &mut self,
        principal: &Principal,
        change: impl FnOnce(&mut Provider) -> Option<()>,
    ) -> Result<(), Fault> {
        let mut provider = PROVIDERS
            .get(self.state, principal)?
            .ok_or_else(|| bug("a placement's provider has no entry"))?;
        change(&mut provider).ok_or_else(|| bug("a provider's record overflows"))?;
        PROVIDERS.put(self.state, principal, &provider)
    }
}

fn by_coin(failure: Failure<pallet_coin::Error>) -> Failure<Error> {
    failure.map(Error::Coin)
}

/// `height + span`. All spans are at most 2^32, so a height that overflows is never reached.
fn after(height: Height, span: Span) -> Height {
    height.checked_add(span).unwrap_or(Height(u64::MAX))
}

/// What a block does before its events: draws, the demands of the block before first
/// (docs/protocol.md §8.4). Total: it can't refuse.
///
/// # Errors
/// A [`Fault`] only.
pub fn begin_block(
    state: &mut Overlay<'_>,
    params: &Params,
    context: &BlockContext,
    effects: &mut Vec<Effect>,
) -> Result<(), Fault> {
    draw::draw(&mut Fold { state, params, context, effects })
}

/// What a block does after its events: expiries (docs/protocol.md §8.5). Total: it can't refuse.
///
/// # Errors
/// A [`Fault`] only.
pub fn end_block(
    state: &mut Overlay<'_>,
    params: &Params,
    context: &BlockContext,
    effects: &mut Vec<Effect>,
) -> Result<(), Fault> {
    expire::expire(&mut Fold { state, params, context, effects })
}

/// Applies a call of `author`, whose fee and nonce are done already and whose `check_call` and
/// signatures passed. If it is refused, the caller takes back what was written; no effect is
/// reported.
///
/// # Errors
/// See [`Error`].
pub fn apply_call(
    state: &mut Overlay<'_>,
    params: &Params,
    context: &BlockContext,
    author: &Principal,
    id: &EventId,
    call: &Call,
    effects: &mut Vec<Effect>,
) -> Outcome<Applied, Error> {
    let reported = effects.len();
    let fold = &mut Fold { state, params, context, effects };
    let outcome = dispatch(fold, author, id, call);
    if outcome.is_err() {
        effects.truncate(reported);
    }
    outcome
}

fn dispatch(
    fold: &mut Fold<'_, '_>,
    author: &Principal,
    id: &EventId,
    call: &Call,
) -> Outcome<Applied, Error> {
    match call {
        Call::Announce { capacity, min_payment, pot } => {
            announce::announce(fold, author, *capacity, *min_payment, *pot)?
        }
        Call::Withdraw => announce::withdraw(fold, author)?,
        Call::Offer(new) => offer::offer(fold, author, (*id).into(), new)?,
        Call::Place { offer, acceptances } => place::place(fold, author, offer, acceptances)?,
        Call::Demand { placement } => demand::demand(fold, author, placement)?,
        Call::Payout { claims } => return payout::payout(fold, claims),
        Call::Extend(extension) => settle::extend(fold, author, extension)?,
        Call::Exit { placement } => settle::exit(fold, author, placement)?,
        Call::Close { placement } => settle::close(fold, author, placement)?,
        Call::Cancel { offer } => offer::cancel(fold, author, offer)?,
    }
    Ok(Applied::default())
}
