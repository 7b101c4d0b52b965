//! Moving money: the only code that changes a balance.
//!
//! Every function checks before it writes; a refusal leaves the state as it was.

use crate::account::PRINCIPALS;
use crate::supply::{SUPPLY, count};
use crate::{Account, Error, Params};
use blocktree_primitives::{Amount, Event, Height, Principal};
use blocktree_state::{Fault, Overlay, View};
use pallet_support::Outcome;

/// The account of a principal; the default if it has none.
///
/// # Errors
/// A [`Fault`] only.
pub fn get(view: &dyn View, principal: &Principal) -> Result<Account, Fault> {
    Ok(PRINCIPALS.get(view, principal)?.unwrap_or_default())
}

/// Writes an account as a whole; for pallets that own a field of it, such as the binding.
///
/// # Errors
/// A [`Fault`] only.
pub fn put(state: &mut Overlay<'_>, principal: &Principal, account: &Account) -> Result<(), Fault> {
    PRINCIPALS.put(state, principal, account)
}

/// Starts an event: checks expiry and nonce, takes the fee, counts up the nonce and notes the
/// signer's public key (docs/protocol.md §4).
///
/// # Errors
/// [`Error::Expired`], [`Error::NonceUsed`], [`Error::NonceAhead`], [`Error::Overdraft`].
pub fn begin_event<C: parity_scale_codec::Encode>(
    state: &mut Overlay<'_>,
    height: Height,
    author: &Principal,
    event: &Event<C>,
) -> Outcome<(), Error> {
    if event.valid_until.is_some_and(|last| last < height) {
        return Err(Error::Expired.into());
    }
    let mut account = get(state, author)?;
    let (expected, given) = (account.nonce, event.nonce);
    if given < expected {
        return Err(Error::NonceUsed { expected, given }.into());
    }
    if given > expected {
        return Err(Error::NonceAhead { expected, given }.into());
    }
    account.free = account
        .free
        .checked_sub(event.fee)
        .ok_or(Error::Overdraft { free: account.free, needed: event.fee })?;
    account.nonce = expected.checked_add(1).ok_or(Error::TooLarge)?;
    account.public_key = Some(event.signer);
    put(state, author, &account)?;
    Ok(())
}

/// Ends an event: its signer must keep the floor (docs/protocol.md §4).
///
/// # Errors
/// [`Error::BelowFloor`].
pub fn end_event(state: &Overlay<'_>, params: &Params, author: &Principal) -> Outcome<(), Error> {
    let left = get(state, author)?.free;
    if left < params.floor {
        return Err(Error::BelowFloor { left, floor: params.floor }.into());
    }
    Ok(())
}

/// Adds to a free balance, creating the account if need be.
///
/// The supply stays below 2^63 (checked with the chainspec), so a sum that does not fit is a
/// fault of ours and not a refusal.
///
/// # Errors
/// A [`Fault`] only.
pub fn credit(state: &mut Overlay<'_>, to: &Principal, amount: Amount) -> Result<(), Fault> {
    if amount.is_zero() {
        return Ok(());
    }
    let mut account = get(state, to)?;
    account.free = plus(account.free, amount)?;
    put(state, to, &account)
}

/// Takes from a free balance. Where the money goes is the caller's matter.
///
/// # Errors
/// [`Error::Overdraft`].
pub fn debit(state: &mut Overlay<'_>, from: &Principal, amount: Amount) -> Outcome<(), Error> {
    let mut account = get(state, from)?;
    account.free = account
        .free
        .checked_sub(amount)
        .ok_or(Error::Overdraft { free: account.free, needed: amount })?;
    put(state, from, &account)?;
    Ok(())
}

/// Moves from free to held.
///
/// # Errors
/// [`Error::Overdraft`].
pub fn hold(state: &mut Overlay<'_>, principal: &Principal, amount: Amount) -> Outcome<(), Error> {
    let mut account = get(state, principal)?;
    account.free = account
        .free
        .checked_sub(amount)
        .ok_or(Error::Overdraft { free: account.free, needed: amount })?;
    account.held = plus(account.held, amount)?;
    put(state, principal, &account)?;
    Ok(())
}

/// Moves from held back to free. Holds are counted by the pallet that made them, so too little
/// held is a bug of ours.
///
/// # Errors
/// A [`Fault`] only.
pub fn release(
    state: &mut Overlay<'_>,
    principal: &Principal,
    amount: Amount,
) -> Result<(), Fault> {
    let mut account = get(state, principal)?;
    account.held = minus_held(account.held, amount)?;
    account.free = plus(account.free, amount)?;
    put(state, principal, &account)
}

/// Moves from one principal's held balance to another's free balance.
///
/// # Errors
/// A [`Fault`] only.
pub fn pay_held(
    state: &mut Overlay<'_>,
    from: &Principal,
    to: &Principal,
    amount: Amount,
) -> Result<(), Fault> {
    let mut account = get(state, from)?;
    account.held = minus_held(account.held, amount)?;
    put(state, from, &account)?;
    credit(state, to, amount)
}

/// Burns from a held balance; nobody gets it.
///
/// # Errors
/// A [`Fault`] only.
pub fn burn_held(
    state: &mut Overlay<'_>,
    principal: &Principal,
    amount: Amount,
) -> Result<(), Fault> {
    let mut account = get(state, principal)?;
    account.held = minus_held(account.held, amount)?;
    put(state, principal, &account)?;
    note_burned(state, amount)
}

/// Burns from a free balance; nobody gets it.
///
/// # Errors
/// [`Error::Overdraft`].
pub fn burn_free(
    state: &mut Overlay<'_>,
    principal: &Principal,
    amount: Amount,
) -> Outcome<(), Error> {
    debit(state, principal, amount)?;
    note_burned(state, amount)?;
    Ok(())
}

/// Adds ⌊3·burn/2⌋ to the mint pool for a burn that paid for storage (docs/protocol.md §6).
/// The burn itself is counted by [`burn_held`] or [`burn_free`].
///
/// # Errors
/// A [`Fault`] only.
pub fn fill_pool(state: &mut Overlay<'_>, burned: Amount) -> Result<(), Fault> {
    let added = burned
        .mul_div_floor(3, 2)
        .ok_or_else(|| Fault::Bug("one and a half times a burn does not fit".into()))?;
    let mut supply = SUPPLY.get(state)?;
    count(&mut supply.pool_added, added)?;
    SUPPLY.put(state, &supply)
}

fn note_burned(state: &mut Overlay<'_>, amount: Amount) -> Result<(), Fault> {
    let mut supply = SUPPLY.get(state)?;
    count(&mut supply.burned, amount)?;
    SUPPLY.put(state, &supply)
}

fn plus(balance: Amount, amount: Amount) -> Result<Amount, Fault> {
    balance.checked_add(amount).ok_or_else(|| Fault::Bug("a balance overflows".into()))
}

fn minus_held(held: Amount, amount: Amount) -> Result<Amount, Fault> {
    held.checked_sub(amount).ok_or_else(|| Fault::Bug("more is released than was held".into()))
}
