//! A runtime small enough to see through: every principal has a nonce and a counter.

use blocktree_consensus::{
    Account, Applied, AuditError, BlockContext, Failure, Runtime, SignatureCheck, Weight,
};
use blocktree_primitives::{
    Amount, BlockHash, Event, EventId, Height, Principal, PublicKey, Signature,
};
use blocktree_state::{Cell, Fault, Map, Overlay, View};
use parity_scale_codec::{Decode, Encode};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Counter {
    pub(crate) nonce: u64,
    pub(crate) count: u64,
    pub(crate) coins: u64,
}

pub(crate) const COUNTERS: Map<Principal, Counter> = Map::new(200);
/// Blocks begun.
pub(crate) const BLOCKS: Cell<u64> = Cell::new(201);

#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) enum Call {
    /// Adds to the signer's counter; nothing is malformed, more than 1000 in all is refused.
    #[codec(index = 0)]
    Add { amount: u32 },
    /// Weighs more than it looks.
    #[codec(index = 1)]
    Weigh { extra: u32, answers_challenges: bool },
    /// Needs another's signature over the genesis hash.
    #[codec(index = 2)]
    Witnessed { by: PublicKey, signature: Signature },
}

#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) enum Effect {
    #[codec(index = 0)]
    Began { height: Height, median: u32 },
    #[codec(index = 1)]
    Counted { id: EventId, count: u64 },
    #[codec(index = 2)]
    Ended,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("nothing to add")]
    Nothing,
    #[error("nonce {found} instead of {expected}")]
    Nonce { expected: u64, found: u64 },
    #[error("the counter would be {0}")]
    Full(u64),
}

/// What the pool pays each block.
pub(crate) const POOL: u64 = 7;
/// The subsidy of each block.
pub(crate) const SUBSIDY: u64 = 50;

#[derive(Debug)]
pub(crate) struct Counters;

impl Runtime for Counters {
    type Call = Call;
    type Effect = Effect;
    type Refusal = Refusal;

    fn check(&self, event: &Event<Call>) -> Result<(), Refusal> {
        match event.call {
            Call::Add { amount: 0 } => Err(Refusal::Nothing),
            _ => Ok(()),
        }
    }

    fn signatures(&self, genesis: &BlockHash, event: &Event<Call>, out: &mut Vec<SignatureCheck>) {
        if let Call::Witnessed { by, signature } = event.call {
            out.push(SignatureCheck { key: by, digest: genesis.0, signature });
        }
    }

    fn weight(&self, event: &Event<Call>, encoded_len: usize) -> Weight {
        match event.call {
            Call::Weigh { extra, .. } => encoded_len as Weight + Weight::from(extra),
            _ => encoded_len as Weight,
        }
    }

    fn may_answer(&self, event: &Event<Call>) -> bool {
        matches!(event.call, Call::Weigh { answers_challenges: true, .. })
    }

    fn genesis(&self, state: &mut Overlay<'_>) -> Result<(), Fault> {
        BLOCKS.put(state, &1)
    }

    fn begin_block(
        &self,
        state: &mut Overlay<'_>,
        context: &BlockContext,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Fault> {
        let blocks = BLOCKS.get(state)?;
        BLOCKS.put(state, &(blocks + 1))?;
        let (height, median) = (context.height, context.parent_median_time);
        effects.push(Effect::Began { height, median });
        Ok(())
    }

    fn apply_event(
        &self,
        state: &mut Overlay<'_>,
        _context: &BlockContext,
        id: &EventId,
        event: &Event<Call>,
        effects: &mut Vec<Effect>,
    ) -> Result<Applied, Failure<Refusal>> {
        let author = event.author();
        let mut counter = COUNTERS.get(state, &author)?.unwrap_or_default();
        let (expected, found) = (counter.nonce, event.nonce);
        if expected != found {
            return Err(Failure::Refused(Refusal::Nonce { expected, found }));
        }
        counter.nonce += 1;
        // Written before the other check on purpose: the executor must take it back.
        COUNTERS.put(state, &author, &counter)?;
        let mut applied = Applied::default();
        match event.call {
            Call::Add { amount } => counter.count += u64::from(amount),
            Call::Weigh { answers_challenges, .. } => {
                applied.answers_challenges = answers_challenges;
            }
            Call::Witnessed { .. } => {}
        }
        effects.push(Effect::Counted { id: *id, count: counter.count });
        if counter.count > 1000 {
            return Err(Failure::Refused(Refusal::Full(counter.count)));
        }
        COUNTERS.put(state, &author, &counter)?;
        Ok(applied)
    }

    fn end_block(
        &self,
        _state: &mut Overlay<'_>,
        _context: &BlockContext,
        effects: &mut Vec<Effect>,
    ) -> Result<Amount, Fault> {
        effects.push(Effect::Ended);
        Ok(Amount::from_units(POOL))
    }

    fn reward(
        &self,
        state: &mut Overlay<'_>,
        _context: &BlockContext,
        miner: &Principal,
        fees: Amount,
        pool_payout: Amount,
    ) -> Result<(), Fault> {
        let mut counter = COUNTERS.get(state, miner)?.unwrap_or_default();
        counter.coins += SUBSIDY + fees.units() + pool_payout.units();
        COUNTERS.put(state, miner, &counter)
    }

    fn account(&self, view: &dyn View, principal: &Principal) -> Result<Account, Fault> {
        let counter = COUNTERS.get(view, principal)?.unwrap_or_default();
        Ok(Account { nonce: counter.nonce, free: Amount::from_units(counter.coins) })
    }

    fn audit(&self, view: &dyn View) -> Result<(), AuditError> {
        match COUNTERS.collect(view)?.iter().find(|(_, counter)| counter.count > 1000) {
            Some((who, counter)) => Err(AuditError::Broken(format!("{who:?}: {counter:?}"))),
            None => Ok(()),
        }
    }
}
