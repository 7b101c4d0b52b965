//! What all methods work on.

use crate::error::{RpcError, interface};
use crate::types::{
    AtTip, BadText, HashHex, HeaderJson, Page, PathText, PrincipalText, StateProof,
};
use blocktree_chainspec::ChainSpec;
use blocktree_consensus::{ChainInfo, HeaderContext, Work};
use blocktree_import::{ChainReader, Published};
use blocktree_primitives::{BlockHash, BlockPath, Network, Principal};
use blocktree_runtime::BlocktreeRuntime;
use blocktree_service::Chain;
use blocktree_state::auth::ProveError;
use blocktree_state::{Fault, Reader, StateView};
use std::sync::Arc;

/// How often a proof is begun anew because its map and its snapshot did not belong together.
const PROOF_ATTEMPTS: usize = 3;

/// What the node does beside the chain: mining, logs, stopping. The node supplies it; no method
/// waits for it long.
pub trait NodeControl: Send + Sync + 'static {
    /// The version of the program.
    fn version(&self) -> &str;

    /// What the built-in miner does; `None` while it is off.
    fn miner(&self) -> Option<MinerState>;

    /// Who gets the rewards of blocks on demand when the caller does not say; `None` if nobody
    /// was configured.
    fn coinbase(&self) -> Option<Principal>;

    /// Switches the built-in miner: to so many threads (0: off), rewards to `coinbase` (or as
    /// before). Called from a thread that may block.
    ///
    /// # Errors
    /// Why it was not done, in words.
    fn set_mining(&self, threads: u32, coinbase: Option<Principal>) -> Result<(), String>;

    /// Sets what is logged, in the syntax of `--log`.
    ///
    /// # Errors
    /// What is wrong with the filter.
    fn set_log_filter(&self, filter: &str) -> Result<(), String>;

    /// Asks the node to stop; returns at once.
    fn stop(&self);
}

/// What the built-in miner does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MinerState {
    /// Threads that search.
    pub threads: u32,
    /// Who gets the rewards.
    pub coinbase: Principal,
    /// Hashes tried a second.
    pub hashes_per_second: u64,
}

/// The node's network, as operators see it. The node supplies it; the first four are asked on
/// threads that serve requests, so they answer at once from what is known.
pub trait Peering: Send + Sync + 'static {
    /// The peers that are connected.
    fn peers(&self) -> Vec<PeerState>;

    /// How far behind the network the node is.
    fn sync(&self) -> SyncProgress;

    /// The node's own name in the network, which stays the same from start to start.
    fn local_peer_id(&self) -> String;

    /// Where other nodes reach this one: whole multiaddrs that end in `/p2p/…`, ready for
    /// `--bootnode`.
    fn listen_addresses(&self) -> Vec<String>;

    /// Connects with a peer and stays connected as long as the node runs: it is reserved from now
    /// on. `address` is a multiaddr that ends in `/p2p/…`, as a caller wrote it. Called from a
    /// thread that may block; does not wait for the connection.
    ///
    /// # Errors
    /// Why it was not done, in words.
    fn add_peer(&self, address: &str) -> Result<(), String>;

    /// Ends the connection with a peer; it is no longer reserved. `peer_id` is as a caller wrote
    /// it. Called from a thread that may block.
    ///
    /// # Errors
    /// Why it was not done, in words.
    fn remove_peer(&self, peer_id: &str) -> Result<(), String>;
}

/// A peer that is connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerState {
    /// Its name in the network.
    pub peer_id: String,
    /// Where it is: a multiaddr without `/p2p/…`.
    pub address: String,
    /// Who opened the connection.
    pub direction: Direction,
    /// How long ago.
    pub connected_seconds: u64,
    /// Whether the operator wants it connected.
    pub reserved: bool,
    /// What it did wrong, summed up and forgotten slowly; 0 for nothing. At 100 it is banned.
    pub score: u32,
    /// Height of the tip that it told last; `None` before its greeting, and so the next two.
    pub height: Option<u64>,
    /// That tip.
    pub tip: Option<BlockHash>,
    /// The work that it says is in its chain.
    pub total_work: Option<Work>,
}

/// Who opened a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The peer.
    Inbound,
    /// This node.
    Outbound,
}

/// How far behind the network a node is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SyncProgress {
    /// Whether better blocks are known, or claimed and not yet looked into.
    pub syncing: bool,
    /// Height of the best branch whose headers were seen; at or below the tip's when none is
    /// better.
    pub target: u64,
    /// Blocks of that branch that are still to be imported.
    pub left: u64,
}

/// What all methods work on: the chain, its specification, the node, and its network.
pub struct Api {
    chain: Chain<BlocktreeRuntime>,
    spec: ChainSpec,
    node: Arc<dyn NodeControl>,
    peering: Option<Arc<dyn Peering>>,
}

impl Api {
    /// The interface to `chain`, which is that of `spec`. Without `peering`, the node is alone: it
    /// has no peers and is never behind.
    #[must_use]
    pub fn new(
        chain: Chain<BlocktreeRuntime>,
        spec: ChainSpec,
        node: Arc<dyn NodeControl>,
        peering: Option<Arc<dyn Peering>>,
    ) -> Self {
        Self { chain, spec, node, peering }
    }

