//! The data folder: the only crate that names RocksDB.
//!
//! [`Store`] implements the [`Ledger`](blocktree_state::Ledger) seam of `chain/state` on disk. What lives here: which
//! folder is ours and which is not, the lock against a second node, the format version and its
//! upgrades, the settings of the database, and how its errors are named. What must not: what any
//! key or value means. Those who write a column say what it holds.

mod columns;
mod error;
mod folder;
mod open;
mod reads;
mod snapshot;
mod stats;
mod store;
mod upgrade;

pub use error::OpenError;
pub use folder::Identity;
pub use stats::{ColumnStats, Stats};
pub use store::Store;
