//! One step of the tip: a block on or off, in one atomic write.

use crate::attached::Step;
use crate::branch::BranchPoint;
use crate::checks::recall_block;
use crate::importer::{Importer, put_block};
use crate::recent::RecentView;
use crate::records::{ChainReader, ChainWriter, EventLocation, HeaderRecord, undo_key};
use crate::spread::AllCores;
use crate::{Published, Shared};
use blocktree_consensus::history::{Node, node_count};
use blocktree_consensus::{
    Body, Candidate, CheckedBlock, Executed, ExecutedBlock, NotAccepted, Runtime, Verdict,
};
use blocktree_primitives::{BlockHash, Height};
use blocktree_state::auth::Staged;
use blocktree_state::{Batch, Column, Delta, DeltaView, Durability, Fault};
use parity_scale_codec::Encode;

/// Why the tip was not taken back.
pub(crate) enum NotReverted {
    /// Its undo record is gone: too many blocks came since.
    NoUndo,
    /// The disk.
    Fault(Fault),
}

impl From<Fault> for NotReverted {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// Adds nodes of the history to a batch.
pub(crate) fn put_nodes(batch: &mut Batch, nodes: &[(u64, Node)]) {
    for (position, node) in nodes {
        batch.put(Column::History, position.to_be_bytes(), node.encode());
    }
}

impl<R: Runtime> Importer<R> {
    /// Folds a block on top of the tip and commits it. `with_body`: header and body are not
    /// stored yet.
    pub(crate) fn apply_on_tip(
        &mut self,
        block: CheckedBlock<R::Call>,
        with_body: bool,
    ) -> Verdict<()> {
        let published = self.shared.published();
        let mut staged = None;
        let root_of = |delta: &Delta| {
            let map = self.shared.map();
            let change = map.stage(&*published.snapshot, delta, &AllCores)?;
            let root = change.root();
            staged = Some(change);
            Ok(root)
        };
        let state = RecentView { recent: &self.recent, base: published.state() };
        let executed = ExecutedBlock::fold(&*self.runtime, &state, self.genesis, block, root_of)?;
        let staged = staged.ok_or_else(|| Fault::Bug("a fold without a root".into()))?;
        let (block, executed) = executed.into_parts();
        let mut batch = Batch::new();
        if with_body {
            put_block(&mut batch, &block);
        }
        let point = self.put_applied(&mut batch, &block, &executed)?;
        let info = *block.header().info();
        let step =
            Step { block: info.hash, height: info.height, tip: info.hash, tip_height: info.height };
        let after = DeltaView { base: &state, delta: &executed.delta };
        self.attached.applying(&step, block.events(), &after, &mut batch)?;
        self.commit(batch, &executed.delta, staged, point)?;
        Ok(())
    }

    /// Adds all that a folded block changes, the map aside. Returns the branch with it.
    fn put_applied(
        &self,
        batch: &mut Batch,
        block: &CheckedBlock<R::Call>,
        executed: &Executed<R::Effect>,
    ) -> Result<BranchPoint, Fault> {
        let info = block.header().info();
        executed.delta.write_to(batch);
        batch.put(Column::Undo, undo_key(info.height, &info.hash), executed.delta.undo_record());
        if !executed.effects.is_empty() {
            batch.put(Column::Effects, info.hash.0, executed.effects.encode());
        }
        for (index, event) in (0u32..).zip(block.events()) {
            let place = EventLocation { height: info.height, index };
            batch.put(Column::Events, event.id().0, place.encode());
        }
        let (point, nodes) = self.tip.then(block.header())?;
        put_nodes(batch, &nodes);
        batch.put(Column::Canonical, info.height.0.to_be_bytes(), info.hash.0);
        batch.put_tip(&info.hash);
        self.forget_undo(batch, info.height)?;
        Ok(point)
    }

    /// Drops the undo record that is too deep to be needed.
    fn forget_undo(&self, batch: &mut Batch, tip: Height) -> Result<(), Fault> {
        let depth = self.config.undo_depth.max(1);
        let Some(old) = tip.0.checked_sub(depth).map(Height) else {
            return Ok(());
        };
        if let Some(hash) = ChainReader(&*self.ledger).canonical(old)? {
            batch.delete(Column::Undo, undo_key(old, &hash));
        }
        Ok(())
    }

