//! The deposits of bindings are part of what is held; `pallet_coin::audit` sums them, and the
//! runtime compares all holds with what the pallets account for.

use blocktree_state::View;
use core::ops::ControlFlow;
use pallet_coin::{MAX_ADDRESSES_LEN, account::PRINCIPALS};
use pallet_support::AuditError;

/// Every binding fits its bounds, and its deposit is covered by its principal's held balance.
///
/// # Errors
/// The law that is broken.
pub fn audit(view: &dyn View) -> Result<(), AuditError> {
    let mut broken = None;
    PRINCIPALS.scan(view, &[], |principal, account| {
        let Some(binding) = &account.binding else {
            return ControlFlow::Continue(());
        };
        let length: usize = binding.addresses.iter().map(|a| a.len()).sum();
        if length > MAX_ADDRESSES_LEN || binding.addresses.is_empty() {
            broken = Some(format!("{principal:?} is bound to {length} bytes of addresses"));
        }
        if binding.deposit > account.held {
            broken = Some(format!("{principal:?} holds less than its binding's deposit"));
        }
        if broken.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    broken.map_or(Ok(()), |law| Err(AuditError::Broken(law)))
}
