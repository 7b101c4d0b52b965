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
                return Err(Error::TooLittleForNewAccount { amount: *amount, floor }.into());
            }
            accounts::debit(state, author, *amount)?;
            accounts::credit(state, to, *amount)?;
            Ok(())
        }
    }
}

/// Credits the miner: fees (B42), the pool's payout, and the base subsidy, even below the floor.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Supply, audit};
    use blocktree_primitives::{BlockHash, Event, SecretKey};
    use blocktree_state::{EmptyView, View};
    use pallet_support::Failure;

    const GENESIS: BlockHash = BlockHash([9; 32]);

    fn secret(byte: u8) -> SecretKey {
        SecretKey::from_bytes([byte; 32]).unwrap()
    }

    fn principal(byte: u8) -> Principal {
        Principal::of(&secret(byte).public_key())
    }

    /// Floor 10; subsidy 1000 and cap 100, halved every 10 blocks; principal 1 owns 500.
    fn params() -> Params {
        Params {
            floor: Amount::from_units(10),
            subsidy: Amount::from_units(1000),
            pool_cap: Amount::from_units(100),
            halving_interval: 10,
            genesis: vec![(principal(1), Amount::from_units(500))],
        }
    }

    fn free(view: &dyn View, byte: u8) -> u64 {
        accounts::get(view, &principal(byte)).unwrap().free.units()
    }

    /// One whole event, as the runtime applies it.
    fn send(
        state: &mut Overlay<'_>,
        nonce: u64,
        fee: u64,
        valid_until: Option<Height>,
        to: u8,
        amount: u64,
    ) -> Outcome<(), Error> {
        let call = Call::Transfer { to: principal(to), amount: Amount::from_units(amount) };
        let fee = Amount::from_units(fee);
        let event = Event::signed(&secret(1), &GENESIS, nonce, fee, valid_until, call);
        let author = event.author();
        let before = state.checkpoint();
        let result = accounts::begin_event(state, Height(5), &author, &event)
            .and_then(|()| apply_call(state, &params(), &author, &event.call))
            .and_then(|()| accounts::end_event(state, &params(), &author));
        if result.is_err() {
            state.rollback(before);
        }
        result
    }

    #[test]
    fn a_transfer_moves_amount_and_fee() {
        let mut state = Overlay::new(&EmptyView);
        genesis(&mut state, &params()).unwrap();
        send(&mut state, 0, 7, None, 2, 100).unwrap();
        assert_eq!((free(&state, 1), free(&state, 2)), (393, 100), "500 − 7 − 100");
        let account = accounts::get(&state, &principal(1)).unwrap();
        assert_eq!((account.nonce, account.public_key), (1, Some(secret(1).public_key())));
        // To oneself: only fee and nonce.
        send(&mut state, 1, 3, Some(Height(5)), 1, 300).unwrap();
        assert_eq!(free(&state, 1), 390, "393 − 3");
    }

    #[test]
    fn refusals_by_name_and_without_a_trace() {
        let mut state = Overlay::new(&EmptyView);
        genesis(&mut state, &params()).unwrap();
        send(&mut state, 0, 0, None, 2, 10).unwrap();
        let before = state.delta();
        let units = Amount::from_units;
        // 490 are left.
        for (nonce, fee, until, to, amount, error) in [
            (0, 0, None, 2, 1, Error::NonceUsed { expected: 1, given: 0 }),
            (2, 0, None, 2, 1, Error::NonceAhead { expected: 1, given: 2 }),
            (1, 0, Some(Height(4)), 2, 1, Error::Expired),
            (1, 491, None, 2, 1, Error::Overdraft { free: units(490), needed: units(491) }),
            (1, 90, None, 2, 401, Error::Overdraft { free: units(400), needed: units(401) }),
            (1, 0, None, 2, u64::MAX, Error::Overdraft { free: units(490), needed: Amount::MAX }),
            (1, 1, None, 1, 490, Error::Overdraft { free: units(489), needed: units(490) }),
            (1, 1, None, 2, 480, Error::BelowFloor { left: units(9), floor: units(10) }),
            (
                1,
                0,
                None,
                3,
                9,
                Error::TooLittleForNewAccount { amount: units(9), floor: units(10) },
            ),
        ] {
            let result = send(&mut state, nonce, fee, until, to, amount);
            assert_eq!(result, Err(Failure::Refused(error)));
            assert_eq!(state.delta(), before);
        }
        // The boundaries themselves pass: 490 − 470 − 10 = 10 stays.
        send(&mut state, 1, 470, None, 3, 10).unwrap();
        assert_eq!(
            check_call(&Call::Transfer { to: principal(2), amount: Amount::ZERO }),
            Err(Error::NothingToMove)
        );
    }

    #[test]
    fn the_pool_pays_a_share_up_to_the_cap_of_what_was_there_at_the_start() {
        let mut state = Overlay::new(&EmptyView);
        genesis(&mut state, &params()).unwrap();
        // Burn 403 of 500: the pool gets ⌊3 · 403 / 2⌋ = 604, from the end of this block on.
        accounts::burn_free(&mut state, &principal(1), Amount::from_units(403)).unwrap();
        accounts::fill_pool(&mut state, Amount::from_units(403)).unwrap();
        let pay = |state: &mut Overlay<'_>, height| {
            crate::supply::pay_from_pool(state, &params(), Height(height)).unwrap().units()
        };
        assert_eq!(pay(&mut state, 1), 0);
        assert_eq!(Supply::get(&state).unwrap().pool.units(), 604);
        assert_eq!(pay(&mut state, 2), 0, "604 / 2016 < 1");
        let mut supply = Supply::get(&state).unwrap();
        supply.pool = Amount::from_units(2016 * 70 + 2015);
        SUPPLY.put(&mut state, &supply).unwrap();
        assert_eq!(pay(&mut state, 3), 70, "⌊143,135 / 2016⌋ = 70");
        assert_eq!(pay(&mut state, 11), 50, "the cap of 100, halved once, is below 70");
        reward(
            &mut state,
            &params(),
            Height(11),
            &principal(4),
            Amount::from_units(5),
            Amount::from_units(70 + 50),
        )
        .unwrap();
        assert_eq!(free(&state, 4), 625, "1000 / 2 + 5 + 120");
        // The fee of 5 came from nowhere in this test: the audit notices it.
        assert!(audit::audit(&state, &params()).is_err());
        accounts::debit(&mut state, &principal(4), Amount::from_units(5)).unwrap();
        // 500 + 500 + 120 − 403 = 717 = 97 + 620.
        let sums = audit::audit(&state, &params()).unwrap();
        assert_eq!(sums.free.units(), 717);
    }

    #[test]
    fn holds_are_counted_and_never_go_below_zero() {
        let mut state = Overlay::new(&EmptyView);
        genesis(&mut state, &params()).unwrap();
        let (one, two) = (principal(1), principal(2));
        let units = Amount::from_units;
        accounts::hold(&mut state, &one, units(300)).unwrap();
        accounts::pay_held(&mut state, &one, &two, units(100)).unwrap();
        accounts::burn_held(&mut state, &one, units(50)).unwrap();
        accounts::release(&mut state, &one, units(150)).unwrap();
        assert_eq!((free(&state, 1), free(&state, 2)), (350, 100));
        assert!(matches!(accounts::release(&mut state, &one, units(1)), Err(Fault::Bug(_))));
        assert!(accounts::hold(&mut state, &one, units(351)).is_err());
        assert_eq!(audit::audit(&state, &params()).unwrap().free.units(), 450);
    }
}
