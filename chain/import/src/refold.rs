//! Folding again from genesis, where a reorganisation is deeper than undo records reach: missing
//! undo data never refuses a heavier chain (docs/protocol.md §3).

use crate::Published;
use crate::attached::Step;
use crate::branch::BranchPoint;
use crate::importer::{Importer, genesis_batch};
use crate::records::ChainReader;
use blocktree_consensus::{Runtime, genesis_block, genesis_state};
use blocktree_primitives::{BlockHash, Height};
use blocktree_state::auth::AuthMap;
use blocktree_state::{Batch, Column, Durability, Fault, MemoryLedger};

impl<R: Runtime> Importer<R> {
    /// Makes the block of the best chain at `height` the tip without undo records: back to
    /// genesis in one write, then forward along stored bodies. A kill in between leaves a lower
    /// tip and the target noted, from which the next start goes on.
    pub(crate) fn refold(&mut self, height: Height) -> Result<(), Fault> {
        tracing::warn!(
            to = height.0,
            "undo records don't reach that deep; folding again from genesis"
        );
        let mut path = Vec::new();
        for at in 1..=height.0 {
            let hash = ChainReader(&*self.ledger).canonical(Height(at))?;
            path.push(hash.ok_or_else(|| Fault::Corrupt(format!("no block at height {at}")))?);
        }
        self.return_events(height)?;
        self.back_to_genesis()?;
        for hash in &path {
            if let Some(violation) = self.apply_stored(hash)? {
                let what = format!("block {hash} of the best chain is refused now: {violation}");
                return Err(Fault::Corrupt(what));
            }
        }
        Ok(())
    }

    /// Gives the events of the blocks above `height` back to whoever waits for them, before the
    /// blocks leave.
    fn return_events(&mut self, height: Height) -> Result<(), Fault> {
        let published = self.shared.published();
        for at in (height.0.saturating_add(1)..=self.tip().height.0).rev() {
            let chain = ChainReader(&*published.snapshot);
            let hash = chain.canonical(Height(at))?;
            let hash = hash.ok_or_else(|| Fault::Corrupt(format!("no block at height {at}")))?;
            let record = chain.known_header(&hash)?;
            let tip = record.header.parent;
            let point = BranchPoint::of(&*published.snapshot, &tip)?
                .ok_or_else(|| Fault::Corrupt(format!("block {tip} is missing")))?;
            let block = self.recall(&record, &hash, &point)?;
            let tip_height = Height(at.saturating_sub(1));
            let step = Step { block: hash, height: Height(at), tip, tip_height };
            let mut batch = Batch::new();
            self.attached.reverting(&step, block.events(), None, &mut batch)?;
            self.ledger.write(batch, Durability::Process)?;
        }
        Ok(())
    }

    fn back_to_genesis(&mut self) -> Result<(), Fault> {
        let state = genesis_state(&*self.runtime)?;
        let memory = MemoryLedger::new();
        let root = AuthMap::open(&memory, self.config.map)?.apply(&memory, &state)?;
        let genesis = genesis_block::<R::Call>(&self.params, &self.rules, root);
        let mut batch = Batch::new();
        for column in [
            Column::State,
            Column::Canonical,
            Column::History,
            Column::Events,
            Column::Undo,
            Column::Effects,
        ] {
            // No key is longer than a logical key (1 + 512 bytes), and none begins with 512 × ff.
            batch.delete_range(column, Vec::new(), vec![0xff; 512]);
        }
        batch.append(genesis_batch(&genesis.header, &genesis.commitment, &state)?);
        let shared = std::sync::Arc::clone(&self.shared);
        let mut map = shared.map_mut();
        self.ledger.write(batch, Durability::Synced)?;
        *map = AuthMap::rebuild(&*self.ledger, self.config.map)?;
        let hash: BlockHash = genesis.hash();
        let point = BranchPoint::of(&*self.ledger, &hash)?
            .ok_or_else(|| Fault::Bug("genesis was just written".into()))?;
        let snapshot = self.ledger.snapshot();
        shared.publish(Published { context: point.context, snapshot });
        drop(map);
        self.points = crate::branch::RecentPoints::default();
        self.recent.clear();
        self.tip = point;
        self.attached.published(&self.shared.published());
        Ok(())
    }
}