    /// Takes the tip back and commits that.
    pub(crate) fn revert_tip(&mut self) -> Result<(), NotReverted> {
        let published = self.shared.published();
        let chain = ChainReader(&*published.snapshot);
        let (hash, height) = (self.tip().hash, self.tip().height);
        let undo = published.snapshot.get(Column::Undo, &undo_key(height, &hash))?;
        let undo = undo.ok_or(NotReverted::NoUndo)?;
        let state = published.state();
        let delta = Delta::from_undo_record(&undo, &state)?;
        let record = chain.known_header(&hash)?;
        let parent = record.header.parent;
        let point = BranchPoint::of(&*published.snapshot, &parent)?
            .ok_or_else(|| Fault::Corrupt(format!("block {parent} is missing")))?;
        let block = self.recall(&record, &hash, &point)?;
        let staged = self.shared.map().stage(&*published.snapshot, &delta, &AllCores)?;
        let expected = chain.known_header(&parent)?.commitment.state_root;
        if staged.root() != expected {
            let found = staged.root();
            let what = format!("taking back {hash} leads to the state {found}, not {expected}");
            return Err(Fault::Corrupt(what).into());
        }
        let mut batch = Batch::new();
        delta.write_to(&mut batch);
        batch.delete(Column::Undo, undo_key(height, &hash));
        batch.delete(Column::Effects, hash.0);
        for event in block.events() {
            batch.delete(Column::Events, event.id().0);
        }
        for position in node_count(height.0)..node_count(height.0.saturating_add(1)) {
            batch.delete(Column::History, position.to_be_bytes());
        }
        batch.delete(Column::Canonical, height.0.to_be_bytes());
        batch.put_tip(&parent);
        let tip_height = point.context.parent.height;
        let step = Step { block: hash, height, tip: parent, tip_height };
        let after = DeltaView { base: &state, delta: &delta };
        self.attached.reverting(&step, block.events(), Some(&after), &mut batch)?;
        self.commit(batch, &delta, staged, point)?;
        Ok(())
    }

    /// A stored block, as checked as it was when it was stored. `parent`: the branch up to the
    /// block before it.
    pub(crate) fn recall(
        &self,
        record: &HeaderRecord,
        hash: &BlockHash,
        parent: &BranchPoint,
    ) -> Result<CheckedBlock<R::Call>, Fault> {
        let HeaderRecord { header, commitment, .. } = *record;
        let block = Candidate { header, commitment, body: self.stored_body(hash)? };
        let recalled = recall_block((&*self.runtime, &self.params, &self.genesis), block, parent);
        recalled.map_err(|error| match error {
            NotAccepted::Fault(fault) => fault,
            // It was not so when it was stored.
            other => Fault::Corrupt(format!("stored block {hash}: {other}")),
        })
    }

    /// The body of a stored block.
    fn stored_body(&self, hash: &BlockHash) -> Result<Body<R::Call>, Fault> {
        let bytes = ChainReader(&*self.ledger)
            .body(hash)?
            .ok_or_else(|| Fault::Corrupt(format!("the body of {hash} is missing")))?;
        Body::decode(&bytes).map_err(|e| Fault::Corrupt(format!("the body of {hash}: {e}")))
    }

    /// Writes a step, makes it in the map, and publishes it, in this order and with the map's
    /// lock held, so that no reader meets a map and a tip that don't belong together.
    fn commit(
        &mut self,
        mut batch: Batch,
        delta: &Delta,
        staged: Staged,
        point: BranchPoint,
    ) -> Result<(), Fault> {
        let Self { shared, ledger, .. } = self;
        let shared: &Shared = shared;
        let mut map = shared.map_mut();
        map.journal(delta, &mut batch);
        ledger.write(batch, Durability::Process)?;
        map.commit(staged)?;
        if map.checkpoint_due() {
            map.checkpoint(&**ledger)?;
        }
        let context = point.context;
        shared.publish(Published { context, snapshot: ledger.snapshot() });
        drop(map);
        self.recent.apply(delta);
        self.tip = point;
        self.attached.published(&self.shared.published());
        Ok(())
    }
}
