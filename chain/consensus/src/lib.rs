//! The rules that make a block valid, whatever its events mean: header, difficulty, time,
//! roots, limits, fork choice; and the [`Runtime`] seam to the rules of the events.
//!
//! A block climbs a ladder of types, each made by one check and by nothing else, cheap before
//! costly (docs/protocol.md §3.7):
//!
//! | Type | Made by | Knows |
//! |---|---|---|
//! | [`WorkedHeader`] | [`WorkedHeader::check`] | the hash meets the target that the header claims |
//! | [`CheckedHeader`] | [`check_header`] | the target is its branch's, the time is right |
//! | [`BoundBlock`] | [`BoundBlock::bind`] | commitment, height, history, event root, weight |
//! | [`CheckedEvent`] | [`check_event`] | the call's bounds and every signature; one by one |
//! | [`CheckedBlock`] | [`Frame::finish`] | all of that for all events; no state was read |
//! | [`ExecutedBlock`] | [`ExecutedBlock::fold`] | every event applied, the state root equal |
//!
//! What fails is [`NotAccepted`]: a named [`Violation`], a [`NotYet`], or a fault of ours.
//!
//! Pure: no clock, no threads, no disk. Time and state are arguments, and independent work is
//! handed out for the caller to spread.

pub mod block;
pub mod difficulty;
pub mod event;
pub mod execute;
pub mod fork;
pub mod genesis;
pub mod header;
pub mod history;
pub mod limits;
pub mod merkle;
pub mod params;
pub mod runtime;
pub mod target;
pub mod time;
pub mod violation;

pub use block::{Body, BoundBlock, Candidate, CheckedBlock, Frame};
pub use event::{CheckedEvent, EncodedEvent, EventError, check_event};
pub use execute::{ApplyError, BlockExecutor, Executed, ExecutedBlock, Unrewarded};
pub use fork::{ChainInfo, better};
pub use genesis::{genesis_block, genesis_state};
pub use header::{CheckedHeader, HeaderContext, WorkedHeader, check_header};
pub use params::{Difficulty, Params, ParamsError};
pub use runtime::{
    Account, Applied, AuditError, BlockContext, Failure, Runtime, SignatureCheck, Weight,
};
pub use target::{Target, TargetError, Work};
pub use time::RecentTimes;
pub use violation::{Blame, NotAccepted, NotYet, Verdict, Violation};
