//! The importer: opening a data folder, and judging one block.

use crate::attached::{Attached, Detached};
use crate::branch::{BranchPoint, RecentPoints};
use crate::checks::check_block;
use crate::recent::RecentState;
use crate::records::{BlockStatus, ChainReader, ChainWriter, HeaderRecord, Journey};
use crate::{Published, Shared};
use blocktree_consensus::fork::worth_storing;
use blocktree_consensus::{
    Blame, Candidate, ChainInfo, CheckedBlock, CheckedEvent, HeaderContext, NotAccepted, NotYet,
    Params, Runtime, Violation, Work, WorkedHeader, better, genesis_block, genesis_state,
};
use blocktree_primitives::{BlockHash, Header, Height};
use blocktree_state::auth::{AuthMap, Limits};
use blocktree_state::{Batch, Column, Durability, Fault, Ledger};
use std::sync::Arc;

/// What a node may choose for itself.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Undo records are kept for so many blocks, at least one; a deeper reorganisation folds
    /// again from genesis.
    pub undo_depth: u64,
    /// A branch with less work than this is not stored, whatever the tip.
    pub minimum_work: Work,
    /// Bounds of the authenticated map.
    pub map: Limits,
}

impl Default for Config {
    /// Two days of minutes, no minimum, the map's own bounds.
    fn default() -> Self {
        Self { undo_depth: 2880, minimum_work: Work::ZERO, map: Limits::default() }
    }
}

/// Why a data folder was not opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// It holds another chain.
    #[error("the data folder holds the chain {found}, not {expected}")]
    OtherChain {
        /// This chain's genesis.
        expected: BlockHash,
        /// The folder's.
        found: BlockHash,
    },
    /// The disk, or what is on it.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// What became of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Imported {
    /// It is the tip now. `reverted` blocks of the former best chain left it.
    NewTip {
        /// Its hash.
        hash: BlockHash,
        /// How deep the reorganisation was; 0 for a block on top of the tip.
        reverted: u64,
    },
    /// Valid as far as it was judged, and kept: its branch has not more work than the tip's.
    Side(BlockHash),
    /// Known already, and no better than the tip.
    Known(BlockHash),
    /// Known to be invalid, or on top of one that is.
    KnownInvalid(BlockHash),
    /// Its branch has so little work that it is not worth storing.
    TooLittleWork(BlockHash),
    /// Can't be judged yet; nobody is to blame.
    NotYet(NotYet),
    /// Breaks a rule.
    Refused(Violation),
}

/// Why a block may be stored though its branch has far less work than the best chain
/// (docs/protocol.md §3.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worth {
    /// It may not: all that counts is the work of its branch up to and with the block.
    Own,
    /// The headers that come after it were shown to bring its branch to so much work.
    Shown(Work),
    /// Whoever runs the node chose it, as with a file.
    Chosen,
}

/// The one writer of the chain.
pub struct Importer<R: Runtime> {
    pub(crate) runtime: Arc<R>,
    pub(crate) params: Params,
    pub(crate) config: Config,
    pub(crate) genesis: BlockHash,
    /// The encoding of all rules beyond `params`, for a fold from genesis.
    pub(crate) rules: Vec<u8>,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) tip: BranchPoint,
    pub(crate) points: RecentPoints,
    pub(crate) recent: RecentState,
    pub(crate) attached: Box<dyn Attached<R>>,
}

/// A chain that is open and not yet in motion: whatever goes along with it must be attached
/// before the first step, which may be the rest of a reorganisation that a kill cut short.
pub struct Opened<R: Runtime>(Importer<R>);

impl<R: Runtime> Opened<R> {
    /// What readers see.
    #[must_use]
    pub fn shared(&self) -> Arc<Shared> {
        self.0.shared()
    }

    /// The hash of genesis.
    #[must_use]
    pub const fn genesis(&self) -> BlockHash {
        self.0.genesis
    }

    /// Attaches what goes along, then finishes a reorganisation that was cut short.
    ///
    /// # Errors
    /// A [`Fault`] only.
    pub fn attach(self, attached: Box<dyn Attached<R>>) -> Result<Importer<R>, Fault> {
        let mut importer = self.0;
        importer.attached = attached;
        importer.finish_reorganisation()?;
        Ok(importer)
    }
}

