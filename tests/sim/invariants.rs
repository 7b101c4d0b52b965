//! What must hold: some of it at every step, the rest after healing and quiet. A [`Finding`] names the
//! invariant that does not.

use crate::chain::Chain;
use crate::plant::Plant;
use crate::world::World;
use blocktree_consensus::Runtime;
use blocktree_mempool::{Dropped, Status};
use blocktree_primitives::{Amount, EventId};
use blocktree_state::{Column, Reader, StateView};
use core::ops::ControlFlow;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt;

/// Blocks of the network that a node hands to its importer and that are not judged, at most.
pub(crate) const MAX_IMPORTS: usize = 1024;
/// Events likewise.
pub(crate) const MAX_JUDGED: usize = 4096;
/// Requests of all peers together that a node has not answered, at most: 64 for each.
pub(crate) const MAX_UNANSWERED: usize = 64;
/// Milliseconds within which a request is answered, or its peer let go.
pub(crate) const ANSWERED_WITHIN: u64 = 15_000;

/// Which invariant is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Invariant {
    /// All honest nodes have one tip.
    OneTip,
    /// All honest nodes have one state, and its root is what their tip commits to.
    OneState,
    /// A node that has caught up says so; looked at where nobody lies.
    SaysSynced,
    /// No honest node is banned by an honest one.
    NoHonestBanned,
    /// No coin comes from nowhere, none is lost.
    Supply,
    /// Every buffer is below its bound.
    Bounded,
    /// An event that was acknowledged is on the chain, or waits, or was dropped for a named reason.
    NoEventLost,
    /// In a calm network every acknowledged event reaches the chain, unless its user replaced it.
    EventsMined,
    /// A node's best chain never gets less work.
    WorkGrows,
    /// Every request is answered, once and in time.
    Answered,
    /// A node asks its driver for what the driver can do.
    Contract,
    /// No fault.
    NoFault,
}

/// A broken invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) at: u64,
    pub(crate) node: usize,
    pub(crate) invariant: Invariant,
    pub(crate) what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, node, invariant, what } = self;
        write!(f, "{at} ms, node {node}: {invariant:?}: {what}")
    }
}

impl World {
    pub(crate) fn find(&mut self, node: usize, invariant: Invariant, what: String) {
        let at = self.plan.now();
        self.trace.say(at, node, format_args!("FOUND {invariant:?}: {what}"));
        // One of a kind and node is enough.
        let is_known = |f: &Finding| f.node == node && f.invariant == invariant;
        if !self.findings.iter().any(is_known) {
            self.findings.push(Finding { at, node, invariant, what });
        }
    }

    /// What must hold after every step of a node.
    pub(crate) fn check_step(&mut self, seat: usize) {
        let now = self.plan.now();
        let waiting = self.links.waiting(seat);
        let late = self.links.unanswered(seat, now, ANSWERED_WITHIN);
        let peers = self.seats();
        let Some(alive) = &self.nodes[seat].alive else { return };
        let (imports, judged) = alive.handed_out;
        let mut broken: Vec<String> = Vec::new();
        for (name, size, bound) in [
            ("blocks handed out", imports, MAX_IMPORTS),
            ("events handed out", judged, MAX_JUDGED),
            ("unanswered requests", waiting, MAX_UNANSWERED * peers),
        ] {
            if size > bound {
                broken.push(format!("{size} {name}, at most {bound} may be"));
            }
        }
        for what in broken {
            self.find(seat, Invariant::Bounded, what);
        }
        if late > 0 {
            let what = format!("{late} requests wait for longer than {ANSWERED_WITHIN} ms");
            self.find(seat, Invariant::Answered, what);
        }
    }

    /// What must hold after healing and quiet.
    pub(crate) fn check_end(&mut self) {
        let mut ends = BTreeMap::new();
        for seat in 0..self.nodes.len() {
            let Some(chain) = self.nodes[seat].chain() else {
                self.find(seat, Invariant::NoFault, "it does not run".into());
                continue;
            };
            let tip = *chain.importer.tip();
            let (root, committed) = (state_root(chain), committed_root(chain));
            let supply = check_supply(chain, tip.height.0);
            let lost = lost_events(chain, &self.nodes[seat].taken);
            let unmined = unmined_events(chain, &self.nodes[seat].taken);
            ends.insert(seat, (tip, root));
            if root != committed {
                let what = "the root of its state is not what its tip commits to".into();
                self.find(seat, Invariant::OneState, what);
            }
            self.check_network(seat);
            if let Err(what) = supply {
                self.find(seat, Invariant::Supply, what);
            }
            if lost > 0 {
                self.find(seat, Invariant::NoEventLost, format!("{lost} acknowledged events"));
            }
            if self.scenario.is_calm && !unmined.is_empty() {
                self.find(seat, Invariant::EventsMined, format!("{unmined:?}"));
            }
        }
        let best = ends.values().max_by_key(|(tip, _)| tip.total_work).copied();
        for (seat, (tip, root)) in ends {
            let Some((best_tip, best_root)) = best else { continue };
            if tip.hash != best_tip.hash {
                let what = format!(
                    "it is at {} {}, the best at {} {}",
                    tip.height, tip.hash, best_tip.height, best_tip.hash
                );
                self.find(seat, Invariant::OneTip, what);
            }
            if root != best_root {
                self.find(seat, Invariant::OneState, "its state differs".into());
            }
        }
        for (seat, what) in core::mem::take(&mut self.links.misuse) {
            if seat < self.nodes.len() {
                self.find(seat, Invariant::Contract, what);
            }
        }
    }
}

