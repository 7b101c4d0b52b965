//! The trace of a run: every step goes into one hash, so that two runs can be compared as a whole,
//! and, with `BLOCKTREE_SIM_TRACE=1`, onto the screen.

use crate::scheduler::Time;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

pub(crate) struct Trace {
    hasher: DefaultHasher,
    is_shown: bool,
}

impl Trace {
    pub(crate) fn new() -> Self {
        let is_shown = std::env::var_os("BLOCKTREE_SIM_TRACE").is_some();
        // Its keys are constants, so it is the same in every run of one build.
        Self { hasher: DefaultHasher::new(), is_shown }
    }

    /// Notes a step of a participant. `data` goes into the hash only.
    pub(crate) fn step(&mut self, now: Time, who: usize, what: &str, data: &[u8]) {
        (now, who, what, data).hash(&mut self.hasher);
        if self.is_shown {
            println!("{now:>8} {who:>3} {what} ({} bytes)", data.len());
        }
    }

    /// Notes something for people alone.
    pub(crate) fn say(&self, now: Time, who: usize, what: fmt::Arguments<'_>) {
        if self.is_shown {
            println!("{now:>8} {who:>3}   {what}");
        }
    }

    /// The hash of all steps so far.
    pub(crate) fn hash(&self) -> u64 {
        self.hasher.finish()
    }
}
