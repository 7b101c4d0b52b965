//! What every pallet shares: context, budget and refusals.
