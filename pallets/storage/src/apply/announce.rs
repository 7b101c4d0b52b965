//! Providers come and go (docs/protocol.md §8.1).

use super::{Fold, after};
use crate::state::{PROVIDERS, Provider, Standing};
use crate::{Effect, Error};
use blocktree_primitives::{Amount, Principal};
use pallet_coin::accounts;
use pallet_support::Outcome;

/// Sets the standing terms; raises the pot to `pot`.
pub(super) fn announce(
    fold: &mut Fold<'_, '_>,
    author: &Principal,
    capacity: u64,
    min_payment: Amount,
    pot: Amount,
) -> Outcome<(), Error> {
    let mut provider = match PROVIDERS.get(fold.state, author)? {
        Some(provider) => provider,
        None => {
            let deposit = fold.params.provider_deposit;
            fold.hold(author, deposit)?;
            Provider {
                standing: None,
                deposit,
                since: fold.height(),
                placements: 0,
                bytes: 0,
                passed: 0,
                missed: 0,
                strikes: 0,
                lost: 0,
            }
        }
    };
    let (now, maturity) = match &provider.standing {
        Some(standing) => (standing.pot, standing.maturity),
        None => (Amount::ZERO, None),
    };
    let raise = pot.checked_sub(now).ok_or(Error::PotLowered { now, given: pot })?;
    fold.hold(author, raise)?;
    provider.standing = Some(Standing { capacity, min_payment, pot, maturity });
    PROVIDERS.put(fold.state, author, &provider)?;
    fold.emit(Effect::Announced { provider: *author, capacity, min_payment, pot });
    Ok(())
}

/// The first sets the pot's maturity; from then on the second frees what is unused.
pub(super) fn withdraw(fold: &mut Fold<'_, '_>, author: &Principal) -> Outcome<(), Error> {
    let not_announced = || Error::NotAnnounced(*author);
    let mut provider = PROVIDERS.get(fold.state, author)?.ok_or_else(not_announced)?;
    let standing = provider.standing.as_mut().ok_or_else(not_announced)?;
    let height = fold.height();
    match standing.maturity {
        None => {
            let maturity = after(height, fold.params.withdrawal_delay);
            standing.maturity = Some(maturity);
            PROVIDERS.put(fold.state, author, &provider)?;
            fold.emit(Effect::WithdrawalStarted { provider: *author, maturity });
        }
        Some(maturity) if height < maturity => return Err(Error::NotMature { maturity }.into()),
        Some(_) => {
            let freed = standing.pot;
            provider.standing = None;
            accounts::release(fold.state, author, freed)?;
            fold.emit(Effect::Withdrawn { provider: *author, freed });
            fold.put_or_forget(author, &provider)?;
        }
    }
    Ok(())
}
