//! The search along one peer's headers: does its branch have more work than ours? Until that is
//! shown, nothing of it is stored, and what is kept of it in memory is bounded (docs/protocol.md §12.4).

use super::bits::Bits;
use crate::local::Local;
use crate::message::MAX_HEADERS;
use crate::offence::Offence;
use crate::time::{Now, Tick};
use blocktree_consensus::{
    ChainInfo, CheckedHeader, HeaderContext, NotAccepted, NotYet, WorkedHeader,
};
use blocktree_primitives::{BlockHash, Header, Height};
use blocktree_state::Fault;

/// Headers that a search keeps; of a longer branch it keeps bits only, and gets the headers again.
pub(crate) const KEPT: usize = 4_096;
/// Headers of a search at most: 30 years of minutes.
const MAX_SEARCHED: u64 = 16_777_216;
/// Bytes of a search at most, about: kept headers, or a bit for 64 of as many as are searched.
pub(crate) const MAX_BYTES: usize = 80 * (KEPT + 1) + 8;
/// How often a peer's branch may change under a search.
const MAX_RESTARTS: u32 = 3;

/// Headers of one peer's branch, from where it leaves what is stored here.
#[derive(Clone, Debug)]
pub(crate) struct Search {
    /// What the first header that is not stored here was judged by.
    base: HeaderContext,
    /// What the next one is judged by.
    at: HeaderContext,
    bits: Bits,
    kept: Option<Vec<Header>>,
    count: u64,
    salt: u64,
    restarts: u32,
    /// When it began.
    pub(crate) since: Tick,
    /// The end of the branch that is being fetched was met on the way.
    met: bool,
}

/// A branch that was shown.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    /// What its first header that is not stored here is judged by.
    pub(crate) base: HeaderContext,
    /// Its headers, unless they were too many.
    pub(crate) headers: Option<Vec<Header>>,
    /// What its headers must agree with when they come again.
    pub(crate) bits: Bits,
    /// How many headers.
    pub(crate) count: u64,
    /// Its last header and all work.
    pub(crate) end: ChainInfo,
    /// Whether it goes on from the branch that was being fetched.
    pub(crate) goes_on: bool,
}

/// What a search does next.
#[derive(Debug)]
pub(crate) enum Next {
    /// Asks for more.
    Ask(Vec<BlockHash>),
    /// Has seen all that the peer has.
    Ended,
    /// The next header's time is too far ahead.
    Waits,
}

impl Search {
    /// A search from our own best chain. The locator to ask with comes from [`locator`].
    pub(crate) fn new(base: HeaderContext, salt: u64, now: Tick) -> Self {
        Self {
            base,
            at: base,
            bits: Bits::new(salt),
            kept: Some(Vec::new()),
            count: 0,
            salt,
            restarts: 0,
            since: now,
            met: false,
        }
    }

    /// The end of what was seen.
    pub(crate) const fn end(&self) -> &ChainInfo {
        &self.at.parent
    }

    /// Headers that were seen and are not stored here.
    pub(crate) const fn count(&self) -> u64 {
        self.count
    }

    /// Bytes of memory, about.
    pub(crate) fn len_bytes(&self) -> usize {
        let kept = self.kept.as_ref().map_or(0, Vec::len).saturating_mul(80);
        self.bits.len_bytes().saturating_add(kept)
    }

    /// What was shown.
    pub(crate) fn shown(self) -> Shown {
        Shown {
            base: self.base,
            headers: self.kept,
            bits: self.bits,
            count: self.count,
            end: self.at.parent,
            goes_on: self.met,
        }
    }