    pub(crate) const fn chain(&self) -> &Chain<BlocktreeRuntime> {
        &self.chain
    }

    pub(crate) const fn spec(&self) -> &ChainSpec {
        &self.spec
    }

    pub(crate) fn node(&self) -> &dyn NodeControl {
        &*self.node
    }

    /// The network; `None` for a node without one.
    pub(crate) fn peering(&self) -> Option<&dyn Peering> {
        self.peering.as_deref()
    }

    pub(crate) const fn network(&self) -> Network {
        self.spec.network()
    }

    /// A principal's text.
    pub(crate) fn show(&self, principal: &Principal) -> PrincipalText {
        PrincipalText::new(principal, self.network())
    }

    /// A principal of this network.
    pub(crate) fn principal(&self, text: &PrincipalText) -> Result<Principal, RpcError> {
        Ok(text.read(self.network())?)
    }

    /// A path on this network.
    pub(crate) fn path(&self, text: &PathText) -> Result<BlockPath, RpcError> {
        Ok(text.read(self.network())?)
    }

    /// Everything as it is at the present tip.
    pub(crate) fn at_tip(&self) -> Snapshot {
        Snapshot::of(&self.chain.published())
    }

    /// Everything at the tip, with a proof of what `key` is there.
    pub(crate) fn at_tip_with_proof(&self, key: &[u8]) -> Result<(Snapshot, StateProof), RpcError> {
        for _ in 0..PROOF_ATTEMPTS {
            let found = self.chain.with_map(|map, published| {
                let proof = map.prove(&*published.snapshot, key)?;
                Ok((Snapshot::of(published), proof))
            });
            match found {
                Ok((snapshot, proof)) => {
                    let header = snapshot.tip_header(self.network())?;
                    return Ok((snapshot, StateProof::new(header, &proof)));
                }
                Err(ProveError::Stale) => {}
                Err(ProveError::KeyTooLong(len)) => {
                    return Err(RpcError::invalid_params(format!("a key of {len} bytes")));
                }
                Err(ProveError::Fault(fault)) => return Err(fault.into()),
            }
        }
        Err(RpcError::refused(&interface::BUSY, "blocks come too fast for a proof, try again"))
    }

    /// At the tip, with a proof of `key` if one is wanted.
    pub(crate) fn at_tip_maybe_proved(
        &self,
        key: impl FnOnce() -> Vec<u8>,
        proof: Option<bool>,
    ) -> Result<(Snapshot, Option<StateProof>), RpcError> {
        match proof {
            Some(true) => {
                let (snapshot, proof) = self.at_tip_with_proof(&key())?;
                Ok((snapshot, Some(proof)))
            }
            _ => Ok((self.at_tip(), None)),
        }
    }
}

impl From<BadText> for RpcError {
    fn from(error: BadText) -> Self {
        Self::invalid_params(error.to_string())
    }
}

/// The data folder at one tip; an answer reads one of these and nothing else.
pub(crate) struct Snapshot {
    pub(crate) context: HeaderContext,
    reader: Arc<dyn Reader>,
}

impl Snapshot {
    fn of(published: &Published) -> Self {
        Self { context: published.context, reader: Arc::clone(&published.snapshot) }
    }

    pub(crate) const fn tip(&self) -> &ChainInfo {
        &self.context.parent
    }

    pub(crate) fn reader(&self) -> &dyn Reader {
        &*self.reader
    }

    pub(crate) fn chain(&self) -> ChainReader<'_> {
        ChainReader(&*self.reader)
    }

    pub(crate) fn state(&self) -> StateView<'_> {
        StateView(&*self.reader)
    }

    pub(crate) fn tip_header(&self, network: Network) -> Result<HeaderJson, Fault> {
        let record = self.chain().known_header(&self.tip().hash)?;
        Ok(HeaderJson::new(&record.header, &record.commitment, network))
    }

    /// `value` with the tip that it was read at.
    pub(crate) const fn answer<T>(&self, value: T) -> AtTip<T> {
        AtTip::new(self.tip().height, self.tip().hash, value)
    }

    /// A page with the tip that it was read at.
    pub(crate) const fn page<T>(&self, items: Vec<T>, cursor: Option<String>) -> Page<T> {
        let tip = self.tip();
        Page { height: tip.height.0, block_hash: HashHex(tip.hash), items, cursor }
    }
}

/// Rows of a page: as many as asked for, within bounds.
pub(crate) fn page_len(limit: Option<u32>) -> Result<usize, RpcError> {
    /// Rows if nothing is asked for.
    const USUAL: u32 = 100;
    /// Rows at most.
    const MOST: u32 = 500;
    match limit.unwrap_or(USUAL) {
        limit @ 1..=MOST => Ok(usize::try_from(limit).unwrap_or(usize::MAX)),
        limit => Err(RpcError::invalid_params(format!("limit is 1 to {MOST}, not {limit}"))),
    }
}

/// Cuts a list that was read with one row too many, and gives the last row kept as the cursor.
pub(crate) fn cut<T>(
    rows: &mut Vec<T>,
    limit: usize,
    cursor: impl FnOnce(&T) -> String,
) -> Option<String> {
    if rows.len() <= limit {
        return None;
    }
    rows.truncate(limit);
    rows.last().map(cursor)
}
