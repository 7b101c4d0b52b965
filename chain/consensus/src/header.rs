//! The first rungs of the ladder: a header's own proof of work, then its place in a branch
//! (docs/protocol.md §3.4–§3.7). Cheap checks first; no body is looked at.

use crate::fork::ChainInfo;
use crate::params::Params;
use crate::target::{Target, TargetError, Work};
use crate::time::RecentTimes;
use crate::violation::{NotYet, Verdict, Violation};
use blocktree_primitives::{BlockHash, CommitmentHash, Header};
use blocktree_state::Fault;

/// The version of headers that this program drafts; any other is as good.
pub const VERSION: u32 = 0x2000_0000;

/// A header whose hash meets the target that it claims: enough to wait in a buffer for its
/// parent or its time, and no more, because the target may be far too easy for its branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkedHeader {
    header: Header,
    hash: BlockHash,
    work: Work,
}

impl WorkedHeader {
    /// Checks a header's proof of work against its own bits.
    ///
    /// # Errors
    /// [`Violation::BadTarget`], [`Violation::TargetAboveLimit`] or
    /// [`Violation::InsufficientWork`].
    pub fn check(params: &Params, header: &Header) -> Result<Self, Violation> {
        let bits = header.bits;
        let target =
            Target::from_bits(bits).map_err(|error| Violation::BadTarget { bits, error })?;
        let limit = params.limit_bits;
        if !Target::from_bits(limit).is_ok_and(|limit| target <= limit) {
            return Err(Violation::TargetAboveLimit { bits, limit });
        }
        let hash = header.hash();
        if !target.is_met_by(&hash) {
            return Err(Violation::InsufficientWork { hash, bits });
        }
        Ok(Self { header: *header, hash, work: target.work() })
    }

    /// The header.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Its hash.
    #[must_use]
    pub const fn hash(&self) -> BlockHash {
        self.hash
    }

    /// The work that its hash stands for.
    #[must_use]
    pub const fn work(&self) -> Work {
        self.work
    }
}

/// What a header is judged by: the branch up to its parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderContext {
    /// The parent and the work behind it.
    pub parent: ChainInfo,
    /// The times of the last 11 headers up to and including the parent.
    pub times: RecentTimes,
}

impl HeaderContext {
    /// The context of block 1.
    ///
    /// # Errors
    /// [`TargetError`] if the genesis header's bits are no target.
    pub fn genesis(header: &Header) -> Result<Self, TargetError> {
        let times = RecentTimes::genesis(header.time);
        Ok(Self { parent: ChainInfo::genesis(header)?, times })
    }

    /// A header for the next block, not yet searched: the required bits, and `now` for its time
    /// unless the median time past is later.
    ///
    /// # Errors
    /// [`TargetError`] if the parameters were never checked.
    pub fn draft(
        &self,
        params: &Params,
        commitment: CommitmentHash,
        now: u32,
    ) -> Result<Header, TargetError> {
        Ok(Header {
            version: VERSION,
            parent: self.parent.hash,
            commitment,
            time: now.max(self.times.median().saturating_add(1)),
            bits: params.expected_bits(&self.parent)?,
            nonce: 0,
        })
    }
}

/// A header that is right in its branch: target, proof of work, time. Of what it commits to
/// nothing is known yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckedHeader {
    header: Header,
    parent_median_time: u32,
    work: Work,
    after: HeaderContext,
}

/// Checks a header. `parent`: the branch up to the block before, if that is known; `now`:
/// seconds since 1970 by the local clock.
///
/// # Errors
/// A [`Violation`] of the header's own rules, or a [`NotYet`] (docs/protocol.md §3.7).
pub fn check_header(
    params: &Params,
    header: &Header,
    parent: Option<&HeaderContext>,
    now: u32,
) -> Verdict<CheckedHeader> {
    CheckedHeader::check(params, WorkedHeader::check(params, header)?, parent, now)
}

impl CheckedHeader {
    /// The checks of [`check_header`] that come after the header's own proof of work.
    ///
    /// # Errors
    /// [`Violation::WrongBits`], [`Violation::TimeNotAfterMedian`], or a [`NotYet`].
    pub fn check(
        params: &Params,
        worked: WorkedHeader,
        parent: Option<&HeaderContext>,
        now: u32,
    ) -> Verdict<Self> {
        let WorkedHeader { header, hash, work } = worked;
        let context = match parent {
            Some(context) if context.parent.hash == header.parent => context,
            _ => return Err(NotYet::Orphan { parent: header.parent }.into()),
        };
        let expected = params
            .expected_bits(&context.parent)
            .map_err(|error| Fault::Bug(format!("the chain's parameters: {error}")))?;
        if header.bits != expected {
            return Err(Violation::WrongBits { expected, found: header.bits }.into());
        }
        let median = context.times.median();
        if header.time <= median {
            return Err(Violation::TimeNotAfterMedian { median, time: header.time }.into());
        }
        // Last of all: what is wrong for another reason is not worth waiting for.
        if header.time > now.saturating_add(params.max_future) {
            let until = header.time.saturating_sub(params.max_future);
            return Err(NotYet::Future { until }.into());
        }
        let height = context.parent.height.next();
        let height = height.ok_or_else(|| Fault::Bug("a chain of 2^64 blocks".into()))?;
        let total_work = context.parent.total_work.saturating_add(work);
        let info = ChainInfo { hash, height, time: header.time, bits: header.bits, total_work };
        let after = HeaderContext { parent: info, times: context.times.then(header.time) };
        Ok(Self { header, parent_median_time: median, work, after })
    }

    /// The header.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The branch with this header as its tip.
    #[must_use]
    pub const fn info(&self) -> &ChainInfo {
        &self.after.parent
    }

    /// What the next header of the branch is judged by.
    #[must_use]
    pub const fn context_after(&self) -> &HeaderContext {
        &self.after
    }

    /// The work of this header alone.
    #[must_use]
    pub const fn work(&self) -> Work {
        self.work
    }

    /// Median time of the 11 headers up to and including the parent.
    #[must_use]
    pub const fn parent_median_time(&self) -> u32 {
        self.parent_median_time
    }
}
