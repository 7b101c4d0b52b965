//! The one implementation of the [`Runtime`] seam.

use crate::call::widen;
use crate::{Call, Effect, Params, ParamsError, Refusal};
use blocktree_consensus::runtime::{
    Account, Applied, AuditError, BlockContext, Failure, Runtime, SignatureCheck, Weight,
};
use blocktree_primitives::{Amount, BlockHash, Event, EventId, Principal};
use blocktree_state::{Fault, Overlay, View};
use pallet_coin::accounts;
use pallet_support::weights;

/// The rules of a chain with these parameters.
#[derive(Clone, Debug)]
pub struct BlocktreeRuntime {
    params: Params,
}

impl BlocktreeRuntime {
    /// The rules with these parameters.
    ///
    /// # Errors
    /// When the parameters make no sense.
    pub fn new(params: Params) -> Result<Self, ParamsError> {
        params.check()?;
        Ok(Self { params })
    }

    /// The parameters.
    #[must_use]
    pub const fn params(&self) -> &Params {
        &self.params
    }

    fn dispatch(
        &self,
        state: &mut Overlay<'_>,
        context: &BlockContext,
        author: &Principal,
        id: &EventId,
        call: &Call,
        effects: &mut Vec<Effect>,
    ) -> Result<Applied, Failure<Refusal>> {
        match call {
            Call::Coin(call) => {
                pallet_coin::apply::apply_call(state, &self.params.coin, author, call)
                    .map_err(widen)?;
                Ok(Applied::default())
            }
            Call::Binding(call) => {
                let params = &self.params.binding;
                pallet_binding::apply::apply_call(state, params, context.height, author, call)
                    .map_err(widen)?;
                Ok(Applied::default())
            }
            Call::Storage(call) => {
                let mut found = Vec::new();
                let applied = pallet_storage::apply_call(
                    state,
                    &self.params.storage,
                    context,
                    author,
                    id,
                    call,
                    &mut found,
                )
                .map_err(widen)?;
                effects.extend(found.into_iter().map(Effect::Storage));
                Ok(applied)
            }
        }
    }
}

impl Runtime for BlocktreeRuntime {
    type Call = Call;
    type Effect = Effect;
    type Refusal = Refusal;

    fn check(&self, event: &Event<Call>) -> Result<(), Refusal> {
        match &event.call {
            Call::Coin(call) => pallet_coin::apply::check_call(call)?,
            Call::Binding(call) => pallet_binding::apply::check_call(call)?,
            Call::Storage(call) => pallet_storage::check_call(&self.params.storage, call)?,
        }
        Ok(())
    }

    fn signatures(&self, genesis: &BlockHash, event: &Event<Call>, out: &mut Vec<SignatureCheck>) {
        if let Call::Storage(call) = &event.call {
            pallet_storage::signatures(genesis, call, out);
        }
    }

    fn weight(&self, event: &Event<Call>, encoded_len: usize) -> Weight {
        let extra = match &event.call {
            Call::Coin(_) => 0,
            Call::Binding(pallet_binding::Call::Bind { .. }) => weights::NEW_ENTRY,
            Call::Binding(pallet_binding::Call::Unbind) => 0,
            Call::Storage(call) => pallet_storage::weight(call),
        };
        let bytes = Weight::try_from(encoded_len).unwrap_or(Weight::MAX);
        bytes.saturating_add(weights::SIGNATURE).saturating_add(extra)
    }

    fn may_answer(&self, event: &Event<Call>) -> bool {
        match &event.call {
            Call::Storage(call) => pallet_storage::may_answer(call),
            Call::Coin(_) | Call::Binding(_) => false,
        }
    }

    fn genesis(&self, state: &mut Overlay<'_>) -> Result<(), Fault> {
        pallet_coin::apply::genesis(state, &self.params.coin)
    }

    fn begin_block(
        &self,
        state: &mut Overlay<'_>,
        context: &BlockContext,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Fault> {
        let mut found = Vec::new();
        pallet_storage::begin_block(state, &self.params.storage, context, &mut found)?;
        effects.extend(found.into_iter().map(Effect::Storage));
        Ok(())
    }

    fn apply_event(
        &self,
        state: &mut Overlay<'_>,
        context: &BlockContext,
        id: &EventId,
        event: &Event<Call>,
        effects: &mut Vec<Effect>,
    ) -> Result<Applied, Failure<Refusal>> {
        let author = event.author();
        accounts::begin_event(state, context.height, &author, event).map_err(widen)?;
        let applied = self.dispatch(state, context, &author, id, &event.call, effects)?;
        accounts::end_event(state, &self.params.coin, &author).map_err(widen)?;
        Ok(applied)
    }

    fn end_block(
        &self,
        state: &mut Overlay<'_>,
        context: &BlockContext,
        effects: &mut Vec<Effect>,
    ) -> Result<Amount, Fault> {
        let mut found = Vec::new();
        pallet_storage::end_block(state, &self.params.storage, context, &mut found)?;
        effects.extend(found.into_iter().map(Effect::Storage));
        pallet_coin::supply::pay_from_pool(state, &self.params.coin, context.height)
    }

    fn reward(
        &self,
        state: &mut Overlay<'_>,
        context: &BlockContext,
        miner: &Principal,
        fees: Amount,
        pool_payout: Amount,
    ) -> Result<(), Fault> {
        let params = &self.params.coin;
        pallet_coin::apply::reward(state, params, context.height, miner, fees, pool_payout)
    }

    fn account(&self, view: &dyn View, principal: &Principal) -> Result<Account, Fault> {
        let account = accounts::get(view, principal)?;
        Ok(Account { nonce: account.nonce, free: account.free })
    }

    fn audit(&self, view: &dyn View) -> Result<(), AuditError> {
        let sums = pallet_coin::audit::audit(view, &self.params.coin)?;
        pallet_binding::audit::audit(view)?;
        pallet_storage::audit(view, &self.params.storage, &sums)
    }
}