impl<R: Runtime> Importer<R> {
    /// Opens the chain in `ledger`, or begins it there, and brings the authenticated map up to
    /// the tip.
    ///
    /// `rules`: the encoding of every parameter beyond `params` that decides what is valid.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(
        runtime: Arc<R>,
        params: Params,
        rules: Vec<u8>,
        ledger: Arc<dyn Ledger>,
        config: Config,
    ) -> Result<Opened<R>, OpenError> {
        let state = genesis_state(&*runtime)?;
        let mut empty = AuthMap::open(&blocktree_state::MemoryLedger::new(), config.map)?;
        let root = empty.apply(&blocktree_state::MemoryLedger::new(), &state)?;
        let genesis = genesis_block::<R::Call>(&params, &rules, root);
        let hash = genesis.hash();
        let chain = ChainReader(&*ledger);
        match chain.canonical(Height::GENESIS)? {
            None => {
                let batch = genesis_batch(&genesis.header, &genesis.commitment, &state)?;
                ledger.write(batch, Durability::Synced)?;
                AuthMap::rebuild(&*ledger, config.map)?;
            }
            Some(found) if found != hash => {
                return Err(OpenError::OtherChain { expected: hash, found });
            }
            Some(_) => {}
        }
        let tip_hash = ChainReader(&*ledger)
            .tip()?
            .ok_or_else(|| Fault::Corrupt("there is a chain but no tip".into()))?;
        let map = open_map(&*ledger, config.map, &tip_hash)?;
        let tip = BranchPoint::of(&*ledger, &tip_hash)?
            .ok_or_else(|| Fault::Corrupt(format!("the tip {tip_hash} is missing")))?;
        let published = Published { context: tip.context, snapshot: ledger.snapshot() };
        Ok(Opened(Self {
            runtime,
            params,
            config,
            genesis: hash,
            rules,
            shared: Arc::new(Shared::new(map, published)),
            ledger,
            tip,
            points: RecentPoints::default(),
            recent: RecentState::default(),
            attached: Box::new(Detached),
        }))
    }

    /// What readers see.
    #[must_use]
    pub fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    /// The rules of events.
    #[must_use]
    pub fn runtime(&self) -> Arc<R> {
        Arc::clone(&self.runtime)
    }

    /// The tip of the best chain.
    #[must_use]
    pub const fn tip(&self) -> &ChainInfo {
        &self.tip.context.parent
    }

    /// What the next header is judged by.
    #[must_use]
    pub const fn context(&self) -> &HeaderContext {
        &self.tip.context
    }

    /// The hash of genesis.
    #[must_use]
    pub const fn genesis(&self) -> BlockHash {
        self.genesis
    }

    /// Judges a block and, if its branch has the most work, makes it the tip. `now`: seconds
    /// since 1970.
    ///
    /// A block that is known already becomes the tip again if its branch has the most work: an
    /// operator may have [reverted](Self::revert) it.
    ///
    /// # Errors
    /// A [`Fault`] only: the node must stop.
    pub fn import(&mut self, block: Candidate<R::Call>, now: u32) -> Result<Imported, Fault> {
        self.import_as(block, Worth::Own, now)
    }

    /// [`Importer::import`] of a block on a branch of which more is known than the block shows.
    ///
    /// # Errors
    /// A [`Fault`] only: the node must stop.
    pub fn import_as(
        &mut self,
        block: Candidate<R::Call>,
        worth: Worth,
        now: u32,
    ) -> Result<Imported, Fault> {
        self.import_ahead(block, worth, now, Vec::new())
    }

    /// [`Importer::import_as`] of a block of whose events some were checked ahead: `checked` goes along
    /// with the events. What is there is compared with the block's own bytes and saves only time; what
    /// is missing is checked.
    ///
    /// # Errors
    /// A [`Fault`] only: the node must stop.
    pub fn import_ahead(
        &mut self,
        block: Candidate<R::Call>,
        worth: Worth,
        now: u32,
        checked: Vec<Option<Arc<CheckedEvent<R::Call>>>>,
    ) -> Result<Imported, Fault> {
        let worked = match WorkedHeader::check(&self.params, &block.header) {
            Ok(worked) => worked,
            Err(violation) => return Ok(Imported::Refused(violation)),
        };
        let hash = worked.hash();
        let chain = ChainReader(&*self.ledger);
        match chain.header(&hash)? {
            Some(HeaderRecord { status: BlockStatus::Invalid, .. }) => {
                return Ok(Imported::KnownInvalid(hash));
            }
            Some(known) if better(self.tip().total_work, known.total_work) => {
                return self.reorganise(hash);
            }
            Some(_) => return Ok(Imported::Known(hash)),
            None => {}
        }
        let parent = block.header.parent;
        let total_work = match chain.header(&parent)? {
            Some(HeaderRecord { status: BlockStatus::Invalid, .. }) => {
                return Ok(Imported::KnownInvalid(hash));
            }
            Some(before) => before.total_work.saturating_add(worked.work()),
            None => return Ok(Imported::NotYet(NotYet::Orphan { parent })),
        };
        if !self.is_worth_storing(total_work, worth) {
            return Ok(Imported::TooLittleWork(hash));
        }
        let point = self.point(&parent)?;
        let record = HeaderRecord {
            header: block.header,
            commitment: block.commitment,
            total_work,
            status: BlockStatus::Invalid,
        };
        let known = |events: &[_]| match checked.is_empty() {
            true => self.attached.known(&self.genesis, events),
            false => checked,
        };
        let rules = (&*self.runtime, &self.params, &self.genesis);
        let checked = check_block(rules, worked, block, &point, now, known);
        match checked {
            Ok(checked) if parent == self.tip().hash => self.extend(checked, record),
            Ok(checked) => self.store_side(checked, &point),
            Err(failure) => self.not_accepted(failure, hash, &record),
        }
    }

    fn is_worth_storing(&self, total_work: Work, worth: Worth) -> bool {
        let shown = match worth {
            Worth::Own => total_work,
            Worth::Shown(work) => work.max(total_work),
            Worth::Chosen => return true,
        };
        worth_storing(self.tip(), self.config.minimum_work, shown)
    }

    /// Folds a checked block on top of the tip.
    pub(crate) fn extend(
        &mut self,
        block: CheckedBlock<R::Call>,
        record: HeaderRecord,
    ) -> Result<Imported, Fault> {
        let hash = block.header().info().hash;
        match self.apply_on_tip(block, true) {
            Ok(()) => Ok(Imported::NewTip { hash, reverted: 0 }),
            Err(failure) => self.not_accepted(failure, hash, &record),
        }
    }

    /// Stores a checked block beside the tip, and reorganises to it if it has more work.
    pub(crate) fn store_side(
        &mut self,
        block: CheckedBlock<R::Call>,
        parent: &BranchPoint,
    ) -> Result<Imported, Fault> {
        let info = *block.header().info();
        let mut batch = Batch::new();
        put_block(&mut batch, &block);
        let journey = better(self.tip().total_work, info.total_work)
            .then(|| Journey { origin: self.tip().hash, target: info.hash });
        // In the same write, so that no kill leaves a block with more work than the tip.
        if journey.is_some() {
            batch.put_journey(journey.as_ref());
        }
        self.ledger.write(batch, Durability::Process)?;
        let (point, _) = parent.then(block.header())?;
        self.points.insert(point);
        match journey {
            Some(journey) => self.travel(journey),
            None => Ok(Imported::Side(info.hash)),
        }
    }

    /// Sorts out why a block was not accepted; remembers it only where its very content was
    /// judged.
    pub(crate) fn not_accepted(
        &mut self,
        failure: NotAccepted,
        hash: BlockHash,
        record: &HeaderRecord,
    ) -> Result<Imported, Fault> {
        match failure {
            NotAccepted::Fault(fault) => Err(fault),
            NotAccepted::NotYet(not_yet) => Ok(Imported::NotYet(not_yet)),
            NotAccepted::Refused(violation) => {
                if violation.blame() == Blame::Block {
                    let mut batch = Batch::new();
                    let record = HeaderRecord { status: BlockStatus::Invalid, ..record.clone() };
                    batch.put_header(&hash, &record);
                    self.ledger.write(batch, Durability::Process)?;
                }
                Ok(Imported::Refused(violation))
            }
        }
    }

    /// The branch up to a known block.
    pub(crate) fn point(&mut self, hash: &BlockHash) -> Result<BranchPoint, Fault> {
        if *hash == self.tip().hash {
            return Ok(self.tip.clone());
        }
        if let Some(point) = self.points.get(hash) {
            return Ok(point.clone());
        }
        let point = BranchPoint::of(&*self.ledger, hash)?
            .ok_or_else(|| Fault::Corrupt(format!("block {hash} is missing")))?;
        self.points.insert(point.clone());
        Ok(point)
    }

    /// Writes what memory still holds, so that the next start has nothing to catch up with.
    ///
    /// # Errors
    /// A [`Fault`] of the disk.
    pub fn close(&mut self) -> Result<(), Fault> {
        self.shared.map_mut().checkpoint(&*self.ledger)
    }
}

