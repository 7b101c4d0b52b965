//! Which code compresses blocks, chosen at run time, and the one door to it.
//!
//! An [`Engine`] can only be had for code that this machine can run, so that holding
//! one is the proof which the intrinsics ask for; nothing outside can name the
//! SHA-NI code on a processor without it.

use crate::{Block, State, portable};

/// The most messages that are compressed side by side. Four streams fill the SHA
/// unit of current processors; more would only spill registers.
pub(crate) const LANES: usize = 4;

/// What an [`Engine`] runs on; for reports and logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Backend {
    /// The SHA extensions of x86-64, up to four streams interleaved.
    ShaNi,
    /// Portable code, one stream after the other.
    Portable,
}

/// A way of compressing SHA-256 blocks that this machine is known to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Engine(Inner);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inner {
    #[cfg(target_arch = "x86_64")]
    ShaNi(crate::shani::Detected),
    Portable,
}

impl Engine {
    /// The fastest engine of this machine. The processor is asked once per process
    /// (the standard library keeps the answer), later calls are a load and a test.
    #[inline]
    #[must_use]
    pub fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(detected) = crate::shani::Detected::new() {
            return Self(Inner::ShaNi(detected));
        }
        Self::portable()
    }

    /// The engine that runs anywhere.
    #[must_use]
    pub const fn portable() -> Self {
        Self(Inner::Portable)
    }

    /// Every engine of this machine, fastest first, so that tests and benches can
    /// take each in turn.
    pub fn available() -> impl Iterator<Item = Self> {
        let (best, portable) = (Self::detect(), Self::portable());
        std::iter::once(best).chain((best != portable).then_some(portable))
    }

    /// What this engine runs on.
    #[must_use]
    pub const fn backend(self) -> Backend {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Inner::ShaNi(_) => Backend::ShaNi,
            Inner::Portable => Backend::Portable,
        }
    }

    /// Takes each lane's state through its run of blocks. Runs have one length;
    /// longer ones are cut to the shortest.
    #[inline]
    pub(crate) fn compress<const L: usize>(self, states: &mut [State; L], runs: &[&[Block]; L]) {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Inner::ShaNi(detected) => detected.compress(states, runs),
            Inner::Portable => portable::compress(states, runs),
        }
    }

    /// Takes each lane's state through one block, given as its sixteen words.
    #[inline]
    pub(crate) fn compress_words<const L: usize>(
        self,
        states: &mut [State; L],
        blocks: &[[u32; 16]; L],
    ) {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Inner::ShaNi(detected) => detected.compress_words(states, blocks),
            Inner::Portable => portable::compress_words(states, blocks),
        }
    }
}
