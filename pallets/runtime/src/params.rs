//! The parameters of all pallets.

use parity_scale_codec::Encode;

/// The parameters of the ledger's rules, constant for a chain. Their encoding is part of the
/// chain's identity.
#[derive(Clone, Debug, PartialEq, Eq, Encode)]
pub struct Params {
    /// Of the coin.
    pub coin: pallet_coin::Params,
    /// Of binding.
    pub binding: pallet_binding::Params,
    /// Of storage.
    pub storage: pallet_storage::Params,
}

/// Why parameters are refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParamsError {
    /// The coin's.
    #[error("coin: {0}")]
    Coin(#[from] pallet_coin::params::ParamsError),
    /// Storage's.
    #[error("storage: {0}")]
    Storage(#[from] pallet_storage::params::ParamsError),
}

impl Params {
    /// Refuses parameters with which the rules don't hold.
    ///
    /// # Errors
    /// See [`ParamsError`].
    pub fn check(&self) -> Result<(), ParamsError> {
        self.coin.check()?;
        self.storage.check()?;
        Ok(())
    }
}
