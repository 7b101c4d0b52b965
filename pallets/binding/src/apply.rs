//! Binding and unbinding.

use crate::{Addresses, Call, Error, Params};
use blocktree_primitives::{Height, Principal, Span};
use blocktree_state::{Fault, Overlay, View};
use pallet_coin::{Binding, MAX_ADDRESSES_LEN, accounts};
use pallet_support::Outcome;

/// Checks what needs no state: count, length and shape of the addresses.
///
/// # Errors
/// See [`Error`].
pub fn check_call(call: &Call) -> Result<(), Error> {
    let Call::Bind { addresses, .. } = call else {
        return Ok(());
    };
    if addresses.is_empty() {
        return Err(Error::NoAddress);
    }
    let total: usize = addresses.iter().map(|address| address.len()).sum();
    if total > MAX_ADDRESSES_LEN {
        return Err(Error::AddressesTooLong(total));
    }
    // The text is opened by whoever dials it; the ledger only keeps out what can't be shown.
    let shown = |text: &[u8]| text.first() == Some(&b'/') && text.iter().all(u8::is_ascii_graphic);
    match addresses.iter().position(|address| !shown(address)) {
        Some(index) => Err(Error::NotAMultiaddr(index)),
        None => Ok(()),
    }
}

/// Applies a call of `author`, whose fee and nonce are done already.
///
/// # Errors
/// See [`Error`].
pub fn apply_call(
    state: &mut Overlay<'_>,
    params: &Params,
    height: Height,
    author: &Principal,
    call: &Call,
) -> Outcome<(), Error> {
    match call {
        Call::Bind { addresses, valid_until } => {
            bind(state, params, height, author, addresses, *valid_until)
        }
        Call::Unbind => {
            if accounts::get(state, author)?.binding.is_none() {
                return Err(Error::NotBound.into());
            }
            Ok(unbind(state, author)?)
        }
    }
}

fn bind(
    state: &mut Overlay<'_>,
    params: &Params,
    height: Height,
    author: &Principal,
    addresses: &Addresses,
    valid_until: Height,
) -> Outcome<(), Error> {
    if valid_until < height {
        return Err(Error::EndsInThePast(valid_until).into());
    }
    let latest = height.checked_add(Span(params.max_validity)).unwrap_or(Height(u64::MAX));
    if valid_until > latest {
        return Err(Error::EndsTooLate { end: valid_until, latest }.into());
    }
    unbind(state, author)?;
    accounts::hold(state, author, params.deposit).map_err(|failure| failure.map(Error::Coin))?;
    let mut account = accounts::get(state, author)?;
    account.binding =
        Some(Binding { addresses: addresses.clone(), valid_until, deposit: params.deposit });
    accounts::put(state, author, &account)?;
    Ok(())
}

/// Removes a binding, if there is one, and returns its deposit.
fn unbind(state: &mut Overlay<'_>, principal: &Principal) -> Result<(), Fault> {
    let mut account = accounts::get(state, principal)?;
    let Some(binding) = account.binding.take() else {
        return Ok(());
    };
    accounts::put(state, principal, &account)?;
    accounts::release(state, principal, binding.deposit)
}

/// The binding of a principal, if it counts at `height` (B52).
///
/// # Errors
/// A [`Fault`] only.
pub fn binding_at(
    view: &dyn View,
    principal: &Principal,
    height: Height,
) -> Result<Option<Binding>, Fault> {
    Ok(accounts::get(view, principal)?.binding.filter(|b| b.valid_until >= height))
}

#[cfg(test)]
mod tests {
    use super::*;
    use blocktree_primitives::{Amount, BoundedBytes, BoundedVec};
    use blocktree_state::EmptyView;
    use pallet_support::Failure;

    const P: Principal = Principal([7; 32]);
    const PARAMS: Params = Params { deposit: Amount::from_units(30), max_validity: 100 };