impl World {
    /// What a node's network must say of itself in the end.
    fn check_network(&mut self, seat: usize) {
        let (Some(at), Some(alive)) = (self.clock(seat), &self.nodes[seat].alive) else { return };
        let mut state = alive.chain.view(|view| alive.network.sync_state(at, view));
        state.syncing |= self.nodes[seat].plant == Some(Plant::Dreams);
        let bans = alive.network.known_peers(at).bans;
        for ban in bans {
            // Shorter ones are rests of those who did not answer in time.
            let is_rest = ban.until <= at.unix + 60;
            let peer = self.seat(&ban.node).filter(|peer| self.is_honest(*peer) && !is_rest);
            if let Some(peer) = peer {
                let what = format!("{peer} is banned in the end, until {}", ban.until);
                self.find(seat, Invariant::NoHonestBanned, what);
            }
        }
        if self.scenario.liars.is_empty() && (state.syncing || state.left > 0) {
            self.find(seat, Invariant::SaysSynced, format!("{state:?}"));
        }
    }
}

/// The state's root by its definition (docs/protocol.md §5.1), from the flat state alone.
fn state_root(chain: &Chain) -> [u8; 32] {
    let tag = Sha256::digest(b"blocktree/key");
    let mut leaves: Vec<([u8; 32], [u8; 32])> = Vec::new();
    let add = &mut |key: &[u8], value: &[u8]| {
        let path = sha256(&[&tag, &tag, key]);
        leaves.push((path, sha256(&[&[0], &path, &sha256(&[value])])));
        ControlFlow::Continue(())
    };
    chain.ledger.scan(Column::State, &[], add).expect("memory");
    leaves.sort_unstable();
    subtree(&leaves, 0)
}

fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    parts.iter().fold(Sha256::new(), |hasher, part| hasher.chain_update(part)).finalize().into()
}

fn subtree(leaves: &[([u8; 32], [u8; 32])], depth: usize) -> [u8; 32] {
    match leaves {
        [] => [0; 32],
        [(_, hash)] => *hash,
        _ => {
            let is_right = |path: &[u8; 32]| path[depth / 8] >> (7 - depth % 8) & 1 == 1;
            let middle = leaves.partition_point(|(path, _)| !is_right(path));
            let (left, right) = leaves.split_at(middle);
            sha256(&[&[1], &subtree(left, depth + 1), &subtree(right, depth + 1)])
        }
    }
}

fn committed_root(chain: &Chain) -> [u8; 32] {
    let reader = blocktree_import::ChainReader(&chain.ledger);
    let tip = reader.known_header(&chain.importer.tip().hash).expect("the tip is stored");
    tip.commitment.state_root.0
}

/// The pallets' own laws, and the sum that follows from the chainspec: 10 keys with 1,000,000 coins
/// each and 50 coins a block; transfers burn nothing, and fees go to miners.
fn check_supply(chain: &Chain, height: u64) -> Result<(), String> {
    const COIN: u64 = 100_000_000;
    let state = StateView(&chain.ledger);
    chain.rules.runtime.audit(&state).map_err(|error| error.to_string())?;
    let mut sum = Some(Amount::ZERO);
    pallet_coin::account::PRINCIPALS
        .scan(&state, &[], |_, account| {
            sum = sum
                .and_then(|sum| sum.checked_add(account.free))
                .and_then(|sum| sum.checked_add(account.held));
            ControlFlow::Continue(())
        })
        .map_err(|fault| fault.to_string())?;
    let expected = (10_000_000 + 50 * height) * COIN;
    match sum {
        Some(sum) if sum.units() == expected => Ok(()),
        other => Err(format!("{other:?} instead of {expected} base units")),
    }
}

/// Why acknowledged events are not in the chain; those aside whose own user sent another with the same
/// nonce.
fn unmined_events(chain: &Chain, taken: &[EventId]) -> Vec<String> {
    let pool = chain.pool();
    let unmined = taken.iter().filter(|id| !chain.has_mined(id));
    let why = |id| match pool.status(id) {
        Some(Status::Dropped(
            Dropped::Replaced { .. } | Dropped::NonceUsed { by: Some(_), .. },
        )) => None,
        Some(Status::Dropped(dropped)) => Some(dropped.to_string()),
        Some(Status::Waiting { progress, .. }) => Some(format!("{progress:?}")),
        None => Some("unknown".into()),
    };
    unmined.filter_map(why).collect()
}

fn lost_events(chain: &Chain, taken: &[EventId]) -> usize {
    let is_lost = |id: &&EventId| !chain.has_mined(id) && chain.pool().status(id).is_none();
    taken.iter().filter(is_lost).count()
}
