//! The chain as a service: one thread that writes, any number that read.
//!
//! [`Chain`] is what JSON-RPC, the miner and later the network hold. Everything that changes the
//! chain or the pool is a command to the one writer thread; everything else reads a snapshot at
//! the tip, or the pool behind a lock, and waits for nobody.

pub mod chain;
mod command;
mod fill;
pub mod follower;
pub mod generate;
pub mod restore;
pub mod status;
pub mod submit;
pub mod template;
mod writer;

pub use chain::{Chain, Setup, StartError, Stopped, WriterThread};
pub use command::CheckedAhead;
pub use follower::PoolFollower;
pub use generate::GenerateError;
pub use restore::restore;
pub use status::EventStatus;
pub use submit::{SubmitError, Submitted};
pub use template::{Template, TemplateError};