/// What is to be noted of a checked block.
pub(crate) fn record_of<C>(block: &CheckedBlock<C>, status: BlockStatus) -> HeaderRecord {
    HeaderRecord {
        header: *block.header().header(),
        commitment: *block.commitment(),
        total_work: block.header().info().total_work,
        status,
    }
}

/// Adds a block's header and body to a batch.
pub(crate) fn put_block<C>(batch: &mut Batch, block: &CheckedBlock<C>) {
    let hash = block.header().info().hash;
    batch.put_header(&hash, &record_of(block, BlockStatus::Stored));
    batch.put(Column::Bodies, hash.0, block.encoded_body());
}

/// Everything that a folder with nothing but genesis holds, the map aside.
pub(crate) fn genesis_batch(
    header: &Header,
    commitment: &blocktree_primitives::Commitment,
    state: &blocktree_state::Delta,
) -> Result<Batch, Fault> {
    use blocktree_consensus::history::{Leaf, Peaks};
    use parity_scale_codec::Encode;
    let info = ChainInfo::genesis(header)
        .map_err(|error| Fault::Bug(format!("the genesis header: {error}")))?;
    let record = HeaderRecord {
        header: *header,
        commitment: *commitment,
        total_work: info.total_work,
        status: BlockStatus::Stored,
    };
    let mut batch = Batch::new();
    batch.put_header(&info.hash, &record);
    batch.put(Column::Bodies, info.hash.0, Vec::<u8>::new().encode());
    batch.put(Column::Canonical, Height::GENESIS.0.to_be_bytes(), info.hash.0);
    batch.put_tip(&info.hash);
    state.write_to(&mut batch);
    let leaf = Leaf::new(*header, Height::GENESIS, info.total_work)
        .map_err(|error| Fault::Bug(format!("the genesis header: {error}")))?;
    let nodes = Peaks::new()
        .append(&leaf)
        .map_err(|error| Fault::Bug(format!("the genesis header: {error}")))?;
    crate::commit::put_nodes(&mut batch, &nodes);
    Ok(batch)
}

/// The map at the tip; made anew when what is on disk is not that.
fn open_map(ledger: &dyn Ledger, limits: Limits, tip: &BlockHash) -> Result<AuthMap, Fault> {
    let expected = ChainReader(ledger).known_header(tip)?.commitment.state_root;
    match AuthMap::open(ledger, limits) {
        Ok(map) if map.root() == expected => return Ok(map),
        Ok(map) => {
            tracing::warn!(found = %map.root(), %expected, "the state map is behind; rebuilding it");
        }
        Err(Fault::Corrupt(what)) => {
            tracing::warn!(%what, "the state map is damaged; rebuilding it");
        }
        Err(fault) => return Err(fault),
    }
    let map = AuthMap::rebuild(ledger, limits)?;
    if map.root() == expected {
        return Ok(map);
    }
    Err(Fault::Corrupt(format!(
        "the global state has the root {}, the tip commits to {expected}; \
         delete the data folder and sync again",
        map.root()
    )))
}
