//! Waiting events: the pool, and the policy by which this node takes them in (docs/protocol.md §4).
//!
//! The pool promises that an event which was acknowledged is never lost. It leaves only by being
//! mined, or with a named reason ([`Dropped`]) that [`Pool::status`] still tells after a restart.
//! Therefore every method that changes what waits adds what the disk must know to a
//! [`Batch`](blocktree_state::Batch), and whoever calls it writes that batch:
//!
//! - batches are written in the order in which the pool filled them;
//! - an event is acknowledged only after the batch that its [`Pool::insert`] filled is on disk;
//! - a block's changes go into the batch that commits the block. Where that can't be, the journal
//!   knows the pool's last tip ([`Pool::tip`]), and the blocks missed since are told after
//!   [`Pool::restore`].
//!
//! What is here is policy and no rule of consensus: a block may hold events that no pool would take.
//! There is no clock, thread, disk or state in this crate; heights, accounts and batches are arguments.

#[cfg(test)]
#[path = "../tests/common/mod.rs"]
mod common;

mod best;
mod blocks;
mod drops;
mod index;
mod insert;
mod invariants;
mod journal;
mod lane;
mod policy;
mod pool;
mod rate;
mod refusal;
mod restore;
mod status;
mod walk;

pub use best::Best;
pub use blocks::Mined;
pub use drops::Dropped;
pub use insert::Inserted;
pub use invariants::InvariantBroken;
pub use policy::Policy;
pub use pool::{Info, Pool, Tip};
pub use rate::FeeRate;
pub use refusal::PoolRefusal;
pub use status::{Progress, Status};
pub use walk::Walk;
