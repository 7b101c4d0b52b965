//! A Stratum v1 server, so that existing SHA-256 mining programs mine on a node's templates
//! (docs/protocol.md §3, docs/mining.md).
//!
//! The user name is a principal. A solved block pays the principal of the connection that solved
//! it: nobody has to be trusted with anybody's reward.
//!
//! | Module | What |
//! |---|---|
//! | [`session`] | one connection as a pure state machine: lines, work and moments in, actions out |
//! | [`message`], [`refusal`] | what a line may say, and the answers' codes |
//! | [`job`] | a template as a job, a share as a header |
//! | [`difficulty`], [`vardiff`] | how hard shares are, and the search for a bearable rate of them |
//! | [`guard`] | who may connect: numbers per address, bans that expire |
//! | [`templates`] | where work comes from; the node implements it |
//! | [`server`] | sockets and tasks around all that |
//!
//! **What must not live here**: rules of the chain. What a block must be, a template says; what
//! becomes of a solution, its source says.

mod connection;
mod desk;
pub mod difficulty;
pub mod guard;
pub mod job;
mod lines;
pub mod message;
mod pace;
pub mod refusal;
pub mod server;
pub mod session;
pub mod templates;
pub mod vardiff;

pub use difficulty::Difficulty;
pub use refusal::Refusal;
pub use server::{Config, Counts, Handle, Limits, start};
pub use session::{Action, Event, Session, Settings};
pub use templates::{Outcome, Solution, Template, Templates, Unavailable};
