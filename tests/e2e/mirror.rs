//! A chain of the test's own beside the node's, to make competing branches with: it takes the
//! node's blocks, takes some back, and makes more work on top.

use blocktree_chainspec::ChainSpec;
use blocktree_consensus::Candidate;
use blocktree_import::{ChainReader, Config};
use blocktree_mempool::Policy;
use blocktree_primitives::{BlockHash, Height, Principal};
use blocktree_runtime::{BlocktreeRuntime, Call};
use blocktree_service::{Chain, Setup, WriterThread};
use blocktree_state::MemoryLedger;
use blocktree_tests::{Rpc, RpcFailure};
use parity_scale_codec::{Compact, Encode};
use serde_json::json;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) struct Mirror {
    chain: Chain<BlocktreeRuntime>,
    _writer: WriterThread<BlocktreeRuntime>,
    runtime: tokio::runtime::Runtime,
}

fn now() -> u32 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u32::try_from(since.as_secs()).unwrap()
}

/// A block's encoding from its parts: header, commitment, count, events (docs/protocol.md §3).
fn scale_of(block: &serde_json::Value) -> Vec<u8> {
    let bytes = |value: &serde_json::Value| hex::decode(value.as_str().unwrap()).unwrap();
    let events = block["events"].as_array().unwrap();
    let mut scale = bytes(&block["header"]["raw"]);
    scale.extend(bytes(&block["header"]["commitment"]));
    scale.extend(Compact(u32::try_from(events.len()).unwrap()).encode());
    events.iter().for_each(|event| scale.extend(bytes(&event["eventScale"])));
    scale
}

impl Mirror {
    pub(crate) fn new() -> Self {
        let spec = ChainSpec::dev();
        let (chain, writer) = Chain::start(Setup {
            runtime: Arc::new(BlocktreeRuntime::new(spec.runtime_params().unwrap()).unwrap()),
            params: spec.consensus_params(),
            rules: spec.rules().unwrap(),
            ledger: Arc::new(MemoryLedger::new()),
            import: Config::default(),
            policy: Policy::default(),
            max_event_len: blocktree_runtime::MAX_EVENT_LEN,
            clock: now,
        })
        .unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        Self { chain, _writer: writer, runtime }
    }

    pub(crate) fn genesis(&self) -> BlockHash {
        self.chain.genesis()
    }

    /// Takes in the node's best chain.
    pub(crate) fn follow(&mut self, node: &Rpc) -> Result<(), RpcFailure> {
        let tip = node.try_call("chain_getTip", json!([]))?;
        let mut missing = Vec::new();
        let mut at = tip["hash"].as_str().unwrap().to_owned();
        loop {
            let hash: BlockHash = at.parse().unwrap();
            let published = self.chain.published();
            if ChainReader(&*published.snapshot).header(&hash).unwrap().is_some() {
                break;
            }
            let block = node.try_call("chain_getBlock", json!([at]))?;
            let scale = scale_of(&block);
            let block = Candidate::<Call>::decode(&scale).unwrap();
            at = block.header.parent.to_string();
            missing.push(block);
        }
        for block in missing.into_iter().rev() {
            self.chain.import_blocking(block).unwrap();
        }
        Ok(())
    }

    /// Makes a branch with one block more than the best chain, from a few blocks back, and gives
    /// it to the node. Returns 1 if the node went over to it.
    pub(crate) fn fork(
        &mut self,
        node: &Rpc,
        random: &mut dyn FnMut(u64) -> u64,
    ) -> Result<u64, RpcFailure> {
        let depth = 1 + random(3);
        let height = self.chain.published().tip().height;
        let depth = self.runtime.block_on(self.chain.revert(depth)).unwrap();
        if depth == 0 {
            return Ok(0);
        }
        let miner = Principal([u8::try_from(random(256)).unwrap(); 32]);
        let count = u32::try_from(depth).unwrap() + 1;
        let made = self.chain.generate(count, &miner).unwrap();
        for hash in &made {
            let published = self.chain.published();
            let chain = ChainReader(&*published.snapshot);
            let record = chain.header(hash).unwrap().unwrap();
            let mut scale = (record.header, record.commitment).encode();
            scale.extend(chain.body(hash).unwrap().unwrap());
            node.try_call("mining_submitBlock", json!([hex::encode(scale)]))?;
        }
        let tip = node.try_call("chain_getTip", json!([]))?;
        let ours = made.last().unwrap().to_string();
        assert!(self.chain.published().tip().height > height || height == Height(0));
        Ok(u64::from(tip["hash"].as_str() == Some(ours.as_str())))
    }
}
