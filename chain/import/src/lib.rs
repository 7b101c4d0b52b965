//! The one writer of the chain: imports blocks, reorganises, reverts, and tells what happened
//! since a cursor (docs/architecture.md).
//!
//! [`Importer`] owns the way from a block's bytes to the disk. Readers never touch it: they take
//! [`Shared::published`], a snapshot of the whole data folder at one tip.

pub mod archive;
pub mod attached;
mod branch;
mod checks;
mod commit;
pub mod importer;
mod pipeline;
mod recent;
pub mod records;
mod refold;
mod reorganise;
pub mod shared;
mod spread;
pub mod updates;
pub mod verify;

pub use attached::{Attached, Detached, Step};
pub use branch::header_context;
pub use importer::{Config, Imported, Importer, OpenError, Opened, Worth};
pub use pipeline::{ChainReport, Stopped};
pub use records::{BlockStatus, ChainReader, EventLocation, HeaderRecord, Journey};
pub use shared::{Published, Shared};
pub use updates::{Update, UpdatesError, updates_since};