    /// Takes an answer. `fetched`: the end of the branch that is being fetched.
    ///
    /// # Errors
    /// The peer's offence, within a [`Fault`] of ours.
    pub(crate) fn answered(
        &mut self,
        now: Now,
        headers: &[Header],
        fetched: Option<BlockHash>,
        local: &impl Local,
    ) -> Result<Result<Next, Offence>, Fault> {
        let is_last = headers.len() < MAX_HEADERS;
        let mut headers = headers;
        if let Some(first) = headers.first()
            && first.parent != self.at.parent.hash
        {
            // Another branch than before, or one that leaves ours before its tip.
            let Some(base) = local.context(&first.parent)? else {
                return Ok(Err(Offence::Disjoint));
            };
            if self.count > 0 {
                self.restarts = self.restarts.saturating_add(1);
                if self.restarts > MAX_RESTARTS {
                    // An honest one would need as many reorganisations: what it showed will do.
                    return Ok(Ok(Next::Ended));
                }
            }
            self.restart(base);
        }
        if self.count == 0 {
            match self.skip_stored(&mut headers, local)? {
                Ok(()) => {}
                Err(offence) => return Ok(Err(offence)),
            }
        }
        for header in headers {
            match self.check(now, header, local) {
                Ok(()) => {}
                Err(NotAccepted::Refused(violation)) => return Ok(Err(Offence::Block(violation))),
                Err(NotAccepted::NotYet(NotYet::Orphan { .. })) => {
                    return Ok(Err(Offence::Disjoint));
                }
                Err(NotAccepted::NotYet(NotYet::Future { .. })) => return Ok(Ok(Next::Waits)),
                Err(NotAccepted::Fault(fault)) => return Err(fault),
            }
            self.met |= fetched == Some(self.at.parent.hash);
        }
        if is_last || self.count >= MAX_SEARCHED {
            return Ok(Ok(Next::Ended));
        }
        Ok(Ok(Next::Ask(vec![self.at.parent.hash])))
    }

    fn restart(&mut self, base: HeaderContext) {
        self.base = base;
        self.at = base;
        self.bits = Bits::new(self.salt);
        self.kept = Some(Vec::new());
        self.count = 0;
        self.met = false;
    }

    /// Moves past headers that are stored here already.
    fn skip_stored(
        &mut self,
        headers: &mut &[Header],
        local: &impl Local,
    ) -> Result<Result<(), Offence>, Fault> {
        let mut last = None;
        while let Some((first, rest)) = headers.split_first() {
            let hash = first.hash();
            match local.block(&hash)? {
                Some(known) if known.is_invalid => return Ok(Err(Offence::OnInvalid)),
                Some(_) if first.parent == last.unwrap_or(self.at.parent.hash) => {
                    last = Some(hash);
                    *headers = rest;
                }
                Some(_) => return Ok(Err(Offence::Disjoint)),
                None => break,
            }
        }
        if let Some(last) = last
            && let Some(base) = local.context(&last)?
        {
            self.restart(base);
        }
        Ok(Ok(()))
    }

    fn check(&mut self, now: Now, header: &Header, local: &impl Local) -> Result<(), NotAccepted> {
        if header.parent != self.at.parent.hash {
            return Err(NotYet::Orphan { parent: header.parent }.into());
        }
        let worked = WorkedHeader::check(local.params(), header)?;
        let checked = CheckedHeader::check(local.params(), worked, Some(&self.at), now.unix)?;
        self.at = *checked.context_after();
        self.bits.push(&self.at.parent.hash);
        self.count = self.count.saturating_add(1);
        if let Some(kept) = &mut self.kept {
            kept.push(*header);
            if kept.len() > KEPT {
                self.kept = None;
            }
        }
        Ok(())
    }
}

/// Hashes of our best chain from `from` down to genesis, first each, then at steps twice as long as the
/// one before.
pub(crate) fn locator(from: Height, local: &impl Local) -> Result<Vec<BlockHash>, Fault> {
    let (mut height, mut step) = (from.0, 1_u64);
    let mut hashes = Vec::new();
    loop {
        if let Some(hash) = local.canonical(Height(height))? {
            hashes.push(hash);
        }
        if height == 0 {
            return Ok(hashes);
        }
        if hashes.len() >= 8 {
            step = step.saturating_mul(2);
        }
        height = height.saturating_sub(step);
    }
}
