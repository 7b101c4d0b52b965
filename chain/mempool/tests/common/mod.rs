//! Rules without meaning, so that events of any weight and length can be made and checked.

#![allow(dead_code)]

use blocktree_consensus::{
    Account, Applied, AuditError, BlockContext, CheckedEvent, EncodedEvent, Failure, Runtime,
    SignatureCheck, Weight, check_event,
};
use blocktree_primitives::{Amount, BlockHash, Event, EventId, Height, Principal, SecretKey};
use blocktree_state::{Fault, Overlay, View};
use parity_scale_codec::{Decode, Encode};
use std::sync::{Arc, LazyLock};

/// The chain that test events are signed for.
pub(crate) const GENESIS: BlockHash = BlockHash([7; 32]);

/// A call that says what it weighs. Refused by the check when it weighs 666; may answer challenges
/// when its weight ends in 777.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Dummy {
    /// The event's weight.
    pub(crate) weight: u64,
    /// So many bytes more.
    pub(crate) padding: Vec<u8>,
}

/// Why [`Rules`] refuse.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no event weighs 666")]
pub(crate) struct BadWeight;

/// The rules of [`Dummy`] calls, as far as events are checked without a state.
pub(crate) struct Rules;

impl Runtime for Rules {
    type Call = Dummy;
    type Effect = ();
    type Refusal = BadWeight;

    fn check(&self, event: &Event<Dummy>) -> Result<(), BadWeight> {
        if event.call.weight == 666 { Err(BadWeight) } else { Ok(()) }
    }
    fn signatures(&self, _: &BlockHash, _: &Event<Dummy>, _: &mut Vec<SignatureCheck>) {}
    fn weight(&self, event: &Event<Dummy>, _: usize) -> Weight {
        event.call.weight
    }
    fn may_answer(&self, event: &Event<Dummy>) -> bool {
        event.call.weight % 1000 == 777
    }
    fn genesis(&self, _: &mut Overlay<'_>) -> Result<(), Fault> {
        Ok(())
    }
    fn begin_block(
        &self,
        _: &mut Overlay<'_>,
        _: &BlockContext,
        _: &mut Vec<()>,
    ) -> Result<(), Fault> {
        Ok(())
    }
    fn apply_event(
        &self,
        _: &mut Overlay<'_>,
        _: &BlockContext,
        _: &EventId,
        _: &Event<Dummy>,
        _: &mut Vec<()>,
    ) -> Result<Applied, Failure<BadWeight>> {
        Ok(Applied::default())
    }
    fn end_block(
        &self,
        _: &mut Overlay<'_>,
        _: &BlockContext,
        _: &mut Vec<()>,
    ) -> Result<Amount, Fault> {
        Ok(Amount::ZERO)
    }
    fn reward(
        &self,
        _: &mut Overlay<'_>,
        _: &BlockContext,
        _: &Principal,
        _: Amount,
        _: Amount,
    ) -> Result<(), Fault> {
        Ok(())
    }
    fn account(&self, _: &dyn View, _: &Principal) -> Result<Account, Fault> {
        Ok(Account::default())
    }
    fn audit(&self, _: &dyn View) -> Result<(), AuditError> {
        Ok(())
    }
}

/// A secret key for each number.
pub(crate) fn secret(signer: u32) -> SecretKey {
    let mut bytes = [1; 32];
    bytes[..4].copy_from_slice(&signer.to_le_bytes());
    SecretKey::from_bytes(bytes).expect("far below the order of the curve, and not zero")
}

/// The principal of a signer; of the first few it is computed only once.
pub(crate) fn principal(signer: u32) -> Principal {
    static FIRST: LazyLock<Vec<Principal>> = LazyLock::new(|| (0..10).map(compute).collect());
    fn compute(signer: u32) -> Principal {
        Principal::of(&secret(signer).public_key())
    }
    FIRST.get(signer as usize).copied().unwrap_or_else(|| compute(signer))
}

/// What an event is made from.
#[derive(Clone, Debug)]
pub(crate) struct Spec {
    /// Number of the signer.
    pub(crate) signer: u32,
    /// The nonce.
    pub(crate) nonce: u64,
    /// The fee in base units.
    pub(crate) fee: u64,
    /// The weight, at least 123 and the encoded length.
    pub(crate) weight: u64,
    /// Bytes beyond the shortest encoding.
    pub(crate) padding: usize,
    /// The last block, if any.
    pub(crate) valid_until: Option<u64>,
}

impl Spec {
    /// An event of weight 200 without an end. Encoded it has 32 + 8 + 8 + 1 + (8 + 1) + 64 = 122
    /// bytes.
    pub(crate) fn new(signer: u32, nonce: u64, fee: u64) -> Self {
        Self { signer, nonce, fee, weight: 200, padding: 0, valid_until: None }
    }

    /// The same with a weight.
    pub(crate) fn weighing(self, weight: u64) -> Self {
        Self { weight, ..self }
    }

    /// The same with a last block.
    pub(crate) fn until(self, height: u64) -> Self {
        Self { valid_until: Some(height), ..self }
    }

    /// The same with so many bytes more; from 64 on the count itself takes one more.
    pub(crate) fn padded(self, padding: usize) -> Self {
        Self { padding, ..self }
    }

    /// Signs and checks the event.
    pub(crate) fn make(&self) -> Arc<CheckedEvent<Dummy>> {
        let event = Event::signed(
            &secret(self.signer),
            &GENESIS,
            self.nonce,
            Amount::from_units(self.fee),
            self.valid_until.map(Height),
            Dummy { weight: self.weight, padding: vec![0; self.padding] },
        );
        let checked = check_event(&Rules, &GENESIS, EncodedEvent::from(event));
        Arc::new(checked.expect("signed above"))
    }
}

/// Checks events of the journal one by one.
pub(crate) fn check_all(encoded: Vec<Vec<u8>>) -> Vec<Result<CheckedEvent<Dummy>, String>> {
    let check = |bytes: Vec<u8>| {
        let event = EncodedEvent::decode(bytes, 1 << 20).map_err(|e| e.to_string())?;
        check_event(&Rules, &GENESIS, event).map_err(|e| e.to_string())
    };
    encoded.into_iter().map(check).collect()
}

/// An account.
pub(crate) fn account(nonce: u64, free: u64) -> Account {
    Account { nonce, free: Amount::from_units(free) }
}
