//! The coin's conservation law.

use crate::account::PRINCIPALS;
use crate::{Params, Supply};
use blocktree_primitives::Amount;
use blocktree_state::View;
use core::ops::ControlFlow;
use pallet_support::AuditError;

/// Sums over all accounts, for other pallets' audits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// All free balances.
    pub free: Amount,
    /// All held balances.
    pub held: Amount,
    /// All deposits of bindings, part of what is held.
    pub binding_deposits: Amount,
}

/// Supply = genesis + subsidies + pool payouts − burned = all free + all held balances; nothing
/// waits to join the pool between blocks.
///
/// # Errors
/// The law that is broken.
pub fn audit(view: &dyn View, params: &Params) -> Result<Sums, AuditError> {
    let mut sums = Some(Sums::default());
    PRINCIPALS.scan(view, &[], |_, account| {
        sums = sums.and_then(|s| {
            let deposit = account.binding.map_or(Amount::ZERO, |b| b.deposit);
            Some(Sums {
                free: s.free.checked_add(account.free)?,
                held: s.held.checked_add(account.held)?,
                binding_deposits: s.binding_deposits.checked_add(deposit)?,
            })
        });
        if sums.is_none() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    let broken = |law: String| Err(AuditError::Broken(law));
    let Some(sums) = sums else {
        return broken("the balances together overflow".into());
    };
    let supply = Supply::get(view)?;
    let total = supply.total();
    let counted = sums.free.checked_add(sums.held);
    if total.is_none() || total != counted {
        return broken(format!("supply is {total:?}, all balances together {counted:?}"));
    }
    let genesis = Amount::sum(params.genesis.iter().map(|(_, amount)| *amount));
    if genesis != Some(supply.genesis) {
        return broken(format!("genesis minted {:?}, counted {:?}", genesis, supply.genesis));
    }
    if !supply.pool_added.is_zero() {
        return broken(format!("{:?} wait to join the pool between blocks", supply.pool_added));
    }
    Ok(sums)
}