    fn addresses(texts: &[&str]) -> Addresses {
        let address = |t: &&str| BoundedBytes::try_from(t.as_bytes().to_vec()).unwrap();
        BoundedVec::try_from(texts.iter().map(address).collect::<Vec<_>>()).unwrap()
    }

    fn bind_until(height: u64) -> Call {
        Call::Bind {
            addresses: addresses(&["/ip4/127.0.0.1/tcp/9945"]),
            valid_until: Height(height),
        }
    }

    /// Free and held balance of `P`.
    fn balances(view: &dyn View) -> (u64, u64) {
        let account = accounts::get(view, &P).unwrap();
        (account.free.units(), account.held.units())
    }

    #[test]
    fn the_deposit_is_held_once_and_returned_as_recorded() {
        let mut state = Overlay::new(&EmptyView);
        accounts::credit(&mut state, &P, Amount::from_units(100)).unwrap();
        apply_call(&mut state, &PARAMS, Height(5), &P, &bind_until(9)).unwrap();
        assert_eq!(balances(&state), (70, 30), "100 − 30");
        // Bound again under a dearer rule: the old deposit comes back first.
        let dearer = Params { deposit: Amount::from_units(90), ..PARAMS };
        apply_call(&mut state, &dearer, Height(6), &P, &bind_until(9)).unwrap();
        assert_eq!(balances(&state), (10, 90), "70 + 30 − 90");
        apply_call(&mut state, &PARAMS, Height(7), &P, &Call::Unbind).unwrap();
        assert_eq!(balances(&state), (100, 0), "10 + 90, whatever the rule is now");
        assert_eq!(
            apply_call(&mut state, &PARAMS, Height(8), &P, &Call::Unbind),
            Err(Failure::Refused(Error::NotBound))
        );
    }

    #[test]
    fn a_binding_counts_to_its_last_height() {
        let mut state = Overlay::new(&EmptyView);
        accounts::credit(&mut state, &P, Amount::from_units(100)).unwrap();
        apply_call(&mut state, &PARAMS, Height(5), &P, &bind_until(9)).unwrap();
        assert!(binding_at(&state, &P, Height(9)).unwrap().is_some());
        assert!(binding_at(&state, &P, Height(10)).unwrap().is_none());
    }

    #[test]
    fn refusals_by_name() {
        let mut state = Overlay::new(&EmptyView);
        accounts::credit(&mut state, &P, Amount::from_units(100)).unwrap();
        for (call, error) in [
            (bind_until(4), Error::EndsInThePast(Height(4))),
            (bind_until(106), Error::EndsTooLate { end: Height(106), latest: Height(105) }),
        ] {
            let refused = apply_call(&mut state, &PARAMS, Height(5), &P, &call);
            assert_eq!(refused, Err(Failure::Refused(error)));
        }
        for last in [5, 105] {
            assert_eq!(apply_call(&mut state, &PARAMS, Height(5), &P, &bind_until(last)), Ok(()));
        }
        let poor = Principal([8; 32]);
        assert!(matches!(
            apply_call(&mut state, &PARAMS, Height(5), &poor, &bind_until(9)),
            Err(Failure::Refused(Error::Coin(pallet_coin::Error::Overdraft { .. })))
        ));
    }

    #[test]
    fn shapes_are_checked_without_state() {
        let bind =
            |texts: &[&str]| Call::Bind { addresses: addresses(texts), valid_until: Height(1) };
        let long = format!("/{}", "x".repeat(255));
        for (call, result) in [
            (bind(&[]), Err(Error::NoAddress)),
            (bind(&["/a", "b"]), Err(Error::NotAMultiaddr(1))),
            (bind(&["/a b"]), Err(Error::NotAMultiaddr(0))),
            (bind(&[""]), Err(Error::NotAMultiaddr(0))),
            (bind(&[&long, &long]), Ok(())),
            // 256 + 256 + 1
            (bind(&[&long, &long, "/"]), Err(Error::AddressesTooLong(513))),
            (Call::Unbind, Ok(())),
        ] {
            assert_eq!(check_call(&call), result);
        }
    }
}
