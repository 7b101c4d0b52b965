//! The coin: accounts, transfers, supply and the block reward (docs/protocol.md §6).
//!
//! Other pallets move money only through [`accounts`]: what is held, released, burned or paid
//! is counted here, so that supply can be audited in one place.

pub mod account;
pub mod accounts;
pub mod apply;
pub mod audit;
pub mod call;
pub mod error;
pub mod params;
pub mod supply;

pub use account::{Account, Binding, MAX_ADDRESS_LEN, MAX_ADDRESSES, MAX_ADDRESSES_LEN};
pub use call::Call;
pub use error::Error;
pub use params::Params;
pub use supply::Supply;
