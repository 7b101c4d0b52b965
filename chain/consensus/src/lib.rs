//! The rules that make a block valid, whatever its events mean: header, difficulty, time,
//! roots, limits, fork choice; and the [`Runtime`] seam to the rules of the events.

pub mod runtime;

pub use runtime::{
    Account, Applied, AuditError, BlockContext, Failure, Runtime, SignatureCheck, Weight,
};
