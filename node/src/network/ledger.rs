//! Peers from bindings on the ledger: whoever bound addresses to a principal told the world where its node
//! is.

use super::{Inbox, peer};
use blocktree_network::{Address, Input, NodeId, Source};
use blocktree_runtime::BlocktreeRuntime;
use blocktree_service::Chain;
use core::ops::ControlFlow;
use pallet_coin::account::PRINCIPALS;
use std::time::Duration;

/// How often bindings are looked at.
const EVERY: Duration = Duration::from_secs(600);
/// Before the first look: what is known otherwise comes first.
const FIRST: Duration = Duration::from_secs(20);
/// Accounts that are looked at each time, from any principal on.
const LOOKED_AT: usize = 5_000;
/// Addresses of a binding that are tried.
const TRIED: usize = 8;
/// The first byte of a compressed key whose point has even Y: node keys are such.
const EVEN_Y: u8 = 2;

/// Tells the network of nodes on the ledger, now and then. Ends with the network.
pub(crate) async fn watch(chain: Chain<BlocktreeRuntime>, inbox: Inbox) {
    tokio::time::sleep(FIRST).await;
    loop {
        let reader = chain.clone();
        let found = tokio::task::spawn_blocking(move || bound_nodes(&reader)).await;
        for (node, addresses) in found.unwrap_or_default() {
            if inbox.send(Input::Discovered { node, addresses, source: Source::Ledger }).is_err() {
                return;
            }
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Nodes with their addresses, from some of the accounts.
fn bound_nodes(chain: &Chain<BlocktreeRuntime>) -> Vec<(NodeId, Vec<Address>)> {
    let published = chain.published();
    let (state, height) = (published.state(), published.tip().height);
    let (mut found, mut seen) = (Vec::new(), 0_usize);
    let from = super::seed().to_le_bytes();
    let scanned = PRINCIPALS.scan(&state, &from, |_, account| {
        seen = seen.saturating_add(1);
        if let Some(binding) = account.binding.filter(|binding| binding.valid_until >= height) {
            let own = account.public_key.map(|key| {
                let mut bytes = [EVEN_Y; 33];
                bytes[1..].copy_from_slice(&key.0);
                NodeId(bytes)
            });
            let texts = binding.addresses.iter().take(TRIED);
            for text in texts.filter_map(|text| std::str::from_utf8(text).ok()) {
                // With a name, or that of the principal's own key.
                let named = peer(text).ok();
                let bare = || Some((own?, blocktree_p2p::parse_multiaddr(text).ok()?.1));
                found.extend(named.or_else(bare).map(|(node, address)| (node, vec![address])));
            }
        }
        if seen < LOOKED_AT { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    if let Err(fault) = scanned {
        tracing::warn!(%fault, "bindings can't be read");
    }
    found
}
