//! What the next block of a branch is judged by, for any known block.

use crate::records::{BlockStatus, ChainReader};
use blocktree_consensus::history::{Leaf, Peaks};
use blocktree_consensus::time::MEDIAN_SPAN;
use blocktree_consensus::{CheckedHeader, HeaderContext, RecentTimes};
use blocktree_primitives::BlockHash;
use blocktree_state::{Fault, Reader};
use std::collections::{BTreeMap, VecDeque};

/// A branch up to and including one block.
#[derive(Clone, Debug)]
pub(crate) struct BranchPoint {
    /// What the next header is judged by.
    pub context: HeaderContext,
    /// All headers, this block's included.
    pub history: Peaks,
}

impl BranchPoint {
    /// The same branch one block on. Returns also the new nodes of the history.
    pub(crate) fn then(
        &self,
        header: &CheckedHeader,
    ) -> Result<(Self, Vec<(u64, blocktree_consensus::history::Node)>), Fault> {
        let mut history = self.history.clone();
        let nodes = append(&mut history, &Leaf::of(header))?;
        Ok((Self { context: *header.context_after(), history }, nodes))
    }

    /// The branch up to `hash`, from what is stored; `None` if the block is not known.
    pub(crate) fn of(reader: &dyn Reader, hash: &BlockHash) -> Result<Option<Self>, Fault> {
        let chain = ChainReader(reader);
        let Some(record) = chain.header(hash)? else { return Ok(None) };
        // Back to the best chain, whose history is on disk.
        let mut branch = Vec::new();
        let (mut at, mut at_record) = (*hash, record.clone());
        while !chain.is_canonical(&at, at_record.height())? {
            branch.push(at_record.clone());
            at = at_record.header.parent;
            at_record = chain.known_header(&at)?;
        }
        let mut history = chain.peaks(at_record.height().0.saturating_add(1))?;
        for record in branch.iter().rev() {
            let leaf = Leaf::new(record.header, record.height(), record.total_work)
                .map_err(|error| Fault::Corrupt(format!("a stored header: {error}")))?;
            append(&mut history, &leaf)?;
        }
        let times = recent_times(&chain, &record)?;
        Ok(Some(Self { context: HeaderContext { parent: record.info(), times }, history }))
    }
}

/// What the header after a stored block is judged by; `None` if the block is not known, or known to
/// be invalid.
///
/// # Errors
/// A [`Fault`] only.
pub fn header_context(
    reader: &dyn Reader,
    hash: &BlockHash,
) -> Result<Option<HeaderContext>, Fault> {
    let chain = ChainReader(reader);
    let Some(record) = chain.header(hash)? else { return Ok(None) };
    if record.status == BlockStatus::Invalid {
        return Ok(None);
    }
    let times = recent_times(&chain, &record)?;
    Ok(Some(HeaderContext { parent: record.info(), times }))
}

fn append(
    history: &mut Peaks,
    leaf: &Leaf,
) -> Result<Vec<(u64, blocktree_consensus::history::Node)>, Fault> {
    history.append(leaf).map_err(|error| Fault::Corrupt(format!("the history: {error}")))
}

fn recent_times(
    chain: &ChainReader<'_>,
    newest: &crate::HeaderRecord,
) -> Result<RecentTimes, Fault> {
    let mut times = vec![newest.header.time];
    let mut record = newest.clone();
    while times.len() < MEDIAN_SPAN && record.height().0 > 0 {
        record = chain.known_header(&record.header.parent)?;
        times.push(record.header.time);
    }
    RecentTimes::from_newest(times).ok_or_else(|| Fault::Bug("a branch without a header".into()))
}

/// Points of branches beside the best chain, so that a long branch is not walked back for each
/// of its blocks.
#[derive(Debug, Default)]
pub(crate) struct RecentPoints {
    points: BTreeMap<BlockHash, BranchPoint>,
    order: VecDeque<BlockHash>,
}

/// Points kept: some 1.5 kB each.
const KEPT: usize = 64;

impl RecentPoints {
    pub(crate) fn get(&self, hash: &BlockHash) -> Option<&BranchPoint> {
        self.points.get(hash)
    }

    pub(crate) fn insert(&mut self, point: BranchPoint) {
        let hash = point.context.parent.hash;
        if self.points.insert(hash, point).is_none() {
            self.order.push_back(hash);
        }
        while self.order.len() > KEPT
            && let Some(oldest) = self.order.pop_front()
        {
            self.points.remove(&oldest);
        }
    }
}
