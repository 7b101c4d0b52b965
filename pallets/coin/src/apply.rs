//! Applying the coin's calls, genesis and the reward.

use crate::account::PRINCIPALS;
use crate::supply::{SUPPLY, count};
use crate::{Call, Error, Params, accounts};
use blocktree_primitives::{Amount, Height, Principal};
use blocktree_state::{Fault, Overlay};
use pallet_support::Outcome;

/// Writes the balances of genesis.
///
/// # Errors
/// A [`Fault`] only.
pub fn genesis(state: &mut Overlay<'_>, params: &Params) -> Result<(), Fault> {
    let mut supply = SUPPLY.get(state)?;
    for (principal, amount) in &params.genesis {
        accounts::credit(state, principal, *amount)?;
        count(&mut supply.genesis, *amount)?;
    }
    SUPPLY.put(state, &supply)
}

/// Checks what needs no state.
///
/// # Errors
/// [`Error::NothingToMove`].
pub fn check_call(call: &Call) -> Result<(), Error> {
    match call {
        Call::Transfer { amount, .. } if amount.is_zero() => Err(Error::NothingToMove),
        Call::Transfer { .. } => Ok(()),
    }
}

/// Applies a call of `author`, whose fee and nonce are done already.
///
/// # Errors
/// See [`Error`].
pub fn apply_call(
    state: &mut Overlay<'_>,
    params: &Params,
    author: &Principal,
    call: &Call,
) -> Outcome<(), Error> {
    match call {
        Call::Transfer { to, amount } => {
            // Also to oneself the balance must cover it; then only fee and nonce change.
            if to != author && *amount < params.floor && !PRINCIPALS.contains(state, to)? {
                let floor = params.floor;
                return Err(Error::TooLittleForNewAccount {
                    amount: *amount,
                    floor,
                }
                .into());
            }
            accounts::debit(state, author, *amount)?;
            accounts::credit(state, to, *amount)?;
            Ok(())
        }
    }
}

/// Credits the miner: fees [B42], the pool's payout, and the base subsidy, even below the floor.
///
/// # Errors
/// A [`Fault`] only.
pub fn reward(
    state: &mut Overlay<'_>,
    params: &Params,
    height: Height,
    miner: &Principal,
    fees: Amount,
    pool_payout: Amount,
) -> Result<(), Fault> {
    let subsidy = params.subsidy_at(height);
    let mut supply = SUPPLY.get(state)?;
    count(&mut supply.subsidies, subsidy)?;
    SUPPLY.put(state, &supply)?;
    let reward = Amount::sum([fees, pool_payout, subsidy])
        .ok_or_else(|| Fault::Bug("a reward does not fit".into()))?;
    accounts::credit(state, miner, reward)
}
